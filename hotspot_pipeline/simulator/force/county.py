"""The fictional county: its outline, towns, cells and how risk is spread over them.

Belongs here: geometry and risk, in British National Grid metres. Does not belong here: the premises
in it (`premises`), the moment and kind of an event (`clock`, `crime_kinds`).

The outline is a circle bent by a few sine waves and scaled to a round area: it lies in the English
Midlands, so that coordinates and cells are real ones, and follows no real border. Risk follows
DOMAIN §8.2: a gamma field, so that few cells hold most events, smoothed over neighbours (range
about 400 m), because without that no hotspot has a neighbourhood, and raised where people go out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from hotspot_pipeline.geo.grid import Grid, make_grid
from hotspot_pipeline.geo.transform import to_bng, to_wgs84, to_wgs84_geometry

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FORCE_ID = "fosseshire"
FORCE_NAME = "Fosseshire"
CENTRE_M = (448_000.0, 268_000.0)
AREA_KM2 = 500.0
N_PLACES = 10  # addresses an event can happen at, per cell
N_LSOA = 90
N_VILLAGES = 24


@dataclass(frozen=True, slots=True)
class Town:
    """A town: centre and built-up radius in metres; `activity` compares it with the others."""

    name: str
    beat_letter: str
    easting: float
    northing: float
    radius_m: float
    activity: float


@dataclass(frozen=True, eq=False)
class County:
    """The force area. Arrays with one entry a cell share the order of `cells` (sorted H3 res-9
    ids).

    `built_up` is 0 (open country) to 1; `risk` the shared gamma field; `town` the nearest town's
    position; `place_easting/northing` (n_cells, N_PLACES) and `place_cumulative` the addresses in a
    cell and the running share of its events at each.
    """

    outline_bng: shapely.Polygon
    towns: tuple[Town, ...]
    grid: Grid
    cells: Ints
    easting: Floats
    northing: Floats
    built_up: Floats
    risk: Floats
    town: Ints
    lsoa: Ints
    place_easting: Floats
    place_northing: Floats
    place_cumulative: Floats

    @property
    def outline_wgs84(self) -> shapely.Polygon:
        return _outline_wgs84(self.outline_bng)

    def cell_positions(self, easting: Floats, northing: Floats) -> Ints:
        """Position in `cells` of each point; raises ValueError where a point is in none of them."""
        found = self.grid.index(*to_wgs84(easting, northing))
        position = np.minimum(np.searchsorted(self.cells, found), len(self.cells) - 1)
        if not (self.cells[position] == found).all():
            raise ValueError("a point of the simulated county lies outside its cells")
        return position


def make_county(rng: np.random.Generator) -> County:
    """A county of 500 km² with three towns and villages; the same generator state, the same one."""
    outline = _outline(rng)
    towns = _towns(rng)
    grid = make_grid()
    cells = grid.cover(_outline_wgs84(outline))
    easting, northing = _cell_centres(grid, cells)
    town_e, town_n = np.array([[t.easting, t.northing] for t in towns]).T
    distance = np.hypot(easting[:, None] - town_e, northing[:, None] - town_n)
    built_up = _built_up(rng, towns, distance, easting, northing)
    risk = smooth(grid, cells, rng.gamma(0.70, size=len(cells))) * built_up
    lsoa_seed = rng.choice(len(cells), N_LSOA, replace=False, p=built_up / built_up.sum())
    to_seed = np.hypot(
        easting[:, None] - easting[lsoa_seed], northing[:, None] - northing[lsoa_seed]
    )
    places = _places(rng, easting, northing)
    return County(
        outline, towns, grid, cells, easting, northing, built_up, risk / risk.sum(),
        distance.argmin(axis=1), to_seed.argmin(axis=1), *places,
    )  # fmt: skip


def smooth(grid: Grid, cells: Ints, values: Floats) -> Floats:
    """Values spread over neighbours: a ring then holds about as much as its core (DOMAIN §8.2)."""
    i, j = grid.neighbours(cells)
    once = values + 0.10 * np.bincount(i, values[j], minlength=len(values))
    return np.asarray(once + 0.03 * np.bincount(i, once[j], minlength=len(values)))


def _outline(rng: np.random.Generator) -> shapely.Polygon:
    angle = np.linspace(0, 2 * np.pi, 180, endpoint=False)
    radius = _bent(rng, angle)
    x, y = radius * np.cos(angle), radius * np.sin(angle)
    unit = shapely.Polygon(np.column_stack([x, y]))
    scale = np.sqrt(AREA_KM2 * 1e6 / unit.area)
    return shapely.Polygon(np.column_stack([CENTRE_M[0] + scale * x, CENTRE_M[1] + scale * y]))


def _bent(rng: np.random.Generator, angle: Floats) -> Floats:
    """A radius around 1 by direction (radians): a circle bent by a few sine waves."""
    radius = np.ones_like(angle)
    for waves, depth in ((2, 0.13), (3, 0.09), (4, 0.06), (5, 0.04), (7, 0.02)):
        radius += depth * np.sin(waves * angle + rng.uniform(0, 2 * np.pi))
    return radius


def _outline_wgs84(outline_bng: shapely.Polygon) -> shapely.Polygon:
    polygon = to_wgs84_geometry(outline_bng)
    assert isinstance(polygon, shapely.Polygon)
    return polygon


def _towns(rng: np.random.Generator) -> tuple[Town, ...]:
    plan = (
        ("Northbridge", "N", -1800, 2200, 3300, 1.0),
        ("Ashmere", "A", 5200, -2600, 2300, 0.50),
        ("Kingsholt", "K", -4300, -4200, 1900, 0.40),
    )
    shift = rng.integers(-400, 401, size=(len(plan), 2))
    return tuple(
        Town(
            name, letter, CENTRE_M[0] + x + float(dx), CENTRE_M[1] + y + float(dy), radius, activity
        )
        for (name, letter, x, y, radius, activity), (dx, dy) in zip(plan, shift, strict=True)
    )


def _cell_centres(grid: Grid, cells: Ints) -> tuple[Floats, Floats]:
    return to_bng(*grid.centroids(cells))


def _built_up(
    rng: np.random.Generator,
    towns: tuple[Town, ...],
    distance: Floats,
    easting: Floats,
    northing: Floats,
) -> Floats:
    """0.003 in open country, up to the town's activity inside it, denser towards the centre."""
    built = np.full(len(easting), 0.003)
    for k, town in enumerate(towns):
        away = distance[:, k] / _bent(
            rng, np.arctan2(northing - town.northing, easting - town.easting)
        )
        inside = 1 / (1 + np.exp((away - town.radius_m) / 160))
        built += inside * town.activity * (0.60 + 0.40 * np.exp(-away / (0.4 * town.radius_m)))
    for site in rng.choice(len(easting), N_VILLAGES, replace=False):
        away = np.hypot(easting - easting[site], northing - northing[site])
        built += 0.06 * np.exp(-((away / 350) ** 2))
    return built


def _places(
    rng: np.random.Generator, easting: Floats, northing: Floats
) -> tuple[Floats, Floats, Floats]:
    shape = (len(easting), N_PLACES)
    radius = 140 * np.sqrt(rng.uniform(size=shape))  # within the hexagon: its inner radius is 165 m
    angle = rng.uniform(0, 2 * np.pi, size=shape)
    weight = rng.gamma(0.6, size=shape) + 1e-6
    cumulative = np.cumsum(weight, axis=1) / weight.sum(axis=1, keepdims=True)
    return (
        np.round(easting[:, None] + radius * np.cos(angle)),
        np.round(northing[:, None] + radius * np.sin(angle)),
        cumulative,
    )
