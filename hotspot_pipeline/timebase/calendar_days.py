"""What is special about a police day: bank holidays and eves, named nights, paydays, terms, local events.

Here: reading the dated tables and naming every police day by them. Not here: the hours of the
night-time economy (`night_time`), who leaves which days out (`hot_times`).

Special days are strata of their own: they are not averaged into ordinary weeks (DOMAIN §3.1). Terms
and paydays are attributes only, because half the year is term.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from hotspot_pipeline.timebase.reference_csv import CalendarFileError, read_rows

STRATA = (
    "ordinary", "new_years_eve", "bank_holiday", "bank_holiday_eve", "named_night", "local_event",
)  # fmt: skip
LOCAL_KINDS = ("school_term", "student_term", "local_event")
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class BankHolidays:
    """The days of the table and the years it speaks of, whole ones, both included."""

    days: frozenset[date]
    first_year: int
    last_year: int
    path: Path


@dataclass(frozen=True)
class LocalPeriod:
    """A term or a local event of the force, `first_day` to `last_day`, both included."""

    kind: str
    name: str
    first_day: date
    last_day: date


def read_bank_holidays(path: Path) -> BankHolidays:
    """`data/reference/bank_holidays.csv` or a force's own. Raises CalendarFileError."""
    days: set[date] = set()
    for row in read_rows(path, ("day", "name", "kind", "source")):
        day = row.day("day")
        if day in days:
            raise row.wrong("day", "stands in the file twice")
        days.add(day)
    if not days:
        raise CalendarFileError(f"{path}: holds no bank holiday")
    return BankHolidays(frozenset(days), min(days).year, max(days).year, path)


def read_local_periods(path: Path) -> tuple[LocalPeriod, ...]:
    """A force's own terms and events: kind (`LOCAL_KINDS`), name, first_day, last_day."""
    found = []
    for row in read_rows(path, ("kind", "name", "first_day", "last_day")):
        period = LocalPeriod(
            row.one_of("kind", LOCAL_KINDS),
            row.text("name"),
            row.day("first_day"),
            row.day("last_day"),
        )
        if period.last_day < period.first_day:
            raise row.wrong("last_day", f"is before first_day {period.first_day}")
        found.append(period)
    return tuple(found)


def calendar_days(
    first_day: date, end_day: date, holidays: BankHolidays, local: Sequence[LocalPeriod] = ()
) -> pl.DataFrame:
    """One row per police day from `first_day` to before `end_day`.

    police_day; is_bank_holiday; is_bank_holiday_eve (the day before one; Christmas Day is both);
    is_new_years_eve; named_night (halloween, bonfire_night, black_eye_friday: the last Friday before
    Christmas Day; else null); is_payday_weekend (Friday to Sunday of the last Friday of a month);
    is_school_term, is_student_term (null where the force names no such term at all); local_event (its
    name, or null); stratum, the first of `STRATA` after `ordinary` that applies.

    Raises ValueError for days outside the years of the holiday table: a year without holidays and a
    year that nobody entered look alike.
    """
    days = [first_day + n * _DAY for n in range((end_day - first_day).days)]
    outside = [d for d in days if not holidays.first_year <= (d + _DAY).year <= holidays.last_year]
    outside += [d for d in days[:1] if d.year < holidays.first_year]
    if outside:
        raise ValueError(
            f"{holidays.path} knows the bank holidays of {holidays.first_year} to {holidays.last_year}, "
            f"and so nothing of {outside[0]} and its next day; add the missing years"
        )
    frame = pl.DataFrame(
        {
            "police_day": days,
            "is_bank_holiday": [d in holidays.days for d in days],
            "is_bank_holiday_eve": [d + _DAY in holidays.days for d in days],
            "is_new_years_eve": [(d.month, d.day) == (12, 31) for d in days],
            "named_night": [_named_night(d) for d in days],
            "is_payday_weekend": [_is_payday_weekend(d) for d in days],
            "is_school_term": _is_within("school_term", local, days),
            "is_student_term": _is_within("student_term", local, days),
            "local_event": [_event_names(local, d) for d in days],
        },
        schema={
            "police_day": pl.Date,
            "is_bank_holiday": pl.Boolean,
            "is_bank_holiday_eve": pl.Boolean,
            "is_new_years_eve": pl.Boolean,
            "named_night": pl.String,
            "is_payday_weekend": pl.Boolean,
            "is_school_term": pl.Boolean,
            "is_student_term": pl.Boolean,
            "local_event": pl.String,
        },
    )
    stratum = (
        pl.when("is_new_years_eve")
        .then(pl.lit("new_years_eve"))
        .when("is_bank_holiday")
        .then(pl.lit("bank_holiday"))
        .when("is_bank_holiday_eve")
        .then(pl.lit("bank_holiday_eve"))
        .when(pl.col("named_night").is_not_null())
        .then(pl.lit("named_night"))
        .when(pl.col("local_event").is_not_null())
        .then(pl.lit("local_event"))
        .otherwise(pl.lit("ordinary"))
    )
    return frame.with_columns(stratum=stratum.cast(pl.Enum(STRATA)))


def _named_night(day: date) -> str | None:
    if (day.month, day.day) == (10, 31):
        return "halloween"
    if (day.month, day.day) == (11, 5):
        return "bonfire_night"
    if day.month == 12 and 18 <= day.day <= 24 and day.weekday() == 4:
        return "black_eye_friday"
    return None


def _is_payday_weekend(day: date) -> bool:
    if day.weekday() < 4:
        return False
    friday = day - timedelta(days=day.weekday() - 4)
    return (friday + timedelta(days=7)).month != friday.month


def _is_within(kind: str, local: Sequence[LocalPeriod], days: Sequence[date]) -> list[bool | None]:
    periods = [p for p in local if p.kind == kind]
    if not periods:
        return [None] * len(days)
    return [any(p.first_day <= d <= p.last_day for p in periods) for d in days]


def _event_names(local: Sequence[LocalPeriod], day: date) -> str | None:
    names = [p.name for p in local if p.kind == "local_event" and p.first_day <= day <= p.last_day]
    return "; ".join(sorted(names)) or None
