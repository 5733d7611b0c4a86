"""Telling how far a transfer has come.

Belongs here: from bytes arriving to calls of the caller's progress function. Not here: drawing a
progress bar (the command line).
"""

from __future__ import annotations

from collections.abc import Callable

# What is being transferred, bytes so far, bytes in all (None where not known).
ProgressCallback = Callable[[str, int, int | None], None]


class ProgressCounter:
    """Feeds the progress callback for one item: bytes arrive one by one, it wants the sum."""

    def __init__(self, progress: ProgressCallback, what: str, n_total: int | None) -> None:
        self._progress, self._what, self._n_total = progress, what, n_total
        self._n_done = 0

    def add(self, n_bytes: int) -> None:
        """More bytes have arrived. A member's header is not part of its size, hence the cap."""
        self._n_done += n_bytes
        n_done = self._n_done if self._n_total is None else min(self._n_done, self._n_total)
        self._progress(self._what, n_done, self._n_total)

    def end(self) -> None:
        """The item is complete."""
        n_total = self._n_done if self._n_total is None else self._n_total
        self._progress(self._what, n_total, n_total)
