"""Broken rows: the one shape in which typing and row rules say what is wrong.

Belongs here: the columns of that frame and the helper that makes one from a mask. Does not belong
here: which rows are broken (`typing`, `rules_*`) and what becomes of them (`rejects`).

The frame's columns: `row` (UInt32, the row's place in the extract from 0), `column` (ours, the one
to look at first), `value` (as delivered, unmasked: masking happens where a reject is written),
`rule`, `message` (plain English, never with a value in it).
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

BROKEN_SCHEMA: dict[str, type[pl.DataType]] = {
    "row": pl.UInt32,
    "column": pl.String,
    "value": pl.String,
    "rule": pl.String,
    "message": pl.String,
}


def no_broken_rows() -> pl.DataFrame:
    return pl.DataFrame(schema=BROKEN_SCHEMA)


def broken_rows(
    frame: pl.DataFrame,
    is_broken: pl.Expr | pl.Series,
    *,
    column: str | pl.Expr,
    rule: str,
    message: str | pl.Expr,
    value: pl.Expr | None = None,
) -> pl.DataFrame:
    """The rows of `frame` (which has `row`) where `is_broken` is true; null is not broken.

    `column` names the column to look at, `value` is what it holds (default: that column).
    """
    if value is None:
        if isinstance(column, pl.Expr):
            raise TypeError("say which value to show when the column differs by row")
        value = pl.col(column)
    return frame.filter(is_broken).select(
        pl.col("row"),
        (pl.lit(column) if isinstance(column, str) else column).cast(pl.String).alias("column"),
        value.cast(pl.String).alias("value"),
        pl.lit(rule).alias("rule"),
        (pl.lit(message) if isinstance(message, str) else message).cast(pl.String).alias("message"),
    )


def joined(parts: Iterable[pl.DataFrame]) -> pl.DataFrame:
    filled = [part for part in parts if part.height]
    return pl.concat(filled) if filled else no_broken_rows()
