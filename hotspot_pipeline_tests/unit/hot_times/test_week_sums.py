"""Laying weights out by week: nothing lost, clock changes, special days, blocks, effective numbers."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from hotspot_pipeline.hot_times.aoristic import WEIGHT_UNIT, event_hours, hour_sums
from hotspot_pipeline.hot_times.week_sums import (
    N_BLOCKS,
    block_of,
    hours_of_block,
    left_out,
    n_effective,
    selected,
    week_sums,
)
from hotspot_pipeline.timebase import PoliceTime
from hotspot_pipeline.timebase.local_hours import hours_of
from hotspot_pipeline_tests.unit.hot_times.made_windows import events

LONDON = PoliceTime()
FIRST, END = date(2024, 2, 26), date(2024, 11, 4)


def test_blocks_begin_at_six_and_cover_the_week() -> None:
    assert hours_of_block(0) == [6, 7, 8]
    assert hours_of_block(55) == [3, 4, 5]  # Monday before 06:00 ends the week before
    assert sorted(h for b in range(N_BLOCKS) for h in hours_of_block(b)) == list(range(168))
    for block in range(N_BLOCKS):
        frame = pl.DataFrame({"h": hours_of_block(block)}, schema={"h": pl.Int16})
        assert frame.select(block_of(pl.col("h"))).to_series().to_list() == [block] * 3


def test_weights_and_hours_are_laid_out_by_the_week_of_the_hour() -> None:
    rng = np.random.default_rng(7)
    begin = datetime(2024, 2, 26, 6)
    starts = [begin + timedelta(minutes=int(m)) for m in rng.integers(0, 60 * 24 * 240, 400)]
    lengths = rng.integers(0, 30 * 60, 400)
    table = events(*[(t, t + timedelta(minutes=int(m))) for t, m in zip(starts, lengths)])
    table = table.with_columns(place=pl.Series([f"H{k}" for k in rng.integers(0, 3, 400)]))
    hours = hours_of(LONDON, LONDON.window(FIRST, END))
    sums = hour_sums(table, LONDON, by=["place"])
    made = week_sums(sums, hours, ["H0", "H1", "H2", "H3"])
    assert made.weights.sum() + left_out(sums, hours) == 400 * WEIGHT_UNIT
    assert made.weights[3].sum() == 0
    np.testing.assert_array_equal(made.hours, LONDON.exposure_hours(list(made.weeks)))
    assert made.exposure.sum() == sum(LONDON.week_window(w).elapsed_hours for w in made.weeks)
    rows = event_hours(table, LONDON, keys=("event_id", "place"))
    utc = pl.col("hour_start_utc").dt.replace_time_zone("UTC")
    slow = (
        rows.with_columns(week=LONDON.week_start(utc))
        .filter(pl.col("week") < END)
        .group_by("place", "week", "hour_of_week")
        .agg(pl.col("weight").sum())
    )
    assert len(slow) == np.count_nonzero(made.weights)
    for place, week, hour, weight in slow.rows():
        assert made.weights[made.places.index(place), made.weeks.index(week), hour] == weight
    blocks = made.blocks()
    assert blocks.weights.sum() == made.weights.sum() and blocks.hours.sum() == made.hours.sum()
    for block in (0, 17, 55):
        chosen = hours_of_block(block)
        np.testing.assert_array_equal(
            blocks.weights[:, :, block], made.weights[:, :, chosen].sum(axis=2)
        )
        np.testing.assert_array_equal(blocks.hours[:, block], made.hours[:, chosen].sum(axis=1))


def test_special_days_leave_with_their_hours() -> None:
    hours = hours_of(LONDON, LONDON.window(date(2024, 5, 6), date(2024, 5, 20)))
    ordinary = hours.filter(pl.col("police_day") != date(2024, 5, 6))
    night = datetime(2024, 5, 6, 22)
    sums = hour_sums(events((night, None), (night + timedelta(days=7), None)), LONDON)
    sums = sums.with_columns(place=pl.lit("H0"))
    made = week_sums(sums, ordinary, ["H0"])
    assert made.weights.sum() == WEIGHT_UNIT == left_out(sums, ordinary)
    monday_23 = 23  # local summer time
    assert made.hours[:, monday_23].tolist() == [0, 1] and made.exposure[monday_23] == 1
    assert made.hours.sum() == 168 * 2 - 24


def test_a_place_that_nobody_asked_for_is_refused() -> None:
    hours = hours_of(LONDON, LONDON.window(date(2024, 5, 6), date(2024, 5, 13)))
    sums = hour_sums(events((datetime(2024, 5, 6, 22), None)), LONDON).with_columns(
        place=pl.lit("X")
    )
    with pytest.raises(ValueError, match="place 'X' has weights"):
        week_sums(sums, hours, ["H0"])


def test_odd_weeks_are_every_other_whatever_is_missing() -> None:
    hours = hours_of(LONDON, LONDON.window(date(2024, 5, 6), date(2024, 6, 10)))
    no_sums = hour_sums(events(), LONDON).with_columns(place=pl.lit("H0"))
    made = week_sums(no_sums, hours.filter(pl.col("week_start") != date(2024, 5, 13)), ["H0"])
    odd = made.is_odd_week()
    assert odd[0] == odd[1] != odd[2] and odd[2] != odd[3]
    half = made.of_weeks(odd)
    assert half.weeks == tuple(w for w, is_in in zip(made.weeks, odd) if is_in)


def test_a_spread_event_is_worth_less_than_a_known_one() -> None:
    """One moment: 1. Two hours in one block: 1. Six hours over two blocks: a half. 24 h: an eighth."""
    noon = datetime(2024, 6, 3, 11)  # 12:00 local, where a block begins
    table = events(
        (noon, None), (noon, noon + timedelta(hours=2)), (noon, noon + timedelta(hours=6)),
        (noon, noon + timedelta(hours=24)),
    ).with_columns(place=pl.lit("H0"))  # fmt: skip
    rows = event_hours(table, LONDON, keys=("event_id", "place"))
    assert n_effective(rows, ["place"]).row(0)[1] == pytest.approx(1 + 1 + 0.5 + 0.125, abs=1e-8)


def test_selections() -> None:
    rows = pl.DataFrame(
        {
            "event_id": [1, 2, 3, 4],
            "temporal_quality": ["good", "low", "good", "low"],
            "cat_group": ["VAP", "VAP", "CRIM_DAMAGE", "CRIM_DAMAGE"],
        }
    )
    assert selected(rows, "all")["event_id"].to_list() == [1, 3]
    assert selected(rows, "without_damage")["event_id"].to_list() == [1]
    assert selected(rows, "with_long_windows").height == 4
