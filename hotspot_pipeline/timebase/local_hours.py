"""The hours of a stretch of time, one by one: where each starts and what it is called locally.

Here: numbering local hours so that kernels can count in whole numbers, and naming them. Not here:
what is special about the day of an hour (`calendar_days`), weights (`hot_times`).

A local hour begins where the wall clock shows minute 0. In a zone of whole hours those are the hours
of UTC; in one of a half or a quarter (India, Nepal) they are shifted by it. Where clocks change by
part of an hour an hour would be cut in two, so such a stretch is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hotspot_pipeline.timebase.police_time import PoliceTime
from hotspot_pipeline.timebase.spans import Window

HOUR_MS = 3_600_000
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class LocalHours:
    """Consecutive local hours. `first` is the number of the first one; `shift_ms` what local time is
    past the hour when UTC is on it.

    `names`, one row an hour: hour_start_utc (Datetime without zone, as tables hold UTC), hour_of_week
    (Int16), police_day, week_start. The hour that the autumn repeats is two rows of one hour_of_week;
    the one that the spring skips has none.
    """

    first: int
    shift_ms: int
    names: pl.DataFrame

    def number(self, utc_ms: IntArray) -> IntArray:
        """The number of the hour in which each moment (milliseconds since 1970, UTC) lies."""
        return np.asarray((utc_ms + self.shift_ms) // HOUR_MS)

    def into_hour_ms(self, utc_ms: IntArray) -> IntArray:
        """How far each moment is into its hour."""
        return np.asarray((utc_ms + self.shift_ms) % HOUR_MS)

    def row(self, number: IntArray) -> IntArray:
        """The row of `names` of each hour number."""
        return number - self.first


def local_hours(police_time: PoliceTime, first_ms: int, last_ms: int) -> LocalHours:
    """All local hours that hold a moment from `first_ms` to `last_ms` (both included; ms, UTC).

    Raises ValueError where the zone's clocks change by part of an hour in that time.
    """
    utc = np.arange(first_ms // HOUR_MS - 1, last_ms // HOUR_MS + 2) * HOUR_MS
    local = _local_ms(police_time, utc)
    shifts = np.unique((local - utc) % HOUR_MS)
    if shifts.size > 1:
        raise ValueError(
            f"time zone '{police_time.time_zone}' is {', '.join(str(int(s) // 60_000) for s in shifts)} "
            "minutes past the hour at different times of the data: an hour cannot be cut in two; "
            "leave out the events before the change, or use a zone whose clocks change by whole hours"
        )
    shift = int(shifts[0])
    numbers = np.arange((first_ms + shift) // HOUR_MS, (last_ms + shift) // HOUR_MS + 1)
    start = pl.Series("hour_start_utc", (numbers * HOUR_MS - shift) * 1000)
    utc_start = pl.col("hour_start_utc").dt.replace_time_zone("UTC")
    names = (
        start.cast(pl.Datetime("us"))
        .to_frame()
        .with_columns(
            hour_of_week=police_time.hour_of_week(utc_start),
            police_day=police_time.police_day(utc_start),
            week_start=police_time.week_start(utc_start),
        )
    )
    return LocalHours(int(numbers[0]), shift, names)


def hours_of(police_time: PoliceTime, window: Window) -> pl.DataFrame:
    """The `names` of every hour that starts in a half-open window, such as a year of police weeks."""
    start, end = _ms(window.start_utc), _ms(window.end_utc)
    names = local_hours(police_time, start, end - 1).names
    naive_start = window.start_utc.replace(tzinfo=None)
    return names.filter(pl.col("hour_start_utc") >= naive_start)


def _local_ms(police_time: PoliceTime, utc_ms: IntArray) -> IntArray:
    utc = pl.Series("utc", utc_ms).cast(pl.Datetime("ms", "UTC")).to_frame()
    local = utc.select(police_time.to_local(pl.col("utc"))).to_series()
    return local.to_physical().to_numpy()


def _ms(moment_utc: datetime) -> int:
    return int(moment_utc.timestamp()) * 1000
