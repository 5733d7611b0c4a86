"""What can go wrong while fetching.

Belongs here: the exceptions of this package. Not here: deciding which failure is which
(`transport.py`) and the wording for one archive (`police_uk.py`).
"""

from __future__ import annotations


class FetchError(RuntimeError):
    """A fetch that cannot be completed; the message names the URL or file and what to do next."""


class RefusedError(FetchError):
    """The server answered, and the answer was no (HTTP 4xx).

    `status` is the HTTP status code, for callers who can say more than the number does.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class DamagedError(FetchError):
    """The archive, or one member of it, is not what its own directory says it is."""


class TransientError(Exception):
    """A failure worth another try (5xx, timeout, dropped connection); never leaves this package.

    `retry_after_s` is the server's own wish in seconds, where it stated one.
    """

    def __init__(self, reason: str, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s
