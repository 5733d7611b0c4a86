"""The fictional county: its outline, cells, and what lies on them.

Belongs here: geometry, in British National Grid metres, and how the parts of the ground are put together. Does not
belong here: settlements (`towns`), areas (`areas`), streets (`streets`), premises (`premises`), risk (`risk`).

The outline is a circle bent by a few sine waves and scaled to a round area: it lies in the English Midlands, so that
coordinates and cells are real ones, and follows no real border.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import shapely

from hotspot_pipeline.geo.grid import Grid, make_grid
from hotspot_pipeline.geo.transform import to_bng, to_wgs84, to_wgs84_geometry
from hotspot_pipeline.simulator.force.areas import Areas, make_areas
from hotspot_pipeline.simulator.force.fields import Flags, Floats, Ints, Pairs
from hotspot_pipeline.simulator.force.towns import (
    Town,
    Village,
    bent,
    place_towns,
    place_villages,
    settle,
)
from hotspot_pipeline.simulator.profiles import Profile
from hotspot_pipeline.simulator.streams import Streams

__all__ = ["FORCE_ID", "FORCE_NAME", "County", "Floats", "Ints", "Town", "Village", "make_county"]

if TYPE_CHECKING:
    from hotspot_pipeline.simulator.force.streets import Streets

FORCE_ID = "fosseshire"
FORCE_NAME = "Fosseshire"
CENTRE_M = (448_000.0, 268_000.0)
N_PLACES = 10  # addresses an event can happen at, per cell
_PLACE_REACH_M = 140.0  # within the hexagon: its inner radius is 165 m


@dataclass(frozen=True, eq=False)
class County:
    """The force area. Arrays with one entry a cell share the order of `cells` (sorted H3 res-9 ids).

    `built_up` is 0.003 (open country) to 1, `is_built_up` its mask; `population` residents; `town` the nearest town's
    position; `place_easting/northing` (n_cells, N_PLACES) and `place_cumulative` the addresses in a cell and the
    running share of its events at each; `pairs` neighbouring cells as positions, both ways.
    """

    outline_bng: shapely.Polygon
    towns: tuple[Town, ...]
    villages: tuple[Village, ...]
    grid: Grid
    cells: Ints
    easting: Floats
    northing: Floats
    built_up: Floats
    is_built_up: Flags
    population: Floats
    town: Ints
    pairs: Pairs
    n_lsoa: int
    place_easting: Floats
    place_northing: Floats
    place_cumulative: Floats
    streams: Streams

    @cached_property
    def streets(self) -> Streets:
        """The street network; made when first asked for."""
        # streets are laid on a county: they know it, not the other way round
        from hotspot_pipeline.simulator.force.streets import make_streets

        return make_streets(self.streams, self)

    @cached_property
    def areas(self) -> Areas:
        """Beats, LPAs and LSOA-like areas; made when first asked for, because counts do not need them."""
        return make_areas(
            self.pairs, self.easting, self.northing, self.population, self.towns, self.town,
            self.n_lsoa,
        )  # fmt: skip

    @property
    def lsoa(self) -> Ints:
        """By cell, the position of its LSOA-like area in `areas.lsoa_codes`."""
        return self.areas.lsoa

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


def make_county(streams: Streams, profile: Profile) -> County:
    """The ground of one force; the same seed and profile, the same county."""
    outline = _outline(streams("outline"), profile.area_km2)
    grid = make_grid()
    cells = grid.cover(_outline_wgs84(outline))
    easting, northing = to_bng(*grid.centroids(cells))
    pairs = grid.neighbours(cells)
    towns = place_towns(streams("towns"), outline, easting, northing, profile.n_towns)
    villages = place_villages(streams("villages"), towns, easting, northing, profile.n_villages)
    land = settle(streams("settlement"), towns, villages, easting, northing, pairs)
    away = [np.hypot(easting - t.easting, northing - t.northing) for t in towns]
    return County(
        outline, towns, villages, grid, cells, easting, northing,
        land.built_up, land.is_built_up, land.population, np.argmin(away, axis=0), pairs,
        profile.n_lsoa, *_places(streams("places"), easting, northing), streams,
    )  # fmt: skip


def _outline(rng: np.random.Generator, area_km2: float) -> shapely.Polygon:
    angle = np.linspace(0, 2 * np.pi, 180, endpoint=False)
    radius = bent(rng, angle)
    x, y = radius * np.cos(angle), radius * np.sin(angle)
    scale = np.sqrt(area_km2 * 1e6 / shapely.Polygon(np.column_stack([x, y])).area)
    return shapely.Polygon(np.column_stack([CENTRE_M[0] + scale * x, CENTRE_M[1] + scale * y]))


def _outline_wgs84(outline_bng: shapely.Polygon) -> shapely.Polygon:
    polygon = to_wgs84_geometry(outline_bng)
    assert isinstance(polygon, shapely.Polygon)
    return polygon


def _places(
    rng: np.random.Generator, easting: Floats, northing: Floats
) -> tuple[Floats, Floats, Floats]:
    shape = (len(easting), N_PLACES)
    radius = _PLACE_REACH_M * np.sqrt(rng.uniform(size=shape))
    angle = rng.uniform(0, 2 * np.pi, size=shape)
    weight = rng.gamma(0.6, size=shape) + 1e-6
    cumulative = np.cumsum(weight, axis=1) / weight.sum(axis=1, keepdims=True)
    return (
        np.round(easting[:, None] + radius * np.cos(angle)),
        np.round(northing[:, None] + radius * np.sin(angle)),
        cumulative,
    )
