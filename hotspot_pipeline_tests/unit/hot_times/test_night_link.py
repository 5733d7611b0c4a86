"""Events and places of the night: more inside than outside, and venues and hours together."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from hotspot_pipeline.hot_times.aoristic import WEIGHT_UNIT, event_hours
from hotspot_pipeline.hot_times.night_link import (
    REASON_NO_HOURS,
    event_nights,
    night_link,
    night_weights,
)
from hotspot_pipeline.timebase import PoliceTime
from hotspot_pipeline.timebase.calendar_days import calendar_days, read_bank_holidays
from hotspot_pipeline.timebase.local_hours import hours_of
from hotspot_pipeline.timebase.night_time import read_night_definitions, with_night_hours
from hotspot_pipeline_tests.unit.hot_times.made_windows import Window, events

LONDON = PoliceTime()
FRIDAY = datetime(2024, 1, 5)  # winter: UTC is local time


@pytest.fixture(scope="module")
def hours(project_root: Path) -> pl.DataFrame:
    reference = project_root / "data" / "reference"
    first, end = date(2024, 1, 1), date(2024, 1, 15)
    days = calendar_days(first, end, read_bank_holidays(reference / "bank_holidays.csv"))
    named = hours_of(LONDON, LONDON.window(first, end)).join(days, on="police_day", how="left")
    return with_night_hours(named, read_night_definitions(reference / "nte_definitions.csv"))


def rows(hours: pl.DataFrame, *windows: Window) -> pl.DataFrame:
    night = hours.select("hour_start_utc", "in_wide_nte", "in_core_nte", "in_peak_nte")
    made = event_hours(events(*windows), LONDON)
    return made.join(night, on="hour_start_utc", how="left", maintain_order="left")


def test_an_event_is_in_the_night_where_more_of_it_is(hours: pl.DataFrame) -> None:
    def at(hour: int) -> datetime:
        return FRIDAY + timedelta(hours=hour)

    found = event_nights(
        rows(
            hours,
            (at(23), None),
            (at(19), at(22)),
            (at(17), at(21)),
            (at(18), at(22)),
            (at(12), None),
        )
    )
    assert found["in_core_nte"].to_list() == [True, True, False, False, False]
    assert found["share_core_nte"].to_list() == pytest.approx([1, 2 / 3, 1 / 4, 1 / 2, 0], abs=1e-9)
    assert found["in_wide_nte"].to_list() == [True, True, True, True, False]
    assert found["in_peak_nte"].to_list() == [True, False, False, False, False]


def test_events_without_hours_have_no_row(hours: pl.DataFrame) -> None:
    table = events((FRIDAY, None), known="date_only")
    night = hours.select("hour_start_utc", "in_wide_nte", "in_core_nte", "in_peak_nte")
    assert event_nights(event_hours(table, LONDON).join(night, on="hour_start_utc")).is_empty()


def test_a_place_needs_venues_and_hours() -> None:
    def weights(place: str, n: int, wide: int) -> tuple[str, int, int, int, int]:
        return place, n * WEIGHT_UNIT, wide * WEIGHT_UNIT, 0, 0

    names = ["place", "weight", "weight_wide_nte", "weight_core_nte", "weight_peak_nte"]
    table = pl.DataFrame(
        [weights("a", 5, 2), weights("b", 100, 39), weights("c", 5, 5), weights("d", 5, 3), weights("f", 7, 7)],
        schema=names, orient="row",
    )  # fmt: skip
    places = pl.DataFrame(
        {
            "place": ["a", "b", "c", "d", "e", "f"],
            "n_venues": [2, 2, 1, 0, 3, 1],
            "dist_nearest_late_m": [None, None, 50.1, 50.0, None, None],
        }
    )
    found = night_link(places, table)
    assert found["place"].to_list() == ["a", "b", "c", "d", "e", "f"]
    # two venues and 40 %; 39 %; one venue and a late one too far; a late one near; no hours; one venue
    assert found["nte_linked"].to_list() == [True, False, False, True, None, False]
    assert found["nte_linked_reason"].to_list() == [None] * 4 + [REASON_NO_HOURS, None]
    assert found["share_wide_nte"].to_list() == pytest.approx([0.4, 0.39, 1, 0.6, None, 1])


def test_weights_by_place(hours: pl.DataFrame) -> None:
    made = rows(hours, (FRIDAY + timedelta(hours=21), FRIDAY + timedelta(hours=23)), (FRIDAY, None))
    summed = night_weights(made.with_columns(place=pl.lit("a")), ["place"])
    unit = WEIGHT_UNIT
    assert summed.row(0) == ("a", 2 * unit, 2 * unit, 2 * unit, unit // 2)
