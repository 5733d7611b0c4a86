"""One panel of the hotspot map: cells, outlines, labels and a scale bar in a rectangle of the page.

Here: drawing a given extent into a given box. Not here: which extents there are (`zooms`), the page
around them (`page`), the order of things on it (`map_layout`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from hotspot_pipeline.published.label_places import place_labels
from hotspot_pipeline.published.page import DPI, FAINT_INK, INK, TEXT_SIZE, Box
from hotspot_pipeline.published.zooms import Extent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: From this width in print a cell can hold its hotspot's number.
READABLE_CELL_MM = 3.6
DASHES = (0, (2.2, 1.4))
_MM = 25.4
_LABEL_SIZE, _LARGEST_LABEL = 8.0, 15.0


@dataclass(frozen=True, eq=False)
class MapContent:
    """What every panel of one map shows; shapes are in EPSG:27700.

    `cells` with their `colours`, in the order of drawing; `hotspots` with the text of each label and
    whether it is borderline; `boundary` of the force, where it is known.
    """

    cells: NDArray[np.object_]
    colours: NDArray[np.float64]
    hotspots: NDArray[np.object_]
    names: Sequence[str]
    is_borderline: NDArray[np.bool_]
    boundary: BaseGeometry | None
    cell_width_m: float


def draw_panel(
    figure: Figure, box: Box, extent: Extent, content: MapContent, *, heading: str = ""
) -> Axes:
    """Draw `extent` into `box`, `heading` on the left above it and a scale bar on the right."""
    axes = figure.add_axes(box.on_page())
    axes.set_xlim(extent.west, extent.east)
    axes.set_ylim(extent.south, extent.north)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_facecolor("white")
    for spine in axes.spines.values():
        spine.set(color=FAINT_INK, linewidth=0.6)
    mm_per_m = box.width * _MM / extent.width_m
    cell_mm = content.cell_width_m * mm_per_m
    is_close = cell_mm >= READABLE_CELL_MM
    _draw_cells(axes, extent, content, edge=0.35 if is_close else 0.0)
    if content.boundary is not None:
        _draw_lines(axes, [content.boundary], color=FAINT_INK, linewidth=0.9)
    in_view = shapely.intersects(content.hotspots, _as_box(extent))
    _draw_outlines(axes, content, in_view, width=1.9 if is_close else 0.9)
    if is_close:
        _number_inside(
            axes, extent, content, in_view, min(_LABEL_SIZE - 1.5 + cell_mm / 3, _LARGEST_LABEL)
        )
    if heading:
        axes.text(
            0, 1, heading, transform=axes.transAxes, va="bottom", ha="left",
            fontsize=TEXT_SIZE, fontweight="bold", color=INK,
        )  # fmt: skip
    _draw_scale_bar(axes, extent, box)
    return axes


def number_beside(
    axes: Axes, content: MapContent, which: Sequence[int], obstacles: Sequence[Any] = ()
) -> None:
    """Ring the hotspots at these places and put their numbers beside them, clear of each other.

    `obstacles` are boxes in the map's metres (west, south, east, north) to stay off.
    """
    to_pixels = axes.transData.transform
    points = np.array([_label_point(content.hotspots[at]) for at in which]).reshape(-1, 2)
    if not len(points):
        return
    per_point = DPI / 72.0
    sizes = np.array([[0.66 * len(content.names[at]) + 0.2, 1.15] for at in which])
    sizes = sizes * _LABEL_SIZE * per_point
    boxes = np.asarray(obstacles, dtype=np.float64).reshape(-1, 2, 2)
    walls = to_pixels(boxes.reshape(-1, 2)).reshape(-1, 4)
    centres = place_labels(
        to_pixels(points), sizes, walls, np.array(axes.bbox.extents), clearance=5.5 * per_point
    )
    for at, point, centre in zip(
        which, points, axes.transData.inverted().transform(centres), strict=True
    ):
        axes.plot(*point, "o", ms=6.5, mfc="none", mec="white", mew=2.2, zorder=6)
        axes.plot(*point, "o", ms=6.5, mfc="none", mec=INK, mew=0.9, zorder=7)
        axes.plot(*zip(point, centre, strict=True), color=INK, linewidth=0.5, zorder=5)
        _number(axes, content.names[at], float(centre[0]), float(centre[1]), _LABEL_SIZE)


def draw_frame(axes: Axes, extent: Extent, letter: str) -> None:
    """The place of a zoom on the main map, with its letter at the upper left corner."""
    xs = [extent.west, extent.east, extent.east, extent.west, extent.west]
    ys = [extent.south, extent.south, extent.north, extent.north, extent.south]
    axes.plot(xs, ys, color=INK, linewidth=0.9, zorder=8)
    axes.annotate(
        letter, (extent.west, extent.north), xytext=(0, 1.5), textcoords="offset points",
        fontsize=TEXT_SIZE + 1, fontweight="bold", color=INK, va="bottom", ha="left", zorder=9,
        path_effects=_halo(),
    )  # fmt: skip


def _draw_cells(axes: Axes, extent: Extent, content: MapContent, edge: float) -> None:
    from matplotlib.collections import PolyCollection

    near = np.flatnonzero(shapely.intersects(content.cells, _as_box(extent)))
    corners = [shapely.get_coordinates(cell) for cell in content.cells[near]]
    colours = content.colours[near]
    axes.add_collection(
        PolyCollection(
            corners,
            facecolors=colours,
            # the fill's own colour closes the hairlines between small cells
            edgecolors="white" if edge else colours,
            linewidths=edge or 0.15,
            zorder=2,
        ),
        autolim=False,
    )


def _draw_outlines(
    axes: Axes, content: MapContent, in_view: NDArray[np.bool_], width: float
) -> None:
    """White below black: seen on the darkest shade and on white paper."""
    for is_borderline in (False, True):
        chosen = list(content.hotspots[in_view & (content.is_borderline == is_borderline)])
        _draw_lines(axes, chosen, color="white", linewidth=width * 1.9, zorder=3)
        style = DASHES if is_borderline else "solid"
        _draw_lines(axes, chosen, color=INK, linewidth=width, zorder=4, linestyle=style)


def _draw_lines(axes: Axes, shapes: Sequence[BaseGeometry], **style: Any) -> None:
    from matplotlib.collections import LineCollection

    rings = [
        shapely.get_coordinates(ring)
        for shape in shapes
        for ring in shapely.get_rings(shapely.get_parts(shape))
    ]
    axes.add_collection(LineCollection(rings, capstyle="butt", **style), autolim=False)


def _number_inside(
    axes: Axes, extent: Extent, content: MapContent, in_view: NDArray[np.bool_], size: float
) -> None:
    for at in np.flatnonzero(in_view).tolist():
        x, y = _label_point(content.hotspots[at])
        inside = extent.west < x < extent.east and extent.south < y < extent.north
        if inside:
            _number(axes, content.names[at], x, y, size)


def _number(axes: Axes, text: str, x: float, y: float, size: float) -> None:
    axes.text(
        x, y, text, fontsize=size, fontweight="bold", color=INK,
        ha="center", va="center_baseline", zorder=10, path_effects=_halo(), clip_on=True,
    )  # fmt: skip


def _label_point(hotspot: BaseGeometry) -> tuple[float, float]:
    """The middle of the largest part, or a point of it where the middle lies outside."""
    part = max(shapely.get_parts(hotspot), key=lambda shape: float(shape.area))
    point = part.centroid if part.contains(part.centroid) else part.representative_point()
    return float(point.x), float(point.y)


def _halo() -> list[Any]:
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=2.0, foreground="white")]


def _draw_scale_bar(axes: Axes, extent: Extent, box: Box) -> None:
    """A round length of about a quarter of the width, on the right above the panel."""
    length_m = _round_length(extent.width_m / 4)
    share = length_m / extent.width_m
    lift, half_tick = 0.055 / box.height, 0.03 / box.height
    style: dict[str, Any] = {
        "transform": axes.transAxes, "clip_on": False, "color": INK, "linewidth": 1.1,
        "solid_capstyle": "butt",
    }  # fmt: skip
    axes.plot([1 - share, 1], [1 + lift, 1 + lift], **style)
    for end in (1 - share, 1):
        axes.plot([end, end], [1 + lift - half_tick, 1 + lift + half_tick], **style)
    text = f"{length_m / 1000:g} km" if length_m >= 1000 else f"{length_m:g} m"
    axes.text(
        1 - share - 0.06 / box.width, 1 + lift, text, transform=axes.transAxes,
        ha="right", va="center", fontsize=TEXT_SIZE - 1, color=INK,
    )  # fmt: skip


def _round_length(length_m: float) -> float:
    """The greatest of 1, 2, 5 times a power of ten that is not longer."""
    power = 10.0 ** np.floor(np.log10(length_m))
    return float(max(step * power for step in (1, 2, 5) if step * power <= length_m))


def _as_box(extent: Extent) -> BaseGeometry:
    return shapely.box(extent.west, extent.south, extent.east, extent.north)
