"""A whole simulated force from beginning to end, at level `full` (files) or `counts` (tables for calibration).

Belongs here: the order of work, what is written where, the report of it. Does not belong here: any of the work.

    out/boundary.geojson      the force area, EPSG:4326
    out/landing/<feed>/…      what the force delivers, file by file
    out/manifests/…           what was delivered each night
    out/truth/…               what really happened; the pipeline is never told where this is
"""

from __future__ import annotations

import json
from collections import Counter
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
from hotspot_pipeline.simulator.delivery.landing import LANDING, TRUTH, write_boundary, write_file
from hotspot_pipeline.simulator.delivery.plan import Nightly
from hotspot_pipeline.simulator.delivery.records import deliver_records
from hotspot_pipeline.simulator.force.county import FORCE_ID, FORCE_NAME, County, make_county
from hotspot_pipeline.simulator.force.premises import Premises, make_premises
from hotspot_pipeline.simulator.force.risk import make_surfaces
from hotspot_pipeline.simulator.patrol.deliver import deliver_patrols
from hotspot_pipeline.simulator.patrol.feeds import PINGS_FEED
from hotspot_pipeline.simulator.profiles import Profile
from hotspot_pipeline.simulator.streams import Streams
from hotspot_pipeline.simulator.surveys.feeds import deliver_surveys
from hotspot_pipeline.simulator.trial.programme import Options, Programme, run_programme

Level = Literal["full", "counts"]
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


@dataclass(frozen=True, eq=False)
class Report:
    """What level `full` wrote. `n_files` and `n_bytes` by feed; `dirt`: how many things of each kind are wrong on purpose."""

    profile: Profile
    seed: int
    options: Options
    out: Path
    boundary: Path
    n_crimes: int
    n_asb: int
    n_changes: int
    n_visits: int
    n_pings: int
    n_files: Mapping[str, int]
    n_bytes: Mapping[str, int]
    dirt: Mapping[str, int]


def simulate(
    out: Path,
    profile: Profile,
    seed: int,
    options: Options,
    *,
    offence_lookup: Path,
    nightly: Nightly = "delta",
    progress: Progress = lambda step, done, total: None,
) -> Report:
    """Writes every feed, the boundary and the truth of one force below `out`; the same arguments, the same bytes.

    `offence_lookup` is the project's own table of offence codes. `progress` is told (step, done, of how many). Use an empty
    folder: files of another seed would stay in the landing folders.
    """
    streams = Streams(seed)
    progress("ground", 0, 1)
    ground = make_ground(streams, profile)
    county, premises = ground.county, ground.premises
    progress("events and trial", 0, 1)
    trial = _programme(streams, profile, ground, options, only_deterrable=False)
    crimes, asb = _register(streams, ground, trial)
    boundary = write_boundary(out, county.outline_wgs84, {"force_id": FORCE_ID, "name": FORCE_NAME})
    records = deliver_records(
        streams,
        profile,
        out,
        crimes,
        asb,
        county,
        premises,
        nightly=nightly,
        offence_lookup=offence_lookup,
        progress=progress,
    )
    patrols = deliver_patrols(
        streams,
        profile,
        out,
        county,
        premises,
        trial.places,
        trial.plan,
        trial.visits,
        progress=lambda done, total: progress("patrol days", done, total),
    )
    progress("surveys", 0, 1)
    surveys = deliver_surveys(
        streams,
        profile,
        out,
        county,
        premises,
        trial.places,
        patrols.minutes_per_day,
        trial.crimes.happened,
    )
    six_hourly = count_events(profile, trial.places, trial.deterrable, trial.rates)
    frames = {
        "places": trial.places,
        "plan": trial.plan,
        "visits": trial.visits,
        "estimands": trial.estimands,
        "counts_six_hourly": six_hourly,
        "counts_daily": daily(profile, six_hourly),
        "events": _events(trial, crimes, asb),
        "fate": trial.deterrable.fate,
        "cells": _cells(ground),
        **records.frames(),
    }
    write_frames(out, frames)
    deliveries = [*records.deliveries.iter_rows(named=True)]
    deliveries += [asdict(d) for d in (*patrols.deliveries, *surveys.deliveries)]
    files = Counter(str(d["feed"]) for d in deliveries)
    report = Report(
        profile,
        seed,
        options,
        out,
        boundary,
        len(crimes),
        len(asb),
        len(records.crime_changes) + len(records.asb_changes),
        len(trial.visits),
        sum(int(d["n_rows"]) for d in deliveries if d["feed"] == PINGS_FEED),
        dict(sorted(files.items())),
        _bytes(out / LANDING),
        dict(sorted(records.defects["kind"].value_counts().iter_rows())),
    )
    more = {
        "level": "full",
        "nightly": nightly,
        "n_crimes": report.n_crimes,
        "n_asb": report.n_asb,
        "dirt": report.dirt,
    }
    _write_facts(out, profile, seed, options, more)
    return report


def _register(
    streams: Streams, ground: Ground, trial: Programme
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Crimes and incident log as they are first put on record, with their numbers."""
    found = found_by_patrols(streams, ground.county, ground.premises, trial.visits)
    happened = pl.concat([trial.crimes.happened, found], how="diagonal_relaxed")
    crimes = register_crimes(ground.county, happened)
    asb = register_asb(streams("asb"), ground.county, ground.premises, trial.asb.happened, crimes)
    asb, crimes = number_logs(streams("logs"), asb, crimes)
    return crimes, asb


def _events(trial: Programme, crimes: pl.DataFrame, asb: pl.DataFrame) -> pl.DataFrame:
    """Where and when every event really was, with the number under which it is on record."""
    numbers = pl.concat(
        [
            crimes.select("event_id", record="crime_number"),
            asb.filter(pl.col("is_first") & pl.col("linked_crime_number").is_null()).select(
                "event_id", record="incident_ref"
            ),
        ]
    )
    columns = (
        "event_id",
        "kind",
        "group",
        "at_local",
        "cell",
        "true_easting",
        "true_northing",
        "is_deterrable",
    )
    happened = pl.concat([trial.asb.happened.select(columns), crimes.select(columns)])
    return happened.join(numbers, on="event_id", how="left", maintain_order="left")


def _cells(ground: Ground) -> pl.DataFrame:
    """Each cell's true share of the events of each surface; rounded, so that no processor's last bit shows."""
    county = ground.county
    return pl.DataFrame(
        {
            "cell": np.arange(len(county.cells)),
            "cell_id": list(county.grid.to_text(county.cells)),
            **{
                f"share_{name}": np.round(share, 12)
                for name, share in ground.world.surfaces.items()
            },
        }
    )


def _bytes(landing: Path) -> dict[str, int]:
    return {
        folder.name: sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
        for folder in sorted(landing.iterdir())
    }


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
