"""Police days and weeks as partitions: the same cut as the police calendar makes, across both clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from hotspot_pipeline.orchestration.partitions import (
    daily_partitions,
    key_date,
    key_of,
    police_time,
    weekly_partitions,
)
from hotspot_pipeline.settings import Force

LONDON = Force("aldershire", "Aldershire", Path("x"), partitions_start=date(2025, 1, 6))
SPRING, AUTUMN = date(2025, 3, 30), date(2025, 10, 26)  # Sundays with 23 and 25 hours


def force(**more: object) -> Force:
    return Force("f", "F", Path("x"), **{"partitions_start": date(2025, 1, 6), **more})  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [LONDON, force(time_zone="America/New_York"), force(day_starts_hour=0), force(day_starts_hour=7)])  # fmt: skip
def test_a_partition_is_the_window_of_its_police_day_and_week(given: Force) -> None:
    clock, until = police_time(given), datetime(2025, 12, 31, tzinfo=UTC)
    daily, weekly = daily_partitions(given), weekly_partitions(given)
    days = daily.get_partition_keys(current_time=until)
    assert len(days) > 350
    for key in days:
        window = daily.time_window_for_partition_key(key)
        expected = clock.day_window(key_date(key))
        assert (window.start, window.end) == (expected.start_utc, expected.end_utc), key
    weeks = weekly.get_partition_keys(current_time=until)
    assert {key_date(key).weekday() for key in weeks} == {0}
    for key in weeks:
        window = weekly.time_window_for_partition_key(key)
        expected = clock.week_window(key_date(key))
        assert (window.start, window.end) == (expected.start_utc, expected.end_utc), key


def test_partitions_begin_where_the_force_says() -> None:
    now = datetime(2025, 6, 1, tzinfo=UTC)
    for partitions in (daily_partitions(LONDON), weekly_partitions(LONDON)):
        assert partitions.get_partition_keys(current_time=now)[0] == "2025-01-06"


MOMENTS = {
    # local wall clock: the last closed day, the last closed week
    "Monday 02:30": (datetime(2025, 6, 16, 1, 30), date(2025, 6, 14), date(2025, 6, 2)),
    "Monday 05:59": (datetime(2025, 6, 16, 4, 59), date(2025, 6, 14), date(2025, 6, 2)),
    "Monday 06:05": (datetime(2025, 6, 16, 5, 5), date(2025, 6, 15), date(2025, 6, 9)),
    "Tuesday 02:30": (datetime(2025, 6, 17, 1, 30), date(2025, 6, 15), date(2025, 6, 9)),
    "Monday 02:30 in winter": (datetime(2025, 1, 20, 2, 30), date(2025, 1, 18), date(2025, 1, 6)),
    "the spring Sunday 02:30": (datetime(2025, 3, 30, 1, 30), date(2025, 3, 28), date(2025, 3, 17)),
    "the spring Monday 06:05": (datetime(2025, 3, 31, 5, 5), SPRING, date(2025, 3, 24)),
    "the autumn Sunday 02:30": (datetime(2025, 10, 26, 2, 30), date(2025, 10, 24), date(2025, 10, 13)),
    "the autumn Monday 02:30": (datetime(2025, 10, 27, 2, 30), date(2025, 10, 25), date(2025, 10, 13)),
    "the autumn Monday 05:30": (datetime(2025, 10, 27, 5, 30), date(2025, 10, 25), date(2025, 10, 13)),
    "the autumn Monday 06:05": (datetime(2025, 10, 27, 6, 5), AUTUMN, date(2025, 10, 20)),
}  # fmt: skip


@pytest.mark.parametrize(("utc", "day", "week"), MOMENTS.values(), ids=MOMENTS.keys())
def test_the_last_closed_day_and_week_are_partitions_and_the_next_are_not(
    utc: datetime, day: date, week: date
) -> None:
    now, clock = utc.replace(tzinfo=UTC), police_time(LONDON)
    assert (clock.last_closed_day(now), clock.last_closed_week(now)) == (day, week)
    daily, weekly = daily_partitions(LONDON), weekly_partitions(LONDON)
    assert (
        key_of(daily, day, now) == day.isoformat() == daily.get_partition_keys(current_time=now)[-1]
    )
    assert key_of(daily, day + timedelta(days=1), now) is None
    assert (
        key_of(weekly, week, now)
        == week.isoformat()
        == weekly.get_partition_keys(current_time=now)[-1]
    )
    assert key_of(weekly, week + timedelta(days=7), now) is None


def test_days_outside_the_set_have_no_key() -> None:
    now = datetime(2025, 6, 1, tzinfo=UTC)
    assert key_of(daily_partitions(LONDON), date(2025, 1, 5), now) is None
    assert key_of(weekly_partitions(LONDON), date(2025, 1, 8), now) is None
    assert key_of(daily_partitions(force(partitions_start=date(2030, 1, 7))), date(2025, 1, 8), now) is None  # fmt: skip


@pytest.mark.parametrize("key", ["2025-03-30", "2025-03-30-06:00"])
def test_the_date_in_a_key(key: str) -> None:
    assert key_date(key) == SPRING
