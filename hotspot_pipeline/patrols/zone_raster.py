"""Which zones are near: pixels of some 20 m, each with the parts and edges of zones within reach of it.

Here: the raster. Not here: zones (`zones`), what is asked of it (`dwell_pass`).

Nearly all fixes of a force lie far from every zone, so most of the work is to say so quickly: a pixel without a list knows how
many pixels the nearest list is away. A list holds everything within `reach` of any point of its pixel, so a way is
searched in steps of twice the reach, and answers are exact however coarse the pixels are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hotspot_pipeline.patrols.compiled import compiled
from hotspot_pipeline.patrols.geometry import is_in_part, squared_distance
from hotspot_pipeline.patrols.zone_questions import signed_distance
from hotspot_pipeline.patrols.zones import Floats, Ints, ZoneShapes

PIXEL_M = 20.0
_OUTLINE_M = 0.01  # by which an outline may lie beside the sides of its parts, and more
_MOST_PIXELS = 16_000_000  # a county of 80 km by 80 km; wider areas get wider pixels


class ZoneRaster(NamedTuple):
    """`away` by pixel (row by row from the south-west): steps to the nearest pixel with a list, 0 for one itself, at most 255.
    Where it is 0, `slot` is the number of the list, with the entries `first[slot]` to `first[slot + 1]`: a zone each, its parts
    and its edges that are near. An entry without edges lies wholly inside its zone, deeper than the reach. `middle` is how far outside
    its zone (negative: inside) the middle of an entry's pixel is, at most `reach_m` and half a pixel's diagonal: a point can be no
    further from that than it is from the middle, so most questions are answered without looking at an edge.
    """

    x0: float
    y0: float
    pixel_m: float
    n_columns: int
    n_rows: int
    reach_m: float
    away: NDArray[np.uint8]
    slot: Ints
    first: Ints
    entry_zone: Ints
    part_first: Ints
    parts: Ints
    edge_begin: Ints
    edge_end: Ints
    edges: Ints
    middle: NDArray[np.float32]


def make_raster(shapes: ZoneShapes, reach_m: float, pixel_m: float = PIXEL_M) -> ZoneRaster:
    """The raster of zones for questions within `reach_m` of them; of one empty pixel where there are none."""
    if not len(shapes.part_zone):
        nothing = np.zeros(0, np.int32)
        return ZoneRaster(
            0.0, 0.0, pixel_m, 1, 1, reach_m, np.full(1, 255, np.uint8), np.full(1, -1, np.int32),
            np.zeros(1, np.int32), nothing, np.zeros(1, np.int32), nothing, nothing, nothing, nothing,
            np.zeros(0, np.float32),
        )  # fmt: skip
    margin = reach_m + pixel_m
    west, south = shapes.corner_x.min() - margin, shapes.corner_y.min() - margin
    width, height = shapes.corner_x.max() + margin - west, shapes.corner_y.max() + margin - south
    pixel = max(pixel_m, float(np.sqrt(width * height / _MOST_PIXELS)))
    n_columns, n_rows = int(width / pixel) + 1, int(height / pixel) + 1
    plane = (float(west), float(south), pixel, n_columns, n_rows)
    near = reach_m + pixel * np.sqrt(0.5)
    part_pixels, parts = _near_parts(
        shapes.part_first, shapes.corner_x, shapes.corner_y, *plane, near
    )
    edge_pixels, edges = _near_edges(
        shapes.edge_x0, shapes.edge_y0, shapes.edge_x1, shapes.edge_y1, *plane, near + _OUTLINE_M
    )
    n_pixels = n_columns * n_rows
    away = np.full(n_pixels, 255, np.uint8)
    away[part_pixels] = 0
    _spread(away, n_columns, n_rows)
    listed = np.flatnonzero(away == 0).astype(np.int32)
    slot = np.full(n_pixels, -1, np.int32)
    slot[listed] = np.arange(len(listed), dtype=np.int32)
    # by pixel; parts and edges come in order of zones, and keep it
    parts_by, parts = _by_slot(slot, part_pixels, parts, len(listed))
    edges_by, edges = _by_slot(slot, edge_pixels, edges, len(listed))
    entries = _entries(parts_by, parts, shapes.part_zone, edges_by, edges, shapes.edge_zone)
    first, entry_zone, part_first, edge_begin, edge_end = entries
    middle = _middles(
        listed, first, *plane, near, edges, edge_begin, edge_end, shapes.edge_x0, shapes.edge_y0, shapes.edge_x1,
        shapes.edge_y1, parts, part_first, shapes.part_first, shapes.corner_x, shapes.corner_y,
    )  # fmt: skip
    return ZoneRaster(
        *plane,
        reach_m,
        away,
        slot,
        first,
        entry_zone,
        part_first,
        parts,
        edge_begin,
        edge_end,
        edges,
        middle,
    )


@compiled
def _near_parts(
    part_first: Ints, cx: Floats, cy: Floats, x0: float, y0: float, pixel: float, n_columns: int, n_rows: int, near: float
) -> tuple[Ints, Ints]:  # fmt: skip
    """(pixel, part) of every pixel whose centre is within `near` of a part."""
    pixels, parts, n = np.empty(1024, np.int32), np.empty(1024, np.int32), 0
    for p in range(len(part_first) - 1):
        begin, end = part_first[p], part_first[p + 1]
        low_c = max(0, int((cx[begin:end].min() - near - x0) / pixel))
        high_c = min(n_columns - 1, int((cx[begin:end].max() + near - x0) / pixel))
        low_r = max(0, int((cy[begin:end].min() - near - y0) / pixel))
        high_r = min(n_rows - 1, int((cy[begin:end].max() + near - y0) / pixel))
        for r in range(low_r, high_r + 1):
            for c in range(low_c, high_c + 1):
                x, y = x0 + (c + 0.5) * pixel, y0 + (r + 0.5) * pixel
                is_near = is_in_part(x, y, cx, cy, begin, end)
                j = end - 1
                for k in range(begin, end):
                    if is_near:
                        break
                    is_near = squared_distance(x, y, cx[j], cy[j], cx[k], cy[k]) <= near * near
                    j = k
                if is_near:
                    if n == len(pixels):
                        pixels = np.concatenate((pixels, np.empty(n, np.int32)))
                        parts = np.concatenate((parts, np.empty(n, np.int32)))
                    pixels[n], parts[n] = r * n_columns + c, p
                    n += 1
    return pixels[:n].copy(), parts[:n].copy()


@compiled
def _near_edges(
    ex0: Floats, ey0: Floats, ex1: Floats, ey1: Floats, x0: float, y0: float, pixel: float, n_columns: int, n_rows: int,
    near: float,
) -> tuple[Ints, Ints]:  # fmt: skip
    """(pixel, edge) of every pixel whose centre is within `near` of an edge."""
    pixels, edges, n = np.empty(1024, np.int32), np.empty(1024, np.int32), 0
    for e in range(len(ex0)):
        low_c = max(0, int((min(ex0[e], ex1[e]) - near - x0) / pixel))
        high_c = min(n_columns - 1, int((max(ex0[e], ex1[e]) + near - x0) / pixel))
        low_r = max(0, int((min(ey0[e], ey1[e]) - near - y0) / pixel))
        high_r = min(n_rows - 1, int((max(ey0[e], ey1[e]) + near - y0) / pixel))
        for r in range(low_r, high_r + 1):
            for c in range(low_c, high_c + 1):
                x, y = x0 + (c + 0.5) * pixel, y0 + (r + 0.5) * pixel
                if squared_distance(x, y, ex0[e], ey0[e], ex1[e], ey1[e]) <= near * near:
                    if n == len(pixels):
                        pixels = np.concatenate((pixels, np.empty(n, np.int32)))
                        edges = np.concatenate((edges, np.empty(n, np.int32)))
                    pixels[n], edges[n] = r * n_columns + c, e
                    n += 1
    return pixels[:n].copy(), edges[:n].copy()


@compiled
def _spread(away: NDArray[np.uint8], n_columns: int, n_rows: int) -> None:
    """Fills in the steps (also diagonal ones) to the nearest 0, in place: forwards, then backwards."""
    for r in range(n_rows):
        for c in range(n_columns):
            best = int(away[r * n_columns + c])
            if c > 0:
                best = min(best, int(away[r * n_columns + c - 1]) + 1)
            if r > 0:
                for d in range(max(0, c - 1), min(n_columns, c + 2)):
                    best = min(best, int(away[(r - 1) * n_columns + d]) + 1)
            away[r * n_columns + c] = best
    for r in range(n_rows - 1, -1, -1):
        for c in range(n_columns - 1, -1, -1):
            best = int(away[r * n_columns + c])
            if c < n_columns - 1:
                best = min(best, int(away[r * n_columns + c + 1]) + 1)
            if r < n_rows - 1:
                for d in range(max(0, c - 1), min(n_columns, c + 2)):
                    best = min(best, int(away[(r + 1) * n_columns + d]) + 1)
            away[r * n_columns + c] = best


@compiled
def _by_slot(slot: Ints, pixels: Ints, things: Ints, n_slots: int) -> tuple[Ints, Ints]:
    """(first, things): the things of each list, by counting, in the order in which they came."""
    first = np.zeros(n_slots + 1, np.int32)
    for pixel in pixels:
        if slot[pixel] >= 0:
            first[slot[pixel] + 1] += 1
    for s in range(n_slots):
        first[s + 1] += first[s]
    at = first[:-1].copy()
    placed = np.empty(first[-1], np.int32)
    for i in range(len(pixels)):
        s = slot[pixels[i]]
        if s >= 0:
            placed[at[s]] = things[i]
            at[s] += 1
    return first, placed


@compiled
def _entries(
    parts_by: Ints, parts: Ints, part_zone: Ints, edges_by: Ints, edges: Ints, edge_zone: Ints
) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """(first, zone, part_first, edge_begin, edge_end): the parts and edges of each list, zone by zone."""
    n_slots, most = len(parts_by) - 1, len(parts)
    first, part_first = np.zeros(n_slots + 1, np.int32), np.empty(most + 1, np.int32)
    zone, begin, end = np.empty(most, np.int32), np.empty(most, np.int32), np.empty(most, np.int32)
    n = 0
    for s in range(n_slots):
        edge = edges_by[s]
        for i in range(parts_by[s], parts_by[s + 1]):
            if n > first[s] and part_zone[parts[i]] == zone[n - 1]:
                continue
            zone[n], part_first[n] = part_zone[parts[i]], i
            while edge < edges_by[s + 1] and edge_zone[edges[edge]] < zone[n]:
                edge += 1
            begin[n] = edge
            while edge < edges_by[s + 1] and edge_zone[edges[edge]] == zone[n]:
                edge += 1
            end[n] = edge
            n += 1
        first[s + 1] = n
    part_first[n] = most
    return first, zone[:n].copy(), part_first[: n + 1].copy(), begin[:n].copy(), end[:n].copy()


@compiled
def _middles(
    listed: Ints, first: Ints, x0: float, y0: float, pixel: float, n_columns: int, n_rows: int, near: float, edges: Ints,
    edge_begin: Ints, edge_end: Ints, ex0: Floats, ey0: Floats, ex1: Floats, ey1: Floats, parts: Ints, part_first: Ints,
    corner_first: Ints, cx: Floats, cy: Floats,
) -> NDArray[np.float32]:  # fmt: skip
    """`ZoneRaster.middle` of every entry."""
    middle = np.empty(len(edge_begin), np.float32)
    for s in range(len(listed)):
        r, c = divmod(listed[s], n_columns)
        x, y = x0 + (c + 0.5) * pixel, y0 + (r + 0.5) * pixel
        for entry in range(first[s], first[s + 1]):
            middle[entry] = signed_distance(
                x, y, near, edges, edge_begin[entry], edge_end[entry], ex0, ey0, ex1, ey1,
                parts, part_first[entry], part_first[entry + 1], corner_first, cx, cy,
            )  # fmt: skip
    return middle
