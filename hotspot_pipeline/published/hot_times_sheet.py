"""Hot times as sheets of paper: one hotspot with its windows in a table, and all hotspots at a glance.

Here: what goes where on the two sheets. Not here: one grid (`week_panel`), the page (`page`), the
figures (`hot_times`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from hotspot_pipeline.published.page import (
    INK,
    LEAD_SIZE,
    TEXT_SIZE,
    Box,
    Page,
    boxes_in_rows,
    percent,
    write,
)
from hotspot_pipeline.published.week_panel import (
    BoxedWindow,
    Floats,
    draw_key,
    draw_week,
)

MOST_PLACES = 41
"""Grids on one overview, besides the force's: more would be too small to read."""

_KEY_IN, _GAP_IN, _LEFT_IN, _TICKS_IN, _HEADING_IN = 0.5, 0.18, 0.5, 0.28, 0.2
_ROW_IN = 0.205
_MIN_GRID_IN = 2.0
_HOURS_IN_WEEK = 168
_COLUMNS: tuple[tuple[str, float, str], ...] = (
    ("No.", 0.0, "left"),
    ("When", 0.08, "left"),
    ("Hours", 0.43, "right"),
    ("Of events", 0.585, "right"),
    ("Times its share", 0.83, "right"),
    ("Tested hot", 1.0, "right"),
)


@dataclass(frozen=True)
class PlaceWeek:
    """A place's week: `ratios` (168,) from the start of the police week, its windows, a heading."""

    heading: str
    ratios: Floats
    windows: tuple[BoxedWindow, ...]


def place_week(
    bins: pl.DataFrame, windows: pl.DataFrame, heading: str, day_starts_hour: int = 6
) -> PlaceWeek:
    """From rows of `hot_times.profile_bins` (resolution `hour`: bin_no, rate_ratio_shrunk) and of
    `hot_times.windows` (start_hour_of_week, n_hours, window_no) of one place."""
    ratios = np.full(_HOURS_IN_WEEK, np.nan)
    at = (bins.get_column("bin_no").to_numpy() - day_starts_hour) % _HOURS_IN_WEEK
    ratios[at] = (
        bins.get_column("rate_ratio_shrunk").cast(pl.Float64).fill_null(float("nan")).to_numpy()
    )
    boxed = tuple(
        BoxedWindow((start - day_starts_hour) % _HOURS_IN_WEEK, n, number)
        for start, n, number in windows.select("start_hour_of_week", "n_hours", "window_no").rows()
    )
    return PlaceWeek(heading, ratios, boxed)


def draw_place(
    page: Page, week: PlaceWeek, windows: pl.DataFrame, day_starts_hour: int = 6
) -> None:
    """The grid, its key, and below them the windows in a table of two halves."""
    rows = windows.sort("window_no").rows(named=True)
    n_rows = -(-len(rows) // 2)
    table = Box(
        page.free.left, page.free.bottom, page.free.width, (n_rows + 1.4) * _ROW_IN if rows else 0
    )
    key = Box(page.free.left, table.bottom + table.height + _GAP_IN, page.free.width, _KEY_IN)
    bottom = key.bottom + key.height + _TICKS_IN
    top = page.free.bottom + page.free.height
    grid = Box(
        page.free.left + _LEFT_IN,
        bottom,
        page.free.width - _LEFT_IN,
        max(top - bottom, _MIN_GRID_IN),
    )
    draw_week(page.figure, grid, week.ratios, week.windows, day_starts_hour=day_starts_hour)
    draw_key(page.figure, key, has_unknown=bool(np.isnan(week.ratios).any()))
    width = (table.width - 3 * _GAP_IN) / 2
    for half, part in enumerate((rows[:n_rows], rows[n_rows:])):
        if part:
            _draw_table(
                page,
                table._replace(left=table.left + half * (width + 3 * _GAP_IN), width=width),
                part,
            )


def draw_overview(
    page: Page, force: PlaceWeek, places: Sequence[PlaceWeek], day_starts_hour: int = 6
) -> None:
    """The force first, then the places in the order given, in grids of one size; at most
    `MOST_PLACES` of them."""
    shown = [force, *places[:MOST_PLACES]]
    key = Box(page.free.left, page.free.bottom, page.free.width, _KEY_IN)
    bottom = key.bottom + key.height + _GAP_IN
    region = Box(
        page.free.left, bottom, page.free.width, page.free.bottom + page.free.height - bottom
    )
    for week, box in zip(shown, _boxes(region, len(shown)), strict=True):
        write(
            page.figure,
            week.heading,
            box.left,
            box.bottom + box.height + 0.02,
            weight="bold",
            size=TEXT_SIZE - 1,
        )
        draw_week(
            page.figure,
            box,
            week.ratios,
            week.windows,
            day_starts_hour=day_starts_hour,
            is_small=True,
        )
    draw_key(page.figure, key, has_unknown=any(bool(np.isnan(w.ratios).any()) for w in shown))


def nothing_known(page: Page, text: str) -> None:
    """The words that stand where a week would be."""
    write(
        page.figure, text, page.free.left + page.free.width / 2, page.free.bottom + page.free.height / 2,
        size=LEAD_SIZE + 2, align="center", color=INK,
    )  # fmt: skip


def _draw_table(page: Page, box: Box, rows: Sequence[dict[str, Any]]) -> None:
    foot = box.bottom + box.height - _ROW_IN
    for text, at, align in _COLUMNS:
        write(page.figure, text, box.left + at * box.width, foot, weight="bold", align=align)
    for row in rows:
        foot -= _ROW_IN
        lift, share = row["lift"], row["share_of_events"]
        texts = (
            str(row["window_no"]),
            row["in_words"].replace("-", "–"),
            str(row["n_hours"]),
            percent(share),
            "unknown" if lift is None else f"{lift:.1f}",
            "yes" if row["n_hot_blocks"] else "no",
        )
        for text, (_, at, align) in zip(texts, _COLUMNS, strict=True):
            write(page.figure, text, box.left + at * box.width, foot, align=align)


def _boxes(region: Box, n: int) -> list[Box]:
    """Equal boxes, each with room for its heading, in as many columns as make them largest."""
    # an hour is drawn about half as wide as a day is high
    return boxes_in_rows(
        region, n, gap_in=_GAP_IN, heading_in=_HEADING_IN, columns=range(1, 8), size_of=lambda width, height: min(width / 24, height / 14),
    )  # fmt: skip
