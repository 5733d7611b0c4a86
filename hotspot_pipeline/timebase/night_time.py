"""The night-time economy by the clock: wide, core and peak hours, as defined on a day.

Here: reading the dated definitions, and which hours they hold. Not here: which places belong to the
night-time economy (`hot_times.night_link`).

There is no official definition (DOMAIN §3.4): every output names the definition and its version.
Changing one is a new version with its own days, or one row changed for all days: never both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from hotspot_pipeline.timebase.reference_csv import CalendarFileError, Row, read_rows

COLUMNS = {"nte_wide": "in_wide_nte", "nte_core": "in_core_nte", "nte_peak": "in_peak_nte"}
"""Every definition that must be there, and the column that says whether an hour is in it."""

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_FILE_COLUMNS = (
    "definition", "version", "weekdays", "starts", "ends", "on_bank_holiday_eves", "on_new_years_eve",
    "valid_from", "valid_to", "source",
)  # fmt: skip


@dataclass(frozen=True)
class NightDefinition:
    """Whole local hours from `start_hour` to before `end_hour` (past midnight where it is not later),
    on police days of these weekdays (Monday 0) and, where said, on eves of bank holidays and on New
    Year's Eve. In force on police days `valid_from` to `valid_to`, both included."""

    name: str
    version: str
    weekdays: frozenset[int]
    start_hour: int
    end_hour: int
    on_bank_holiday_eves: bool
    on_new_years_eve: bool
    valid_from: date
    valid_to: date

    def in_words(self) -> str:
        """`nte_core version 1: Thu, Fri, Sat 20:00-04:00, eves of bank holidays, New Year's Eve`."""
        days = [WEEKDAYS[n] for n in sorted(self.weekdays)]
        when = "every day" if len(days) == 7 else ", ".join(days)
        eves = ", eves of bank holidays" if self.on_bank_holiday_eves else ""
        new_year = ", New Year's Eve" if self.on_new_years_eve else ""
        hours = f"{self.start_hour:02d}:00-{self.end_hour:02d}:00"
        return f"{self.name} version {self.version}: {when} {hours}{eves}{new_year}"


def read_night_definitions(path: Path, day_starts_hour: int = 6) -> tuple[NightDefinition, ...]:
    """`data/reference/nte_definitions.csv` or a force's own. Raises CalendarFileError where a row is
    wrong, a definition is missing, two versions hold on one day, or a night runs past the start of
    the next police day."""
    found: list[NightDefinition] = []
    for row in read_rows(path, _FILE_COLUMNS):
        one = _definition(row)
        start, end = _within_day(one, day_starts_hour)
        if start >= end:
            raise row.wrong("ends", f"runs past {day_starts_hour:02d}:00, when the police day ends")
        for other in found:
            if other.name == one.name and (
                other.valid_from <= one.valid_to and one.valid_from <= other.valid_to
            ):
                raise row.wrong(
                    "valid_from", f"lies in the days of version {other.version} of {one.name}"
                )
        found.append(one)
    missing = sorted(set(COLUMNS) - {one.name for one in found})
    if missing:
        raise CalendarFileError(f"{path}: no definition of {', '.join(missing)}")
    return tuple(found)


def with_night_hours(
    hours: pl.DataFrame, definitions: Sequence[NightDefinition], day_starts_hour: int = 6
) -> pl.DataFrame:
    """`hours` with in_wide_nte, in_core_nte and in_peak_nte added.

    `hours` has police_day, hour_of_week (0 = Monday 00:00), is_bank_holiday_eve and is_new_years_eve:
    the names of `local_hours` joined to `calendar_days`. On a day for which no version is in force the
    answer is null. Whole hours only, so an hour is in or out as a whole; a moment is where its hour is.
    """
    return hours.with_columns(
        _is_in([one for one in definitions if one.name == name], day_starts_hour).alias(column)
        for name, column in COLUMNS.items()
    )


def _is_in(versions: Sequence[NightDefinition], day_starts_hour: int) -> pl.Expr:
    found = pl.lit(None, dtype=pl.Boolean)
    into_day = (pl.col("hour_of_week") % 24 - day_starts_hour) % 24
    for one in versions:
        start, end = _within_day(one, day_starts_hour)
        day = pl.col("police_day").dt.weekday().is_in([n + 1 for n in sorted(one.weekdays)])
        if one.on_bank_holiday_eves:
            day |= pl.col("is_bank_holiday_eve")
        if one.on_new_years_eve:
            day |= pl.col("is_new_years_eve")
        in_force = pl.col("police_day").is_between(one.valid_from, one.valid_to)
        found = (
            pl.when(in_force)
            .then(day & into_day.is_between(start, end, closed="left"))
            .otherwise(found)
        )
    return found


def _within_day(one: NightDefinition, day_starts_hour: int) -> tuple[int, int]:
    """First hour and end in hours since the police day began."""
    start = (one.start_hour - day_starts_hour) % 24
    return start, (one.end_hour - day_starts_hour - 1) % 24 + 1


def _definition(row: Row) -> NightDefinition:
    days = row.text("weekdays").split("|")
    unknown = [d for d in days if d not in WEEKDAYS]
    if unknown:
        raise row.wrong("weekdays", f"has '{unknown[0]}', which is not one of {'|'.join(WEEKDAYS)}")
    return NightDefinition(
        name=row.one_of("definition", tuple(COLUMNS)),
        version=row.text("version"),
        weekdays=frozenset(WEEKDAYS.index(d) for d in days),
        start_hour=row.whole_hour("starts"),
        end_hour=row.whole_hour("ends"),
        on_bank_holiday_eves=row.yes_or_no("on_bank_holiday_eves"),
        on_new_years_eve=row.yes_or_no("on_new_years_eve"),
        valid_from=row.day("valid_from"),
        valid_to=row.day_or("valid_to", date.max),
    )
