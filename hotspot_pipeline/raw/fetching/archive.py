"""The zip of one release: which members it has, and one member out of it, checked.

Belongs here: reading the directory, finding a force's street files, extracting with size, CRC-32
and SHA-256. Not here: where the bytes come from (`remote_file.py`, `whole_download.py`) and
where the files go (`delivery.py`).

A member's name is only compared, never used as a path.
"""

from __future__ import annotations

import hashlib
import os
import re
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from hotspot_pipeline.raw.fetching.errors import DamagedError, FetchError
from hotspot_pipeline.raw.fetching.remote_file import RangeReader

# The largest street file seen, a month of London, is some 25 MB.
MAX_MEMBER_BYTES = 512 * 1024 * 1024
BLOCK_BYTES = 256 * 1024

# A mirror may have packed the files into another folder; names like "../x" are not of this archive.
_STREET_MEMBER = re.compile(
    r"(?:[A-Za-z0-9_-]+/)*"
    r"(?P<month>[0-9]{4}-(?:0[1-9]|1[0-2]))-(?P<force>[a-z]+(?:-[a-z]+)*)-street\.csv"
)


@dataclass(frozen=True)
class Fingerprint:
    """What identifies the content of a file: length in bytes, CRC-32, SHA-256 in hex."""

    n_bytes: int
    crc32: int
    sha256: str


def street_file_name(month: str, force: str) -> str:
    """The publisher's name of a force's street file."""
    return f"{month}-{force}-street.csv"


class Archive:
    """An opened release; `source` is the address used in messages."""

    def __init__(self, file: IO[bytes] | RangeReader, source: str) -> None:
        self._reader = file if isinstance(file, RangeReader) else None
        self._source = source
        try:
            self._zip = zipfile.ZipFile(cast(IO[bytes], file))
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
            raise DamagedError(
                f"{source}: not a readable zip ({error}). If the address is right, the archive is "
                "damaged or still being published: try again later or name another --release."
            ) from error
        self._members: dict[tuple[str, str], list[zipfile.ZipInfo]] = {}
        for info in self._zip.infolist():
            if match := _STREET_MEMBER.fullmatch(info.filename):
                self._members.setdefault((match["month"], match["force"]), []).append(info)

    @property
    def months(self) -> list[str]:
        """The months with a street file of any force."""
        return sorted({month for month, _ in self._members})

    @property
    def forces(self) -> list[str]:
        """The forces with a street file in any month."""
        return sorted({force for _, force in self._members})

    def member(self, month: str, force: str) -> zipfile.ZipInfo | None:
        """The street file of this force and month; None where the release has none."""
        found = self._members.get((month, force), [])
        if len(found) > 1:
            raise FetchError(
                f"{self._source}: {len(found)} members are called {street_file_name(month, force)} "
                f"({', '.join(repr(info.filename) for info in found)}); which one counts cannot be "
                "told. Use another release or mirror."
            )
        return found[0] if found else None

    def extract(
        self, info: zipfile.ZipInfo, target: Path, on_bytes: Callable[[int], None]
    ) -> Fingerprint:
        """Write one member to `target`, flushed to disk; nothing is left there on failure.

        `on_bytes` counts compressed bytes as they arrive. FetchError when length or CRC-32 differ
        from the zip's directory, or the member cannot be read.
        """
        if info.file_size > MAX_MEMBER_BYTES:
            raise FetchError(
                f"{self._source}, member {info.filename!r}: claims {info.file_size:,} bytes "
                f"unpacked; a street file has at most {MAX_MEMBER_BYTES:,}. It was not unpacked."
            )
        if self._reader is not None:
            self._reader.expect(self._region_stop(info), on_bytes)
        try:
            if info.flag_bits & 0x1:
                raise zipfile.BadZipFile("it is encrypted")
            found = self._unpack(info, target)
            if (found.n_bytes, found.crc32) != (info.file_size, info.CRC):
                raise zipfile.BadZipFile(
                    f"{found.n_bytes} bytes with CRC-32 {found.crc32:08x} instead of "
                    f"{info.file_size} with {info.CRC:08x}"
                )
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            target.unlink(missing_ok=True)
            raise DamagedError(
                f"{self._source}, member {info.filename!r}: damaged or unreadable ({error}). "
                "Nothing was kept of it. Run the same command again; if it stays so, the archive "
                "itself is damaged: leave this month out or name another --release."
            ) from error
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        if self._reader is None:
            on_bytes(info.compress_size)
        return found

    def _unpack(self, info: zipfile.ZipInfo, target: Path) -> Fingerprint:
        n_bytes, crc32, sha256 = 0, 0, hashlib.sha256()
        with self._zip.open(info) as member, target.open("wb") as output:
            while block := member.read(BLOCK_BYTES):
                output.write(block)
                n_bytes += len(block)
                crc32 = zlib.crc32(block, crc32)
                sha256.update(block)
            output.flush()
            os.fsync(output.fileno())
        return Fingerprint(n_bytes, crc32, sha256.hexdigest())

    def _region_stop(self, info: zipfile.ZipInfo) -> int:
        """Where the bytes of this member end at the latest.

        Its local header repeats the name and has extra fields of its own length, so the exact end
        is known only after reading it; the next member's start is as good, and the header's
        greatest possible length a bound where members do not lie side by side.
        """
        bound = info.header_offset + 30 + 2 * 65_535 + info.compress_size + 24
        later = [
            other.header_offset
            for other in self._zip.infolist()
            if other.header_offset > info.header_offset
        ]
        return min([bound, self._zip.start_dir, *later])


def fingerprint(path: Path) -> Fingerprint | None:
    """Length, CRC-32 and SHA-256 of a file on disk; None where there is no such file."""
    n_bytes, crc32, sha256 = 0, 0, hashlib.sha256()
    try:
        with path.open("rb") as source:
            while block := source.read(1024 * 1024):
                n_bytes += len(block)
                crc32 = zlib.crc32(block, crc32)
                sha256.update(block)
    except FileNotFoundError:
        return None
    return Fingerprint(n_bytes, crc32, sha256.hexdigest())
