"""Physical lines of a byte stream, each with its number, never more than a limit in memory.

Here: cutting at LF, CRLF and lone CR, and looking ahead. Not here: quotes and fields (`records`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import BinaryIO

_BLOCK_BYTES = 1024**2


def physical_lines(stream: BinaryIO, max_line_bytes: int) -> Iterator[bytes | None]:
    """Each line with its line end, or None for a line longer than `max_line_bytes`.

    The rest of a line that is too long is read past, not kept.
    """
    unfinished = b""
    is_dropping = False
    while block := stream.read(_BLOCK_BYTES):
        pieces = (unfinished + block).splitlines(keepends=True)
        # A CR at the end of a block may be half of a CRLF, so only LF finishes the last piece.
        unfinished = b"" if pieces[-1].endswith(b"\n") else pieces.pop()
        for piece in pieces:
            yield None if is_dropping or len(piece) > max_line_bytes else piece
            is_dropping = False
        if is_dropping or len(unfinished) > max_line_bytes:
            is_dropping = True
            unfinished = unfinished[-1:] if unfinished.endswith(b"\r") else b""
    if is_dropping:
        yield None
    elif unfinished:
        yield unfinished


class LineBuffer:
    """Lines taken one by one, with a look at those that follow.

    `line`: number of the line last taken. `n_bytes`: bytes of the lines taken so far, as long as
    none of them was too long.
    """

    def __init__(self, stream: BinaryIO, max_line_bytes: int, first_line: int = 1) -> None:
        self._lines = physical_lines(stream, max_line_bytes)
        self._ahead: deque[bytes | None] = deque()
        self.line = first_line - 1
        self.n_bytes = 0

    def __iter__(self) -> Iterator[bytes | None]:
        return self

    def __next__(self) -> bytes | None:
        raw = self._ahead.popleft() if self._ahead else next(self._lines)
        self.line += 1
        self.n_bytes += len(raw) if raw else 0
        return raw

    def peek(self, index: int) -> bytes | None:
        """The line `index` places ahead; None when it is too long or the stream has ended."""
        while len(self._ahead) <= index:
            try:
                self._ahead.append(next(self._lines))
            except StopIteration:
                return None
        return self._ahead[index]

    def skip(self, n_lines: int) -> None:
        """Take `n_lines` lines that were looked at."""
        for _ in range(n_lines):
            next(self)
