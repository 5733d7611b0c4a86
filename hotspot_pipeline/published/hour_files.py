"""The sheets of hot times of a night: which rows go onto which sheet.

Here: reading the tables and calling the pictures. Not here: the pictures (`hour_pictures`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from hotspot_pipeline.published.at_once import AtOnce, one_by_one
from hotspot_pipeline.published.files import PublishedFile, remove_others
from hotspot_pipeline.published.hour_pictures import force_weeks, hotspot_week
from hotspot_pipeline.warehouse.session import Session

_ROWS = {
    "bins": "select * from hot_times.profile_bins where selection = 'all' and resolution = 'hour' order by all",
    "profiles": """
        select p.*, p.weight / 1000000000000.0 as n_events
        from hot_times.profiles p left join hexes.hotspots h on h.hotspot_id = p.profile_id
        where p.selection = 'all' order by h.hotspot_rank nulls last, p.profile_id
    """,
    "windows": "select * from hot_times.windows order by all",
    "sets": "select * from hot_times.window_sets order by all",
}
_HOTSPOTS = "select hotspot_id, window_from, window_to from hexes.hotspots order by hotspot_rank, hotspot_id"


def write_hour_sheets(
    out: Path,
    session: Session,
    *,
    title: str,
    footer: Mapping[str, str],
    day_starts_hour: int,
    at_once: AtOnce = one_by_one,
) -> list[PublishedFile]:
    """The overview first, then a sheet for each hotspot by rank. Sheets of places that are no hotspots any more go; without an event whose
    hour is known there are none."""
    frames = {name: session.frame(sql) for name, sql in _ROWS.items()}
    hotspots = session.frame(_HOTSPOTS)
    written: list[PublishedFile] = []
    if not frames["windows"].is_empty():
        given: dict[str, Any] = {
            **frames,
            "title": title,
            "period": hotspots.select("window_from", "window_to").row(0),
            "footer": footer,
            "day_starts_hour": day_starts_hour,
        }
        places = hotspots.get_column("hotspot_id")
        written = at_once(
            [
                partial(force_weeks, out / "force.png", **given),
                *(partial(hotspot_week, out / f"{h}.png", h, **given) for h in places),
            ]
        )
    remove_others(out, written)
    return written
