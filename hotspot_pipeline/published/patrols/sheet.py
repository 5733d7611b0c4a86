"""The patrols of one hotspot on one page: day by day, why planned visits were not made, and in which hours patrols were there.

Here: what goes where on the page. Not here: the panels by day (`day_panels`), the grid of hours (`week_panel`), words (`words`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from hotspot_pipeline.published.page import (
    FAINT_INK,
    INK,
    TEXT_SIZE,
    Box,
    Page,
    counted,
    window_text,
    write,
)
from hotspot_pipeline.published.patrols.day_panels import draw_answers, draw_minutes
from hotspot_pipeline.published.patrols.words import MINUTE_MS
from hotspot_pipeline.published.week_panel import (
    BoxedWindow,
    Floats,
    Shading,
    draw_key,
    draw_week,
)

REASONS = {
    "too_short": "too short",
    "other_mode": "not in the planned mode",
    "reactive_only": "there on a call only",
    "passed_through": "passed through only",
    "outside_window": "outside the window",
    "no_visit": "no visit seen",
    "nobody_booked": "no visit seen, nobody booked",
}
"""Of a no, the nearest miss first, as `patrols.plan_answers` names them."""

MINUTES = Shading(
    # nothing at all is a class of its own
    (1e-9, 10.0, 30.0, 60.0, 120.0),
    ("none", "under 10", "10–30", "30–60", "60–120", "120 and over"),
    0.5,
    0,
    "Minutes of patrol in each hour of the week, all weeks of the period added up.",
)
_KEY_IN, _TICKS_IN, _LEFT_IN, _GAP_IN, _HEADING_IN = 0.5, 0.26, 0.5, 0.25, 0.22
_HOURS_IN_WEEK = 168
_SMALL = TEXT_SIZE - 1


@dataclass(frozen=True, eq=False)
class HotspotPatrols:
    """Rows of one hotspot and one period: `days` with a row for each computed police day, `answers` one a planned visit, `hours` one an
    hour of the week with patrol, `windows` its hot ones; `period` is half open."""

    days: pl.DataFrame
    answers: pl.DataFrame
    hours: pl.DataFrame
    windows: pl.DataFrame
    period: tuple[date, date]


def draw_sheet(page: Page, found: HotspotPatrols, day_starts_hour: int = 6) -> None:
    free = page.free
    lower = 0.47 * free.height
    key = Box(free.left, free.bottom, free.width, _KEY_IN)
    grid = Box(
        free.left + _LEFT_IN, key.bottom + _KEY_IN + _TICKS_IN, free.width - _LEFT_IN, lower - _KEY_IN - _TICKS_IN - _HEADING_IN,
    )  # fmt: skip
    minutes = minutes_of_week(found, day_starts_hour)
    boxed = [
        BoxedWindow((start - day_starts_hour) % _HOURS_IN_WEEK, n, number)
        for start, n, number in found.windows.select(
            "start_hour_of_week", "n_hours", "window_no"
        ).iter_rows()
    ]
    _head(page, grid, f"When patrols were there: {window_text(*found.period)}")
    draw_week(page.figure, grid, minutes, boxed, day_starts_hour=day_starts_hour, shading=MINUTES)
    draw_key(page.figure, key, has_unknown=bool(np.isnan(minutes).any()), shading=MINUTES)
    top = free.bottom + free.height
    bottom = free.bottom + lower + _GAP_IN + _TICKS_IN
    wide = 0.66 * free.width
    tall = 0.33 * (top - bottom)
    answers = Box(
        free.left + _LEFT_IN, top - _HEADING_IN - tall, wide - _LEFT_IN, tall - 0.02
    )  # fmt: skip
    patrols = Box(
        answers.left, bottom, answers.width, answers.bottom - bottom - _GAP_IN - _HEADING_IN + 0.1
    )  # fmt: skip
    draw_answers(page, answers, found.answers, found.days, found.period)
    draw_minutes(page, patrols, found.answers, found.days, found.period)
    left = free.left + wide + 1.5 * _GAP_IN
    _draw_reasons(page, Box(left, bottom, free.left + free.width - left, top - _HEADING_IN - bottom), found.answers)  # fmt: skip


def minutes_of_week(found: HotspotPatrols, day_starts_hour: int = 6) -> Floats:
    """(168,) minutes from the start of the police week; NaN in the hours of weekdays of which no day is computed."""
    minutes = np.full(_HOURS_IN_WEEK, np.nan)
    for weekday in found.days.get_column("police_day").dt.weekday().unique().to_list():
        minutes[(weekday - 1) * 24 : weekday * 24] = 0.0
    at = (found.hours.get_column("hour_of_week").to_numpy() - day_starts_hour) % _HOURS_IN_WEEK
    minutes[at] = found.hours.get_column("patrol_ms").to_numpy() / MINUTE_MS
    return minutes


def _draw_reasons(page: Page, box: Box, answers: pl.DataFrame) -> None:
    said_no = answers.filter((pl.col("answer") == "no") & ~pl.col("is_issued_late"))
    _head(page, box, f"Why not made: {counted(said_no.height, 'visit')}")
    axes = page.figure.add_axes(box.on_page())
    axes.set_axis_off()
    if said_no.is_empty():
        return
    n_of: dict[str, int] = dict(said_no.group_by("reason").len().iter_rows())
    rows: Sequence[tuple[str, int]] = [(text, n_of.get(name, 0)) for name, text in REASONS.items()]
    axes.set_xlim(0, 1)
    axes.set_ylim(len(rows), 0)
    most = max(n for _, n in rows)
    for at, (text, n) in enumerate(rows):
        ink = INK if n else FAINT_INK
        axes.text(0.58, at + 0.5, text, ha="right", va="center_baseline", fontsize=_SMALL, color=ink)  # fmt: skip
        width = 0.3 * n / most if most else 0.0
        axes.barh(at + 0.5, width, left=0.61, height=0.55, color="#555555")
        axes.text(0.63 + width, at + 0.5, f"{n:,}", va="center_baseline", fontsize=_SMALL, color=ink)  # fmt: skip


def _head(page: Page, box: Box, text: str) -> None:
    write(page.figure, text, box.left, box.bottom + box.height + 0.05, weight="bold")
