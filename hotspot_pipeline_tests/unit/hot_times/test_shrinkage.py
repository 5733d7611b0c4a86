"""Shrinkage: worked by hand, each event once, and better out of sample than what it stands between."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from hotspot_pipeline.hot_times.shrinkage import (
    STRENGTHS,
    Strength,
    log_scores,
    shares,
    shrunk,
    tuned,
)
from hotspot_pipeline_tests.unit.hot_times.made_weeks import drawn, laid_out, peaked

CLUSTERS = ["a", "a", "a", "b", "b", "b"] * 4


def test_by_hand() -> None:
    """6 of 10 events in the first bin, prior one half, strength 30: (6 + 15) / 40."""
    found = shrunk(np.array([[6.0, 4.0]]), np.array([[0.5, 0.5]]), 30.0)
    np.testing.assert_allclose(found, [[0.525, 0.475]])
    np.testing.assert_allclose(shrunk(np.zeros((1, 2)), np.array([[0.2, 0.8]]), 30.0), [[0.2, 0.8]])


def test_nobody_is_drawn_to_their_own_events() -> None:
    """Two places in a cluster of two and one alone; no prior strength above, so priors are plain shares."""
    events = np.array([[9.0, 1.0], [2.0, 8.0], [5.0, 5.0]])
    force = events.sum(axis=0) + np.array([4.0, 0.0])
    made = shares(events, ["x", "x", "y"], force, np.array([1.0, 1.0]), Strength(30.0, 1e-9, 1e-9))
    np.testing.assert_allclose(made.prior[0], [0.2, 0.8], atol=1e-6)
    np.testing.assert_allclose(made.prior[1], [0.9, 0.1], atol=1e-6)
    # alone in its cluster: the force without it
    np.testing.assert_allclose(made.prior[2], [15 / 24, 9 / 24], atol=1e-6)
    np.testing.assert_allclose(made.force, [20 / 34, 14 / 34], atol=1e-6)
    assert made.cluster_names == ("x", "y")
    np.testing.assert_allclose(made.clusters[0], [11 / 20, 9 / 20], atol=1e-6)
    for one in (made.own, made.prior, made.clusters, made.force[None]):
        np.testing.assert_allclose(one.sum(axis=1), 1.0)


def test_without_events_the_week_is_as_flat_as_its_hours() -> None:
    made = shares(np.zeros((1, 2)), ["x"], np.zeros(2), np.array([30.0, 10.0]))
    np.testing.assert_allclose(made.own, [[0.75, 0.25]])


def test_places_that_differ_within_their_cluster() -> None:
    """Each place has its cluster's peak and one of its own: shrinkage beats the cluster's profile and
    half an event added, and the tuned strength lies inside the range."""
    for seed in range(4):
        rng = np.random.default_rng(seed)
        of_cluster = {"a": peaked([20, 28, 36], 8.0), "b": peaked([4, 12, 20], 8.0)}
        own = [peaked(rng.integers(0, 56, 3).tolist(), 8.0) for _ in CLUSTERS]
        truth = np.array([0.6 * of_cluster[c] + 0.4 * o for c, o in zip(CLUSTERS, own)])
        sums = drawn(rng, truth, 104, np.full(len(CLUSTERS), 120.0)).blocks()
        scores = log_scores(sums, CLUSTERS, sums.weights.sum(axis=0))
        assert scores.height == len(STRENGTHS) + 3
        best = scores.filter(method="shrunk")["log_score"].max()
        others = dict(
            scores.filter(pl.col("method") != "shrunk").select("method", "log_score").rows()
        )
        assert best > others["cluster"] + 0.01
        assert best > others["add_half"] + 0.01
        assert best > others["flat"] == 0.0
        assert STRENGTHS[0] < tuned(scores) < STRENGTHS[-1]


def test_places_alike_lean_on_their_cluster() -> None:
    rng = np.random.default_rng(3)
    truth = np.tile(peaked([20, 28, 36], 5.0), (12, 1))
    sums = drawn(rng, truth, 104, np.full(12, 60.0)).blocks()
    scores = log_scores(sums, ["a"] * 12, sums.weights.sum(axis=0))
    assert tuned(scores) >= 600
    cluster = scores.filter(method="cluster")["log_score"][0]
    assert scores["log_score"].max() >= cluster - 1e-4


def test_the_score_is_what_it_says() -> None:
    """Weekly the same: every fold foretells itself, and the score of the cluster's profile can be
    worked out by hand."""
    counts = np.zeros((2, 8, 168), dtype=np.int64)
    counts[:, :, 6:9] = 1  # all three events of a week in block 0
    sums = laid_out(counts).blocks()
    scores = log_scores(sums, ["a", "a"], sums.weights.sum(axis=0), candidates=(30.0,))
    n = 18.0  # events of the other place in six weeks: the cluster without it, and the force without it
    force = (n + 30 / 56) / (n + 30)
    cluster = (n + 30 * force) / (n + 30)
    assert scores.filter(method="cluster")["log_score"][0] == pytest.approx(np.log(cluster * 56))
    own = (n + 30 * cluster) / (n + 30)
    assert scores.filter(method="shrunk")["log_score"][0] == pytest.approx(np.log(own * 56))
    half = (n + 0.5) / (n + 28)
    assert scores.filter(method="add_half")["log_score"][0] == pytest.approx(np.log(half * 56))


def test_nothing_to_foretell_from() -> None:
    sums = laid_out(np.zeros((1, 1, 168), dtype=np.int64)).blocks()
    scores = log_scores(sums, ["a"], sums.weights.sum(axis=0))
    assert (scores["log_score"] == 0).all()
