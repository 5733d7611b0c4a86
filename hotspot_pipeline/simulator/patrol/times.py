"""Between the force's wall clock and UTC seconds. Patrols move in real time, so everything here is computed in UTC.

Belongs here: that one conversion and the moments of a patrol day. Does not belong here: hours of the week (`crime.clock`).
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.force.county import Ints

ZONE = "Europe/London"


def utc_seconds(local: pl.Series) -> Ints:
    """Seconds since 1970 of wall-clock times; the first of an hour that comes twice, an hour later in one that never was."""
    as_given = local.cast(pl.Datetime("us"))
    first = as_given.dt.replace_time_zone(ZONE, ambiguous="earliest", non_existent="null")
    later = as_given.dt.offset_by("1h").dt.replace_time_zone(
        ZONE, ambiguous="earliest", non_existent="null"
    )
    utc = first.fill_null(later) if first.null_count() else first
    return np.asarray(utc.dt.epoch("s").to_numpy(), np.int64)


@lru_cache(maxsize=4096)
def utc_second(local: datetime) -> int:
    return int(utc_seconds(pl.Series([local]))[0])


def local_times(utc: Ints) -> pl.Series:
    """Wall-clock times (naive, microseconds)."""
    moments = pl.Series(utc.astype("datetime64[s]").astype("datetime64[us]"))
    return moments.dt.replace_time_zone("UTC").dt.convert_time_zone(ZONE).dt.replace_time_zone(None)


def day_begins(day: date) -> int:
    """06:00 of a police day, in UTC seconds."""
    return utc_second(datetime.combine(day, time(6)))


def shift_times(day: date, first_hour: float, last_hour: float) -> tuple[int, int]:
    """Hours of the wall clock of that date; from 24 on, of the next."""
    midnight = datetime.combine(day, time(0))
    return utc_second(midnight + timedelta(hours=first_hour)), utc_second(
        midnight + timedelta(hours=last_hour)
    )
