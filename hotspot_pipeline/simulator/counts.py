"""Level `counts`: the same rates, visits and truth as the whole simulator, as counts by place and time, without any feed.

Belongs here: what the calibration of estimators runs on by the thousand. Does not belong here: the feeds (`run`),
estimators (the pipeline's).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.crime.events import CELL_CV
from hotspot_pipeline.simulator.force.county import Floats, Ints
from hotspot_pipeline.simulator.ground import Ground, make_ground
from hotspot_pipeline.simulator.profiles import Profile
from hotspot_pipeline.simulator.streams import Streams
from hotspot_pipeline.simulator.trial.estimands import Rates
from hotspot_pipeline.simulator.trial.places import CORE, Zones
from hotspot_pipeline.simulator.trial.programme import Options, before_effects, with_effects
from hotspot_pipeline.simulator.trial.twin import Twin
from hotspot_pipeline.simulator.truth import write_facts, write_frames

BIN_H = 6
WEEK_D = 7
ZONES = ("core", "ring")


@dataclass(frozen=True, eq=False)
class Counts:
    """Level `counts`: the trial of one seed. Frames as `count_events`, `count_records` and `trial.frames` describe them."""

    places: pl.DataFrame
    plan: pl.DataFrame
    visits: pl.DataFrame
    six_hourly: pl.DataFrame
    records: pl.DataFrame
    estimands: pl.DataFrame


def simulate_counts(
    profile: Profile, seed: int, options: Options, cell_cv: float = CELL_CV
) -> Counts:
    """Counts by place, zone and six hours with their truth; the events are those of level `full` for the same arguments."""
    return next(simulate_worlds(make_ground(Streams(seed), profile, cell_cv), [options]))


def simulate_worlds(ground: Ground, options: Sequence[Options]) -> Iterator[Counts]:
    """`simulate_counts` for each of the options, which differ in mode and ring only: the same places, plan and visits.

    Raises ValueError where they differ in trial or controls.
    """
    streams, profile = ground.world.streams, ground.world.profile
    if len({(o.trial or profile.trial, o.controls) for o in options}) != 1:
        raise ValueError("simulate_worlds: give options of one trial and one kind of controls")
    parts = (streams, profile, ground.county, ground.premises, ground.world)
    untouched = before_effects(*parts, options[0], only_deterrable=True)
    for one in options:
        found = with_effects(*parts, untouched, one)
        six_hourly = count_events(profile, found.places, found.deterrable, found.rates)
        records = count_records(profile, found.deterrable)
        yield Counts(found.places, found.plan, found.visits, six_hourly, records, found.estimands)


def write_counts(out: Path, profile: Profile, seed: int, options: Options) -> Counts:
    """`simulate_counts` as Parquet below `out`/truth."""
    found = simulate_counts(profile, seed, options)
    frames = {
        "places": found.places,
        "plan": found.plan,
        "visits": found.visits,
        "counts_six_hourly": found.six_hourly,
        "counts_daily": daily(profile, found.six_hourly),
        "counts_records": found.records,
        "estimands": found.estimands,
    }
    write_frames(out, frames)
    write_facts(out, profile, seed, options, {"level": "counts"})
    return found


def count_events(profile: Profile, places: pl.DataFrame, twin: Twin, found: Rates) -> pl.DataFrame:
    """One row a place, zone and six hours, in that order, zeros included.

    `bin_start_local` runs from the start in steps of six hours of the wall clock. `n_true` counts deterrable events where
    and when they were, `n_recorded` where they are put on record (null coordinates nowhere), `n_without` the twin without
    patrols; `expected` and `expected_without` are their rates.
    """
    zones = Zones(places)
    happened = twin.happened.filter(pl.col("is_deterrable"))
    without = twin.fate.filter(pl.col("is_deterrable"))
    located = happened.filter(pl.col("easting").is_not_null())
    place, zone = zones.of_points(
        *(located[c].cast(pl.Float64).to_numpy() for c in ("easting", "northing"))
    )
    shape = (len(places), len(ZONES), profile.n_days * 24 // BIN_H)
    counts = {
        "n_true": _counted(
            profile, shape, happened["place"].to_numpy(), happened["zone"].to_numpy(), happened
        ),
        "n_recorded": _counted(profile, shape, place, zone, located),
        "n_without": _counted(
            profile, shape, without["place"].to_numpy(), without["zone"].to_numpy(), without
        ),
    }
    without_patrols = _by_bin(found.without)
    expected = without_patrols.copy()
    # before the first patrol day they are the same
    first = profile.patrol_day * 24 // BIN_H
    expected[:, :, first:] = _by_bin(found.with_patrols[:, :, first * BIN_H :])
    at = np.datetime64(profile.start_local, "us") + (np.arange(shape[2]) * BIN_H).astype(
        "timedelta64[h]"
    )
    n_places, n_zones, n_bins = shape
    return pl.DataFrame(
        {
            "place": np.repeat(np.arange(n_places), n_zones * n_bins),
            "zone": pl.Series(ZONES).gather(
                np.tile(np.repeat(np.arange(n_zones), n_bins), n_places)
            ),
            "bin_start_local": pl.Series(np.tile(at, n_places * n_zones)),
            **{name: n.ravel() for name, n in counts.items()},
            "expected": expected.ravel(),
            "expected_without": without_patrols.ravel(),
        }
    )


def count_records(profile: Profile, twin: Twin) -> pl.DataFrame:
    """How late the deterrable events in the cores of places are put on record: place, week (from 0, of police weeks), days_late, n.

    `days_late` is by how many police days after the end of its week an event is recorded, 0 before it.
    """
    day = {
        name: (pl.col(column) - profile.start_local).dt.total_seconds() // 86_400
        for name, column in (("happened", "at_local"), ("recorded", "recorded_ts_local"))
    }
    n_weeks = profile.n_days // WEEK_D
    return (
        twin.happened.filter(pl.col("is_deterrable") & (pl.col("zone") == CORE))
        .select("place", **day)
        .with_columns(week=pl.col("happened") // WEEK_D)
        .filter(pl.col("week").is_between(0, n_weeks - 1))
        .with_columns(days_late=(pl.col("recorded") + 1 - (pl.col("week") + 1) * WEEK_D).clip(0))
        .group_by("place", "week", "days_late")
        .agg(n=pl.len())
        .sort("place", "week", "days_late")
    )


def daily(profile: Profile, counts: pl.DataFrame) -> pl.DataFrame:
    """The counts by police day, which begins at 06:00."""
    day = pl.col("bin_start_local").dt.offset_by("-6h").dt.date()
    return (
        counts.with_columns(police_day=day)
        .group_by("place", "zone", "police_day", maintain_order=True)
        .agg(pl.col("n_true", "n_recorded", "n_without", "expected", "expected_without").sum())
    )


def _by_bin(hourly: Floats) -> Floats:
    """(n_places, n_zones, n_bins) of hours (n_places, n_zones, n_hours)."""
    bins = hourly.reshape(*hourly.shape[:2], -1, BIN_H)
    # in two thirds of the time of numpy's sum over so short an axis, and added in the same order
    found: Floats = bins[..., 0].copy()
    for k in range(1, BIN_H):
        found += bins[..., k]
    return found


def _counted(
    profile: Profile, shape: tuple[int, ...], place: Ints, zone: Ints, events: pl.DataFrame
) -> np.ndarray:
    at = events["at_local"].to_numpy().astype("datetime64[s]")
    since = (at - np.datetime64(profile.start_local, "s")).astype(np.int64) // (BIN_H * 3600)
    # moved events can leave the simulated time by a day
    kept = (place >= 0) & (since >= 0) & (since < shape[2])
    flat = np.ravel_multi_index((place[kept], zone[kept], since[kept]), shape)
    return np.bincount(flat, minlength=int(np.prod(shape))).reshape(shape)
