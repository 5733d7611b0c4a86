from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot_pipeline.hexes.concentration import (
    SUMMARY_SCHEMA,
    concentration_curve,
    concentration_summary,
    generalised_gini,
    gini,
    n_cells_holding,
    share_in_top,
)

some_counts = st.lists(st.integers(0, 30), min_size=1, max_size=40).filter(lambda x: sum(x) > 0)


def gini_by_differences(x: list[int]) -> float:
    """Mean absolute difference of all pairs over twice the mean."""
    n = len(x)
    return sum(abs(a - b) for a in x for b in x) / (2 * n * sum(x))


@given(some_counts)
def test_gini_is_half_the_relative_mean_difference(x: list[int]) -> None:
    assert gini(x) == pytest.approx(gini_by_differences(x), abs=1e-12)


@pytest.mark.parametrize(
    ("x", "plain", "generalised"),
    [
        # The first two are examples in the documentation of the authors' own R package.
        ([10, 8, 2] + [0] * 7, 0.78, 0.78),
        ([5, 2, 1] + [0] * 7, 0.80, 0.75),
        ([10] + [0] * 99, 0.99, 0.90),
        ([1, 1, 1, 1, 1] + [0] * 5, 0.50, 0.0),
        ([3, 3, 3], 0.0, 0.0),
    ],
)
def test_plain_and_generalised_gini(x: list[int], plain: float, generalised: float) -> None:
    assert gini(x) == pytest.approx(plain, abs=1e-12)
    assert generalised_gini(x) == pytest.approx(generalised, abs=1e-12)


@given(some_counts)
def test_generalised_gini_is_the_gini_of_as_many_cells_as_there_are_events(x: list[int]) -> None:
    """Dropping the cells that could not have had an event anyway gives the same number."""
    room = min(len(x), sum(x))
    kept = sorted(x, reverse=True)[:room]
    assert generalised_gini(x) == pytest.approx(gini_by_differences(kept), abs=1e-12)


@given(some_counts, st.integers(1, 100))
def test_cells_for_a_share_are_the_fewest_that_hold_it(x: list[int], percent: int) -> None:
    n = n_cells_holding(x, percent)
    assert n is not None
    best_first = sorted(x, reverse=True)
    target = Fraction(percent, 100) * sum(x)
    assert sum(best_first[:n]) >= target
    assert sum(best_first[: n - 1]) < target


@given(some_counts, st.randoms(use_true_random=False))
def test_order_of_cells_changes_nothing(x: list[int], random: Any) -> None:
    shuffled = list(x)
    random.shuffle(shuffled)
    assert concentration_summary(x, 50).equals(concentration_summary(shuffled, 50))
    assert concentration_curve(x, 50).equals(concentration_curve(shuffled, 50))


def test_summary_by_hand() -> None:
    # 20 events in 5 of 10 cells: 10, 4, 3, 2, 1.
    frame = concentration_summary([4, 10, 1, 2, 3], 10)
    assert dict(frame.schema) == SUMMARY_SCHEMA
    every, populated = frame.rows(named=True)
    assert (every["denominator"], every["n_cells"]) == ("all_study_cells", 10)
    assert (populated["denominator"], populated["n_cells"]) == ("populated_cells", 5)
    assert (every["n_cells_for_25pct"], every["n_cells_for_50pct"]) == (1, 1)
    assert every["share_cells_for_50pct"] == pytest.approx(0.1)
    assert populated["share_cells_for_50pct"] == pytest.approx(0.2)
    assert (every["n_cells_top_1pct"], every["share_events_top_1pct"]) == (1, 0.5)
    assert every["gini"] == pytest.approx(gini_by_differences([4, 10, 1, 2, 3] + [0] * 5))
    assert populated["gini"] == pytest.approx(gini_by_differences([4, 10, 1, 2, 3]))


def test_top_percent_is_rounded_up_to_whole_cells() -> None:
    assert share_in_top([1] * 101, 1) == (2, 2 / 101)
    assert share_in_top([1] * 100, 1) == (1, 0.01)


@given(some_counts, st.integers(0, 30))
def test_curve_runs_from_corner_to_corner_and_never_bends_up(x: list[int], n_empty: int) -> None:
    n = len(x) + n_empty
    curve = concentration_curve(x, n)
    across, up = curve.get_column("share_cells"), curve.get_column("share_events")
    assert (across[0], up[0]) == (0, 0)
    assert (across[-1], up[-1]) == pytest.approx((1, 1))
    slope = np.diff(up.to_numpy()) / np.diff(across.to_numpy())
    assert (np.diff(slope) < 0).all()
    # The area under the curve is another way to the Gini coefficient.
    area = np.trapezoid(up.to_numpy(), across.to_numpy())
    assert 2 * area - 1 == pytest.approx(gini([*x, *[0] * n_empty]), abs=1e-9)


def test_curve_has_one_corner_per_distinct_count() -> None:
    curve = concentration_curve([2, 5, 2, 0, 2], 6)
    assert curve.select("n_events_per_cell", "n_cells", "n_events").rows() == [
        (None, 0, 0),
        (5, 1, 5),
        (2, 4, 11),
        (0, 6, 11),
    ]
    assert curve.get_column("share_populated_cells").to_list() == [0, 0.25, 1, 1]


def test_no_events_give_nulls_and_no_infinity() -> None:
    frame = concentration_summary([0, 0], 4)
    every, populated = frame.rows(named=True)
    for name in ("gini", "generalised_gini", "share_cells_for_50pct", "share_events_top_1pct"):
        assert every[name] is None
        assert populated[name] is None
    assert populated["n_cells"] == 0
    curve = concentration_curve([], 4)
    assert curve.get_column("share_events").null_count() == curve.height
    assert curve.get_column("share_cells").to_list() == [0, 1]
    assert concentration_summary([], 0).get_column("n_cells").to_list() == [0, 0]


def test_wrong_input_is_refused() -> None:
    with pytest.raises(ValueError, match="3 counts for a study area of 2 cells"):
        concentration_summary([1, 2, 3], 2)
    with pytest.raises(ValueError, match=r"counts\[1\] is -4"):
        gini([1, -4])
    with pytest.raises(ValueError, match=r"counts\[0\] is 0.5"):
        gini([0.5, 1])
    with pytest.raises(ValueError, match="percent is 0"):
        n_cells_holding([1], 0)


def test_real_county_against_a_plain_count(
    warwickshire: Any, warwickshire_events: pl.DataFrame
) -> None:
    n_study = warwickshire.cells.size
    frame = concentration_summary(warwickshire.counts, n_study)
    per_cell = sorted(
        warwickshire_events.group_by("cell").len().get_column("len").to_list(), reverse=True
    )
    running, n_half = 0, 0
    while running < sum(per_cell) / 2:
        running += per_cell[n_half]
        n_half += 1
    every, populated = frame.rows(named=True)
    assert every["n_cells_for_50pct"] == populated["n_cells_for_50pct"] == n_half
    assert every["share_cells_for_50pct"] == pytest.approx(n_half / n_study)
    assert populated["share_cells_for_50pct"] == pytest.approx(n_half / len(per_cell))
    assert populated["gini"] == pytest.approx(gini_by_differences(per_cell), abs=1e-12)
    # A rural county: the empty cells alone make it look several times more concentrated.
    assert every["share_cells_for_50pct"] < populated["share_cells_for_50pct"] / 3
