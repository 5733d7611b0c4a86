"""The header of a CSV: its names, and whether the contract's delimiter is the one in the file.

Here: the first record of a text file. Not here: whether the columns a feed needs are there and
what they are called in it; that is the contract's (`feeds`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from hotspot_pipeline.raw.reading.encoding import Decode
from hotspot_pipeline.raw.reading.lines import LineBuffer
from hotspot_pipeline.raw.reading.records import Broken, Split, split_record
from hotspot_pipeline.raw.reading.tables import (
    ReadLimits,
    UnreadableFile,
    empty_file,
    refuse_bad_names,
)

DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}


@dataclass(frozen=True)
class Header:
    """Names without surrounding blanks; the data start `n_bytes` in, on line `n_lines` + 1."""

    names: list[str]
    delimiter: str
    n_bytes: int
    n_lines: int


def read_header(
    lines: LineBuffer,
    decode: Decode,
    *,
    source: str,
    columns_expected: Collection[str],
    delimiter: str | None,
    limits: ReadLimits,
) -> Header | None:
    """The first record that is not blank, or None when its bytes are not in the encoding.

    `delimiter` None takes the delimiter under which most expected columns, then most columns, are
    there. Raises `UnreadableFile` for an empty file, a broken header, names that occur twice, and a
    header that another delimiter would cut into the expected columns.
    """
    raw = next((raw for raw in lines if raw is None or raw.rstrip(b"\r\n")), b"")
    line = lines.line
    if raw is None:
        raise UnreadableFile(
            source,
            "line_too_long",
            f"the first line is longer than {limits.max_line_bytes:,} bytes",
            "check that the file has line ends and is a table",
            line=line,
        )
    if not raw:
        raise empty_file(source)
    text, agrees = decode(raw)
    if not agrees:
        return None

    def split(candidate: str) -> Split | Broken:
        return split_record(text, lines, decode, candidate, limits.max_quoted_lines)

    expected = {_folded(name) for name in columns_expected}
    splits = {candidate: split(candidate) for candidate in {**DELIMITERS, delimiter or ",": ""}}
    chosen = _checked_delimiter(source, line, splits, expected, delimiter)
    record = splits[chosen]
    if isinstance(record, Broken):
        raise UnreadableFile(
            source,
            record.rule,
            f"the header cannot be read: {record.message}",
            "have the supplier mend the quotes of the header",
            line=line,
        )
    lines.skip(record.n_more_lines)
    names = [name.strip() for name in record.fields]
    is_header = not expected or _score(record, expected)[0] > 0
    refuse_bad_names(source, names, max_columns=limits.max_columns, line=line, may_show=is_header)
    return Header(names, chosen, lines.n_bytes, lines.line)


def _checked_delimiter(
    source: str,
    line: int,
    splits: dict[str, Split | Broken],
    expected: set[str],
    delimiter: str | None,
) -> str:
    best = max(splits, key=lambda candidate: _score(splits[candidate], expected))
    if delimiter is None:
        return best
    n_matched, n_fields = _score(splits[delimiter], expected)
    best_matched, best_fields = _score(splits[best], expected)
    if n_matched == 0 and (best_matched > 0 or n_fields <= 1 < best_fields):
        raise UnreadableFile(
            source,
            "wrong_delimiter",
            f"the columns are not separated by {_called(delimiter)}, but would be by "
            f"{_called(best)}",
            f"set the feed's delimiter to {best!r}, or have the file delivered with {delimiter!r}",
            line=line,
        )
    return delimiter


def _score(record: Split | Broken, expected: set[str]) -> tuple[int, int]:
    """How many expected names a header holds, and how many names at all."""
    if isinstance(record, Broken):
        return (0, 0)
    return (len({_folded(name) for name in record.fields} & expected), len(record.fields))


def _folded(name: str) -> str:
    return name.strip().casefold()


def _called(delimiter: str) -> str:
    return DELIMITERS.get(delimiter, repr(delimiter))
