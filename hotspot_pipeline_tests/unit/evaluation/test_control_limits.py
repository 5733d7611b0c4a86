"""Limits, scores, drift and runs against plain sums."""

from __future__ import annotations

from math import exp, lgamma, log

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot_pipeline.evaluation.control_limits import ewma, limits, percent_change, runs, scores


def _share(n: int, mu: float, alpha: float) -> float:
    if alpha == 0:
        return exp(n * log(mu) - mu - lgamma(n + 1))
    r = 1 / alpha
    return exp(lgamma(n + r) - lgamma(r) - lgamma(n + 1) + r * log(r / (r + mu)) + n * log(mu / (r + mu)))  # fmt: skip


def test_small_means_have_wide_limits() -> None:
    low, high = limits([2.0, 8.0], 0.0, 0.95)
    assert high.tolist() == [5, 14]
    assert low.tolist() == [0, 3]


@given(st.floats(0.05, 60), st.sampled_from([0.0, 0.05, 0.5, 2.0]), st.sampled_from([0.95, 0.998]))
def test_outside_is_as_seldom_as_said_and_the_next_count_would_not_be(
    mu: float, alpha: float, level: float
) -> None:
    low, high = (int(v[0]) for v in limits([mu], alpha, level))
    tail = (1 - level) / 2 + 1e-12
    below = [_share(n, mu, alpha) for n in range(low + 1)]
    upto = [_share(n, mu, alpha) for n in range(high + 1)]
    assert sum(below[:-1]) <= tail  # outside below
    assert sum(below) >= tail - 2e-12
    assert 1 - sum(upto) <= tail + 1e-9  # outside above
    assert 1 - sum(upto[:-1]) >= tail - 1e-9


def test_without_an_expectation_there_are_no_limits() -> None:
    low, high = limits([np.nan, 2.0], 0.3, 0.95)
    assert (low[0], high[0]) == (-1, -1)


@pytest.mark.parametrize("alpha", [0.0, 0.05, 1.5])
def test_a_variance_does_not_depend_on_the_other_weeks(alpha: float) -> None:
    mu = np.concatenate([np.random.default_rng(3).lognormal(1, 1.5, 60), [1e-9, 1e-3, np.nan]])
    together = scores(np.ones(len(mu)), mu, alpha)[1]
    alone = [scores([1], [m], alpha)[1][0] for m in mu]
    np.testing.assert_array_equal(together, alone)
    assert np.isfinite(together[:-1]).all()
    assert (together[:-1] >= 0).all()
    assert np.isnan(together[-1])


@pytest.mark.parametrize(("mu", "alpha"), [(0.3, 0.0), (2.0, 0.4), (40.0, 0.05)])
def test_scores_have_the_variance_that_is_said_and_mean_nought(mu: float, alpha: float) -> None:
    rng = np.random.default_rng(1)
    n = rng.poisson(mu if alpha == 0 else rng.gamma(1 / alpha, alpha * mu, 200_000), 200_000)
    score, variance = scores(n[:1], [mu], alpha)
    assert score.shape == variance.shape == (1,)
    every = scores(np.arange(n.max() + 1), np.full(n.max() + 1, mu), alpha)[0][n]
    assert float(every.var()) == pytest.approx(float(variance[0]), rel=0.02)
    assert abs(float(every.mean())) < 0.15
    assert (np.diff(scores(np.arange(50), np.full(50, mu), alpha)[0]) > 0).all()


def test_the_weighted_mean_is_that_of_pandas() -> None:
    rng = np.random.default_rng(2)
    mu = rng.uniform(1, 8, 80)
    n = rng.poisson(mu)
    value, spread = ewma(n, mu, 0.0)
    score, variance = scores(n, mu, 0.0)
    peer = pd.Series(np.concatenate([[0.0], score])).ewm(alpha=0.2, adjust=False).mean().to_numpy()
    assert np.allclose(value, peer[1:])
    weights = 0.2 * 0.8 ** np.arange(80)[::-1]
    assert spread[-1] == pytest.approx(np.sqrt((weights**2 * variance).sum()))
    # it stays within three of its errors about as often as it should
    assert (np.abs(value) > 3 * spread).mean() < 0.03


def test_eight_on_one_side_only_where_the_mean_is_five() -> None:
    n = [6] * 8 + [5] + [4] * 9
    length, signal = runs(n, [5.0] * 18)
    assert length.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 0, -1, -2, -3, -4, -5, -6, -7, -8, -9]
    assert np.flatnonzero(signal).tolist() == [7, 16, 17]
    assert not runs([1] * 20, [0.3] * 20)[1].any()


def test_no_percentage_of_small_counts() -> None:
    assert percent_change(20, 30) == 50.0
    assert percent_change(19, 30) is None
    assert percent_change(300, 19) is None
