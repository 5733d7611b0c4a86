"""A map layer before it is a file: which rows it has, and the shape of each.

Here: choosing rows and making shapes. Not here: the formats (`layer_formats`), which files there are
(`layers`), which cells are hotspots (`hexes`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from hotspot_pipeline.geo.grid import Grid
from hotspot_pipeline.geo.outlines import polygons_bng
from hotspot_pipeline.geo.transform import to_wgs84_geometry
from hotspot_pipeline.published.plain_values import finite, require_columns

Shapes = NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class Layer:
    """Rows with one shape each, in both coordinate systems; exterior rings run counter-clockwise."""

    name: str
    description: str
    id_column: str
    geometry_type: Literal["Polygon", "MultiPolygon"]
    rows: pl.DataFrame
    shapes_bng: Shapes
    shapes_wgs84: Shapes


def cell_layer(cells: pl.DataFrame, grid: Grid, *, all_cells: bool = False) -> Layer:
    """The cells to be written, busiest first."""
    require_columns(
        cells, ("cell", "cell_id", "n_events", "is_selected", "rank_by_count"), "cell_scores"
    )
    wanted = (pl.col("n_events") > 0) | pl.col("is_selected")
    rows = finite(cells if all_cells else cells.filter(wanted), "cell_scores")
    rows = rows.sort("rank_by_count", "cell_id")
    ids = rows.get_column("cell").to_numpy()
    which = "every study cell" if all_cells else "cells with an event in the window"
    return Layer(
        name="cells",
        description=f"Counted events and scores: {which}",
        id_column="cell_id",
        geometry_type="Polygon",
        rows=rows,
        shapes_bng=shapely.orient_polygons(polygons_bng(grid, ids)),
        shapes_wgs84=_in_degrees(grid.polygons(ids)),
    )


def hotspot_layer(hotspots: pl.DataFrame) -> Layer:
    """The hotspots, best rank first. A signed one may have parts, so all are multipolygons."""
    require_columns(hotspots, ("hotspot_id", "hotspot_rank", "polygon_wkt"), "hotspots")
    rows = finite(hotspots, "hotspots").sort("hotspot_rank", "hotspot_id")
    shapes_bng = shapely.orient_polygons(hotspot_shapes(rows))
    shapes_wgs84 = np.empty(shapes_bng.size, dtype=np.object_)
    shapes_wgs84[:] = [to_wgs84_geometry(shape) for shape in shapes_bng]
    return Layer(
        name="hotspots",
        description="Hotspots, proposed and signed off",
        id_column="hotspot_id",
        geometry_type="MultiPolygon",
        rows=rows.drop("polygon_wkt"),
        shapes_bng=shapes_bng,
        shapes_wgs84=_in_degrees(shapes_wgs84),
    )


def hotspot_shapes(hotspots: pl.DataFrame) -> Shapes:
    """The outline of each hotspot as a multipolygon in EPSG:27700 (ValueError where it is none)."""
    outlines = hotspots.select("hotspot_id", "polygon_wkt").rows()
    shapes = np.empty(len(outlines), dtype=np.object_)
    for at, (hotspot_id, text) in enumerate(outlines):
        shape = shapely.from_wkt(text, on_invalid="ignore")
        if shape is None or shape.is_empty or shape.geom_type not in ("Polygon", "MultiPolygon"):
            raise ValueError(
                f"hotspots: polygon_wkt of {hotspot_id} is no polygon ({str(text)[:60]!r}); an "
                "outline is POLYGON or MULTIPOLYGON text in EPSG:27700"
            )
        shapes[at] = shapely.multipolygons(shapely.get_parts(shape))
    return shapes


def _in_degrees(shapes: Shapes) -> Shapes:
    """Degrees to 7 decimals (1 cm): more only looks exact (RFC 7946, section 11.2)."""
    # Adding zero turns -0.0 into 0.0 for shapes on the meridian of Greenwich.
    rounded = shapely.transform(shapes, lambda degrees: np.round(degrees, 7) + 0.0)
    oriented: Shapes = shapely.orient_polygons(rounded)
    return oriented
