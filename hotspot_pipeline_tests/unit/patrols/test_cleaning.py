"""Which fixes count: every rule alone, the account of all of them, real cabs, and that order never matters."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotspot_pipeline.geo.transform import to_bng
from hotspot_pipeline.patrols.cleaning import REASONS, Cleaned, clean
from hotspot_pipeline.patrols.rules import CleaningRules
from hotspot_pipeline_tests.unit.patrols.made_tracks import (
    MINUTE,
    box,
    duties,
    fixes,
    steady,
    track,
    walk,
)

HOUR = 60 * MINUTE


def refused(found: Cleaned) -> dict[str, int]:
    return {r: n for r, n in found.counts.iter_rows() if n and r != "kept"}


def rows_of(found: Cleaned, reason: str) -> list[int]:
    return found.refused.filter(pl.col("reason") == reason)["row"].to_list()


def test_each_rule_of_time_and_place_alone() -> None:
    frame = fixes(
        [(0, 0, 0, 0), (0, 0, 0, 0), (0, MINUTE, float("nan"), 0), (0, 2 * MINUTE, 1, 0), (0, 3 * MINUTE, 2, 0), (0, 4 * MINUTE, 3, 0)],
        received_ms=[5_000, 4_000, MINUTE, 1, 3 * MINUTE + 7 * 24 * HOUR + 1, None],
    )  # fmt: skip
    found = clean(frame)
    assert {reason: rows_of(found, reason) for reason in refused(found)} == {
        "duplicate": [0],  # the one received later
        "no_position": [2],
        "too_old": [4],
    }
    assert found.fixes["row"].to_list() == [1, 3, 5]
    late = frame.with_columns(received_ms=pl.lit(-1))
    assert rows_of(clean(late), "ahead_of_receipt") == [
        3,
        4,
        5,
    ]  # 2 minutes and 1 ms is a fast clock
    assert len(found.refused) + len(found.fixes) == found.counts["n_fixes"].sum() == 6


def test_a_slow_clock_is_told_from_fixes_held_back() -> None:
    """One device is 20 minutes slow; another's radio was out of reach for 40 minutes and sent everything at the end."""
    moments = [k * MINUTE for k in range(40)]
    slow = [(0, t, float(k), 0.0) for k, t in enumerate(moments)]
    held = [(1, t, float(k), 0.0) for k, t in enumerate(moments)]
    received = [t + 20 * MINUTE + 1000 * (k % 20) for k, t in enumerate(moments)] + [40 * MINUTE] * 40  # fmt: skip
    found = clean(fixes(slow + held, received_ms=received))
    assert refused(found) == {"clock_drift": 40}
    assert found.drifting.select("device", "n_fixes").rows() == [(0, 40)]
    assert abs(found.drifting["lag_ms"][0] - 20 * MINUTE) < 20_000


def test_the_fewest_fixes_are_taken_for_impossible_steps() -> None:
    one = [0, 60, 120, 90_000, 240, 300]
    found = clean(fixes(steady(0, 0, MINUTE, one)))
    assert rows_of(found, "impossible_speed") == [3]
    # the first fix astray, the last one, several in a row
    for places, bad in (([9e4, 0, 1, 2], [0]), ([0, 1, 2, 9e4], [3]), ([0, 1, 2, 9e4, 9e4, 3, 4], [3, 4])):  # fmt: skip
        assert rows_of(clean(fixes(steady(0, 0, MINUTE, places))), "impossible_speed") == bad
    # after a real move of 10 km in a tunnel only as many fixes go as come too soon
    places = [*range(10), *(10_000 + k for k in range(10))]
    assert len(rows_of(clean(fixes(steady(0, 0, 30_000, places))), "impossible_speed")) == 4
    # two fixes of one second may be metres apart
    assert not refused(clean(fixes([(0, 0, 0, 0), (0, 0, 50, 0), (0, 400, 60, 0)])))


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 12)), max_size=7))
def test_no_other_choice_keeps_more(steps: list[tuple[int, int]]) -> None:
    """Against every subset."""
    moments = np.cumsum([s for s, _ in steps]) * 1000
    rows = sorted({(0, int(t), 60.0 * x, 0.0) for t, (_, x) in zip(moments, steps)})
    found = clean(fixes(rows))
    best = 0
    for chosen in range(2 ** len(rows)):
        kept = [row for k, row in enumerate(rows) if chosen >> k & 1]
        if all(abs(b[2] - a[2]) <= 70 * max(b[1] - a[1], 1000) / 1000 for a, b in pairwise(kept)):  # fmt: skip
            best = max(best, len(kept))
    assert found.fixes.height == best


def test_a_stuck_handheld_is_collapsed_unless_its_status_says_that_it_stands() -> None:
    places = [0, *[50] * 12, 100, *[200] * 10]
    handheld = ["handheld"] * 24
    stuck = clean(fixes(steady(0, 0, MINUTE, places), device_type=handheld, status_code=[2] * 24))
    assert rows_of(stuck, "stuck") == list(
        range(2, 13)
    )  # ten fixes in nine minutes are not too many
    at_scene = [2] * 5 + [6] * 19
    assert rows_of(clean(fixes(steady(0, 0, MINUTE, places), device_type=handheld, status_code=at_scene)), "stuck") == [2, 3, 4]  # fmt: skip
    assert not refused(clean(fixes(steady(0, 0, MINUTE, places), device_type=["vehicle"] * 24)))


def test_poor_and_base_fixes_are_marked_not_refused() -> None:
    frame = fixes(
        steady(0, 0, MINUTE, [0, 100, 200, 300, 400]),
        accuracy_m=[50.0, 50.1, None, 3.0, 3.0],
        hdop=[None, None, 6.1, 6.0, None],
        fix_type=["gps", "gps", "gps", "gps", "last_known"],
    )
    found = clean(frame, premises=[box(10, 370)])
    assert found.fixes["is_poor"].to_list() == [False, True, True, False, True]
    assert found.fixes["is_at_base"].to_list() == [False, False, False, False, True]
    assert (found.n_poor, found.n_at_base) == (3, 1)
    assert found.fixes["sigma_m"][0] == pytest.approx(50 / 1.5096, abs=0.01)


def test_nothing_outside_duty_and_whose_each_fix_is() -> None:
    told = duties((0, "A", None, MINUTE, 3 * MINUTE, "npt", "handheld"), (0, "B", None, 3 * MINUTE, 5 * MINUTE, "npt", "handheld"))  # fmt: skip
    found = clean(fixes(steady(0, 0, MINUTE, range(8))), told)
    assert rows_of(found, "outside_duty") == [0, 6, 7]
    assert found.fixes["duty"].to_list() == [0, 0, 1, 1, 1]
    with pytest.raises(ValueError, match="duty 0 of device 0 ends at 5 ms, before it begins"):
        clean(fixes(steady(0, 0, MINUTE, range(8))), duties((0, "A", None, 9, 5, "npt", "handheld")))  # fmt: skip


def test_case_24_the_second_device_counts_only_while_the_first_is_silent() -> None:
    told = duties((0, "A", None, 0, HOUR, "npt", "tracker"), (1, "A", None, 0, HOUR, "npt", "handheld"))  # fmt: skip
    first = [r for r in steady(1, 0, MINUTE, range(60)) if not 20 * MINUTE < r[1] < 40 * MINUTE]
    found = clean(fixes(first + steady(0, 30_000, MINUTE, range(60))), told)
    kept = found.fixes.filter(pl.col("device") == 0)["fix_ms"]
    assert kept.min() == 20 * MINUTE + 30_000 and kept.max() == 39 * MINUTE + 30_000
    assert refused(found) == {"second_device": 40}


@settings(max_examples=10)
@given(seed=st.integers(0, 2**32 - 1))
def test_order_of_arrival_changes_nothing_and_every_row_is_accounted_for(seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame = pl.concat(track(d, *walk(rng, 60, 60_000, 30.0)) for d in range(3)).with_columns(
        received_ms=pl.col("fix_ms") + pl.Series(rng.choice([5_000, -200_000, 8 * 24 * HOUR], 180, p=[0.9, 0.05, 0.05])),
        name=pl.int_range(180),
    )  # fmt: skip
    frame = pl.concat([frame, frame.sample(20, seed=seed % 999)])
    told = duties((0, "A", None, 0, HOUR, "npt", "handheld"), (1, "A", None, 0, HOUR, "npt", "tracker"), (2, "B", None, 0, 2 * HOUR, "npt", "handheld"))  # fmt: skip
    found = clean(frame, told)
    other = clean(frame.sample(fraction=1, shuffle=True, seed=seed % 997), told)
    assert found.fixes.drop("row").equals(other.fixes.drop("row"))
    assert found.counts.equals(other.counts)
    rows = [*found.fixes["row"].to_list(), *found.refused["row"].to_list()]
    assert sorted(rows) == list(range(200))
    assert set(found.refused["reason"].unique()) <= set(REASONS)


def test_an_empty_day_is_cleaned() -> None:
    found = clean(fixes([]), duties(), [box(5)])
    assert found.fixes.is_empty() and found.counts["n_fixes"].sum() == 0


def test_cabs_of_san_francisco_moved_onto_the_county(moved_cabs: pl.DataFrame) -> None:
    """Five real cabs over 24 days: 345 steps of over 50 m/s and 3,686 repeats of a position, all accounted for."""
    easting, northing = to_bng(moved_cabs["lon"].to_numpy(), moved_cabs["lat"].to_numpy())
    frame = moved_cabs.select(
        "device", "fix_ms", easting=pl.Series(easting), northing=pl.Series(northing)
    )

    by_time = frame.sort("device", "fix_ms").filter(pl.col("easting").is_finite())
    pause = (pl.col("fix_ms").diff() / 1000).over("device")
    step = (pl.col("easting").diff() ** 2 + pl.col("northing").diff() ** 2).sqrt().over("device")
    impossible = by_time.filter(step > 50 * pause.clip(1)).height
    repeats = by_time.filter(step == 0).height
    assert abs(impossible - 345) <= 3  # the map's scale moves the few at the limit
    assert abs(repeats - 3_686) <= 3

    found = clean(frame, rules=CleaningRules(max_speed_mps=50.0))
    assert found.counts["n_fixes"].sum() == frame.height == 110_714
    n_out = refused(found)["impossible_speed"]
    assert impossible / 2 <= n_out <= impossible  # a fix astray makes two such steps
    assert found.fixes.select((step > 50 * pause.clip(1)).any()).item() is False
    assert (
        found.fixes.filter(step == 0).height >= repeats - n_out
    )  # cars may stand: nothing is stuck
    stuck = clean(frame.with_columns(device_type=pl.lit("handheld")), rules=CleaningRules(max_speed_mps=50.0))  # fmt: skip
    assert 0 < refused(stuck)["stuck"] < repeats
