"""Which baseline judges which week, and which weeks a baseline may rest on.

Pure. Here: quarters, the weeks of a fit, Mondays from which recording differed. Not here: the fit (`weekly_baseline`), its book
(`baseline_book`).
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl

from hotspot_pipeline.evaluation.place_weeks import ALL, SETTLED_DAYS, WEEK
from hotspot_pipeline.evaluation.weekly_baseline import ENOUGH_WEEKS
from hotspot_pipeline.timebase import monday_of
from hotspot_pipeline.timebase.reference_csv import read_rows

# limits are shown for two years; earlier quarters are not fitted
SHOWN_WEEKS = 104


def quarter_of(day: date) -> date:
    """The first day of the calendar quarter."""
    return date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)


def next_quarter(quarter: date) -> date:
    return quarter_of(quarter + timedelta(days=100))


def quarters(first: date, last: date) -> list[date]:
    """The quarters in which the days from `first` to `last` lie."""
    found = [quarter_of(first)]
    while next_quarter(found[-1]) <= last:
        found.append(next_quarter(found[-1]))
    return found


def last_settled(quarter: date) -> date:
    """The Monday of the last week that was settled when the quarter began."""
    return monday_of(quarter - timedelta(days=SETTLED_DAYS) - WEEK)


def recording_steps(path: Path, group: str) -> list[date]:
    """The Mondays from which on a group is recorded otherwise, from `recording_changes.csv`; changes without a direction are none.

    Raises CalendarFileError, which names file, line and column.
    """
    found = set()
    for row in read_rows(path, ("effective_from", "cat_groups", "direction")):
        groups = row.text("cat_groups").split("|")
        if row.text("direction") != "none" and (group in groups or group == ALL):
            found.add(monday_of(row.day("effective_from") + timedelta(days=6)))
    return sorted(found)


def weeks_to_fit(weeks: pl.DataFrame, treated: pl.DataFrame, quarter: date) -> pl.DataFrame:
    """Of `weeks` (hotspot_id, week_start, …; one group) those a quarter's baseline rests on: of each hotspot the last 104 that were settled and do
    not lie between its first planned patrol and its last.

    `treated`: hotspot_id, first_week, last_week.
    """
    is_patrolled = pl.col("week_start").is_between("first_week", "last_week").fill_null(False)
    return (
        weeks.filter(pl.col("week_start") <= last_settled(quarter))
        .join(treated, on="hotspot_id", how="left")
        .filter(~is_patrolled)
        .drop("first_week", "last_week")
        .sort("hotspot_id", "week_start")
        .group_by("hotspot_id", maintain_order=True)
        .tail(ENOUGH_WEEKS)
    )
