"""A file on a server, read in pieces.

Belongs here: finding out whether a server serves byte ranges, reading one range with retries, and
a seekable file object over such ranges (what `zipfile` needs). Not here: single requests
(`transport.py`) and downloading a file whole (`whole_download.py`).
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message

from hotspot_pipeline.raw.fetching.errors import (
    DamagedError,
    FetchError,
    RefusedError,
    TransientError,
)
from hotspot_pipeline.raw.fetching.transport import Transport, shown

READ_AHEAD_BYTES = 4 * 1024 * 1024
# The longest comment a zip may end with, its end record, and the two Zip64 records before that:
# with this much of the tail in memory, finding the directory costs one request.
TAIL_BYTES = 65_536 + 22 + 20 + 56
# A directory of 5,000 members is half a megabyte. A damaged length must not fetch gigabytes.
MAX_READ_BYTES = 64 * 1024 * 1024

_CONTENT_RANGE = re.compile(r"bytes ([0-9]+)-([0-9]+)/([0-9]+)")


@dataclass(frozen=True)
class RemoteFile:
    """What the server told about a file. `n_bytes` is None where it told no length."""

    url: str
    final_url: str
    n_bytes: int | None
    etag: str | None
    last_modified: str | None
    has_ranges: bool

    def is_same_version(self, headers: Message, n_bytes: int | None) -> bool:
        """Whether an answer with these headers is about the same version of the file."""
        etag, modified = headers.get("ETag"), headers.get("Last-Modified")
        if self.n_bytes != n_bytes or (self.etag and etag and self.etag != etag):
            return False
        return not (self.last_modified and modified and self.last_modified != modified)


def content_range(headers: Message) -> tuple[int, int, int] | None:
    """Start, stop (exclusive) and whole length from Content-Range; None where it says less."""
    match = _CONTENT_RANGE.fullmatch((headers.get("Content-Range") or "").strip())
    if match is None:
        return None
    first, last, n_bytes = (int(group) for group in match.groups())
    return first, last + 1, n_bytes


def content_length(headers: Message) -> int | None:
    """Content-Length, or None."""
    value = (headers.get("Content-Length") or "").strip()
    return int(value) if value.isdecimal() else None


def probe(transport: Transport, url: str) -> RemoteFile:
    """Ask for the first byte: the answer tells the final address, the length and whether
    ranges are served. (HEAD would say the same, but more proxies get it wrong.)"""
    retries = transport.retries(url)
    while True:
        try:
            with transport.open(url, 0, 1) as answer:
                headers = answer.headers
                if headers.get_content_type() == "text/html":
                    raise FetchError(
                        f"{shown(answer.url)}: a web page came back instead of the zip, perhaps a "
                        "proxy's notice or a sign-in page. Open the address in a browser to see."
                    )
                span = content_range(headers) if answer.status == 206 else None
                if span is not None and span[:2] == (0, 1):
                    for _ in transport.chunks(answer, 1):
                        pass
                else:
                    span = None
                return RemoteFile(
                    url=url,
                    final_url=answer.url,
                    n_bytes=span[2] if span else content_length(headers),
                    etag=headers.get("ETag"),
                    last_modified=headers.get("Last-Modified"),
                    has_ranges=span is not None,
                )
        except TransientError as failure:
            retries.wait(failure)


def read_range(
    transport: Transport,
    remote: RemoteFile,
    start: int,
    stop: int,
    on_bytes: Callable[[int], None] | None = None,
) -> bytes:
    """Bytes [start, stop) of the file. A dropped connection is taken up where it broke.

    Raises FetchError when the file changes meanwhile or the retries are used up.
    """
    body = bytearray()
    url = remote.final_url
    retries = transport.retries(url)
    while len(body) < stop - start:
        n_before = len(body)
        try:
            with transport.open(url, start + n_before, stop) as answer:
                span = content_range(answer.headers) if answer.status == 206 else None
                if span is None or not remote.is_same_version(answer.headers, span[2]):
                    raise FetchError(
                        f"{shown(remote.final_url)}: the file changed, or stopped being served in "
                        "parts, while it was read. Run the same command again."
                    )
                if span[0] != start + n_before:
                    raise TransientError(f"asked for byte {start + n_before}, got {span[0]}")
                n_promised = min(span[1], stop) - span[0]
                for chunk in transport.chunks(answer, n_promised):
                    body += chunk
                    if on_bytes is not None:
                        on_bytes(len(chunk))
            if len(body) == n_before or len(body) - n_before < n_promised:
                raise TransientError(
                    f"the connection ended after {len(body)} of {stop - start} bytes"
                )
        except RefusedError:
            # A signed address runs out; the one it came from hands out a new one.
            if url == remote.url:
                raise
            url = remote.url
        except TransientError as failure:
            retries.wait(failure, len(body) - n_before)
    return bytes(body)


class RangeReader(io.RawIOBase):
    """A read-only, seekable file over byte ranges, for `zipfile`.

    Reads inside a window given by `expect` are served from read-ahead that stops at the window's
    end, so that a member costs one request and nothing beside it is fetched.
    """

    def __init__(
        self,
        transport: Transport,
        remote: RemoteFile,
        on_bytes: Callable[[int], None] | None = None,
    ) -> None:
        super().__init__()
        if remote.n_bytes is None:
            raise FetchError(f"{shown(remote.final_url)}: the server does not tell the length.")
        self._transport = transport
        self._remote = remote
        self._n_bytes = remote.n_bytes
        self._position = 0
        self._window_stop = 0
        self._on_bytes = on_bytes
        self._block_start, self._block = 0, b""
        self._tail_start = max(self._n_bytes - TAIL_BYTES, 0)
        self._tail: bytes | None = None

    def expect(self, stop: int, on_bytes: Callable[[int], None] | None = None) -> None:
        """Announce that everything up to byte `stop` will be read; count it to `on_bytes`."""
        self._window_stop = min(stop, self._n_bytes)
        self._on_bytes = on_bytes

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """The next byte to be read."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move; nothing is fetched by it."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._n_bytes}[whence]
        if base + offset < 0:
            raise OSError(f"seek to {base + offset}: before the start of the file")
        self._position = base + offset
        return self._position

    def read(self, size: int = -1, /) -> bytes:
        """`size` bytes (all the rest if negative), fewer only at the end of the file."""
        start = min(self._position, self._n_bytes)
        stop = self._n_bytes if size < 0 else min(start + size, self._n_bytes)
        if stop - start > MAX_READ_BYTES:
            raise DamagedError(
                f"{shown(self._remote.final_url)}: its directory claims {stop - start:,} bytes in "
                "one piece; the archive is damaged. Try another release or mirror."
            )
        data = self._read_span(start, stop)
        self._position += len(data)
        return data

    def _read_span(self, start: int, stop: int) -> bytes:
        if start >= stop:
            return b""
        if start >= self._block_start and stop <= self._block_start + len(self._block):
            return self._block[start - self._block_start : stop - self._block_start]
        is_directory = self._window_stop <= start
        if stop > self._tail_start and (is_directory or start >= self._tail_start):
            if self._tail is None:
                self._tail = self._fetch(self._tail_start, self._n_bytes)
            tail = self._tail[max(start - self._tail_start, 0) : stop - self._tail_start]
            return self._read_span(start, min(stop, self._tail_start)) + tail
        # What the block already holds of this span is kept, not fetched a second time.
        kept = b""
        if self._block_start <= start < self._block_start + len(self._block):
            kept = self._block[start - self._block_start :]
        ahead = min(start + READ_AHEAD_BYTES, self._window_stop)
        self._block = kept + self._fetch(start + len(kept), max(stop, ahead))
        self._block_start = start
        return self._block[: stop - start]

    def _fetch(self, start: int, stop: int) -> bytes:
        return read_range(self._transport, self._remote, start, stop, self._on_bytes)
