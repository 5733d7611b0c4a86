"""The force of the made extract (`crime_extract`): its folder, its warehouse, and what lies in its landing folders taken in.

Belongs here: the two steps before history, by the functions that they call, without Dagster and without their clock. Does not belong here:
those steps as a race (`races/csv_to_validated`).
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.inputs.crime_extract import FORCE_ID


def home(folder: Path) -> Path:
    return folder / "forces" / FORCE_ID


def session(folder: Path, *, memory_limit: str = "4GB", read_only: bool = False) -> Any:
    from hotspot_pipeline.settings import Settings, read_force
    from hotspot_pipeline.warehouse.contract import read_catalog
    from hotspot_pipeline.warehouse.database import Warehouse

    settings = Settings(data=folder, forces=())
    file = read_force(home(folder)).warehouse_file
    catalog = read_catalog(settings.sql)
    warehouse = Warehouse(file, catalog, memory_limit=memory_limit, threads=os.cpu_count() or 2)
    return warehouse.session(read_only=read_only)


def take_deliveries(folder: Path) -> None:
    """What lies in the landing folders into `raw` and through the gate, by the functions that the two steps call."""
    from hotspot_pipeline.feeds.of_force import contracts_of
    from hotspot_pipeline.orchestration.tables import Workshop
    from hotspot_pipeline.pseudonyms.keys import pseudonym_key
    from hotspot_pipeline.raw import landing, taking
    from hotspot_pipeline.raw.intake import read_extract
    from hotspot_pipeline.settings import Settings, read_force
    from hotspot_pipeline.validated import judging
    from hotspot_pipeline.validated.lookups import read_lookups
    from hotspot_pipeline.warehouse.contract import read_catalog

    force = read_force(home(folder))
    settings = Settings(data=folder, forces=(force,))
    shop = Workshop.of(settings, force, read_catalog(settings.sql))
    found = read_lookups(settings.reference, force.reference)
    feeds = contracts_of(force)
    with session(folder) as opened:
        for table in shop.catalog.values():
            if table.stage in ("raw", "validated"):
                opened.ensure(table)
        for feed, contract in feeds.items():
            where = force.landing(feed)
            files, _ = landing.landed_files(where, contract)
            for waiting in landing.extracts_of(landing.hashed(files, {}), where, contract, shop.police_time):  # fmt: skip
                intake = read_extract(waiting, received_at_utc=datetime.now(UTC), run_id="bench")
                taking.store(shop, opened, contract, intake)
        judging.Gate(
            opened,
            feeds,
            police_time=shop.police_time,
            pseudonym_key=pseudonym_key(force.key_file),
            boundary=shop.boundary,
            lookups={
                "offences": found["offence_codes"].delivered,
                "policeuk_categories": found["policeuk_categories"].delivered,
            },
        ).judge_waiting(lambda text: None)
