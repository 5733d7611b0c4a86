"""The curves of one trial on one page: event study, residual curve, rings, visits by length, each with what stands against reading it.

Here: what goes where. Not here: one curve (`curve_panels`), title and lead (`effect_pictures`).
"""

from __future__ import annotations

import polars as pl

from hotspot_pipeline.published.evaluation import curve_panels as panel
from hotspot_pipeline.published.evaluation.effect_rows import DesignRows
from hotspot_pipeline.published.page import FAINT_INK, INK, LEAD_SIZE, Box, Page, wrapped, write

CURVES = ("event_study", "residual", "rings", "koper")
_MEASURE = {"rings": "ring_1"}
_KEY_IN, _GAP_IN, _HEADING_IN, _LEFT_IN, _FOOT_IN, _LINE_IN = 0.3, 0.4, 0.22, 0.5, 0.48, 0.15
_NOTE_LINES = 3
NOT_ASKED = "Not asked of this trial, or no data for it yet."


def draw_sheet(page: Page, rows: DesignRows) -> None:
    free = page.free
    top = free.bottom + free.height
    for text in banners(rows):
        top -= banner(page, Box(free.left, top, free.width, 0), text)
    bottom = free.bottom + _KEY_IN
    width = (free.width - _GAP_IN) / 2
    height = (top - bottom) / 2
    for at, name in enumerate(CURVES):
        row, column = divmod(at, 2)
        box = Box(free.left + column * (width + _GAP_IN), top - (row + 1) * height, width, height)
        _draw(page, box, name, rows)
    page.figure.legend(
        handles=panel.handles(), loc="lower left", ncols=6, frameon=False, fontsize=panel.SMALL,
        bbox_to_anchor=Box(free.left, free.bottom, 0, 0).on_page()[:2], borderaxespad=0, borderpad=0, columnspacing=1.5, handletextpad=0.5,
    )  # fmt: skip


def banners(rows: DesignRows) -> list[str]:
    """What must be read before any of the curves."""
    design = rows.design
    found = []
    if not design["is_causal"]:
        why = design["why_not_causal"] or "neither a lot nor controls over the same time"
        found.append(f"NOT CAUSAL: {why.removeprefix('not causal: ')}")
    if design["is_exploratory"]:
        found.append("EXPLORATORY: the decisions were changed after outcomes were known; nothing may be claimed")  # fmt: skip
    return found


def notes(rows: DesignRows, name: str, steps: pl.DataFrame) -> list[str]:
    """Why a curve may not be read as what patrols did, why steps are missing, what it is compared with."""
    why_not = rows.forbidding(_MEASURE.get(name, name))
    lost = steps.filter(~pl.col("is_estimable")).get_column("note").drop_nulls().to_list()
    reference = steps.filter(pl.col("is_reference")).get_column("note").drop_nulls().to_list()
    found = list(dict.fromkeys(lost))
    others = [why for why in why_not if why not in lost]
    if others:
        found.append(f"Not to be read as patrols' doing: {'; '.join(others)}.")
    if name == "koper":
        found.append("Descriptive only: visits are not made at random, and events so soon after one are few.")  # fmt: skip
    return found + [f"Reference: {why.removeprefix('against ')}" for why in reference]


def _draw(page: Page, box: Box, name: str, rows: DesignRows) -> None:
    steps = rows.curve(name)
    top = box.bottom + box.height - _HEADING_IN
    write(page.figure, panel.LOOKS[name].heading, box.left, top, weight="bold")
    lines = []
    for note in notes(rows, name, steps) if steps.height else [NOT_ASKED]:
        lines += wrapped(note.split(), panel.SMALL, box.width)
    if len(lines) > _NOTE_LINES:
        lines = [*lines[: _NOTE_LINES - 1], f"{lines[_NOTE_LINES - 1]} …"]
    for at, line in enumerate(lines):
        write(page.figure, line, box.left, top - (at + 1) * _LINE_IN, size=panel.SMALL, color=FAINT_INK)  # fmt: skip
    if not _has_values(steps):
        if steps.height:
            write(page.figure, "NOT ESTIMABLE", box.left + box.width / 2, box.bottom + 0.4 * box.height, size=LEAD_SIZE + 2, weight="bold", align="center")  # fmt: skip
        return
    room = top - max(len(lines), 1) * _LINE_IN - 0.1
    area = Box(box.left + _LEFT_IN, box.bottom + _FOOT_IN, box.width - _LEFT_IN, room - box.bottom - _FOOT_IN)  # fmt: skip
    axes = page.figure.add_axes(area.on_page())
    panel.set_up(axes)
    panel.draw_curve(axes, name, steps)


def _has_values(steps: pl.DataFrame) -> bool:
    """Anything but references."""
    known = pl.col("is_estimable") & pl.col("estimate").is_not_null() & ~pl.col("is_reference")
    return steps.filter(known).height > 0


def banner(page: Page, under: Box, text: str) -> float:
    """A framed line across the page; the height that it took."""
    lines = wrapped(text.split(), LEAD_SIZE, under.width - 0.3, weight="bold")
    height = 0.19 * len(lines) + 0.12
    axes = page.figure.add_axes(under._replace(bottom=under.bottom - height, height=height).on_page())  # fmt: skip
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set(color=INK, linewidth=1.4)
    for at, line in enumerate(lines):
        write(page.figure, line, under.left + 0.12, under.bottom - 0.06 - (at + 1) * 0.19, size=LEAD_SIZE, weight="bold")  # fmt: skip
    return height + 0.12
