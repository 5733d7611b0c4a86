"""Dose: how much patrol each zone got on each police day, and where the whole force's time went.

Here: sums by zone or cell and police day. Not here: visits (`visits`), dwell (`dwell`), plans.

`patrol_ms` is the length of the union of all officers' time in the zone, `officer_ms` the sum over officers; two crews at once are one
quarter of an hour of patrol. Visits to calls and parked cars are presence, not dose. A visit across 06:00 is cut there.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl

from hotspot_pipeline.patrols.intervals import cut, total
from hotspot_pipeline.patrols.visits import Visits
from hotspot_pipeline.timebase import PoliceTime

_DAY = ["zone", "police_day"]


def by_police_day(intervals: pl.DataFrame, police_time: PoliceTime) -> pl.DataFrame:
    """Intervals (start_ms, end_ms) cut where police days begin, with `police_day`."""
    if not intervals.height:
        return intervals.with_columns(police_day=pl.lit(None, pl.Date))
    first, last = intervals.get_column("start_ms").min(), intervals.get_column("end_ms").max()
    assert isinstance(first, int) and isinstance(last, int)
    day, end = (
        police_time.police_day_of(datetime.fromtimestamp(ms / 1000, UTC)) for ms in (first, last)
    )
    days: list[date] = [day + timedelta(days=k) for k in range((end - day).days + 1)]
    starts = [int(police_time.day_window(d).start_utc.timestamp()) * 1000 for d in days]
    pieces = cut(intervals, starts[1:], "number")
    named = pl.Series(days, dtype=pl.Date).gather(pieces.get_column("number"))
    return pieces.with_columns(named.alias("police_day")).drop("number")


def dose_daily(found: Visits, police_time: PoliceTime) -> pl.DataFrame:
    """zone, police_day, patrol_ms, officer_ms, funded_patrol_ms, funded_officer_ms, reactive_ms (union of officers' time on calls),
    presence_ms (union of all officers' time), n_visits (by the day they began; of dose), n_officers (of dose). Days with any
    officer's presence only.
    """
    flags = found.visits.select("visit", "is_dose", "is_funded", "is_reactive")
    told = found.presence.join(flags, on="visit").filter(pl.col("officer").is_not_null())
    together = told.with_columns(start_ms="patrol_from_ms", end_ms="patrol_to_ms")
    together = together.filter(pl.col("end_ms") > pl.col("start_ms"))
    own, union = by_police_day(told, police_time), by_police_day(together, police_time)
    dose, patrol = own.filter("is_dose"), union.filter("is_dose")
    begun = by_police_day(
        found.visits.filter("is_dose").select("zone", "start_ms", end_ms="start_ms"), police_time
    )
    days = total(own, _DAY, "presence_ms").drop("presence_ms")
    for part in (
        total(patrol, _DAY, "patrol_ms"),
        _of_officers(dose, "officer_ms"),
        total(patrol.filter("is_funded"), _DAY, "funded_patrol_ms"),
        _of_officers(dose.filter("is_funded"), "funded_officer_ms"),
        total(union.filter("is_reactive"), _DAY, "reactive_ms"),
        total(union, _DAY, "presence_ms"),
        begun.group_by(_DAY).agg(n_visits=pl.len()),
        dose.group_by(_DAY).agg(n_officers=pl.col("officer").n_unique()),
    ):
        days = days.join(part, on=_DAY, how="left", maintain_order="left")
    return days.with_columns(pl.col(pl.Int64, pl.UInt32).fill_null(0).cast(pl.Int64)).sort(_DAY)


def _of_officers(pieces: pl.DataFrame, name: str) -> pl.DataFrame:
    return total(pieces, [*_DAY, "officer"], name).group_by(_DAY).agg(pl.col(name).sum())
