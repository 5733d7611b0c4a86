"""A force whose duties and fixes a test writes by hand, and what the raw, gate and retention steps do with them.

Here: files in landing folders, the steps without the orchestrator, and what stands after them. Not here: whole runs.
"""

from __future__ import annotations

import json
import logging
import os
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from hotspot_pipeline.definitions import warehouse_of
from hotspot_pipeline.feeds.contract import FILE_TABLES
from hotspot_pipeline.feeds.of_force import contracts_of
from hotspot_pipeline.orchestration.tables import Workshop
from hotspot_pipeline.raw import taking
from hotspot_pipeline.settings import Force, Settings, parse_force
from hotspot_pipeline.validated import withdrawal
from hotspot_pipeline.validated.judging import Gate
from hotspot_pipeline.validated.pings import ledger
from hotspot_pipeline.validated.pings.rows import FixRules
from hotspot_pipeline.validated.pings.taking import PingGate
from hotspot_pipeline.validated.retention import first_open_day, remove_expired
from hotspot_pipeline.warehouse.contract import read_catalog
from hotspot_pipeline_tests.integration.hand_made import BOUNDARY

FORCE = "small"
DEVICES = ("6210010", "AVL-0001", "TRK-0007")
OFFICERS = ("PC 4711", "PCSO 4712")


@dataclass
class FixForce:
    """`data` is its HOTSPOTS_DATA."""

    data: Path
    pings_days: int = 36_500
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True)
        (self.home / "boundary.geojson").write_text(json.dumps(BOUNDARY))
        self.configure()

    @property
    def home(self) -> Path:
        return self.data / "forces" / FORCE

    def configure(self, **more: Any) -> None:
        document = {
            "force_id": FORCE,
            "boundary": "boundary.geojson",
            "feeds": {f: {} for f in ("gps_pings", "duties", "patrol_plan", "patrol_logs", "patrol_places")},
            "retention": {"pings_days": self.pings_days},
            **more,
        }  # fmt: skip
        (self.home / "force.yml").write_text(yaml.safe_dump(document))
        self.force: Force = parse_force(document, self.home)
        self.settings = Settings(
            data=self.data, forces=(self.force,), memory_limit="1GB", threads=2
        )

    def deliver(self, feed: str, name: str, rows: pl.DataFrame) -> Path:
        path = self.force.landing(feed) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".parquet"):
            rows.write_parquet(path)
        else:
            rows.write_csv(path)
        old = time.time() - 3600
        os.utime(path, (old, old))
        return path

    def run(self) -> dict[str, bool]:
        """What the steps of raw, the gate and retention do, without the orchestrator; which audits and gate results stand."""
        feeds = contracts_of(self.force)
        shop = Workshop.of(self.settings, self.force, read_catalog(self.settings.sql))
        tables = [t for t in shop.catalog if t.startswith(("raw.", "validated."))]
        now = datetime.now(UTC)
        with warehouse_of(self.settings, self.force).session() as session:
            for table in tables:
                session.ensure(shop.catalog[table])
            taking.purge_withdrawn(session, [t for t in tables if t.startswith("raw.")])
            taken = taking.take_all(shop, session, "a run", logging.getLogger("made_fixes"))
            withdrawal.purge(session)
            in_tables = {n: c for n, c in feeds.items() if c.table not in FILE_TABLES}
            Gate(
                session, in_tables, police_time=shop.police_time, pseudonym_key=b"x" * 32, boundary=None, lookups={}
            ).judge_waiting(self.said.append)  # fmt: skip
            stored = ledger.Ledger(session, self.force.pings, "a run")
            first = first_open_day(session, now, self.pings_days)
            boundary = shop.boundary
            PingGate(
                session,
                {n: c for n, c in feeds.items() if n not in in_tables},
                stored,
                self.force.archive,
                lambda contract: FixRules(contract, shop.police_time, boundary, first),
            ).judge_waiting(self.said.append)
            remove_expired(
                session, stored, self.force.archive, now_utc=now, pings_days=self.pings_days, run_id="a run"
            )  # fmt: skip
            found = {
                audit.audit.name: audit.passed
                for table in tables
                if table.startswith(
                    ("validated.ping", "validated.dut", "validated.ret", "validated.extract_counts")
                )
                for audit in session.audit(shop.catalog[table])
            }
            results = session.frame("select feed || '__' || expectation, is_passed from validated.gate_results")  # fmt: skip
        self.said += taken.key_faults
        return {**found, **dict(results.iter_rows()), "keys_are_those_in_use": not taken.key_faults}

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with warehouse_of(self.settings, self.force).session(read_only=True) as session:
            return session.frame(sql).rows()

    def days(self) -> dict[str, bytes]:
        """The bytes of each stored day."""
        return {
            str(day): (self.force.pings / name).read_bytes()
            for day, name in self.rows(
                "select police_day, file_name from validated.ping_days where state = 'stored' order by 1"
            )
        }


def fixes(start: str, n: int, device: str = DEVICES[0], every_s: int = 60, late: timedelta = timedelta(seconds=5)) -> pl.DataFrame:  # fmt: skip
    first = datetime.fromisoformat(start)
    at = [first + timedelta(seconds=every_s * k) for k in range(n)]
    return pl.DataFrame(
        {
            "device_id": [device] * n,
            "device_type": ["handheld"] * n,
            "fix_ts_utc": at,
            "received_ts_utc": [t + late for t in at],
            "lon": [-1.534 + 1e-5 * k for k in range(n)],
            "lat": [52.289] * n,
            "callsign": ["HS01"] * n,
        }
    )


def duty(number: int, device: str, officer: str | None, start: str, end: str) -> dict[str, Any]:
    return {
        "duty_id": f"D{number}", "device_id": device, "device_type": "handheld", "officer": officer, "team": "T1",
        "start_local": start, "end_local": end, "deployment": "hotspot_funded", "crew_id": f"CREW-{number}", "callsign": "HS01",
    }  # fmt: skip
