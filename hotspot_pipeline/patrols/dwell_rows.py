"""The rows that the pass writes, and the stay that goes on in a zone until it is one.

Here: beginning, extending and closing stays; one row layout for all families. Not here: when (`dwell_pass`).

Rows (all int64): family, device, zone, start, end, then for stays first and last inside, first and last surely inside (-1: none),
number of fixes, the pause between fixes at entry and at exit (-1: there is none), how many fixes have a speed and how many of them are
no faster than each limit, first and last fix at a scene (-1: none), and the
last fix of all, which may lie in the exit buffer.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hotspot_pipeline.patrols.compiled import compiled, inlined
from hotspot_pipeline.patrols.zones import Floats, Ints

Longs = NDArray[np.int64]
STAY, POSSIBLE, CROSSING, COVERED, BASE = range(5)
ROW_COLUMNS = (
    "family", "device", "zone", "start_ms", "end_ms", "first_inside_ms", "last_inside_ms", "first_sure_ms", "last_sure_ms",
    "n_fixes", "entry_pause_ms", "exit_pause_ms", "n_speeds", "n_still", "n_foot", "n_brisk", "n_cycle", "first_scene_ms",
    "last_scene_ms", "last_fix_ms",
)  # fmt: skip
WIDTH = len(ROW_COLUMNS)
# of the stay that goes on in a zone
_BEGIN, SEEN, _PAUSE = range(3)
# and then as in a row: first and last inside, surely inside, fixes; speeds and scenes
_FIRST, _LAST, _FIRST_SURE, _LAST_SURE, _N = range(3, 8)
_N_SPEEDS, _FIRST_SCENE, _LAST_SCENE, _LAST_FIX, N_STAY = 8, 13, 14, 15, 16


@compiled
def with_room(rows: Longs, n: int, needed: int) -> Longs:
    """The rows, in a larger array where `needed` more would not fit."""
    if n + needed <= len(rows):
        return rows
    return np.concatenate((rows, np.empty((len(rows) + needed, WIDTH), np.int64)))


@inlined
def begin_stay(stay: Longs, zone: int, since: int, t: int, pause: int) -> None:
    stay[zone, _BEGIN], stay[zone, _FIRST], stay[zone, _PAUSE] = since, t, pause
    for k in range(_N, _FIRST_SCENE):
        stay[zone, k] = 0
    stay[zone, _FIRST_SURE] = stay[zone, _LAST_SURE] = -1
    stay[zone, _FIRST_SCENE] = stay[zone, _LAST_SCENE] = -1


@inlined
def extend_stay(stay: Longs, zone: int, t: int, outside: float, margin: float) -> None:
    """By a fix so many metres outside (negative: inside), with the margin beyond which it is surely inside."""
    if outside <= 0.0:
        stay[zone, _LAST] = t
    if outside <= -margin:
        if stay[zone, _FIRST_SURE] < 0:
            stay[zone, _FIRST_SURE] = t
        stay[zone, _LAST_SURE] = t


@inlined
def note_fix(
    stay: Longs, zone: int, number: int, t: int, speed: float, limits: Floats, is_at_scene: bool
) -> None:
    """What a fix says besides its place; `speed` is negative where none is known."""
    stay[zone, SEEN] = number
    stay[zone, _LAST_FIX] = t
    stay[zone, _N] += 1
    if speed >= 0.0:
        stay[zone, _N_SPEEDS] += 1
        for k in range(len(limits)):
            if speed <= limits[k]:
                stay[zone, _N_SPEEDS + 1 + k] += 1
    if is_at_scene:
        if stay[zone, _FIRST_SCENE] < 0:
            stay[zone, _FIRST_SCENE] = t
        stay[zone, _LAST_SCENE] = t


@compiled
def close_stay(
    rows: Longs, n: int, device: int, zone: int, stay: Longs, until: int, pause: int
) -> int:
    n = add_row(rows, n, STAY, device, zone, stay[zone, _BEGIN], until)
    for k in range(5):
        rows[n - 1, 5 + k] = stay[zone, _FIRST + k]
    rows[n - 1, 10], rows[n - 1, 11] = stay[zone, _PAUSE], pause
    for k in range(8):
        rows[n - 1, 12 + k] = stay[zone, _N_SPEEDS + k]
    return n


@compiled
def close_stays(
    rows: Longs, n: int, device: int, stay: Longs, is_in: NDArray[np.bool_], staying: Ints, n_staying: int, until: int,
    pause: int,
) -> int:  # fmt: skip
    for k in range(n_staying):
        n = close_stay(rows, n, device, int(staying[k]), stay, until, pause)
        is_in[staying[k]] = False
    return n


@inlined
def add_crossing(rows: Longs, n: int, device: int, zone: int, crossing: Longs) -> int:
    if crossing[zone, 1] > crossing[zone, 0]:
        n = add_row(rows, n, CROSSING, device, zone, crossing[zone, 0], crossing[zone, 1])
    return n


@inlined
def add_row(rows: Longs, n: int, family: int, device: int, zone: int, start: int, end: int) -> int:
    rows[n, 0], rows[n, 1], rows[n, 2], rows[n, 3], rows[n, 4] = family, device, zone, start, end
    rows[n, 5:] = -1
    return n + 1
