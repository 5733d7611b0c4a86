"""The hours of a stretch of time with what stages need to know of them: whether the day is ordinary, whether it is night.

Here: hours joined to the calendar and to the definitions of the night. Not here: the tables they come from (`calendar_days`, `night_time`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from hotspot_pipeline.timebase import PoliceTime
from hotspot_pipeline.timebase.calendar_days import (
    BankHolidays,
    LocalPeriod,
    calendar_days,
    read_bank_holidays,
    read_local_periods,
)
from hotspot_pipeline.timebase.local_hours import hours_of
from hotspot_pipeline.timebase.night_time import (
    COLUMNS,
    NightDefinition,
    read_night_definitions,
    with_night_hours,
)

_FILES = ("bank_holidays", "nte_definitions")
_LOCAL = "local_periods"


@dataclass(frozen=True)
class Calendar:
    """Bank holidays, the force's own terms and events, and the definitions of the night."""

    clock: PoliceTime
    holidays: BankHolidays
    local: tuple[LocalPeriod, ...]
    nights: tuple[NightDefinition, ...]
    #: of the files' contents, so that a changed definition is noticed
    version: str

    @classmethod
    def read(cls, clock: PoliceTime, folder: Path, own: dict[str, Path]) -> Calendar:
        """From the reference folder, or a force's own files in their place. Raises CalendarFileError, or OSError with the file's name."""
        holidays, nights = (own.get(name, folder / f"{name}.csv") for name in _FILES)
        local = own.get(_LOCAL)
        texts = [path.read_text("utf-8-sig") for path in (holidays, nights, local) if path]
        return cls(
            clock,
            read_bank_holidays(holidays),
            read_local_periods(local) if local else (),
            read_night_definitions(nights, clock.day_starts_hour),
            "\n".join(texts),
        )

    def hours(self, first_day: date, end_day: date) -> pl.DataFrame:
        """Every hour of the police days: hour_start_utc, hour_of_week, police_day, week_start, is_ordinary, in_wide_nte, in_core_nte,
        in_peak_nte. Outside the years that the table of bank holidays knows, days count as ordinary."""
        named = hours_of(self.clock, self.clock.window(first_day, end_day))
        days = self._days(first_day, end_day)
        joined = named.join(days, on="police_day", how="left", maintain_order="left")
        return (
            self._with_nights(joined)
            .with_columns(is_ordinary=pl.col("stratum").fill_null("ordinary") == "ordinary")
            .select(
                "hour_start_utc",
                "hour_of_week",
                "police_day",
                "week_start",
                "is_ordinary",
                *COLUMNS.values(),
            )
        )

    def nights_of(self, hours: pl.DataFrame) -> pl.DataFrame:
        """`hours` (hour_start_utc, hour_of_week, …) with in_wide_nte, in_core_nte, in_peak_nte."""
        day = self.clock.police_day(pl.col("hour_start_utc").dt.replace_time_zone("UTC"))
        named = hours.with_columns(police_day=day)
        if hours.is_empty():
            return self._with_nights(
                named.with_columns(
                    is_bank_holiday_eve=pl.lit(None, pl.Boolean),
                    is_new_years_eve=pl.lit(None, pl.Boolean),
                )
            )
        first, last = named.select(a=pl.col("police_day").min(), b=pl.col("police_day").max()).row(
            0
        )
        days = self._days(first, last + timedelta(days=1))
        return self._with_nights(
            named.join(days, on="police_day", how="left", maintain_order="left")
        )

    def _days(self, first_day: date, end_day: date) -> pl.DataFrame:
        known_from = date(self.holidays.first_year, 1, 1)
        # of the last day one would have to know whether the next is a holiday
        known_to = date(self.holidays.last_year, 12, 31)
        first, end = max(first_day, known_from), min(end_day, known_to)
        found = calendar_days(first, max(first, end), self.holidays, self.local)
        return found.select(
            "police_day", "stratum", "is_bank_holiday_eve", "is_new_years_eve"
        ).cast({"stratum": pl.String})

    def _with_nights(self, hours: pl.DataFrame) -> pl.DataFrame:
        eves = ("is_bank_holiday_eve", "is_new_years_eve")
        return with_night_hours(
            hours.with_columns(pl.col(eves).fill_null(False)),
            self.nights,
            self.clock.day_starts_hour,
        )


def in_words(nights: Sequence[NightDefinition]) -> str:
    """The definitions that are in force, one after the other: every output names them."""
    return "; ".join(one.in_words() for one in nights if one.valid_to == date.max)
