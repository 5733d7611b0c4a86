"""The legend of a map of cells: shades, lines, and what the map leaves out.

Not here: the classes themselves (`map_classes`), where the legend stands (`map_layout`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hotspot_pipeline.published import map_classes
from hotspot_pipeline.published.map_panel import DASHES
from hotspot_pipeline.published.page import FAINT_INK, INK, TEXT_SIZE, Box, counted, write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEGEND_IN = 0.66
_N_ROWS = 3


@dataclass(frozen=True)
class LegendWords:
    """What the shades mean, the noun that is counted, and what the outlines are."""

    shades: str = (
        "Counted events per cell (classes of equal ratio; cells without events are not drawn)"
    )
    noun: str = "event"
    outlines: tuple[str, ...] = ("hotspot, with its rank", "borderline hotspot")


EVENTS = LegendWords()


def draw_legend(
    figure: Figure,
    box: Box,
    bounds: list[int],
    n_events: NDArray[np.int64],
    is_off_map: NDArray[np.bool_],
    *,
    has_hotspots: bool,
    has_boundary: bool,
    words: LegendWords = EVENTS,
) -> None:
    """Three rows: what the shades mean, the shades, the lines with a note on cells off the map.

    `n_events` are the counts of the cells with any (events, minutes), `is_off_map` those of them that lie
    outside the main map.
    """
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    row = box.height / _N_ROWS
    if bounds:
        write(
            figure,
            words.shades,
            box.left,
            box.bottom + 2 * row,
            weight="bold",
        )
        n_cells = np.bincount(map_classes.class_of(n_events, bounds), minlength=len(bounds))
        texts = map_classes.labels(bounds, int(n_events.max()))
        shades = map_classes.shades(len(bounds))
        keys: list[Any] = [
            Patch(fc=shade, ec=FAINT_INK, lw=0.4, label=f"{text}  ({counted(int(n), 'cell')})")
            for text, n, shade in zip(texts, n_cells, shades, strict=True)
        ]
        _keys(figure, box.left, box.bottom + row, keys)
    lines: list[Any] = []
    if has_hotspots:
        styles: tuple[Any, ...] = ("solid", DASHES)
        lines += [
            Line2D([], [], color=INK, lw=1.9, ls=style, label=text)
            for style, text in zip(styles, words.outlines, strict=False)
        ]
    if has_boundary:
        lines.append(Line2D([], [], color=FAINT_INK, lw=0.9, label="force boundary"))
    if lines:
        _keys(figure, box.left, box.bottom, lines)
    n_off = int(is_off_map.sum())
    if n_off:
        n_lost = int(n_events[is_off_map].sum())
        note = f"off the map: {counted(n_off, 'cell')} with {counted(n_lost, words.noun)}"
        write(figure, note, box.left + box.width, box.bottom, align="right", color=FAINT_INK)


def _keys(figure: Figure, left: float, foot: float, handles: list[Any]) -> None:
    """One row of keys with its lower left corner at (left, foot), in inches."""
    figure.legend(
        handles=handles, ncols=len(handles), loc="lower left", frameon=False,
        bbox_to_anchor=Box(left, foot, 0, 0).on_page()[:2], fontsize=TEXT_SIZE,
        handlelength=2.0, handletextpad=0.5, columnspacing=1.6, borderpad=0.0, borderaxespad=0.0,
    )  # fmt: skip
