"""Patrols day by day: planned visits by answer, and minutes of patrol with calls apart.

Here: two panels of one hotspot's police days. Not here: the sheet that holds them (`sheet`).

Days that are not computed are hatched: nothing is known of them, which is not the same as no patrol.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from hotspot_pipeline.published.page import FAINT_INK, INK, TEXT_SIZE, Box, Page, write
from hotspot_pipeline.published.patrols.words import MINUTE_MS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SMALL = TEXT_SIZE - 1
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LATE = "late"
#: answer, its name, its look
_ANSWERS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("yes", "made", {"fc": "#444444"}),
    ("no", "not made", {"fc": "white"}),
    ("unknown", "unknown", {"fc": "#dddddd", "hatch": "xxxx"}),
    (_LATE, "issued late, not judged", {"fc": "#dddddd"}),
)
Look = dict[str, Any]
_FUNDED: Look = {"fc": "#444444"}
_OTHER: Look = {"fc": "#bbbbbb"}
_CALLS: Look = {"fc": "white", "hatch": "////"}
_PLANNED: Look = {"color": INK, "lw": 1.8}
_EDGE: Look = {"ec": INK, "lw": 0.6}

Period = tuple[date, date]


def draw_answers(
    page: Page, box: Box, answers: pl.DataFrame, days: pl.DataFrame, period: Period
) -> None:
    """Planned visits of each day, stacked by answer, the made ones lowest."""
    axes = _new(page, box, days, period, is_last=False)
    as_judged = answers.with_columns(
        answer=pl.when("is_issued_late").then(pl.lit(_LATE)).otherwise("answer")
    )
    foot = np.zeros(_n_days(period))
    for name, _, look in _ANSWERS:
        counts = as_judged.filter(pl.col("answer") == name).group_by("police_day").len()
        n = _by_day(counts, "len", period)
        _bars(axes, 0.5, n, 0.6, foot, look)
        foot += n
    _finish(axes, float(foot.max(initial=0)), whole=True)
    _head(page, box, "Planned visits by day")
    _key(page, box, [_patch(text, look) for _, text, look in _ANSWERS])


def draw_minutes(
    page: Page, box: Box, answers: pl.DataFrame, days: pl.DataFrame, period: Period
) -> None:
    """Patrol, funded and other, stacked; beside it calls; across it what was planned."""
    from matplotlib.lines import Line2D

    axes = _new(page, box, days, period, is_last=True)
    funded, patrol, calls = (
        _by_day(days, name, period) / MINUTE_MS
        for name in ("funded_patrol_ms", "patrol_ms", "reactive_ms")
    )
    judged = answers.filter(~pl.col("is_issued_late"))
    asked = judged.group_by("police_day").agg(pl.col("min_minutes").sum())
    planned = _by_day(asked, "min_minutes", period)
    _bars(axes, 0.4, funded, 0.5, np.zeros_like(funded), _FUNDED)
    _bars(axes, 0.4, patrol - funded, 0.5, funded, _OTHER)
    _bars(axes, 0.79, calls, 0.22, np.zeros_like(calls), _CALLS)
    for day in np.flatnonzero(planned).tolist():
        axes.plot([day + 0.06, day + 0.74], [planned[day]] * 2, zorder=5, **_PLANNED)
        axes.plot([day + 0.06, day + 0.74], [planned[day]] * 2, zorder=4, color="white", lw=3.6)
    _finish(axes, float(max(patrol.max(), calls.max(), planned.max())), whole=False)
    _head(page, box, "Minutes by day")
    handles = [
        _patch("funded patrol", _FUNDED),
        _patch("other patrol", _OTHER),
        _patch("calls (no patrol)", _CALLS),
        Line2D([], [], label="planned", **_PLANNED),
    ]
    _key(page, box, handles)


def _new(page: Page, box: Box, days: pl.DataFrame, period: Period, *, is_last: bool) -> Axes:
    axes = page.figure.add_axes(box.on_page())
    n = _n_days(period)
    axes.set_xlim(0, n)
    for name, spine in axes.spines.items():
        spine.set(color=FAINT_INK, linewidth=0.6, visible=name in ("left", "bottom"))
    axes.tick_params(labelsize=_SMALL, colors=INK, length=2.5)
    known = set(days.get_column("police_day").to_list())
    dates = [period[0] + timedelta(days=k) for k in range(n)]
    for at, day in enumerate(dates):
        if day not in known:
            axes.axvspan(at, at + 1, fc="#f4f4f4", ec="#bbbbbb", hatch="....", lw=0, zorder=0)
        if day.weekday() == 0:
            axes.axvline(at, color="#bbbbbb", lw=0.6, zorder=0)
    mondays = [at for at, day in enumerate(dates) if day.weekday() == 0]
    names = [f"Mon {dates[at].day} {_MONTHS[dates[at].month - 1]}" for at in mondays]
    axes.set_xticks(mondays, names if is_last else [""] * len(mondays), ha="left")
    return axes


def _finish(axes: Axes, most: float, *, whole: bool) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_ylim(0, max(most * 1.08, 1.0))
    axes.yaxis.set_major_locator(MaxNLocator(3 if whole else 5, integer=True))
    axes.grid(axis="y", color="#dddddd", lw=0.5)
    axes.set_axisbelow(True)


def _bars(
    axes: Axes, at: float, heights: Any, width: float, foot: Any, look: dict[str, Any]
) -> None:
    """A bar a day, none where there is nothing."""
    days = np.flatnonzero(heights)
    axes.bar(days + at, heights[days], width, bottom=foot[days], **look, **_EDGE)


def _by_day(rows: pl.DataFrame, name: str, period: Period) -> Any:
    """The figure of each day of the period, 0 where there is none."""
    found = np.zeros(_n_days(period))
    for day, value in rows.select("police_day", name).iter_rows():
        found[(day - period[0]).days] += value or 0
    return found


def _n_days(period: Period) -> int:
    return (period[1] - period[0]).days


def _head(page: Page, box: Box, text: str) -> None:
    write(page.figure, text, box.left, box.bottom + box.height + 0.05, weight="bold")


def _patch(label: str, look: dict[str, Any]) -> Any:
    from matplotlib.patches import Patch

    return Patch(label=label, **look, **_EDGE)


def _key(page: Page, box: Box, handles: Sequence[Any]) -> None:
    """In the line of the heading, on its right."""
    page.figure.legend(
        handles=handles, ncols=len(handles), loc="lower right", frameon=False,
        bbox_to_anchor=Box(box.left + box.width, box.bottom + box.height + 0.04, 0, 0).on_page()[:2],
        fontsize=_SMALL, handlelength=1.6, handletextpad=0.5, columnspacing=1.4, borderpad=0.0, borderaxespad=0.0,
    )  # fmt: skip
