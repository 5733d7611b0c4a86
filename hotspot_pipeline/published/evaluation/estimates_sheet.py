"""Every estimate of a trial on one page: what it is, what was counted, the ratio with its interval, and whether a claim may rest on it.

Here: what goes where. Not here: title and lead (`effect_pictures`), the estimates (`evaluation`).

Both cuts stand in one row, the settled one filled, the latest hollow. Measures that answer other questions stand apart and never share a scale:
ratios are drawn, events are in figures only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from hotspot_pipeline.published.evaluation import curve_panels as panel
from hotspot_pipeline.published.evaluation.effect_rows import ALL, LATEST, SETTLED, DesignRows, Row
from hotspot_pipeline.published.evaluation.effects_sheet import banner, banners
from hotspot_pipeline.published.evaluation.limits_sheet import GROUP_NAMES
from hotspot_pipeline.published.page import FAINT_INK, INK, Box, Page, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_ROWS = 24
NOTHING_YET = "No estimate yet."
#: In the order of reading: what the programme did, then days, then around the places, then what shows nothing.
MEASURES = {
    "rate_ratio": "Places: rate ratio",
    "panel": "Places: panel",
    "staggered": "Places: staggered starts",
    "wdd": "Places: difference in events",
    "itt_day": "Days by lot",
    "cace_15_minutes": "15 minutes more, by lot",
    "as_treated_day": "Days with a patrol",
    "ring": "Ring {}: rate ratio",
    "net_of_ring": "Places and ring {}: events",
    "before_after": "Before and after alone",
}
_HEADINGS = (
    ("Estimate", 0.0), ("Of", 0.185), ("Events, before → after", 0.315), ("Ratio", 0.47), ("With 95 % interval", 0.715), ("Effect", 0.885),
)  # fmt: skip
_GRAPH = (0.47, 0.69)
_ROW_IN, _HEADING_IN, _TICKS_IN, _KEY_IN = 0.26, 0.3, 0.28, 0.3
_MOST_LOG, _READABLE = math.log(4), math.log(100)
_UNITS = {"events": "", "events_per_day": " a day"}


def draw_estimates(page: Page, rows: DesignRows) -> None:
    free = page.free
    top = free.bottom + free.height
    for text in banners(rows):
        top -= banner(page, Box(free.left, top, free.width, 0), text)
    found = ordered(rows.effects)
    if not found:
        write(page.figure, NOTHING_YET, free.left, top - 0.3, weight="bold")
        return
    shown = found[:MOST_ROWS]
    room = top - free.bottom - _KEY_IN - _TICKS_IN - _HEADING_IN
    row_in = min(_ROW_IN, room / len(shown))
    bottom = top - _HEADING_IN - row_in * len(shown)
    for text, at in _HEADINGS:
        write(page.figure, text, free.left + at * free.width, top - 0.2, weight="bold", size=panel.SMALL)  # fmt: skip
    axes = page.figure.add_axes(Box(free.left, bottom, free.width, row_in * len(shown)).on_page())
    _table(axes, rows, shown)
    left, right = (free.left + at * free.width for at in _GRAPH)
    graph = page.figure.add_axes(Box(left, bottom, right - left, row_in * len(shown)).on_page())
    _graph(graph, shown)
    _key(page, Box(free.left, free.bottom, free.width, _KEY_IN), len(found) - len(shown))


def ordered(effects: pl.DataFrame) -> list[dict[str, Row]]:
    """Estimates as they are read, each with its rows by cut; all groups together before single ones."""
    keys = list(MEASURES)

    def rank(row: Row) -> tuple[int, bool, str, str]:
        return keys.index(_kind(row["measure"])[0]), row["outcome"] != ALL, row["outcome"], row["measure"]  # fmt: skip

    found: dict[tuple[str, str], dict[str, Row]] = {}
    for row in sorted(effects.iter_rows(named=True), key=rank):
        found.setdefault((row["measure"], row["outcome"]), {})[row["cut"]] = row
    return list(found.values())


def verdict(rows: DesignRows, row: Row) -> str:
    """Whether an effect is seen, may be chance, or may not be claimed and by which guard."""
    if not row["is_causal_design"]:
        return "not causal"
    if not row["may_claim"]:
        mine = [pl.col(k) == row[k] for k in ("cut", "outcome", "measure")]
        forbids = rows.guards.filter(*mine, pl.col("verdict") == "forbids").sort("guard")
        names = forbids.get_column("guard").to_list() or ["guards"]
        return f"no claim: {names[0].replace('_', ' ')}"
    if row["low"] is None or row["high"] is None:
        return "not bounded"
    return "may be chance" if row["low"] <= 0 <= row["high"] else "seen"


def interval_text(row: Row) -> str:
    """The estimate with its interval, as a ratio or in its unit."""
    if row["estimate"] is None:
        return "none"
    values = [row["estimate"], row["low"], row["high"]]
    if row["scale"] == "log_ratio":
        if abs(row["estimate"]) > _READABLE:
            return _ratio(row["estimate"])
        said = ["open" if v is None else _ratio(v) for v in values]
        return f"{said[0]} ({said[1]}–{said[2]})"
    said = ["open" if v is None else f"{v:+.1f}" if row["scale"] == "events" else f"{v:+.2f}" for v in values]  # fmt: skip
    return f"{said[0]} ({said[1]} to {said[2]}){_UNITS[row['scale']]}"


def _ratio(log: float) -> str:
    if abs(log) > _READABLE:
        return "over 100" if log > 0 else "under 0.01"
    return f"{math.exp(log):.2f}"


def _kind(measure: str) -> tuple[str, str]:
    """The kind of a measure and the number of its ring."""
    head, _, number = measure.rpartition("_")
    return (head, number) if number.isdigit() and head in MEASURES else (measure, "")


def _main(pair: dict[str, Row]) -> Row:
    return pair.get(SETTLED) or pair[LATEST]


def _table(axes: Axes, rows: DesignRows, shown: Sequence[dict[str, Row]]) -> None:
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(len(shown), 0)
    for at, pair in enumerate(shown):
        row = _main(pair)
        kind, number = _kind(row["measure"])
        of = "all groups" if row["outcome"] == ALL else GROUP_NAMES[row["outcome"]]
        counts = f"{row['treated_before']:,} → {row['treated_after']:,}"
        if row["n_control"]:
            counts += f"; {row['control_before']:,} → {row['control_after']:,}"
        weight = "bold" if row["is_primary"] else "normal"
        texts = (MEASURES[kind].format(number), of, counts, "", interval_text(row), verdict(rows, row))  # fmt: skip
        for text, (_, x) in zip(texts, _HEADINGS, strict=True):
            axes.text(x, at + 0.5, text, va="center_baseline", fontsize=panel.SMALL, color=INK, fontweight=weight)  # fmt: skip
        axes.axhline(at, color="#dddddd", lw=0.5)


def _graph(axes: Axes, shown: Sequence[dict[str, Row]]) -> None:
    panel.set_up(axes)
    axes.patch.set_alpha(0)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    axes.set_xlim(-_MOST_LOG, _MOST_LOG)
    axes.set_ylim(len(shown), 0)
    ticks = (0.25, 0.5, 0.7, 1, 1.4, 2, 4)
    axes.set_xticks([math.log(t) for t in ticks], [f"{t:g}" for t in ticks])
    axes.axvline(0, color=INK, lw=0.9, ls=(0, (4, 2)), zorder=1)
    for at, pair in enumerate(shown):
        for cut, lift, fill in ((SETTLED, 0.38, INK), (LATEST, 0.64, "white")):
            row = pair.get(cut)
            if row is None or row["scale"] != "log_ratio" or row["estimate"] is None:
                continue
            _interval(axes, at + lift, row, fill)


def _interval(axes: Axes, y: float, row: Row, fill: str) -> None:
    """Never a point without its interval; what goes on beyond the axis ends in an arrow."""
    low = -_MOST_LOG if row["low"] is None else max(row["low"], -_MOST_LOG)
    high = _MOST_LOG if row["high"] is None else min(row["high"], _MOST_LOG)
    if low > high:
        low, high = (_MOST_LOG, _MOST_LOG) if row["estimate"] > 0 else (-_MOST_LOG, -_MOST_LOG)
    style: dict[str, Any] = {"color": INK if row["may_claim"] else "#888888", "zorder": 3}
    axes.plot([low, high], [y, y], lw=1.1, **style)
    for end, edge, marker in ((low, -_MOST_LOG, "<"), (high, _MOST_LOG, ">")):
        if end == edge:
            axes.plot([end], [y], marker, ms=4, clip_on=False, **style)
    if abs(row["estimate"]) <= _MOST_LOG:
        axes.plot([row["estimate"]], [y], "o", ms=4, mfc=style["color"] if fill == INK else fill, mec=style["color"], mew=0.9, ls="none", zorder=4)  # fmt: skip


def _key(page: Page, box: Box, n_more: int) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], marker="o", color=INK, ms=4, lw=1.1, label="settled counts"),
        Line2D([], [], marker="o", color=INK, mfc="white", ms=4, lw=1.1, label="latest counts"),
        Line2D([], [], marker="o", color="#888888", ms=4, lw=1.1, label="nothing may be claimed"),
    ]
    page.figure.legend(
        handles=handles, loc="lower left", ncols=3, frameon=False, fontsize=panel.SMALL,
        bbox_to_anchor=box._replace(width=0, height=0).on_page()[:2], borderaxespad=0, borderpad=0, columnspacing=1.5,
    )  # fmt: skip
    more = f" {n_more} more in effects.csv." if n_more else ""
    text = f"Bold: the registered measure. Figures: settled, if any. Patrolled first, then controls; of days: without → with a patrol.{more}"
    write(page.figure, text, box.left + 4.1, box.bottom + 0.01, size=panel.SMALL, color=FAINT_INK)
