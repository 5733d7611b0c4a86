"""The door of this package: one delivered file in, its tables or the reasons why not out.

Here: which reader gets which content. Not here: finding files, hashing, archiving them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hotspot_pipeline.raw.reading.archive import (
    is_workbook,
    looks_like_workbook,
    opened_zip,
    zip_members,
)
from hotspot_pipeline.raw.reading.csv_file import CsvRules, read_csv
from hotspot_pipeline.raw.reading.encoding import refuse_unusable_encodings
from hotspot_pipeline.raw.reading.kinds import HEAD_BYTES, kind_of
from hotspot_pipeline.raw.reading.parquet_file import read_parquet
from hotspot_pipeline.raw.reading.tables import ReadLimits, SourceTable, UnreadableFile
from hotspot_pipeline.raw.reading.unpacking import Content, gunzipped, plain, refusing
from hotspot_pipeline.raw.reading.xlsx_file import read_xlsx

DEFAULT_LIMITS = ReadLimits()


def read_file(
    path: Path,
    *,
    columns_expected: Collection[str] = (),
    delimiter: str | None = ",",
    encodings: Sequence[str] = ("utf-8", "windows-1252"),
    limits: ReadLimits = DEFAULT_LIMITS,
    sheet: str | None = None,
    members: Callable[[str], bool] | None = None,
) -> list[SourceTable | UnreadableFile]:
    """Read a delivered CSV, Parquet or XLSX file, also gzipped, or a zip of such files.

    The kind is told from the content, not from the name. A zip gives an item for each of its
    members that `members` accepts (all if None), in its order; any other file gives one item.

    `columns_expected`: names or aliases, used only to notice a wrong delimiter. `delimiter`: one
    character, or None to take the one that fits the header best. `encodings`: tried in this order
    for text without a byte order mark; UTF-8 and UTF-16 with one are always read. `sheet`: the
    sheet of an XLSX, the first if None.

    Bad content, a file that vanishes, grows while it is read or may not be opened: none of it
    raises, each becomes an `UnreadableFile` item beside what could be read. Raises ValueError for
    a delimiter or an encoding that no contract can mean.
    """
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n\0'):
        raise ValueError(f"delimiter {delimiter!r} cannot be used: give one character, or None")
    refuse_unusable_encodings(encodings)
    reading = _Reading(CsvRules(columns_expected, delimiter, tuple(encodings), limits), sheet)
    try:
        with refusing(path.name):
            before = os.stat(path)
            if not stat.S_ISREG(before.st_mode):
                raise UnreadableFile(
                    path.name,
                    "not_a_file",
                    "it is a folder, a pipe or a device, not a file",
                    "put the delivered files themselves into the landing folder",
                )
            items = list(reading.file(path, members))
            after = os.stat(path)
    except UnreadableFile as refusal:
        return [refusal]
    if identity(before) != identity(after):
        return [
            UnreadableFile(
                path.name,
                "changed_while_reading",
                "the file changed while it was being read",
                "wait until the delivery is complete; it is read again on the next run",
            )
        ]
    return items


def identity(status: os.stat_result) -> tuple[int, int, int]:
    return (status.st_ino, status.st_size, status.st_mtime_ns)


@dataclass(frozen=True)
class _Reading:
    rules: CsvRules
    sheet: str | None

    def file(
        self, path: Path, members: Callable[[str], bool] | None
    ) -> Iterator[SourceTable | UnreadableFile]:
        content = plain(path)
        if kind_of(path.name, content.head(HEAD_BYTES)) != "zip":
            yield self.one(content)
            return
        with opened_zip(path) as archive:
            if is_workbook(archive):
                yield read_xlsx(content, self.sheet, self.rules.limits)
                return
            for member in zip_members(path, archive, self.rules.limits, members):
                if isinstance(member, UnreadableFile):
                    yield member
                    continue
                try:
                    with refusing(member.source):
                        table = self.one(member)
                    yield table
                except UnreadableFile as refusal:
                    yield refusal

    def one(self, content: Content, *, is_unpacked: bool = False) -> SourceTable:
        """The table in anything but an archive of several files."""
        limits = self.rules.limits
        head = content.head(HEAD_BYTES)
        kind = kind_of(content.source, head)
        if kind == "text":
            return read_csv(content, head, self.rules)
        if kind == "parquet":
            return read_parquet(content, limits)
        if kind == "gzip" and not is_unpacked:
            return self.one(gunzipped(content, limits), is_unpacked=True)
        if kind == "zip" and looks_like_workbook(head):
            return read_xlsx(content, self.sheet, limits)
        raise UnreadableFile(
            content.source,
            "nested_archive",
            "it is an archive inside an archive",
            "have the files packed once",
        )
