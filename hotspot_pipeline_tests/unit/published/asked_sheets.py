"""Asking a drawn sheet what stands on it, and whether it can be read."""

from __future__ import annotations

import itertools
from typing import Any

from matplotlib.figure import Figure
from matplotlib.text import Text


def texts_of(figure: Figure) -> list[Text]:
    """Every text that is seen, tick labels and legends included."""
    hidden = unseen_tick_labels(figure)
    return [
        text
        for text in figure.findobj(Text)
        if text.get_text().strip()
        and text.get_visible()
        and id(text) not in hidden
        and (text.axes is None or not text.get_clip_on() or box_of(text).overlaps(text.axes.bbox))
    ]


def unseen_tick_labels(figure: Figure) -> set[int]:
    """Ticks beyond the end of their axis are objects without being drawn."""
    hidden = set()
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        low, high = sorted(axis.get_view_interval())
        for tick in (*axis.majorTicks, *axis.minorTicks):
            if not low <= tick.get_loc() <= high:
                hidden |= {id(tick.label1), id(tick.label2)}
    return hidden


def box_of(text: Text) -> Any:
    return text.get_window_extent()


def words_of(figure: Figure) -> str:
    return " ".join(text.get_text() for text in texts_of(figure))


def assert_texts_are_readable(figure: Figure) -> None:
    """Inside the page, at least 7 points, and none over another."""
    width, height = figure.bbox.width, figure.bbox.height
    boxes = [(text, box_of(text)) for text in texts_of(figure)]
    for text, box in boxes:
        assert text.get_fontsize() >= 7, text
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height, text
    for (a, one), (b, other) in itertools.combinations(boxes, 2):
        wide = min(one.x1, other.x1) - max(one.x0, other.x0)
        high = min(one.y1, other.y1) - max(one.y0, other.y0)
        # line boxes hold room for accents and descenders, which may touch
        assert min(wide, high) < 4, f"{a.get_text()!r} over {b.get_text()!r}"
