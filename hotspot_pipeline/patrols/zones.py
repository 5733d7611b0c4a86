"""The areas in which time is measured: hotspots, rings and controls, as convex parts and as outlines.

Here: from polygons in metres to the arrays that the compiled pass reads. Not here: which areas there are (`hexes` and the
force's own feed say), finding them quickly (`zone_raster`).

A zone is whatever carries one id: one cell, or a merged hotspot of several. Merged hotspots are not convex, so the way through a
zone is clipped part by part and summed. Distance is to the outline of the whole: an edge that two cells of a zone share is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

KINDS = ("hotspot", "ring", "control")
_MILLIMETRE = 0.001
_NOT_CONVEX = 1e-9  # of the area, between a polygon and its hull


class ZoneShapes(NamedTuple):
    """Plain arrays. Part p of zone `part_zone[p]` has the corners `part_first[p]` to `part_first[p + 1]`, anticlockwise. Edge k, from
    (`edge_x0`, `edge_y0`) to (`edge_x1`, `edge_y1`), is on the outline of `edge_zone[k]`. Parts and edges are in order of zones.
    Metres, EPSG:27700.
    """

    part_zone: Ints
    part_first: Ints
    corner_x: Floats
    corner_y: Floats
    edge_zone: Ints
    edge_x0: Floats
    edge_y0: Floats
    edge_x1: Floats
    edge_y1: Floats


@dataclass(frozen=True, eq=False)
class Zones:
    """`zone_id` and `kind` by zone, in order of the ids; where they are."""

    zone_id: tuple[str, ...]
    kind: tuple[str, ...]
    shapes: ZoneShapes

    def __len__(self) -> int:
        return len(self.zone_id)

    def named(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with `zone_id` and `zone_kind` in place of its numbers in `zone`."""
        number = frame.get_column("zone")
        return frame.with_columns(
            pl.Series("zone_id", self.zone_id, dtype=pl.String).gather(number).alias("zone_id"),
            pl.Series("zone_kind", self.kind, dtype=pl.String).gather(number).alias("zone_kind"),
        ).drop("zone")


def make_zones(
    zone_id: Sequence[str], kind: Sequence[str], polygons: Sequence[shapely.Geometry]
) -> Zones:
    """Zones of rows: one polygon each (usually a cell), rows of one `zone_id` together are one zone, whatever their order.

    Polygons of a zone must not overlap; cells never do. Raises ValueError for a row that is no valid polygon, for an unknown
    kind, and for a zone of two kinds.
    """
    if not len(zone_id) == len(kind) == len(polygons):
        raise ValueError(
            f"zones: {len(zone_id)} ids, {len(kind)} kinds and {len(polygons)} polygons; one of each a row"
        )
    names = sorted(set(zone_id))
    number = {name: z for z, name in enumerate(names)}
    kinds: list[str] = [""] * len(names)
    shapes: list[list[shapely.Geometry]] = [[] for _ in names]
    for name, of_kind, polygon in zip(zone_id, kind, polygons, strict=True):
        z = number[name]
        _refuse_odd(name, of_kind, kinds[z], polygon)
        kinds[z] = of_kind
        shapes[z].extend(shapely.get_parts(polygon))
    rings: list[Floats] = []
    part_zone: list[int] = []
    edges: list[Floats] = []
    for z, mine in enumerate(shapes):
        for part in (p for shape in mine for p in _convex_parts(shape)):
            rings.append(shapely.get_coordinates(shapely.orient_polygons(part).exterior)[:-1])
            part_zone.append(z)
        edges.append(_outline(mine))
    corners = np.concatenate(rings) if rings else np.zeros((0, 2))
    sides = np.concatenate(edges) if edges else np.zeros((0, 4))
    x0, y0, x1, y1 = (np.ascontiguousarray(side) for side in sides.T)
    drawn = ZoneShapes(
        np.array(part_zone, np.int32),
        np.cumsum([0, *map(len, rings)], dtype=np.int32),
        np.ascontiguousarray(corners[:, 0]),
        np.ascontiguousarray(corners[:, 1]),
        np.repeat(np.arange(len(names)), [len(e) for e in edges]).astype(np.int32),
        x0,
        y0,
        x1,
        y1,
    )
    return Zones(tuple(names), tuple(kinds), drawn)


def _refuse_odd(name: str, kind: str, kind_so_far: str, polygon: shapely.Geometry) -> None:
    if kind not in KINDS:
        raise ValueError(f"zone {name}: kind {kind!r} is none of {', '.join(KINDS)}")
    if kind_so_far not in ("", kind):
        raise ValueError(
            f"zone {name}: both {kind_so_far} and {kind}; give each kind an id of its own"
        )
    if polygon.geom_type not in ("Polygon", "MultiPolygon") or polygon.is_empty:
        raise ValueError(f"zone {name}: a polygon is needed, not {polygon.wkt[:60]}")
    if not polygon.is_valid:
        raise ValueError(
            f"zone {name}: the polygon is not valid ({shapely.is_valid_reason(polygon)}); mend the outline"
        )


def _convex_parts(polygon: shapely.Geometry) -> list[shapely.Geometry]:
    """The polygon itself where it is convex, as every cell is; else its triangles."""
    hull = shapely.convex_hull(polygon)
    if hull.area - polygon.area <= _NOT_CONVEX * polygon.area:
        return [hull]
    return list(shapely.get_parts(shapely.constrained_delaunay_triangles(polygon)))


def _outline(shapes: list[shapely.Geometry]) -> Floats:
    """(n, 4) edges around the whole. Corners of neighbouring cells agree to a tenth of a millimetre, so they are joined on a
    grid of one."""
    whole = shapes[0] if len(shapes) == 1 else shapely.union_all(shapes, grid_size=_MILLIMETRE)
    rings = [shapely.get_coordinates(r) for r in shapely.get_rings(shapely.get_parts(whole))]
    return np.concatenate([np.column_stack([ring[:-1], ring[1:]]) for ring in rings])
