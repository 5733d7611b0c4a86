"""A session on the warehouse: the connection, reads, and writes that are whole or not there at all.

A write is one transaction: ensure the table, delete what is replaced, insert by name, run the audits, commit. An
audit of severity `error` that finds rows rolls everything back, and yesterday's rows stand. A write that would
change nothing is rolled back too, leaves the file as it is, and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from hotspot_pipeline.warehouse import fingerprints, increments, shelf
from hotspot_pipeline.warehouse.auditing import AUDITED, limited, run_audits, stage_audited
from hotspot_pipeline.warehouse.contract import Catalog, TableContract
from hotspot_pipeline.warehouse.incoming import INCOMING, offered, stage
from hotspot_pipeline.warehouse.results import (
    AuditResult,
    AuditsFailed,
    Query,
    SchemaChangeRefused,
    Write,
)
from hotspot_pipeline.warehouse.schema import columns_of, ensure_table

__all__ = [
    "AuditResult",
    "AuditsFailed",
    "Query",
    "SchemaChangeRefused",
    "Session",
    "Write",
]


# the temporary table of the windows that a query is asked for, one column `w`
ASKED = "asked_windows"


@dataclass
class Writing:
    """A transaction under way; it is committed only where `keep` is set."""

    connection: duckdb.DuckDBPyConnection
    keep: bool = False


class Session:
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

    def standing(self, contract: TableContract, *, is_edited: bool = False) -> tuple[int, str]:
        """(rows, fingerprint) of a table that is added to and taken from: of its keys, or of whole rows where rows are
        edited too."""
        if is_edited:
            return fingerprints.content(self._con, contract, contract.name)
        return fingerprints.keys(self._con, contract)

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

    def audit(self, contract: TableContract) -> tuple[AuditResult, ...]:
        return run_audits(self._con, contract.all_audits)

    def audit_part(self, contract: TableContract, touched: str) -> tuple[AuditResult, ...]:
        """The audits of the groups of rows that `touched`, a SELECT, names, and of those whose turn it is."""
        stage_audited(self._con, contract, touched)
        found = run_audits(self._con, limited(contract))
        self._con.execute(f"drop table {AUDITED}")
        return found

    def stand(
        self,
        contract: TableContract,
        before: tuple[int, str],
        *,
        is_edited: bool = False,
        touched: str | None = None,
    ) -> Write:
        """The report on a table that this step added to: `before` is what `standing` gave at its start. `touched`: a SELECT of the groups
        that were written to; without it every row is audited."""
        after = self.standing(contract, is_edited=is_edited)
        audits = self.audit_part(contract, touched) if touched else self.audit(contract)
        return Write(contract.name, after[0], after != before, after[1], audits)

    def replace_table(self, contract: TableContract, source: Query | pl.DataFrame) -> Write:
        """The whole table, in one transaction."""

        def swap() -> tuple[date, ...]:
            if fingerprints.content(self._con, contract, contract.name) == fingerprints.content(
                self._con, contract, INCOMING
            ):
                return ()
            self._con.execute(f"delete from {contract.name}")
            self._con.execute(f"insert into {contract.name} by name from {INCOMING}")
            return (date.min,)

        return self._write(contract, source, swap, report_windows=False)

    def replace_window(
        self, contract: TableContract, source: Query | pl.DataFrame, start: date, end: date
    ) -> Write:
        """The rows with `start <= time_column < end`, in one transaction. Rows outside are refused, not dropped.

        The window is whole days, for a weekly table whole weeks from a Monday. It may lie anywhere, also before the
        first partition: late reports of old events belong to old windows.
        """
        _check_window(contract, start, end)
        inside = f"\"{contract.time_column}\" >= date '{start}' and \"{contract.time_column}\" < date '{end}'"

        def swap() -> tuple[date, ...]:
            stray = self.value(f"select count(*) from {INCOMING} where ({inside}) is not true")
            if stray:
                raise ValueError(
                    f"{contract.name}: {stray} incoming rows lie outside {start} to {end}"
                )
            windows = fingerprints.differing_windows(self._con, contract, INCOMING, inside)
            if windows:
                self._con.execute(f"delete from {contract.name} where {inside}")
                self._con.execute(f"insert into {contract.name} by name from {INCOMING}")
            return windows

        return self._write(contract, source, swap)

    def replace_changed_windows(
        self,
        contract: TableContract,
        source: Query | pl.DataFrame,
        along: Callable[[tuple[date, ...]], None] | None = None,
        asked: Sequence[date] | None = None,
    ) -> Write:
        """Replaces exactly those windows whose rows differ; `windows` names them.

        `source` gives the rows of every window, or of the `asked` ones: then no other is looked at. `along` writes what must
        stand or fall with them (a ledger), in the same transaction.
        """
        if contract.time_column is None:
            raise ValueError(f"{contract.name}: no time_column in {contract.path.name}: no windows")
        inside = f'"{contract.time_column}" in (select unnest($windows))'
        looked_at, touched = "true", None
        if asked is not None:
            self.stage(ASKED, pl.DataFrame({"w": asked}, schema={"w": pl.Date}))
            looked_at = f'"{contract.time_column}" in (select w from {ASKED})'
            if contract.audited_by == (contract.time_column,):
                touched = f'select w as "{contract.time_column}" from {ASKED}'

        def swap() -> tuple[date, ...]:
            undated = self.value(
                f'select count(*) from {INCOMING} where "{contract.time_column}" is null'
            )
            if undated:
                raise ValueError(
                    f"{contract.name}: {undated} incoming rows have no {contract.time_column}"
                )
            windows = fingerprints.differing_windows(self._con, contract, INCOMING, looked_at)
            if windows:
                changed = {"windows": list(windows)}
                self._con.execute(f"delete from {contract.name} where {inside}", changed)
                self._con.execute(
                    f"insert into {contract.name} by name from {INCOMING} where {inside}", changed
                )
            if along:
                along(windows)
            return windows

        return self._write(contract, source, swap, keep=along is not None, touched=touched)

    # ---------- parts of a write

    def _roll_back(self) -> None:
        with suppress(duckdb.Error):  # a failed commit has rolled back by itself
            self._con.execute("rollback")

    def _write(
        self,
        contract: TableContract,
        source: Query | pl.DataFrame,
        swap: Callable[[], tuple[date, ...]],
        report_windows: bool = True,
        keep: bool = False,
        touched: str | None = None,
    ) -> Write:
        """`keep`: commit even where the table's own rows are the same. `touched` as in `stand`."""
        with self.writing() as write:
            is_new_schema = self.ensure(contract)
            stage(self._con, contract, source)
            windows = swap()
            audits = self.audit_part(contract, touched) if touched else self.audit(contract)
            if any(a.blocks for a in audits):
                raise AuditsFailed(contract.name, audits)
            n_rows, content = fingerprints.content(self._con, contract, contract.name)
            self._con.execute(f"drop table {INCOMING}")
            write.keep = bool(windows) or is_new_schema or keep
        return Write(
            contract.name, n_rows, bool(windows), content, audits, windows if report_windows else ()
        )


def _check_window(contract: TableContract, start: date, end: date) -> None:
    if contract.time_column is None:
        raise ValueError(f"{contract.name}: no time_column in {contract.path.name}: no windows")
    if start >= end:
        raise ValueError(f"{contract.name}: the window {start} to {end} is empty")
    if contract.partition == "weekly" and (start.weekday() or end.weekday()):
        raise ValueError(
            f"{contract.name}: the window {start} to {end} is not made of whole weeks from Monday to Monday"
        )
