"""The careful path: RFC 4180 records from physical lines, one bad line never costing the others.

Here: fields, quotes, and going on after a line that cannot be read. Not here: the header
(`header`) and the fast path for clean files (`csv_fast`), which must give the same.

Quoting is RFC 4180 taken literally: a field is quoted when its first character is `"`, a quote
inside it is doubled, the closing quote is followed by the delimiter or the line end. A quote
further inside an unquoted field is an ordinary character (`knife 5"`). Blank lines are no records.

A record whose structure is broken (wrong number of fields, a quote that never closes, text after a
closing quote) costs its first line only: reading goes on at the next line, so a stray quote does
not swallow its neighbours. A record that is well formed but holds a NUL or bytes of another
encoding is bad as a whole.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import NamedTuple

import polars as pl

from hotspot_pipeline.raw.reading.encoding import Decode
from hotspot_pipeline.raw.reading.lines import LineBuffer
from hotspot_pipeline.raw.reading.tables import BAD_LINES_SCHEMA, LINE_COLUMN

QUOTE = '"'
_ROWS_PER_FRAME = 20_000


class BadLine(NamedTuple):
    """A record that could not be read: where it starts and which rule it breaks, no values."""

    line: int
    rule: str
    message: str


class Split(NamedTuple):
    """The fields of one record, and how many further lines it runs over."""

    fields: list[str]
    n_more_lines: int


class Broken(NamedTuple):
    """Why a record's quotes cannot be followed."""

    rule: str
    message: str


def split_record(
    text: str, ahead: LineBuffer, decode: Decode, delimiter: str, max_quoted_lines: int
) -> Split | Broken:
    """Cut the record that starts with the line `text`, looking at further lines where needed."""
    if QUOTE not in text:
        return Split(text.rstrip("\r\n").split(delimiter), 0)
    fields: list[str] = []
    n_more_lines = position = 0
    while True:
        if not text.startswith(QUOTE, position):
            end = text.find(delimiter, position)
            if end < 0:
                fields.append(text[position:].rstrip("\r\n"))
                return Split(fields, n_more_lines)
            fields.append(text[position:end])
            position = end + 1
            continue
        search_from, n_before = position + 1, n_more_lines
        while (end := _closing_quote(text, search_from)) < 0:
            following = ahead.peek(n_more_lines)
            n_spanned = n_more_lines - n_before + 1
            if following is None or n_spanned == max_quoted_lines:
                return Broken(
                    "unbalanced_quote",
                    f"field {len(fields) + 1} opens a quote that the next {n_spanned - 1} lines "
                    "do not close",
                )
            # Doubled quotes pair up within a line, so the search resumes where it stopped.
            search_from = len(text)
            text += decode(following)[0]
            n_more_lines += 1
        fields.append(text[position + 1 : end].replace(QUOTE * 2, QUOTE))
        position = end + 1
        if text.startswith(delimiter, position):
            position += 1
        elif text[position:] in ("", "\n", "\r\n", "\r"):
            return Split(fields, n_more_lines)
        else:
            return Broken("text_after_quote", f"field {len(fields)} goes on after its last quote")


def _closing_quote(text: str, position: int) -> int:
    while (position := text.find(QUOTE, position)) >= 0:
        if not text.startswith(QUOTE, position + 1):
            return position
        position += 2
    return -1


def read_records(
    lines: LineBuffer, decode: Decode, *, n_fields: int, delimiter: str, max_quoted_lines: int
) -> Iterator[tuple[int, list[str]] | BadLine]:
    """Every record below the header: its line and fields, or what is wrong with it."""
    for raw in lines:
        line = lines.line
        if raw is None:
            yield BadLine(line, "line_too_long", "the line is longer than max_line_bytes")
            continue
        text, agrees = decode(raw)
        if not (body := text.rstrip("\r\n")):
            continue
        if agrees and "\0" not in text:  # nearly every line
            fields = _split_one_line(body, delimiter)
            if len(fields) == n_fields:
                yield line, fields
                continue
        record = split_record(text, lines, decode, delimiter, max_quoted_lines)
        if isinstance(record, Split) and len(record.fields) != n_fields:
            is_cut_off = not raw.endswith((b"\n", b"\r"))
            record = _wrong_count(len(record.fields), n_fields, is_cut_off=is_cut_off)
        n_more_lines = 0
        if isinstance(record, Split):
            n_more_lines = record.n_more_lines
            agrees = agrees and all(_agrees(lines.peek(i), decode) for i in range(n_more_lines))
            text = "".join(record.fields)
        if "\0" in text:
            yield BadLine(line, "embedded_nul", "it holds a NUL character")
        elif not agrees:
            yield BadLine(line, "mixed_encoding", "its bytes are not in the file's encoding")
        elif isinstance(record, Split):
            yield line, record.fields
        else:
            yield BadLine(line, *record)
        lines.skip(n_more_lines)


def _split_one_line(body: str, delimiter: str) -> list[str]:
    """The fields of a record on one line, quickly; empty where `split_record` has to look."""
    if QUOTE not in body:
        return body.split(delimiter)
    try:
        return next(csv.reader([body], delimiter=delimiter, strict=True))
    except csv.Error:
        return []


def _agrees(raw: bytes | None, decode: Decode) -> bool:
    return raw is not None and decode(raw)[1]


def _wrong_count(n_found: int, n_fields: int, *, is_cut_off: bool) -> Broken:
    message = f"{n_found} fields where the header has {n_fields}"
    if n_found > n_fields:
        return Broken("too_many_fields", message)
    if is_cut_off:
        return Broken("truncated_record", f"{message}, and the file ends here without a line end")
    return Broken("too_few_fields", message)


def collect(
    records: Iterator[tuple[int, list[str]] | BadLine], names: list[str]
) -> tuple[pl.DataFrame, pl.DataFrame, int]:
    """The frame, the bad lines and the number of records seen; empty fields become null."""
    schema = {**dict.fromkeys(names, pl.String()), LINE_COLUMN: pl.Int64()}
    frames = [pl.DataFrame(schema=schema)]
    lines: list[int] = []
    rows: list[list[str]] = []
    bad: list[BadLine] = []
    n_records = 0
    for record in records:
        n_records += 1
        if isinstance(record, BadLine):
            bad.append(record)
            continue
        lines.append(record[0])
        rows.append(record[1])
        if len(rows) == _ROWS_PER_FRAME:
            frames.append(_frame(names, rows, lines))
            lines, rows = [], []
    if rows:
        frames.append(_frame(names, rows, lines))
    bad_lines = pl.DataFrame(bad, schema=BAD_LINES_SCHEMA, orient="row")
    return pl.concat(frames, rechunk=False), bad_lines, n_records


def _frame(names: list[str], rows: list[list[str]], lines: list[int]) -> pl.DataFrame:
    columns = [
        pl.Series(name, values, dtype=pl.String)
        for name, values in zip(names, zip(*rows, strict=True), strict=True)
    ]
    frame = pl.DataFrame(columns).select(pl.when(pl.all() != "").then(pl.all()))
    return frame.with_columns(pl.Series(LINE_COLUMN, lines, dtype=pl.Int64))
