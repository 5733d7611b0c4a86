"""What a visit does to the rate of events at its place: the true effect, which no estimator is told.

Belongs here: dose, decay and the share prevented at a moment (DOMAIN §8.5). Does not belong here: which events are
prevented by it (`twin`), averages over time (`estimands`).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.crime.clock import Times
from hotspot_pipeline.simulator.force.county import Floats, Ints
from hotspot_pipeline.simulator.profiles import Mode

FULL_DOSE_MINUTES = 15.0  # Koper: longer visits add nothing
VEHICLE_DOSE = 0.3
MOST_PREVENTED = 0.6  # visits add up to this and no further: 40 % of the rate always stays
RING_SHARE = (
    0.4  # of the effect at the nearest treated place, in its ring, where there is diffusion
)
_LONGEST_VISIT_S = 4 * 3600


def dose(visits: pl.DataFrame) -> Floats:
    """f of each visit, 0 to 1: nothing for driving past or patrolling the wrong cell."""
    minutes = (visits["end_local"] - visits["start_local"]).dt.total_seconds().to_numpy() / 60
    full = np.minimum(1.0, minutes / FULL_DOSE_MINUTES)
    full = np.where(visits["mode"].to_numpy() == "vehicle", VEHICLE_DOSE * full, full)
    return np.where(np.isin(visits["kind"].to_numpy(), ("pass_through", "wrong_cell")), 0.0, full)


class Effect:
    """The share of events prevented at a place and moment by the visits before it; negative where patrols do harm."""

    def __init__(self, mode: Mode, visits: pl.DataFrame) -> None:
        self.mode = mode
        size = mode.delta * dose(visits)
        counts = size != 0
        place = visits["place"].to_numpy()[counts]
        begin, end = (_seconds(visits[c].to_numpy())[counts] for c in ("start_local", "end_local"))
        day = visits["police_day"].to_numpy().astype("datetime64[D]")[counts]
        until = (
            _seconds(day + 1) + 6 * 3600
            if mode.half_life_h is None
            else end + int(mode.cut_h * 3600)
        )
        order = np.lexsort((begin, place))
        self._size, self._begin, self._end, self._until = (
            v[order] for v in (size[counts], begin, end, until)
        )
        # one sorted key for place and time: seconds since the first visit's week fit below this
        self._key = _key(place[order], self._begin)
        self._reach_s = (
            86_400 if mode.half_life_h is None else int(mode.cut_h * 3600) + _LONGEST_VISIT_S
        )

    @property
    def is_none(self) -> bool:
        return not len(self._size)

    def prevented(self, place: Ints, at: Times) -> Floats:
        """(n,) for places (n,) and local moments (n,)."""
        if self.is_none:
            return np.zeros(len(place))
        moment = _seconds(at)
        last = np.searchsorted(self._key, _key(place, moment), side="right")
        first = np.searchsorted(self._key, _key(place, moment - self._reach_s), side="left")
        many = last - first
        row = np.repeat(np.arange(len(place)), many)
        visit = (
            np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many) + np.repeat(first, many)
        )
        t = moment[row]
        share = np.where(t < self._until[visit], self._size[visit], 0.0)
        if self.mode.half_life_h is None:
            # presence lasts the day: a second visit does not add to it
            total = np.zeros(len(place))
            np.maximum.at(total, row, share)
        else:
            since_h = np.maximum(t - self._end[visit], 0) / 3600
            left = share * 0.5 ** (since_h / self.mode.half_life_h)
            total = np.bincount(row, left, minlength=len(place)).astype(np.float64)
        return np.clip(total, -MOST_PREVENTED, MOST_PREVENTED)


def _seconds(times: np.ndarray) -> Ints:
    return times.astype("datetime64[s]").astype(np.int64)


def _key(place: Ints, seconds: Ints) -> Ints:
    return place.astype(np.int64) * 10_000_000_000 + seconds
