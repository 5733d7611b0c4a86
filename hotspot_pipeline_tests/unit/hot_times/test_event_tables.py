"""Named hours and the account of events."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from hotspot_pipeline.hot_times.aoristic import event_hours
from hotspot_pipeline.hot_times.event_tables import event_times, named_hours, ordinary_hours
from hotspot_pipeline.timebase import PoliceTime
from hotspot_pipeline.timebase.calendar_days import LocalPeriod, read_bank_holidays
from hotspot_pipeline.timebase.night_time import read_night_definitions
from hotspot_pipeline_tests.unit.hot_times.made_windows import events

LONDON = PoliceTime()
FIRST, END = date(2024, 4, 29), date(2024, 5, 27)


@pytest.fixture(scope="module")
def hours(project_root: Path) -> pl.DataFrame:
    reference = project_root / "data" / "reference"
    show = LocalPeriod("local_event", "county show", date(2024, 5, 15), date(2024, 5, 15))
    return named_hours(
        LONDON,
        FIRST,
        END,
        holidays=read_bank_holidays(reference / "bank_holidays.csv"),
        definitions=read_night_definitions(reference / "nte_definitions.csv"),
        local=[show],
    )


def test_every_hour_has_its_day_and_night(hours: pl.DataFrame) -> None:
    assert hours.height == 28 * 24 and hours["hour_start_utc"].is_unique().all()
    assert hours.null_count().select("stratum", "in_core_nte", "is_bank_holiday").row(0) == (
        0,
        0,
        0,
    )
    strata = dict(hours["stratum"].value_counts().rows())
    # 6 May and 27 May are holidays: the eves are 5 and 26 May; the 27th itself is past the end
    assert strata == {
        "ordinary": 24 * 24,
        "bank_holiday": 24,
        "bank_holiday_eve": 48,
        "local_event": 24,
    }


def test_ordinary_hours_of_whole_weeks(hours: pl.DataFrame) -> None:
    made = ordinary_hours(hours, date(2024, 5, 6), date(2024, 5, 20))
    assert made.height == 14 * 24 - 24 - 24
    assert made["week_start"].unique().sort().to_list() == [date(2024, 5, 6), date(2024, 5, 13)]
    with pytest.raises(ValueError, match="2024-05-07 is not a Monday"):
        ordinary_hours(hours, date(2024, 5, 7), date(2024, 5, 20))
    with pytest.raises(ValueError, match="not of all weeks from 2024-05-06 to 2024-06-03"):
        ordinary_hours(hours, date(2024, 5, 6), date(2024, 6, 3))


def test_every_event_is_accounted_for(hours: pl.DataFrame) -> None:
    friday_22 = datetime(2024, 5, 3, 21)  # summer time
    table = events(
        (friday_22, None),
        (friday_22, friday_22 + timedelta(days=8)),
        (datetime(2024, 5, 7, 6, 30), None),
        (datetime(2024, 5, 7, 10), datetime(2024, 5, 8, 14)),
    ).with_columns(
        source=pl.Series(["crime", "crime", "asb", "crime"]),
        cat_group=pl.Series(["VAP", "VAP", "ASB", "VAP"]),
        week_start=pl.lit(date(2024, 4, 29)),
        hour_of_week=pl.Series([4 * 24 + 22, 4 * 24 + 22, 24 + 7, 24 + 11]),
    )
    made = event_times(table, event_hours(table, LONDON), hours)
    assert made["event_id"].to_list() == [0, 1, 2, 3]
    assert made["time_case"].to_list() == ["no_end", "over_168_h", "no_end", "over_24_h"]
    assert made["temporal_quality"].to_list() == ["good", None, "good", "low"]
    assert made["is_reported_late"].to_list() == [False, False, True, False]
    assert made["in_core_nte"].to_list() == [True, None, False, False]
    assert made["share_core_nte"].to_list() == [1.0, None, 0.0, 0.0]


def test_an_hour_without_a_name_is_refused(hours: pl.DataFrame) -> None:
    late = datetime(2024, 5, 27, 4, 30)
    table = events((late, late + timedelta(hours=2))).with_columns(
        source=pl.lit("crime"),
        cat_group=pl.lit("VAP"),
        week_start=pl.lit(FIRST),
        hour_of_week=pl.lit(5),
    )
    with pytest.raises(ValueError, match="event 0 has weight in the hour from 2024-05-27 05:00"):
        event_times(table, event_hours(table, LONDON), hours)
