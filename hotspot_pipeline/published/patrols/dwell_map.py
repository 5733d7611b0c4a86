"""The dwell map: where the time of all devices on duty goes, hotspots outlined.

Here: which cells are shown, in which shade, and what is said of those that are not. Not here: the minutes (`patrols.cell_minutes`), where
things stand on the sheet (`map_layout`).

A cell with fewer than three devices on a police day is not shown for that day (DOMAIN §4.8): its minutes are counted in the sentence
below the title and are in no shade.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import shapely
from shapely.geometry.base import BaseGeometry

from hotspot_pipeline.geo.grid import Grid, GridSpec, make_grid
from hotspot_pipeline.geo.outlines import polygons_bng
from hotspot_pipeline.published import map_classes
from hotspot_pipeline.published import page as paper
from hotspot_pipeline.published.files import PublishedFile
from hotspot_pipeline.published.layer import hotspot_shapes
from hotspot_pipeline.published.map_layout import draw_map
from hotspot_pipeline.published.map_legend import LegendWords, draw_legend
from hotspot_pipeline.published.map_panel import MapContent
from hotspot_pipeline.published.patrols.rows import LEAST_DEVICES
from hotspot_pipeline.published.patrols.words import MINUTE_MS

RESOLUTION = 9
"""Of `patrols.cell_minutes`, whatever the force's hotspots are made of."""

_SHADES = "Minutes of devices per cell (classes of equal ratio; cells under a minute are not drawn)"
#: A longer name does not fit into a cell.
_LONGEST_LABEL = 5


def dwell_map(
    path: Path,
    *,
    cells: pl.DataFrame,
    areas: pl.DataFrame,
    boundary: BaseGeometry | None,
    period: str,
    title: str,
    footer: Mapping[str, str],
) -> PublishedFile:
    """Draw `cells` (cell, device_ms that may be shown, hidden_ms) and `areas` (hotspot_id, hotspot_rank, polygon_wkt) to `path`; `period`
    in words."""
    grid = make_grid(GridSpec(resolution=RESOLUTION))
    draw = partial(_draw, cells=cells, areas=areas, boundary=boundary, grid=grid)
    heading = f"{title}: where time on duty goes"
    return paper.publish_page(path, heading, map_lead(cells, period), footer, draw)


def map_lead(cells: pl.DataFrame, period: str) -> str:
    shown, hidden = (int(cells.get_column(n).sum()) for n in ("device_ms", "hidden_ms"))
    said = f"{period}: {shown / MINUTE_MS / 60:,.0f} hours of devices on duty, police premises left out"
    if not hidden:
        return f"{said}."
    n_without = cells.filter((pl.col("device_ms") == 0) & (pl.col("hidden_ms") > 0)).height
    said += (
        f"; besides, {hidden / MINUTE_MS / 60:,.0f} hours ({100 * hidden / (shown + hidden):.0f} %) on days on which a cell had fewer "
        f"than {LEAST_DEVICES} devices: they are in no shade, to protect officers"
    )
    return (
        f"{said}, and {paper.counted(n_without, 'cell')} had no other." if n_without else f"{said}."
    )


def _draw(
    page: paper.Page,
    cells: pl.DataFrame,
    areas: pl.DataFrame,
    boundary: BaseGeometry | None,
    grid: Grid,
) -> None:
    minute = pl.col("device_ms") // MINUTE_MS
    shown = cells.with_columns(n=minute).filter(pl.col("n") > 0).sort("n", "cell")
    n = shown.get_column("n").to_numpy()
    ids = shown.get_column("cell").to_numpy()
    bounds = map_classes.lower_bounds(int(n.max())) if n.size else []
    outlines, named = labelled(areas)
    content = MapContent(
        cells=polygons_bng(grid, ids) if ids.size else np.empty(0, dtype=np.object_),
        colours=(
            np.array(map_classes.shades(len(bounds)))[map_classes.class_of(n, bounds)]
            if bounds
            else np.empty((0, 4))
        ),
        hotspots=hotspot_shapes(outlines),
        names=outlines.get_column("label").to_list(),
        is_borderline=np.zeros(outlines.height, dtype=np.bool_),
        boundary=boundary,
        cell_width_m=math.sqrt(2 * float(grid.areas_m2(ids).mean()) / math.sqrt(3))
        if ids.size
        else 0.0,
    )
    drawn = draw_map(page, content, n, np.ones(outlines.height, dtype=np.int64))
    if drawn is None:
        return
    legend, off = drawn
    draw_legend(
        page.figure,
        legend,
        bounds,
        n,
        off,
        has_hotspots=outlines.height > 0,
        has_boundary=boundary is not None,
        words=LegendWords(_SHADES, "minute", (named,)),
    )


def labelled(areas: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    """hotspot_id, label, polygon_wkt, one outline an area of all its parts; and what the labels are, in words.

    Ranks where hotspots stand for areas; else the areas' names, or their numbers where names are long.
    """
    parts = areas.group_by("hotspot_id").agg("polygon_wkt", pl.col("hotspot_rank").min())
    parts = parts.sort("hotspot_rank", "hotspot_id")
    joined = [
        shapely.to_wkt(shapely.union_all(shapely.from_wkt(wkt.to_list())), rounding_precision=3)
        for wkt in parts.get_column("polygon_wkt")
    ]
    label, words = pl.col("hotspot_id"), "patrol area"
    if parts.height and parts.get_column("hotspot_rank").is_not_null().all():
        label, words = pl.col("hotspot_rank").cast(pl.String), "hotspot, with its rank"
    elif (parts.get_column("hotspot_id").str.len_chars() > _LONGEST_LABEL).any():
        label = (pl.int_range(pl.len()) + 1).cast(pl.String)
        words = "patrol area, numbered in the order of their ids"
    outlines = parts.select("hotspot_id", label.alias("label"), polygon_wkt=pl.Series(joined, dtype=pl.String))  # fmt: skip
    return outlines, words
