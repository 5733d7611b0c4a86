"""Simulated forces for the calibration: which ones, and their counts and truth as arrays.

Here: everything that knows the simulator. Not here: any estimator (`figures`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from hotspot_pipeline.evaluation.lags import Patrols
from hotspot_pipeline.simulator.counts import ZONES, Counts, simulate_worlds
from hotspot_pipeline.simulator.crime.events import CELL_CV as DEFAULT_CELL_CV
from hotspot_pipeline.simulator.ground import make_ground
from hotspot_pipeline.simulator.profiles import PROFILES, Profile
from hotspot_pipeline.simulator.streams import Streams
from hotspot_pipeline.simulator.trial.effect import dose
from hotspot_pipeline.simulator.trial.programme import Options

BINS_A_DAY = 4
# forces of one group have the same places, plan and visits; name, profile, options
GROUPS: tuple[tuple[tuple[str, str, Options], ...], ...] = (
    (
        ("power null", "power", Options("null", "spells")),
        ("power base", "power", Options("base", "spells")),
        ("power strong", "power", Options("strong", "spells")),
        ("power beds", "power", Options("beds", "spells")),
        ("power diffusion", "power", Options("base", "spells", ring="diffusion")),
        ("power displacement", "power", Options("base", "spells", ring="displacement")),
    ),
    (
        ("county null", "county", Options("null", "ops")),
        ("county base", "county", Options("base", "ops")),
    ),
    (("county ranked", "county", Options("null", "ops", "ranked")),),
)
# The simulator lets the kinds of crime drift apart, each with a CV of 0.25 from year to year, which leaves a place's sum
# 0.15. Where a place's own CV is to be 0.25, as in the trap of places that calm down by themselves, each kind has 0.40.
CELL_CV = {"county ranked": 0.40}
SCENARIOS = tuple(name for group in GROUPS for name, _, _ in group)


@dataclass(frozen=True, eq=False)
class World:
    """One force. Counts (n_places, n_days · 4) from day 0 by zone; `arm` (n_places, n_patrol_days): 0 not by lot, 1
    patrol, 2 none; `minutes` (n_places, n_patrol_days) delivered in the place; `late` the simulator's `count_records`; `truth` its estimands.
    """

    name: str
    profile: Profile
    seed: int
    is_treated: np.ndarray
    pair: np.ndarray
    counts: dict[tuple[str, str], np.ndarray]
    bin_start_s: np.ndarray
    arm: np.ndarray
    minutes: np.ndarray
    assigned: Patrols
    delivered: Patrols
    late: pl.DataFrame
    truth: dict[tuple[str, int | None], float]
    _daily: dict[tuple[str, str], np.ndarray] = field(default_factory=dict, repr=False)

    def daily(self, column: str, zone: str = "core") -> np.ndarray:
        """(n_places, n_days)."""
        if (zone, column) not in self._daily:
            counts = self.counts[zone, column]
            by_day = counts.reshape(len(counts), -1, BINS_A_DAY).sum(axis=2)
            by_day.flags.writeable = False
            self._daily[zone, column] = by_day
        return self._daily[zone, column]

    def on_record(self, days: int) -> np.ndarray:
        """(n_places, n_weeks): events in the cores that are on record so many days after their week."""
        found = np.zeros((len(self.is_treated), self.profile.n_weeks), np.int64)
        known = self.late.filter(pl.col("days_late") <= days)
        np.add.at(
            found, (known["place"].to_numpy(), known["week"].to_numpy()), known["n"].to_numpy()
        )
        return found

    @property
    def patrol_day(self) -> int:
        return self.profile.patrol_day


def worlds(seed: int, groups: Sequence[int], is_quick: bool = False) -> Iterator[World]:
    """The forces of one seed, group by group: all stand in the same county."""
    ground = None
    for group in groups:
        names, profiles, options = zip(*GROUPS[group], strict=True)
        profile = PROFILES[profiles[0]]
        if is_quick:
            profile = replace(profile, volume=0.5 * profile.volume, n_pairs=profile.n_pairs // 3)
        cell_cv = CELL_CV.get(names[0], DEFAULT_CELL_CV)
        if ground is None:
            ground = make_ground(Streams(seed), profile, cell_cv)
        else:
            ground = ground.at(profile, cell_cv)
        for name, found in zip(names, simulate_worlds(ground, options), strict=True):
            yield _world(name, profile, seed, found)


def _world(name: str, profile: Profile, seed: int, found: Counts) -> World:
    n_places = len(found.places)
    columns = ("n_true", "n_recorded", "expected", "expected_without")
    # in the order of place, zone and time
    table = {column: found.six_hourly[column].to_numpy() for column in columns}
    counts = {
        (zone, column): np.ascontiguousarray(values.reshape(n_places, len(ZONES), -1)[:, k])
        for column, values in table.items()
        for k, zone in enumerate(ZONES)
    }
    n_bins = len(found.six_hourly) // (n_places * len(ZONES))
    effective = found.visits.filter(pl.Series(dose(found.visits) > 0))
    on = found.plan.filter(pl.col("arm") != "control")
    there = found.visits.filter(pl.col("kind") != "wrong_cell")
    arm = np.zeros((n_places, profile.n_patrol_days), np.int64)
    codes = found.plan["arm"].replace_strict(
        {"na": 0, "treat": 1, "control": 2}, return_dtype=pl.Int64
    )
    arm[found.plan["place"].to_numpy(), _day(profile, found.plan)] = codes.to_numpy()
    minutes = np.zeros(arm.shape)
    length = (there["end_local"] - there["start_local"]).dt.total_seconds().to_numpy() / 60
    np.add.at(minutes, (there["place"].to_numpy(), _day(profile, there)), length)
    return World(
        name, profile, seed,
        (found.places["arm"] == "treat").to_numpy(), found.places["pair"].to_numpy(), counts,
        _seconds(found.six_hourly["bin_start_local"].head(n_bins).to_numpy()), arm, minutes,
        Patrols(on["place"].to_numpy(), _seconds(on["window_start_local"].to_numpy()), _seconds(on["window_end_local"].to_numpy())),
        Patrols(effective["place"].to_numpy(), _seconds(effective["start_local"].to_numpy()), _seconds(effective["end_local"].to_numpy())),
        found.records,
        {(row["estimand"], row["lag_from_h"]): float(np.log1p(row["value"])) for row in found.estimands.iter_rows(named=True)},
    )  # fmt: skip


def _day(profile: Profile, frame: pl.DataFrame) -> np.ndarray:
    days = frame["police_day"].to_numpy().astype("datetime64[D]") - np.datetime64(
        profile.start, "D"
    )
    return np.asarray(days.astype(np.int64) - profile.patrol_day)


def _seconds(times: np.ndarray) -> np.ndarray:
    return np.asarray(times.astype("datetime64[s]").astype(np.int64))
