"""The pictures of patrols of a night: which there are, and which of an earlier night go.

Here: reading the rows once and calling the pictures. Not here: the pictures (`pictures`, `dwell_map`), what Dagster is told (`assets`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path

from shapely.geometry.base import BaseGeometry

from hotspot_pipeline.published.at_once import AtOnce, one_by_one
from hotspot_pipeline.published.files import PublishedFile, remove_others
from hotspot_pipeline.published.page import window_text
from hotspot_pipeline.published.patrols.dwell_map import dwell_map
from hotspot_pipeline.published.patrols.pictures import hotspot_patrols, overview
from hotspot_pipeline.published.patrols.rows import PatrolRows

# `published.files` names each file once, whatever its folder
NEWEST_WEEK, OVERVIEW, DWELL_MAP = (
    "patrols_newest_week.png",
    "patrols_all_days.png",
    "dwell_map.png",
)


def write_patrol_sheets(
    out: Path,
    rows: PatrolRows | None,
    *,
    title: str,
    footer: Mapping[str, str],
    boundary: BaseGeometry | None,
    day_starts_hour: int,
    at_once: AtOnce = one_by_one,
) -> list[PublishedFile]:
    """The newest week, all days, the map, then a sheet for each hotspot, by name; none at all without rows."""
    written: list[PublishedFile] = []
    if rows is not None:
        foot = {**footer, **rows.facts}
        period = window_text(rows.first_day, rows.last_day + timedelta(days=1))
        written = at_once([
            partial(overview, out / NEWEST_WEEK, rows, week=rows.last_week, title=title, footer=foot),
            partial(overview, out / OVERVIEW, rows, week=None, title=title, footer=foot),
            partial(
                dwell_map, out / DWELL_MAP, cells=rows.cells, areas=rows.areas, boundary=boundary, period=period, title=title, footer=foot
            ),
            *(
                partial(
                    hotspot_patrols, out / f"patrols_of_{file_name(h)}.png", h, rows, title=title, footer=foot, day_starts_hour=day_starts_hour
                )
                for h in rows.hotspots
            ),
        ])  # fmt: skip
    remove_others(out, written)
    return written


def file_name(hotspot_id: str) -> str:
    """An id as part of a file's name: a force names its areas as it likes, a slash included."""
    return "".join(c if c.isalnum() or c in "-_." else f"%{ord(c):02X}" for c in hotspot_id)
