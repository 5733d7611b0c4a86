"""Hot blocks: against scipy's exact test and its false discovery control, and on known profiles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hotspot_pipeline.hot_times.hot_blocks import (
    binomial_p,
    bootstrap_interval,
    false_discovery,
    hot_blocks,
    rate_ratio,
)
from hotspot_pipeline_tests.unit.hot_times.made_weeks import drawn, laid_out, peaked

FLAT = np.full(168, 1 / 168)


@settings(max_examples=60)
@given(st.integers(1, 400), st.data())
def test_whole_numbers_give_the_exact_binomial_test(n: int, data: st.DataObject) -> None:
    found = data.draw(st.integers(0, n))
    share = data.draw(st.floats(0.001, 0.999))
    ours = binomial_p(np.array([float(found)]), np.array([float(n)]), np.array([share]))[0]
    theirs = stats.binomtest(found, n, share, alternative="greater").pvalue
    assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-300)


def test_between_whole_numbers_it_lies_between() -> None:
    x = np.array([3.0, 3.25, 3.5, 3.75, 4.0])
    p = binomial_p(x, np.full(5, 40.0), np.full(5, 1 / 56))
    assert (np.diff(p) < 0).all()
    assert p[0] == pytest.approx(stats.binom.sf(2, 40, 1 / 56))
    assert p[-1] == pytest.approx(stats.binom.sf(3, 40, 1 / 56))


@settings(max_examples=60)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_q_values_equal_scipys(p: list[float]) -> None:
    ours = false_discovery(np.array([p]))[0]
    np.testing.assert_allclose(ours, stats.false_discovery_control(p), rtol=1e-12)


def test_tests_that_were_not_made_do_not_count() -> None:
    with_gaps = false_discovery(np.array([[0.01, np.nan, 0.04, np.nan, 0.03]]))[0]
    np.testing.assert_allclose(
        with_gaps[[0, 2, 4]], stats.false_discovery_control([0.01, 0.04, 0.03])
    )
    assert np.isnan(with_gaps[[1, 3]]).all()


def test_rate_ratios_correct_for_hours() -> None:
    """Two bins with two events each; the first had half the hours: its rate is twice the other's."""
    ratio = rate_ratio(np.array([[2.0, 2.0]]), np.array([50.0, 100.0]))
    np.testing.assert_allclose(ratio, [[1.5, 0.75]])
    assert np.isnan(rate_ratio(np.zeros((1, 2)), np.array([1.0, 1.0]))).all()
    assert np.isnan(rate_ratio(np.array([[0.0, 2.0]]), np.array([0.0, 1.0]))[0, 0])


def test_a_peak_is_found_and_a_flat_week_left_alone() -> None:
    rng = np.random.default_rng(1)
    blocks = [4, 5, 37, 38]
    sums = drawn(rng, np.array([peaked(blocks, 6.0), FLAT]), 104, np.array([600.0, 600.0])).blocks()
    found = hot_blocks(sums, seed=3)
    assert np.flatnonzero(found.is_hot[0]).tolist() == blocks
    assert not found.is_hot[1].any()
    assert (found.ratio_low[0, blocks] > 1.5).all()


def test_hot_needs_both_the_ratio_and_the_test() -> None:
    counts = np.zeros((2, 10, 168), dtype=np.int64)
    counts[0, :, :] = 100  # so many that a rate of 1.2 is certain, but no hot time
    counts[0, :, 6:9] = 120
    counts[1, 0, [6, 20, 50]] = 1  # three events: ratios of 18 that mean nothing
    found = hot_blocks(laid_out(counts).blocks(), seed=1)
    assert found.q_value[0, 0] < 0.001 and found.rate_ratio[0, 0] == pytest.approx(1.2, abs=0.01)
    assert found.rate_ratio[1, 0] > 15 and found.q_value[1, 0] > 0.1
    assert not found.is_hot.any()


def test_flat_profiles_are_flagged_seldom() -> None:
    """Benjamini-Hochberg at 10 % over blocks of one place: at least one block in at most 10 % of
    flat profiles, and, so that the test is not dead, in some."""
    rng = np.random.default_rng(8)
    n = 800
    sums = drawn(rng, np.tile(FLAT, (n, 1)), 52, np.full(n, 300.0)).blocks()
    flagged = hot_blocks(sums, seed=1, n_draws=0).is_hot.any(axis=1).mean()
    assert 0.03 <= flagged <= 0.10


def test_the_interval_covers_the_true_ratio() -> None:
    rng = np.random.default_rng(12)
    shares = peaked([37], 5.0)
    truth = shares[hours := [117, 118, 119]].sum() / (3 / 168)
    assert hours[0] == 6 + 37 * 3
    sums = drawn(rng, np.tile(shares, (150, 1)), 80, np.full(150, 700.0)).blocks()
    low, high = bootstrap_interval(sums, seed=5, n_draws=300)
    covered = ((low[:, 37] <= truth) & (truth <= high[:, 37])).mean()
    assert 0.88 <= covered <= 0.99


def test_the_interval_is_by_weeks() -> None:
    """All events of a block in one week: weeks without it give 0, however many events there are."""
    counts = np.ones((1, 20, 168), dtype=np.int64)
    counts[0, 3, 6:9] = 100
    low, high = bootstrap_interval(laid_out(counts).blocks(), seed=1)
    assert low[0, 0] < 1.1 and high[0, 0] > 9


def test_the_same_seed_gives_the_same_interval_and_places_do_not_mix() -> None:
    rng = np.random.default_rng(2)
    sums = drawn(rng, np.tile(FLAT, (3, 1)), 30, np.array([100.0, 0.0, 400.0])).blocks()
    first, again = bootstrap_interval(sums, seed=9), bootstrap_interval(sums, seed=9)
    np.testing.assert_array_equal(first, again)
    assert np.isnan(first[0][1]).all()
    nothing = hot_blocks(sums, seed=9)
    assert np.isnan(nothing.p_value[1]).all() and not nothing.is_hot[1].any()


def test_no_weeks_say_nothing() -> None:
    found = hot_blocks(laid_out(np.zeros((2, 0, 168), dtype=np.int64)).blocks(), seed=1)
    assert np.isnan(found.rate_ratio).all() and not found.is_hot.any()
