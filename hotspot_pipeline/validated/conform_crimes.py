"""Crimes: pseudonyms, the committed window and the days and hours it belongs to.

Belongs here: the columns of `validated.crimes` that are not as delivered. Does not belong here: how
well a time is known (`committed`), the conversion of time (`moments`, `timebase`).

- `police_day`, `week_start` and `month` are those of the start of the window. A crime of which only
  the date is known has that date as its police day: its midnight is not a time.
- `hour_of_week` is the hour in which the window starts, for `exact` and for a `window` that starts
  with a clock time: a window between bare dates does not begin at midnight. Hot times spread windows
  over their hours instead. `is_day` is null for a window that lies in both halves of a day.
- A month-only feed fills `month` and leaves every finer time null.
"""

from __future__ import annotations

import polars as pl

from hotspot_pipeline.feeds.contract import FeedContract
from hotspot_pipeline.feeds.timestamps import clock_column
from hotspot_pipeline.validated.committed import lies_in_daytime, time_known, window_end
from hotspot_pipeline.validated.moments import Moments, naive

_RENAMED = {
    "crime_number": "crime_pid",
    "occurrence_id": "occurrence_pid",
    "incident_ref": "incident_pid",
    "merged_into": "merged_into_pid",
    "ho_outcome_code": "outcome_code",
}


_TIMES = ("committed_from_local", "committed_to_local", "reported_ts_local", "recorded_ts_local",
          "outcome_ts_local", "source_last_modified")  # fmt: skip
CRIME_INPUTS: dict[str, pl.DataType] = {
    **dict.fromkeys((*_RENAMED, "geocode_quality", "record_status"), pl.String()),
    **dict.fromkeys(_TIMES, pl.Datetime("us")),
    **dict.fromkeys(map(clock_column, _TIMES), pl.Boolean()),
}
"""What `crime_columns` reads."""


def crime_columns(contract: FeedContract, moments: Moments) -> list[pl.Expr]:
    """Expressions on the typed frame, which has at least `CRIME_INPUTS`."""
    columns = [
        *(pl.col(ours).alias(name) for ours, name in _RENAMED.items()),
        # a source without a status publishes standing records only
        pl.col("record_status").fill_null(pl.lit("live")),
    ]
    if contract.time_precision == "month":
        return [*columns, pl.lit("month").alias("committed_time_known")]
    start, end = pl.col("committed_from_local"), window_end()
    known = time_known()
    bare_start = ~pl.col(clock_column("committed_from_local"))
    has_hour = known.is_in(["exact", "window"]) & ~bare_start
    start_utc = moments.utc(start)
    day = pl.when((known == "date_only") | bare_start).then(start.dt.date())
    police_day = pl.coalesce(day, moments.force.police_day(start_utc))
    local_start, local_end = moments.local(start), moments.local(end)
    return [
        *columns,
        local_start.alias("committed_from_local"),
        local_end.alias("committed_to_local"),
        naive(start_utc).alias("committed_from_utc"),
        naive(moments.utc(end)).alias("committed_to_utc"),
        pl.when(has_hour).then(moments.flag(start, end)).otherwise(pl.lit("ok")).alias("tz_flag"),
        known.alias("committed_time_known"),
        police_day.alias("police_day"),
        police_day.dt.truncate("1w").alias("week_start"),
        pl.coalesce(day.dt.truncate("1mo"), moments.force.month(start_utc)).alias("month"),
        pl.when(has_hour).then(moments.force.hour_of_week(start_utc)).alias("hour_of_week"),
        pl.when(has_hour).then(lies_in_daytime(local_start, local_end)).alias("is_day"),
        *moments.pair("reported_ts"),
        *moments.pair("recorded_ts"),
        moments.local(pl.col("outcome_ts_local")).alias("outcome_ts_local"),
        moments.local(pl.col("source_last_modified")).alias("source_last_modified"),
    ]
