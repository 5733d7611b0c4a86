"""Response and neighbourhood units: where they go of themselves, without a plan of hotspots.

Belongs here: their shifts and stops, what brings them into places now and then, vehicles left in a place overnight
(DOMAIN §8.4, §10.22). Does not belong here: hotspot crews (`crews`), the way between stops (`tracks`).
"""

from __future__ import annotations

from datetime import date

import numpy as np

from hotspot_pipeline.simulator.force.county import Floats, Ints
from hotspot_pipeline.simulator.patrol.ground import Bools, Ground
from hotspot_pipeline.simulator.patrol.stops import (
    BASE,
    BEAT,
    PARKED,
    SCENE,
    SHIFTS_H,
    WAIT,
    Stops,
    Unit,
    distance,
    driving_seconds,
    in_order,
    make_stops,
    points_in,
)
from hotspot_pipeline.simulator.patrol.times import shift_times

SHIFT_SHARES = (0.40, 0.35, 0.25)
RESPONSE_SHARE = 0.60  # of the devices that hotspot crews leave
DEVICES_PER_RESPONSE_UNIT = 3  # two handhelds and the car
CALLS, BEATS = 16, 12  # more than fit into a shift
CALL_MINUTES = (10.0, 50.0)
IN_PLACE_MINUTES = (2.0, 14.0)
STANDBY_MEAN_MINUTES = 25.0
BEAT_MINUTES = (35.0, 75.0)
BEAT_REACH_M = 4000.0
FIRST_CALLS = 8  # slots of a shift that nearly always come about: calls to places are put there


def n_units(n_devices: int) -> tuple[int, int]:
    """(response units, neighbourhood officers) that carry about `n_devices`; at least one response unit."""
    response = max(round(RESPONSE_SHARE * n_devices / DEVICES_PER_RESPONSE_UNIT), 1)
    return response, max(n_devices - DEVICES_PER_RESPONSE_UNIT * response, 0)


def make_response(
    rng: np.random.Generator, ground: Ground, day: date, count: int, calls_per_place: Floats
) -> tuple[list[Unit], Stops]:
    """Cars that go from call to call and stand by in between; `calls_per_place`: how often one goes into each place a day."""
    units, start, end, station = _shifts(rng, ground, day, count, "response")
    home = ground.station[station]
    cell = rng.choice(len(ground.demand), (count, CALLS, 3), p=ground.demand)
    candidates = ground.demand_xy[cell] + rng.uniform(-100, 100, (count, CALLS, 3, 2))
    nearest = distance(candidates, home[:, None, None, :]).argmin(axis=2)
    xy = np.take_along_axis(candidates, nearest[..., None, None], axis=2)[:, :, 0]
    is_call = np.broadcast_to(np.arange(CALLS) % 2 == 0, (count, CALLS))
    # between calls: where the last one was, or at the station
    stays = rng.random((count, CALLS, 1)) < 0.5
    xy = np.where(is_call[..., None], xy, np.where(stays, np.roll(xy, 1, axis=1), home[:, None, :]))
    seconds = 60 * np.where(
        is_call,
        rng.uniform(*CALL_MINUTES, (count, CALLS)),
        3 + rng.exponential(STANDBY_MEAN_MINUTES, (count, CALLS)),
    )
    place = np.repeat(np.arange(len(calls_per_place)), rng.poisson(calls_per_place))
    unit, slot = (
        rng.integers(0, count, len(place)),
        2 * rng.integers(0, FIRST_CALLS // 2, len(place)),
    )
    xy[unit, slot] = points_in(rng, ground.places.corners[place], (), 0.9)
    seconds[unit, slot] = 60 * rng.uniform(*IN_PLACE_MINUTES, len(place))
    kind = np.where(is_call, SCENE, WAIT)
    return units, _chain(rng, start, end, home, xy, seconds, kind)


def make_neighbourhood(
    rng: np.random.Generator, ground: Ground, day: date, count: int
) -> tuple[list[Unit], Stops]:
    """Officers on foot in one neighbourhood after another around their station, never one with a place."""
    units, start, end, station = _shifts(rng, ground, day, count, "npt")
    home = ground.station[station]
    xy = np.zeros((count, BEATS, 2))
    u = rng.random((count, BEATS))
    for s, at in enumerate(ground.station):
        near = ground.demand * (distance(ground.demand_xy, at) < BEAT_REACH_M)
        cumulative = np.cumsum(near if near.sum() > 0 else ground.demand)
        mine = station == s
        xy[mine] = ground.demand_xy[
            np.searchsorted(cumulative, u[mine] * cumulative[-1], side="right")
        ]
    seconds = 60 * rng.uniform(*BEAT_MINUTES, (count, BEATS))
    return units, _chain(rng, start, end, home, xy, seconds, np.full((count, BEATS), BEAT))


def make_parked(
    rng: np.random.Generator, ground: Ground, day: date, count: int
) -> tuple[list[Unit], Stops]:
    """Cars left in a place from half past nine in the evening until six: nobody is on patrol there."""
    start, end = shift_times(day, *SHIFTS_H[2])
    place = rng.integers(0, len(ground.place_xy), count)
    xy = points_in(rng, ground.places.corners[place], (), 0.8)
    station = np.array([int(np.argmin(distance(ground.station, p))) for p in xy], np.int64)
    units = [Unit("parked", start, end, int(s), 0, True) for s in station]
    home = ground.station[station]
    drive = driving_seconds(distance(home, xy))
    rows, ones = np.arange(count), np.ones(count)
    left, fetched = start + 600 + drive, end - 900 - drive
    return units, in_order(
        make_stops(rows, start * ones, start + 600 * ones, home, BASE),
        make_stops(rows, left, fetched, xy, PARKED),
        make_stops(rows, fetched + drive, end * ones, home, BASE),
    )


def _shifts(
    rng: np.random.Generator, ground: Ground, day: date, count: int, kind: str
) -> tuple[list[Unit], Floats, Floats, Ints]:
    times = np.array([shift_times(day, *hours) for hours in SHIFTS_H], float)
    shift = rng.choice(len(SHIFTS_H), count, p=SHIFT_SHARES)
    station = rng.integers(0, len(ground.station), count)
    start, end = times[shift].T
    persons, car = (2, True) if kind == "response" else (1, False)
    team = "Response" if kind == "response" else "Neighbourhood"
    units = [
        Unit(kind, int(a), int(b), int(s), persons, car, -1, f"{team} {s + 1}")  # type: ignore[arg-type]
        for a, b, s in zip(start, end, station, strict=True)
    ]
    return units, start, end, station


def _chain(
    rng: np.random.Generator,
    start: Floats,
    end: Floats,
    home: Floats,
    xy: Floats,
    seconds: Floats,
    kind: Ints,
) -> Stops:
    """Station, one stop after the other as long as the way back still fits, station. `xy` (n, k, 2)."""
    n, k, _ = xy.shape
    # whole seconds: sums of them are exact, so a stop never begins before the one at the same place has ended
    set_off = start + np.round(60 * rng.uniform(10, 30, n))
    seconds = np.round(seconds)
    way = np.concatenate([home[:, None], xy], axis=1)
    hurry = rng.uniform(0.85, 1.25, (n, k))
    drive = np.ceil(driving_seconds(distance(way[:, 1:], way[:, :-1])) * hurry)
    leave = set_off[:, None] + np.cumsum(drive + seconds, axis=1)
    back = np.ceil(driving_seconds(distance(xy, home[:, None])))
    fits: Bools = np.logical_and.accumulate(leave + back + 300 <= end[:, None], axis=1)
    last = fits.sum(axis=1) - 1
    rows = np.arange(n)
    is_out = last >= 0
    returned = np.where(is_out, leave[rows, last] + back[rows, last], set_off + 60)
    unit, slot = np.nonzero(fits)
    return in_order(
        make_stops(rows, start, set_off, home, BASE),
        make_stops(
            unit, (leave - seconds)[unit, slot], leave[unit, slot], xy[unit, slot], kind[unit, slot]
        ),
        make_stops(rows, returned, end, home, BASE),
    )
