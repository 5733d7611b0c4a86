"""Tables as CSV files for people, each with a note beside it.

Here: what a value looks like in a CSV file. Not here: putting the file in place (`files`), the
escape against spreadsheet formulas (`tabular`), what may be made public (disclosure control comes
before this).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import polars as pl

from hotspot_pipeline.published.files import PublishedFile, write_aside
from hotspot_pipeline.published.plain_values import cell_as_text, finite, iso_dates
from hotspot_pipeline.tabular import escape_formula

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_WRITABLE = (pl.String, pl.Boolean, pl.Date, pl.Datetime, pl.Null)


def write_tables(
    out: Path, tables: Mapping[str, pl.DataFrame], footer: Mapping[str, str]
) -> list[PublishedFile]:
    """Write `<name>.csv` and its note `<name>.json` for each table, rows in the order given.

    CSV by RFC 4180: commas, CRLF, quotes where needed; UTF-8 without a byte order mark; a header
    line; decimal points; ISO dates; null as an empty field, an empty text as `""`; truth values as
    true and false; a cell as hexadecimal text (`cell_id`), never its number. A text that a
    spreadsheet would run as a formula gets an apostrophe before it. The note holds the footer, the
    columns, the number of rows and the checksum of the CSV file it belongs to, and is written after
    it.

    Raises ValueError for a name that is not small letters, digits and underscores, for an infinite
    number and for a column that has no text form (lists, structs); no table is written then.
    """
    made = {name: _as_text(frame, _checked(name)) for name, frame in tables.items()}
    written = []
    for name, frame in made.items():
        table = write_aside(out / f"{name}.csv", "csv", partial(_write_csv, frame=frame))
        about = {
            "file": table.name,
            "n_rows": table.n_rows,
            "sha256": table.sha256,
            "columns": frame.columns,
            "footer": dict(footer),
        }
        note = json.dumps(about, indent=2, ensure_ascii=False) + "\n"
        written += [
            table,
            write_aside(out / f"{name}.json", "json", partial(_write_note, note=note)),
        ]
    return written


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"table name {name!r}: small letters, digits and underscores only, a letter first"
        )
    return name


def _as_text(frame: pl.DataFrame, table: str) -> pl.DataFrame:
    """The frame with every column as CSV is to hold it; numbers stay numbers, exact as they are."""
    for name, dtype in frame.schema.items():
        if not (dtype.is_numeric() or dtype.base_type() in _WRITABLE):
            raise ValueError(
                f"{table}: column {name} is {dtype}, which has no text form in CSV; leave it out or "
                "write it as text"
            )
    plain = iso_dates(cell_as_text(finite(frame, table)))
    return plain.with_columns(escape_formula(column) for column in plain)


def _write_csv(path: Path, frame: pl.DataFrame) -> int:
    frame.write_csv(path, line_terminator="\r\n")
    return frame.height


def _write_note(path: Path, note: str) -> None:
    path.write_text(note, encoding="utf-8", newline="\n")
