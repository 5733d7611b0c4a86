"""The funnel on a page: each hotspot's change against its size, and the counts beside it.

Here: what goes where. Not here: the limits (`funnel`), title and lead (`pictures`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hotspot_pipeline.published.evaluation.curve_panels import SMALL, set_up
from hotspot_pipeline.published.evaluation.funnel import LEVELS, Funnel
from hotspot_pipeline.published.evaluation.limits_panel import SIGNAL
from hotspot_pipeline.published.page import FAINT_INK, INK, Box, Page, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_ROWS = 30
_TICKS = ((0.25, "a quarter"), (0.5, "half"), (0.75, "three quarters"), (1, "as many"), (4 / 3, "a third more"), (2, "twice"), (4, "four times"))  # fmt: skip
_LEFT_IN, _FOOT_IN, _GAP_IN, _ROW_IN, _HEADING_IN = 0.95, 0.48, 0.35, 0.19, 0.24
_COLUMNS = (("", 0.0, "left"), ("Hotspot", 0.1, "left"), ("Before → after", 0.68, "right"), ("Change", 1.0, "right"))  # fmt: skip
_TOO_FEW = "under 20"


def draw_funnel(page: Page, found: Funnel) -> None:
    free = page.free
    wide = 0.64 * free.width
    box = Box(free.left + _LEFT_IN, free.bottom + _FOOT_IN, wide - _LEFT_IN, free.height - _FOOT_IN - _HEADING_IN)  # fmt: skip
    write(page.figure, "Events after, for each before", free.left, box.bottom + box.height + 0.06, weight="bold")  # fmt: skip
    axes = page.figure.add_axes(box.on_page())
    set_up(axes)
    _draw(axes, found)
    left = free.left + wide + _GAP_IN
    _table(page, Box(left, free.bottom, free.left + free.width - left, free.height), found)


def _draw(axes: Axes, found: Funnel) -> None:
    places = found.places.filter(pl.col("share").is_not_null())
    n = (places["before"] + places["after"]).to_numpy()
    share = places.get_column("share").to_numpy()
    most = 1.08 * float(n.max())
    at = np.linspace(2, most, 300)
    for level, style in zip(LEVELS, ((0, (4, 2)), "-"), strict=True):
        for side in found.limits(at, level):
            axes.plot(at, side, color=FAINT_INK, lw=0.9, ls=style, zorder=2)
    axes.axhline(found.share, color=INK, lw=0.9, ls=":", zorder=2)
    is_small = places.select(pl.min_horizontal("before", "after") < 20).to_series().to_numpy()
    is_outside = places.get_column("is_outside").to_numpy()
    for where, fill in ((is_small, "white"), (~is_small, INK)):
        axes.plot(n[where], share[where], "o", mfc=fill, mec=INK, ms=5, ls="none", zorder=4)
    axes.plot(n[is_outside], share[is_outside], "o", mfc="none", mec=SIGNAL, mew=1.8, ms=11, ls="none", zorder=5)  # fmt: skip
    for x, y, rank in zip(n, share, places.get_column("hotspot_rank"), strict=True):
        axes.annotate(str(rank), (x, y), (5, 3), textcoords="offset points", fontsize=SMALL, color=INK, zorder=6)  # fmt: skip
    low, high = found.limits(np.array([max(float(n.min()), 4.0)]), LEVELS[1])
    axes.set_ylim(max(min(float(low[0]), float(share.min())) - 0.04, -0.02), min(max(float(high[0]), float(share.max())) + 0.04, 1.02))  # fmt: skip
    axes.set_xlim(0, most)
    bottom, top = axes.get_ylim()
    ticks = [(r / (1 + r), text) for r, text in _TICKS if bottom <= r / (1 + r) <= top]
    axes.set_yticks([y for y, _ in ticks], [text for _, text in ticks])
    axes.set_xlabel("events of both stretches together", fontsize=SMALL, color=INK, labelpad=2)
    axes.legend(handles=_handles(), loc="upper right", fontsize=SMALL, frameon=False)


def _table(page: Page, box: Box, found: Funnel) -> None:
    """By rank, as many as there is room for; a change in percent only where both counts are 20 or more."""
    top = box.bottom + box.height - 0.18
    room = int((box.height - 0.4) / _ROW_IN)
    rows = found.places.head(min(room, MOST_ROWS)).iter_rows(named=True)
    for text, at, align in _COLUMNS:
        write(page.figure, text, box.left + at * box.width, top, weight="bold", size=SMALL, align=align)  # fmt: skip
    for row in rows:
        top -= _ROW_IN
        change = row["percent_change"]
        said = _TOO_FEW if change is None else f"{change:+.0f} %"
        rank = "" if row["hotspot_rank"] is None else str(row["hotspot_rank"])
        texts = (rank, row["hotspot_id"], f"{row['before']:,} → {row['after']:,}", said)
        ink = FAINT_INK if change is None else INK
        for text, (_, at, align) in zip(texts, _COLUMNS, strict=True):
            colour = ink if text == said else INK
            write(page.figure, text, box.left + at * box.width, top, size=SMALL, align=align, color=colour)  # fmt: skip
    left_out = found.places.height - min(room, MOST_ROWS)
    if left_out > 0:
        write(page.figure, f"{left_out} more in funnel.csv", box.left, top - _ROW_IN, size=SMALL, color=FAINT_INK)  # fmt: skip


def _handles() -> list[object]:
    from matplotlib.lines import Line2D

    return [
        Line2D([], [], marker="o", color=INK, ms=5, ls="none", label="hotspot, by rank"),
        Line2D([], [], marker="o", color=INK, mfc="white", ms=5, ls="none", label="a count under 20"),
        Line2D([], [], color=INK, lw=0.9, ls=":", label="all hotspots together"),
        Line2D([], [], color=FAINT_INK, lw=0.9, ls=(0, (4, 2)), label="95 % limits"),
        Line2D([], [], color=FAINT_INK, lw=0.9, label="99.8 % limits"),
        Line2D([], [], marker="o", color=SIGNAL, mfc="none", ms=9, mew=1.8, ls="none", label="outside them"),
    ]  # fmt: skip
