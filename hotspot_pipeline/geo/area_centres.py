"""Which cell holds the middle of an area: how areas drawn by hand find the hotspot they belong to.

Here: the cell of each area's centre. Not here: outlines of cells (`outlines`), hotspots (`hexes`).
"""

from __future__ import annotations

import polars as pl
import shapely

from hotspot_pipeline.geo.grid import Grid
from hotspot_pipeline.geo.transform import to_wgs84


def centre_cells(outlines: pl.DataFrame, grid: Grid) -> pl.DataFrame:
    """hotspot_id, cell: one row an area, sorted.

    `outlines`: hotspot_id, polygon_wkt (EPSG:27700); all rows of one hotspot_id are one area.
    """
    areas = outlines.group_by("hotspot_id").agg("polygon_wkt").sort("hotspot_id")
    centres = [
        shapely.union_all(shapely.from_wkt(wkt.to_list())).centroid for wkt in areas["polygon_wkt"]
    ]
    if not centres:
        return pl.DataFrame(schema={"hotspot_id": pl.String, "cell": pl.Int64})
    lon, lat = to_wgs84([c.x for c in centres], [c.y for c in centres])
    return areas.select("hotspot_id", cell=pl.Series(grid.index(lon, lat), dtype=pl.Int64))
