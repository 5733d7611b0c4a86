"""Minutes by hour of the week: beside a count second by second, through both clock changes."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from hotspot_pipeline.published.patrols.hours import minutes_by_hour
from hotspot_pipeline.timebase import PoliceTime

CLOCK = PoliceTime()
SCHEMA = {"hotspot_id": pl.String, "start_ms": pl.Int64, "end_ms": pl.Int64}


@pytest.mark.parametrize("first", [date(2026, 6, 8), date(2026, 3, 26), date(2026, 10, 22)])
def test_it_is_the_union_counted_second_by_second(first: date) -> None:
    window = CLOCK.window(first, first + timedelta(days=6))
    start = int(window.start_utc.timestamp())
    length = int(window.end_utc.timestamp()) - start
    rng = np.random.default_rng(first.toordinal())
    at = rng.integers(-7200, length, 60)
    lasts = rng.integers(1, 9000, 60)
    places = rng.choice(["A", "B"], 60)
    stays = pl.DataFrame(
        {"hotspot_id": places, "start_ms": (start + at) * 1000, "end_ms": (start + at + lasts) * 1000},
        schema=SCHEMA,
    )  # fmt: skip
    found = minutes_by_hour(stays, CLOCK, window)
    seconds = pl.Series((start + np.arange(length)) * 1000).cast(pl.Datetime("ms", "UTC")).alias("t").to_frame()  # fmt: skip
    hours = seconds.select(CLOCK.hour_of_week(pl.col("t"))).to_series().to_numpy()
    for place in ("A", "B"):
        there = np.zeros(length, dtype=bool)
        for a, n in zip(at[places == place], lasts[places == place], strict=True):
            there[max(a, 0) : max(a + n, 0)] = True
        expected = np.bincount(hours[there], minlength=168) * 1000
        mine = found.filter(pl.col("hotspot_id") == place)
        got = np.zeros(168, dtype=np.int64)
        got[mine["hour_of_week"].to_numpy()] = mine["patrol_ms"].to_numpy()
        np.testing.assert_array_equal(got, expected)


def test_without_stays_there_is_nothing() -> None:
    window = CLOCK.window(date(2026, 6, 8), date(2026, 6, 9))
    assert minutes_by_hour(pl.DataFrame(schema=SCHEMA), CLOCK, window).columns == ["hotspot_id", "hour_of_week", "patrol_ms"]  # fmt: skip
