"""What the raster is asked, a point or a way at a time: which zones are near, how far inside or outside, which share of a way is in.

Here: compiled answers, exact by the parts and edges that the raster lists. Not here: the raster (`zone_raster`), who asks
(`dwell_pass`).
"""

from __future__ import annotations

import numpy as np

from hotspot_pipeline.patrols.compiled import compiled
from hotspot_pipeline.patrols.geometry import is_in_part, squared_distance, way_through
from hotspot_pipeline.patrols.zone_raster import ZoneRaster
from hotspot_pipeline.patrols.zones import Floats, Ints, ZoneShapes
from hotspot_pipeline.patrols.dwell_rows import Longs


@compiled
def slot_of(x: float, y: float, raster: ZoneRaster) -> int:
    """The list of the pixel a point is in; -1 where it has none."""
    c, r = (x - raster.x0) / raster.pixel_m, (y - raster.y0) / raster.pixel_m
    if not (0.0 <= c < raster.n_columns and 0.0 <= r < raster.n_rows):
        return -1
    return int(raster.slot[int(r) * raster.n_columns + int(c)])


@compiled
def signed_distance(x: float, y: float, entry: int, shapes: ZoneShapes, raster: ZoneRaster) -> float:
    """Metres outside a zone, negative inside; no further either way than the reach of the raster."""
    begin, end = raster.edge_begin[entry], raster.edge_end[entry]
    if begin == end:
        return -raster.reach_m
    nearest = raster.reach_m * raster.reach_m
    for k in range(begin, end):
        e = raster.edges[k]
        nearest = min(
            nearest,
            squared_distance(x, y, shapes.edge_x0[e], shapes.edge_y0[e], shapes.edge_x1[e], shapes.edge_y1[e]),
        )  # fmt: skip
    distance = float(np.sqrt(nearest))
    for k in range(raster.part_first[entry], raster.part_first[entry + 1]):
        p = raster.parts[k]
        if is_in_part(
            x, y, shapes.corner_x, shapes.corner_y, shapes.part_first[p], shapes.part_first[p + 1]
        ):
            return -distance
    # beyond the reach of the pixel's list there is no telling apart a bit more and far more
    return distance if distance > 0.0 else 1e-9


@compiled
def pieces_in(
    ax: float, ay: float, bx: float, by: float, number: int, shapes: ZoneShapes, raster: ZoneRaster, part_seen: Longs,
    pieces: Floats, piece_zone: Ints,
) -> tuple[int, Floats, Ints]:  # fmt: skip
    """(n, pieces, zones): shares of the way from a to b that lie in zones, by zone and along the way.

    Every `2 * reach` metres (further where nothing is near) the list of that pixel is looked at; it holds all parts within reach.
    """
    n = 0
    length = float(np.hypot(bx - ax, by - ay))
    at, is_over = 0.0, False
    while not is_over:
        is_over = at >= length
        share = 1.0 if is_over else at / length
        c = (ax + share * (bx - ax) - raster.x0) / raster.pixel_m
        r = (ay + share * (by - ay) - raster.y0) / raster.pixel_m
        # outside the raster: as far from its lists as from its rim, and then as far as the rim says
        out = max(0.0, -c, -r, c - raster.n_columns, r - raster.n_rows)
        column = min(max(int(np.floor(c)), 0), raster.n_columns - 1)
        row = min(max(int(np.floor(r)), 0), raster.n_rows - 1)
        pixel = row * raster.n_columns + column
        steps = raster.away[pixel]
        if out > 0.0:
            at += max(out * raster.pixel_m, raster.reach_m)
        elif steps > 0:
            at += (steps - 1) * raster.pixel_m + raster.reach_m
        else:
            at += 2.0 * raster.reach_m
            slot = raster.slot[pixel]
            for k in range(
                raster.part_first[raster.first[slot]], raster.part_first[raster.first[slot + 1]]
            ):
                p = raster.parts[k]
                if part_seen[p] == number:
                    continue
                part_seen[p] = number
                low, high = way_through(
                    ax, ay, bx, by, shapes.corner_x, shapes.corner_y, shapes.part_first[p], shapes.part_first[p + 1]
                )  # fmt: skip
                if low >= high:
                    continue
                if n == len(pieces):
                    pieces = np.concatenate((pieces, np.empty_like(pieces)))
                    piece_zone = np.concatenate((piece_zone, np.empty_like(piece_zone)))
                j = n
                z = shapes.part_zone[p]
                while j > 0 and (
                    piece_zone[j - 1] > z or (piece_zone[j - 1] == z and pieces[j - 1, 0] > low)
                ):
                    pieces[j, 0], pieces[j, 1] = pieces[j - 1, 0], pieces[j - 1, 1]
                    piece_zone[j] = piece_zone[j - 1]
                    j -= 1
                pieces[j, 0], pieces[j, 1], piece_zone[j] = low, high, z
                n += 1
    return n, pieces, piece_zone
