"""Nights on which the clock is changed: duties are an hour longer or shorter, visits are not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from hotspot_pipeline.simulator.patrol.days import visit_times
from hotspot_pipeline.simulator.patrol.times import (
    day_begins,
    local_times,
    shift_times,
    utc_second,
    utc_seconds,
)
from hotspot_pipeline_tests.unit.simulator.patrol.made_patrols import SMALL, make

AUTUMN, SPRING = date(2025, 10, 25), date(2026, 3, 28)  # police days whose night has the change
FIRST = date(2025, 10, 20)
LONG = replace(SMALL, n_weeks=60, patrol_day=168)


@pytest.mark.parametrize(("day", "hours"), [(AUTUMN, 11), (SPRING, 9), (date(2026, 6, 1), 10)])
def test_a_night_duty_lasts_as_long_as_the_night(day: date, hours: int) -> None:
    start, end = shift_times(day, 21, 31)
    assert end - start == hours * 3600
    assert day_begins(day + timedelta(days=1)) - day_begins(day) == (hours + 14) * 3600


def test_wall_clock_and_utc_go_there_and_back() -> None:
    utc = utc_second(datetime(2025, 10, 26, 0)) + 900 * np.arange(24)
    local = local_times(utc)
    again = utc_seconds(local)
    # of the hour that comes twice, the first is meant
    twice = local.dt.hour() == 1
    assert np.array_equal(again[~twice.to_numpy()], utc[~twice.to_numpy()])
    assert sorted(set(utc[twice.to_numpy()] - again[twice.to_numpy()])) == [0, 3600]
    # an hour that never was counts as the one after it
    assert utc_second(datetime(2026, 3, 29, 1, 30)) == utc_second(datetime(2026, 3, 29, 2, 30))


def test_visits_last_as_long_as_they_say_when_the_clock_is_put_back() -> None:
    given = make(1, LONG, range((AUTUMN - FIRST).days, (AUTUMN - FIRST).days + 1))
    begin = datetime(2025, 10, 26, 1, 50)
    one = given.visits.filter(pl.col("kind") == "full")[:1].with_columns(
        start_local=pl.lit(begin), end_local=pl.lit(begin + timedelta(minutes=20))
    )
    force = given.with_visits(one).force()
    day = force.day((AUTUMN - FIRST).days)
    (unit,) = day.crew_of
    mine = (day.stays.track == 2 * unit) & (day.stays.place == one["place"][0])
    assert day.stays.minutes()[mine].sum() == pytest.approx(20, abs=1.5)
    assert day.units[unit].end - day.units[unit].start >= 11 * 3600


def test_nothing_delivered_stands_in_the_hour_that_never_was() -> None:
    given = make(1, LONG, range((SPRING - FIRST).days, (SPRING - FIRST).days + 1))
    begin = datetime(2026, 3, 29, 0, 50)
    late = given.visits.with_columns(
        start_local=pl.lit(begin), end_local=pl.lit(datetime(2026, 3, 29, 2, 8))
    )
    force = given.with_visits(late[:2]).force()
    day = force.day((SPRING - FIRST).days)
    start, end = visit_times(day.visits)
    assert (end - start).tolist() == [18 * 60] * 2
    fixes = day.fixes(force)
    shown = local_times(fixes.true_fix)
    assert not ((shown.dt.date() == date(2026, 3, 29)) & (shown.dt.hour() == 1)).any()
    for column in ("start_local", "end_local"):
        moments = day.duties[column]
        assert not ((moments.dt.date() == date(2026, 3, 29)) & (moments.dt.hour() == 1)).any()
