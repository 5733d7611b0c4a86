"""Fixes by device and time, however they come, and how long each device usually pauses between them.

Here: counting by device, order within one. Not here: what is done with the ordered fixes (`dwell_pass`, `cleaning`).
"""

from __future__ import annotations

from concurrent.futures import Executor
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from hotspot_pipeline.patrols.compiled import compiled, inlined
from hotspot_pipeline.patrols.dwell_rows import Longs
from hotspot_pipeline.patrols.rules import DwellRules
from hotspot_pipeline.patrols.zones import Floats, Ints

_T = TypeVar("_T", bound=np.generic)
Sigmas = NDArray[np.float32]
Marks = NDArray[np.uint8]


class Fixes(NamedTuple):
    """Columns of fixes as they come, each in the same pieces. The last three may be one value for all instead."""

    device: list[Ints]
    t: list[Longs]
    x: list[Floats]
    y: list[Floats]
    sigma: list[Sigmas] | Sigmas
    marks: list[Marks] | Marks
    speed: list[Sigmas] | Sigmas


class Ordered(NamedTuple):
    """Fixes by device and time; those of the k-th device are `first[k]` to `first[k + 1]`. The last three may be one for all."""

    first: Longs
    t: Longs
    x: Floats
    y: Floats
    sigma: Sigmas
    marks: Marks
    speed: Sigmas


def by_device(fixes: Fixes, threads: Executor, n_threads: int) -> tuple[Ordered, bool]:
    """(fixes by device, whether they are by time too), copied once unless they come in one piece and in order.

    Otherwise fixes of a device stay in the order in which they came: `in_order` does the rest, some devices at a time.
    """
    n_devices = max((int(d.max()) for d in fixes.device if len(d)), default=-1) + 1
    of_thread = shares(np.cumsum([0, *map(len, fixes.device)]), n_threads)

    def counted(share: tuple[int, int]) -> Longs:
        n = np.zeros(n_devices, np.int64)
        for device in fixes.device[slice(*share)]:
            _count(device, n)
        return n

    counts = list(threads.map(counted, of_thread))
    first = np.concatenate(([0], np.cumsum(sum(counts, np.zeros(n_devices, np.int64)))))
    columns: list[Any] = list(fixes[1:])
    if len(fixes.device) == 1 and _is_in_order(fixes.device[0], fixes.t[0], fixes.x[0], fixes.y[0]):
        return Ordered(first, *(c[0] if isinstance(c, list) else c for c in columns)), True
    placed = [
        np.empty(first[-1], c[0].dtype if c else np.float64) if isinstance(c, list) else c
        for c in columns
    ]

    def place(share: tuple[int, int], at: Longs) -> None:
        for k in range(*share):
            n = np.zeros(n_devices, np.int64)
            _count(fixes.device[k], n)
            order = _order_of_piece(fixes.device[k], n)
            for column, into in zip(columns, placed, strict=True):
                if isinstance(column, list):
                    _put(column[k], order, n, at, into)
            at += n

    # those of a later thread come after those of an earlier one
    before = np.cumsum([first[:-1], *counts[:-1]], axis=0)
    list(threads.map(place, of_thread, before))
    return Ordered(first, *placed), False


def in_order(fixes: Ordered, begin: int, end: int, *, is_ordered: bool) -> Ordered:
    """The fixes of devices `begin` to `end` by time, in place.

    Of fixes of one device and moment the westernmost comes first, so that no order of arrival matters.
    """
    first, a, b = fixes.first[begin : end + 1], fixes.first[begin], fixes.first[end]
    n = len(fixes.t)
    # what is one for all as a copy too: compiled code is made once for columns that may be written
    mine: list[Any] = [c[a:b] if len(c) == n else c.copy() for c in fixes[1:]]
    if not is_ordered:
        _order_times(first - a, *mine)
    return Ordered(first - a, *map(fixed, mine))


def shares(first: Longs, n: int) -> list[tuple[int, int]]:
    """What is counted by `first` (from 0 to all) in at most `n` runs with about as much in each."""
    cuts = np.searchsorted(first, np.linspace(0, first[-1], n + 1)[1:-1])
    ends = sorted({0, *cuts.tolist(), len(first) - 1})
    return [(a, b) for a, b in pairwise(ends) if b > a]


def fixed(column: NDArray[_T]) -> NDArray[_T]:
    """The column, not to be written: compiled code is made once for those that may be and once for those that may not."""
    view = np.ascontiguousarray(column).view()
    view.flags.writeable = False
    return view


def max_gaps(ordered: Ordered, rules: DwellRules) -> Longs:
    """Milliseconds without a fix after which a device's whereabouts are unknown, by device."""
    median = _median_pauses(ordered.first, ordered.t, rules.max_gap_ms / rules.max_gap_intervals)
    slow = np.minimum(rules.max_gap_intervals * median, rules.longest_gap_ms)
    return np.maximum(slow, rules.max_gap_ms).astype(np.int64)


@compiled
def _count(device: Ints, n: Longs) -> None:
    for d in device:
        n[d] += 1


@compiled
def _order_of_piece(device: Ints, n: Longs) -> Ints:
    """Row numbers by device, `n` of each, otherwise as they come."""
    at = np.cumsum(n) - n
    order = np.empty(len(device), np.int32)
    for i in range(len(device)):
        order[at[device[i]]] = i
        at[device[i]] += 1
    return order


@compiled
def _put(values: NDArray[_T], order: Ints, n: Longs, at: Longs, into: NDArray[_T]) -> None:
    """Each device's values of a piece, in a run: one by one they would all want the same lines of the cache."""
    j = 0
    for d in range(len(n)):
        for k in range(at[d], at[d] + n[d]):
            into[k] = values[order[j]]
            j += 1


@compiled
def _is_in_order(device: Ints, t: Longs, x: Floats, y: Floats) -> bool:
    for i in range(1, len(device)):
        if device[i] < device[i - 1]:
            return False
        if device[i] == device[i - 1] and not _is_before(t, x, y, i - 1, i):
            return False
    return True


@inlined
def _is_before(t: Longs, x: Floats, y: Floats, i: int, j: int) -> bool:
    """Whether fix i may stand before fix j."""
    if t[i] != t[j]:
        return bool(t[i] < t[j])
    return bool(x[i] < x[j] or (x[i] == x[j] and y[i] <= y[j]))


@compiled
def _order_times(
    first: Longs, t: Longs, x: Floats, y: Floats, sigma: Sigmas, marks: Marks, speed: Sigmas
) -> None:
    """Orders the fixes of each device by time, in place; nearly all are already."""
    has_sigma, has_marks, has_speed = len(sigma) > 1, len(marks) > 1, len(speed) > 1
    for d in range(len(first) - 1):
        a, b = first[d], first[d + 1]
        is_ordered = True
        for i in range(a + 1, b):
            if not _is_before(t, x, y, i - 1, i):
                is_ordered = False
                break
        if is_ordered:
            continue
        order = a + np.argsort(t[a:b], kind="mergesort")
        for i in range(1, len(order)):  # fixes of one moment
            j = i
            while j > 0 and not _is_before(t, x, y, order[j - 1], order[j]):
                order[j - 1], order[j] = order[j], order[j - 1]
                j -= 1
        t[a:b], x[a:b], y[a:b] = t[order], x[order], y[order]
        if has_sigma:
            sigma[a:b] = sigma[order]
        if has_marks:
            marks[a:b] = marks[order]
        if has_speed:
            speed[a:b] = speed[order]


@compiled
def _median_pauses(first: Longs, t: Longs, quick: float) -> Floats:
    """Median pause of each device in ms; 0 where most pauses are no longer than `quick`, for then it does not matter."""
    median = np.zeros(len(first) - 1)
    for d in range(len(first) - 1):
        a, b = first[d], first[d + 1]
        n_slow = 0
        for i in range(a + 1, b):
            if t[i] - t[i - 1] > quick:
                n_slow += 1
        if 2 * n_slow >= b - a - 1 and n_slow > 0:
            median[d] = np.median(np.diff(t[a:b]))
    return median
