"""The exact position of every unit at every moment: straight lines at constant speed between knots.

Belongs here: the way between stops, the walk within them, positions at given times. Does not belong here: where units
stop (`crews`, `background`), what a device reports of it (`pings`).

A track is piecewise linear, so when it enters and leaves a place has an exact answer (`presence`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hotspot_pipeline.simulator.force.county import Floats, Ints
from hotspot_pipeline.simulator.patrol.ground import Bools, Ground
from hotspot_pipeline.simulator.patrol.stops import (
    BEAT,
    CRUISE_MPS,
    DRIVE,
    EN_ROUTE,
    FOOT,
    ON_PATROL,
    SCENE,
    STATUS,
    WALK_MPS,
    Stops,
    distance,
    points_in,
)

BEAT_RADIUS_M = 150.0
WALK_SHRINK = 0.93  # of the hexagon: people turn round before its edge
LEG_MEAN_M = 120.0  # shorter than it is, so that a walk has waypoints enough
BENDS = np.array([0.10, -0.10, 0.25, -0.25, 0.40])  # of a way's length, sideways at its middle
PASSING_M = 180.0  # a way this near to a place's centre passes through it
MAX_MPS = 45.0
RUN_MAX_MPS = 30.0
RUNS_PER_PLACE_DAY = 0.03

_ANGLE = np.pi / 3 * np.arange(6)
_DISC = BEAT_RADIUS_M * np.column_stack([np.cos(_ANGLE), np.sin(_ANGLE)])


class TrackError(ValueError):
    """A unit would have to be in two places at once, or to drive faster than any car."""


@dataclass(frozen=True, eq=False)
class Tracks:
    """Segments by track and time: from (`x0`, `y0`) at `t0` to (`x1`, `y1`) at `t1`, UTC seconds and metres.

    Track 2u is that of unit u's officers, 2u + 1 that of its car. `status`: what its radio shows.
    """

    track: Ints
    t0: Floats
    t1: Floats
    x0: Floats
    y0: Floats
    x1: Floats
    y1: Floats
    status: Ints
    zero: float  # of the keys by which a moment is found

    @property
    def speed(self) -> Floats:
        dt = np.maximum(self.t1 - self.t0, 1e-9)
        return np.asarray(np.sqrt((self.x1 - self.x0) ** 2 + (self.y1 - self.y0) ** 2) / dt)

    def segments(self, track: Ints, t: Floats) -> Ints:
        """The segment each moment is in; a moment before or after its track is in the first or last one."""
        key = _key(self.track, self.t0, self.zero)
        found = np.searchsorted(key, _key(track, t, self.zero), side="right") - 1
        return np.asarray(np.maximum(found, np.searchsorted(self.track, track)))

    def at(self, segment: Ints, t: Floats) -> tuple[Floats, Floats]:
        """Easting and northing at moments within these segments."""
        share = (t - self.t0[segment]) / np.maximum(self.t1 - self.t0, 1e-9)[segment]
        share = np.minimum(np.maximum(share, 0.0), 1.0)
        x = self.x0[segment] + share * (self.x1 - self.x0)[segment]
        return x, self.y0[segment] + share * (self.y1 - self.y0)[segment]


def _key(track: Ints, t: Floats, zero: float) -> Floats:
    # two days fit between one track and the next
    return np.asarray(track * 2.0**18 + (t - zero))


def make_tracks(
    rng: np.random.Generator, ground: Ground, stops: Stops, has_persons: Bools, has_vehicle: Bools
) -> tuple[Tracks, int]:
    """(tracks, number of response runs led through a place). `stops` by unit and time, `has_*` one entry a unit.

    Raises TrackError where stops of a unit overlap or are too far apart for the time between them.
    """
    legs, n_runs = _legs(rng, ground, stops)
    walks = _walks(rng, ground, stops)
    status = STATUS[stops.kind]
    # in order of a stop: arrival, walk, departure, bend of the way to the next
    seq = 4 * np.arange(len(stops))
    ends = (
        (stops.unit, stops.arrive, seq, stops.x, stops.y, status),
        (stops.unit, stops.leave, seq + 2, stops.x_out, stops.y_out, legs.status),
    )
    bends = (
        stops.unit[legs.stop],
        legs.t,
        seq[legs.stop] + 3,
        legs.x,
        legs.y,
        legs.status[legs.stop],
    )
    stop, t, x, y = walks
    walking = (stops.unit[stop], t, seq[stop] + 1, x, y, status[stop])
    drives = stops.kind[stop] == DRIVE
    persons = _joined(*ends, bends, walking)
    cars = _joined(*ends, bends, tuple(column[drives] for column in walking))
    parts = [
        _segments(persons, has_persons, 0),
        _segments(cars, has_vehicle, 1),
    ]
    columns = [np.concatenate([p[k] for p in parts]) for k in range(8)]
    order = np.lexsort((columns[1], columns[0]))
    track, t0, t1, x0, y0, x1, y1, shown = (c[order] for c in columns)
    zero = float(np.floor(t0.min())) if len(t0) else 0.0
    return Tracks(track, t0, t1, x0, y0, x1, y1, shown.astype(np.int64), zero), n_runs


@dataclass(frozen=True, eq=False)
class _Legs:
    """Where each way bends (`stop`: the one it begins at), and the status shown after each stop."""

    stop: Ints
    t: Floats
    x: Floats
    y: Floats
    status: Ints


def _legs(rng: np.random.Generator, ground: Ground, stops: Stops) -> tuple[_Legs, int]:
    leg = np.flatnonzero(stops.unit[:-1] == stops.unit[1:])
    a = np.column_stack([stops.x_out[leg], stops.y_out[leg]])
    b = np.column_stack([stops.x[leg + 1], stops.y[leg + 1]])
    leave, arrive = stops.leave[leg], stops.arrive[leg + 1]
    straight = distance(a, b)
    late = (arrive < leave - 1e-6) | (straight > MAX_MPS * np.maximum(arrive - leave, 0.0) + 1e-6)
    if late.any():
        k = int(np.flatnonzero(late)[0])
        raise TrackError(
            f"unit {stops.unit[leg[k]]}: {straight[k]:.0f} m in {arrive[k] - leave[k]:.0f} s between two stops"
        )
    via = _around_places(rng, ground, a, b)
    status = np.full(len(stops), ON_PATROL)
    to_call = stops.kind[leg + 1] == SCENE
    status[leg[to_call]] = EN_ROUTE
    n_runs = 0
    for place in np.repeat(
        np.arange(len(ground.place_xy)), rng.poisson(RUNS_PER_PLACE_DAY, len(ground.place_xy))
    ):
        through = ground.place_xy[place]
        length = distance(a, through) + distance(b, through)
        possible = to_call & (length <= RUN_MAX_MPS * (arrive - leave))
        if possible.any():
            chosen = int(np.argmin(np.where(possible, length - straight, np.inf)))
            via[chosen] = through
            n_runs += 1
    first, second = distance(a, via), distance(via, b)
    t = leave + (arrive - leave) * first / np.maximum(first + second, 1e-9)
    moves = straight > 1.0
    return _Legs(leg[moves], t[moves], via[moves, 0], via[moves, 1], status), n_runs


def _around_places(rng: np.random.Generator, ground: Ground, a: Floats, b: Floats) -> Floats:
    """The bend of each way: of five, the one that leads past the fewest places, for drivers keep to main roads."""
    along = b - a
    aside = np.column_stack([-along[:, 1], along[:, 0]])
    sign = np.where(rng.random(len(a)) < 0.5, -1.0, 1.0)
    bends = sign[:, None] * BENDS
    candidates = (a + b)[:, None] / 2 + bends[..., None] * aside[:, None]
    passed = _length_near(ground, a[:, None], candidates) + _length_near(
        ground, candidates, b[:, None]
    )
    return np.asarray(candidates[np.arange(len(a)), passed.argmin(axis=1)])


def _length_near(ground: Ground, a: Floats, b: Floats) -> Floats:
    """Metres of each way (n, k) within 180 m of a place's centre, summed over places."""
    way = b - a
    length = np.maximum(distance(a, b), 1e-9)
    along_x, along_y = way[..., 0] / length, way[..., 1] / length
    total = np.zeros(length.shape)
    for x, y in ground.place_xy:
        to_x, to_y = x - a[..., 0], y - a[..., 1]
        ahead = to_x * along_x + to_y * along_y
        half = np.sqrt(np.maximum(PASSING_M**2 - (to_x * along_y - to_y * along_x) ** 2, 0.0))
        total += np.maximum(np.minimum(ahead + half, length) - np.maximum(ahead - half, 0.0), 0.0)
    return total


def _walks(
    rng: np.random.Generator, ground: Ground, stops: Stops
) -> tuple[Ints, Floats, Floats, Floats]:
    """Random waypoints within the stops that are walked or driven about: (stop, t, x, y).

    From where the stop began at constant speed from point to point, as long as the way back to its end still fits in time;
    then back, more slowly by what is left.
    """
    row = np.flatnonzero(np.isin(stops.kind, (FOOT, DRIVE, BEAT)))
    if not len(row):
        empty = np.zeros(0)
        return row, empty, empty, empty
    at = np.column_stack([stops.x[row], stops.y[row]])
    corners = at[:, None, :] + _DISC
    walked = stops.hexagon[row] >= 0
    corners[walked] = _six(ground.cells.corners[stops.hexagon[row[walked]]])
    pace = np.where(stops.kind[row] == DRIVE, CRUISE_MPS, WALK_MPS)
    seconds = stops.leave[row] - stops.arrive[row]
    n_points = int(np.ceil((seconds * pace).max() / LEG_MEAN_M)) + 4
    xy = points_in(rng, corners, (n_points,), WALK_SHRINK)
    steps = distance(xy, np.concatenate([at[:, None], xy[:, :-1]], axis=1)) / pace[:, None]
    reached = np.cumsum(steps, axis=1)
    end = np.column_stack([stops.x_out[row], stops.y_out[row]])
    # by the triangle inequality this is true up to some point and false after it
    fits = reached + distance(xy, end[:, None]) / pace[:, None] <= seconds[:, None]
    s, k = np.nonzero(fits)
    t = stops.arrive[row][s] + reached[s, k]
    return row[s], t, xy[s, k, 0], xy[s, k, 1]


def _six(corners: Floats) -> Floats:
    if corners.shape[1] != len(_DISC):
        raise ValueError(f"a cell with {corners.shape[1]} corners; the grid of hexagons is meant")
    return corners


def _joined(*parts: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    columns = [np.concatenate([p[k] for p in parts]) for k in range(6)]
    order = np.lexsort((columns[1], columns[2]))
    return tuple(c[order] for c in columns)


def _segments(knots: tuple[np.ndarray, ...], wanted: Bools, side: int) -> tuple[np.ndarray, ...]:
    unit, t, _, x, y, status = knots
    k = np.flatnonzero((unit[:-1] == unit[1:]) & wanted[unit[:-1]])
    return 2 * unit[k] + side, t[k], t[k + 1], x[k], y[k], x[k + 1], y[k + 1], status[k]
