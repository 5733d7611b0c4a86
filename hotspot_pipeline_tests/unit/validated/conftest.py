"""A square force, good rows of every feed, and one call that sends rows through the gate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import shapely
from hypothesis import settings

from hotspot_pipeline.feeds.contract import FeedContract, shipped_contracts
from hotspot_pipeline.geo.boundary import Boundary
from hotspot_pipeline.geo.transform import to_wgs84_geometry
from hotspot_pipeline.timebase import PoliceTime
from hotspot_pipeline.validated.extract import GateContext, ValidatedExtract, validate_extract

# Imports and a busy machine make single examples slow; speed belongs to benchmarks/.
if settings.default is None or settings.default.deadline is not None:
    settings.register_profile("no_deadline", deadline=None)
    settings.load_profile("no_deadline")

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
KEY = b"a key that only the tests know !"
FORCE_BOX = shapely.box(400_000, 230_000, 460_000, 300_000)
# SP 319 657 lies in it: Leamington Spa
GOOD_ROWS: Mapping[str, Mapping[str, str | None]] = {
    "crime_extract": {
        "source_system": "niche",
        "crime_number": "23/1/24",
        "ho_offence_code": "008/06",
        "committed_from_local": "2024-01-05 22:00:00",
        "reported_ts_local": "2024-01-06 09:00:00",
        "recorded_ts_local": "2024-01-06 10:00:00",
        "easting": "431912",
        "northing": "265734",
        "location_type": "street",
        "record_status": "live",
    },
    "asb_extract": {
        "incident_ref": "0001-050124",
        "opened_ts_local": "2024-01-05 22:00:00",
        "nsir_category": "ASB",
        "easting": "431912",
        "northing": "265734",
    },
    "police_uk_street": {
        "crime_number": "a" * 64,
        "month": "2024-01",
        "lon": "-1.534",
        "lat": "52.289",
        "policeuk_category": "Robbery",
    },
    "venues": {"venue_id": "v1", "category": "pub", "easting": "431912", "northing": "265734"},
    "excluded_sites": {
        "site_id": "s1",
        "kind": "prison",
        "radius_m": "50",
        "easting": "431912",
        "northing": "265734",
    },
    "default_geocodes": {
        "geocode_id": "g1",
        "radius_m": "50",
        "reason": "headquarters",
        "easting": "431912",
        "northing": "265734",
    },
    # as raw hands them on: devices and officers are pseudonyms already
    "duties": {
        "duty_id": "D1",
        "device_id": "00c0ffee00c0ffee",
        "officer": "0ff1ce000ff1ce00",
        "start_local": "2024-01-05 14:00:00",
        "end_local": "2024-01-05 23:00:00",
        "deployment": "hotspot_funded",
    },
    "patrol_plan": {
        "plan_version": "1",
        "hotspot_id": "H1",
        "police_day": "2024-01-05",
        "window_start_local": "2024-01-05 18:00:00",
        "window_end_local": "2024-01-05 19:00:00",
        "randomised": "N",
        "arm": "na",
        "issued_ts_local": "2024-01-05 08:00:00",
        "plan_id": "P1",
    },
    "patrol_logs": {
        "log_id": "L1",
        "hotspot_id": "H1",
        "officers": "0ff1ce000ff1ce00|0ff1ce000ff1ce01",
        "start_local": "2024-01-05 18:05:00",
        "end_local": "2024-01-05 18:20:00",
    },
    "patrol_places": {
        "hotspot_id": "H1",
        "polygon_wkt": "POLYGON ((431900 265700, 432200 265700, 432200 266000, 431900 265700))",
        "valid_from": "2024-01-01",
    },
}
Row = Mapping[str, str | None]
Deliver = Callable[..., pl.DataFrame]
Validate = Callable[..., ValidatedExtract]


def raw_frame(feed: str, rows: list[Row], source_file: str = "delivered.csv") -> pl.DataFrame:
    """Rows of a feed as `raw` hands them on: good ones, with what each row says laid over them."""
    contract = shipped_contracts()[feed]
    # the number of the record, not a version of it or its first day
    texts = [name for name in contract.key if contract.column(name).type == "text"]
    key = texts[-1] if texts else None
    filled = []
    for number, row in enumerate(rows, 1):
        good = dict(GOOD_ROWS[feed])
        if key:
            good[key] = f"{good[key]}-{number}"
        filled.append({"source_file": source_file, "line_no": number + 1, **good, **row})
    schema: dict[str, Any] = {"source_file": pl.String, "line_no": pl.Int64}
    schema.update(dict.fromkeys(contract.column_names, pl.String))
    return pl.DataFrame(filled, schema=schema)


@pytest.fixture(scope="session")
def boundary() -> Boundary:
    return Boundary(FORCE_BOX, to_wgs84_geometry(FORCE_BOX), "square")


@pytest.fixture(scope="session")
def lookups() -> dict[str, pl.DataFrame]:
    """`008/06` always; `001/01` until 2023; `034/02` from 2024 and, under an older text, until 2020."""
    offences = [
        ("008/06", "1998-04-01", None),
        ("001/01", "1998-04-01", "2023-12-31"),
        ("034/02", "2010-01-01", "2020-12-31"),
        ("034/02", "2024-01-01", None),
    ]
    return {
        "offences": pl.DataFrame(
            offences, schema=["ho_offence_code", "valid_from", "valid_to"], orient="row"
        ),
        "policeuk_categories": pl.DataFrame({"crime_type": ["Robbery", "Anti-social behaviour"]}),
    }


@pytest.fixture(scope="session")
def context(boundary: Boundary, lookups: dict[str, pl.DataFrame]) -> GateContext:
    moment = datetime(2024, 2, 1, 2, 30, tzinfo=UTC)
    return GateContext(
        extract_id="crimes-1",
        extract_ts_utc=moment,
        received_at_utc=moment,
        police_time=PoliceTime(),
        pseudonym_key=KEY,
        boundary=boundary,
        lookups=lookups,
    )


@pytest.fixture(scope="session")
def validate(context: GateContext) -> Validate:
    """`validate(feed, row, row, …, contract=…, source_file=…, <context field>=…)`."""

    def call(
        feed: str,
        *rows: Row,
        contract: FeedContract | None = None,
        source_file: str = "delivered.csv",
        **changes: Any,
    ) -> ValidatedExtract:
        return validate_extract(
            raw_frame(feed, list(rows), source_file),
            contract or shipped_contracts()[feed],
            replace(context, **changes),
        )

    return call
