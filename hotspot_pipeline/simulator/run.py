"""A whole simulated force from beginning to end, at level `full` (files) or `counts` (tables for calibration).

Belongs here: the order of work, what is written where, the report of it. Does not belong here: any of the work.

    out/boundary.geojson      the force area, EPSG:4326
    out/landing/<feed>/…      what the force delivers, file by file
    out/manifests/…           what was delivered each night
    out/truth/…               what really happened; the pipeline is never told where this is
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.counts import count_events, daily
from hotspot_pipeline.simulator.crime.events import Moments, World
from hotspot_pipeline.simulator.crime.incidents import number_logs, register_asb
from hotspot_pipeline.simulator.crime.kinds import KINDS
from hotspot_pipeline.simulator.crime.records import potential_crimes, register_crimes
from hotspot_pipeline.simulator.delivery.landing import TRUTH, write_file
from hotspot_pipeline.simulator.force.county import County, make_county
from hotspot_pipeline.simulator.force.premises import Premises, make_premises
from hotspot_pipeline.simulator.force.risk import make_surfaces
from hotspot_pipeline.simulator.profiles import Profile
from hotspot_pipeline.simulator.streams import Streams
from hotspot_pipeline.simulator.trial.programme import Options, Programme, run_programme

Level = Literal["full", "counts"]
Nightly = Literal["delta", "full"]
# weapons and drugs found by patrols, which no outcome may count (DOMAIN §8.5)
FOUND_PER_MINUTE = 0.2 / 100
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Ground:
    """Where it all happens: the same for every trial of a seed."""

    county: County
    premises: Premises
    world: World


def make_ground(streams: Streams, profile: Profile, cell_cv: float | None = None) -> Ground:
    county = make_county(streams, profile)
    premises = make_premises(streams, county, profile)
    surfaces = make_surfaces(streams, county, premises)
    more = {} if cell_cv is None else {"cell_cv": cell_cv}
    return Ground(county, premises, World(streams, profile, county, premises, surfaces, **more))


@dataclass(frozen=True, eq=False)
class Counts:
    """Level `counts`: the trial of one seed. Frames as `counts.count_events` and `trial.frames` describe them."""

    places: pl.DataFrame
    plan: pl.DataFrame
    visits: pl.DataFrame
    six_hourly: pl.DataFrame
    estimands: pl.DataFrame


def simulate_counts(
    profile: Profile, seed: int, options: Options, cell_cv: float | None = None
) -> Counts:
    """Counts by place, zone and six hours with their truth; the events are those of level `full` for the same arguments."""
    streams = Streams(seed)
    ground = make_ground(streams, profile, cell_cv)
    found = _programme(streams, profile, ground, options, only_deterrable=True)
    six_hourly = count_events(profile, found.places, found.deterrable, found.rates)
    return Counts(found.places, found.plan, found.visits, six_hourly, found.estimands)


def write_counts(out: Path, profile: Profile, seed: int, options: Options) -> Counts:
    """`simulate_counts` as Parquet below `out`/truth."""
    found = simulate_counts(profile, seed, options)
    frames = {
        "places": found.places,
        "plan": found.plan,
        "visits": found.visits,
        "counts_six_hourly": found.six_hourly,
        "counts_daily": daily(profile, found.six_hourly),
        "estimands": found.estimands,
    }
    write_frames(out, frames)
    _write_facts(out, profile, seed, options, {"level": "counts"})
    return found


def write_frames(out: Path, frames: Mapping[str, pl.DataFrame]) -> None:
    """Parquet files below `out`/truth, the same bytes every time."""
    for name, frame in frames.items():
        path = out / TRUTH / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(path, compression="zstd", statistics=True)


def _programme(
    streams: Streams, profile: Profile, ground: Ground, options: Options, *, only_deterrable: bool
) -> Programme:
    return run_programme(
        streams,
        profile,
        ground.county,
        ground.premises,
        ground.world,
        options,
        only_deterrable=only_deterrable,
    )


def found_by_patrols(
    streams: Streams, county: County, premises: Premises, visits: pl.DataFrame
) -> pl.DataFrame:
    """Possession of weapons recorded because a patrol was there: 0.2 in 100 patrol minutes, during the visit."""
    rng = streams("detections")
    begin = visits["start_local"].to_numpy().astype("datetime64[s]")
    seconds = (visits["end_local"] - visits["start_local"]).dt.total_seconds().to_numpy()
    n = rng.poisson(FOUND_PER_MINUTE * seconds / 60)
    row = np.repeat(np.arange(len(visits)), n)
    at = begin[row] + np.floor(rng.uniform(size=len(row)) * seconds[row]).astype(np.int64).astype(
        "timedelta64[s]"
    )
    kind = next(k for k in KINDS if k.name == "weapons")
    number = 900_000_000 + np.arange(len(row))
    moments = Moments(number, visits["cell"].to_numpy()[row], at)
    return potential_crimes(streams, [kind], county, premises, {kind.name: moments}, "detections")


def _write_facts(
    out: Path, profile: Profile, seed: int, options: Options, more: Mapping[str, Any]
) -> None:
    facts = {"seed": seed, "profile": asdict(profile), "options": asdict(options), **more}
    text = json.dumps(facts, indent=1, sort_keys=True, default=str) + "\n"
    write_file(out / TRUTH / "simulation.json", text.encode())
