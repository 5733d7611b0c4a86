"""Run lengths by the Markov chain against simulated series; the statistic against the logarithm of the likelihoods."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import nbinom, poisson

from hotspot_pipeline.evaluation.surveillance import (
    FIVE_YEARS,
    Rule,
    asked_run_length,
    average_run_length,
    increments,
    rule_for,
    watch,
)


@given(st.integers(0, 60), st.floats(0.1, 30), st.floats(0.01, 2), st.sampled_from([0.5, 1.5, 2.0]))
def test_the_increment_is_the_log_of_the_likelihood_ratio(
    n: int, mu: float, alpha: float, ratio: float
) -> None:
    plain = poisson.logpmf(n, ratio * mu) - poisson.logpmf(n, mu)
    assert increments([n], [mu], 0.0, ratio)[0] == pytest.approx(plain, abs=1e-9)
    r = 1 / alpha
    wild = nbinom.logpmf(n, r, r / (r + ratio * mu)) - nbinom.logpmf(n, r, r / (r + mu))
    assert increments([n], [mu], alpha, ratio)[0] == pytest.approx(wild, abs=1e-7)


@pytest.mark.parametrize(
    ("mu", "alpha", "ratio", "threshold"), [(0.5, 0.0, 2.0, 1.5), (3.0, 0.3, 1.5, 1.2), (8.0, 0.1, 0.6, 1.5)]
)  # fmt: skip
def test_the_run_length_is_that_of_simulated_series(
    mu: float, alpha: float, ratio: float, threshold: float
) -> None:
    rng = np.random.default_rng(0)
    n_series, lengths = 4_000, np.zeros(4_000)
    c, alive, t = np.zeros(n_series), np.ones(n_series, bool), 0
    while alive.any() and t < 4_000:
        t += 1
        n = rng.poisson(mu if not alpha else rng.gamma(1 / alpha, alpha * mu, n_series), n_series)
        c = np.maximum(0, c + increments(n, np.full(n_series, mu), alpha, ratio))
        done = alive & (c > threshold)
        lengths[done], alive = t, alive & ~done
    assert not alive.any()
    error = lengths.std() / np.sqrt(n_series)
    found = average_run_length(mu, alpha, ratio, threshold)
    assert found == pytest.approx(lengths.mean(), abs=4 * error + 0.01 * lengths.mean())


@pytest.mark.parametrize(("mu", "alpha"), [(0.4, 0.0), (4.0, 0.2)])
def test_the_threshold_is_the_least_that_runs_as_long_as_asked(mu: float, alpha: float) -> None:
    rule = rule_for(mu, alpha, ratio=2.0, run_length=FIVE_YEARS)
    assert rule.run_length >= FIVE_YEARS
    assert average_run_length(mu, alpha, 2.0, rule.threshold - 0.05) < rule.run_length
    assert average_run_length(mu, alpha, 2.0, rule.threshold - 0.2) < FIVE_YEARS


def test_many_series_ask_for_longer_runs() -> None:
    assert asked_run_length(18) == FIVE_YEARS
    assert asked_run_length(200) == pytest.approx(200 * 52.1775 / 12)


def test_a_doubling_is_found_and_the_watch_begins_again() -> None:
    rule = rule_for(4.0, 0.1, ratio=2.0, run_length=FIVE_YEARS)
    n = [4, 3, 5, 4] * 10 + [9, 8, 7, 9, 8]
    value, alarm = watch(n, [4.0] * 45, 0.1, rule)
    assert not alarm[:40].any()
    assert alarm[40:].any()
    after = int(np.flatnonzero(alarm)[0]) + 1
    assert value[after] <= max(0.0, float(increments([n[after]], [4.0], 0.1, 2.0)[0])) + 1e-12
    # a week of which nothing is expected is passed over
    skipped, _ = watch([4, 100, 4], [4.0, np.nan, 4.0], 0.1, Rule(2.0, 5.0, 0.0))
    assert skipped[1] == skipped[0]
