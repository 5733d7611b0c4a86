"""Getting at the bytes: plain files and gzip, streamed and never more than allowed.

Here: `Content`, something that can be opened again and again from its first byte, so that a reader
can look twice without anybody holding the unpacked bytes; the bounds on unpacking; what bad content
raises, turned into refusals. Nothing is ever written to disk. Not here: zips (`archive`) and what
the bytes mean.
"""

from __future__ import annotations

import errno
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from hotspot_pipeline.raw.reading.tables import ReadLimits, UnreadableFile

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_BUFFER_BYTES = 256 * 1024
DELIVER_AGAIN = "have the supplier deliver the file again"


@dataclass(frozen=True)
class Content:
    """Bytes with a name; every call of `open` starts at the first byte. `path` if it is a file."""

    source: str
    open: Callable[[], BinaryIO]
    path: Path | None = None

    def head(self, n_bytes: int) -> bytes:
        """The first `n_bytes`, or fewer where there are no more."""
        with self.open() as stream:
            return stream.read(n_bytes)

    def all_bytes(self) -> bytes:
        """Everything, for the formats that have to be read from their end."""
        with self.open() as stream:
            return stream.read()


@contextmanager
def refusing(source: str) -> Iterator[None]:
    """Turn whatever unpacking and reading raise on bad content into `UnreadableFile`."""
    try:
        yield
    except EOFError as error:
        raise UnreadableFile(
            source, "truncated", "it is cut off: the data stop before their end", DELIVER_AGAIN
        ) from error
    except (gzip.BadGzipFile, zipfile.BadZipFile, zlib.error, lzma.LZMAError) as error:
        raise UnreadableFile(
            source, "corrupt", f"the compressed data are damaged: {error}", DELIVER_AGAIN
        ) from error
    except NotImplementedError as error:
        raise UnreadableFile(
            source,
            "unsupported_compression",
            f"packed in a way this reader does not know: {error}",
            "have it packed as ordinary zip (deflate) or gzip",
        ) from error
    except OSError as error:
        if error.errno == errno.EINVAL:  # an archive that points outside itself
            raise UnreadableFile(
                source, "corrupt", "the archive's table of contents is damaged", DELIVER_AGAIN
            ) from error
        raise UnreadableFile(
            source,
            "os_error",
            f"the system could not read it: {error.strerror or type(error).__name__}",
            "check that the file is still there and that this user may read it",
        ) from error
    except MemoryError as error:
        raise UnreadableFile(
            source,
            "out_of_memory",
            "it does not fit into memory",
            "deliver it in smaller parts, or lower max_unpacked_bytes",
        ) from error


class _Metered(io.RawIOBase):
    """A decompressing stream that stops at the limits instead of filling memory or disk."""

    def __init__(
        self, inner: BinaryIO, source: str, limits: ReadLimits, packed: BinaryIO | None
    ) -> None:
        self._inner, self._source, self._limits, self._packed = inner, source, limits, packed
        self._n_unpacked = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        block = self._inner.read(len(memoryview(buffer)))
        memoryview(buffer)[: len(block)] = block
        self._n_unpacked += len(block)
        n_packed = self._packed.tell() if self._packed else None
        refuse_bombs(self._source, self._limits, self._n_unpacked, n_packed)
        return len(block)

    def close(self) -> None:
        if not self.closed:
            self._inner.close()
            if self._packed:
                self._packed.close()
        super().close()


def refuse_bombs(
    source: str, limits: ReadLimits, n_unpacked: int, n_packed: int | None = None
) -> None:
    """Raise `UnreadableFile` when so many unpacked bytes are more than the limits allow."""
    if n_unpacked > limits.max_unpacked_bytes:
        raise UnreadableFile(
            source,
            "unpacked_too_large",
            f"it unpacks to more than {limits.max_unpacked_bytes:,} bytes",
            "check the file; if it is honest, raise max_unpacked_bytes",
        )
    if n_packed is None or n_unpacked <= limits.ratio_above_bytes:
        return
    if n_unpacked > limits.max_ratio * max(n_packed, 1):
        raise UnreadableFile(
            source,
            "zip_bomb",
            f"it unpacks to more than {limits.max_ratio} times its packed size",
            "check where the file comes from; if it is honest, raise max_ratio",
        )


def plain(path: Path) -> Content:
    """A file as it lies on disk."""
    return Content(path.name, lambda: cast(BinaryIO, path.open("rb")), path)


def gunzipped(content: Content, limits: ReadLimits) -> Content:
    """What a gzip file holds (all its parts, if it has several)."""

    def open_unpacked() -> BinaryIO:
        packed = content.open()
        unpacking = cast(BinaryIO, gzip.GzipFile(fileobj=packed, mode="rb"))
        metered = _Metered(unpacking, content.source, limits, packed)
        return cast(BinaryIO, io.BufferedReader(metered, _BUFFER_BYTES))

    return Content(content.source, open_unpacked)
