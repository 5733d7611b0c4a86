"""One HTTP request at a time: proxies, TLS, redirects, and which failures deserve another try.

Belongs here: sending a request, judging the answer, waiting before the next try. Not here: what
the bytes mean (`remote_file.py`, `archive.py`).

Built on urllib rather than on requests: it takes proxies from the environment and trusts what the
machine trusts (requests brings its own list of authorities, so the certificate of an internal
mirror or an inspecting proxy would need to be set up a second time), it does not undo content
encodings behind one's back, and the project gains no dependency. What requests would add,
kept-alive connections, saves little over a dozen requests.
"""

from __future__ import annotations

import http.client
import random
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, cast
from urllib.parse import urlsplit, urlunsplit

from hotspot_pipeline import __version__
from hotspot_pipeline.raw.fetching.errors import FetchError, RefusedError, TransientError

CHUNK_BYTES = 64 * 1024
MAX_DELAY_S = 60.0
# A long download may lose its connection more often than `max_retries` times; what counts is
# failures in a row without this much progress between them.
PROGRESS_BYTES = 1024 * 1024
_RETRIED_4XX = frozenset({408, 425, 429})


def shown(url: str) -> str:
    """The URL without its query: object stores put signatures there, which belong in no log."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))


@dataclass(frozen=True)
class RetryPolicy:
    """How long to wait for one answer and how often to try again; all times in seconds."""

    timeout_s: float = 60.0
    max_retries: int = 5
    backoff_s: float = 1.0

    def __post_init__(self) -> None:
        if self.timeout_s <= 0 or self.max_retries < 0 or self.backoff_s < 0:
            raise FetchError(
                f"timeout {self.timeout_s} s, {self.max_retries} retries, backoff "
                f"{self.backoff_s} s: the timeout must be above zero, the others not below."
            )


class SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects within http and https, and never from https down to http."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """The request to send instead; FetchError where following would be unsafe."""
        old, new = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        if new not in ("http", "https") or (old == "https" and new == "http"):
            raise FetchError(
                f"{shown(req.full_url)} redirects to {shown(newurl)}: only http and https are "
                "followed, and never from https to http. Ask whoever runs this server or proxy, "
                "or give another base URL."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class Retries:
    """Counts the failures of one download and waits longer after each."""

    def __init__(self, url: str, policy: RetryPolicy, sleep: Callable[[float], None]) -> None:
        self._url = url
        self._policy = policy
        self._sleep = sleep
        self._n_failures = 0

    def wait(self, failure: TransientError, n_bytes_gained: int = 0) -> None:
        """Sleep before the next try, or raise FetchError when there have been enough."""
        if n_bytes_gained >= PROGRESS_BYTES:
            self._n_failures = 0
        self._n_failures += 1
        if self._n_failures > self._policy.max_retries:
            tries = "1 try" if self._n_failures == 1 else f"{self._n_failures} tries"
            raise FetchError(
                f"{shown(self._url)}: gave up after {tries}; the last failure: "
                f"{failure}. Check that this machine reaches {urlsplit(self._url).hostname} "
                "(a proxy is taken from HTTPS_PROXY and HTTP_PROXY), then run the same command "
                "again: files already complete are kept."
            ) from failure
        delay_s = self._policy.backoff_s * 2.0 ** (self._n_failures - 1)
        delay_s *= 1.0 + 0.25 * random.random()  # many machines must not come back in step
        self._sleep(min(max(delay_s, failure.retry_after_s or 0.0), MAX_DELAY_S))


class Transport:
    """Sends requests and counts the body bytes that came back in `n_bytes_downloaded`."""

    def __init__(self, policy: RetryPolicy, sleep: Callable[[float], None] = time.sleep) -> None:
        self.policy = policy
        self.n_bytes_downloaded = 0
        self._sleep = sleep
        # Assembled by hand: the usual opener also reads file:, ftp: and data: addresses.
        self._opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(context=ssl.create_default_context()),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPErrorProcessor(),
            urllib.request.UnknownHandler(),
            SafeRedirects(),
        ):
            self._opener.add_handler(handler)

    def retries(self, url: str) -> Retries:
        """A fresh count of failures for one download."""
        return Retries(url, self.policy, self._sleep)

    @contextmanager
    def open(
        self, url: str, start: int = 0, stop: int | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        """GET bytes [start, stop) of `url` (all of it for 0, None); the answer is 200 or 206.

        Raises TransientError where another try may help, RefusedError for a 4xx, FetchError for
        everything else.
        """
        headers = {
            "User-Agent": f"hotspot-pipeline/{__version__}",
            # A compressed body would make byte ranges meaningless.
            "Accept-Encoding": "identity",
        }
        if start or stop is not None:
            headers["Range"] = f"bytes={start}-{'' if stop is None else stop - 1}"
        request = urllib.request.Request(url, headers=headers)
        try:
            answer = self._opener.open(request, timeout=self.policy.timeout_s)
        except urllib.error.HTTPError as error:
            with error:
                raise _refusal(url, error) from error
        except (OSError, http.client.HTTPException) as error:
            raise _failure(url, error) from error
        with cast(http.client.HTTPResponse, answer) as response:
            encoding = response.headers.get("Content-Encoding", "identity")
            if response.status not in (200, 206) or encoding.lower() != "identity":
                raise FetchError(
                    f"{shown(url)}: answered HTTP {response.status} with content encoding "
                    f"{encoding!r}; a plain file was asked for. Try another mirror or proxy."
                )
            yield response

    def chunks(self, response: http.client.HTTPResponse, n_bytes: int | None) -> Iterator[bytes]:
        """The body piece by piece, at most `n_bytes` of it; ends early if the server does."""
        n_left = n_bytes
        while n_left is None or n_left > 0:
            n_asked = CHUNK_BYTES if n_left is None else min(CHUNK_BYTES, n_left)
            try:
                chunk = response.read1(n_asked)
            except (OSError, http.client.HTTPException) as error:
                raise TransientError(f"the connection broke ({error!r})") from error
            if not chunk:
                return
            self.n_bytes_downloaded += len(chunk)
            if n_left is not None:
                n_left -= len(chunk)
            yield chunk


def _refusal(url: str, error: urllib.error.HTTPError) -> Exception:
    """What an HTTP error status means for us."""
    if error.code >= 500 or error.code in _RETRIED_4XX:
        wish = (error.headers.get("Retry-After") or "").strip()
        return TransientError(
            f"HTTP {error.code} {error.reason}", float(wish) if wish.isdecimal() else None
        )
    if error.code == 407:
        return FetchError(
            f"{shown(url)}: the proxy asks for a user name and password (HTTP 407). Put them into "
            "HTTPS_PROXY and HTTP_PROXY as http://user:password@proxy:port."
        )
    if error.code < 400:
        return FetchError(
            f"{shown(url)}: redirects in a circle or to nowhere (HTTP {error.code}). "
            "Give another base URL."
        )
    return RefusedError(
        f"{shown(url)}: the server refuses (HTTP {error.code} {error.reason}).", error.code
    )


def _failure(url: str, error: Exception) -> Exception:
    """What a failure below HTTP means for us: wrong for good, or worth another try."""
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return FetchError(
            f"{shown(url)}: the certificate is not trusted ({reason.verify_message}). If this is "
            "an internal mirror or an inspecting proxy, put its authority's certificate into a "
            "file and name the file in SSL_CERT_FILE; checking is never switched off."
        )
    if isinstance(error, http.client.InvalidURL):
        return FetchError(f"{shown(url)}: {error}. Give another base URL.")
    if str(reason).startswith("Tunnel connection failed: 4"):
        return FetchError(
            f"{shown(url)}: the proxy refuses to connect ({reason}). Check HTTPS_PROXY, and that "
            f"the proxy lets this machine reach {urlsplit(url).hostname}."
        )
    if isinstance(reason, TimeoutError):
        return TransientError("no answer in time")
    return TransientError(str(reason) or repr(reason))
