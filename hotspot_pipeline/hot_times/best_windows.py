"""The best use of a budget of patrol hours: which windows of the week hold most events.

Here: the exact choice of windows by dynamic programming. Not here: the hourly values (`profiles`), what
windows say of a place (`windows`), shifts (`shifts`).

The optimum is exact, not greedy. Taking the densest window first can shut out a better pair, and
filling up hours one by one leaves pieces too short to patrol. But the choice has an order to follow: go
through the hours of the week once; up to each hour, for each number of hours spent, the best that can
be had either leaves that hour out or ends a window there. That is 168 hours x budget x lengths, a
hundred thousand additions where trying all sets would take more than 10^20. The week is a circle: of
any `max_hours` successive boundaries at least one cuts no window, so starting at each of them in turn
and taking the best misses nothing. Values are whole numbers, so equal sums are equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hotspot_pipeline.hot_times.week_sums import BoolArray, FloatArray, IntArray
from hotspot_pipeline.timebase import HOURS_IN_WEEK

_VALUE_UNIT = 10**9
# events first; of equals the fewest windows, then the fewest hours
_PER_VALUE, _PER_WINDOW = 2**16, 2**8
_NEVER = -(2**62)


@dataclass(frozen=True)
class WindowRules:
    """Hours: the budget of a week, the shortest and the longest window."""

    hot_hours_budget: int = 28
    min_hours: int = 2
    max_hours: int = 6

    def __post_init__(self) -> None:
        if not 1 <= self.min_hours <= self.max_hours <= 24:
            raise ValueError(
                f"windows of {self.min_hours} to {self.max_hours} hours: need 1 <= min_hours <= max_hours <= 24"
            )
        if not 0 <= self.hot_hours_budget <= HOURS_IN_WEEK:
            raise ValueError(f"hot_hours_budget is {self.hot_hours_budget}: a week has 168 hours")


class HourWindow(NamedTuple):
    """`n_hours` hours from `start` (hour of the week) on; it may pass the end of the week."""

    start: int
    n_hours: int

    @property
    def hours(self) -> list[int]:
        return [(self.start + n) % HOURS_IN_WEEK for n in range(self.n_hours)]


def best_windows(
    values: FloatArray, rules: WindowRules, allowed: BoolArray | None = None
) -> list[list[HourWindow]]:
    """For each place the windows that hold most, in the order of the week from Monday 00:00.

    `values` (n_places, n_hours) is what each hour is worth, 0 or more (a share of the events);
    `allowed` (n_places, n_hours) are the hours that windows may hold, all of them when None. n_hours is
    168. The sum of the values of the chosen windows is the greatest that windows of `min_hours` to
    `max_hours`, without overlap and of at most `hot_hours_budget` hours together, can have; values
    count to 10^-9 of the place's greatest. Among equals there are the fewest windows, then the fewest
    hours. Windows may follow each other directly: a hot time of nine hours is two of them.
    """
    n_places, n_hours = values.shape
    if not n_places:
        return []
    if np.isnan(values).any() or (values < 0).any():
        raise ValueError("best windows: values must be numbers of 0 or more")
    worth = _whole_numbers(values)
    if allowed is not None:
        # one forbidden hour outweighs everything a budget can hold
        worth = np.where(allowed, worth, -(_VALUE_UNIT * _PER_VALUE * n_hours))
    best: list[list[HourWindow]] = [[] for _ in range(n_places)]
    best_total = np.full(n_places, _NEVER, dtype=np.int64)
    for cut in range(min(rules.max_hours, n_hours)):
        total, length = _along_a_line(np.roll(worth, -cut, axis=1), rules)
        for place in np.flatnonzero(total > best_total):
            best[place] = _read_back(length[:, place], rules, cut, n_hours)
        best_total = np.maximum(best_total, total)
    return best


def _whole_numbers(values: FloatArray) -> IntArray:
    """Values as whole numbers, each hour costing one so that an hour of no worth is left out."""
    greatest = values.max(axis=1, keepdims=True)
    scaled = np.divide(values, greatest, out=np.zeros_like(values), where=greatest > 0)
    return np.asarray(np.rint(scaled * _VALUE_UNIT).astype(np.int64) * _PER_VALUE - 1)


def _along_a_line(worth: IntArray, rules: WindowRules) -> tuple[IntArray, IntArray]:
    """Best total per place, and for hour, place and hours spent the length of the window that ends
    there in the best choice (0: none does)."""
    n_places, n_hours = worth.shape
    spent = rules.hot_hours_budget + 1
    running = np.concatenate([np.zeros((n_places, 1), np.int64), np.cumsum(worth, axis=1)], axis=1)
    best = np.zeros((n_hours + 1, n_places, spent), dtype=np.int64)
    length = np.zeros((n_hours + 1, n_places, spent), dtype=np.int8)
    for end in range(1, n_hours + 1):
        best[end] = best[end - 1]
        for n in range(rules.min_hours, min(rules.max_hours, end, spent - 1) + 1):
            gain = (running[:, end] - running[:, end - n] - _PER_WINDOW)[:, None]
            with_window = best[end - n, :, : spent - n] + gain
            here = best[end, :, n:]
            is_better = with_window > here
            here[is_better] = with_window[is_better]
            length[end, :, n:][is_better] = n
    return best[n_hours, :, -1], length


def _read_back(length: IntArray, rules: WindowRules, cut: int, n_hours: int) -> list[HourWindow]:
    """The windows behind the best total, from the end of the line to its start."""
    found = []
    end, left = n_hours, rules.hot_hours_budget
    while end > 0:
        n = int(length[end, left])
        if n:
            found.append(HourWindow((end - n + cut) % n_hours, n))
            end, left = end - n, left - n
        else:
            end -= 1
    return sorted(found)
