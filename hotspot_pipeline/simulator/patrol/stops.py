"""Where units stay during a police day: the table of stops, the one form in which every kind of patrol is written.

Belongs here: kinds of stop and of unit, driving times, the table itself. Does not belong here: who goes where (`crews`,
`background`), the way between stops and within them (`tracks`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np

from hotspot_pipeline.simulator.force.county import Floats, Ints

UnitKind = Literal["crew", "response", "npt", "parked"]

# kinds of stop
BASE, FOOT, DRIVE, THROUGH, SCENE, WAIT, BEAT, PARKED = range(8)
# what a unit's radio shows: booked on, available or on patrol, on the way, at the scene (DOMAIN §4.2)
BOOKED_ON, ON_PATROL, EN_ROUTE, AT_SCENE = 1, 2, 5, 6
STATUS = np.array(
    [BOOKED_ON, ON_PATROL, ON_PATROL, ON_PATROL, AT_SCENE, ON_PATROL, ON_PATROL, BOOKED_ON]
)

SHIFTS_H = ((7, 17), (14, 24), (21, 31))  # hours of the wall clock; 31 is 07:00 of the next day
ROUND_ABOUT = 1.1  # roads are longer than the straight line
WALK_MPS, CRUISE_MPS = 1.1, 4.0


@dataclass(frozen=True, slots=True)
class Unit:
    """Who moves together: `start` and `end` of the duty in UTC seconds; `crew` is the crew's number of that day, or -1."""

    kind: UnitKind
    start: int
    end: int
    station: int
    n_persons: int
    has_vehicle: bool
    crew: int = -1
    team: str = ""


@dataclass(frozen=True, eq=False)
class Stops:
    """One row a stop, all arrays of one length: `unit` its position in the list of units, `arrive` and `leave` in UTC
    seconds, `x`, `y` where it begins and `x_out`, `y_out` where it ends (metres), `kind`, `hexagon` the row of
    `Ground.cells` walked in (-1: none), `visit` the row of the day's visits (-1: none).
    """

    unit: Ints
    arrive: Floats
    leave: Floats
    x: Floats
    y: Floats
    x_out: Floats
    y_out: Floats
    kind: Ints
    hexagon: Ints
    visit: Ints

    def __len__(self) -> int:
        return len(self.unit)

    def take(self, rows: Ints) -> Stops:
        return Stops(*(getattr(self, f.name)[rows] for f in fields(self)))


def make_stops(
    unit: Ints, arrive: Floats, leave: Floats, xy: Floats, kind: Ints | int,
    *, xy_out: Floats | None = None, hexagon: Ints | None = None, visit: Ints | None = None,
) -> Stops:  # fmt: skip
    """`xy` (n, 2); a stop ends where it began unless `xy_out` says otherwise."""
    n = len(unit)
    out = xy if xy_out is None else xy_out
    none = np.full(n, -1)
    return Stops(
        np.asarray(unit, np.int64), np.asarray(arrive, float), np.asarray(leave, float),
        xy[:, 0], xy[:, 1], out[:, 0], out[:, 1], np.broadcast_to(np.asarray(kind, np.int64), n).copy(),
        none if hexagon is None else hexagon, none if visit is None else visit,
    )  # fmt: skip


def in_order(*parts: Stops) -> Stops:
    """All stops by unit and time."""
    joined = Stops(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Stops)))
    return joined.take(np.lexsort((joined.leave, joined.arrive, joined.unit)))


def driving_seconds(metres: Floats) -> Floats:
    """25 km/h over short ways, 72 km/h from 13 km on."""
    return np.asarray(ROUND_ABOUT * metres / np.minimum(7.0 + metres / 1000.0, 20.0))


def driving_second(metres: float) -> float:
    """`driving_seconds` of one way."""
    return ROUND_ABOUT * metres / min(7.0 + metres / 1000.0, 20.0)


def distance(a: Floats, b: Floats) -> Floats:
    """Metres between points (..., 2), without hypot: a square root is the same on every machine."""
    d = a - b
    return np.asarray(np.sqrt(d[..., 0] ** 2 + d[..., 1] ** 2))


def points_in(
    rng: np.random.Generator, corners: Floats, shape: tuple[int, ...], shrink: float
) -> Floats:
    """Uniform points in convex outlines drawn in towards their centre: `corners` (n, k, 2) -> (n, *shape, 2).

    A triangle of the fan around the centre is chosen by its area, then a point in it.
    """
    n, k, _ = corners.shape
    centre = corners.mean(axis=1, keepdims=True)
    a = shrink * (corners - centre)
    b = np.roll(a, -1, axis=1)
    area = np.abs(a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0])
    cumulative = np.cumsum(area, axis=1) / area.sum(axis=1, keepdims=True)
    flat = rng.random((n, math.prod(shape), 3))
    pick = np.minimum((flat[..., :1] > cumulative[:, None, :]).sum(axis=2), k - 1)
    row = np.arange(n)[:, None]
    r, s = np.sqrt(flat[..., 1:2]), flat[..., 2:3]
    xy = centre + r * ((1 - s) * a[row, pick] + s * b[row, pick])
    return np.asarray(xy.reshape(n, *shape, 2))
