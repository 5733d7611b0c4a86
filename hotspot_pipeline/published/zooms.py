"""Which parts of the force a map enlarges: windows of one size around the most hotspots.

Here: choosing and naming windows, in metres of the National Grid. Not here: drawing (`map_panel`).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from hotspot_pipeline.geo.grid_reference import SQUARES

MAX_ZOOMS = 4
#: A window that shows more than this share of an earlier one again is no use to a reader.
MOST_REPEATED = 0.4
_SLIDES = (0.0, -0.25, 0.25, -0.5, 0.5, -0.75, 0.75, -1.0, 1.0)
#: With more hotspots than this, windows start from the busiest ones only.
_MAX_ANCHORS = 150

Bounds = NDArray[np.float64]


@dataclass(frozen=True)
class Extent:
    """A rectangle in EPSG:27700, in metres."""

    west: float
    south: float
    east: float
    north: float

    @property
    def width_m(self) -> float:
        return self.east - self.west

    @property
    def height_m(self) -> float:
        return self.north - self.south

    @property
    def centre(self) -> tuple[float, float]:
        return (self.west + self.east) / 2, (self.south + self.north) / 2

    def holds(self, bounds: Bounds) -> NDArray[np.bool_]:
        """Which boxes (rows of west, south, east, north) lie in it altogether."""
        west, south, east, north = bounds.reshape(-1, 4).T
        inside: NDArray[np.bool_] = (
            (west >= self.west)
            & (south >= self.south)
            & (east <= self.east)
            & (north <= self.north)
        )
        return inside

    def widened(self, aspect: float) -> Extent:
        """The smallest extent around it, of the same centre, that is `aspect` times as wide as high."""
        width = max(self.width_m, self.height_m * aspect)
        return around(self.centre, width, width / aspect)

    def grown(self, by_m: float) -> Extent:
        return Extent(self.west - by_m, self.south - by_m, self.east + by_m, self.north + by_m)


def around(centre: tuple[float, float], width_m: float, height_m: float) -> Extent:
    x, y = centre
    return Extent(x - width_m / 2, y - height_m / 2, x + width_m / 2, y + height_m / 2)


def choose_zooms(
    bounds: Bounds,
    n_events: NDArray[np.int64],
    *,
    width_m: float,
    height_m: float,
    margin_m: float = 0.0,
    most: int = MAX_ZOOMS,
) -> list[Extent]:
    """Up to `most` windows of the given size that show the most hotspots, none without one.

    `bounds` holds west, south, east, north of each hotspot (n by 4, metres), `n_events` its events.
    Greedy: each window is put where it holds the most hotspots that no earlier one holds, of equal
    ones where it holds the most events, and is then centred on them or slid aside so that it repeats
    little of an earlier one; each hotspot stays at least `margin_m` from the edge. A hotspot larger
    than that is in none, nor is one that only a window of mostly repeated ground would show.
    """
    boxes = np.asarray(bounds, dtype=np.float64).reshape(-1, 4)
    left = np.ones(len(boxes), dtype=bool)
    windows: list[Extent] = []
    while len(windows) < most and left.any():
        held = _best_group(boxes, n_events, left, width_m - 2 * margin_m, height_m - 2 * margin_m)
        if not held.any():
            break
        window = _placed(boxes[held], windows, width_m, height_m, margin_m)
        if window is None:
            # the group is spread around an earlier window: its busiest hotspot alone may find a place
            busiest = np.flatnonzero(held)[np.argmax(n_events[held])]
            held = np.arange(len(boxes)) == busiest
            window = _placed(boxes[held], windows, width_m, height_m, margin_m)
        # the group itself, whatever rounding says at its edge
        left &= ~held
        if window is not None:
            windows.append(window)
            left &= ~window.holds(boxes)
    return windows


def _placed(
    group: Bounds, earlier: list[Extent], width_m: float, height_m: float, margin_m: float
) -> Extent | None:
    """The window that holds the group as near its middle as it can without repeating an earlier one; or None."""
    west, east = float(group[:, 0].min()), float(group[:, 2].max())
    south, north = float(group[:, 1].min()), float(group[:, 3].max())
    x, y = (west + east) / 2, (south + north) / 2
    # as far as it can slide before the group comes too near its edge
    dx = max(0.0, (width_m - (east - west)) / 2 - margin_m)
    dy = max(0.0, (height_m - (north - south)) / 2 - margin_m)
    steps = sorted(product(_SLIDES, _SLIDES), key=lambda ab: (ab[0] ** 2 + ab[1] ** 2, ab))
    for a, b in steps:
        window = around((x + a * dx, y + b * dy), width_m, height_m)
        if all(_shared(window, e) <= MOST_REPEATED for e in earlier):
            return window
    return None


def _shared(a: Extent, b: Extent) -> float:
    """The share of `a` that `b` shows too."""
    across = min(a.east, b.east) - max(a.west, b.west)
    along = min(a.north, b.north) - max(a.south, b.south)
    return max(0.0, across) * max(0.0, along) / (a.width_m * a.height_m)


def _best_group(
    boxes: Bounds,
    n_events: NDArray[np.int64],
    left: NDArray[np.bool_],
    width_m: float,
    height_m: float,
) -> NDArray[np.bool_]:
    """The hotspots of the best window; a best one has a hotspot at its west and one at its south."""
    busiest = np.argsort(-n_events, kind="stable")
    anchors = busiest[left[busiest]][:_MAX_ANCHORS]
    best, best_score = np.zeros(len(boxes), dtype=bool), (0, 0)
    for west in boxes[anchors, 0]:
        across = left & (boxes[:, 0] >= west) & (boxes[:, 2] <= west + width_m)
        for south in boxes[anchors, 1]:
            held = across & (boxes[:, 1] >= south) & (boxes[:, 3] <= south + height_m)
            score = (int(held.sum()), int(n_events[held].sum()))
            if score > best_score:
                best, best_score = held, score
    return best


def grid_square(easting: float, northing: float) -> str:
    """The 1 km square of the National Grid, such as `SP 31 65`; empty off the lettered squares."""
    corner = (int(easting // 100_000) * 100_000, int(northing // 100_000) * 100_000)
    letters = next((name for name, south_west in SQUARES.items() if south_west == corner), None)
    if letters is None:
        return ""
    return f"{letters} {int(easting % 100_000) // 1000:02d} {int(northing % 100_000) // 1000:02d}"
