"""Profiles: labels, smoothing round the week, levels above a hotspot, and rows without holes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from hotspot_pipeline.hot_times.aoristic import WEIGHT_UNIT
from hotspot_pipeline.hot_times.hot_blocks import hot_blocks
from hotspot_pipeline.hot_times.levels import cluster_of, levels
from hotspot_pipeline.hot_times.profiles import bin_rows, labels, profile, profile_rows, smooth_week
from hotspot_pipeline.hot_times.shrinkage import Strength
from hotspot_pipeline_tests.unit.hot_times.made_weeks import drawn, laid_out, peaked, stacked

FLAT = np.full(168, 1 / 168)


def test_labels_by_weighted_events_a_year() -> None:
    """Over two years of 8,766 hours: 50, 20 and just under them."""
    counts = np.zeros((4, 1, 168), dtype=np.int64)
    counts[:, 0, 0] = (100, 99, 40, 39)
    sums = laid_out(counts)
    two_years = replace(sums, hours=np.array([[2 * 8_766]]))
    assert labels(two_years) == ("own", "shrunk", "shrunk", "cluster")


def test_smoothing_is_round_the_week_and_keeps_the_sum() -> None:
    one = np.zeros(168)
    one[0] = 1.0
    smoothed = smooth_week(one)
    assert smoothed.sum() == pytest.approx(1.0)
    assert smoothed[167] == pytest.approx(smoothed[1])
    # the ratio of neighbours of a Gaussian of 1.5 hours
    assert smoothed[1] / smoothed[0] == pytest.approx(np.exp(-0.5 / 1.5**2))
    np.testing.assert_allclose(smooth_week(np.ones((3, 168))), 1.0)


def test_an_hour_that_a_period_never_had_is_not_a_quiet_hour() -> None:
    """One spring week: Sunday 01:00 has no exposure; its smoothed rate is that of its neighbours."""
    counts = np.ones((1, 1, 168), dtype=np.int64)
    counts[0, 0, 145] = 0
    sums = laid_out(counts)
    hours = sums.hours.copy()
    hours[0, 145] = 0
    sums = replace(sums, hours=hours)
    made = profile(stacked(sums), Strength())
    np.testing.assert_allclose(made.ratio[0], 1.0)


def test_a_quiet_place_has_its_clusters_profile_and_says_so() -> None:
    rng = np.random.default_rng(4)
    shares = np.array([peaked([37], 9.0), peaked([37], 9.0), FLAT])
    sums = drawn(rng, shares, 104, np.array([400.0, 400.0, 0.0]))
    made = profile(stacked(sums, ["night", "night", "night"]).blocks(), Strength(hotspot=30.0))
    assert made.label == ("own", "own", "cluster", "own", "own")
    assert made.shrink_factor[2] == 1.0 and made.shrink_factor[0] < 0.05
    assert made.ratio[2, 37] > 5
    np.testing.assert_allclose(made.share.sum(axis=1), 1.0)
    n = sums.events[0].sum()
    assert made.shrink_factor[0] == pytest.approx(30 / (n + 30))


def test_levels_hold_every_event_once_each() -> None:
    rng = np.random.default_rng(6)
    sums = drawn(rng, np.tile(FLAT, (5, 1)), 12, np.full(5, 200.0))
    stack = stacked(sums, ["b", "a", "b", "a", "b"], elsewhere=1)
    assert stack.level == ("hotspot",) * 5 + ("cluster",) * 2 + ("force",)
    assert stack.cluster_names == ("a", "b")
    weights = stack.sums.weights
    np.testing.assert_array_equal(weights[5:7].sum(axis=0), sums.weights.sum(axis=0))
    np.testing.assert_array_equal(weights[7] - weights[:5].sum(axis=0), WEIGHT_UNIT)
    assert stack.hotspots.places == sums.places


def test_levels_that_do_not_fit_are_refused() -> None:
    sums = laid_out(np.zeros((2, 3, 168), dtype=np.int64))
    force = laid_out(np.zeros((1, 3, 168), dtype=np.int64), ["force"])
    with pytest.raises(ValueError, match="same weeks and hours"):
        levels(sums, ["a", "a"], laid_out(np.zeros((1, 2, 168), dtype=np.int64)))
    with pytest.raises(ValueError, match="need as many clusters, not 1"):
        levels(sums, ["a"], force)


def test_clusters_by_night_first_then_shops() -> None:
    frame = pl.DataFrame(
        {"night": [True, True, False, None, None], "retail": [0.9, None, 0.4, 0.39, None]}
    )
    found = frame.select(cluster_of(pl.col("night"), pl.col("retail"))).to_series()
    assert found.to_list() == ["town_centre_night"] * 2 + ["retail"] + ["residential_other"] * 2


def test_rows_of_blocks_and_hours() -> None:
    rng = np.random.default_rng(2)
    shares = np.array([peaked([37, 38], 9.0), FLAT])
    stack = stacked(drawn(rng, shares, 52, np.array([300.0, 0.0])), ["night", "night"])
    strength = Strength()
    blocks, by_blocks = stack.blocks(), profile(stack.blocks(), strength)
    hot = hot_blocks(blocks.sums, seed=1, n_draws=200)
    rows = bin_rows(blocks, by_blocks, hot)
    assert rows.height == 4 * 56 and rows.select("level", "profile_id", "bin_no").is_unique().all()
    friday_21 = rows.filter((pl.col("profile_id") == "H00") & pl.col("is_hot"))
    # blocks 37 and 38 of the police week: Friday 21:00 and Saturday 00:00, which is Friday's
    assert friday_21.select("bin_no", "police_weekday", "start_hour").rows() == [
        (37, 4, 21),
        (38, 4, 0),
    ]
    assert (friday_21["ratio_low"] < friday_21["rate_ratio"]).all()
    empty = rows.filter(profile_id="H01")
    assert empty["rate_ratio"].null_count() == 56 and empty["rate_ratio_shrunk"].null_count() == 0
    assert not any(rows[c].is_nan().any() for c in rows.columns if rows[c].dtype.is_float())
    hours = bin_rows(stack, profile(stack, strength), None)
    assert hours.height == 4 * 168 and hours["is_hot"].null_count() == hours.height
    sunday_night = hours.filter((pl.col("profile_id") == "H00") & (pl.col("bin_no") == 3))
    assert sunday_night.select("police_weekday", "start_hour").row(0) == (6, 3)  # Monday 03:00
    assert hours["weight"].sum() == rows["weight"].sum() == stack.sums.weights.sum()
    summary = profile_rows(blocks, by_blocks, strength, hot)
    assert summary["n_hot_blocks"].to_list()[:2] == [2, 0]
    assert summary["cluster"].to_list() == ["night", "night", None, None]
    assert summary["label"].to_list()[:2] == ["own", "cluster"]
    assert summary["events_a_year"][0] == pytest.approx(
        stack.sums.events[0].sum() * 8766 / (52 * 168)
    )


def test_a_period_without_weeks_has_rows_without_figures() -> None:
    stack = stacked(laid_out(np.zeros((1, 0, 168), dtype=np.int64))).blocks()
    made = profile(stack, Strength())
    hot = hot_blocks(stack.sums, seed=1)
    assert bin_rows(stack, made, hot).drop_nulls("rate_ratio").is_empty()
    assert profile_rows(stack, made, Strength(), hot)["events_a_year"].to_list() == [None] * 3
