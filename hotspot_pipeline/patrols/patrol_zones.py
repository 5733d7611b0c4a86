"""The zones of a police day: patrol areas as they were drawn then, with rings around them.

Here: which outlines hold on a day, rings without what belongs to other areas. Not here: the shapes that the pass needs (`zones`), where
the outlines come from (`day_inputs`).

Rings are 0-100 m and 100-300 m around an area (DOMAIN §5.4), without any part of another area: what lies in one belongs to it. Rings of
two areas may share ground; a patrol there is near both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl
import shapely

from hotspot_pipeline.patrols.zones import Zones, make_zones

RINGS_M = ((0, 100), (100, 300))
HOTSPOT, RING = "hotspot", "ring"
_NARROW_M = 1.0  # what is left between two areas may be narrower than anybody is


@dataclass(frozen=True, eq=False)
class DayZones:
    """`zones` of the compiled pass, and `table`: zone_id, zone_kind (hotspot, ring), hotspot_id, ring_m (0-100; null of an area), area_m2."""

    zones: Zones
    table: pl.DataFrame


def valid_on(places: pl.DataFrame, day: date) -> pl.DataFrame:
    """The outlines that hold on the day: of each hotspot_id those with valid_from <= day <= valid_to (empty: still)."""
    return places.filter(
        (pl.col("valid_from") <= day).fill_null(True), (pl.col("valid_to") >= day).fill_null(True)
    )


def day_zones(places: pl.DataFrame, rings_m: Sequence[tuple[int, int]] = RINGS_M) -> DayZones:
    """`places`: hotspot_id, polygon_wkt (EPSG:27700, metres), one row an outline or cell; rows of one hotspot_id are one area."""
    in_order = places.sort("hotspot_id", "polygon_wkt")
    outlines = shapely.from_wkt(in_order["polygon_wkt"].to_numpy()).tolist()
    names = in_order["hotspot_id"].to_list()
    areas = {
        name: shapely.union_all([o for n, o in zip(names, outlines, strict=True) if n == name])
        for name in dict.fromkeys(names)
    }
    rows: list[tuple[str, str, str, str | None, float]] = [
        (name, HOTSPOT, name, None, area.area) for name, area in areas.items()
    ]
    shapes = list(zip(names, [HOTSPOT] * len(names), outlines, strict=True))
    everything = shapely.union_all(list(areas.values())) if areas else shapely.Polygon()
    for name, area in areas.items():
        for near, far in rings_m:
            ring = area.buffer(far).difference(area.buffer(near)).difference(everything)
            parts = [p for p in shapely.get_parts(ring) if not p.buffer(-_NARROW_M / 2).is_empty]
            if parts:
                zone = f"{name}: {near}-{far} m around"
                rows.append((zone, RING, name, f"{near}-{far}", sum(p.area for p in parts)))
                shapes += [(zone, RING, part) for part in parts]
    table = pl.DataFrame(
        rows,
        schema={"zone_id": pl.String, "zone_kind": pl.String, "hotspot_id": pl.String, "ring_m": pl.String, "area_m2": pl.Float64},
        orient="row",
    )  # fmt: skip
    return DayZones(make_zones(*map(list, zip(*shapes, strict=True))) if shapes else make_zones([], [], []), table)  # fmt: skip
