"""In which hours of the week patrols were there.

Here: stays joined and cut at local hours. Not here: which stays are patrol (`rows`), the picture (`sheet`).
"""

from __future__ import annotations

import polars as pl

from hotspot_pipeline.timebase import PoliceTime, Window
from hotspot_pipeline.timebase.local_hours import HOUR_MS, hours_of

_FOUND = {"hotspot_id": pl.String, "hour_of_week": pl.Int16, "patrol_ms": pl.Int64}


def minutes_by_hour(stays: pl.DataFrame, clock: PoliceTime, window: Window) -> pl.DataFrame:
    """hotspot_id, hour_of_week (local, 0 is Monday 00:00), patrol_ms: the length of the union of all stays in each hour; hours without
    any have no row. The hour that the autumn repeats counts both times.

    `stays`: hotspot_id, start_ms, end_ms (since 1970, UTC), of any number of officers at once; what lies outside the window is cut off.
    """
    if stays.is_empty():
        return pl.DataFrame(schema=_FOUND)
    hours = hours_of(clock, window).select(
        "hour_of_week", hour_ms=pl.col("hour_start_utc").dt.epoch("ms")
    )
    pieces = _joined(stays).join_where(
        hours,
        pl.col("start_ms") < pl.col("hour_ms") + HOUR_MS,
        pl.col("end_ms") > pl.col("hour_ms"),
    )
    inside = pl.min_horizontal("end_ms", pl.col("hour_ms") + HOUR_MS) - pl.max_horizontal(
        "start_ms", "hour_ms"
    )
    return (
        pieces.group_by("hotspot_id", "hour_of_week")
        .agg(patrol_ms=inside.sum())
        .select(pl.col(name).cast(dtype) for name, dtype in _FOUND.items())
        .sort("hotspot_id", "hour_of_week")
    )


def _joined(stays: pl.DataFrame) -> pl.DataFrame:
    """Stays of one place that touch or overlap as one."""
    ordered = stays.sort("hotspot_id", "start_ms", "end_ms")
    before = pl.col("end_ms").cum_max().shift(1).over("hotspot_id")
    return (
        ordered.with_columns(run=(pl.col("start_ms") > before).fill_null(True).cum_sum())
        .group_by("run", maintain_order=True)
        .agg(
            pl.col("hotspot_id").first(),
            pl.col("start_ms").min(),
            pl.col("end_ms").max(),
        )
        .drop("run")
    )
