"""All hotspots' patrols on one page: a row each, plan against delivery, compliance with what is open in it, reach.

Here: what goes where on the page. Not here: its title and its words (`pictures`, `words`), the figures (`patrols`).

Made for grey print: what is planned is an open bar, what was delivered a filled one; the ranges of a share differ in height, tone and hatching.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hotspot_pipeline.published.page import FAINT_INK, INK, TEXT_SIZE, Box, Page, write
from hotspot_pipeline.published.patrols.words import LEAST_MS, MINUTE_MS, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_ROWS = 30
_HEADING_IN, _TICKS_IN, _KEY_IN, _GAP_IN, _MOST_ROW_IN = 0.4, 0.22, 0.5, 0.2, 0.42
_SMALL = TEXT_SIZE - 1
_DELIVERED, _UNKNOWN, _OPEN = "#555555", "#dddddd", "white"
_BANDS = "////"


@dataclass(frozen=True)
class OverviewRow:
    """`plan`: of `patrols.compliance`, None where nothing was planned; `cover`: of `patrols.coverage_weekly`, added up."""

    name: str
    plan: Row | None
    cover: Row
    is_force: bool = False


@dataclass(frozen=True)
class _Column:
    heading: str
    width: float  # share of the page between the margins
    draw: Any


def draw_overview(page: Page, rows: Sequence[OverviewRow]) -> None:
    """At most `MOST_ROWS` rows, from the top."""
    shown = rows[:MOST_ROWS]
    free = page.free
    bottom = free.bottom + _KEY_IN + _TICKS_IN
    room = free.bottom + free.height - _HEADING_IN - bottom
    height = min(room, _MOST_ROW_IN * len(shown))
    bottom += room - height
    left = free.left
    for column in _COLUMNS:
        width = column.width * free.width
        box = Box(left, bottom, width - _GAP_IN, height)
        top = bottom + height + 0.06
        for at, line in enumerate(reversed(column.heading.split("\n"))):
            weight = "bold" if line == column.heading.split("\n")[0] else "normal"
            write(page.figure, line, left, top + at * 0.16, size=_SMALL, weight=weight)
        axes = page.figure.add_axes(box.on_page())
        _set_up(axes, len(shown))
        column.draw(axes, shown)
        left += width
    _draw_key(page, Box(free.left, bottom - _TICKS_IN - _KEY_IN, free.width, _KEY_IN))


def _set_up(axes: Axes, n_rows: int) -> None:
    axes.set_ylim(n_rows, 0)
    axes.set_yticks([])
    axes.set_xticks([])
    axes.tick_params(labelsize=_SMALL, colors=INK, length=2.5)
    for name, spine in axes.spines.items():
        spine.set(color=FAINT_INK, linewidth=0.6, visible=name == "bottom")
    for at in range(1, n_rows):
        axes.axhline(at, color="#dddddd", lw=0.5, zorder=0)


def _names(axes: Axes, rows: Sequence[OverviewRow]) -> None:
    axes.set_xlim(0, 1)
    for at, row in enumerate(rows):
        _say(axes, 0, at, row.name, align="left", weight="bold" if row.is_force else "normal")


def _planned(axes: Axes, rows: Sequence[OverviewRow]) -> None:
    """Minutes; the force's own row would dwarf the others, so it is in words only."""
    pairs = [(r.plan["planned_ms"], r.plan["delivered_ms"]) if r.plan else None for r in rows]
    most = max(
        (max(p) / MINUTE_MS for p, r in zip(pairs, rows, strict=True) if p and not r.is_force),
        default=0.0,
    )
    axes.set_xlim(0, max(most, 1.0) * 1.75)
    for at, (pair, row) in enumerate(zip(pairs, rows, strict=True)):
        if pair is None:
            _say(axes, 0, at, "no visit planned", align="left")
            continue
        planned, delivered = (ms / MINUTE_MS for ms in pair)
        text = f"{delivered:,.0f} of {planned:,.0f}"
        if row.is_force:
            _say(axes, 0, at, text, align="left", weight="bold")
            continue
        axes.barh(at + 0.5, planned, height=0.7, fc="white", ec=INK, lw=0.8, zorder=2)
        axes.barh(at + 0.5, delivered, height=0.36, color=_DELIVERED, zorder=3)
        _say(axes, max(planned, delivered) + 0.03 * most, at, text, align="left")
    axes.set_xticks([0, round(most)] if most else [0])


def _compliance(axes: Axes, rows: Sequence[OverviewRow]) -> None:
    axes.set_xlim(0, 1.43)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100 %"])
    for share in (0.25, 0.5, 0.75, 1):
        axes.axvline(share, color="#dddddd", lw=0.5, zorder=0)
    for at, row in enumerate(rows):
        plan = row.plan
        if plan is None or plan["at_least"] is None:
            _say(axes, 0.01, at, "–" if plan is None else "none judged", align="left")
            continue
        if plan["n_unknown"]:
            _bar(
                axes, at, plan["at_least"], plan["at_most"], 0.76, fc=_UNKNOWN, ec=FAINT_INK, lw=0.4
            )
        if plan["compliance"] is None:
            _say(axes, 1.05, at, f"all {plan['n_unknown']} unknown", align="left")
            continue
        if plan["n_indeterminate"]:
            _bar(axes, at, plan["band_low"], plan["band_high"], 0.5, fc=_OPEN, ec=FAINT_INK, lw=0.5, hatch=_BANDS)  # fmt: skip
        ends = (plan["compliance_low"], plan["compliance_high"])
        axes.plot(ends, [at + 0.5] * 2, color=INK, lw=1.2, zorder=4)
        for end in ends:
            axes.plot([end] * 2, [at + 0.36, at + 0.64], color=INK, lw=1.2, zorder=4)
        axes.plot([plan["compliance"]], [at + 0.5], "o", color=INK, ms=4.5, mec="white", zorder=5)
        n_known = plan["n_yes"] + plan["n_no"]
        text = f"{100 * plan['compliance']:.0f} % of {n_known:,}"
        _say(axes, 1.05, at, text, align="left", weight="bold" if row.is_force else "normal")


def _since(axes: Axes, rows: Sequence[OverviewRow]) -> None:
    axes.set_xlim(0, 1)
    for at, row in enumerate(rows):
        days = row.cover["days_since_last"]
        text = "none yet" if days is None else f"{days:.1f}"
        text = "" if row.is_force or not row.cover["n_days"] else text
        _say(axes, 0.75, at, text, align="right")


def _reached(axes: Axes, rows: Sequence[OverviewRow]) -> None:
    _shares(axes, rows, "share_reached")


def _hot(axes: Axes, rows: Sequence[OverviewRow]) -> None:
    _shares(axes, rows, "share_in_hot_windows", least_ms=LEAST_MS)


def _shares(axes: Axes, rows: Sequence[OverviewRow], name: str, least_ms: int = 0) -> None:
    axes.set_xlim(0, 1.6)
    axes.set_xticks([0, 1], ["0", "100 %"])
    for at, row in enumerate(rows):
        share = row.cover[name]
        if share is None or row.cover["patrol_ms"] < least_ms:
            text = "under 10 min" if row.cover["patrol_ms"] else "no patrol"
            _say(axes, 0.01, at, text if row.cover["n_days"] else "not known", align="left")
            continue
        axes.barh(at + 0.5, 1, height=0.5, fc="white", ec=FAINT_INK, lw=0.4, zorder=1)
        axes.barh(at + 0.5, share, height=0.5, color=_DELIVERED, zorder=2)
        weight = "bold" if row.is_force else "normal"
        _say(axes, 1.06, at, f"{100 * share:.0f} %", align="left", weight=weight)


_COLUMNS = (
    _Column("Hotspot", 0.15, _names),
    _Column("Minutes delivered of planned\nopen: planned · filled: delivered", 0.235, _planned),
    _Column("Planned visits made\nof those known", 0.285, _compliance),
    _Column("Days since last\neffective visit", 0.11, _since),
    _Column("Within 72 h\nof one", 0.11, _reached),
    _Column("Patrol in\nhot windows", 0.11, _hot),
)


def _bar(axes: Axes, at: int, low: float, high: float, height: float, **style: Any) -> None:
    axes.barh(at + 0.5, high - low, left=low, height=height, zorder=3, **style)


def _say(axes: Axes, x: float, at: int, text: str, *, align: str, weight: str = "normal") -> None:
    axes.text(
        x, at + 0.5, text, ha=align, va="center_baseline", fontsize=_SMALL, color=INK, fontweight=weight, zorder=6,
    )  # fmt: skip


def _draw_key(page: Page, box: Box) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = [
        Line2D([], [], color=INK, marker="o", ms=4.5, lw=1.2, label="made, with 95 % interval"),
        Patch(fc=_OPEN, ec=FAINT_INK, lw=0.5, hatch=_BANDS, label="left open by the rate of fixes"),
        Patch(fc=_UNKNOWN, ec=FAINT_INK, lw=0.4, label="left open by unknown answers"),
    ]
    axes = page.figure.add_axes(box._replace(height=0.22, bottom=box.bottom + 0.22).on_page())
    axes.set_axis_off()
    axes.legend(
        handles=handles, loc="lower left", ncols=len(handles), frameon=False, fontsize=_SMALL,
        borderaxespad=0, borderpad=0, columnspacing=1.8, handlelength=2.2,
    )  # fmt: skip
    write(
        page.figure,
        "Effective: a patrol on foot or cycle of ten minutes or more, not a call. Delivered minutes are those of judged visits; minutes beyond a plan make up for no other.",
        box.left,
        box.bottom,
        size=_SMALL,
        color=FAINT_INK,
    )
