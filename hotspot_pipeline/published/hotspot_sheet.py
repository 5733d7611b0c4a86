"""The hotspot map as a sheet of paper: cells shaded by their count, hotspots outlined.

Here: what is shaded and outlined. Not here: what goes where (`map_layout`), classes (`map_classes`), the legend (`map_legend`), the page and
its footer (`page`).
"""

from __future__ import annotations

import math

import numpy as np
import polars as pl
from shapely.geometry.base import BaseGeometry

from hotspot_pipeline.geo.grid import Grid
from hotspot_pipeline.geo.outlines import polygons_bng
from hotspot_pipeline.published import map_classes
from hotspot_pipeline.published.layer import hotspot_shapes
from hotspot_pipeline.published.map_layout import draw_map
from hotspot_pipeline.published.map_legend import draw_legend
from hotspot_pipeline.published.map_panel import MapContent
from hotspot_pipeline.published.page import Page, nothing_counted


def draw_sheet(
    page: Page,
    cells: pl.DataFrame,
    hotspots: pl.DataFrame,
    grid: Grid,
    boundary: BaseGeometry | None,
) -> None:
    """Draw cells with events (`n_events` above 0, `area_m2`) and hotspots into the free box."""
    busy = cells.filter(pl.col("n_events") > 0).sort("n_events", "cell_id")
    n_events = busy.get_column("n_events").to_numpy()
    bounds = map_classes.lower_bounds(int(n_events.max())) if n_events.size else []
    content = _content(busy, hotspots, grid, boundary, bounds)
    if not n_events.size:
        nothing_counted(page)
    drawn = draw_map(page, content, n_events, hotspots.get_column("n_events").to_numpy())
    if drawn is None:
        return
    legend, off = drawn
    draw_legend(
        page.figure,
        legend,
        bounds,
        n_events,
        off,
        has_hotspots=len(content.hotspots) > 0,
        has_boundary=boundary is not None,
    )


def _content(
    busy: pl.DataFrame,
    hotspots: pl.DataFrame,
    grid: Grid,
    boundary: BaseGeometry | None,
    bounds: list[int],
) -> MapContent:
    palette = np.array(map_classes.shades(len(bounds))) if bounds else np.empty((0, 4))
    areas = busy.get_column("area_m2").to_numpy()
    mean_area = float(areas.mean()) if areas.size else 0.0
    return MapContent(
        cells=polygons_bng(grid, busy.get_column("cell").to_numpy()),
        colours=palette[map_classes.class_of(busy.get_column("n_events").to_numpy(), bounds)],
        hotspots=hotspot_shapes(hotspots),
        names=[str(rank) for rank in hotspots.get_column("hotspot_rank").to_list()],
        is_borderline=hotspots.get_column("is_borderline").to_numpy().astype(bool),
        boundary=boundary,
        # flat to flat of a regular hexagon; 0 without cells
        cell_width_m=math.sqrt(2 * mean_area / math.sqrt(3)),
    )
