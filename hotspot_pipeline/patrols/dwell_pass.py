"""The compiled pass over the fixes of all devices: each fix is looked at once, each way between two fixes once.

Here: the state of one device as its fixes go by, and the rows that come of it. Not here: what the rows mean for people (`dwell`),
the rows (`dwell_rows`), what is near (`zone_questions`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hotspot_pipeline.patrols.compiled import compiled
from hotspot_pipeline.patrols.dwell_rows import (
    BASE,
    COVERED,
    N_STAY,
    POSSIBLE,
    SEEN,
    WIDTH,
    Longs,
    add_crossing,
    add_row,
    begin_stay,
    close_stay,
    close_stays,
    extend_stay,
    note_fix,
    with_room,
)
from hotspot_pipeline.patrols.geometry import way_through
from hotspot_pipeline.patrols.zone_questions import pieces_in, signed_distance
from hotspot_pipeline.patrols.zone_raster import ZoneRaster
from hotspot_pipeline.patrols.zones import Floats, ZoneShapes

POOR, AT_BASE, AT_SCENE = 1, 2, 4  # bits of a fix
_HAIR_M = 0.05  # by which an outline may lie beside the sides of its parts, and more


@compiled
def run_pass(
    first: Longs, t: Longs, x: Floats, y: Floats, sigma: NDArray[np.float32],
    marks: NDArray[np.uint8],
    speed: NDArray[np.float32], max_gap: Longs, shapes: ZoneShapes, raster: ZoneRaster, exit_buffer_m: float, n_sigma: float,
    limits: Floats,
) -> tuple[Longs, int]:  # fmt: skip
    """(rows, how many of them count) of all devices.

    `first` (n_devices + 1) says which fixes are a device's, in order of time; `max_gap` (ms) by device. `sigma`, `marks` and `speed`
    (NaN where not said: then that of the way from the last fix counts) are one a fix, or one for all.
    """
    part_zone, corner_first, cx, cy = (
        shapes.part_zone,
        shapes.part_first,
        shapes.corner_x,
        shapes.corner_y,
    )
    ex0, ey0, ex1, ey1 = shapes.edge_x0, shapes.edge_y0, shapes.edge_x1, shapes.edge_y1
    x0, y0, pixel_m, reach_m = raster.x0, raster.y0, raster.pixel_m, raster.reach_m
    n_columns, n_rows, away, slot = raster.n_columns, raster.n_rows, raster.away, raster.slot
    list_first, entry_zone, parts, edges = (
        raster.first,
        raster.entry_zone,
        raster.parts,
        raster.edges,
    )
    part_first, edge_begin, edge_end = raster.part_first, raster.edge_begin, raster.edge_end
    middle = raster.middle
    n_zones = part_zone[-1] + 1 if len(part_zone) else 0
    # more than what one fix and the end of its device can write
    room = 6 * n_zones + len(part_zone) + 8
    rows, n = np.empty((4096 + room, WIDTH), np.int64), 0
    stay = np.zeros((n_zones, N_STAY), np.int64)  # the stay that goes on in each zone
    is_in = np.zeros(n_zones, np.bool_)
    possible = np.zeros(
        (n_zones, 2), np.int64
    )  # since when it may be in there, and the last fix that says so
    crossing = np.zeros((n_zones, 2), np.int64)
    is_crossing, is_possible = np.zeros(n_zones, np.bool_), np.zeros(n_zones, np.bool_)
    staying, maybe, crossed = (
        np.empty(n_zones, np.int32),
        np.empty(n_zones, np.int32),
        np.empty(n_zones, np.int32),
    )
    part_seen = np.full(len(part_zone), -1, np.int64)
    pieces, piece_zone = np.empty((len(part_zone), 2)), np.empty(len(part_zone), np.int32)
    one_sigma, one_mark, one_speed = len(sigma) == 1, len(marks) == 1, len(speed) == 1
    for device in range(len(first) - 1):
        n_staying = n_maybe = n_crossed = 0
        cap = max_gap[device]
        good = -1  # the last fix before this that says where it was
        is_joined = False  # no gap since that one
        covered_from = base_from = -1
        at = first[device]
        while at < first[device + 1]:
            rows = with_room(rows, n, room)
            # grown out here: an array that a loop may exchange is counted at every turn
            for i in range(at, first[device + 1]):
                if n + room > len(rows):
                    break
                at = i + 1
                mark = marks[0 if one_mark else i]
                is_first = i == first[device]
                pause = -1 if is_first else t[i] - t[i - 1]
                is_gap = is_first or pause > cap
                own_from = t[i]
                if not is_first:
                    own_from = t[i] - cap // 2 if is_gap else t[i - 1] + pause // 2
                if is_gap:
                    if not is_first:
                        over = t[i - 1] + cap // 2
                        n = close_stays(
                            rows, n, device, stay, is_in, staying, n_staying, over, pause
                        )
                        n_staying = 0
                        n = add_row(rows, n, COVERED, device, -1, covered_from, over)
                        if base_from >= 0:
                            n = add_row(rows, n, BASE, device, -1, base_from, over)
                    covered_from, base_from = own_from, -1
                    is_joined = False
                if mark & AT_BASE:
                    if base_from < 0:
                        base_from = own_from
                elif base_from >= 0:
                    n = add_row(rows, n, BASE, device, -1, base_from, own_from)
                    base_from = -1
                if mark & POOR and not mark & AT_BASE:
                    # it says that the device is alive, not where: stays go on as they are
                    for k in range(n_staying):
                        note_fix(stay, staying[k], i, t[i], -1.0, limits, mark & AT_SCENE != 0)
                    continue
                c, r = (x[i] - x0) / pixel_m, (y[i] - y0) / pixel_m
                is_on = 0.0 <= c < n_columns and 0.0 <= r < n_rows
                pixel = int(r) * n_columns + int(c) if is_on else 0
                is_near = is_on and away[pixel] == 0
                begin = list_first[slot[pixel]] if is_near else 0
                end = list_first[slot[pixel] + 1] if is_near else 0
                off_m = 0.0  # from the middle of the pixel, and a hair's breadth
                if is_near:
                    c, r = c - int(c) - 0.5, r - int(r) - 0.5
                    off_m = np.sqrt(c * c + r * r) * pixel_m + _HAIR_M
                n_pieces = 0
                squared_m = (x[i] - x[good]) ** 2 + (y[i] - y[good]) ** 2 if is_joined else -1.0
                # a way to a place further from any zone than it is long passes none
                clear = 0.0
                if not is_on:
                    clear = max(max(-c, -r, c - n_columns, r - n_rows) * pixel_m, reach_m)
                elif not is_near:
                    clear = (int(away[pixel]) - 1) * pixel_m + reach_m
                if squared_m >= clear * clear and not (
                    mark & AT_BASE and marks[0 if one_mark else good] & AT_BASE
                ):
                    if is_near and squared_m <= reach_m * reach_m:
                        # No point of so short a way is further from the middle of the pixel than this: where the
                        # outline is, it is wholly inside or outside. Written out, as a call costs more than the answer.
                        most_m = np.sqrt(squared_m) + off_m
                        for entry in range(begin, end):
                            if middle[entry] > most_m:
                                continue
                            if middle[entry] < -most_m:
                                pieces[n_pieces, 0], pieces[n_pieces, 1] = 0.0, 1.0
                                piece_zone[n_pieces] = entry_zone[entry]
                                n_pieces += 1
                                continue
                            of_zone = n_pieces
                            for k in range(part_first[entry], part_first[entry + 1]):
                                corner, corner_end = (
                                    corner_first[parts[k]],
                                    corner_first[parts[k] + 1],
                                )
                                low, high = way_through(x[good], y[good], x[i], y[i], cx, cy, corner, corner_end)  # fmt: skip
                                if low >= high:
                                    continue
                                j = n_pieces
                                while j > of_zone and pieces[j - 1, 0] > low:
                                    pieces[j, 0], pieces[j, 1] = pieces[j - 1, 0], pieces[j - 1, 1]
                                    j -= 1
                                pieces[j, 0], pieces[j, 1] = low, high
                                piece_zone[n_pieces] = entry_zone[entry]
                                n_pieces += 1
                    else:
                        n_pieces = pieces_in(
                            x[good], y[good], x[i], y[i], i, part_seen, pieces, piece_zone, x0, y0, pixel_m, n_columns,
                            n_rows, reach_m, away, slot, list_first, part_first, parts, part_zone, corner_first, cx, cy,
                        )  # fmt: skip
                if n_pieces > 0:
                    for k in range(n_pieces):
                        z = piece_zone[k]
                        dt = t[i] - t[good]
                        since = t[good] + np.int64(np.rint(pieces[k, 0] * dt))
                        until = t[good] + np.int64(np.rint(pieces[k, 1] * dt))
                        if is_crossing[z] and since <= crossing[z, 1] + 1:
                            crossing[z, 1] = max(crossing[z, 1], until)
                            continue
                        if is_crossing[z]:
                            n = add_crossing(rows, n, device, z, crossing)
                        else:
                            is_crossing[z] = True
                            crossed[n_crossed] = z
                            n_crossed += 1
                        crossing[z, 0], crossing[z, 1] = since, until
                s = float(sigma[0 if one_sigma else i]) * n_sigma
                if is_near and not mark & AT_BASE:
                    pace = float(speed[0 if one_speed else i])
                    if np.isnan(pace):
                        pace = -1.0
                        if is_joined and t[i] > t[good]:
                            pace = 1000.0 * np.sqrt(squared_m) / (t[i] - t[good])
                    for entry in range(begin, end):
                        if middle[entry] - off_m > max(exit_buffer_m, s):
                            continue
                        z = entry_zone[entry]
                        outside = -reach_m
                        if middle[entry] + off_m >= -s:
                            outside = signed_distance(
                                x[i], y[i], reach_m, edges, edge_begin[entry], edge_end[entry], ex0, ey0, ex1, ey1,
                                parts, part_first[entry], part_first[entry + 1], corner_first, cx, cy,
                            )  # fmt: skip
                        if outside <= 0.0 or (is_in[z] and outside <= exit_buffer_m):
                            if not is_in[z]:
                                is_in[z] = True
                                staying[n_staying] = z
                                n_staying += 1
                                begin_stay(stay, z, own_from, t[i], pause)
                            extend_stay(stay, z, t[i], outside, s)
                            note_fix(stay, z, i, t[i], pace, limits, mark & AT_SCENE != 0)
                        if outside <= s:
                            if not is_possible[z]:
                                is_possible[z] = True
                                maybe[n_maybe] = z
                                n_maybe += 1
                                possible[z, 0] = t[good] if good >= 0 else t[i]
                            possible[z, 1] = i
                k = 0
                while k < n_staying:
                    z = staying[k]
                    if stay[z, SEEN] == i:
                        k += 1
                        continue
                    n = close_stay(rows, n, device, z, stay, own_from, pause)
                    is_in[z] = False
                    n_staying -= 1
                    staying[k] = staying[n_staying]
                k = 0
                while k < n_maybe:
                    z = maybe[k]
                    if possible[z, 1] == i:
                        k += 1
                        continue
                    n = add_row(rows, n, POSSIBLE, device, z, possible[z, 0], t[i])
                    is_possible[z] = False
                    n_maybe -= 1
                    maybe[k] = maybe[n_maybe]
                good, is_joined = i, True
        if first[device + 1] == first[device]:
            continue
        last = t[first[device + 1] - 1]
        n = close_stays(rows, n, device, stay, is_in, staying, n_staying, last, -1)
        n = add_row(rows, n, COVERED, device, -1, covered_from, last)
        if base_from >= 0:
            n = add_row(rows, n, BASE, device, -1, base_from, last)
        for k in range(n_maybe):
            n = add_row(rows, n, POSSIBLE, device, maybe[k], possible[maybe[k], 0], last)
            is_possible[maybe[k]] = False
        for k in range(n_crossed):
            n = add_crossing(rows, n, device, crossed[k], crossing)
            is_crossing[crossed[k]] = False
    return rows, n
