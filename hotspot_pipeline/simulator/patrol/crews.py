"""The hotspot crews of a police day: which crew makes which visit, and where it is in between.

Belongs here: dealing visits to crews by driving time and shift, and their stops. Does not belong here: which visits
happen (`trial.visits`), other units (`background`).

The crews are dealt here and not taken from `VISITS.crew`, for a crew must reach each visit by road within a shift; the
truth says who made which.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

import numpy as np

from hotspot_pipeline.simulator.force.county import Floats, Ints
from hotspot_pipeline.simulator.patrol.ground import Ground
from hotspot_pipeline.simulator.patrol.stops import (
    BASE,
    DRIVE,
    FOOT,
    SHIFTS_H,
    THROUGH,
    WAIT,
    Stops,
    Unit,
    distance,
    driving_second,
    driving_seconds,
    in_order,
    make_stops,
    points_in,
)
from hotspot_pipeline.simulator.patrol.times import shift_times

BRIEFING_S = 900.0  # at the station, at least, at the beginning of a duty
RETURN_S = 300.0  # at the station, at least, at its end
SPARE_S = 120.0  # between two visits, beyond the driving time
BACK_TO_BASE_S = 1800.0  # a crew with so much time between visits returns to its station
WAIT_S = 240.0  # with less than this to spare it drives slowly instead of waiting
PARKING_SHRINK, CROSSING_SHRINK = 0.7, 0.8


@dataclass(frozen=True, eq=False)
class Visits:
    """The visits of one police day in order of start, UTC seconds; `hexagon` the row of `Ground.cells` each really was in."""

    start: Floats
    end: Floats
    hexagon: Ints
    is_foot: Ints
    is_through: Ints
    n_officers: Ints

    def __len__(self) -> int:
        return len(self.start)


@dataclass(slots=True)
class _Crew:
    start: float
    end: float
    station: int
    free: float
    xy: list[float]


def make_crews(
    rng: np.random.Generator, ground: Ground, day: date, visits: Visits, teams: list[str]
) -> tuple[list[Unit], Stops, Ints]:
    """(crews, their stops, the crew of each visit); `teams` holds the team of each visit's plan."""
    if not len(visits):
        nobody, never = np.zeros(0, np.int64), np.zeros(0)
        return [], make_stops(nobody, never, never, np.zeros((0, 2)), BASE), nobody
    n = len(visits)
    corners = ground.cells.corners[visits.hexagon]
    arrive_xy = points_in(rng, corners, (), PARKING_SHRINK)
    k = corners.shape[1]
    entry = rng.integers(0, k, n)
    centre = corners.mean(axis=1)
    at = [
        centre + CROSSING_SHRINK * (corners[np.arange(n), c] - centre)
        for c in (entry, (entry + k // 2) % k)
    ]
    through = visits.is_through[:, None] > 0
    first_xy, last_xy = np.where(through, at[0], arrive_xy), np.where(through, at[1], arrive_xy)
    crews, crew_of = _deal(ground, day, visits, first_xy, last_xy)
    units = [
        Unit("crew", int(c.start), int(c.end), c.station, int(visits.n_officers[crew_of == i].max()), True, i,
             teams[int(np.flatnonzero(crew_of == i)[0])])
        for i, c in enumerate(crews)
    ]  # fmt: skip
    kind = np.where(visits.is_through > 0, THROUGH, np.where(visits.is_foot > 0, FOOT, DRIVE))
    made = make_stops(
        crew_of, visits.start, visits.end, first_xy, kind,
        xy_out=last_xy, hexagon=visits.hexagon, visit=np.arange(n),
    )  # fmt: skip
    return units, _with_stays(rng, ground, units, made), crew_of


def _deal(
    ground: Ground, day: date, visits: Visits, first: Floats, last: Floats
) -> tuple[list[_Crew], Ints]:
    """Each visit in order of start goes to the nearest crew that can be there in time, or to a new one."""
    shifts = [shift_times(day, *hours) for hours in SHIFTS_H]
    stations = [(float(x), float(y)) for x, y in ground.station]
    crews: list[_Crew] = []
    crew_of = np.zeros(len(visits), np.int64)
    rows = zip(
        visits.start.tolist(), visits.end.tolist(), first.tolist(), last.tolist(), strict=True
    )
    for v, (start, end, there, off) in enumerate(rows):
        best, best_m = -1, np.inf
        for i, crew in enumerate(crews):
            metres = math.dist(crew.xy, there)
            if metres >= best_m or crew.free + driving_second(metres) + SPARE_S > start:
                continue
            if end + driving_second(math.dist(stations[crew.station], off)) + RETURN_S <= crew.end:
                best, best_m = i, metres
        if best < 0:
            best = len(crews)
            crews.append(_new_crew(stations, shifts, start, end, there, off))
        crew_of[v] = best
        crews[best].free, crews[best].xy = end, off
    return crews, crew_of


def _new_crew(
    stations: list[tuple[float, float]], shifts: list[tuple[int, int]], start: float, end: float,
    there: list[float], off: list[float],
) -> _Crew:  # fmt: skip
    """On the latest shift that holds the visit; where none does, one that begins earlier or ends later (overtime)."""
    station = min(range(len(stations)), key=lambda s: math.dist(stations[s], there))
    before = start - driving_second(math.dist(stations[station], there)) - BRIEFING_S
    after = end + driving_second(math.dist(stations[station], off)) + RETURN_S
    fitting = [s for s in shifts if s[0] <= before and after <= s[1]]
    chosen = fitting[-1] if fitting else min(shifts, key=lambda s: abs(s[0] + s[1] - start - end))
    return _Crew(
        min(chosen[0], math.floor(before)), max(chosen[1], math.ceil(after)), station, end, off
    )


def _with_stays(rng: np.random.Generator, ground: Ground, units: list[Unit], made: Stops) -> Stops:
    """The visits, the station before and after, and where the crew is between two visits."""
    made = made.take(np.lexsort((made.arrive, made.unit)))
    station = ground.station[np.array([u.station for u in units])]
    rows = np.arange(len(units))
    firsts = np.searchsorted(made.unit, rows)
    lasts = np.searchsorted(made.unit, rows, side="right") - 1
    xy, out = np.column_stack([made.x, made.y]), np.column_stack([made.x_out, made.y_out])
    start, end = (np.array([getattr(u, name) for u in units], float) for name in ("start", "end"))
    before = make_stops(
        rows,
        start,
        made.arrive[firsts] - driving_seconds(distance(station, xy[firsts])),
        station,
        BASE,
    )
    after = make_stops(
        rows, made.leave[lasts] + driving_seconds(distance(station, out[lasts])), end, station, BASE
    )
    gap = np.flatnonzero(made.unit[:-1] == made.unit[1:])
    a, b = out[gap], xy[gap + 1]
    leave, arrive, unit = made.leave[gap], made.arrive[gap + 1], made.unit[gap]
    home = station[unit]
    at_home = (
        leave + driving_seconds(distance(a, home)),
        arrive - driving_seconds(distance(home, b)),
    )
    is_home = at_home[1] - at_home[0] >= BACK_TO_BASE_S
    park = _clear_points(rng, ground, b)
    parked = (
        leave + driving_seconds(distance(a, park)),
        arrive - driving_seconds(distance(park, b)),
    )
    is_wait = ~is_home & (parked[1] - parked[0] >= WAIT_S)
    h, w = np.flatnonzero(is_home), np.flatnonzero(is_wait)
    return in_order(
        made, before, after,
        make_stops(unit[h], at_home[0][h], at_home[1][h], home[h], BASE),
        make_stops(unit[w], parked[0][w], parked[1][w], park[w], WAIT),
    )  # fmt: skip


def _clear_points(rng: np.random.Generator, ground: Ground, near: Floats) -> Floats:
    """A point 400 to 900 m from each: of six, the one farthest from any place."""
    n = len(near)
    offset = rng.uniform(-1, 1, (n, 6, 2))
    size = np.maximum(np.abs(offset).max(axis=2, keepdims=True), 0.05)
    candidates = near[:, None, :] + offset / size * rng.uniform(400, 900, (n, 6, 1))
    nearest = distance(candidates[:, :, None, :], ground.place_xy[None, None]).min(axis=2)
    return np.asarray(candidates[np.arange(n), nearest.argmax(axis=1)])
