"""H3 cells, on whole arrays.

Belongs here: everything that knows how an H3 index is made. Callers use `grid.make_grid` and the
`Grid` protocol, which says what each method promises; this module says how.

The Python binding of h3 works one cell at a time, at about 0.5 µs for a point and 3 µs for a ring.
Where that is too slow, adjacency is read off the bits of the index (`h3_lattice`) and many points of
one area are grouped by cell before h3 is asked (`h3_plane`).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

import h3.api.basic_int as h3
import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.geometry.base import BaseGeometry

from hotspot_pipeline.geo.grid import NO_CELL, Cells, Containment, Floats, GridSpec
from hotspot_pipeline.geo.h3_lattice import is_valid, ring_pairs
from hotspot_pipeline.geo.h3_plane import index_points

# how many resolutions above its own a grid looks for what may lie in a polygon: 343 cells to one
_COARSER = 3


class H3Grid:
    """The `Grid` protocol for H3 at one resolution."""

    __slots__ = ("_spec",)

    def __init__(self, spec: GridSpec) -> None:
        self._spec = spec

    @property
    def spec(self) -> GridSpec:
        return self._spec

    def __repr__(self) -> str:
        return f"H3Grid({self._spec.grid_id})"

    def index(self, lon: ArrayLike, lat: ArrayLike) -> Cells:
        lon_array = np.atleast_1d(np.asarray(lon, dtype=np.float64))
        lat_array = np.atleast_1d(np.asarray(lat, dtype=np.float64))
        if lon_array.shape != lat_array.shape or lon_array.ndim != 1:
            raise ValueError(
                "longitude and latitude must be arrays of one length, not "
                f"{lon_array.shape} and {lat_array.shape}"
            )
        # h3 itself accepts latitude 95 and answers with a cell on the far side of the pole.
        with np.errstate(invalid="ignore"):
            usable = (np.abs(lon_array) <= 180.0) & (np.abs(lat_array) <= 90.0)
        if usable.all():
            return self._index_usable(lon_array, lat_array)
        cells = np.full(lon_array.shape, NO_CELL, dtype=np.int64)
        cells[usable] = self._index_usable(lon_array[usable], lat_array[usable])
        return cells

    def _index_usable(self, lon: Floats, lat: Floats) -> Cells:
        n = len(lon)
        cells = index_points(lon, lat, self._spec.resolution) if n else None
        if cells is not None:
            return cells
        resolutions = [self._spec.resolution] * n
        found = map(h3.latlng_to_cell, lat.tolist(), lon.tolist(), resolutions)
        return np.fromiter(found, dtype=np.int64, count=n)

    def areas_m2(self, cells: ArrayLike) -> Floats:
        checked = self._checked(cells).tolist()
        # H3 measures on a sphere: at 52 degrees north 0.3 % less than on the National Grid, the same
        # share in every cell, so ratios of densities are untouched.
        areas = (h3.cell_area(cell, "m^2") for cell in checked)
        return np.fromiter(areas, dtype=np.float64, count=len(checked))

    def centroids(self, cells: ArrayLike) -> tuple[Floats, Floats]:
        checked = self._checked(cells).tolist()
        lat_lon = np.array(list(map(h3.cell_to_latlng, checked)), dtype=np.float64).reshape(-1, 2)
        return lat_lon[:, 1].copy(), lat_lon[:, 0].copy()

    def polygons(self, cells: ArrayLike) -> NDArray[np.object_]:
        checked = self._checked(cells).tolist()
        if not checked:
            return np.empty(0, dtype=np.object_)
        outlines = list(map(h3.cell_to_boundary, checked))
        # A hexagon has six corners; more where it crosses an edge of H3's icosahedron.
        n_corners = np.fromiter(map(len, outlines), dtype=np.int64, count=len(outlines))
        lat_lon = np.array([corner for outline in outlines for corner in outline])
        rings = shapely.linearrings(
            lat_lon[:, ::-1], indices=np.repeat(np.arange(len(outlines)), n_corners)
        )
        polygons: NDArray[np.object_] = shapely.polygons(rings)
        return polygons

    def neighbours(self, cells: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        checked = self._checked(cells)
        n = len(checked)
        order = np.argsort(checked, kind="stable")
        in_order = checked[order]
        if n > 1 and (in_order[1:] == in_order[:-1]).any():
            repeated = int(in_order[1:][in_order[1:] == in_order[:-1]][0])
            raise ValueError(f"cell {repeated:x} is given twice; adjacency needs distinct cells")
        # Work on sorted cells (the index keeps near cells together), then name the caller's places.
        left, right = ring_pairs(in_order, self._spec.resolution)
        i, j = order[left], order[right]
        by_pair = np.argsort(i * np.int64(n) + j, kind="stable")
        return i[by_pair], j[by_pair]

    def cover(self, polygon: BaseGeometry, containment: Containment = "centre") -> Cells:
        if polygon.is_empty:
            return np.empty(0, dtype=np.int64)
        if polygon.geom_type not in ("Polygon", "MultiPolygon"):
            raise ValueError(f"cover needs a polygon or multipolygon, not a {polygon.geom_type}")
        west, south, east, north = polygon.bounds
        if west < -180 or east > 180 or south < -90 or north > 90:
            raise ValueError(
                f"cover needs longitude and latitude (EPSG:4326); these bounds are {polygon.bounds}: "
                "convert with geo.transform.to_wgs84_geometry first"
            )
        shape = h3.geo_to_h3shape(polygon)
        found: Iterable[int]
        if containment == "centre":
            if east - west < 180.0:
                return self._centres_in(polygon, shape)
            # wider than that, to h3 it crosses the antimeridian
            found = h3.h3shape_to_cells(shape, self._spec.resolution)
        elif containment == "overlap":
            found = h3.h3shape_to_cells_experimental(shape, self._spec.resolution, "overlap")
        else:
            raise ValueError(f"containment must be 'centre' or 'overlap', not {containment!r}")
        return np.unique(np.fromiter(found, dtype=np.int64))

    def _centres_in(self, polygon: BaseGeometry, shape: h3.H3Shape) -> Cells:
        """What `h3shape_to_cells` gives, in time that hardly grows with the corners of the outline: h3 asks all of them for each cell."""
        coarse = max(self._spec.resolution - _COARSER, 0)
        near = h3.h3shape_to_cells_experimental(shape, coarse, "bbox_overlap")
        # a cell reaches past its ancestor's edge, never past its ancestor's neighbours
        around = set(chain.from_iterable(h3.grid_disk(cell, 1) for cell in near))
        below = (h3.cell_to_children(cell, self._spec.resolution) for cell in around)
        cells = np.fromiter(chain.from_iterable(below), dtype=np.int64)
        cells.sort()
        inside: NDArray[np.bool_] = shapely.contains_xy(polygon, *self.centroids(cells))
        return cells[inside]

    def to_text(self, cells: ArrayLike) -> NDArray[np.object_]:
        values = np.atleast_1d(np.asarray(cells, dtype=np.int64)).tolist()
        texts = np.empty(len(values), dtype=np.object_)
        texts[:] = [f"{value:x}" if value != NO_CELL else None for value in values]
        return texts

    def from_text(self, texts: ArrayLike) -> Cells:
        values = np.atleast_1d(np.asarray(texts, dtype=np.object_)).tolist()
        cells = np.full(len(values), NO_CELL, dtype=np.int64)
        for place, text in enumerate(values):
            if text is None or text == "":
                continue
            try:
                cells[place] = int(text, 16)
            except (TypeError, ValueError, OverflowError):
                raise ValueError(
                    f"item {place + 1}: {text!r} is not an H3 cell id; expected hexadecimal text "
                    "such as '89195da49b7ffff'"
                ) from None
        self._checked(cells[cells != NO_CELL])
        return cells

    def _checked(self, cells: ArrayLike) -> Cells:
        """The cells as int64, refused unless each is a valid H3 cell of this resolution."""
        array = np.atleast_1d(np.asarray(cells))
        if array.ndim != 1:
            raise ValueError(f"cells must be a one-dimensional array, not shape {array.shape}")
        if array.size == 0:
            return np.empty(0, dtype=np.int64)
        if array.dtype.kind not in "iu":
            raise ValueError(f"cells must be whole numbers (int64), not {array.dtype}")
        checked = array.astype(np.int64, copy=False)
        wrong = ~is_valid(checked, self._spec.resolution)
        if wrong.any():
            place = int(np.flatnonzero(wrong)[0])
            raise ValueError(
                f"item {place + 1} of {checked.size}: {int(checked[place])} is not an H3 cell of "
                f"resolution {self._spec.resolution} ({int(wrong.sum())} such)"
            )
        return checked
