from __future__ import annotations

from itertools import combinations, pairwise, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot_pipeline.hexes.accuracy import accuracy_curve


def test_published_example() -> None:
    curve = accuracy_curve([3, 2, 1], [6, 3, 0])
    assert curve.get_column("pai").to_list() == pytest.approx([2, 1.5, 1])
    assert curve.get_column("pei").to_list() == pytest.approx([1, 1, 1])
    assert curve.get_column("hit_rate").to_list() == pytest.approx([2 / 3, 1, 1])


def test_a_ranking_upside_down() -> None:
    curve = accuracy_curve([1, 2, 3], [6, 3, 0])
    assert curve.get_column("pai").to_list() == pytest.approx([0, 0.5, 1])
    assert curve.get_column("pei").to_list() == pytest.approx([0, 1 / 3, 1])


def test_own_areas_by_hand() -> None:
    curve = accuracy_curve([9, 5, 1], [4, 4, 2], areas_m2=[300.0, 100.0, 100.0])
    assert curve.get_column("share_area").to_list() == pytest.approx([0.6, 0.8, 1.0])
    assert curve.get_column("pai").to_list() == pytest.approx([0.4 / 0.6, 0.8 / 0.8, 1])
    # The best 300 m2: both small cells (6 events) and a third of the large one.
    assert curve.get_column("pei")[0] == pytest.approx(4 / (6 + 4 / 3))


def test_ties_take_the_worst_order() -> None:
    curve = accuracy_curve([5, 5, 5, 1], [7, 0, 2, 1])
    assert curve.get_column("n_hits").to_list() == [0, 2, 9, 10]
    wide_first = accuracy_curve([5, 5], [3, 3], areas_m2=[100.0, 300.0])
    assert wide_first.get_column("share_area").to_list() == pytest.approx([0.75, 1.0])


scored_cells = st.integers(1, 6).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 3), min_size=n, max_size=n),
        st.lists(st.integers(0, 5), min_size=n, max_size=n),
        st.lists(st.integers(1, 4).map(float), min_size=n, max_size=n),
    )
)


@given(scored_cells)
def test_hits_are_the_fewest_over_all_orders_of_tied_cells(
    cells: tuple[list[int], list[int], list[float]],
) -> None:
    predicted, observed, _ = cells
    n = len(predicted)
    orders = [
        order
        for order in permutations(range(n))
        if all(predicted[a] >= predicted[b] for a, b in pairwise(order))
    ]
    hits = accuracy_curve(predicted, observed).get_column("n_hits").to_list()
    for k in range(1, n + 1):
        assert hits[k - 1] == min(sum(observed[c] for c in order[:k]) for order in orders)


@given(scored_cells)
def test_no_choice_of_whole_cells_beats_the_best_on_its_area(
    cells: tuple[list[int], list[int], list[float]],
) -> None:
    predicted, observed, areas = cells
    curve = accuracy_curve(predicted, observed, areas_m2=areas)
    if sum(observed) == 0:
        return
    for row in curve.rows(named=True):
        if row["n_hits"] == 0:
            assert row["pei"] == 0
            continue
        best = row["n_hits"] / row["pei"]
        room = row["share_area"] * sum(areas) + 1e-9
        for size in range(1, len(areas) + 1):
            for choice in combinations(range(len(areas)), size):
                if sum(areas[c] for c in choice) <= room:
                    assert sum(observed[c] for c in choice) <= best + 1e-9
        assert row["pei"] <= 1 + 1e-12


@given(scored_cells)
def test_equal_own_areas_give_what_no_areas_give(
    cells: tuple[list[int], list[int], list[float]],
) -> None:
    predicted, observed, _ = cells
    plain = accuracy_curve(predicted, observed)
    with_areas = accuracy_curve(predicted, observed, areas_m2=[94_800.0] * len(observed))
    for name in ("hit_rate", "pai", "pei"):
        for a, b in zip(plain.get_column(name), with_areas.get_column(name), strict=True):
            assert a == b or a == pytest.approx(b, abs=1e-9)


def test_no_later_events_give_null() -> None:
    curve = accuracy_curve([3, 2, 1], [0, 0, 0], areas_m2=[1.0, 2.0, 3.0])
    for name in ("hit_rate", "pai", "pei"):
        assert curve.get_column(name).null_count() == 3
    assert curve.get_column("n_events").to_list() == [0, 0, 0]


def test_only_the_asked_k() -> None:
    rng = np.random.default_rng(1)
    predicted, observed = rng.poisson(2, 500), rng.poisson(2, 500)
    full = accuracy_curve(predicted, observed)
    some = accuracy_curve(predicted, observed, ks=[18, 1, 500])
    assert some.equals(full[[17, 0, 499]])


def test_wrong_input_is_refused() -> None:
    with pytest.raises(ValueError, match="k is 4: with 3 cells"):
        accuracy_curve([3, 2, 1], [1, 1, 1], ks=[4])
    with pytest.raises(ValueError, match="2 values, observed 3"):
        accuracy_curve([3, 2], [1, 1, 1])
    with pytest.raises(ValueError, match=r"areas_m2\[1\] is 0.0"):
        accuracy_curve([3, 2], [1, 1], areas_m2=[1, 0])
    with pytest.raises(ValueError, match="areas_m2 has 1 values for 2 cells"):
        accuracy_curve([3, 2], [1, 1], areas_m2=[1])
    with pytest.raises(ValueError, match="study area is empty"):
        accuracy_curve([], [])
