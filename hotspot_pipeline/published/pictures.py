"""The pictures: the hotspot map and the concentration curve, as PNG of A4 size.

Here: what the two are called, their titles, and writing them. Not here: the drawing itself
(`hotspot_sheet`, `concentration_sheet`), the figures drawn (`hexes`).

They are made to be printed in black and white: shades differ in lightness, lines in dashes, and
every class and line is named in words. The same input gives the same bytes with the same matplotlib.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import polars as pl
from shapely.geometry.base import BaseGeometry

from hotspot_pipeline.geo.grid import Grid
from hotspot_pipeline.published import page as paper
from hotspot_pipeline.published.files import PublishedFile
from hotspot_pipeline.published.plain_values import require_columns

_CELL_COLUMNS = ("cell", "cell_id", "n_events", "area_m2", "window_from", "window_to")
_HOTSPOT_COLUMNS = (
    "hotspot_id", "hotspot_rank", "status", "n_events", "is_borderline", "polygon_wkt",
)  # fmt: skip


def hotspot_map(
    path: Path,
    *,
    cells: pl.DataFrame,
    hotspots: pl.DataFrame,
    grid: Grid,
    title: str,
    footer: Mapping[str, str],
    boundary: BaseGeometry | None = None,
) -> PublishedFile:
    """Draw the map of `cells` (`hexes.cell_scores`) and `hotspots` (`hexes.hotspots`) to `path`.

    `grid` is the one of the cells, `boundary` the force's area in EPSG:27700, `title` the force's
    name, `footer` the facts printed at the foot. The main map shows the force; up to four zooms of
    one scale show the places with most hotspots, unless the force is so small that the main map
    shows its cells. Borderline hotspots are dashed. Without events the sheet says so.
    """
    from hotspot_pipeline.published.hotspot_sheet import draw_sheet

    require_columns(cells, _CELL_COLUMNS, "cell_scores")
    require_columns(hotspots, _HOTSPOT_COLUMNS, "hotspots")
    lead, ranked = _map_lead(cells, hotspots, grid), hotspots.sort("hotspot_rank")
    draw = partial(draw_sheet, cells=cells, hotspots=ranked, grid=grid, boundary=boundary)
    return paper.publish_page(path, f"{title}: hotspots", lead, footer, draw)


def concentration_plot(
    path: Path,
    *,
    curve: pl.DataFrame,
    summary: pl.DataFrame,
    title: str,
    footer: Mapping[str, str],
) -> PublishedFile:
    """Draw `hexes.concentration_curve` with the figures of `hexes.concentration` to `path`.

    Both denominators are drawn: share of all study cells and share of the cells with an event. The
    points that hold 25 % and 50 % of the events are marked. Without events the sheet says so.
    """
    from hotspot_pipeline.published.concentration_sheet import draw_sheet, lead_sentence

    require_columns(
        curve, ("share_cells", "share_populated_cells", "share_events"), "concentration_curve"
    )
    require_columns(summary, ("denominator", "n_cells", "n_events"), "concentration")
    heading = f"{title}: concentration of counted events"
    draw = partial(draw_sheet, curve=curve, summary=summary)
    return paper.publish_page(path, heading, lead_sentence(summary), footer, draw)


def _map_lead(cells: pl.DataFrame, hotspots: pl.DataFrame, grid: Grid) -> str:
    window = cells.select("window_from", "window_to").head(1).rows()
    when = paper.window_text(*window[0]) if window else ""
    n_events = int(cells.get_column("n_events").sum())
    what = (
        f"{paper.counted(n_events, 'counted event')}, {_in_words(hotspots)}"
        if n_events
        else paper.NOTHING_COUNTED
    )
    return f"{f'{when}: ' if when else ''}{what}. Grid {grid.spec.grid_id}; grid north is up."


def _in_words(hotspots: pl.DataFrame) -> str:
    if hotspots.is_empty():
        return "no hotspots"
    n_signed = int((hotspots.get_column("status") == "signed").sum())
    n_borderline = int(hotspots.get_column("is_borderline").sum())
    by_status = [
        f"{n:,} {word}"
        for n, word in ((n_signed, "signed off"), (hotspots.height - n_signed, "proposed"))
        if n
    ]
    dashed = f"; {n_borderline:,} borderline, dashed" if n_borderline else ""
    return f"{paper.counted(hotspots.height, 'hotspot')} ({', '.join(by_status)}{dashed})"
