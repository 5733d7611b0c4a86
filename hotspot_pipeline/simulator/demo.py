"""The demo feed from beginning to end: half a year of Fosseshire, delivered as a force would.

Belongs here: the order of work and the report of it. Does not belong here: any of the work.

    out/boundary.geojson      the force area, EPSG:4326
    out/landing/<feed>/…      a first full extract, then a delta a night, for crime and ASB;
                              venues, excluded sites and default geocodes once
    out/truth/…               what really happened and every error put in on purpose; the
                              pipeline never reads it
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.crime.asb import make_asb, number_logs
from hotspot_pipeline.simulator.crime.crimes import make_crimes, risk_surfaces
from hotspot_pipeline.simulator.crime.versions import as_text
from hotspot_pipeline.simulator.delivery.landing import (
    LANDING,
    TRUTH,
    Delivery,
    write_boundary,
    write_truth,
)
from hotspot_pipeline.simulator.delivery.plan import MIN_NIGHTS, DeliveryPlan
from hotspot_pipeline.simulator.delivery.records import deliver
from hotspot_pipeline.simulator.force.county import (
    FORCE_ID,
    FORCE_NAME,
    County,
    Floats,
    make_county,
)
from hotspot_pipeline.simulator.force.premises import make_premises
from hotspot_pipeline.simulator.profiles import PROFILES
from hotspot_pipeline.simulator.streams import Streams

DEFAULT_END_LOCAL = datetime.fromisoformat("2026-06-29T06:00")  # a Monday: the last week is closed
N_NIGHTS = 14


@dataclass(frozen=True)
class DemoReport:
    """What was written. `dirt`: how many rows or files of each kind are wrong or unusual."""

    force_id: str
    force_name: str
    landing: Path
    truth: Path
    boundary: Path
    start_local: datetime
    end_local: datetime
    n_crimes: int
    n_asb: int
    n_changes: int
    deliveries: tuple[Delivery, ...]
    dirt: Mapping[str, int]


def write_demo_feed(
    out: Path,
    *,
    seed: int = 1,
    n_weeks: int = 26,
    n_nights: int = N_NIGHTS,
    end_local: datetime = DEFAULT_END_LOCAL,
) -> DemoReport:
    """Write the feeds, the boundary and the truth of a small fictional force under `out`.

    The first full extract is taken at 02:00 local, `n_nights` nights before the last delta, which
    is taken at 02:00 on the day of `end_local`. The same arguments write the same bytes; files
    already there are replaced. Use another folder for other arguments: files of an earlier demo
    would stay in the landing folder.

    Raises ValueError where `end_local` is not a Monday 06:00 (weeks would stay open) or there are
    too few weeks or nights for what is put into them.
    """
    _check(n_weeks, n_nights, end_local)
    end = np.datetime64(end_local, "s")
    start = end - np.timedelta64(n_weeks * 7, "D")
    streams = iter(np.random.SeedSequence(seed).spawn(9))

    def rng() -> np.random.Generator:
        # One stream a step, so that a change in one step leaves the others as they were.
        return np.random.default_rng(next(streams))

    ground = Streams(seed)
    county = make_county(ground, PROFILES["demo"])
    premises = make_premises(ground, county, PROFILES["demo"])
    surfaces = risk_surfaces(ground, county, premises)
    crimes = make_crimes(rng(), county, premises, surfaces, start, n_weeks)
    asb = make_asb(rng(), county, premises, surfaces["asb"], start, n_weeks, crimes)
    asb, crimes = number_logs(rng(), asb, crimes)
    calendar = DeliveryPlan(
        start=start.item(),
        n_days=7 * n_weeks,
        first_night=7 * n_weeks - 1 - n_nights,
        volume=1.0,
        is_weekly_full=False,
    )
    found = deliver(Streams(seed), calendar, out, crimes, asb, county, premises)
    boundary = write_boundary(out, county.outline_wgs84, {"force_id": FORCE_ID, "name": FORCE_NAME})
    n_changes = found.crime_changes.n_unique(["crime_number", "change", "changed_ts_local"])
    counts = dict(found.defects["kind"].value_counts().sort("kind").iter_rows())
    report = DemoReport(
        FORCE_ID,
        FORCE_NAME,
        out / LANDING,
        out / TRUTH,
        boundary,
        start.item(),
        end.item(),
        len(crimes),
        len(asb),
        n_changes,
        tuple(Delivery(**row) for row in found.deliveries.iter_rows(named=True)),
        counts,
    )
    truth = {
        "crimes": as_text(
            crimes.select("crime_number", "kind", "true_ts_local", "true_easting", "true_northing")
        ),
        "asb": as_text(asb.select("incident_ref", "true_easting", "true_northing")),
        "changes": found.crime_changes,
        "cells": _cell_truth(county, surfaces),
        "dirt": found.defects,
        "deliveries": found.deliveries,
    }
    facts = {
        "force_id": FORCE_ID,
        "seed": seed,
        "n_weeks": n_weeks,
        "n_nights": n_nights,
        "start_local": str(start),
        "end_local": str(end),
        "n_crimes": len(crimes),
        "n_asb": len(asb),
        "n_changes": n_changes,
        "dirt": counts,
    }
    write_truth(out, truth, facts)
    return report


def _check(n_weeks: int, n_nights: int, end_local: datetime) -> None:
    if end_local.tzinfo is not None:
        raise ValueError(
            f"end_local {end_local} has a time zone; give the force's wall clock without one"
        )
    if end_local.weekday() != 0 or end_local.time() != time(6):
        raise ValueError(
            f"end_local {end_local} is not a Monday 06:00, so its last week would stay open"
        )
    if n_nights < MIN_NIGHTS:
        raise ValueError(
            f"n_nights {n_nights}: at least {MIN_NIGHTS} are needed for the errors of the deltas"
        )
    if timedelta(weeks=n_weeks) < timedelta(days=n_nights, weeks=4):
        raise ValueError(
            f"n_weeks {n_weeks}: at least four weeks must lie before the first of {n_nights} nights"
        )


def _cell_truth(county: County, surfaces: Mapping[str, Floats]) -> pl.DataFrame:
    """Each cell's share of the events of each risk surface."""
    return pl.DataFrame(
        {
            "cell": list(county.grid.to_text(county.cells)),
            **{f"share_{name}": s for name, s in surfaces.items()},
        }
    )
