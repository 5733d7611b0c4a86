"""Columns as whole numbers on a common axis, and small helpers on columns that the kernels of this stage share."""

from __future__ import annotations

import polars as pl


def begins(values: pl.Series) -> pl.Series:
    """Return where a value differs from the one before it; the first does."""
    return (values != values.shift(1)).fill_null(True)


def axis_of(*columns: pl.Series) -> pl.Series:
    return pl.concat([column.unique() for column in columns]).unique().sort()


def coded(values: pl.Series, axis: pl.Series) -> pl.Series:
    return axis.search_sorted(values).cast(pl.Int64)


def where(condition: pl.Series, then: pl.Series, otherwise: pl.Series | None = None) -> pl.Series:
    return pl.select(pl.when(condition).then(then).otherwise(otherwise)).to_series()


def refuse_nulls(frame: pl.DataFrame, what: str) -> None:
    for column in frame.iter_columns():
        if column.null_count():
            row = column.is_null().arg_max()
            raise ValueError(f"{what}: {column.name} is null in row {row}: give every row a value")
