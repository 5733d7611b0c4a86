"""Indexing on the face's plane gives h3's own cells: everywhere, at edges, and nothing where it cannot."""

from __future__ import annotations

import h3.api.basic_int as h3
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotspot_pipeline.geo.grid import GridSpec, make_grid
from hotspot_pipeline.geo.h3_plane import MIN_POINTS, index_points


def _by_h3(lon: np.ndarray, lat: np.ndarray, resolution: int) -> np.ndarray:
    return np.array(
        [h3.latlng_to_cell(y, x, resolution) for x, y in zip(lon, lat, strict=True)], dtype=np.int64
    )


def _cloud(
    seed: int, lon: float, lat: float, width: float, n: int = 6_000
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return lon + (rng.random(n) - 0.5) * width, lat + (rng.random(n) - 0.5) * width


@pytest.mark.parametrize(
    ("lon", "lat"),
    [
        (-1.5, 52.3),
        (-5.2, 50.1),
        (-1.2, 60.3),
        (1.3, 51.2),
        (-74.0, 40.7),
        (20.0, 0.2),
        (151.0, -33.8),
        (-6.0, 54.6),
    ],
)
@pytest.mark.parametrize("resolution", [8, 9, 10])
def test_the_plane_is_found_and_gives_h3_s_cells(lon: float, lat: float, resolution: int) -> None:
    x, y = _cloud(resolution, lon, lat, 0.8)
    found = index_points(x, y, resolution)
    assert found is not None
    assert np.array_equal(found, _by_h3(x, y, resolution))


@settings(max_examples=60)
@given(
    lon=st.floats(-179, 179),
    lat=st.floats(-85, 85),
    width=st.floats(0.01, 3.9),
    resolution=st.integers(5, 11),
    seed=st.integers(0, 10**6),
)
def test_anywhere_on_earth_it_is_h3_or_nothing(
    lon: float, lat: float, width: float, resolution: int, seed: int
) -> None:
    """Faces meet, cells are pentagons, the pole is near: then there is no plane, never another answer."""
    x, y = _cloud(seed, lon, np.clip(lat, -85, 85), width, MIN_POINTS)
    y = np.clip(y, -90, 90)
    x = np.clip(x, -180, 180)
    found = index_points(x, y, resolution)
    if found is not None:
        assert np.array_equal(found, _by_h3(x, y, resolution))


def test_points_on_the_edges_and_corners_of_cells_are_h3_s_own() -> None:
    x, y = _cloud(3, -1.5, 52.3, 0.1, 400)
    corners = [
        corner for cell in set(_by_h3(x, y, 9).tolist()) for corner in h3.cell_to_boundary(cell)
    ]
    lat, lon = np.array(corners).T
    middle_lat = (lat[:-1] + lat[1:]) / 2
    middle_lon = (lon[:-1] + lon[1:]) / 2
    rng = np.random.default_rng(4)
    nudge = rng.normal(scale=1e-9, size=(2, len(middle_lat)))
    every_lon = np.concatenate([lon, middle_lon, middle_lon + nudge[0]])
    every_lat = np.concatenate([lat, middle_lat, middle_lat + nudge[1]])
    assert len(every_lon) >= MIN_POINTS
    found = index_points(every_lon, every_lat, 9)
    assert found is not None
    assert np.array_equal(found, _by_h3(every_lon, every_lat, 9))


def test_one_point_repeated_and_few_points() -> None:
    lon, lat = np.full(MIN_POINTS, -1.5), np.full(MIN_POINTS, 52.3)
    found = index_points(lon, lat, 9)
    assert found is not None
    assert set(found.tolist()) == {h3.latlng_to_cell(52.3, -1.5, 9)}
    assert index_points(lon[:10], lat[:10], 9) is None


def test_a_country_is_not_one_plane() -> None:
    x, y = _cloud(5, -1.5, 53.0, 8.0, MIN_POINTS)
    assert index_points(x, y, 9) is None
    assert np.array_equal(make_grid(GridSpec(resolution=9)).index(x, y), _by_h3(x, y, 9))
