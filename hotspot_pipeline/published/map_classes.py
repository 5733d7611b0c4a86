"""The classes of a map of counts: where they begin, and their shades.

Counts by cell are heavy-tailed: most cells have a handful of events, a few have hundreds. Classes of
equal width would leave one shade for nearly all, so these are equal in proportion (geometric), with
bounds that people say: 1, 2, 3, 5, 7, 10, 15, 20, 30 ...

Not here: drawing (`map_panel`).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

N_CLASSES = 5
_STEPS = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)


def lower_bounds(highest: int, n_classes: int = N_CLASSES) -> list[int]:
    """The least count of each class, upwards from 1; fewer classes where the counts are few.

    `highest` is the greatest count of a cell (at least 1). The bounds divide 1 to `highest` into
    equal ratios and are then moved to the nearest round number; up to `n_classes` counts are a class
    each.
    """
    if highest < 1:
        raise ValueError(f"the greatest count is {highest}: classes need a cell with an event")
    if highest <= n_classes:
        return list(range(1, highest + 1))
    found = {_round_number(highest ** (at / n_classes)) for at in range(n_classes)}
    return sorted(bound for bound in found if bound <= highest)


def class_of(n_events: NDArray[np.int64], bounds: list[int]) -> NDArray[np.int64]:
    """The class of each count, 0 for the lowest; counts are at least 1."""
    return np.searchsorted(bounds, n_events, side="right").astype(np.int64) - 1


def labels(bounds: list[int], highest: int) -> list[str]:
    """`1–2`, `3–9` ..., the last one up to `highest`."""
    ends = [*(bound - 1 for bound in bounds[1:]), highest]
    return [
        f"{low:,}" if low == end else f"{low:,}–{end:,}"
        for low, end in zip(bounds, ends, strict=True)
    ]


def shades(n_classes: int) -> list[tuple[float, float, float, float]]:
    """Colours from light yellow to dark red, evenly darker in grey print too (ColorBrewer YlOrRd)."""
    from matplotlib import colormaps

    if n_classes == 1:
        return [colormaps["YlOrRd"](0.6)]
    return [colormaps["YlOrRd"](0.16 + 0.84 * at / (n_classes - 1)) for at in range(n_classes)]


def _round_number(value: float) -> int:
    power = 10 ** math.floor(math.log10(value))
    near = [step * scale for scale in (power, 10 * power) for step in _STEPS]
    whole = [int(number) for number in near if number == int(number)]
    return min(whole, key=lambda number: abs(math.log(number / value)))
