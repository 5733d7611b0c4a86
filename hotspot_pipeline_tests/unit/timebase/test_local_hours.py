"""Hours one by one: as many as really were, named as the wall clock names them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from hotspot_pipeline.timebase import PoliceTime
from hotspot_pipeline.timebase.local_hours import hours_of, local_hours


@pytest.mark.parametrize(
    "zone",
    ["Europe/London", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Pacific/Chatham"],
)
def test_hours_of_weeks_are_their_exposure(zone: str) -> None:
    """Also through both clock changes of the year. Chatham's clocks change at a quarter to three, so
    there a local hour is cut, and exposure by quarters differs: only the length is compared."""
    police_time = PoliceTime(zone)
    mondays = [
        date(2024, 3, 4),
        date(2024, 3, 25),
        date(2024, 9, 23),
        date(2024, 10, 21),
        date(2024, 11, 4),
    ]
    for monday in mondays:
        hours = hours_of(police_time, police_time.week_window(monday))
        assert hours["week_start"].unique().to_list() == [monday]
        real = police_time.exposure_hours(monday)
        assert hours.height == real.sum()
        if zone != "Pacific/Chatham":
            counted = np.bincount(hours["hour_of_week"].to_numpy(), minlength=168)
            np.testing.assert_array_equal(counted, real)


def test_each_hour_begins_on_the_local_hour() -> None:
    for zone in ("Asia/Kathmandu", "Europe/London"):
        police_time = PoliceTime(zone)
        names = hours_of(police_time, police_time.day_window(date(2024, 10, 26)))
        for start, hour, day, _ in names.rows():
            wall = start.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
            assert (wall.minute, wall.weekday() * 24 + wall.hour) == (0, hour)
            assert day == date(2024, 10, 26)


def test_numbers_and_rows() -> None:
    moment = int(datetime(2024, 6, 3, 12, 34, tzinfo=UTC).timestamp() * 1000)
    hours = local_hours(PoliceTime("Asia/Kolkata"), moment, moment + 3_600_000)
    at = np.array([moment, moment + 3_600_000])
    assert hours.row(hours.number(at)).tolist() == [0, 1]
    assert hours.into_hour_ms(at).tolist() == [4 * 60_000] * 2  # 18:04 there
    assert hours.names["hour_start_utc"].to_list() == [
        datetime(2024, 6, 3, 12, 30),
        datetime(2024, 6, 3, 13, 30),
    ]
    assert hours.names.schema["hour_start_utc"] == pl.Datetime("us")
