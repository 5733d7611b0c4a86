"""A connection to the warehouse as the steps have it: reads, statements, transactions, frames lent to a query.

Here: what goes through DuckDB as it is asked. Not here: writes that replace rows, audit them and report (`session.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from hotspot_pipeline.warehouse import increments, places, shelf
from hotspot_pipeline.warehouse.contract import Catalog, TableContract
from hotspot_pipeline.warehouse.incoming import offered
from hotspot_pipeline.warehouse.schema import columns_of, ensure_table


@dataclass
class Writing:
    """A transaction under way; it is committed only where `keep` is set."""

    connection: duckdb.DuckDBPyConnection
    keep: bool = False


class Connected:
    """An open connection; made by `Warehouse.session`, never kept."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        catalog: Catalog,
        scratch: Path | None = None,
    ) -> None:
        """`scratch`: a folder for files of the moment; without it the system's."""
        self._con = connection
        self.catalog = catalog
        self._scratch = scratch

    # ---------- reads

    def frame(self, sql: str, params: Mapping[str, Any] | None = None) -> pl.DataFrame:
        frame: pl.DataFrame = self._con.sql(sql, params=dict(params or {})).pl()
        return frame

    def value(self, sql: str, params: Mapping[str, Any] | None = None) -> Any:
        # every row is fetched: DuckDB refuses the next statement while a result is unfinished
        rows = self._con.execute(sql, dict(params or {})).fetchall()
        return rows[0][0] if rows else None

    def exists(self, table: str) -> bool:
        stage, name = table.split(".")
        return bool(columns_of(self._con, stage, name))

    def between(self, rows: str, column: str = "rowid") -> str:
        """As `places.between`: a condition on `rowid` for the places that the SELECT gives."""
        return places.between(self._con, rows, column)

    # ---------- writes

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is there together, or none of it."""
        with self.writing() as write:
            yield
            write.keep = True

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """A transaction that is rolled back, and leaves the file as it is, unless what is inside sets `keep`."""
        write = Writing(self._con)
        self._con.execute("begin")
        try:
            yield write
            self._con.execute("commit" if write.keep else "rollback")
        except BaseException:
            self._roll_back()
            raise

    def stage(self, name: str, rows: pl.DataFrame) -> None:
        """The frame as a temporary table of this session."""
        self._con.register("offered_rows", rows)
        try:
            self._con.execute(f"create or replace temp table {name} as select * from offered_rows")
        finally:
            self._con.unregister("offered_rows")

    def execute(self, sql: str, params: Mapping[str, Any] | None = None) -> None:
        self._con.execute(sql, dict(params or {}))

    def ensure(self, contract: TableContract) -> bool:
        """Creates the table from its contract, or adds the columns the contract has gained; True when it did."""
        return ensure_table(self._con, contract)

    def insert(self, contract: TableContract, rows: pl.DataFrame) -> int:
        """Inserts by name; the frame must have exactly the contract's columns."""
        with offered(self._con, contract, rows) as source:
            self._con.execute(f"insert into {contract.name} by name {source}")
        return rows.height

    @contextmanager
    def lent(self, name: str, rows: pl.DataFrame) -> Iterator[None]:
        """The frame as a view of this name, for the statements inside."""
        self._con.register(name, rows)
        try:
            yield
        finally:
            self._con.unregister(name)

    def shelved(self, name: str, rows: pl.DataFrame) -> AbstractContextManager[None]:
        """The same for many or large frames within one transaction: it takes no memory, and gives its room back at once."""
        return shelf.shelved(self._con, self._scratch, name, rows)

    def note_changes(self, table: str, names: str) -> None:
        """Books which delivered rows a table that others follow changed with: `names` is a SELECT of extract_id, source_file, line_no.
        Inside the transaction of the change."""
        increments.note_changes(self._con, table, names)

    def _roll_back(self) -> None:
        with suppress(duckdb.Error):  # a failed commit has rolled back by itself
            self._con.execute("rollback")
