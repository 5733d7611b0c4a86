"""Intervals of time in frames: joined, cut, measured.

Here: frames with `start_ms` and `end_ms` (half open, whole milliseconds) and columns that say whose they are. Not here: where
intervals come from (`dwell`), what they mean (`visits`, `dose`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hotspot_pipeline.patrols.compiled import compiled
from hotspot_pipeline.patrols.dwell_rows import Longs

_START, _END = pl.col("start_ms"), pl.col("end_ms")


def runs(frame: pl.DataFrame, by: Sequence[str], gap_ms: int = 0) -> pl.DataFrame:
    """The frame by `by` and time, with `run`: intervals of one run overlap or lie no more than `gap_ms` apart.

    Runs are numbered through the frame; `reached_ms` is where the intervals before had got to (null at the first of a `by`).
    """
    ordered, first, reached = _in_order(frame, by)
    return (
        ordered.with_columns(
            reached_ms=pl.when(~pl.lit(first)).then(pl.lit(reached)), first=pl.lit(first)
        )
        .with_columns(
            run=(pl.col("first") | (pl.col("start_ms") > pl.col("reached_ms") + gap_ms)).cum_sum()
        )
        .drop("first")
    )


def _in_order(frame: pl.DataFrame, by: Sequence[str]) -> tuple[pl.DataFrame, pl.Series, pl.Series]:
    """The frame by `by` and time, whether a row is the first of a `by`, and where the intervals before it had got to."""
    ordered = frame.sort(*by, "start_ms", "end_ms")
    is_first = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in by)
    first = ordered.select(is_first | (pl.int_range(pl.len()) == 0)).to_series()
    # a running maximum by group: in polars it costs twenty times as much where groups are small
    reached = _reached(first.to_numpy(), ordered.get_column("end_ms").to_numpy())
    return ordered, first, pl.Series(reached)


@compiled
def _reached(is_first: NDArray[np.bool_], end: Longs) -> Longs:
    """The highest end of the rows before, since the last first one."""
    reached = np.zeros(len(end), np.int64)
    highest = 0
    for i in range(len(end)):
        if is_first[i]:
            highest = end[i]
            continue
        reached[i] = highest
        highest = max(highest, end[i])
    return reached


def joined(frame: pl.DataFrame, by: Sequence[str], gap_ms: int = 0) -> pl.DataFrame:
    """`by`, start_ms, end_ms: runs as one interval each."""
    return (
        runs(frame, by, gap_ms)
        .group_by(*by, "run", maintain_order=True)
        .agg(_START.min(), _END.max())
        .drop("run")
    )


def total(frame: pl.DataFrame, by: Sequence[str], name: str) -> pl.DataFrame:
    """`by` and the length of the union of its intervals in ms, as `name`."""
    ordered, first, reached = _in_order(frame, by)
    since = (
        pl.when(pl.lit(first)).then(_START).otherwise(pl.max_horizontal(_START, pl.lit(reached)))
    )
    new = ordered.select(*by, (_END - since).clip(0).alias(name))
    return new.group_by(*by, maintain_order=True).agg(pl.col(name).sum())


def cut(frame: pl.DataFrame, moments: Sequence[int], name: str) -> pl.DataFrame:
    """Intervals cut at the moments (ascending). `name` is the number of moments at or before each piece.

    Nothing is lost: the pieces of an interval are as long as it is. An interval of no length stays one piece.
    """
    edges = pl.Series(list(moments), dtype=pl.Int64)
    first = edges.search_sorted(frame.get_column("start_ms"), side="right")
    last = edges.search_sorted(frame.get_column("end_ms"), side="left")
    pieces = frame.with_columns(
        pl.int_ranges(pl.Series(first).cast(pl.Int64), pl.max_horizontal(pl.Series(last).cast(pl.Int64), pl.Series(first).cast(pl.Int64)) + 1).alias(name)
    ).explode(name)  # fmt: skip
    number = pl.col(name)
    low = edges.gather((pieces.get_column(name) - 1).clip(0)) if len(edges) else edges
    high = (
        edges.gather(pieces.get_column(name).clip(0, max(len(edges) - 1, 0)))
        if len(edges)
        else edges
    )
    if not len(edges):
        return pieces
    return pieces.with_columns(
        start_ms=pl.when(number > 0).then(pl.max_horizontal(_START, low)).otherwise(_START),
        end_ms=pl.when(number < len(edges)).then(pl.min_horizontal(_END, high)).otherwise(_END),
    )


def within(frame: pl.DataFrame, spans: pl.DataFrame, on: str) -> pl.DataFrame:
    """The pieces of intervals that lie in the spans of the same `on`, with the other columns of the spans."""
    start, end = pl.col("start_ms_span"), pl.col("end_ms_span")
    return (
        frame.join(spans, on=on, suffix="_span")
        .filter(pl.col("start_ms") < end, start < pl.col("end_ms"))
        .with_columns(
            start_ms=pl.max_horizontal(_START, start), end_ms=pl.min_horizontal(_END, end)
        )
        .drop("start_ms_span", "end_ms_span")
    )


def apart(frame: pl.DataFrame, spans: pl.DataFrame, on: str) -> pl.DataFrame:
    """`on`, start_ms, end_ms: what of each span (one of each `on`) no interval of `frame` takes."""
    inside = joined(within(frame.select(on, "start_ms", "end_ms"), spans, on), [on])
    edge = pl.col("end_ms").shift(1).over(on)
    before = inside.join(spans, on=on, suffix="_span").select(
        on, start_ms=pl.coalesce(edge, "start_ms_span"), end_ms="start_ms"
    )
    last = inside.group_by(on).agg(start_ms=pl.col("end_ms").max())
    after = spans.join(last, on=on, how="left", suffix="_last").select(
        on, start_ms=pl.coalesce("start_ms_last", "start_ms"), end_ms="end_ms"
    )
    return pl.concat([before, after]).filter(_END > _START).sort(on, "start_ms")
