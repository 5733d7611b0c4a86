"""A point and an edge, a point and a convex outline, a straight way through one: compiled, one at a time.

Here: plane geometry in metres. Not here: which outlines to ask (`zone_raster`), time (`dwell_pass`).
"""

from __future__ import annotations

from hotspot_pipeline.patrols.compiled import inlined
from hotspot_pipeline.patrols.zones import Floats


@inlined
def squared_distance(x: float, y: float, x0: float, y0: float, x1: float, y1: float) -> float:
    """Square metres from a point to an edge."""
    dx, dy = x1 - x0, y1 - y0
    length = dx * dx + dy * dy
    share = 0.0
    if length > 0.0:
        share = min(1.0, max(0.0, ((x - x0) * dx + (y - y0) * dy) / length))
    away_x, away_y = x - x0 - share * dx, y - y0 - share * dy
    return away_x * away_x + away_y * away_y


@inlined
def is_in_part(x: float, y: float, cx: Floats, cy: Floats, begin: int, end: int) -> bool:
    """Whether a point lies in the convex outline of these corners (anticlockwise), or on it."""
    j = end - 1
    for k in range(begin, end):
        if (cx[k] - cx[j]) * (y - cy[j]) - (cy[k] - cy[j]) * (x - cx[j]) < 0.0:
            return False
        j = k
    return True


@inlined
def way_through(
    ax: float, ay: float, bx: float, by: float, cx: Floats, cy: Floats, begin: int, end: int
) -> tuple[float, float]:
    """Shares of the way from a to b between which it lies in the convex outline; the first is not the smaller where it misses.

    Inside is where depth + share * gain >= 0 for every edge (Cyrus and Beck 1978, Computers & Graphics 3, 23-28).
    """
    low, high = 0.0, 1.0
    dx, dy = bx - ax, by - ay
    j = end - 1
    for k in range(begin, end):
        ex, ey = cx[k] - cx[j], cy[k] - cy[j]
        depth = ex * (ay - cy[j]) - ey * (ax - cx[j])
        gain = ex * dy - ey * dx
        if gain > 0.0:
            low = max(low, -depth / gain)
        elif gain < 0.0:
            high = min(high, -depth / gain)
        elif depth < 0.0:
            return 1.0, 0.0
        j = k
    return low, high
