"""Which fixes cannot be true because nobody is that fast: the fewest are taken out.

Here: the compiled search along one device's fixes. Not here: other rules (`cleaning`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hotspot_pipeline.patrols.compiled import compiled
from hotspot_pipeline.patrols.dwell_rows import Longs
from hotspot_pipeline.patrols.zones import Floats, Ints

_LEAST_MS = 1000  # moments are known to the second at best


@compiled
def believable(
    device: Ints, t: Longs, x: Floats, y: Floats, max_speed_mps: float
) -> NDArray[np.bool_]:
    """Which fixes (by device and time) belong to the longest sequence of their device without a step over the speed.

    One fix gone astray makes two impossible steps, and either of its neighbours could be to blame for each. The longest sequence
    in which every step is possible takes out the fewest fixes and needs no guess. Of several the one with later fixes is taken.

    best[i] = 1 + the highest best[j] of an earlier fix from which i can be reached; the search back ends as soon as no
    earlier fix can do better, so it looks at one fix where all is well.
    """
    n = len(t)
    kept = np.zeros(n, np.bool_)
    best, highest = np.zeros(n, np.int64), np.zeros(n, np.int64)
    before = np.full(n, -1, np.int64)
    begin = 0
    for i in range(n):
        if i > 0 and device[i] != device[i - 1]:
            begin = i
        best[i] = 1
        j = i - 1
        while j >= begin and highest[j] >= best[i]:
            far = max_speed_mps * max(t[i] - t[j], _LEAST_MS) / 1000.0
            if best[j] >= best[i] and (x[i] - x[j]) ** 2 + (y[i] - y[j]) ** 2 <= far * far:
                best[i], before[i] = best[j] + 1, j
            j -= 1
        highest[i] = best[i] if i == begin else max(best[i], highest[i - 1])
        if i == n - 1 or device[i + 1] != device[i]:
            k = i
            while best[k] != highest[i]:
                k -= 1
            while k >= 0:
                kept[k] = True
                k = before[k]
    return kept
