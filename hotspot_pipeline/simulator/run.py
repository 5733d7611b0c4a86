"""A whole simulated force from beginning to end: every feed as files, and the truth.

Belongs here: the order of work, what is written where, the report of it. Does not belong here: any of the work; counts
without files (`counts`).

    out/boundary.geojson      the force area, EPSG:4326
    out/trials/…              what the force decided to compare, before anyone looked
    out/landing/<feed>/…      what the force delivers, file by file
    out/manifests/…           what was delivered each night
    out/truth/…               what really happened; the pipeline is never told where this is
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.counts import count_events, count_records, daily
from hotspot_pipeline.simulator.crime.clock import skip_missing_hour
from hotspot_pipeline.simulator.crime.events import Moments
from hotspot_pipeline.simulator.crime.incidents import number_logs, register_asb
from hotspot_pipeline.simulator.crime.kinds import KINDS
from hotspot_pipeline.simulator.crime.records import potential_crimes, register_crimes
from hotspot_pipeline.simulator.delivery.landing import LANDING, write_boundary
from hotspot_pipeline.simulator.delivery.plan import Nightly
from hotspot_pipeline.simulator.delivery.records import deliver_records
from hotspot_pipeline.simulator.force.county import FORCE_ID, FORCE_NAME, County
from hotspot_pipeline.simulator.force.premises import Premises
from hotspot_pipeline.simulator.ground import Ground, make_ground
from hotspot_pipeline.simulator.patrol.deliver import deliver_patrols
from hotspot_pipeline.simulator.patrol.feeds import PINGS_FEED
from hotspot_pipeline.simulator.profiles import Profile
from hotspot_pipeline.simulator.streams import Streams
from hotspot_pipeline.simulator.surveys.feeds import deliver_surveys
from hotspot_pipeline.simulator.trial.programme import Options, Programme, run_programme
from hotspot_pipeline.simulator.trial.registration import write_registration
from hotspot_pipeline.simulator.truth import cells_frame, events_frame, write_facts, write_frames

# weapons and drugs found by patrols, which no outcome may count (DOMAIN §8.5)
FOUND_PER_MINUTE = 0.2 / 100
Progress = Callable[[str, int, int], None]


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
    trial = run_programme(streams, profile, county, premises, ground.world, options)
    crimes, asb = _register(streams, ground, trial)
    boundary = write_boundary(out, county.outline_wgs84, {"force_id": FORCE_ID, "name": FORCE_NAME})
    write_registration(out, profile, options, trial.places)
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
        "counts_records": count_records(profile, trial.deterrable),
        "events": events_frame(trial, crimes, asb),
        "fate": trial.deterrable.fate,
        "cells": cells_frame(ground),
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
    write_facts(out, profile, seed, options, more)
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


def _bytes(landing: Path) -> dict[str, int]:
    return {
        folder.name: sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
        for folder in sorted(landing.iterdir())
    }


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
    moments = Moments(number, visits["cell"].to_numpy()[row], skip_missing_hour(at))
    return potential_crimes(streams, [kind], county, premises, {kind.name: moments}, "detections")
