"""The Wilson interval against published figures and statsmodels; the design effect against its definition."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from hotspot_pipeline.patrols.proportions import design_effect, wilson


@pytest.mark.parametrize(
    ("yes", "n", "low", "high"),
    [(8, 10, 0.490162, 0.943318), (14, 18, 0.547854, 0.909991), (0, 10, 0.0, 0.277533)],
)
def test_examples(yes: int, n: int, low: float, high: float) -> None:
    assert np.allclose(wilson(yes, n), (low, high), atol=5e-7)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_equals_statsmodels_and_holds_the_share(counts: tuple[int, int]) -> None:
    yes, n = counts
    low, high = wilson(yes, n)
    assert np.allclose((low, high), proportion_confint(yes, n, method="wilson"), atol=1e-12)
    assert 0 <= low <= yes / n <= high <= 1


def test_of_nothing_nothing_is_said_and_odd_counts_are_refused() -> None:
    assert np.isnan(wilson(0, 0)).all()
    with pytest.raises(ValueError, match="n_yes"):
        wilson(3, 2)


def test_a_design_effect_widens_as_fewer_answers_would() -> None:
    assert np.allclose(wilson(80, 100, deff=2.0), wilson(40, 50))


def test_places_that_differ_count_for_less() -> None:
    # every answer of a place the same: as many answers as places
    assert design_effect([10, 0, 10, 0], [10, 10, 10, 10]) == pytest.approx(10.0)
    # every place has the same share: answers within a place resemble each other less than by chance
    assert design_effect([5, 5, 5], [10, 10, 10]) == 1.0
    assert design_effect([7], [10]) == 1.0
    assert design_effect([1, 0, 1], [1, 1, 1]) == 1.0
    assert design_effect([], []) == 1.0


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=25), st.randoms())
def test_the_order_of_places_changes_no_digit(
    places: list[tuple[int, int]], random: Random
) -> None:
    shuffled = random.sample(places, len(places))
    found = [
        design_effect([y for y, _ in rows], [y + n for y, n in rows]) for rows in (places, shuffled)
    ]
    assert found[0] == found[1]


def test_the_design_effect_finds_the_correlation_that_was_put_in() -> None:
    rng = np.random.default_rng(4)
    icc, size, places = 0.1, 20, 3_000
    a = 0.7 * (1 / icc - 1)
    b = 0.3 * (1 / icc - 1)
    yes = rng.binomial(size, rng.beta(a, b, places))
    assert design_effect(yes, np.full(places, size)) == pytest.approx(
        1 + (size - 1) * icc, rel=0.05
    )
