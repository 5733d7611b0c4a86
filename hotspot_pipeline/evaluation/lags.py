"""How long ago the last patrol left, and how soon the next one comes, for every stretch of time of every place.

Here: lags, leads and runs of patrol days from lists of departures. Not here: what crime did then (`residual`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from hotspot_pipeline.evaluation.estimate import BoolArray, FloatArray, IntArray

HOUR_S = 3600


@dataclass(frozen=True, eq=False)
class Patrols:
    """One row a patrol: `place` (n,), `begin_s`, `end_s` (n,) seconds since a common moment, end after begin."""

    place: IntArray
    begin_s: IntArray
    end_s: IntArray

    def __post_init__(self) -> None:
        if (self.end_s < self.begin_s).any():
            row = int((self.end_s < self.begin_s).argmax())
            raise ValueError(
                f"patrol {row}: ends at {self.end_s[row]} before it begins at {self.begin_s[row]}"
            )


@dataclass(frozen=True, eq=False)
class Since:
    """For each row asked: `hours_since` the last departure (infinite before the first), `hours_until` the next arrival
    (infinite after the last), both from the middle of the row's time; `is_during`: a patrol overlaps it."""

    hours_since: FloatArray
    hours_until: FloatArray
    is_during: BoolArray


def since_patrol(patrols: Patrols, place: IntArray, begin_s: IntArray, end_s: IntArray) -> Since:
    """Lags of rows (n_rows,), each a place and a stretch of time from `begin_s` to before `end_s`.

    A stretch that a patrol overlaps has time before, during and after it, and belongs to none of them.
    """
    # one sorted line of all places: no stretch reaches into the next place's
    lowest = int(min(begin_s.min(), patrols.begin_s.min(initial=0)))
    span = int(max(end_s.max(), patrols.end_s.max(initial=0))) - lowest + 1
    n_places = int(max(place.max(), patrols.place.max(initial=0))) + 1
    middle = (begin_s + end_s) / 2 - lowest
    left = np.sort(patrols.place * span + (patrols.end_s - lowest))
    came = np.sort(patrols.place * span + (patrols.begin_s - lowest))
    first_of = np.searchsorted(left, np.arange(n_places) * span)
    ends_at = np.searchsorted(left, (np.arange(n_places) + 1) * span)
    last = np.searchsorted(left, place * span + middle, side="right") - 1
    following = np.searchsorted(came, place * span + middle, side="left")
    hours_since = np.full(len(place), np.inf)
    hours_until = np.full(len(place), np.inf)
    known = last >= first_of[place]
    hours_since[known] = (place * span + middle)[known] - left[last[known]]
    ahead = following < ends_at[place]
    hours_until[ahead] = came[following[ahead]] - (place * span + middle)[ahead]
    # patrols begun before the stretch ends, less those that left by its beginning
    begun = np.searchsorted(came, place * span + (end_s - lowest), side="left")
    gone = np.searchsorted(left, place * span + (begin_s - lowest), side="right")
    return Since(hours_since / HOUR_S, hours_until / HOUR_S, begun > gone)


def run_lengths(patrolled: BoolArray) -> pl.DataFrame:
    """Runs of consecutive patrol days from (n_places, n_days): one row a length (run_days, n_runs), shortest first."""
    padded = np.pad(patrolled.astype(np.int8), ((0, 0), (1, 1)))
    change = np.diff(padded, axis=1)
    length = np.argwhere(change == -1)[:, 1] - np.argwhere(change == 1)[:, 1]
    days, n = np.unique(length, return_counts=True)
    return pl.DataFrame({"run_days": days.astype(np.int64), "n_runs": n.astype(np.int64)})
