"""The demo feed from beginning to end: half a year of Fosseshire, delivered as a force would.

Belongs here: the order of work and the report of it. Does not belong here: any of the work.

    out/boundary.geojson      the force area, EPSG:4326
    out/landing/<feed>/…      a first full extract, then a delta a night, for crime and ASB;
                              venues, excluded sites and default geocodes once
    out/truth/…               what really happened and every error put in on purpose; the
                              pipeline never reads it
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.crime.asb import make_asb, number_logs
from hotspot_pipeline.simulator.force.county import FORCE_ID, FORCE_NAME, County, Floats, make_county
from hotspot_pipeline.simulator.crime.crimes import make_crimes, risk_surfaces
from hotspot_pipeline.simulator.delivery.nights import (
    MIN_NIGHTS,
    deliver_asb,
    deliver_crimes,
    deliver_places,
)
from hotspot_pipeline.simulator.delivery.extracts import as_text
from hotspot_pipeline.simulator.delivery.landing import (
    LANDING,
    TRUTH,
    Delivery,
    DeliveryFolder,
    records_frame,
    write_boundary,
    write_truth,
)
from hotspot_pipeline.simulator.force.premises import make_premises
from hotspot_pipeline.simulator.crime.recodes import change_ledger, make_changes

DEFAULT_END_LOCAL = datetime.fromisoformat("2026-06-29T06:00")  # a Monday: the last week is closed
N_NIGHTS = 14
EXTRACT_HOUR = 2
_DELIVERY_SCHEMA = {
    "feed": pl.String,
    "file": pl.String,
    "kind": pl.String,
    "n_rows": pl.Int64,
    "sha256": pl.String,
}
_DEFECT_SCHEMA = {
    "kind": pl.String,
    "feed": pl.String,
    "file": pl.String,
    "line": pl.Int64,
    "key": pl.String,
    "column": pl.String,
    "value": pl.String,
    "rule": pl.String,
}


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

    county = make_county(rng())
    premises = make_premises(rng(), county)
    surfaces = risk_surfaces(rng(), county, premises)
    crimes = make_crimes(rng(), county, premises, surfaces, start, n_weeks)
    asb = make_asb(rng(), county, premises, surfaces["asb"], start, n_weeks, crimes)
    asb, crimes = number_logs(rng(), asb, crimes)
    changes = make_changes(rng(), crimes)
    folder = DeliveryFolder(out)
    last = end.astype("datetime64[D]").astype("datetime64[h]") + np.timedelta64(EXTRACT_HOUR, "h")
    nights = [last - np.timedelta64(24 * k, "h") for k in range(n_nights, -1, -1)]
    deliver_places(folder, premises, nights[0])
    defects = deliver_crimes(rng(), folder, crimes, changes, premises, nights)
    defects += deliver_asb(rng(), folder, asb, premises, nights)
    boundary = write_boundary(out, county.outline_wgs84, {"force_id": FORCE_ID, "name": FORCE_NAME})
    ledger = change_ledger(crimes, changes)
    counts = dict(sorted(Counter(defect.kind for defect in defects).items()))
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
        len(ledger),
        tuple(folder.deliveries),
        counts,
    )
    truth = {
        "crimes": as_text(
            crimes.select("crime_number", "kind", "true_ts_local", "true_easting", "true_northing")
        ),
        "asb": as_text(asb.select("incident_ref", "true_easting", "true_northing")),
        "changes": as_text(ledger),
        "cells": _cell_truth(county, surfaces),
        "dirt": records_frame(defects, _DEFECT_SCHEMA),
        "deliveries": records_frame(folder.deliveries, _DELIVERY_SCHEMA),
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
        "n_changes": len(ledger),
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
