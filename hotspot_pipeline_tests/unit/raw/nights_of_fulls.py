"""A feed with full extracts, in memory: deliver rows, withdraw, and ask what the runs say.

The warehouse's real tables and the raw stage's own `_store`; no files and no Dagster.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from hotspot_pipeline.feeds.contract import FeedContract, shipped_contracts
from hotspot_pipeline.orchestration.tables import Workshop
from hotspot_pipeline.raw import taking
from hotspot_pipeline.raw.intake import Account, Intake
from hotspot_pipeline.settings import Settings, parse_force
from hotspot_pipeline.warehouse.contract import TableContract
from hotspot_pipeline.warehouse.session import Session

FEED = "asb_extract"
RECEIVED = datetime(2026, 6, 20, 3)
Row = Mapping[str, str | None]


def incident(ref: str | None, asb_type: str = "noise", **more: str | None) -> dict[str, str | None]:
    return {"source_system": "sim", "incident_ref": ref, "opened_ts_local": "2026-06-10 21:30:00", "nsir_category": "ASB",
            "easting": "431950", "northing": "265750", "asb_type": asb_type} | more  # fmt: skip


class FeedOfFulls:
    def __init__(self, session: Session, catalog: Mapping[str, TableContract], home: Path) -> None:
        force = parse_force({"force_id": "small", "feeds": {FEED: {}}}, home)
        self.shop = Workshop.of(Settings(data=home, forces=(force,)), force, catalog)
        self.session = session
        self.contract: FeedContract = shipped_contracts()[FEED]
        self.delivered: dict[str, Counter[tuple[Any, ...]]] = {}
        self.raw_tables = [c.name for c in catalog.values() if c.stage == "raw"]

    def take(
        self, name: str, taken: datetime, *rows: Row, kind: str = "full", file: str = "asb.csv", **more: Any
    ) -> Account:  # fmt: skip
        """Stores an extract as the raw stage does; `more` lies over its account. The id is the name."""
        contract = replace(self.contract, **more.pop("contract", {}))
        schema = {**dict.fromkeys(contract.column_names, pl.String), "line_no": pl.Int64, "source_file": pl.String,
                  "extract_id": pl.String}  # fmt: skip
        full = [{**row, "line_no": n, "source_file": file, "extract_id": name} for n, row in enumerate(rows, 2)]  # fmt: skip
        extract = {
            "extract_id": name, "feed": FEED, "table_name": contract.table, "kind": kind, "release": None,
            "extract_ts_utc": taken, "received_at_utc": RECEIVED, "sha256": name, "n_files": 1, "n_bytes": 1,
            "status": "loaded", "reason": None, "n_records": len(rows), "n_rows": len(rows), "n_unreadable": 0,
            "extra_columns": None, "contract_fingerprint": contract.fingerprint, "retention_months": 13, "run_id": "run",
        } | more  # fmt: skip
        file_row = {"extract_id": name, "feed": FEED, "source_file": file, "path": file, "sha256": name, "n_bytes": 1,
                    "modified_ns": 1, "status": extract["status"], "n_records": len(rows), "n_rows": len(rows),
                    "n_unreadable": 0, "contract_fingerprint": contract.fingerprint}  # fmt: skip
        unreadable = pl.DataFrame(schema={"extract_id": pl.String, "source_file": pl.String, "line_no": pl.Int64,
                                          "rule": pl.String, "message": pl.String})  # fmt: skip
        intake = Intake(
            Account(extract, (file_row,)), pl.DataFrame(full, schema=schema), unreadable
        )
        self.delivered[name] = Counter(_content(row) for row in rows)
        return taking.store(self.shop, self.session, contract, intake)

    def withdraw(self, name: str) -> None:
        self.decide(name, "withdrawn")
        taking.purge_withdrawn(self.session, self.raw_tables)

    def decide(self, name: str, decision: str) -> None:
        self.session.execute(
            "insert into raw.decisions by name select $id as extract_id, $what as decision, 'ana' as decided_by, "
            "'wrong' as because, now()::timestamp as decided_at_utc",
            {"id": name, "what": decision},
        )

    def held_by(self, name: str) -> Counter[tuple[Any, ...]]:
        """The rows that the runs give for the extract."""
        columns = "t.incident_ref, t.asb_type"
        rows = self.rows(
            f"""
            select {columns} from raw.full_runs r
            join raw.extracts e on e.feed = r.feed and e.order_ts_utc >= r.from_order_ts_utc
             and (r.to_order_ts_utc is null or e.order_ts_utc <= r.to_order_ts_utc)
            join raw.asb_incidents t on t.extract_id = r.extract_id and t.source_file = r.source_file and t.line_no = r.line_no
            where e.extract_id = '{name}'
            """
        )
        return Counter(rows)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.session.frame(sql).rows()

    def n_stored(self) -> int:
        return int(self.session.value("select count(*) from raw.asb_incidents"))

    def runs(self) -> list[tuple[Any, ...]]:
        """(extract, line, day of the first, day of the last full extract) of every run."""
        return self.rows(
            "select extract_id, line_no, day(from_order_ts_utc)::int, day(to_order_ts_utc)::int from raw.full_runs "
            "order by from_order_ts_utc, extract_id, line_no"
        )

    def faults(self) -> list[str]:
        """Audits of the raw and validated tables that find bad rows."""
        tables = [t for t in self.session.catalog.values() if t.stage in ("raw", "validated")]
        return [
            f"{t.name}: {a.audit.name}: {a.sample}"
            for t in tables
            for a in self.session.audit(t)
            if not a.passed
        ]


def _content(row: Row) -> tuple[Any, ...]:
    return row["incident_ref"], row["asb_type"]


@contextmanager
def feed_of_fulls(catalog: Mapping[str, TableContract], home: Path) -> Iterator[FeedOfFulls]:
    with duckdb.connect() as connection:
        session = Session(connection, catalog)
        for contract in catalog.values():
            if contract.stage in ("raw", "validated"):
                session.ensure(contract)
        yield FeedOfFulls(session, catalog, home)


def nights(n: int, same: Sequence[Row]) -> list[tuple[str, datetime, Sequence[Row]]]:
    return [(f"e{day}", datetime(2026, 6, day), same) for day in range(1, n + 1)]
