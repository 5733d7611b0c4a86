"""Stretches of time in frames: the length of their union, and of what two sets of them share.

Here: half-open stretches [start_ms, end_ms) by some columns. Not here: which stretches (`visits`, `slots`, `coverage`).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

_START, _END = "start_ms", "end_ms"


def united(spans: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """The union of the stretches of each group, as stretches that neither touch nor overlap: `by`, start_ms, end_ms. Empty ones vanish."""
    sorted_spans = spans.select(*by, _START, _END).filter(pl.col(_END) > pl.col(_START)).sort(*by, _START, _END)  # fmt: skip
    if sorted_spans.is_empty():
        return sorted_spans
    reached = pl.col(_END).cum_max().shift(1)
    key: list[str | pl.Expr] = [*by] or [pl.lit(0)]
    begins = (pl.col(_START) > reached.over(key)).fill_null(True)
    return (
        sorted_spans.with_columns(union_no=begins.cum_sum().over(key))
        .group_by(*by, "union_no", maintain_order=True)
        .agg(pl.col(_START).min(), pl.col(_END).max())
        .drop("union_no")
    )


def union_ms(spans: pl.DataFrame, by: Sequence[str], name: str) -> pl.DataFrame:
    """`by` and the length of the union in the column `name`, Int64 milliseconds; groups without length are absent."""
    length = (pl.col(_END) - pl.col(_START)).sum().alias(name)
    return united(spans, by).group_by(*by, maintain_order=True).agg(length)


def shared(left: pl.DataFrame, right: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """What the union of `left` and the union of `right` have in common, by group: `by`, start_ms, end_ms."""
    pairs = united(left, by).join(united(right, by), on=list(by), suffix="_right")
    return (
        pairs.with_columns(
            pl.max_horizontal(_START, f"{_START}_right").alias(_START),
            pl.min_horizontal(_END, f"{_END}_right").alias(_END),
        )
        .filter(pl.col(_END) > pl.col(_START))
        .select(*by, _START, _END)
        .sort(*by, _START)
    )
