"""How patrols are spread over the days: when a place last had one, for how long its effect may have lasted, which hot windows had one.

Here: gaps and reach of visits. Not here: which visit counts as effective (`visits`: a patrol on foot or cycle of ten minutes or more,
not a call), whether the effect is real (`evaluation`).
"""

from __future__ import annotations

import polars as pl

from hotspot_pipeline.patrols.intervals import joined, total, within
from hotspot_pipeline.patrols.rules import MINUTE

HOUR = 60 * MINUTE
REACH_MS = 72 * HOUR  # deterrence is expected up to three days after a visit
_PLACE = ["hotspot_id"]


def hours_within_reach(
    effective: pl.DataFrame, spans: pl.DataFrame, *, reach_ms: int = REACH_MS
) -> pl.DataFrame:
    """hotspot_id, span, length_ms, reached_ms: how much of each stretch lies in an effective visit or within its reach after the departure.

    `effective`: hotspot_id, start_ms, end_ms of every effective visit from `reach_ms` before the first stretch on. `spans`: hotspot_id, span
    (any name of the stretch), start_ms, end_ms. Every stretch has a row.
    """
    reach = effective.select("hotspot_id", "start_ms", end_ms=pl.col("end_ms") + reach_ms)
    return _with_shared(spans, reach, "reached_ms")


def days_since(effective: pl.DataFrame, moments: pl.DataFrame) -> pl.DataFrame:
    """hotspot_id, at_ms, since_ms: at each moment, how long ago the last effective visit that had begun ended (0 during one; null before
    the first)."""
    ends = effective.select("hotspot_id", "start_ms", "end_ms").sort("start_ms")
    # a visit that began earlier may have ended later
    ends = ends.with_columns(end_ms=pl.col("end_ms").cum_max().over("hotspot_id"))
    return (
        moments.select("hotspot_id", "at_ms")
        .sort("at_ms")
        .join_asof(
            ends, left_on="at_ms", right_on="start_ms", by="hotspot_id", check_sortedness=False
        )
        .select(
            "hotspot_id",
            "at_ms",
            since_ms=pl.when(pl.col("end_ms").is_not_null()).then(
                pl.max_horizontal(pl.col("at_ms") - pl.col("end_ms"), pl.lit(0))
            ),
        )
        .sort("hotspot_id", "at_ms")
    )


def in_windows(patrols: pl.DataFrame, windows: pl.DataFrame) -> pl.DataFrame:
    """hotspot_id, span, length_ms, patrolled_ms: how much of each hot window had a patrol. Columns as in `hours_within_reach`."""
    return _with_shared(windows, patrols, "patrolled_ms")


def _with_shared(spans: pl.DataFrame, times: pl.DataFrame, name: str) -> pl.DataFrame:
    by = [*_PLACE, "span"]
    inside = within(joined(times, _PLACE), spans.select(*by, "start_ms", "end_ms"), "hotspot_id")
    covered = total(inside, by, name)
    return (
        spans.select(*by, length_ms=pl.col("end_ms") - pl.col("start_ms"))
        .join(covered, on=by, how="left")
        .with_columns(pl.col(name).fill_null(0))
        .sort(by)
    )
