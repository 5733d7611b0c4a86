"""The vehicle thefts of New York as a force delivers them: names, codes, holidays and a time zone of its own.

Here: the force, one delivery, the run. Not here: what must come of it (`test_new_york`).
"""

from __future__ import annotations

import csv
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from hotspot_pipeline.cli import running
from hotspot_pipeline.cli.running import run_force
from hotspot_pipeline.definitions import warehouse_of
from hotspot_pipeline.settings import Force, Settings, parse_force

_LOOKUP = (
    "ho_offence_code,description,ho_class_code,prc_group,prc_subgroup,cat_group,police_generated,public_place_default,cchi_days,"
    "ons_css_weight,valid_from,valid_to,source,source_version\n"
    "NY/GLA,Grand larceny of a motor vehicle,NY,Theft,Vehicle theft,ROBBERY,false,true,,,2000-01-01,,test,1\n"
)
NOT_STREET = {
    "residence": "dwelling", "vehicle parking": "car_park", "school": "school", "bar/club": "licensed_premises",
    "restaurant": "licensed_premises", "other retail": "retail", "convenience store": "retail", "supermarket": "retail",
    "gas station": "retail", "airport": "transport", "bus": "transport", "other transportation": "transport",
    "green space": "park", "healthcare": "hospital",
}  # fmt: skip
WINDOW = (date(2014, 1, 1), date(2018, 1, 1))
_METRES_A_DEGREE = 111_320.0
_MIDDLE = (-73.9, 40.75)
_MOVED_TO = (430_000.0, 280_000.0)

Row = dict[str, str]


@dataclass(frozen=True)
class NewYork:
    settings: Settings
    force: Force
    delivered: Sequence[Row]
    quality: Mapping[str, int]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with warehouse_of(self.settings, self.force).session(read_only=True) as session:
            return session.frame(sql).rows()


def run_new_york(
    folder: Path,
    patch: pytest.MonkeyPatch,
    thefts: Sequence[Row],
    place: Callable[[Row], Mapping[str, object]],
) -> NewYork:
    """One delivery of the rows, with the coordinates that `place` gives them, run as a nightly job."""
    home = folder / "forces" / "new_york"
    home.mkdir(parents=True)
    kinds = sorted({row["location_type"] for row in thefts} - {""})
    pair = list(place(thefts[0]))
    document = {
        "name": "New York",
        "time_zone": "America/New_York",
        "reference": {"ho_offence_lookup": "codes.csv", "bank_holidays": "holidays.csv"},
        "feeds": {
            "crime_extract": {
                "constants": {
                    "source_system": "nypd", "ho_offence_code": "NY/GLA", "record_status": "live",
                    "geocode_quality": "street", "location_type": "unknown",
                },
                "columns": {
                    "crime_number": "uid", "committed_from_local": "date_start", "committed_to_local": "date_end",
                    "reported_ts_local": "known", "recorded_ts_local": "entered", **{name: name for name in pair},
                },
                "codes": {"location_type": {kind: NOT_STREET.get(kind, "street") for kind in kinds}},
            }
        },
        "hotspots": {
            "window_from": WINDOW[0], "window_to": WINDOW[1], "min_events": 8, "max_cells": 1, "bootstrap_draws": 50,
        },
        "hot_times": {"bootstrap_draws": 50},
    }  # fmt: skip
    (home / "codes.csv").write_text(_LOOKUP)
    days = [f"{year}-{day},{day},usual,by date,1" for year in range(2010, 2019) for day in ("01-01", "07-04", "12-25")]  # fmt: skip
    (home / "holidays.csv").write_text("\n".join(["day,name,kind,source,source_version", *days]))
    force = parse_force(document, home)
    landing = force.landing("crime_extract")
    landing.mkdir(parents=True)
    path = landing / "crime_full_20180101.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        names = ("uid", "date_start", "date_end", "known", "entered", "location_type", *pair)
        writer = csv.DictWriter(stream, names, extrasaction="ignore")
        writer.writeheader()
        for row in thefts:
            # the file does not say when a theft was reported: no sooner than its window ended
            known = row["date_end"] or row["date_start"]
            writer.writerow({**row, "known": known, "entered": known, **place(row)})
    old = time.time() - 3600
    os.utime(path, (old, old))
    settings = Settings(data=folder, forces=(force,), memory_limit="2GB", threads=2)
    with dg.DagsterInstance.ephemeral() as in_memory:
        patch.setattr(running, "instance", lambda _: nullcontext(in_memory))
        outcomes, summary = run_force(settings, force, quiet=True)
    assert all(o.success for o in outcomes), [o.failure for o in outcomes]
    return NewYork(settings, force, thefts, {q["measure"]: q["n"] for q in summary.quality})


def on_the_grid(row: Row) -> dict[str, int]:
    east = (float(row["longitude"]) - _MIDDLE[0]) * math.cos(math.radians(_MIDDLE[1]))
    north = float(row["latitude"]) - _MIDDLE[1]
    return {
        "easting": round(_MOVED_TO[0] + east * _METRES_A_DEGREE),
        "northing": round(_MOVED_TO[1] + north * _METRES_A_DEGREE),
    }


def where_it_is(row: Row) -> dict[str, str]:
    return {"lon": row["longitude"], "lat": row["latitude"]}
