"""Text in tables for people: keeping a value from running as a formula in somebody's spreadsheet.

Here: the escape that whoever writes CSV or XLSX for people applies. Not here: reading, which keeps
every value as delivered (`raw.reading`): the warehouse runs no formulas. Writing the files
themselves belongs to `published`.

The characters are those of OWASP, "CSV Injection" (= + - @, tab, carriage return), with their
full-width forms, which some spreadsheets take for the same.
"""

from __future__ import annotations

import re
from typing import overload

import polars as pl

# \x1c to \x1f are spaces to Python's expressions and not to Rust's
_STARTS_A_FORMULA = r"^(?:[\t\r\n]|[\s\x1c-\x1f]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20])"
_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"


@overload
def escape_formula(value: str) -> str: ...
@overload
def escape_formula(value: None) -> None: ...
@overload
def escape_formula(value: pl.Series) -> pl.Series: ...
def escape_formula(value: str | pl.Series | None) -> str | pl.Series | None:
    """The same text with an apostrophe before it where a spreadsheet would take it for a formula.

    Numbers such as `-1.5` or `+3e5` stay as they are, so do null and series that are not text.
    """
    if value is None:
        return None
    if isinstance(value, str):
        if re.match(_STARTS_A_FORMULA, value) and not re.fullmatch(_NUMBER, value):
            return "'" + value
        return value
    if value.dtype != pl.String:
        return value
    text = pl.col("text")
    is_number = text.str.contains(f"^{_NUMBER}$")
    is_formula = text.str.contains(_STARTS_A_FORMULA) & ~is_number
    escaped = pl.when(is_formula).then(pl.concat_str(pl.lit("'"), text)).otherwise(text)
    return value.to_frame("text").select(escaped).to_series().alias(value.name)
