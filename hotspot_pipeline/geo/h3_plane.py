"""Many points to H3 cells at once: on one face of H3's icosahedron the cells are a plain hexagonal lattice.

H3 projects each point onto the nearest of 20 faces (gnomonic, from the face's centre) and rounds it to a hexagon
there. So, away from the edges of a face, points are grouped by lattice position with a few array operations, and h3
itself is asked once a cell instead of once a point. Nothing of H3 is copied: the face is the one in whose plane the
centres of cells, as h3 gives them, lie on a lattice; where none fits, and for points close to a hexagon's edge, h3
answers point by point. The result is h3's own, always; only the time differs.

Here: the plane and the grouping. Not here: what callers see (`h3_grid`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import h3.api.basic_int as h3
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MIN_POINTS = 2_000  # below, asking h3 point by point is as fast
_MAX_DEGREES = 4.0  # wider areas are not one force, and may cross faces
_NEAR_EDGE = 1e-5  # of a cell's width; rounding differs from h3's by under 1e-8
_FITS = 1e-7
_MAX_TABLE = 40_000_000


@dataclass(frozen=True)
class _Plane:
    """A face's plane at one resolution: basis of the plane, a cell's centre and the two steps to its neighbours."""

    centre: Floats
    axes: Floats  # (2, 3)
    origin: Floats  # (2,)
    inverse: Floats  # (2, 2): plane to lattice

    def lattice(self, lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
        """Lattice coordinates of points, whole numbers at the centres of cells."""
        x, y = _project(_unit(lon, lat), self.centre, self.axes)
        x -= self.origin[0]
        y -= self.origin[1]
        return (
            self.inverse[0, 0] * x + self.inverse[0, 1] * y,
            self.inverse[1, 0] * x + self.inverse[1, 1] * y,
        )


def index_points(lon: Floats, lat: Floats, resolution: int) -> Ints | None:
    """The cell of each point (degrees, all usable); None where the points do not lie on one plane."""
    west, east, south, north = lon.min(), lon.max(), lat.min(), lat.max()
    if len(lon) < MIN_POINTS or max(east - west, north - south) > _MAX_DEGREES:
        return None
    plane = _plane_of(*np.round([west, south, east, north], 1).tolist(), resolution)
    if plane is None:
        return None
    a, b = plane.lattice(lon, lat)
    q, r, is_near_edge = _rounded(a, b)
    q -= q.min()
    r -= r.min()
    width = int(r.max()) + 1
    if (int(q.max()) + 1) * width > _MAX_TABLE:
        return None
    key = q * width + r
    table = np.full((int(q.max()) + 1) * width, -1, dtype=np.int64)
    inside = np.flatnonzero(~is_near_edge)
    table[key[inside]] = inside  # any point well inside a cell stands for all of them
    keys = np.flatnonzero(table >= 0)
    table[keys] = _one_by_one(lon, lat, table[keys], resolution)
    cells: Ints = table[key]
    edge = np.flatnonzero(is_near_edge)
    cells[edge] = _one_by_one(lon, lat, edge, resolution)
    return cells


def _one_by_one(lon: Floats, lat: Floats, places: Ints, resolution: int) -> Ints:
    n = len(places)
    found = map(h3.latlng_to_cell, lat[places].tolist(), lon[places].tolist(), [resolution] * n)
    return np.fromiter(found, dtype=np.int64, count=n)


def _rounded(a: Floats, b: Floats) -> tuple[Ints, Ints, NDArray[np.bool_]]:
    """The nearest hexagon (axial coordinates, third axis -a-b), and whether the point is near its edge."""
    c = -a - b
    q, r, s = np.rint(a), np.rint(b), np.rint(c)
    dq, dr, ds = np.abs(q - a), np.abs(r - b), np.abs(s - c)
    worst_q = (dq > dr) & (dq > ds)
    worst_r = ~worst_q & (dr > ds)
    q = np.where(worst_q, -r - s, q)
    r = np.where(worst_r, -q - s, r)
    da, db = a - q, b - r
    # the edge towards each neighbour lies half a step away
    reach = np.maximum(np.abs(da + db / 2), np.maximum(np.abs(da / 2 + db), np.abs(da - db) / 2))
    return q.astype(np.int64), r.astype(np.int64), reach > 0.5 - _NEAR_EDGE


def _unit(lon: Floats, lat: Floats) -> Floats:
    phi, theta = np.radians(lat), np.radians(lon)
    cos_phi = np.cos(phi)
    return np.stack([cos_phi * np.cos(theta), cos_phi * np.sin(theta), np.sin(phi)])


def _project(points: Floats, centre: Floats, axes: Floats) -> tuple[Floats, Floats]:
    depth = centre @ points
    return (axes[0] @ points) / depth, (axes[1] @ points) / depth


@lru_cache(maxsize=64)
def _plane_of(
    west: float, south: float, east: float, north: float, resolution: int
) -> _Plane | None:
    """The plane in which the cells of the area lie on a lattice.

    Bounds come rounded to a tenth of a degree, so the looked-at area is a tenth wider on every side; it
    includes the corners, where another face would reach in first.
    """
    lon = np.linspace(west - 0.1, east + 0.1, 7)
    lat = np.linspace(max(south - 0.1, -89.0), min(north + 0.1, 89.0), 7)
    grid = [(y, x) for x in lon for y in lat]
    cells = [h3.latlng_to_cell(y, x, resolution) for y, x in grid]
    middle = cells[len(cells) // 2]
    ring = h3.grid_ring(middle, 1)
    if len(ring) != 6:
        return None
    wanted = np.array([h3.cell_to_latlng(c) for c in (middle, *ring, *cells)])
    points = _unit(wanted[:, 1], wanted[:, 0])
    for base in h3.get_res0_cells():
        y, x = h3.cell_to_latlng(base)
        centre = _unit(np.array([x]), np.array([y]))[:, 0]
        if (centre @ points).min() < 0.75:  # a face reaches 37 degrees from its centre
            continue
        plane = _fitted(centre, points)
        if plane is not None:
            return plane
    return None


def _fitted(centre: Floats, points: Floats) -> _Plane | None:
    """The plane around a centre, if all points (a cell, its ring, cells of the area) are lattice points in it."""
    east = np.cross([0.0, 0.0, 1.0], centre)
    if np.linalg.norm(east) < 1e-9:
        east = np.array([1.0, 0.0, 0.0])
    east = east / np.linalg.norm(east)
    axes = np.stack([east, np.cross(centre, east)])
    x, y = _project(points, centre, axes)
    origin = np.array([x[0], y[0]])
    steps = np.stack([x[1:7] - x[0], y[1:7] - y[0]], axis=1)
    turn = np.argsort(np.arctan2(steps[:, 1], steps[:, 0]))
    # opposite neighbours halve the rounding of each step
    first = (steps[turn[0]] - steps[turn[3]]) / 2
    second = (steps[turn[1]] - steps[turn[4]]) / 2
    basis = np.stack([first, second], axis=1)
    if abs(np.linalg.det(basis)) < 1e-30:
        return None
    plane = _Plane(centre, axes, origin, np.linalg.inv(basis))
    lattice = plane.inverse @ np.stack([x - origin[0], y - origin[1]])
    nearest = np.rint(lattice)
    if np.abs(lattice - nearest).max() > _FITS * 100:
        return None
    # the step from one ring is known to about 1e-9; over the whole area the lattice gives it far better
    refined, *_ = np.linalg.lstsq(nearest.T, np.stack([x - origin[0], y - origin[1]]).T, rcond=None)
    plane = _Plane(centre, axes, origin, np.linalg.inv(refined.T))
    lattice = plane.inverse @ np.stack([x - origin[0], y - origin[1]])
    return plane if np.abs(lattice - np.rint(lattice)).max() < _FITS else None
