"""Fixes by device and time, however they come, and how long each device usually pauses between them.

Here: counting by device, order within one. Not here: what is done with the ordered fixes (`dwell_pass`, `cleaning`).
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from hotspot_pipeline.patrols.compiled import compiled
from hotspot_pipeline.patrols.dwell_rows import Longs
from hotspot_pipeline.patrols.rules import DwellRules
from hotspot_pipeline.patrols.zones import Floats, Ints

_T = TypeVar("_T", bound=np.generic)
Sigmas = NDArray[np.float32]
Marks = NDArray[np.uint8]


class Fixes(NamedTuple):
    """Columns of fixes, as they come or in order; the last three may be one for all."""

    device: Ints
    t: Longs
    x: Floats
    y: Floats
    sigma: Sigmas
    marks: Marks
    speed: Sigmas


class Ordered(NamedTuple):
    """Fixes by device and time; those of the k-th device are `first[k]` to `first[k + 1]`."""

    first: Longs
    t: Longs
    x: Floats
    y: Floats
    sigma: Sigmas
    marks: Marks
    speed: Sigmas


def is_in_order(fixes: Fixes) -> bool:
    """Whether the fixes come by device, time, easting and northing."""
    return _is_in_order(fixes.device, fixes.t, fixes.x, fixes.y)


def in_order(fixes: Fixes, first: Longs, begin: int, end: int, *, is_ordered: bool) -> Ordered:
    """The fixes of devices `begin` to `end`, copied unless they are in order already. `first`: `counted` of all.

    Of fixes of one device and moment the westernmost comes first, so that no order of arrival matters.
    """
    mine = first[begin : end + 1] - first[begin]
    if is_ordered:
        a, b = first[begin], first[end]
        sigma, speed = (c if len(c) == 1 else c[a:b] for c in (fixes.sigma, fixes.speed))
        marks = fixes.marks if len(fixes.marks) == 1 else fixes.marks[a:b]
        return Ordered(mine, fixes.t[a:b], fixes.x[a:b], fixes.y[a:b], sigma, marks, speed)
    placed = _placed(*fixes, mine, begin, end)
    _order_times(mine, *placed)
    t, x, y, sigma, marks, speed = placed
    return Ordered(mine, fixed(t), fixed(x), fixed(y), fixed(sigma), fixed(marks), fixed(speed))


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
def counted(device: Ints) -> Longs:
    """(n_devices + 1,): how many fixes come before those of each device. Numbers that nobody has have none."""
    most = -1
    for d in device:
        most = max(most, d)
    first = np.zeros(most + 2, np.int64)
    for d in device:
        first[d + 1] += 1
    for d in range(most + 1):
        first[d + 1] += first[d]
    return first


@compiled
def _is_in_order(device: Ints, t: Longs, x: Floats, y: Floats) -> bool:
    for i in range(1, len(device)):
        if device[i] < device[i - 1]:
            return False
        if device[i] == device[i - 1] and not _is_before(t, x, y, i - 1, i):
            return False
    return True


@compiled
def _is_before(t: Longs, x: Floats, y: Floats, i: int, j: int) -> bool:
    """Whether fix i may stand before fix j."""
    if t[i] != t[j]:
        return bool(t[i] < t[j])
    return bool(x[i] < x[j] or (x[i] == x[j] and y[i] <= y[j]))


@compiled
def _placed(
    device: Ints, t: Longs, x: Floats, y: Floats, sigma: Sigmas, marks: Marks, speed: Sigmas, first: Longs, begin: int, end: int
) -> tuple[Longs, Floats, Floats, Sigmas, Marks, Sigmas]:  # fmt: skip
    """Those of some devices, by device, otherwise in the order in which they came."""
    at, n = first[:-1].copy(), first[-1]
    t2, x2, y2 = np.empty(n, np.int64), np.empty(n, np.float64), np.empty(n, np.float64)
    has_sigma, has_marks, has_speed = len(sigma) > 1, len(marks) > 1, len(speed) > 1
    sigma2 = np.full(n if has_sigma else 1, sigma[0] if len(sigma) else 0, np.float32)
    marks2 = np.full(n if has_marks else 1, marks[0] if len(marks) else 0, np.uint8)
    speed2 = np.full(n if has_speed else 1, speed[0] if len(speed) else 0, np.float32)
    for i in range(len(device)):
        if not begin <= device[i] < end:
            continue
        k = at[device[i] - begin]
        at[device[i] - begin] += 1
        t2[k], x2[k], y2[k] = t[i], x[i], y[i]
        if has_sigma:
            sigma2[k] = sigma[i]
        if has_marks:
            marks2[k] = marks[i]
        if has_speed:
            speed2[k] = speed[i]
    return t2, x2, y2, sigma2, marks2, speed2


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
