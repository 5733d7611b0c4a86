"""What the raster is asked, a point or a way at a time: how far inside or outside a zone, which shares of a way are in zones.

Here: compiled answers, exact by the parts and edges that the raster lists. Not here: the raster (`zone_raster`), who asks
(`dwell_pass`). Arrays are passed one by one: taking one out of a tuple costs as much as the question.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hotspot_pipeline.patrols.compiled import compiled
from hotspot_pipeline.patrols.geometry import is_in_part, squared_distance, way_through
from hotspot_pipeline.patrols.zones import Floats, Ints

Longs = NDArray[np.int64]


@compiled
def signed_distance(
    x: float, y: float, reach_m: float,
    edges: Ints, edge_begin: int, edge_end: int, ex0: Floats, ey0: Floats, ex1: Floats, ey1: Floats,
    parts: Ints, part_begin: int, part_end: int, corner_first: Ints, cx: Floats, cy: Floats,
) -> float:  # fmt: skip
    """Metres outside a zone, negative inside, at most the reach of the raster; by the edges and parts of it that are near.

    Where no edge is near the point lies deeper inside than that; nobody needs to ask."""
    nearest = reach_m * reach_m
    for k in range(edge_begin, edge_end):
        e = edges[k]
        nearest = min(nearest, squared_distance(x, y, ex0[e], ey0[e], ex1[e], ey1[e]))
    distance = float(np.sqrt(nearest))
    for k in range(part_begin, part_end):
        p = parts[k]
        if is_in_part(x, y, cx, cy, corner_first[p], corner_first[p + 1]):
            return -distance
    # on an outline joined a hair's breadth beside its parts, yet in none of them
    return max(distance, 1e-9)


@compiled
def pieces_in(
    ax: float, ay: float, bx: float, by: float, number: int, part_seen: Longs, pieces: Floats, piece_zone: Ints,
    x0: float, y0: float, pixel_m: float, n_columns: int, n_rows: int, reach_m: float, away: NDArray[np.uint8],
    slot: Ints, list_first: Ints, part_first: Ints, parts: Ints,
    part_zone: Ints, corner_first: Ints, cx: Floats, cy: Floats,
) -> int:  # fmt: skip
    """How many `pieces` (written there, with `piece_zone`, by zone and along the way): shares of the way from a to b in zones.

    Every `2 * reach` metres (further where nothing is near) the list of that pixel is looked at; it holds all parts within reach.
    `part_seen` keeps the `number` of the last way that each part was asked about.
    """
    n = 0
    length = np.hypot(bx - ax, by - ay)
    at, is_over = 0.0, False
    while not is_over:
        is_over = at >= length
        share = 1.0 if is_over else at / length
        c = (ax + share * (bx - ax) - x0) / pixel_m
        r = (ay + share * (by - ay) - y0) / pixel_m
        out = max(-c, -r, c - n_columns, r - n_rows)
        if out >= 0.0:
            # outside the raster there is nothing within reach, nor nearer than its rim
            at += max(out * pixel_m, reach_m)
            continue
        pixel = int(r) * n_columns + int(c)
        steps = int(away[pixel])
        if steps > 0:
            at += (steps - 1) * pixel_m + reach_m
            continue
        at += 2.0 * reach_m
        s = slot[pixel]
        for k in range(part_first[list_first[s]], part_first[list_first[s + 1]]):
            p = parts[k]
            if part_seen[p] == number:
                continue
            part_seen[p] = number
            low, high = way_through(ax, ay, bx, by, cx, cy, corner_first[p], corner_first[p + 1])
            if low >= high:
                continue
            z, j = part_zone[p], n
            while j > 0 and (
                piece_zone[j - 1] > z or (piece_zone[j - 1] == z and pieces[j - 1, 0] > low)
            ):
                pieces[j, 0], pieces[j, 1] = pieces[j - 1, 0], pieces[j - 1, 1]
                piece_zone[j] = piece_zone[j - 1]
                j -= 1
            pieces[j, 0], pieces[j, 1], piece_zone[j] = low, high, z
            n += 1
    return n
