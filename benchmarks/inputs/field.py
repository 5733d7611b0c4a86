"""A field of hexagons around Warwick, events in it and points in it.

Belongs here: the study area of the spatial races. Does not belong here: the rows of a crime extract
(`crime_extract`).
"""

from __future__ import annotations

import h3.api.basic_int as h3
import numpy as np
from numpy.typing import NDArray

from hotspot_pipeline.geo.grid import make_grid

CENTRE_LON_LAT = (-1.583, 52.282)
N_CATEGORIES = 8
_N_TOWNS = 12


def disc(n_rings: int) -> NDArray[np.int64]:
    """Cells of resolution 9 at most `n_rings` from the middle, sorted: 3n(n+1)+1 of them."""
    lon, lat = CENTRE_LON_LAT
    return np.array(sorted(h3.grid_disk(h3.latlng_to_cell(lat, lon, 9), n_rings)), dtype=np.int64)


def counts(cells: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Events per cell as crime lies: two thirds of the cells empty, a few with over a hundred."""
    rng = np.random.default_rng(seed)
    return rng.poisson(rng.gamma(0.12, 12.0, len(cells))).astype(np.int64)


def points(
    cells: NDArray[np.int64], n: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Longitude, latitude and category of `n` distinct points: seven in ten in towns, the rest
    anywhere; a few of them outside the cells.
    """
    rng = np.random.default_rng(seed)
    lon, lat = make_grid().centroids(cells)
    town = rng.integers(len(cells), size=_N_TOWNS)
    near = rng.integers(_N_TOWNS, size=n)
    anywhere = rng.integers(len(cells), size=n)
    is_in_town = rng.random(n) < 0.7
    spread = np.where(is_in_town, 0.012, 0.004)
    at = np.where(is_in_town, town[near], anywhere)
    return (
        lon[at] + rng.normal(0.0, 1.6, n) * spread,
        lat[at] + rng.normal(0.0, 1.0, n) * spread,
        rng.choice(N_CATEGORIES, size=n, p=np.arange(N_CATEGORIES, 0, -1) / 36.0),
    )
