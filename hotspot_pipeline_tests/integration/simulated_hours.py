"""Events with known hours: drawn from the simulator's own rates, put on record with its windows of time, spread by the kernel.

Here: the events of one seed and the rates that they were drawn from. Not here: what is found in them (`hot_time_truth`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from hotspot_pipeline.hot_times.aoristic import event_hours
from hotspot_pipeline.simulator.crime import clock
from hotspot_pipeline.simulator.crime.events import ASB, DISPERSION_K, SOURCES, World
from hotspot_pipeline.simulator.crime.kinds import KINDS
from hotspot_pipeline.simulator.ground import make_ground
from hotspot_pipeline.simulator.profiles import PROFILES
from hotspot_pipeline.simulator.streams import Streams
from hotspot_pipeline.timebase import HOURS_IN_WEEK, PoliceTime
from hotspot_pipeline.timebase.local_hours import hours_of

N_WEEKS = 104
#: what is counted: ASB by the call, crimes by their windows
COUNTED = ("asb", "violence", "public_order", "damage", "robbery", "weapons")
LONDON = PoliceTime()
FIRST, END = date(2024, 1, 8), date(2026, 1, 5)  # Mondays

IntArray = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Simulated:
    """`rows` as of `aoristic.event_hours` with place (a number) and cat_group; `hours` as of `local_hours.hours_of`."""

    rows: pl.DataFrame
    hours: pl.DataFrame
    world: World | None = None

    @property
    def is_centre(self) -> npt.NDArray[np.bool_]:
        """(n_cells,) cells with licensed premises: their nights are not those of other cells."""
        assert self.world is not None
        return self.world.is_centre

    def true_hours(self, cells: list[int], weeks: slice) -> Floats:
        """(n_cells, 168): expected events by local hour of the week, Monday 00:00 first, over the weeks."""
        of_kinds = [self._expected(kind, np.array(cells), None, weeks) for kind in COUNTED]
        return np.asarray(sum(of_kinds))

    def true_hours_of_areas(self) -> dict[str, Floats]:
        """By kind (2, 168): the same of all cells that are no centre, and of all that are, over all weeks."""
        cells, area = np.arange(len(self.is_centre)), self.is_centre.astype(np.int64)
        return {kind: self._expected(kind, cells, area, slice(None)) for kind in COUNTED}

    def _expected(self, kind: str, cells: IntArray, group: IntArray | None, weeks: slice) -> Floats:
        assert self.world is not None
        return expected_hours(self.world, kind, cells, group, weeks)


def expected_hours(
    world: World, kind: str, cells: IntArray, group: IntArray | None, weeks: slice = slice(None)
) -> Floats:
    """(n, 168): expected events of a kind by local hour of the week, Monday 00:00 first, in each cell (by its number) or each `group` of them."""
    expected = world.expected(SOURCES[kind], cells, np.ones(len(cells)), group)
    by_week = expected.reshape(len(expected), -1, HOURS_IN_WEEK)[:, weeks]
    return np.asarray(np.roll(by_week.sum(axis=1), 6, axis=1))


def county(seed: int) -> Simulated:
    """All counted events of a force of 500 square kilometres: special days, seasons and weeks that differ are in them."""
    profile = replace(PROFILES["demo"], n_weeks=N_WEEKS, volume=1.0, shocks={})
    world = make_ground(Streams(seed), profile).world
    rng = np.random.default_rng(seed)
    window_of = {kind.name: kind.window for kind in KINDS}
    frames = []
    for name in COUNTED:
        moments = world.draw(SOURCES[name])
        window = None if name == ASB.name else window_of[name]
        group = "CRIM_DAMAGE" if name == "damage" else name
        rows = _recorded(rng, moments.at, window, event_id=moments.event_id, place=moments.cell)
        frames.append(rows.with_columns(cat_group=pl.lit(group)))
    span = LONDON.window(profile.start, profile.end_local.date())
    return Simulated(pl.concat(frames), hours_of(LONDON, span), world)


def places_that_differ(seed: int, n_places: int = 40) -> tuple[Simulated, list[str], Floats]:
    """Moments at places that mix the simulator's shapes of the week each in a way of its own, about that of their cluster; the
    cluster of each; and its true shape (n_places, 168). 60 to 600 events a year."""
    rng = np.random.default_rng([seed, 3])
    shapes = np.array([shape / shape.sum() for shape in clock.SHAPES.values()])
    of_cluster = {name: rng.dirichlet(np.full(len(shapes), 0.5)) for name in ("a", "b", "c")}
    clusters = [("a", "b", "c")[p % 3] for p in range(n_places)]
    # about a quarter of a place's mix is its own
    mix = np.array([rng.dirichlet(12 * of_cluster[name] + 0.05) for name in clusters])
    place, week = _drawn(rng, np.exp(rng.uniform(np.log(60), np.log(600), n_places)), N_WEEKS)
    true = mix @ shapes
    at = np.concatenate([_moments(rng, week[place == p], true[p]) for p in range(n_places)])
    rows = _recorded(rng, at, None, place=np.sort(place))
    return Simulated(rows, hours_of(LONDON, LONDON.window(FIRST, END))), clusters, true


def flat_places(seed: int, n_places: int, window: str | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows (place as text) and hours of two years of places that are as busy at every hour, 30 to 500 events a year; `window` names
    the mix of recorded windows, None records the moment."""
    rng = np.random.default_rng([seed, 7])
    place, week = _drawn(rng, np.exp(rng.uniform(np.log(30), np.log(500), n_places)), N_WEEKS)
    at = _moments(rng, week, np.ones(HOURS_IN_WEEK))
    rows = _recorded(rng, at, window, place=place.astype(str))
    return rows, hours_of(LONDON, LONDON.window(FIRST, END))


def _drawn(rng: np.random.Generator, per_year: Floats, n_weeks: int) -> tuple[IntArray, IntArray]:
    """Place and week of each event, places in order; weeks are unequal, as the simulator's are."""
    noise = rng.gamma(DISPERSION_K, 1 / DISPERSION_K, (len(per_year), n_weeks))
    n = rng.poisson(per_year[:, None] / 52 * noise).ravel()
    place, week = np.indices(noise.shape).reshape(2, -1)
    return np.repeat(place, n), np.repeat(week, n)


def _moments(rng: np.random.Generator, week: IntArray, shape: Floats) -> clock.Times:
    return clock.event_times(rng, np.datetime64(FIRST, "s") + np.timedelta64(6, "h"), week, shape)


def _recorded(
    rng: np.random.Generator, at: clock.Times, window: str | None, **keys: Any
) -> pl.DataFrame:
    begin, end = at, at
    if window is not None:
        begin, end, _ = clock.windows(rng, at, clock.WINDOWS[window])
    names = {"event_id": np.arange(len(at)), **keys}
    events = pl.DataFrame(
        {**names, "begin": clock.time_column(begin), "end": clock.time_column(end)}
    ).select(
        *names,
        pl.lit("window").alias("time_known"),
        from_utc=LONDON.to_utc(pl.col("begin")),
        to_utc=LONDON.to_utc(pl.col("end")),
    )
    return event_hours(events, LONDON, keys=tuple(names))
