"""One delimited text, from its bytes to a table: encoding, header, then the quickest safe path.

Here: the order of those steps. Not here: the steps (`encoding`, `header`, `csv_fast`, `records`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from hotspot_pipeline.raw.reading import csv_fast
from hotspot_pipeline.raw.reading.encoding import UTF_8, Encoding, TextSource, decide
from hotspot_pipeline.raw.reading.header import read_header
from hotspot_pipeline.raw.reading.kinds import byte_order_mark
from hotspot_pipeline.raw.reading.lines import LineBuffer
from hotspot_pipeline.raw.reading.records import collect, read_records
from hotspot_pipeline.raw.reading.tables import (
    ReadLimits,
    SourceTable,
    UnreadableFile,
    no_bad_lines,
)
from hotspot_pipeline.raw.reading.unpacking import Content


@dataclass(frozen=True)
class CsvRules:
    """What the contract fixes about a delimited text; see `read_file`."""

    columns_expected: Collection[str]
    delimiter: str | None
    encodings: Sequence[str]
    limits: ReadLimits


def read_csv(content: Content, head: bytes, rules: CsvRules) -> SourceTable:
    """The table in `content`, which starts with `head`; raises `UnreadableFile`."""
    mark = byte_order_mark(head)
    text = TextSource(content, mark)
    if mark:
        table = _read_as(text, Encoding(UTF_8), rules)
    else:
        # Nearly every file is UTF-8: try that without a pass of its own, and weigh the lines
        # only where it is not.
        first = Encoding(rules.encodings[0])
        table = _read_as(text, first, rules) if first.is_utf_8 else None
        if table is None:
            chosen = decide(content, rules.encodings, rules.limits.max_line_bytes)
            table = _read_as(text, chosen, rules, is_decided=True)
    if table is None:
        raise _header_in_another_encoding(content.source)
    return table


def _read_as(
    text: TextSource, encoding: Encoding, rules: CsvRules, *, is_decided: bool = False
) -> SourceTable | None:
    """The table under this encoding; None if the encoding was a guess and is wrong."""
    decode = text.decoder(encoding)
    limits = rules.limits
    with text.open(encoding) as stream:
        header = read_header(
            LineBuffer(stream, limits.max_line_bytes),
            decode,
            source=text.content.source,
            columns_expected=rules.columns_expected,
            delimiter=rules.delimiter,
            limits=limits,
        )
    if header is None:
        return None

    def open_data() -> BinaryIO:
        return _skipped(text.open(encoding), header.n_bytes)

    with open_data() as stream:
        sums = csv_fast.survey(stream, header.delimiter, limits.max_line_bytes)
    if not (sums.is_utf_8 or is_decided or text.mark):
        return None
    name = text.mark.encoding if text.mark else encoding.name
    frame = csv_fast.read_clean(
        open_data,
        sums,
        names=header.names,
        delimiter=header.delimiter,
        first_line=header.n_lines + 1,
    )
    source = text.content.source
    if frame is not None:
        return SourceTable(source, frame, no_bad_lines(), name, header.delimiter, frame.height)
    with open_data() as stream:
        records = read_records(
            LineBuffer(stream, limits.max_line_bytes, header.n_lines + 1),
            decode,
            n_fields=len(header.names),
            delimiter=header.delimiter,
            max_quoted_lines=limits.max_quoted_lines,
        )
        frame, bad_lines, n_records = collect(records, header.names)
    return SourceTable(source, frame, bad_lines, name, header.delimiter, n_records)


def _skipped(stream: BinaryIO, n_bytes: int) -> BinaryIO:
    while n_bytes > 0 and (block := stream.read(min(n_bytes, 1024**2))):
        n_bytes -= len(block)
    return stream


def _header_in_another_encoding(source: str) -> UnreadableFile:
    return UnreadableFile(
        source,
        "mixed_encoding",
        "the header is not in the encoding of the rest of the file",
        "have the file saved in one encoding, best UTF-8, and deliver it again",
        line=1,
    )
