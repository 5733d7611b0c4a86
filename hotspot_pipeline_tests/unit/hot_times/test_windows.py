"""Patrol windows: what they capture, how stable they are, and their parts by shift."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot_pipeline.hot_times.best_windows import HourWindow, WindowRules, best_windows
from hotspot_pipeline.hot_times.hot_blocks import hot_blocks
from hotspot_pipeline.hot_times.profiles import profile
from hotspot_pipeline.hot_times.shifts import DEFAULT_SHIFTS, Shift, split_by_shifts
from hotspot_pipeline.hot_times.shrinkage import Strength
from hotspot_pipeline.hot_times.windows import (
    choose_windows,
    hot_hours,
    hours_in,
    in_words,
    jaccard,
    set_rows,
    window_rows,
)
from hotspot_pipeline_tests.unit.hot_times.made_weeks import drawn, laid_out, peaked, stacked

RULES = WindowRules()
FLAT = np.full(168, 1 / 168)


def test_weekend_nights_are_found_and_said_in_words() -> None:
    counts = np.zeros((1, 40, 168), dtype=np.int64)
    friday_night = [117, 118, 119, 120, 121, 122]
    counts[0][:, friday_night] = 2
    counts[0][:, [30, 60, 90]] = 1  # Tuesday 06:00, Wednesday 12:00, Thursday 18:00
    stack = stacked(laid_out(counts))
    is_hot = hot_blocks(stack.blocks().sums, seed=1, n_draws=0).is_hot[:1]
    chosen = choose_windows(stack, Strength(hotspot=0.01), WindowRules(hot_hours_budget=6), is_hot)
    assert chosen == [[HourWindow(117, 6)]]
    rows = window_rows(stack, profile(stack, Strength(hotspot=0.01)), chosen, is_hot)
    row = rows.row(0, named=True)
    assert row["in_words"] == "Fri 21:00-03:00" and (row["police_weekday"], row["n_hours"]) == (
        4,
        6,
    )
    assert (row["start_hour"], row["end_hour"], row["n_hot_blocks"]) == (21, 3, 2)
    assert row["share_of_events"] == pytest.approx(12 / 15)
    assert row["lift"] == pytest.approx((12 / 15) / (6 / 168))


def test_only_hot_keeps_to_what_was_tested() -> None:
    rng = np.random.default_rng(1)
    shares = np.array([peaked([37, 38], 8.0), FLAT])
    stack = stacked(drawn(rng, shares, 104, np.array([300.0, 300.0])), ["a", "b"])
    is_hot = hot_blocks(stack.blocks().sums, seed=1, n_draws=0).is_hot[:2]
    strength = Strength()
    any_hour = choose_windows(stack, strength, RULES, is_hot)
    assert [len(hours_in(w)) for w in any_hour] == [28, 28]
    only = choose_windows(stack, strength, RULES, is_hot, only_hot=True)
    assert sorted(hours_in(only[0])) == list(range(117, 123)) and only[1] == []
    rows = window_rows(stack, profile(stack, strength), any_hour, is_hot)
    assert rows.filter(hotspot_id="H01")["n_hot_blocks"].sum() == 0
    best_first = rows.filter(hotspot_id="H00").sort("window_no")
    per_hour = best_first["expected_share"] / best_first["n_hours"]
    assert per_hour.to_list() == sorted(per_hour, reverse=True)
    assert hot_hours(is_hot)[0].sum() == 6 and hot_hours(is_hot)[0][117:123].all()


def test_windows_capture_most_of_what_the_budget_could() -> None:
    """Places with 50 events a year and known shapes: on average well over 85 % of the best share."""
    rng = np.random.default_rng(5)
    shapes = {
        "night": 0.5 * peaked([29, 30, 37, 38], 12.0) + 0.5 * peaked([3, 11, 19, 27], 4.0),
        "day": peaked([3, 4, 11, 12, 19, 20, 27, 28], 6.0),
    }
    clusters = ["night", "day"] * 10
    truth = np.array([shapes[c] for c in clusters])
    stack = stacked(drawn(rng, truth, 52, np.full(20, 50.0)), clusters)
    chosen = choose_windows(stack, Strength(), RULES, np.zeros((20, 56), dtype=bool))
    best = best_windows(truth, RULES)
    ratio = [
        truth[p][hours_in(chosen[p])].sum() / truth[p][hours_in(best[p])].sum() for p in range(20)
    ]
    assert np.mean(ratio) >= 0.85 and min(ratio) >= 0.75


def test_stability_and_what_holds_out_of_sample() -> None:
    rng = np.random.default_rng(9)
    shares = np.array([peaked([37, 38, 29, 30], 20.0), FLAT])
    stack = stacked(drawn(rng, shares, 104, np.array([600.0, 60.0])), ["a", "b"])
    strength = Strength()
    is_hot = np.zeros((2, 56), dtype=bool)
    chosen = choose_windows(stack, strength, RULES, is_hot)
    peak, flat = set_rows(stack, strength, RULES, chosen).rows(named=True)
    assert peak["is_stable"] and peak["split_half_jaccard"] > 0.5
    assert not flat["is_stable"]
    # in sample flatters, most where there is least to find
    assert flat["share_captured"] > 28 / 168 + 0.1
    assert flat["share_captured_out_of_sample"] == pytest.approx(28 / 168, abs=0.1)
    assert peak["share_captured_out_of_sample"] == pytest.approx(peak["share_captured"], abs=0.06)
    assert flat["lift"] == pytest.approx(flat["share_captured"] / (28 / 168))
    assert (peak["n_hours"], flat["n_hours"]) == (28, 28)


def test_out_of_sample_by_hand() -> None:
    """Odd weeks: all on Monday 12-14; even weeks: two thirds there, a third on Friday 20-22."""
    counts = np.zeros((1, 4, 168), dtype=np.int64)
    odd = laid_out(counts).is_odd_week()
    counts[0, odd, 12:14] = 3
    counts[0, ~odd, 12:14] = 2
    counts[0, ~odd, 116:118] = 1
    stack = stacked(laid_out(counts))
    rules = WindowRules(2, 2, 2)
    strength = Strength(hotspot=1e-6)
    chosen = choose_windows(stack, strength, rules, np.zeros((1, 56), dtype=bool))
    row = set_rows(stack, strength, rules, chosen).row(0, named=True)
    assert hours_in(chosen[0]) == [12, 13]
    assert row["share_captured"] == pytest.approx(20 / 24) == row["share_captured_out_of_sample"]
    assert row["split_half_jaccard"] == 1.0


def test_without_weeks_in_both_halves_nothing_is_said_of_stability() -> None:
    counts = np.zeros((2, 1, 168), dtype=np.int64)
    counts[0, 0, 12:15] = 1
    stack = stacked(laid_out(counts))
    chosen = choose_windows(stack, Strength(), RULES, np.zeros((2, 56), dtype=bool))
    first, second = set_rows(stack, Strength(), RULES, chosen).rows(named=True)
    assert first["is_stable"] is None and first["share_captured"] is not None
    assert second["share_captured"] is None and second["lift"] is None


def test_jaccard() -> None:
    assert jaccard([1, 2, 3], [2, 3, 4]) == 0.5
    assert jaccard([], []) is None and jaccard([], [1]) == 0.0


# --- shifts --------------------------------------------------------------------------------------


def one_window(start: int, n: int) -> pl.DataFrame:
    return pl.DataFrame(
        {"hotspot_id": ["H1"], "window_no": [1], "start_hour_of_week": [start], "n_hours": [n]}
    )


def test_a_window_is_cut_where_shifts_change() -> None:
    """Friday 21:00 to 03:00: the late shift of Fridays works to 01:00, nights from 22:00 on."""
    parts = split_by_shifts(one_window(117, 6), DEFAULT_SHIFTS)
    wanted = ["part_no", "shift", "police_weekday", "starts_local", "ends_local", "n_minutes"]
    assert parts.select(wanted).rows() == [
        (1, "late", 4, "21:00", "01:00", 240),
        (2, "night", 4, "01:00", "03:00", 120),
    ]


def test_one_shift_where_one_is_enough() -> None:
    """14:00 to 16:00 is worked by both early and late: the late one goes on."""
    parts = split_by_shifts(one_window(14, 6), DEFAULT_SHIFTS)
    assert parts.select("shift", "n_minutes").rows() == [("late", 360)]
    # Monday 22:00 to 04:00 is one night shift, though the late one is still on until midnight
    assert split_by_shifts(one_window(22, 6), DEFAULT_SHIFTS)["shift"].to_list() == ["night"]


def test_hours_that_nobody_works_are_a_part_without_a_shift() -> None:
    shifts = [Shift("day", "09:30", "17:00", frozenset({0}))]
    parts = split_by_shifts(one_window(8, 3), shifts)
    assert parts.select("shift", "starts_local", "n_minutes").rows() == [
        (None, "08:00", 90), ("day", "09:30", 90),
    ]  # fmt: skip
    assert split_by_shifts(one_window(32, 2), [])["shift"].to_list() == [None]


def test_parts_after_six_belong_to_the_next_police_day() -> None:
    """Sunday night 03:00 to 09:00 on Monday, the end of the week."""
    parts = split_by_shifts(one_window(3, 6), DEFAULT_SHIFTS)
    assert parts.select("shift", "police_weekday", "n_minutes").rows() == [
        ("night", 6, 240), ("early", 0, 120),
    ]  # fmt: skip


@given(st.integers(0, 167), st.integers(2, 6))
def test_parts_follow_each_other_and_make_the_window(start: int, n: int) -> None:
    parts = split_by_shifts(one_window(start, n), DEFAULT_SHIFTS)
    assert parts["n_minutes"].sum() == n * 60 and parts["shift"].null_count() == 0
    assert parts["ends_local"].to_list()[:-1] == parts["starts_local"].to_list()[1:]
    assert parts["starts_local"][0] == f"{start % 24:02d}:00"
    assert parts.height <= 2


@pytest.mark.parametrize("wrong", [("7:00", "16:00"), ("07:00", "25:00"), ("07:60", "16:00")])
def test_shift_times_are_checked(wrong: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="is not a time such as 07:00"):
        Shift("early", *wrong)
    with pytest.raises(ValueError, match="not 0 to 6"):
        Shift("early", "07:00", "16:00", frozenset({7}))


def test_words_across_the_end_of_the_week() -> None:
    assert in_words(HourWindow(2, 3)) == "Sun night 02:00-05:00"  # Monday 02:00 is Sunday's night
    assert in_words(HourWindow(6, 2)) == "Mon 06:00-08:00"
