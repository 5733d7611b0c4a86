"""The weeks of one hotspot on one page: all events large, slow drifts below, each group of crime beside.

Here: what goes where on the page. Not here: one control chart (`limits_panel`), title and words (`pictures`, `words`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hotspot_pipeline.force import CATEGORY_GROUPS
from hotspot_pipeline.published.evaluation import limits_panel as panel
from hotspot_pipeline.published.evaluation.rows import WeekRows
from hotspot_pipeline.published.page import FAINT_INK, INK, Box, Page, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GROUP_NAMES = {
    "ASB": "Anti-social behaviour", "PUBLIC_ORDER": "Public order", "CRIM_DAMAGE": "Criminal damage", "ROBBERY": "Robbery",
    "VAP": "Violence", "WEAPONS": "Weapons",
}  # fmt: skip
_KEY_IN, _TICKS_IN, _LEFT_IN, _GAP_IN, _HEADING_IN = 0.34, 0.26, 0.36, 0.22, 0.22
_KEY = ("latest", "provisional", "settled", "expected", "narrow", "wide", "beyond", "drift")


def draw_sheet(page: Page, hotspot_id: str, rows: WeekRows) -> None:
    free = page.free
    weeks = panel.Axis(rows.first_week, rows.last_week)
    bottom, top = free.bottom + _KEY_IN, free.bottom + free.height
    main = 0.63 * free.width
    room = top - bottom - 3 * _HEADING_IN - 2 * _GAP_IN - _TICKS_IN
    heights = (0.58 * room, 0.21 * room, 0.21 * room)
    series = rows.of(hotspot_id)
    left = free.left + _LEFT_IN
    draws = (_counts, _ewma, _cusum)
    foot = top
    for at, (draw, height) in enumerate(zip(draws, heights, strict=True)):
        foot -= _HEADING_IN + height
        axes = page.figure.add_axes(Box(left, foot, main - _LEFT_IN, height).on_page())
        panel.set_up(axes, weeks, most_ticks=9, has_names=at == len(draws) - 1)
        write(page.figure, draw(axes, series, weeks), left, foot + height + 0.05, weight="bold")
        foot -= _GAP_IN
    _draw_groups(page, Box(free.left + main + 1.5 * _GAP_IN, bottom, free.width - main - 1.5 * _GAP_IN, top - bottom), hotspot_id, rows, weeks)  # fmt: skip
    draw_key(page, Box(free.left, free.bottom, free.width, _KEY_IN), _KEY)


def draw_key(page: Page, box: Box, names: tuple[str, ...]) -> None:
    page.figure.legend(
        handles=panel.handles(names), loc="lower left", ncols=len(names), frameon=False, fontsize=panel.SMALL,
        bbox_to_anchor=box._replace(width=0, height=0).on_page()[:2], borderaxespad=0, borderpad=0, columnspacing=1.3,
        handlelength=1.7, handletextpad=0.5,
    )  # fmt: skip


def mark_short_baseline(axes: Axes, series: pl.DataFrame, weeks: panel.Axis, text: str) -> None:
    """A line over the weeks that a short baseline judges."""
    short = series.filter(pl.col("label") == panel.SHORT_BASELINE)
    if short.is_empty():
        return
    x = weeks.at(short.get_column("week_start"))
    across = axes.get_xaxis_transform()
    axes.plot([x.min() - 0.5, x.max() + 0.5], [1.0, 1.0], transform=across, color=FAINT_INK, lw=2.2, clip_on=False, solid_capstyle="butt")  # fmt: skip
    if text:
        axes.text(x.max() + 0.5, 1.015, text, transform=across, ha="right", va="bottom", fontsize=panel.SMALL, color=FAINT_INK)  # fmt: skip


def _counts(axes: Axes, series: pl.DataFrame, weeks: panel.Axis) -> str:
    panel.draw_counts(axes, series, weeks)
    axes.grid(axis="y", color="#dddddd", lw=0.5)
    axes.set_axisbelow(True)
    mark_short_baseline(axes, series, weeks, "short baseline: season and trend are not in it")
    return "Events in each week" if series.get_column("mu").count() else "Events in each week; no limits: under 26 settled weeks to judge by"  # fmt: skip


def _ewma(axes: Axes, series: pl.DataFrame, weeks: panel.Axis) -> str:
    """Its own 95 % band; on the scale of standard deviations."""
    x = weeks.at(series.get_column("week_start"))
    value, error = (series.get_column(c).fill_null(float("nan")).to_numpy() for c in ("ewma", "ewma_se"))  # fmt: skip
    panel.shade_open(axes, x, series)
    axes.fill_between(x, -1.96 * error, 1.96 * error, color=panel.NARROW_BAND, lw=0, zorder=1)
    axes.axhline(0, zorder=2, **panel.LOOKS["expected"])
    axes.plot(x, value, color=INK, lw=1.2, zorder=3)
    most = float(np.nanmax(np.abs(np.concatenate([value, 1.96 * error])), initial=0.5))
    axes.set_ylim(-1.1 * most, 1.1 * most)
    return "Slow drift (EWMA, in standard deviations; band: 95 % of what chance does)"


def _cusum(axes: Axes, series: pl.DataFrame, weeks: panel.Axis) -> str:
    x = weeks.at(series.get_column("week_start"))
    value, threshold = (series.get_column(c).fill_null(float("nan")).to_numpy() for c in ("cusum", "cusum_threshold"))  # fmt: skip
    panel.shade_open(axes, x, series)
    axes.plot(x, threshold, drawstyle="steps-mid", color=panel.SIGNAL, lw=1.2, ls=(0, (5, 2)), zorder=2)  # fmt: skip
    axes.plot(x, value, color=INK, lw=1.2, zorder=3)
    alarm = value > threshold
    axes.plot(x[alarm], value[alarm], ms=5, zorder=4, **panel.LOOKS["drift"])
    axes.set_ylim(0, max(1.15 * float(np.nanmax(np.concatenate([value, threshold]), initial=1.0)), 1.0))  # fmt: skip
    return f"Evidence for a rise by half (CUSUM; dashed: alarm{_run_length(series)})"


def _run_length(series: pl.DataFrame) -> str:
    known = series.get_column("cusum_run_length_weeks").drop_nulls()
    if known.is_empty():
        return ""
    return f", a false one in {known[-1] / 52.1775:.0f} years on average"


def _draw_groups(page: Page, box: Box, hotspot_id: str, rows: WeekRows, weeks: panel.Axis) -> None:  # fmt: skip
    """Two columns of small charts, each with a scale of its own."""
    n_rows = len(CATEGORY_GROUPS) // 2
    width = (box.width - _LEFT_IN) / 2
    height = (box.height - n_rows * (_HEADING_IN + _TICKS_IN) - (n_rows - 1) * 0.1) / n_rows
    for at, group in enumerate(CATEGORY_GROUPS):
        row, column = divmod(at, 2)
        left = box.left + column * (width + _LEFT_IN)
        foot = box.bottom + box.height - (row + 1) * (_HEADING_IN + height) - row * (_TICKS_IN + 0.1)  # fmt: skip
        series = rows.of(hotspot_id, group)
        write(page.figure, GROUP_NAMES[group], left, foot + height + 0.05, weight="bold", size=panel.SMALL)  # fmt: skip
        axes = page.figure.add_axes(Box(left, foot, width, height).on_page())
        panel.set_up(axes, weeks, most_ticks=3)
        panel.draw_counts(axes, series, weeks, is_small=True)
