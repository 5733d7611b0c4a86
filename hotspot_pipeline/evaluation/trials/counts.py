"""Counts of places by day and week in both cuts, as the estimators take them.

Pure arrays. Here: sums over windows and weeks. Not here: reading (`reading`), estimates (`estimates`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np
import polars as pl

from hotspot_pipeline.evaluation.estimate import IntArray
from hotspot_pipeline.timebase import monday_of

Cut = Literal["settled", "latest"]
CUTS: tuple[Cut, ...] = ("settled", "latest")


@dataclass(frozen=True, eq=False)
class Counts:
    """`days` (n_places, n_days, n_groups) events as known now, from the Monday `first` on, whole weeks; `weeks_settled` (n_places,
    n_weeks, n_groups) as at the settled cut, `is_taken` (n_weeks,) where that was taken. Police-generated events are in neither."""

    first: date
    groups: tuple[str, ...]
    days: IntArray
    weeks_settled: IntArray
    is_taken: np.ndarray

    def outcome(self, groups: Sequence[str]) -> Counts:
        """The sum of these groups, as one group."""
        at = [self.groups.index(g) for g in groups]
        return Counts(
            self.first, ("+".join(groups),), self.days[:, :, at].sum(axis=2, keepdims=True),
            self.weeks_settled[:, :, at].sum(axis=2, keepdims=True), self.is_taken,
        )  # fmt: skip

    def by_day(self, first: date, last: date) -> IntArray:
        """(n_places, n_days) of all groups as known now, both ends included."""
        days = self.days[:, self._at(first) : self._at(last) + 1]
        return np.asarray(days.sum(axis=2), dtype=np.int64)

    def by_week(self, cut: Cut) -> IntArray:
        """(n_places, n_weeks) of all groups, from `first` on."""
        n_places, n_days = self.days.shape[:2]
        now = self.days.sum(axis=2).reshape(n_places, n_days // 7, 7).sum(axis=2)
        if cut == "latest":
            return np.asarray(now)
        found = np.where(self.is_taken, self.weeks_settled.sum(axis=2), now)
        return np.asarray(found, dtype=np.int64)

    def window(self, cut: Cut, first: date, last: date) -> IntArray:
        """(n_places,) of police days from `first` to `last`, both included: whole weeks as the cut has them, odd days as known now."""
        start, end = self._at(first), self._at(last) + 1
        a, b = -(-start // 7), end // 7
        days = self.days.sum(axis=2)
        if a >= b:
            return np.asarray(days[:, start:end].sum(axis=1))
        weeks = self.by_week(cut)[:, a:b].sum(axis=1)
        return np.asarray(weeks + days[:, start : 7 * a].sum(axis=1) + days[:, 7 * b : end].sum(axis=1))  # fmt: skip

    def whole_weeks(self, first: date, last: date) -> IntArray:
        """Positions of the weeks that lie whole within the days, both included."""
        a, b = -(-self._at(first) // 7), (self._at(last) + 1) // 7
        return np.arange(a, max(a, b), dtype=np.int64)

    def _at(self, day: date) -> int:
        found = (day - self.first).days
        if not 0 <= found < self.days.shape[1]:
            raise ValueError(f"{day} lies outside the counted days from {self.first}")
        return found


def made(
    daily: pl.DataFrame,
    settled: pl.DataFrame,
    taken: Sequence[date],
    groups: Sequence[str],
    n_places: int,
    first: date,
    last: date,
) -> Counts:
    """`daily`: place, police_day, cat_group, n; `settled`: place, week_start, cat_group, n; `taken`: Mondays of settled cuts that
    were taken. Both hold only rows with events; days without are zeros."""
    start = monday_of(first)
    n_weeks = (monday_of(last) - start).days // 7 + 1
    days = np.zeros((n_places, 7 * n_weeks, len(groups)), np.int64)
    weeks = np.zeros((n_places, n_weeks, len(groups)), np.int64)
    number = {g: k for k, g in enumerate(groups)}
    for place, day, group, n in daily.select("place", "police_day", "cat_group", "n").iter_rows():
        at = (day - start).days
        if group in number and 0 <= at < days.shape[1]:
            days[place, at, number[group]] += n
    for place, week, group, n in settled.select("place", "week_start", "cat_group", "n").iter_rows():  # fmt: skip
        at = (week - start).days // 7
        if group in number and 0 <= at < n_weeks:
            weeks[place, at, number[group]] += n
    mondays = [start + timedelta(weeks=k) for k in range(n_weeks)]
    return Counts(start, tuple(groups), days, weeks, np.isin(np.array(mondays), np.array(list(taken), dtype=object)))  # fmt: skip
