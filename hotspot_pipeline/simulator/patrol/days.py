"""One police day of patrols after another: units, tracks, presence, duties, fixes.

Belongs here: what holds through all days (ground, pools, rates, crews) and the order of work within one. Does not belong
here: files (`feeds`), what is kept as truth (`truth`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.force.county import County, Floats, Ints
from hotspot_pipeline.simulator.force.premises import Premises
from hotspot_pipeline.simulator.patrol.background import (
    DEVICES_PER_RESPONSE_UNIT,
    make_parked,
    n_units,
)
from hotspot_pipeline.simulator.patrol.calibration import background_day, calls_per_place, shifted
from hotspot_pipeline.simulator.patrol.crews import Visits, make_crews
from hotspot_pipeline.simulator.patrol.duties import Carried, on_duty
from hotspot_pipeline.simulator.patrol.ground import read_ground
from hotspot_pipeline.simulator.patrol.pings import Pings, clock_errors, observe
from hotspot_pipeline.simulator.patrol.pools import Pools, make_pools
from hotspot_pipeline.simulator.patrol.presence import Stays, stays_in
from hotspot_pipeline.simulator.patrol.stops import Stops, Unit, in_order
from hotspot_pipeline.simulator.patrol.times import utc_seconds
from hotspot_pipeline.simulator.patrol.tracks import Tracks, make_tracks
from hotspot_pipeline.simulator.profiles import Profile
from hotspot_pipeline.simulator.streams import Streams

BACKGROUND_LEAST = 0.25  # of the devices, however many crews there are
DAYS_PER_PARKED_CAR = 10


@dataclass(frozen=True, eq=False)
class PatrolDay:
    """Everything about one police day. `crew_of`: the unit that made each of the day's visits, in order of `visits`."""

    number: int
    date: date
    visits: pl.DataFrame
    crew_of: Ints
    units: list[Unit]
    tracks: Tracks
    stays: Stays
    duties: pl.DataFrame
    carried: Carried
    odd: Counter[str]

    def fixes(self, force: PatrolForce) -> Pings:
        return observe(
            force.streams("patrol fixes", self.number), force.ground, force.pools, self.tracks, self.carried,
            force.clocks(self.number),
        )  # fmt: skip


class PatrolForce:
    """The patrols of a force, day by day: `day(0)` is the police day `profile.patrol_day`.

    Raises ValueError where a visit begins before or after the patrol days, or the force has no station.
    """

    def __init__(
        self, streams: Streams, profile: Profile, county: County, premises: Premises, places: pl.DataFrame,
        plan: pl.DataFrame, visits: pl.DataFrame,
    ) -> None:  # fmt: skip
        self.streams, self.profile = streams, profile
        self.first = profile.start + timedelta(days=profile.patrol_day)
        self.n_days = profile.n_patrol_days
        visits = visits.sort("police_day", "start_local", "visit_id")
        self.ground = read_ground(county, premises, places, visits["cell"].to_numpy())
        self.teams = dict(zip(plan["plan_id"], plan["team"], strict=True))
        self._visits = self._by_day(visits)
        self._crews = [self._deal(k) for k in range(self.n_days)]
        n_crews = np.array([len(units) for units, _, _ in self._crews])
        spare = [self._background(int(n)) for n in n_crews]
        self.n_background = spare
        persons = [
            sum(u.n_persons for u in units) + 2 * n
            for (units, _, _), (n, _) in zip(self._crews, spare, strict=True)
        ]
        cars = [
            len(units) + n + 2 for (units, _, _), (n, _) in zip(self._crews, spare, strict=True)
        ]
        self.pools: Pools = make_pools(
            streams("patrol pools"), max(persons), max(cars), max(n for _, n in spare)
        )
        typical = self._background(round(float(n_crews.mean())))
        self.calls = calls_per_place(
            lambda k: streams("patrol pilot", k), self.ground, self.first, *typical
        )
        n_parked = max(round(self.n_days / DAYS_PER_PARKED_CAR), 1)
        self.n_parked = np.bincount(
            streams("patrol parked").integers(0, self.n_days, n_parked), minlength=self.n_days
        ).clip(max=2)
        self._week_clock: tuple[int, Ints] = (-1, np.zeros(0, np.int64))

    def day(self, number: int) -> PatrolDay:
        day = self.first + timedelta(days=number)
        rng = self.streams("patrol tracks", number)
        crews, crew_stops, crew_of = self._crews[number]
        others, other_stops = background_day(
            rng, self.ground, day, *self.n_background[number], self.calls
        )
        parked, parked_stops = make_parked(rng, self.ground, day, int(self.n_parked[number]))
        units = crews + others + parked
        stops = in_order(
            crew_stops,
            shifted(other_stops, len(crews)),
            shifted(parked_stops, len(crews) + len(others)),
        )
        has_persons, has_vehicle = (
            np.array(flags, bool)
            for flags in ([u.n_persons > 0 for u in units], [u.has_vehicle for u in units])
        )
        tracks, n_runs = make_tracks(rng, self.ground, stops, has_persons, has_vehicle)
        duties, carried, odd = on_duty(
            self.streams("patrol duties", number), self.pools, day, number, units
        )
        odd.update(parked_overnight=len(parked), response_run=n_runs)
        return PatrolDay(
            number,
            day,
            self._visits[number],
            crew_of,
            units,
            tracks,
            stays_in(tracks, self.ground.places),
            duties,
            carried,
            odd,
        )

    def clocks(self, number: int) -> Ints:
        """Seconds by which each device's clock is off in the week of that day."""
        week = number // 7
        if self._week_clock[0] != week:
            errors = clock_errors(self.streams("patrol clocks", week), len(self.pools.device_id))
            self._week_clock = (week, errors)
        return self._week_clock[1]

    def _by_day(self, visits: pl.DataFrame) -> list[pl.DataFrame]:
        since = (visits["police_day"] - self.first).dt.total_days().to_numpy()
        if len(since) and (since.min() < 0 or since.max() >= self.n_days):
            outside = visits.row(
                int(np.flatnonzero((since < 0) | (since >= self.n_days))[0]), named=True
            )
            raise ValueError(
                f"visit {outside['visit_id']} on {outside['police_day']}: patrol days are the {self.n_days} from {self.first} on"
            )
        ends = np.searchsorted(since, np.arange(self.n_days + 1))
        return [visits[a:b] for a, b in pairwise(ends.tolist())]

    def _deal(self, number: int) -> tuple[list[Unit], Stops, Ints]:
        mine = self._visits[number]
        start, end = visit_times(mine)
        order = np.argsort(start, kind="stable")
        kind, mode = mine["kind"].to_numpy(), mine["mode"].to_numpy()
        visits = Visits(
            start[order],
            end[order],
            self.ground.cell_row[mine["cell"].to_numpy()][order],
            ((mode == "foot") & (kind != "pass_through")).astype(np.int64)[order],
            (kind == "pass_through").astype(np.int64)[order],
            mine["n_officers"].to_numpy()[order],
        )
        teams = [self.teams.get(mine["plan_id"][int(k)], "") for k in order]
        rng = self.streams("patrol crews", number)
        units, stops, crew_of = make_crews(
            rng, self.ground, self.first + timedelta(days=number), visits, teams
        )
        back = np.empty(len(order), np.int64)
        back[order] = crew_of
        return units, stops, back

    def _background(self, n_crews: int) -> tuple[int, int]:
        n = self.profile.n_devices
        return n_units(max(n - 3 * n_crews, round(BACKGROUND_LEAST * n), DEVICES_PER_RESPONSE_UNIT))


def visit_times(visits: pl.DataFrame) -> tuple[Floats, Floats]:
    """Start and end of each visit, UTC seconds. Where the clock is changed during a visit, the shorter of the two readings
    of its wall clock counts: a quarter of an hour stays one.
    """
    start, end = (utc_seconds(visits[name]).astype(float) for name in ("start_local", "end_local"))
    by_clock = (visits["end_local"] - visits["start_local"]).dt.total_seconds().to_numpy()
    return start, start + np.minimum(end - start, by_clock)


def seconds_in_place(
    day: PatrolDay, at: Floats, until: Floats, place: Ints, margin_s: float
) -> Floats:
    """Seconds that the crew of each visit really was in `place` from `margin_s` before `at` until `margin_s` after `until`."""
    key = place + 1_000_000 * (2 * day.crew_of)
    stay_key = day.stays.place + 1_000_000 * day.stays.track
    first = np.searchsorted(stay_key, key)
    last = np.searchsorted(stay_key, key, side="right")
    visit = np.repeat(np.arange(len(key)), last - first)
    stay = (
        np.arange(len(visit))
        - np.repeat(np.cumsum(last - first) - (last - first), last - first)
        + first[visit]
    )
    low = np.maximum(day.stays.enter[stay], at[visit] - margin_s)
    high = np.minimum(day.stays.leave[stay], until[visit] + margin_s)
    return np.bincount(visit, np.maximum(high - low, 0.0), minlength=len(key)).astype(np.float64)
