"""How often a call brings a response unit into a place, so that background presence comes out as DOMAIN §8.4 has it.

Belongs here: a pilot of the background on its own, before the first day. Does not belong here: the calls (`background`).

Units on their way to elsewhere pass through places as well, and how much depends on the county; so the pilot measures the
minutes without any call to a place and with about as many as will be, and the rate follows from the difference.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import numpy as np

from hotspot_pipeline.simulator.force.county import Floats
from hotspot_pipeline.simulator.patrol.background import make_neighbourhood, make_response
from hotspot_pipeline.simulator.patrol.ground import Ground
from hotspot_pipeline.simulator.patrol.presence import stays_in
from hotspot_pipeline.simulator.patrol.stops import Stops, Unit, in_order
from hotspot_pipeline.simulator.patrol.tracks import make_tracks

TREATED_MINUTES, CONTROL_MINUTES = (
    2.0,
    0.5,
)  # a place and day, of units other than hotspot crews (DOMAIN §8.4)
FIRST_GUESS_MINUTES = 7.5  # that one call to a place brings
PILOT_CALLS = 1000  # calls in the pilot: then the minutes of one are known to 2 %
MOST_PILOT_DAYS = 300


def calls_per_place(
    generator: Callable[[int], np.random.Generator],
    ground: Ground,
    day: date,
    n_response: int,
    n_npt: int,
) -> Floats:
    """(n_places,) calls a day that bring a response unit into each place. `generator`: one random stream a pilot day."""
    wanted = np.where(ground.is_treated, TREATED_MINUTES, CONTROL_MINUTES)
    guess = wanted / FIRST_GUESS_MINUTES
    n = min(math.ceil(PILOT_CALLS / guess.sum()), MOST_PILOT_DAYS)
    nothing = np.zeros(len(wanted))

    def pilot(first: int, calls: Floats) -> Floats:
        days = [
            _minutes(generator(first + k), ground, day, n_response, n_npt, calls) for k in range(n)
        ]
        return np.asarray(np.mean(days, axis=0))

    without, with_calls = pilot(0, nothing), pilot(n, guess)
    per_call = max(float((with_calls - without).sum() / guess.sum()), 1.0)
    calls = nothing.copy()
    for mine in (ground.is_treated, ~ground.is_treated):
        if mine.any():
            calls[mine] = max(float((wanted - without)[mine].mean()), 0.0) / per_call
    return calls


def background_day(
    rng: np.random.Generator, ground: Ground, day: date, n_response: int, n_npt: int, calls: Floats
) -> tuple[list[Unit], Stops]:
    """Response units and neighbourhood officers of a day, in one list."""
    response, theirs = make_response(rng, ground, day, n_response, calls)
    npt, others = make_neighbourhood(rng, ground, day, n_npt)
    return response + npt, in_order(theirs, shifted(others, len(response)))


def shifted(stops: Stops, by: int) -> Stops:
    """The same stops for units that stand `by` places further down the list."""
    return replace(stops, unit=stops.unit + by)


def _minutes(
    rng: np.random.Generator, ground: Ground, day: date, n_response: int, n_npt: int, calls: Floats
) -> Floats:
    """Unit-minutes in each place in one day."""
    units, stops = background_day(rng, ground, day, n_response, n_npt, calls)
    has_persons = np.ones(len(units), bool)
    tracks, _ = make_tracks(rng, ground, stops, has_persons, ~has_persons)
    found = stays_in(tracks, ground.places)
    return np.bincount(found.place, found.minutes(), minlength=len(ground.place_xy)).astype(
        np.float64
    )
