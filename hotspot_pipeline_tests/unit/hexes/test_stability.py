from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot_pipeline.hexes import stability
from hotspot_pipeline.hexes.stability import is_borderline, p_top_k, stability_frame


def places(drawn: list[int], k: int) -> list[float]:
    """Expected places of each cell when ties are broken by lot: counted cell by cell."""
    out = []
    for mine in drawn:
        n_better = sum(other > mine for other in drawn)
        n_equal = sum(other == mine for other in drawn)
        out.append(0.0 if mine == 0 else min(1.0, max(0.0, (k - n_better) / n_equal)))
    return out


@given(
    st.lists(st.lists(st.integers(0, 4), min_size=5, max_size=5), min_size=1, max_size=6),
    st.integers(1, 7),
)
def test_places_of_each_draw_against_counting(drawn: list[list[int]], k: int) -> None:
    won = stability._places_won(np.array(drawn, dtype=np.int64), k)
    assert won == pytest.approx(np.sum([places(row, k) for row in drawn], axis=0))


@pytest.mark.parametrize(("counts", "k"), [([3, 2, 1], 1), ([2, 2, 1, 1], 2), ([4, 1], 1)])
def test_against_every_possible_resample(counts: list[int], k: int) -> None:
    owners = [cell for cell, n in enumerate(counts) for _ in range(n)]
    exact = np.zeros(len(counts))
    for resample in product(owners, repeat=len(owners)):
        exact += places(np.bincount(resample, minlength=len(counts)).tolist(), k)
    exact /= len(owners) ** len(owners)
    got = p_top_k(counts, k, rng=np.random.default_rng(1), n_draws=40_000)
    assert got == pytest.approx(exact, abs=4 * (0.25 / 40_000) ** 0.5)


def test_equal_cells_get_equal_chances_wherever_they_stand() -> None:
    got = p_top_k([5] * 40, 10, rng=np.random.default_rng(2), n_draws=4_000)
    assert got == pytest.approx(np.full(40, 0.25), abs=4 * (0.1875 / 4_000) ** 0.5)


def test_places_add_up_to_k_and_empty_cells_get_none() -> None:
    rng = np.random.default_rng(3)
    counts = rng.poisson(rng.gamma(0.3, 20, size=300))
    got = p_top_k(counts, 18, rng=rng)
    assert got.sum() == pytest.approx(18)
    assert (got[counts == 0] == 0).all()
    assert ((got >= 0) & (got <= 1)).all()


def test_with_fewer_populated_cells_than_places() -> None:
    assert p_top_k([0, 7, 0], 5, rng=np.random.default_rng(4)).tolist() == [0, 1, 0]
    assert p_top_k([0, 0], 1, rng=np.random.default_rng(4)).tolist() == [0, 0]
    assert p_top_k([], 1, rng=np.random.default_rng(4)).size == 0


def test_result_does_not_depend_on_the_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = np.random.default_rng(5).poisson(3, 200)
    whole = p_top_k(counts, 10, rng=np.random.default_rng(6))
    monkeypatch.setattr(stability, "_CHUNK_VALUES", 700)
    assert p_top_k(counts, 10, rng=np.random.default_rng(6)) == pytest.approx(whole, abs=1e-12)


def test_frame_is_the_same_for_any_order_of_rows_and_another_for_another_seed() -> None:
    rng = np.random.default_rng(7)
    n_events = rng.poisson(rng.gamma(0.5, 10, size=120))
    frame = pl.DataFrame(
        {"cell": rng.permutation(10_000)[:120], "n_events": n_events}
    ).with_columns(is_selected=pl.col("n_events").rank("ordinal", descending=True) <= 12)
    first = stability_frame(frame, 12, seed=11)
    assert first.equals(
        stability_frame(frame.sample(fraction=1, shuffle=True, seed=1), 12, seed=11)
    )
    assert not first.equals(stability_frame(frame, 12, seed=12))
    assert first.get_column("cell").is_sorted()


def test_borderline_are_selected_cells_below_one_half() -> None:
    chance, selected = [0.9, 0.5, 0.49, 0.1], [True, True, True, False]
    assert is_borderline(chance, selected).tolist() == [False, False, True, False]


def test_on_the_real_county_the_clear_cells_are_sure_and_the_last_are_not(
    warwickshire: Any,
) -> None:
    counts = warwickshire.counts
    got = p_top_k(counts, 18, rng=np.random.default_rng(8))
    best_first = np.argsort(-counts, kind="stable")
    assert got.sum() == pytest.approx(18)
    assert got[best_first[:5]].min() > 0.99
    assert 0.05 < got[best_first[17]] < 0.95


def test_wrong_input_is_refused() -> None:
    rng = np.random.default_rng(9)
    with pytest.raises(ValueError, match="k is 0"):
        p_top_k([1, 2], 0, rng=rng)
    with pytest.raises(ValueError, match="n_draws is 0"):
        p_top_k([1, 2], 1, rng=rng, n_draws=0)
    twice = pl.DataFrame({"cell": [1, 1], "n_events": [1, 2], "is_selected": [True, False]})
    with pytest.raises(ValueError, match="cell 1 stands in more than one row"):
        stability_frame(twice, 1, seed=1)
    with pytest.raises(ValueError, match="no column is_selected"):
        stability_frame(twice.drop("is_selected"), 1, seed=1)
