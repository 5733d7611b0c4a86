"""What reading gives: a table of text with the lines that could not be read, or a refusal.

Here: the three types every reader of this package speaks in. Not here: what the columns mean (the
feed's contract, in `feeds`) and whether a value is acceptable (the gate, in `validated`).
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

LINE_COLUMN = "_line"
BAD_LINES_SCHEMA: dict[str, pl.DataType] = {
    "line": pl.Int64(),
    "rule": pl.String(),
    "message": pl.String(),
}


@dataclass(frozen=True)
class ReadLimits:
    """Bounds that keep one hostile or broken delivery from taking the machine with it.

    `max_ratio` (unpacked to packed bytes) is applied once more than `ratio_above_bytes` have been
    unpacked, so that a small file of repeated rows passes. A quoted field that runs over more than
    `max_quoted_lines` lines is taken for a stray quote. Line ends count towards `max_line_bytes`.
    """

    max_unpacked_bytes: int = 4 * 1024**3
    max_ratio: int = 200
    ratio_above_bytes: int = 50_000_000
    max_members: int = 1000
    max_line_bytes: int = 1024**2
    max_columns: int = 2000
    max_quoted_lines: int = 100


@dataclass(frozen=True)
class SourceTable:
    """One delivered table as text.

    `frame`: every column String under the header's names (surrounding blanks stripped, otherwise as
    delivered), an empty field null whether it was quoted or not, plus `_line` (Int64): the physical
    line, counted from 1, on which the record starts. LF, CRLF and a lone CR each end a line, inside
    quotes too. In Parquet `_line` is the row number + 1; in XLSX it is the row of the sheet.
    `bad_lines`: `line`, `rule`, `message` of each record that could not be read; no values in them.
    `n_records`: data records seen, always `frame.height + bad_lines.height`.
    """

    source: str
    frame: pl.DataFrame
    bad_lines: pl.DataFrame
    encoding: str
    delimiter: str | None
    n_records: int

    def __post_init__(self) -> None:
        if self.n_records != self.frame.height + self.bad_lines.height:
            raise ValueError(
                f"{self.source}: {self.n_records} records seen, but {self.frame.height} read and "
                f"{self.bad_lines.height} bad: a record was lost"
            )


class UnreadableFile(Exception):
    """A file, or a member of an archive, that cannot be read at all, and what to do about it."""

    def __init__(
        self, path: str, rule: str, message: str, hint: str, line: int | None = None
    ) -> None:
        super().__init__(path, rule, message, hint, line)
        self.path = path
        self.rule = rule
        self.message = message
        self.hint = hint
        self.line = line

    @property
    def source(self) -> str:
        """The same name as `SourceTable.source`."""
        return self.path

    def __str__(self) -> str:
        where = self.path if self.line is None else f"{self.path}, line {self.line}"
        return f"{where}: {self.message} ({self.rule}); do: {self.hint}"


def empty_file(source: str) -> UnreadableFile:
    """The refusal of a file without a single line in it."""
    return UnreadableFile(
        source,
        "empty",
        "the file is empty, it has not even a header",
        "ask the supplier whether the export ran, and deliver again",
    )


def no_bad_lines() -> pl.DataFrame:
    """An empty `bad_lines` frame."""
    return pl.DataFrame(schema=BAD_LINES_SCHEMA)


def refuse_bad_names(
    source: str, names: list[str], *, max_columns: int, line: int = 1, may_show: bool = True
) -> None:
    """Raise `UnreadableFile` when the columns could not be told apart or are absurdly many.

    `may_show` False keeps the names out of the message: the first line may be somebody's record.
    """
    if len(names) > max_columns:
        raise UnreadableFile(
            source,
            "too_many_columns",
            f"{len(names)} columns, and the limit is {max_columns}",
            "check that this is the right file, or raise max_columns",
            line=line,
        )
    places: dict[str, list[int]] = {}
    for position, name in enumerate(names, 1):
        places.setdefault(name, []).append(position)
    repeated = [
        f"{_shown(name) if may_show else 'one'} (columns {', '.join(map(str, positions[:9]))})"
        for name, positions in places.items()
        if len(positions) > 1
    ]
    if repeated:
        more = f" and {len(repeated) - 5} more" if len(repeated) > 5 else ""
        headless = "" if may_show else "check that the file has a header; "
        raise UnreadableFile(
            source,
            "duplicate_header",
            f"header names used more than once: {'; '.join(repeated[:5])}{more}",
            f"{headless}have the supplier name every column differently and deliver it again",
            line=line,
        )
    if LINE_COLUMN in names:
        raise UnreadableFile(
            source,
            "reserved_header",
            f"a column is called {LINE_COLUMN!r}, which this pipeline keeps for line numbers",
            "have the supplier rename that column",
            line=line,
        )


def _shown(name: str) -> str:
    return repr(name[:40]) if name else "an empty name"
