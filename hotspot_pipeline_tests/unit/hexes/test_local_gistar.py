from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot_pipeline.hexes.local_gistar import gistar_frame, local_gistar, restrict_pairs


def esda_z(x: Any, i: Any, j: Any) -> Any:
    """The analytic z of esda, which builds its own weights and adds the diagonal itself."""
    from esda.getisord import G_Local
    from libpysal.weights import W

    neighbours: dict[int, list[int]] = {at: [] for at in range(len(x))}
    for a, b in zip(i.tolist(), j.tolist(), strict=True):
        neighbours[a].append(b)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # disconnected parts of the field
        weights = W(neighbours, silence_warnings=True)
        return G_Local(
            np.asarray(x, dtype=float), weights, transform="B", star=True, permutations=0
        ).Zs


def by_definition(x: list[float], edges: set[tuple[int, int]]) -> list[float | None]:
    """Gi* term by term, from a full weight matrix."""
    n = len(x)
    mean = sum(x) / n
    s = (sum((v - mean) ** 2 for v in x) / n) ** 0.5
    out: list[float | None] = []
    for a in range(n):
        w = [1.0 if a == b or (a, b) in edges or (b, a) in edges else 0.0 for b in range(n)]
        total = sum(w)
        inner = (n * sum(v * v for v in w) - total**2) / (n - 1)
        if s == 0 or inner <= 0:
            out.append(None)
            continue
        out.append((sum(v * y for v, y in zip(w, x, strict=True)) - mean * total) / s / inner**0.5)
    return out


def both_ways(edges: set[tuple[int, int]]) -> tuple[Any, Any]:
    pairs = np.array(sorted(edges | {(b, a) for a, b in edges}), dtype=np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def test_published_example() -> None:
    points = np.array([(10, 10), (20, 10), (40, 10), (15, 20), (30, 20), (30, 30)], dtype=float)
    y = [2, 3, 3.2, 5, 8, 7]
    apart = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    i, j = np.nonzero((apart <= 15) & (apart > 0))
    expected = [-1.397276, -0.289178, 0.650650, -0.289178, 1.234521, 2.024243]
    assert local_gistar(y, i, j) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_equals_esda_on_random_fields(seed: int, make_disc: Any) -> None:
    field = make_disc(9, np.random.default_rng(seed))
    z = local_gistar(field.counts, field.i, field.j)
    assert np.abs(z - esda_z(field.counts, field.i, field.j)).max() < 1e-9


def test_equals_esda_on_every_cell_of_warwickshire(warwickshire: Any) -> None:
    f = warwickshire
    assert f.counts.sum() == 51_198 - 168
    assert f.cells.size > 20_000
    z = local_gistar(f.counts, f.i, f.j)
    assert np.abs(z - esda_z(f.counts, f.i, f.j)).max() < 1e-9


def test_equals_esda_on_the_populated_cells_of_warwickshire(
    warwickshire: Any, find_pairs: Any
) -> None:
    f = warwickshire
    keep = f.counts > 0
    i, j = find_pairs(f.cells[keep].tolist())
    frame = gistar_frame(f.cells, f.counts, f.i, f.j, field="populated_cells")
    z = frame.get_column("gistar_z").to_numpy()
    assert np.abs(z[keep] - esda_z(f.counts[keep], i, j)).max() < 1e-9
    assert np.isnan(z[~keep]).all()
    assert frame.get_column("gistar_z").null_count() == (~keep).sum()
    assert frame.get_column("n_neighbours").to_numpy()[keep].tolist() == np.bincount(i).tolist()


@st.composite
def small_fields(draw: st.DrawFn) -> tuple[list[float], set[tuple[int, int]]]:
    n = draw(st.integers(2, 9))
    x = draw(st.lists(st.integers(0, 50).map(float), min_size=n, max_size=n))
    possible = [(a, b) for a in range(n) for b in range(a)]
    return x, draw(st.sets(st.sampled_from(possible)))


@given(small_fields())
def test_equals_the_definition_on_any_small_graph(
    field: tuple[list[float], set[tuple[int, int]]],
) -> None:
    x, edges = field
    z = local_gistar(x, *both_ways(edges))
    expected = by_definition(x, edges)
    assert not np.isinf(z).any()
    for got, want in zip(z, expected, strict=True):
        assert np.isnan(got) if want is None else got == pytest.approx(want, abs=1e-9)


def test_shift_and_scale_of_the_counts_change_nothing(make_disc: Any) -> None:
    f = make_disc(6, np.random.default_rng(5))
    z = local_gistar(f.counts, f.i, f.j)
    # A shift by ten million would eat the digits of sums that are not centred first.
    assert local_gistar(f.counts * 3.0 + 1e7, f.i, f.j) == pytest.approx(z, abs=1e-6)


def test_order_of_cells_and_pairs_is_free(make_disc: Any) -> None:
    rng = np.random.default_rng(6)
    f = make_disc(6, rng)
    new_place = rng.permutation(f.cells.size)
    shuffled = np.empty_like(f.counts)
    shuffled[new_place] = f.counts
    order = rng.permutation(f.i.size)
    z = local_gistar(shuffled, new_place[f.i][order], new_place[f.j][order])
    assert z[new_place] == pytest.approx(local_gistar(f.counts, f.i, f.j), abs=1e-12)


@pytest.mark.parametrize("x", [[], [4], [0, 0, 0], [0.1, 0.1, 0.1], [1e9, 1e9, 1e9]])
def test_a_constant_field_has_no_z(x: list[float]) -> None:
    i, j = ([0, 1, 1, 2], [1, 0, 2, 1]) if len(x) == 3 else ([], [])
    assert np.isnan(local_gistar(x, i, j)).all()


def test_a_cell_beside_every_other_has_no_z_and_the_rest_have() -> None:
    z = local_gistar([1, 5, 9], [0, 1, 1, 2], [1, 0, 2, 1])
    assert np.isnan(z).tolist() == [False, True, False]


def test_undefined_z_is_null_in_the_frame() -> None:
    frame = gistar_frame([11, 12, 13], [1, 5, 9], [0, 1, 1, 2], [1, 0, 2, 1])
    assert frame.get_column("gistar_z").is_null().to_list() == [False, True, False]
    assert frame.get_column("n_neighbours").to_list() == [1, 2, 1]
    assert frame.get_column("gistar_field").unique().to_list() == ["all_study_cells"]


def test_no_events_give_null_in_both_fields() -> None:
    for field in ("all_study_cells", "populated_cells"):
        frame = gistar_frame([1, 2], [0, 0], [0, 1], [1, 0], field=field)
        assert frame.get_column("gistar_z").null_count() == 2


def test_restricted_pairs_are_the_pairs_among_the_kept_cells(
    make_disc: Any, find_pairs: Any
) -> None:
    f = make_disc(4, np.random.default_rng(7))
    keep = f.counts > 0
    got = set(zip(*(part.tolist() for part in restrict_pairs(keep, f.i, f.j)), strict=True))
    wanted = find_pairs(f.cells[keep].tolist())
    assert got == set(zip(*(part.tolist() for part in wanted), strict=True))


@pytest.mark.parametrize(
    ("i", "j", "message"),
    [
        ([0], [1], r"\(0, 1\) is listed, \(1, 0\) is not"),
        ([0, 1, 1], [1, 0, 1], "cell 1 is listed as its own neighbour"),
        ([0, 1, 0, 1], [1, 0, 1, 0], r"\(0, 1\) is listed twice"),
        ([0, 3], [3, 0], "from 0 to 3, but there are 3 cells"),
        ([0, 1], [1], "need one shape"),
    ],
)
def test_wrong_adjacency_is_refused(i: list[int], j: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        local_gistar([1, 2, 3], i, j)


def test_missing_values_are_refused() -> None:
    with pytest.raises(ValueError, match=r"x\[1\] is nan"):
        local_gistar([1, np.nan], [0, 1], [1, 0])
    with pytest.raises(ValueError, match=r"counts\[0\] is -1"):
        gistar_frame([1, 2], [-1, 2], [0, 1], [1, 0])
    with pytest.raises(ValueError, match="populated_cells"):
        gistar_frame([1, 2], [1, 2], [0, 1], [1, 0], field="towns")  # type: ignore[arg-type]
