"""A desk to try models on: the real tables, created from their contracts, with a few rows that a test writes down.

A test names only the columns that matter; a required column that it does not name gets a plain value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import polars as pl
import pytest

from hotspot_pipeline.history.digest import digest
from hotspot_pipeline.history.lookup_ledger import write_lookup_ledgers
from hotspot_pipeline.history.lookups import CHANGES, VERSIONS, Taken, take_in
from hotspot_pipeline.history.versioned import VERSIONED
from hotspot_pipeline.sql_models.assets import refresh_model, write_model
from hotspot_pipeline.sql_models.model import SqlModel, load_models
from hotspot_pipeline.warehouse.contract import TableColumn, TableContract
from hotspot_pipeline.warehouse.session import AuditResult, Session

Row = Mapping[str, Any]
NOW = datetime(2026, 7, 1, 12)
_PLAIN: dict[str, Any] = {
    "VARCHAR": "x", "BIGINT": 1, "INTEGER": 1, "SMALLINT": 1, "DOUBLE": 1.0, "BOOLEAN": False,
    "DATE": date(2026, 1, 5), "TIMESTAMP": datetime(2026, 1, 5, 12),
}  # fmt: skip


class Desk:
    def __init__(self, session: Session, models: Mapping[str, SqlModel]) -> None:
        self.session, self.models = session, models
        self._written: set[str] = set()

    def given(self, table: str, *rows: Row) -> None:
        """Adds the rows to the table. `line_no` counts up where it is not named, so that rows differ."""
        contract = self.session.catalog[table]
        unknown = {name for row in rows for name in row} - set(contract.column_types)
        assert not unknown, f"{table} has no column {unknown}"
        start = int(self.session.value(f"select count(*) from {table}"))
        full = [
            {c.name: row.get(c.name, _plain(c, start + n)) for c in contract.columns}
            for n, row in enumerate(rows, 1)
        ]
        if full:
            self.session.insert(contract, pl.DataFrame(full, infer_schema_length=None))
        self._written.add(table)

    def run(
        self,
        model: str,
        *,
        known_at: datetime = NOW,
        window: tuple[date, date] | None = None,
    ) -> list[dict[str, Any]]:
        """Writes the model's table as the pipeline does, blocking audits included, and gives its rows."""
        self._written.add(model)
        found = self.models[model]
        if found.contract.partition == "none":
            write_model(self.session, found, {"known_at": known_at})
        else:
            first, end = window or (date(2000, 1, 3), date(2030, 1, 7))
            step = 7 if found.contract.partition == "weekly" else 1
            asked = [first + timedelta(days=d) for d in range(0, (end - first).days, step)]
            refresh_model(self.session, found, {"known_at": known_at}, asked=asked)
        return self.rows(model)

    def digest(self) -> None:
        """Takes what stands in raw and validated into the history; extracts of which nothing is said are accepted."""
        counted = "select extract_id from validated.extract_counts"
        waiting = self.session.frame(
            f"select extract_id, table_name from raw.extracts where extract_id not in ({counted})"
        )
        self.given("validated.extract_counts", *({**r, "status": "accepted"} for r in waiting.to_dicts()))  # fmt: skip
        for spec in VERSIONED:
            digest(self.session, spec, run_id="r", now=NOW, say=lambda text: None)
        write_lookup_ledgers(self.session, run_id="r", now=NOW)
        self._written |= {"history.extracts", "history.recodes", "history.affected_weeks", CHANGES}
        self._written |= {spec.versions for spec in VERSIONED}

    def take_in_lookups(self, *, known_at: datetime = NOW) -> list[Taken]:
        """Takes what stands in the validated lookups into the history, and writes what is known of them."""
        taken = take_in(self.session, run_id="r")
        self._written.add(VERSIONS)
        for model in ("offence_span_versions", "offence_spans", "policeuk_categories_current"):
            self.run(f"history.{model}", known_at=known_at)
        return taken

    def rows(self, table: str) -> list[dict[str, Any]]:
        order = ", ".join(self.session.catalog[table].grain)
        return self.session.frame(f"select * from {table} order by {order}").to_dicts()

    def bad_rows(self, table: str, audit: str) -> int:
        """How many bad rows the audit of this name finds in what stands on the desk."""
        found: dict[str, AuditResult] = {
            a.audit.name: a for a in self.session.audit(self.session.catalog[table])
        }
        return found[audit].n_bad_rows

    def clear(self) -> None:
        for table in self._written:
            self.session.execute(f"delete from {table}")
        if self.session.value(
            "select count(*) from duckdb_schemas() where schema_name = 'increments' and not internal"
        ):
            self.session.execute("delete from increments.builds")
            self.session.execute("delete from increments.changes")
        self._written.clear()


def _plain(column: TableColumn, number: int) -> Any:
    if column.name == "line_no":
        return number
    if not column.required:
        return None
    return column.allowed[0] if column.allowed else _PLAIN.get(column.type, 0)


def picked(rows: Sequence[Row], *columns: str) -> list[tuple[Any, ...]]:
    """Only these columns of each row."""
    return [tuple(row[c] for c in columns) for row in rows]


@pytest.fixture(scope="session")
def models(catalog: dict[str, TableContract]) -> dict[str, SqlModel]:
    return load_models(catalog)


@pytest.fixture(scope="session")
def tables(catalog: dict[str, TableContract]) -> Iterator[Session]:
    """Every table of the catalogue, empty, in memory."""
    # a few rows a table: further threads would only wait for each other
    with duckdb.connect(config={"threads": 1}) as connection:
        session = Session(connection, catalog)
        for contract in catalog.values():
            session.ensure(contract)
        yield session


@pytest.fixture
def desk(tables: Session, models: dict[str, SqlModel]) -> Iterator[Desk]:
    found = Desk(tables, models)
    yield found
    found.clear()
