"""The rows of `hot_times.hours` and `hot_times.event_times`: hours with their names, events with their account.

Here: putting the calendar, the definitions of the night and the weights together. Not here: each of
them (`timebase`, `aoristic`, `night_link`), profiles (`tables`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from hotspot_pipeline.hot_times.night_link import NIGHT_COLUMNS, event_nights
from hotspot_pipeline.hot_times.time_cases import is_reported_late, temporal_quality, time_case
from hotspot_pipeline.timebase import PoliceTime
from hotspot_pipeline.timebase.calendar_days import BankHolidays, LocalPeriod, calendar_days
from hotspot_pipeline.timebase.local_hours import hours_of
from hotspot_pipeline.timebase.night_time import NightDefinition, with_night_hours


def named_hours(
    police_time: PoliceTime,
    first_day: date,
    end_day: date,
    *,
    holidays: BankHolidays,
    definitions: Sequence[NightDefinition],
    local: Sequence[LocalPeriod] = (),
) -> pl.DataFrame:
    """One row per local hour of the police days from `first_day` to before `end_day`: the names of
    `local_hours.hours_of`, the attributes of `calendar_days` and the columns of `with_night_hours`.

    Make it reach a week past the last event's start, so that every window's hours have their row.
    """
    hours = hours_of(police_time, police_time.window(first_day, end_day))
    days = calendar_days(first_day, end_day, holidays, local)
    joined = hours.join(days, on="police_day", how="left", maintain_order="left")
    return with_night_hours(joined, definitions, police_time.day_starts_hour)


def ordinary_hours(hours: pl.DataFrame, first_week: date, end_week: date) -> pl.DataFrame:
    """The hours that make profiles: ordinary days of the police weeks from one Monday to before another."""
    for monday in (first_week, end_week):
        if monday.weekday() != 0:
            raise ValueError(f"{monday} is not a Monday; profiles are made of whole police weeks")
    known_from, known_to = hours.select(
        pl.col("police_day").min().alias("first"), pl.col("police_day").max().alias("last")
    ).row(0)
    if known_from is None or known_from > first_week or known_to < end_week - timedelta(days=1):
        raise ValueError(
            f"the hours are of police days {known_from} to {known_to}: not of all weeks from {first_week} "
            f"to {end_week}; name more hours"
        )
    week = pl.col("week_start")
    return hours.filter(
        (week >= first_week) & (week < end_week) & (pl.col("stratum") == "ordinary")
    )


def event_times(events: pl.DataFrame, rows: pl.DataFrame, hours: pl.DataFrame) -> pl.DataFrame:
    """One row per event, in their order: event_id, week_start, cat_group, time_case, temporal_quality,
    is_reported_late, in_wide_nte, in_core_nte, in_peak_nte, share_core_nte.

    `events` has event_id, source, week_start, cat_group, hour_of_week, time_known, from_utc, to_utc;
    `rows` are their `aoristic.event_hours`; `hours` as of `named_hours`. Night columns are null for an
    event without usable hours. Raises ValueError where an hour of `rows` is not among `hours`.
    """
    night = rows.join(
        hours.select("hour_start_utc", *NIGHT_COLUMNS), on="hour_start_utc", how="left"
    )
    unnamed = rows.join(hours, on="hour_start_utc", how="anti")
    if unnamed.height:
        row = unnamed.sort("hour_start_utc").row(0, named=True)
        raise ValueError(
            f"event {row['event_id']} has weight in the hour from {row['hour_start_utc']} UTC, which is not "
            "among the named hours; name more hours"
        )
    case = time_case(pl.col("time_known"), pl.col("from_utc"), pl.col("to_utc"))
    return (
        events.with_columns(time_case=case)
        .select(
            "event_id",
            "week_start",
            "cat_group",
            "time_case",
            temporal_quality=temporal_quality(pl.col("time_case")),
            is_reported_late=is_reported_late(pl.col("source"), pl.col("hour_of_week")),
        )
        .join(event_nights(night), on="event_id", how="left", maintain_order="left")
    )
