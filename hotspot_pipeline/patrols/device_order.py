"""Fixes by device and time, however they come, and how long each device usually pauses between them.

Here: counting by device, order within one. Not here: what is done with the ordered fixes (`dwell_pass`, `cleaning`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hotspot_pipeline.patrols.compiled import compiled
from hotspot_pipeline.patrols.dwell_rows import Longs
from hotspot_pipeline.patrols.rules import DwellRules
from hotspot_pipeline.patrols.zones import Floats, Ints

Sigmas = NDArray[np.float32]
Marks = NDArray[np.uint8]


class Ordered(NamedTuple):
    """Fixes by device and time; those of device d are `first[d]` to `first[d + 1]`. `sigma` and `marks` may be one for all."""

    first: Longs
    t: Longs
    x: Floats
    y: Floats
    sigma: Sigmas
    marks: Marks

    @property
    def n_devices(self) -> int:
        return len(self.first) - 1


def in_order(device: Ints, t: Longs, x: Floats, y: Floats, sigma: Sigmas, marks: Marks) -> Ordered:
    """The fixes in order. Of fixes of one device and moment the westernmost comes first, so that no order of arrival matters.

    Raises ValueError where a device has a negative number.
    """
    if len(device) and int(device.min()) < 0:
        raise ValueError(f"device {int(device.min())}: devices are numbered from 0 within a frame")
    first = _counted(device)
    if _is_in_order(device, t, x, y):
        return Ordered(first, t, x, y, sigma, marks)
    placed = _placed(device, first, t, x, y, sigma, marks)
    _order_times(first, *placed)
    return Ordered(first, *placed)


def max_gaps(ordered: Ordered, rules: DwellRules) -> Longs:
    """(n_devices,) milliseconds without a fix after which a device's whereabouts are unknown."""
    median = _median_pauses(ordered.first, ordered.t, rules.max_gap_ms / rules.max_gap_intervals)
    slow = np.minimum(rules.max_gap_intervals * median, rules.longest_gap_ms)
    return np.maximum(slow, rules.max_gap_ms).astype(np.int64)


@compiled
def _counted(device: Ints) -> Longs:
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
    device: Ints, first: Longs, t: Longs, x: Floats, y: Floats, sigma: Sigmas, marks: Marks
) -> tuple[Longs, Floats, Floats, Sigmas, Marks]:
    """By device, otherwise in the order in which they came."""
    at = first[:-1].copy()
    t2, x2, y2 = np.empty_like(t), np.empty_like(x), np.empty_like(y)
    sigma2, marks2 = sigma.copy(), marks.copy()
    has_sigma, has_marks = len(sigma) == len(t), len(marks) == len(t)
    for i in range(len(device)):
        k = at[device[i]]
        at[device[i]] += 1
        t2[k], x2[k], y2[k] = t[i], x[i], y[i]
        if has_sigma:
            sigma2[k] = sigma[i]
        if has_marks:
            marks2[k] = marks[i]
    return t2, x2, y2, sigma2, marks2


@compiled
def _order_times(first: Longs, t: Longs, x: Floats, y: Floats, sigma: Sigmas, marks: Marks) -> None:
    """Orders the fixes of each device by time, in place; nearly all are already."""
    has_sigma, has_marks = len(sigma) == len(t), len(marks) == len(t)
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
