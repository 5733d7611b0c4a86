"""The weeks of every hotspot on one page, small, by rank.

Here: as many control charts as are readable, each with its newest count. Not here: one chart (`limits_panel`), title and words (`pictures`).
"""

from __future__ import annotations

import polars as pl

from hotspot_pipeline.published.evaluation import limits_panel as panel
from hotspot_pipeline.published.evaluation.limits_sheet import draw_key, mark_short_baseline
from hotspot_pipeline.published.evaluation.rows import WeekRows
from hotspot_pipeline.published.page import FAINT_INK, Box, Page, write

MOST_PLACES = 30
_KEY_IN, _TICKS_IN, _LEFT_IN, _GAP_IN, _HEADING_IN = 0.3, 0.2, 0.22, 0.12, 0.2
_SHAPE = 2.4  # width over height that reads best
_KEY = ("latest", "provisional", "expected", "narrow", "wide", "short", "beyond", "drift")


def draw_overview(page: Page, rows: WeekRows) -> None:
    """At most `MOST_PLACES` hotspots, in the order of `rows.hotspots`."""
    free = page.free
    shown = rows.hotspots[:MOST_PLACES]
    weeks = panel.Axis(rows.first_week, rows.last_week)
    region = Box(free.left, free.bottom + _KEY_IN, free.width, free.height - _KEY_IN)
    for hotspot_id, box in zip(shown, _boxes(region, len(shown)), strict=True):
        series = rows.of(hotspot_id)
        axes = page.figure.add_axes(box.on_page())
        panel.set_up(axes, weeks, most_ticks=3)
        panel.draw_counts(axes, series, weeks, is_small=True)
        mark_short_baseline(axes, series, weeks, "")
        foot = box.bottom + box.height + 0.04
        write(page.figure, _heading(hotspot_id, series), box.left, foot, weight="bold", size=panel.SMALL)  # fmt: skip
        write(page.figure, newest_text(series), box.left + box.width, foot, size=panel.SMALL, color=FAINT_INK, align="right")  # fmt: skip
    draw_key(page, Box(free.left, free.bottom, free.width, _KEY_IN), _KEY)


def newest_text(series: pl.DataFrame) -> str:
    """The last count beside what was expected: `3 (1.2)`."""
    row = series.row(-1, named=True)
    expected = "no limits" if row["mu"] is None else f"{row['mu']:.1f}"
    return f"{row['n_events']} ({expected})"


def _heading(hotspot_id: str, series: pl.DataFrame) -> str:
    rank = series.get_column("hotspot_rank")[0]
    return hotspot_id if rank is None else f"{rank}  {hotspot_id}"


def _boxes(region: Box, n: int) -> list[Box]:
    """Equal boxes with room for headings and ticks, in as many columns as come nearest to the best shape."""

    def size(n_columns: int) -> tuple[float, float]:
        n_rows = -(-n // n_columns)
        width = (region.width - _GAP_IN * (n_columns - 1)) / n_columns - _LEFT_IN
        return width, (region.height - _GAP_IN * (n_rows - 1)) / n_rows - _HEADING_IN - _TICKS_IN

    def area(n_columns: int) -> float:
        width, height = size(n_columns)
        return min(width / _SHAPE, height)

    n_columns = max(range(1, 7), key=area)
    width, height = size(n_columns)
    found = []
    for at in range(n):
        row, column = divmod(at, n_columns)
        top = region.bottom + region.height - row * (height + _HEADING_IN + _TICKS_IN + _GAP_IN)
        left = region.left + column * (width + _LEFT_IN + _GAP_IN) + _LEFT_IN
        found.append(Box(left, top - _HEADING_IN - height, width, height))
    return found
