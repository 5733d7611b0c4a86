"""Noise that neighbours share, and the gamma quantiles against scipy's."""

from __future__ import annotations

import h3.api.basic_int as h3
import numpy as np
import pytest
from scipy import stats

from hotspot_pipeline.geo.grid import make_grid
from hotspot_pipeline.simulator.force.fields import (
    gamma_quantiles,
    largest_remainder,
    ring_sum,
    shared_normal,
)


@pytest.mark.parametrize("shape", [0.03, 0.048, 0.3, 1.0])
def test_gamma_quantiles_are_those_of_the_gamma_distribution(shape: float) -> None:
    n = 20_880
    expected = stats.gamma.ppf((np.arange(n) + 0.5) / n, shape)
    found = gamma_quantiles(shape, n)
    is_felt = expected > 1e-8
    np.testing.assert_allclose(found[is_felt], expected[is_felt], rtol=2e-5)
    np.testing.assert_allclose(found[~is_felt], expected[~is_felt], atol=1e-8)


def test_a_shape_above_one_is_refused() -> None:
    with pytest.raises(ValueError, match="shape 1.5"):
        gamma_quantiles(1.5, 10)


def test_neighbours_share_noise_as_stated() -> None:
    """Correlation by distance: (2w + 2w²) / (1 + 6w²) beside, 2w² / (1 + 6w²) at √3 steps, none at three steps."""
    grid = make_grid()
    middle = grid.index([-1.5], [52.3])
    cells = np.array(sorted(h3.grid_disk(int(middle[0]), 70)), dtype=np.int64)
    n, weight = len(cells), 0.3
    pairs = grid.neighbours(cells)
    noise = shared_normal(np.random.default_rng(5), pairs, n, weight)
    assert noise.mean() == pytest.approx(0, abs=0.05)
    assert noise.std() == pytest.approx(1, abs=0.03)
    position = {int(c): k for k, c in enumerate(cells)}
    inner = [int(c) for c in h3.grid_disk(int(middle[0]), 60)]

    def correlation(of: object) -> float:
        both = [(position[c], position[d]) for c in inner for d in of(c)]  # type: ignore[operator]
        i, j = np.array(both).T
        return float(np.mean(noise[i] * noise[j]))

    def diagonal(cell: int) -> list[int]:
        # two common neighbours: √3 steps; one: two steps
        near = set(h3.grid_ring(cell, 1))
        return [c for c in h3.grid_ring(cell, 2) if len(near & set(h3.grid_ring(c, 1))) == 2]

    scale = 1 + 6 * weight**2
    beside = correlation(lambda c: h3.grid_ring(c, 1))
    assert beside == pytest.approx((2 * weight + 2 * weight**2) / scale, abs=0.04)
    assert correlation(diagonal) == pytest.approx(2 * weight**2 / scale, abs=0.04)
    assert correlation(lambda c: h3.grid_ring(c, 3)) == pytest.approx(0, abs=0.04)


def test_ring_sum_adds_the_neighbours_only() -> None:
    pairs = np.array([0, 1, 1, 2]), np.array([1, 0, 2, 1])
    np.testing.assert_array_equal(ring_sum(pairs, np.array([1.0, 10.0, 100.0])), [10, 101, 10])


def test_largest_remainder() -> None:
    mix = np.array([110.0, 35.0, 12.0, 23.0])
    assert largest_remainder(mix, 180).tolist() == [110, 35, 12, 23]
    # 55, 17.5, 6, 11.5: of two halves the first is rounded up
    assert largest_remainder(mix, 90).tolist() == [55, 18, 6, 11]
    assert largest_remainder(mix, 40).tolist() == [24, 8, 3, 5]
