"""Rate ratio, WDD, E-test, placebos: worked examples of the literature, exact intervals, and what an error must know."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hotspot_pipeline.evaluation.place_counts import PlaceCounts, dispersion, e_test
from hotspot_pipeline.evaluation.rate_ratio import (
    before_after,
    placebo_in_space,
    poisson_log_error,
    rate_ratio,
)
from hotspot_pipeline.evaluation.wdd import AreaCounts, classic_wdd, scale_of_control, wdd


def _places(treated: list[tuple[int, int]], control: list[tuple[int, int]]) -> PlaceCounts:
    both = np.array([*treated, *control])
    is_treated = np.arange(len(both)) < len(treated)
    return PlaceCounts(both[:, 0], both[:, 1], is_treated)


def test_classic_wdd_of_the_published_examples() -> None:
    value, error = classic_wdd(AreaCounts(20, 10), AreaCounts(20, 20))
    assert value == pytest.approx(-10)
    assert error == pytest.approx(8.366600, abs=1e-6)
    value, error = classic_wdd(
        AreaCounts(207, 110), AreaCounts(308, 318), AreaCounts(178, 157), AreaCounts(150, 140)
    )
    assert value == pytest.approx(-118)
    assert error == pytest.approx(39.597980, abs=1e-6)
    half = stats.norm.ppf(0.975) * error
    assert value - half == pytest.approx(-195.610614, abs=1e-6)
    assert value + half == pytest.approx(-40.389386, abs=1e-6)
    assert classic_wdd(AreaCounts(100, 80), AreaCounts(100, 90)) == pytest.approx(
        (-10, math.sqrt(370))
    )


def test_classic_wdd_divides_each_count_by_its_time_and_area() -> None:
    value, error = classic_wdd(AreaCounts(40, 10, 2.0, 1.0), AreaCounts(30, 60, 1.0, 3.0))
    assert value == pytest.approx((10 - 20) - (20 - 30))
    assert error == pytest.approx(math.sqrt(10 + 40 / 4 + 60 / 9 + 30))


def test_rate_ratio_of_the_worked_example() -> None:
    found = rate_ratio(_places([(60, 40), (60, 45)], [(60, 50), (58, 58)]))
    ratio, _, _ = found.ratio
    assert ratio == pytest.approx(0.773920, abs=1e-6)
    poisson = found.beside[0]
    assert poisson.standard_error == pytest.approx(0.194504, abs=1e-6)
    assert "too small" in poisson.label
    half = stats.norm.ppf(0.975) * poisson.standard_error
    assert math.exp(found.value - half) == pytest.approx(0.528608, abs=1e-6)
    assert math.exp(found.value + half) == pytest.approx(1.133074, abs=1e-6)
    assert found.df == 2


def test_place_level_error_is_the_jackknife_to_first_order() -> None:
    rng = np.random.default_rng(3)
    level = rng.gamma(20, 50, 80)
    places = PlaceCounts(
        rng.poisson(level), rng.poisson(level * rng.lognormal(0, 0.2, 80)), np.arange(80) < 40
    )
    found = rate_ratio(places)
    squares = 0.0
    for arm in (places.is_treated, ~places.is_treated):
        at = np.flatnonzero(arm)
        left_out = [
            np.log(np.delete(places.after[at], k).sum() / np.delete(places.before[at], k).sum())
            for k in range(len(at))
        ]
        squares += (len(at) - 1) / len(at) * ((left_out - np.mean(left_out)) ** 2).sum()
    assert found.standard_error == pytest.approx(math.sqrt(squares), rel=0.02)
    changes = places.after - places.before
    expected = 40 * (changes[:40].var(ddof=1) + changes[40:].var(ddof=1))
    assert wdd(places).standard_error == pytest.approx(math.sqrt(expected))


def test_drifting_places_are_covered_by_the_place_level_error_and_not_by_the_others() -> None:
    rng = np.random.default_rng(5)
    n, phi = 18, 1.2
    covered = dict.fromkeys(("ratio", "poisson", "sqrt_phi", "wdd", "wdd_sqrt_phi"), 0)
    n_runs = 600
    for _ in range(n_runs):
        years = rng.gamma(20, 5, 2 * n)[:, None] * rng.lognormal(0, 0.25, (2 * n, 2))
        counts = rng.poisson(years)
        places = PlaceCounts(counts[:, 0], counts[:, 1], np.arange(2 * n) < n)
        found, difference = rate_ratio(places, phi), wdd(places, phi=phi)
        covered["ratio"] += found.includes_no_effect
        covered["wdd"] += difference.includes_no_effect
        for smaller in found.beside:
            covered[smaller.name] += bool(abs(found.value) < 1.96 * smaller.standard_error)
        covered["wdd_sqrt_phi"] += bool(
            abs(difference.value) < 1.96 * difference.beside[1].standard_error
        )
    share = {name: n / n_runs for name, n in covered.items()}
    assert 0.92 <= share["ratio"] <= 0.98
    assert 0.92 <= share["wdd"] <= 0.98
    assert share["poisson"] < share["sqrt_phi"] < 0.80
    assert share["wdd_sqrt_phi"] < 0.80


def test_a_zero_is_exact_and_nothing_is_added() -> None:
    found = rate_ratio(_places([(5, 0), (4, 0)], [(6, 5), (4, 5)]))
    assert found.value == -math.inf
    assert found.low == -math.inf
    assert "exact" in found.inference
    # by hand: given 9 treated and 20 control events, the treated count after is hypergeometric
    assert found.p_value == pytest.approx(stats.fisher_exact([[0, 9], [10, 10]]).pvalue)
    upper = math.exp(found.high)
    chance = stats.nchypergeom_fisher(29, 9, 10, upper).cdf(0)
    assert chance == pytest.approx(0.025, abs=1e-4)


def test_nothing_to_estimate_is_refused() -> None:
    with pytest.raises(ValueError, match="no event in any treated place"):
        rate_ratio(_places([(0, 0), (0, 0)], [(6, 5), (4, 5)]))
    with pytest.raises(ValueError, match="1 control place"):
        rate_ratio(_places([(1, 2), (2, 2)], [(6, 5)]))
    with pytest.raises(ValueError, match="counts start at 0"):
        _places([(1, -2), (2, 2)], [(6, 5)])
    with pytest.raises(ValueError, match="one treated place and one control"):
        PlaceCounts(np.array([1]), np.array([1]), np.array([True]))


def test_controls_of_another_size_forbid_differences_in_events() -> None:
    same = scale_of_control(_places([(100, 80), (90, 80)], [(100, 90), (90, 80)]))
    larger = scale_of_control(_places([(100, 80), (90, 80)], [(150, 120), (120, 110)]))
    much = scale_of_control(_places([(100, 80), (90, 80)], [(400, 390), (300, 250)]))
    assert [g.verdict for g in (same, larger, much)] == ["clear", "warning", "forbids"]
    # the same fall of 20 % in both arms: the ratio sees none, the difference a rise
    flipped = wdd(_places([(100, 80), (100, 80)], [(400, 320), (400, 320)]))
    assert flipped.value == pytest.approx(120)
    assert not flipped.may_claim
    assert rate_ratio(_places([(100, 80), (100, 80)], [(400, 320), (400, 320)])).value == 0


def test_wdd_adds_up_place_and_ring_and_scales_by_weights() -> None:
    places = _places([(10, 5), (12, 9)], [(10, 11), (9, 9)])
    rings = _places([(20, 18), (8, 9)], [(20, 20), (7, 8)])
    both = wdd(places, rings)
    assert both.value == pytest.approx((-8 - 1) + (-1 - 1))
    t, c = np.array([-5 - 2, -3 + 1]), np.array([1 + 0, 0 + 1])
    assert both.standard_error == pytest.approx(math.sqrt(2 * t.var(ddof=1) + 2 * c.var(ddof=1)))
    halved = PlaceCounts(places.before, places.after, places.is_treated, 2.0, 2.0)
    assert wdd(halved).value == pytest.approx(wdd(places).value / 2)
    with pytest.raises(ValueError, match="same places"):
        wdd(places, PlaceCounts(rings.before, rings.after, ~rings.is_treated))


def test_before_and_after_alone_is_never_causal() -> None:
    found = before_after(_places([(100, 60), (90, 50)], [(1, 1)]))
    assert not found.may_claim
    assert not found.includes_no_effect


def test_e_test_of_the_worked_examples_and_by_brute_force() -> None:
    assert e_test(3, 0) == pytest.approx(0.088379, abs=1e-6)
    assert e_test(6, 2) == pytest.approx(0.174875, abs=1e-6)
    assert e_test(0, 0) == 1.0
    k1, k2, t1, t2 = 5, 1, 2.0, 1.0
    rate = (k1 + k2) / (t1 + t2)

    def size(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            z = np.abs(a / t1 - b / t2) / np.sqrt(a / t1**2 + b / t2**2)
        return np.nan_to_num(z)

    a, b = np.meshgrid(np.arange(80), np.arange(80), indexing="ij")
    chance = stats.poisson.pmf(a, rate * t1) * stats.poisson.pmf(b, rate * t2)
    extreme = size(a, b) >= size(np.array(float(k1)), np.array(float(k2))) - 1e-12
    assert e_test(k1, k2, t1, t2) == pytest.approx(chance[extreme].sum(), abs=1e-9)


def test_dispersion_is_one_for_poisson_and_k_for_clumps() -> None:
    rng = np.random.default_rng(1)
    y = rng.poisson(rng.gamma(5, 1, 60)[:, None], (60, 52))
    assert dispersion(y) == pytest.approx(1, abs=0.08)
    assert dispersion(3 * y) == pytest.approx(3 * dispersion(y))
    assert math.isnan(dispersion(np.array([[1, 2, 3]])))


def test_placebo_rank_is_extreme_for_an_effect_and_uniform_without() -> None:
    rng = np.random.default_rng(9)
    level = rng.gamma(20, 5, 40)
    pool = PlaceCounts(rng.poisson(level), rng.poisson(level), np.arange(40) < 20)
    strong = _places([(400, 150), (380, 140), (390, 160)], [(400, 400), (390, 395), (400, 392)])
    assert placebo_in_space(rate_ratio(strong), pool, seed=1).rank == 1
    ranks = []
    for _ in range(40):
        none = PlaceCounts(rng.poisson(level), rng.poisson(level), np.arange(40) < 20)
        ranks.append(placebo_in_space(rate_ratio(none), pool, seed=2, n_placebos=49).p_value)
    assert 0.3 < np.mean(ranks) < 0.7
    with pytest.raises(ValueError, match="four are needed"):
        placebo_in_space(rate_ratio(strong), _places([(1, 1)], [(1, 1)]), seed=1)


@given(st.lists(st.tuples(st.integers(1, 300), st.integers(1, 300)), min_size=4, max_size=12))
def test_swapping_the_arms_turns_the_ratio_round(counts: list[tuple[int, int]]) -> None:
    half = len(counts) // 2
    one = rate_ratio(_places(counts[:half], counts[half:]))
    other = rate_ratio(_places(counts[half:], counts[:half]))
    assert one.value == pytest.approx(-other.value, abs=1e-12)
    assert one.standard_error == pytest.approx(other.standard_error)
    assert poisson_log_error(one.counts) == pytest.approx(poisson_log_error(other.counts))
