"""The simulated county with every scripted shock: how large, which files come on which day, and the runs that take them.

Here: the profile, its size from the environment, the deliveries in the order in which they come. Not here: what the history of
them should be (`change_list.py`).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Literal

import polars as pl

from hotspot_pipeline.simulator import PROFILES, Options, Profile, simulate
from hotspot_pipeline.simulator.delivery.landing import stamp
from hotspot_pipeline.simulator.delivery.plan import MISSING_NIGHTS, RENAMED_NIGHTS, Night, plan_of
from hotspot_pipeline_tests.integration.tellings import KEYS, Telling, utc
from hotspot_pipeline_tests.unit.simulator.small_force import OFFENCE_LOOKUP

# read when the tests are collected: no test sees the environment of whoever runs it
VOLUME = float(os.environ.get("HOTSPOTS_VERIFY_COUNTY_VOLUME", "0.5"))
N_WEEKS = int(os.environ.get("HOTSPOTS_VERIFY_COUNTY_WEEKS", "157"))
SEED = int(os.environ.get("HOTSPOTS_VERIFY_SEED", "1"))
N_REGULAR_RUNS = 8
# so many nights after the rules changed the force has its new lookup
LOOKUP_LATE_NIGHTS = 7


def county(volume: float, n_weeks: int) -> Profile:
    """The county with another number of events a year and, where shorter, every date at the same share of its time."""
    whole = PROFILES["county"]

    def day(of_whole: int) -> int:
        return of_whole * n_weeks // whole.n_weeks

    return replace(
        whole,
        volume=volume,
        n_weeks=n_weeks,
        selection_days=day(whole.selection_days),
        patrol_day=day(whole.patrol_day),
        n_devices=2,  # pings are no part of it
        shocks={name: day(d) for name, d in whole.shocks.items()},
    )


@dataclass(frozen=True)
class Run:
    """The nights up to `last_night` have come, of late ones only what came by the morning after it; `has_new_lookup`: the force
    took its new lookup before."""

    last_night: int
    files: tuple[tuple[str, Path], ...]
    has_new_lookup: bool


@dataclass(frozen=True)
class Ground:
    """What the simulator wrote below `out`."""

    out: Path
    profile: Profile
    nightly: Literal["delta", "full"]

    def truth(self, table: str) -> pl.DataFrame:
        return pl.read_parquet(self.out / "truth" / f"{table}.parquet")

    @cached_property
    def nights(self) -> list[Night]:
        return list(plan_of(self.profile, self.nightly).nights())

    @property
    def new_lookup(self) -> Path:
        (path,) = (self.out / "reference").glob("ho_offence_lookup_*.csv")
        return path

    def file(self, feed: str, kind: str, night: Night) -> Path:
        prefix = feed.removesuffix("_extract")
        return self.out / "landing" / feed / f"{prefix}_{kind}_{stamp(night.at)}.csv.gz"

    def runs(self) -> Iterator[Run]:
        """Every delivery once, in the order of its coming; a run in the morning after some nights, and after each that matters."""
        files = (
            self.truth("deliveries")
            .filter(pl.col("feed").is_in(list(KEYS)))
            .sort("arrived_ts_local", maintain_order=True)
        )
        taken = ""
        for last in self._last_nights():
            morning = (self.nights[last].at.item() + timedelta(hours=6)).strftime(
                "%Y-%m-%d %H:%M:%S"
            )
            is_last = last == len(self.nights) - 1
            arrived = pl.col("arrived_ts_local")
            mine = files.filter((arrived > taken) & (arrived <= morning if not is_last else True))
            landing = self.out / "landing"
            yield Run(
                last,
                tuple(
                    (f, landing / f / name) for f, name in mine.select("feed", "file").iter_rows()
                ),
                last > self.profile.shocks["lookup_change"] + LOOKUP_LATE_NIGHTS,
            )
            taken = morning

    def _last_nights(self) -> list[int]:
        shocks, n = self.profile.shocks, len(self.nights)
        partial = next(night.number for night in self.nights if night.is_partial)
        special = {
            shocks["batch_regeocode"] - 1,
            shocks["batch_regeocode"],
            shocks["batch_regeocode"] + 1,
            shocks["lookup_change"] + LOOKUP_LATE_NIGHTS,
            shocks["lookup_change"] + LOOKUP_LATE_NIGHTS + 1,
            # the missing nights come after the run of this morning
            shocks["missing_nights"] + MISSING_NIGHTS,
            partial,
            shocks["renamed_columns"] + RENAMED_NIGHTS // 2,
        }
        regular = {0, *(n * k // N_REGULAR_RUNS - 1 for k in range(1, N_REGULAR_RUNS + 1))}
        return sorted(special | regular)

    @property
    def late_nights(self) -> set[int]:
        return {night.number for night in self.nights if night.arrives > night.at}


def make_ground(out: Path, profile: Profile, nightly: Literal["delta", "full"]) -> Ground:
    simulate(out, profile, SEED, Options(), offence_lookup=OFFENCE_LOOKUP, nightly=nightly)
    for feed in (out / "landing").iterdir():
        if feed.name in ("gps_pings", "patrol_logs", "duties", "patrol_plan"):
            shutil.rmtree(feed)  # large, and no part of it
    return Ground(out, profile, nightly)


def deliver(telling: Telling, run: Run) -> None:
    for feed, path in run.files:
        telling.land(feed, path)


def utc_of(night: Night) -> datetime:
    """The moment of the night's extracts (UTC, without a zone)."""
    return utc(stamp(night.at))
