"""Where labels go so that they cover neither each other nor what they name.

Here: positions in pixels, from positions and sizes in pixels. Not here: drawing (`map_panel`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Directions to try, in degrees from east: upper right first, as cartographers do.
UPPER_RIGHT_FIRST = (45, 0, 315, 90, 270, 135, 180, 225)
LOWER_RIGHT_FIRST = (315, 0, 270, 45, 225, 135, 180, 90)
_DISTANCES = (1.0, 2.2, 3.6, 5.5)


def place_labels(
    points: Floats,
    sizes: Floats,
    obstacles: Floats,
    bounds: Floats,
    *,
    clearance: float,
    directions: Sequence[int] = UPPER_RIGHT_FIRST,
) -> Floats:
    """The centre of each label (n by 2).

    `points` are the places named (n by 2), `sizes` the labels' width and height (n by 2),
    `obstacles` boxes to stay off (m by 4: left, bottom, right, top), `bounds` the box to stay in.
    Greedy, in the order given: the nearest free place, at least `clearance` away, in the first free
    one of the `directions`; where none is free, the place that covers least.
    """
    walls = np.asarray(obstacles, dtype=np.float64).reshape(-1, 4)
    rings = np.hstack([points - clearance, points + clearance])
    placed: list[Floats] = []
    centres = np.empty_like(points, dtype=np.float64)
    for at, (point, size) in enumerate(zip(points, sizes, strict=True)):
        others = np.vstack([walls, np.delete(rings, at, axis=0), *placed])
        tried: list[tuple[float, int, Floats, Floats]] = []
        for distance in _DISTANCES:
            for degrees in directions:
                angle = np.deg2rad(degrees)
                away = np.round([np.cos(angle), np.sin(angle)], 9)
                # the side or corner of the label that looks at the point is `clearance` away
                centre = point + away * clearance * distance + np.sign(away) * size / 2
                box = np.concatenate([centre - size / 2, centre + size / 2])
                cost = _overlap(box, others) + _outside(box, np.asarray(bounds).reshape(4))
                tried.append((cost, len(tried), centre, box))
        _, _, centres[at], chosen = min(tried, key=lambda option: option[:2])
        placed.append(chosen[None, :])
    return centres


def _overlap(box: Floats, others: Floats) -> float:
    wide = np.minimum(box[2], others[:, 2]) - np.maximum(box[0], others[:, 0])
    high = np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1])
    return float((np.clip(wide, 0, None) * np.clip(high, 0, None)).sum())


def _outside(box: Floats, bounds: Floats) -> float:
    """The area of the box that lies outside the bounds."""
    area = (box[2] - box[0]) * (box[3] - box[1])
    return float(area - _overlap(box, bounds[None, :]))
