"""Night-time definitions: which hours they hold, and what a file may say."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from hotspot_pipeline.timebase import PoliceTime
from hotspot_pipeline.timebase.calendar_days import calendar_days, read_bank_holidays
from hotspot_pipeline.timebase.local_hours import hours_of
from hotspot_pipeline.timebase.night_time import (
    NightDefinition,
    read_night_definitions,
    with_night_hours,
)
from hotspot_pipeline.timebase.reference_csv import CalendarFileError

LONDON = PoliceTime()


@pytest.fixture(scope="module")
def definitions(project_root: Path) -> tuple[NightDefinition, ...]:
    return read_night_definitions(project_root / "data" / "reference" / "nte_definitions.csv")


@pytest.fixture(scope="module")
def year(project_root: Path, definitions: tuple[NightDefinition, ...]) -> pl.DataFrame:
    first, end = date(2024, 1, 1), date(2025, 1, 6)
    reference = project_root / "data" / "reference"
    holidays = read_bank_holidays(reference / "bank_holidays.csv")
    hours = hours_of(LONDON, LONDON.window(first, end))
    hours = hours.join(calendar_days(first, end, holidays), on="police_day", how="left")
    return with_night_hours(hours, definitions)


def local(year: pl.DataFrame, moment: datetime) -> dict[str, object]:
    start = LONDON.instant(moment.replace(minute=0)).replace(tzinfo=None)
    return year.row(by_predicate=pl.col("hour_start_utc") == start, named=True)


@pytest.mark.parametrize(
    ("moment", "wide", "core", "peak"),
    [
        (datetime(2024, 6, 6, 19, 59), True, False, False),  # Thursday
        (datetime(2024, 6, 6, 20), True, True, False),
        (datetime(2024, 6, 7, 3, 59), True, True, False),  # Thursday's night, on a Friday
        (datetime(2024, 6, 7, 4), True, False, False),
        (datetime(2024, 6, 7, 6), False, False, False),
        (datetime(2024, 6, 7, 22), True, True, True),
        (datetime(2024, 6, 9, 3), True, True, True),  # Saturday's night
        (datetime(2024, 6, 9, 22), True, False, False),  # an ordinary Sunday
        (datetime(2024, 5, 5, 22), True, True, False),  # the eve of a bank holiday
        (datetime(2024, 5, 6, 22), True, False, False),  # the holiday itself, a Monday
        (datetime(2024, 12, 31, 23), True, True, False),  # a Tuesday
        (datetime(2025, 1, 1, 2), True, True, False),  # still New Year's Eve
        (datetime(2024, 6, 9, 12), False, False, False),
    ],
)
def test_which_hours_are_night(
    year: pl.DataFrame, moment: datetime, wide: bool, core: bool, peak: bool
) -> None:
    row = local(year, moment)
    assert (row["in_wide_nte"], row["in_core_nte"], row["in_peak_nte"]) == (wide, core, peak)


def test_hours_of_the_night_in_a_week(year: pl.DataFrame) -> None:
    week = year.filter(pl.col("week_start") == date(2024, 6, 3))
    counts = week.select(pl.col("in_wide_nte", "in_core_nte", "in_peak_nte").sum()).row(0)
    assert counts == (84, 24, 12)


def test_versions_hold_on_their_days_and_nothing_else_is_said(tmp_path: Path) -> None:
    path = tmp_path / "nte.csv"
    path.write_text(
        HEADER + "nte_wide,1,Mon|Tue|Wed|Thu|Fri|Sat|Sun,18:00,06:00,false,false,2024-01-01,,x\n"
        "nte_core,1,Fri,20:00,04:00,false,false,2024-01-01,2024-06-30,x\n"
        "nte_core,2,Fri,20:00,24:00,false,false,2024-07-01,,x\n"
        "nte_peak,1,Fri,22:00,04:00,false,false,2024-06-08,,x\n",
        encoding="utf-8",
    )
    found = read_night_definitions(path)
    assert found[2].in_words() == "nte_core version 2: Fri 20:00-24:00"
    hours = hours_of(LONDON, LONDON.window(date(2024, 6, 3), date(2024, 7, 15)))
    no_eves = {"is_bank_holiday_eve": pl.lit(False), "is_new_years_eve": pl.lit(False)}
    night = with_night_hours(hours.with_columns(**no_eves), found)
    assert local(night, datetime(2024, 6, 8, 2))["in_core_nte"] is True
    assert local(night, datetime(2024, 6, 8, 2))["in_peak_nte"] is None
    assert local(night, datetime(2024, 7, 6, 2))["in_core_nte"] is False
    assert local(night, datetime(2024, 7, 5, 23))["in_core_nte"] is True


HEADER = (
    "definition,version,weekdays,starts,ends,on_bank_holiday_eves,on_new_years_eve,"
    "valid_from,valid_to,source\n"
)
WIDE = "nte_wide,1,Mon,18:00,06:00,false,false,2024-01-01,,x\n"


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        (WIDE, "no definition of nte_core, nte_peak"),
        (WIDE.replace("Mon", "Mon|Tues"), "column weekdays: 'Mon.Tues' has 'Tues'"),
        (WIDE.replace("18:00", "18:30"), "column starts: '18:30' is not a whole hour"),
        (WIDE.replace("06:00", "07:00"), "column ends: '07:00' runs past 06:00"),
        (WIDE.replace("nte_wide", "nte"), "column definition: 'nte' is not one of nte_wide"),
        (
            WIDE.replace("false", "no", 1),
            "column on_bank_holiday_eves: 'no' is not one of true, false",
        ),
        (WIDE + WIDE, "line 3, column valid_from.*version 1 of nte_wide"),
    ],
)
def test_wrong_definitions_are_refused_with_their_place(
    tmp_path: Path, rows: str, complaint: str
) -> None:
    path = tmp_path / "nte.csv"
    path.write_text(HEADER + rows, encoding="utf-8")
    with pytest.raises(CalendarFileError, match=complaint):
        read_night_definitions(path)


def test_the_shipped_definitions_in_words(definitions: tuple[NightDefinition, ...]) -> None:
    assert [one.in_words() for one in definitions] == [
        "nte_wide version 1: every day 18:00-06:00",
        "nte_core version 1: Thu, Fri, Sat 20:00-04:00, eves of bank holidays, New Year's Eve",
        "nte_peak version 1: Fri, Sat 22:00-04:00",
    ]
