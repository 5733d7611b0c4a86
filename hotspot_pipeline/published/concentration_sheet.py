"""The concentration curve as a sheet of paper: the whole curve, its steep start, the figures.

Here: drawing. Not here: the page (`page`), the curve and its figures (`hexes.concentration`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hotspot_pipeline.published.label_places import LOWER_RIGHT_FIRST, place_labels
from hotspot_pipeline.published.page import (
    DPI,
    FAINT_INK,
    INK,
    NOTHING_COUNTED,
    TEXT_SIZE,
    Box,
    Page,
    counted,
    nothing_counted,
    percent,
    text_width,
    window_text,
    write,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Table name of a denominator, its column in the curve, its name for people and its line.
_DENOMINATORS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("all_study_cells", "share_cells", "all study cells", {"color": INK, "ls": "-"}),
    (
        "populated_cells", "share_populated_cells", "cells with an event",
        {"color": "#b3400a", "ls": (0, (5, 1.6))},
    ),
)  # fmt: skip
_MARKED = (25, 50)
_TABLE_IN, _GAP_IN, _LEFT_IN, _BOTTOM_IN, _TITLE_IN = 0.8, 0.85, 0.62, 0.62, 0.25

Floats = NDArray[np.float64]
Row = dict[str, Any]


def lead_sentence(summary: pl.DataFrame) -> str:
    """What the picture says, in a sentence, with both denominators."""
    rows = {row["denominator"]: row for row in summary.iter_rows(named=True)}
    if not rows or not next(iter(rows.values()))["n_events"]:
        return f"{NOTHING_COUNTED}."
    first = next(iter(rows.values()))
    of_each = ", ".join(
        f"{percent(rows[key]['share_cells_for_50pct'])} of {name}"
        for key, _, name, _ in _DENOMINATORS
        if key in rows
    )
    return (
        f"{window_text(first['window_from'], first['window_to'])}: half of "
        f"{counted(first['n_events'], 'counted event')} in "
        f"{counted(first['n_cells_for_50pct'], 'cell')}: {of_each}."
    )


def draw_sheet(page: Page, curve: pl.DataFrame, summary: pl.DataFrame) -> None:
    """Draw both panels and the table into the free box."""
    rows = {row["denominator"]: row for row in summary.iter_rows(named=True)}
    events = curve.get_column("share_events").to_numpy().astype(np.float64)
    if not rows or not events.size or np.isnan(events).any():
        nothing_counted(page)
        return
    table, plots = _split(page.free)
    width = (plots.width - _GAP_IN) / 2
    lines = {
        key: curve.get_column(column).to_numpy().astype(np.float64)
        for key, column, _, _ in _DENOMINATORS
        if key in rows
    }
    whole = _axes(page.figure, plots._replace(width=width), "All cells", 1.0)
    whole.plot([0, 1], [0, 1], color=FAINT_INK, lw=0.8, ls=":", label="if spread evenly")
    right = min(1.0, 1.3 * max(row["share_cells_for_50pct"] for row in rows.values()))
    near_box = plots._replace(left=plots.left + width + _GAP_IN, width=width)
    near = _axes(page.figure, near_box, "The busiest cells", right)
    for axes in (whole, near):
        for key, _, name, style in _DENOMINATORS:
            if key in rows:
                axes.plot(lines[key], events, lw=1.8, label=f"share of {name}", **style)
        for key, _, _, style in _DENOMINATORS:
            if key in rows:
                _mark(axes, lines[key], events, rows[key], style["color"])
    _name_marks(page.figure, near, rows, lines, events)
    whole.legend(loc="lower right", frameon=False, fontsize=TEXT_SIZE, handlelength=3.0)
    _draw_table(page.figure, table, rows)


def _split(free: Box) -> tuple[Box, Box]:
    """The strip of the table, and the box of both plots with room for their tick labels."""
    table = Box(free.left, free.bottom, free.width, _TABLE_IN)
    bottom = free.bottom + _TABLE_IN + _BOTTOM_IN
    top = free.bottom + free.height - _TITLE_IN
    return table, Box(free.left + _LEFT_IN, bottom, free.width - _LEFT_IN, top - bottom)


def _axes(figure: Figure, box: Box, heading: str, right: float) -> Axes:
    """Axes from nothing to all events, and from no cells to `right` (a share)."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

    axes = figure.add_axes(box.on_page())
    axes.set_xlim(0, right)
    # a little above, so that the line at 100 % is drawn whole
    axes.set_ylim(0, 1.015)
    axes.set_title(heading, loc="left", fontsize=TEXT_SIZE + 1, fontweight="bold", color=INK)
    axes.set_xlabel("share of cells, busiest first", fontsize=TEXT_SIZE)
    axes.set_ylabel("share of counted events", fontsize=TEXT_SIZE)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))
    axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
    axes.tick_params(labelsize=TEXT_SIZE - 0.5, colors=INK)
    axes.grid(color="#dddddd", lw=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return axes


def _mark(axes: Axes, shares: Floats, events: Floats, row: Row, colour: str) -> None:
    """A dot on the curve where the busiest cells first hold 25 % and 50 % of the events."""
    for marked in _MARKED:
        x = row[f"share_cells_for_{marked}pct"]
        y = float(np.interp(x, shares, events))
        axes.plot(x, y, "o", ms=6, mfc="white", mec=colour, mew=1.6, zorder=5, clip_on=False)


def _name_marks(
    figure: Figure, axes: Axes, rows: dict[str, Row], lines: dict[str, Floats], events: Floats
) -> None:
    """The share of cells beside each dot, clear of the curves and of each other."""
    marks: dict[tuple[float, float], Any] = {}
    for key, _, _, style in _DENOMINATORS:
        for marked in _MARKED if key in rows else ():
            x = rows[key][f"share_cells_for_{marked}pct"]
            # where two dots are one, so are their names
            marks.setdefault((x, float(np.interp(x, lines[key], events))), style["color"])
    to_pixels = axes.transData.transform
    names = [percent(x) for x, _ in marks]
    per_point = DPI / 72.0
    widths = [text_width(name, TEXT_SIZE, "bold") * DPI for name in names]
    sizes = np.array([[width, TEXT_SIZE * 1.2 * per_point] for width in widths])
    steps = np.linspace(*axes.get_xlim(), 300)
    drawn = [np.column_stack([steps, np.interp(steps, xs, events)]) for xs in lines.values()]
    on_curves = to_pixels(np.vstack(drawn))
    obstacles = np.hstack([on_curves - 2 * per_point, on_curves + 2 * per_point])
    centres = place_labels(
        to_pixels(np.array(list(marks))),
        sizes,
        obstacles,
        np.array(axes.bbox.extents),
        clearance=7 * per_point,
        directions=LOWER_RIGHT_FIRST,
    )
    places = axes.transData.inverted().transform(centres)
    for (x, y), name, colour in zip(places, names, marks.values(), strict=True):
        axes.text(
            x, y, name, ha="center", va="center", fontsize=TEXT_SIZE, color=colour,
            fontweight="bold", zorder=6,
        )  # fmt: skip


def _draw_table(figure: Figure, box: Box, rows: dict[str, Row]) -> None:
    """The figures of each denominator, a row each."""
    columns = (
        ("Places", 0.0, "left"),
        ("Cells", 0.24, "right"),
        ("25 % of events in", 0.40, "right"),
        ("50 % of events in", 0.56, "right"),
        ("Top 1 % holds", 0.68, "right"),
        ("Top 5 % holds", 0.80, "right"),
        ("Gini", 0.86, "right"),
        ("Generalised Gini", 1.0, "right"),
    )
    step = box.height / (len(_DENOMINATORS) + 1.6)
    foot = box.bottom + box.height - step
    for text, at, align in columns:
        write(figure, text, box.left + at * box.width, foot, weight="bold", align=align)
    for key, _, name, _ in _DENOMINATORS:
        if key not in rows:
            continue
        foot -= step
        for text, (_, at, align) in zip(_table_row(name, rows[key]), columns, strict=True):
            write(figure, text, box.left + at * box.width, foot, align=align)


def _table_row(name: str, row: Row) -> tuple[str, ...]:
    def cells(marked: int) -> str:
        return (
            f"{row[f'n_cells_for_{marked}pct']:,} ({percent(row[f'share_cells_for_{marked}pct'])})"
        )

    def index(value: float | None) -> str:
        # adding zero turns -0.0 into 0.0
        return "unknown" if value is None else f"{round(value, 3) + 0.0:.3f}"

    return (
        name[:1].upper() + name[1:],
        f"{row['n_cells']:,}",
        cells(25),
        cells(50),
        percent(row["share_events_top_1pct"]),
        percent(row["share_events_top_5pct"]),
        index(row["gini"]),
        index(row["generalised_gini"]),
    )
