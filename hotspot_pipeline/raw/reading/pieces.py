"""Large files piece by piece: tables of bounded size, one after another, with the line numbers of the whole file.

Here: where a file may be cut. Not here: reading a piece (`read`, `csv_file`, `parquet_file`), what its columns mean.

Parquet comes in batches of rows. Text is cut at line ends between records: where the quotes before it are even in number, no
quoted field is open. Where they are never even over several pieces, some quote is a stray one, and any line end will do.
XLSX and text in UTF-16 are read whole; neither comes in millions of rows.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import polars as pl

from hotspot_pipeline.raw.reading.archive import is_workbook, opened_zip, zip_members
from hotspot_pipeline.raw.reading.csv_file import CsvRules, read_csv
from hotspot_pipeline.raw.reading.kinds import HEAD_BYTES, byte_order_mark, kind_of
from hotspot_pipeline.raw.reading.parquet_file import parquet_batches
from hotspot_pipeline.raw.reading.read import DEFAULT_LIMITS, identity, read_file
from hotspot_pipeline.raw.reading.tables import (
    LINE_COLUMN,
    ReadLimits,
    SourceTable,
    UnreadableFile,
    no_bad_lines,
)
from hotspot_pipeline.raw.reading.unpacking import Content, gunzipped, plain, refusing

PIECE_BYTES = 32 * 1024**2
_STRAY_AFTER = 4
_LF, _QUOTE = ord("\n"), ord('"')


def read_pieces(
    path: Path,
    *,
    columns_expected: Collection[str] = (),
    delimiter: str | None = ",",
    encodings: Sequence[str] = ("utf-8", "windows-1252"),
    limits: ReadLimits = DEFAULT_LIMITS,
    sheet: str | None = None,
    members: Callable[[str], bool] | None = None,
    piece_bytes: int = PIECE_BYTES,
) -> Iterator[SourceTable | UnreadableFile]:
    """The tables of `read_file`, each in pieces; several pieces of one source follow each other under its name.

    What was read of a source may be followed by an `UnreadableFile` of the same source: then nothing of it may be used.
    """
    rules = CsvRules(columns_expected, delimiter, tuple(encodings), limits)
    try:
        with refusing(path.name):
            before = os.stat(path)
            content = plain(path)
            kind = kind_of(path.name, content.head(HEAD_BYTES))
            is_book = False
            if kind == "zip":
                with opened_zip(path) as archive:
                    is_book = is_workbook(archive)
                    if not is_book:
                        for member in zip_members(path, archive, limits, members):
                            if isinstance(member, UnreadableFile):
                                yield member
                            else:
                                with refusing(member.source):
                                    yield from _pieces(member, rules, piece_bytes)
            else:
                yield from _pieces(content, rules, piece_bytes)
            after = os.stat(path)
    except UnreadableFile as refusal:
        yield refusal
        return
    if is_book:
        yield from read_file(
            path, columns_expected=columns_expected, sheet=sheet, limits=limits, encodings=encodings
        )
    elif identity(before) != identity(after):
        yield UnreadableFile(
            path.name,
            "changed_while_reading",
            "the file changed while it was being read",
            "wait until the delivery is complete; it is read again on the next run",
        )


def _pieces(
    content: Content, rules: CsvRules, piece_bytes: int, *, is_unpacked: bool = False
) -> Iterator[SourceTable]:
    head = content.head(HEAD_BYTES)
    kind = kind_of(content.source, head)
    if kind == "gzip" and not is_unpacked:
        unpacked = gunzipped(content, rules.limits)
        yield from _pieces(unpacked, rules, piece_bytes, is_unpacked=True)
    elif kind == "parquet":
        yield from _parquet_pieces(content, rules.limits)
    elif kind == "text":
        yield from _text_pieces(content, head, rules, piece_bytes)
    else:
        raise UnreadableFile(
            content.source,
            "nested_archive",
            "it is an archive inside an archive",
            "have the files packed once",
        )


def _parquet_pieces(content: Content, limits: ReadLimits) -> Iterator[SourceTable]:
    first = 2
    for frame in parquet_batches(content, limits):
        lines = pl.int_range(first, first + frame.height, dtype=pl.Int64, eager=True)
        first += frame.height
        yield SourceTable(
            content.source,
            frame.with_columns(lines.alias(LINE_COLUMN)),
            no_bad_lines(),
            "utf-8",
            None,
            frame.height,
        )


def _text_pieces(
    content: Content, head: bytes, rules: CsvRules, piece_bytes: int
) -> Iterator[SourceTable]:
    mark = byte_order_mark(head)
    if mark and mark.codec:
        yield read_csv(content, head, rules)
        return
    header = b""
    n_lines_before = 0
    with content.open() as stream:
        for block in _whole_records(stream, piece_bytes):
            if not header:
                header = _header_of(block)
                text, n_extra = block, 0
            else:
                text, n_extra = header + block, _n_lines(header)
            table = read_csv(_in_memory(content.source, text), text[:HEAD_BYTES], rules)
            yield _moved(table, n_lines_before - n_extra)
            n_lines_before += _n_lines(block)


def _whole_records(stream: BinaryIO, piece_bytes: int) -> Iterator[bytes]:
    """The bytes in blocks that end at a line end outside quotes."""
    rest = b""
    while block := stream.read(piece_bytes):
        rest += block
        cut = _last_record_end(rest, may_be_quoted=len(rest) > _STRAY_AFTER * piece_bytes)
        if cut:
            yield rest[:cut]
            rest = rest[cut:]
    if rest:
        yield rest


def _last_record_end(block: bytes, *, may_be_quoted: bool) -> int:
    """Behind the last line end that has an even number of quotes before it; 0 where there is none."""
    text = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(text == _LF) + 1
    if not may_be_quoted:
        ends = ends[np.searchsorted(np.flatnonzero(text == _QUOTE), ends) % 2 == 0]
    return int(ends[-1]) if len(ends) else 0


def _header_of(block: bytes) -> bytes:
    """The lines up to the end of the first record that is not empty."""
    end = 0
    while True:
        found = block.find(b"\n", end) + 1
        if not found:
            return block
        is_empty = not block[:found].strip(b"\xef\xbb\xbf \r\n\t")
        if not is_empty and block.count(b'"', 0, found) % 2 == 0:
            return block[:found]
        end = found


def _n_lines(block: bytes) -> int:
    n_lf, n_crlf, n_cr = block.count(b"\n"), block.count(b"\r\n"), block.count(b"\r")
    return n_lf + n_cr - n_crlf


def _in_memory(source: str, text: bytes) -> Content:
    return Content(source, lambda: cast(BinaryIO, BytesIO(text)))


def _moved(table: SourceTable, n_lines: int) -> SourceTable:
    """The table with line numbers of the whole file."""
    if not n_lines:
        return table
    return replace(
        table,
        frame=table.frame.with_columns(pl.col(LINE_COLUMN) + n_lines),
        bad_lines=table.bad_lines.with_columns(pl.col("line") + n_lines),
    )
