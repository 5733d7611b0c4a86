"""Which events would happen in which cell and second if nobody patrolled.

Belongs here: the rate of DOMAIN §8.2 and drawing from it, week by week and kind by kind. Does not belong here: how an
event is put on record (`crimes`, `asb`), what patrols change (`trial.effect`).

The rate of a kind in cell c and hour t is

    per_year / 52.18 · volume · share[c] · drift[c, year] · noise[c, week] · shape[hour of week] · calendar[t]

with gamma noise (negative binomial k = 6 per cell and week) and lognormal drift from year to year.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hotspot_pipeline.simulator.crime import clock
from hotspot_pipeline.simulator.crime.calendar import hour_multipliers
from hotspot_pipeline.simulator.crime.kinds import KINDS
from hotspot_pipeline.simulator.force.county import County, Floats, Ints
from hotspot_pipeline.simulator.force.premises import Premises
from hotspot_pipeline.simulator.force.risk import yearly_drift
from hotspot_pipeline.simulator.profiles import Profile
from hotspot_pipeline.simulator.streams import Streams

DISPERSION_K = 6.0
CELL_CV = 0.25  # of a cell's rate from one year to the next
WEEKS_PER_YEAR = 365.25 / 7
ASB_PER_YEAR = 8000
# below this share a cell has less than one event of a kind in a thousand years
_NEGLIGIBLE = 1e-7


@dataclass(frozen=True, slots=True)
class Source:
    """What the rate of one kind of event needs: names of its surface, its week and its calendar."""

    name: str
    per_year: float
    group: str
    surface: str
    shape: str


ASB = Source("asb", ASB_PER_YEAR, "asb", "asb", "asb")
SOURCES: Mapping[str, Source] = {
    ASB.name: ASB,
    **{k.name: Source(k.name, k.per_year, k.group, k.surface, k.shape) for k in KINDS},
}


@dataclass(frozen=True, eq=False)
class Moments:
    """Events of one kind in no order: position of the cell, local second, and a number that names the event for ever."""

    event_id: Ints
    cell: Ints
    at: clock.Times

    def __len__(self) -> int:
        return len(self.event_id)


class World:
    """The rates of one force, and events drawn from them; the same seed gives the same events whatever is patrolled."""

    def __init__(
        self,
        streams: Streams,
        profile: Profile,
        county: County,
        premises: Premises,
        surfaces: Mapping[str, Floats],
        cell_cv: float = CELL_CV,
    ) -> None:
        self.streams, self.profile, self.county = streams, profile, county
        self.surfaces, self.cell_cv = surfaces, cell_cv
        self.is_centre = premises.n_venues > 0
        self.start = np.datetime64(profile.start_local, "s")
        self.year_of_week = np.arange(profile.n_weeks) * 7 // 365
        self._drift: dict[str, Floats] = {}
        self._weeks: dict[str, Floats] = {}

    def draw(
        self, source: Source, name: str = "events", cells: Ints | None = None, factor: float = 1.0
    ) -> Moments:
        """All events of one kind, as if nobody patrolled; or, apart from them, those of `cells` at `factor` of the rate."""
        rng = self.streams(name, source.name)
        profile = self.profile
        share = self.surfaces[source.surface]
        active = np.flatnonzero(share > _NEGLIGIBLE)
        if cells is not None:
            active = active[np.isin(active, cells)]
        drift = self.drift(source.group)[active] * share[active, None]
        weeks = self.hours(source)
        # which of the two rows of hours a cell has, and how busy that row is in each week
        row = (
            self.is_centre[active].astype(np.int64)
            if len(weeks) == 2
            else np.zeros(len(active), np.int64)
        )
        busy = weeks.sum(axis=2)
        per_week = source.per_year * profile.volume / WEEKS_PER_YEAR * factor
        found_cells, at_week = [], []
        for week in range(profile.n_weeks):
            noise = rng.gamma(DISPERSION_K, 1 / DISPERSION_K, len(active))
            cumulative = np.cumsum(drift[:, self.year_of_week[week]] * noise * busy[row, week])
            n = int(rng.poisson(per_week * cumulative[-1]))
            found = np.searchsorted(cumulative, rng.uniform(size=n) * cumulative[-1], side="right")
            found_cells.append(np.minimum(found, len(active) - 1))
            at_week.append(np.full(n, week))
        position, week_of = np.concatenate(found_cells), np.concatenate(at_week)
        hour = _pick_hours(rng, weeks, row[position], week_of)
        second = rng.integers(0, clock.HOUR_S, len(hour))
        since = (week_of * clock.WEEK_H + hour) * clock.HOUR_S + second
        at = clock.skip_missing_hour(self.start + since.astype("timedelta64[s]"))
        number = list(SOURCES).index(source.name) * 10_000_000 + np.arange(len(at))
        return Moments(number, active[position], at)

    def drift(self, group: str) -> Floats:
        """(n_cells, n_years): multiplier with mean 1 and coefficient of variation `cell_cv`."""
        if group not in self._drift:
            n_years = int(self.year_of_week[-1]) + 1
            rng = self.streams("drift", group)
            self._drift[group] = yearly_drift(rng, len(self.county.cells), n_years, self.cell_cv)
        return self._drift[group]

    def hours(self, source: Source) -> Floats:
        """(1 or 2, n_weeks, 168): share of an average week by hour from Monday 06:00; the second row for town centres."""
        if source.name not in self._weeks:
            names = (
                ("night_elsewhere", "night_centre") if source.shape == "night" else (source.shape,)
            )
            shapes = np.stack([np.roll(clock.SHAPES[name], -6) for name in names])
            shapes /= shapes.sum(axis=1, keepdims=True)
            n_hours = self.profile.n_weeks * clock.WEEK_H
            level = hour_multipliers(self.streams("calendar"), source.group, self.start, n_hours)
            self._weeks[source.name] = shapes[:, None, :] * level.reshape(1, -1, clock.WEEK_H)
        return self._weeks[source.name]

    def expected(
        self, source: Source, cell: Ints, share: Floats, group: Ints | None = None
    ) -> Floats:
        """(n, n_hours): expected events by hour in each cell, times `share` (n,) of them.

        With `group` (n,), positions from 0, the rows are sums over the cells of each group.
        """
        weeks = self.hours(source)
        row = (
            self.is_centre[cell].astype(np.int64)
            if len(weeks) == 2
            else np.zeros(len(cell), np.int64)
        )
        per_week = source.per_year * self.profile.volume / WEEKS_PER_YEAR
        by_year = (
            self.drift(source.group)[cell]
            * (per_week * self.surfaces[source.surface][cell] * share)[:, None]
        )
        mine = np.arange(len(cell)) if group is None else group
        n_groups = int(mine.max(initial=-1)) + 1
        # cells of one group and one row of hours differ by nothing but their level
        level = np.zeros((len(weeks), n_groups, by_year.shape[1]))
        np.add.at(level, (row, mine), by_year)
        by_week = level[:, :, self.year_of_week, None]
        found = weeks[0] * by_week[0]
        for hours, levels in zip(weeks[1:], by_week[1:], strict=True):
            found += hours * levels
        return np.asarray(found).reshape(n_groups, -1)


def _pick_hours(rng: np.random.Generator, weeks: Floats, row: Ints, week: Ints) -> Ints:
    """An hour of its week, from 0 to 167, for each event."""
    # one long sorted line: the shares of each row and week between two whole numbers
    cumulative = np.cumsum(weeks, axis=2)
    line = cumulative / cumulative[:, :, -1:]
    line += np.arange(line.shape[0] * line.shape[1]).reshape(line.shape[0], -1, 1)
    at = row * weeks.shape[1] + week
    found = np.searchsorted(line.ravel(), at + rng.uniform(size=len(week)), side="right")
    return np.asarray(np.clip(found - at * clock.WEEK_H, 0, clock.WEEK_H - 1))
