"""A map as a sheet of paper: the whole force, zooms of where its hotspots are, room for a legend.

Here: which extents are drawn where. Not here: what is mapped (`hotspot_sheet`, `patrols.dwell_map`), drawing one panel (`map_panel`), choosing
zooms (`zooms`), the page and its footer (`page`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray

from hotspot_pipeline.published.map_legend import LEGEND_IN
from hotspot_pipeline.published.map_panel import (
    READABLE_CELL_MM,
    MapContent,
    draw_frame,
    draw_panel,
    number_beside,
)
from hotspot_pipeline.published.page import Box, Page, boxes_in_rows
from hotspot_pipeline.published.zooms import MAX_ZOOMS, Extent, choose_zooms, grid_square

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HEADING_IN, _GAP_IN = 0.22, 0.16
#: Every zoom is of one scale: a cell is this wide in print.
_ZOOM_CELL_MM = 4.5
_MM = 25.4

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


def draw_map(
    page: Page, content: MapContent, cell_weights: Counts, hotspot_weights: Counts
) -> tuple[Box, NDArray[np.bool_]] | None:
    """The panels; returns the box left for the legend and which cells lie off the main map, or None where there is nothing to show.

    `cell_weights` (events, minutes) decide where nearly everything is, `hotspot_weights` which zooms come first.
    """
    legend, above = _split(page.free)
    extent = _whole_extent(content, cell_weights)
    if extent is None:
        return None
    zooms, main_box, zoom_boxes = _arrange(above, extent, content, hotspot_weights)
    wide = extent.widened(main_box.width / main_box.height)
    axes = draw_panel(page.figure, main_box, wide, content, heading="Whole force")
    for letter, zoom, box in zip("ABCD", zooms, zoom_boxes, strict=False):
        draw_frame(axes, zoom, letter)
        draw_panel(page.figure, box, zoom, content, heading=f"{letter}   {_about(zoom)}")
    _number_the_rest(axes, content, zooms, main_box, wide)
    view = shapely.box(wide.west, wide.south, wide.east, wide.north)
    return legend, ~shapely.intersects(content.cells, view)


def _split(free: Box) -> tuple[Box, Box]:
    """The strip of the legend and the space above it."""
    legend = Box(free.left, free.bottom, free.width, LEGEND_IN)
    bottom = free.bottom + LEGEND_IN + _GAP_IN
    return legend, Box(free.left, bottom, free.width, free.bottom + free.height - bottom)


def _whole_extent(content: MapContent, weights: Counts) -> Extent | None:
    """The force with its hotspots; without a boundary, where nearly all of what is mapped is.

    Nearly all: a hundredth is left out on each side, because a few wrong coordinates may lie far
    off. The legend counts what is off the map.
    """
    boxes = [shapely.bounds(content.hotspots).reshape(-1, 4)]
    if content.boundary is not None:
        boxes.append(shapely.bounds(content.boundary).reshape(-1, 4))
    elif weights.size:
        west, south, east, north = shapely.bounds(content.cells).T
        sides = ((west, 0.01), (south, 0.01), (east, 0.99), (north, 0.99))
        boxes.append(np.array([[_quantile(side, weights, share) for side, share in sides]]))
    found = np.vstack(boxes)
    if not len(found):
        return None
    extent = Extent(*found[:, :2].min(axis=0).tolist(), *found[:, 2:].max(axis=0).tolist())
    return extent.grown(max(0.02 * max(extent.width_m, extent.height_m), content.cell_width_m))


def _quantile(values: Floats, weights: Counts, share: float) -> float:
    """The value up to which `share` of the weights lie."""
    order = np.argsort(values, kind="stable")
    running = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(running, share * running[-1])])


def _arrange(
    space: Box, extent: Extent, content: MapContent, hotspot_weights: Counts
) -> tuple[list[Extent], Box, list[Box]]:
    """The zooms, the main map's box and a box for each zoom; no zooms where cells show without."""
    whole = Box(space.left, space.bottom, space.width, space.height - _HEADING_IN)
    mm_per_m = whole.width * _MM / extent.widened(whole.width / whole.height).width_m
    is_close = content.cell_width_m * mm_per_m >= READABLE_CELL_MM
    if is_close or not len(content.hotspots) or not len(content.cells):
        return [], whole, []
    width = extent.width_m / extent.height_m * whole.height
    main = whole._replace(width=min(max(width, 0.3 * space.width), 0.5 * space.width))
    left = main.left + main.width + _GAP_IN
    region = Box(left, space.bottom, space.left + space.width - left, space.height)
    zooms: list[Extent] = []
    n_zooms = MAX_ZOOMS
    while n_zooms:
        boxes = _zoom_boxes(region, n_zooms)
        metres_per_in = content.cell_width_m * _MM / _ZOOM_CELL_MM
        zooms = choose_zooms(
            shapely.bounds(content.hotspots),
            hotspot_weights,
            width_m=boxes[0].width * metres_per_in,
            height_m=boxes[0].height * metres_per_in,
            margin_m=0.6 * content.cell_width_m,
            most=n_zooms,
        )
        if len(zooms) == n_zooms:
            return zooms, main, boxes
        n_zooms = len(zooms)
    return [], whole, []


def _zoom_boxes(region: Box, n_zooms: int) -> list[Box]:
    """Equal boxes with room for a heading each, in the rows and columns that make them largest."""
    columns = (1, 2, 3, 4)[:n_zooms]
    return boxes_in_rows(region, n_zooms, gap_in=_GAP_IN, heading_in=_HEADING_IN, columns=columns, size_of=min)  # fmt: skip


def _about(zoom: Extent) -> str:
    """A place to look for on any other map; there is no gazetteer to take a town's name from."""
    square = grid_square(*zoom.centre)
    return f"around {square}" if square else ""


def _number_the_rest(
    axes: Axes, content: MapContent, zooms: list[Extent], main: Box, extent: Extent
) -> None:
    """Numbers beside the hotspots that no zoom shows, where the main map is too small for them."""
    if content.cell_width_m * main.width * _MM / extent.width_m >= READABLE_CELL_MM:
        return
    shown = np.zeros(len(content.hotspots), dtype=bool)
    for zoom in zooms:
        shown |= zoom.holds(shapely.bounds(content.hotspots))
    frames = [(z.west, z.south, z.east, z.north) for z in zooms]
    number_beside(axes, content, np.flatnonzero(~shown).tolist(), frames)
