"""What patrols need to know of the ground: stations, demand, dense cores, hexagons, and a quick way to degrees.

Belongs here: the one reading of county, premises and places that the patrol data uses. Does not belong here: movement
(`movement`, `tracks`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from hotspot_pipeline.geo.transform import to_bng, to_wgs84
from hotspot_pipeline.simulator.force.county import County, Floats, Ints
from hotspot_pipeline.simulator.force.premises import Premises

NODE_M = 250.0  # of the table of degrees and of the map of dense cores
MARGIN_M = 3000.0
CORE_SHARE = 0.3  # of a town's radius: streets there are narrow and fixes poor
CLEAR_OF_PLACES_M = 450.0  # a disc of 150 m around a cell this far off does not touch a place

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Hexagons:
    """Convex outlines, metres, anticlockwise: `corners` (n, k, 2), the last corner repeated where there are fewer than k."""

    corners: Floats

    @property
    def centre(self) -> Floats:
        return np.asarray(self.corners.mean(axis=1))

    @classmethod
    def of(cls, polygons: NDArray[np.object_]) -> Hexagons:
        """Raises ValueError where an outline is not convex: presence would not be exact."""
        rings = []
        for k, polygon in enumerate(polygons):
            if abs(shapely.convex_hull(polygon).area - polygon.area) > 1e-3 * polygon.area:
                raise ValueError(f"place {k}: its outline is not convex")
            rings.append(
                shapely.get_coordinates(shapely.geometry.polygon.orient(polygon).exterior)[:-1]
            )
        longest = max(map(len, rings))
        padded = [np.concatenate([r, np.repeat(r[-1:], longest - len(r), axis=0)]) for r in rings]
        return cls(np.stack(padded))


@dataclass(frozen=True, eq=False)
class Ground:
    """Metres (EPSG:27700). `places` in the order of the frame of places, `cells` the hexagons of the cells visited, by
    `cell_row` (position in County.cells -> row). `demand_*`: cells without a place near, with their share of demand.
    """

    station: Floats  # (n, 2)
    station_name: tuple[str, ...]
    demand_xy: Floats
    demand: Floats
    places: Hexagons
    place_xy: Floats
    is_treated: Bools
    cells: Hexagons
    cell_row: Ints
    origin: tuple[float, float]
    is_dense: Bools  # (rows, columns) of squares of NODE_M
    lon: Floats  # (rows + 1, columns + 1) at the corners of the squares
    lat: Floats

    def dense(self, x: Floats, y: Floats) -> Bools:
        row, column, _, _ = self._square(x, y)
        return np.asarray(self.is_dense[row, column])

    def degrees(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Longitude and latitude by bilinear interpolation between nodes 250 m apart: within 5 mm of OSTN15, and twenty
        times as fast as the transform of every point.
        """
        row, column, u, v = self._square(x, y)
        width = self.lon.shape[1]
        at = row * width + column
        found = []
        for table in (self.lon.ravel(), self.lat.ravel()):
            south = table[at] * (1 - u) + table[at + 1] * u
            north = table[at + width] * (1 - u) + table[at + width + 1] * u
            found.append(south * (1 - v) + north * v)
        return found[0], found[1]

    def _square(self, x: Floats, y: Floats) -> tuple[Ints, Ints, Floats, Floats]:
        u, v = (x - self.origin[0]) / NODE_M, (y - self.origin[1]) / NODE_M
        rows, columns = self.is_dense.shape
        row = np.clip(v.astype(np.int64), 0, rows - 1)
        column = np.clip(u.astype(np.int64), 0, columns - 1)
        return row, column, u - column, v - row


def read_ground(county: County, premises: Premises, places: pl.DataFrame, visited: Ints) -> Ground:
    """`visited`: positions in County.cells of every cell that a visit really was in.

    Raises ValueError where the force has no police station.
    """
    sites = premises.excluded_sites.filter(
        pl.col("kind").is_in(["police_station", "police_custody"])
    )
    station = sites.select(pl.col("easting", "northing").cast(pl.Float64)).to_numpy()
    if not len(station):
        raise ValueError(
            "no police station among the excluded sites: patrols have nowhere to begin"
        )
    hexagons = Hexagons.of(shapely.from_wkt(places["polygon_wkt"].to_numpy()))
    place_xy = hexagons.centre
    cells = np.unique(visited) if len(visited) else np.zeros(1, np.int64)
    cell_row = np.full(len(county.cells), -1)
    cell_row[cells] = np.arange(len(cells))
    centre = np.column_stack([county.easting, county.northing])
    nearest = np.min([np.hypot(*(centre - xy).T) for xy in place_xy], axis=0, initial=np.inf)
    demand = np.where(nearest > CLEAR_OF_PLACES_M, county.built_up, 0.0)
    keep = np.flatnonzero(demand > 0)
    corner = centre.min(axis=0) - MARGIN_M
    origin = (
        float(np.floor(corner[0] / NODE_M) * NODE_M),
        float(np.floor(corner[1] / NODE_M) * NODE_M),
    )
    columns, rows = np.ceil((centre.max(axis=0) + MARGIN_M - np.array(origin)) / NODE_M).astype(int)
    node_x, node_y = np.meshgrid(
        origin[0] + NODE_M * np.arange(columns + 1), origin[1] + NODE_M * np.arange(rows + 1)
    )
    lon, lat = to_wgs84(node_x.ravel(), node_y.ravel())
    middle_x, middle_y = node_x[:-1, :-1] + NODE_M / 2, node_y[:-1, :-1] + NODE_M / 2
    dense = np.zeros((rows, columns), bool)
    for town in county.towns:
        dense |= (
            np.hypot(middle_x - town.easting, middle_y - town.northing) < CORE_SHARE * town.radius_m
        )
    return Ground(
        station,
        tuple(str(name) for name in sites["name"]),
        centre[keep],
        demand[keep] / demand[keep].sum(),
        hexagons,
        place_xy,
        (places["arm"] == "treat").to_numpy(),
        Hexagons.of(_in_metres(county, cells)),
        cell_row,
        origin,
        dense,
        lon.reshape(node_x.shape),
        lat.reshape(node_x.shape),
    )


def _in_metres(county: County, cells: Ints) -> NDArray[np.object_]:
    polygons = np.asarray(county.grid.polygons(county.cells[cells]))

    def metres(degrees: Floats) -> Floats:
        return np.column_stack(to_bng(degrees[:, 0], degrees[:, 1]))

    return np.asarray(shapely.transform(polygons, metres))
