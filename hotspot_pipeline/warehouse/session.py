"""A session on the warehouse: the connection, reads, and writes that are whole or not there at all.

A write is one transaction: ensure the table, delete what is replaced, insert by name, run the audits, commit. An
audit of severity `error` that finds rows rolls everything back, and yesterday's rows stand. A write that would
change nothing is rolled back too and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from hotspot_pipeline.warehouse.contract import Audit, Catalog, TableContract

_INCOMING = "incoming_rows"


@dataclass(frozen=True)
class Query:
    """A SELECT and its named parameters."""

    sql: str
    params: Mapping[str, Any]


@dataclass(frozen=True)
class AuditResult:
    audit: Audit
    n_bad_rows: int
    sample: str = ""

    @property
    def passed(self) -> bool:
        return self.n_bad_rows == 0


@dataclass(frozen=True)
class Write:
    """What a write did. `windows` are the time-column values whose rows changed; `n_rows` is the table's height."""

    table: str
    n_rows: int
    changed: bool
    content: str
    audits: tuple[AuditResult, ...] = ()
    windows: tuple[date, ...] = ()


class AuditsFailed(RuntimeError):
    """A blocking audit found bad rows; the write was rolled back and the earlier rows stand."""

    def __init__(self, table: str, audits: Sequence[AuditResult]) -> None:
        self.table = table
        self.audits = tuple(audits)
        failed = [a for a in audits if not a.passed and a.audit.severity == "error"]
        what = "; ".join(
            f"{a.audit.name}: {a.n_bad_rows} bad rows, first {a.sample}" for a in failed
        )
        super().__init__(f"{table}: nothing was written, the earlier rows stand: {what}")


class SchemaChangeRefused(RuntimeError):
    """The table in the file differs from its contract in more than added columns."""


class Session:
    """An open connection; made by `Warehouse.session`, never kept."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
        self._con = connection
        self.catalog = catalog

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
        return bool(
            self.value(
                "select count(*) from information_schema.tables where table_schema = $stage and table_name = $name",
                {"stage": stage, "name": name},
            )
        )

    def standing(self, contract: TableContract) -> tuple[int, str]:
        """(rows, fingerprint of their keys) of a table that is only added to and taken from, never edited."""
        keys = ", ".join(f'"{k}"' for k in contract.grain)
        rows = self._con.execute(
            f"select count(*), coalesce(sum(hash({keys})), 0)::varchar from {contract.name}"
        ).fetchall()
        return int(rows[0][0]), str(rows[0][1])

    # ---------- writes

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._con.execute("begin")
        try:
            yield
        except BaseException:
            self._con.execute("rollback")
            raise
        self._con.execute("commit")

    def execute(self, sql: str, params: Mapping[str, Any] | None = None) -> None:
        self._con.execute(sql, dict(params or {}))

    def ensure(self, contract: TableContract) -> None:
        """Creates the table from its contract, or adds the columns the contract has gained."""
        if not self.exists(contract.name):
            self._con.execute(f"create schema if not exists {contract.stage}")
            self._con.execute(contract.create_sql())
            return
        present = {
            str(name): str(kind)
            for name, kind in self._con.execute(
                "select column_name, data_type from information_schema.columns "
                "where table_schema = ? and table_name = ? order by ordinal_position",
                [contract.stage, contract.table],
            ).fetchall()
        }
        wanted = contract.column_types
        gone = [n for n in present if n not in wanted]
        retyped = [n for n in present if n in wanted and present[n] != _spelled(wanted[n])]
        if gone or retyped:
            what = [f"column {n} is gone from the contract" for n in gone]
            what += [
                f"column {n} is {present[n]} in the table, {wanted[n]} in the contract"
                for n in retyped
            ]
            raise SchemaChangeRefused(
                f"{contract.name}: {'; '.join(what)} ({contract.path.name}). Only added columns are taken over by "
                f"themselves. To rebuild the table from what stands before it: hotspots run --rebuild {contract.name}"
            )
        for name, kind in wanted.items():
            if name not in present:
                self._con.execute(f'alter table {contract.name} add column "{name}" {kind}')

    def insert(self, contract: TableContract, rows: pl.DataFrame) -> int:
        """Inserts by name; the frame must have exactly the contract's columns."""
        with self._offered(contract, rows) as source:
            self._con.execute(f"insert into {contract.name} by name {source}")
        return rows.height

    def audit(self, contract: TableContract) -> tuple[AuditResult, ...]:
        return tuple(self._run_audit(audit) for audit in contract.all_audits)

    def stand(self, contract: TableContract, before: tuple[int, str]) -> Write:
        """The report on a table that this step added to: `before` is what `standing` gave at its start."""
        after = self.standing(contract)
        return Write(contract.name, after[0], after != before, after[1], self.audit(contract))

    def replace_table(self, contract: TableContract, source: Query | pl.DataFrame) -> Write:
        """The whole table, in one transaction."""

        def swap() -> tuple[date, ...]:
            before, after = (
                self._content(contract, contract.name),
                self._content(contract, _INCOMING),
            )
            if before == after:
                return ()
            self._con.execute(f"delete from {contract.name}")
            self._con.execute(f"insert into {contract.name} by name from {_INCOMING}")
            return (date.min,)

        return self._write(contract, source, swap, report_windows=False)

    def replace_window(
        self, contract: TableContract, source: Query | pl.DataFrame, start: date, end: date
    ) -> Write:
        """The rows with `start <= time_column < end`, in one transaction."""
        inside = f"\"{contract.time_column}\" >= date '{start}' and \"{contract.time_column}\" < date '{end}'"

        def swap() -> tuple[date, ...]:
            stray = self.value(f"select count(*) from {_INCOMING} where not ({inside})")
            if stray:
                raise ValueError(
                    f"{contract.name}: {stray} incoming rows lie outside {start} to {end}"
                )
            windows = self._differing_windows(contract, inside)
            if windows:
                self._con.execute(f"delete from {contract.name} where {inside}")
                self._con.execute(f"insert into {contract.name} by name from {_INCOMING}")
            return windows

        return self._write(contract, source, swap)

    def replace_changed_windows(
        self, contract: TableContract, source: Query | pl.DataFrame
    ) -> Write:
        """Computes every window, then replaces exactly those whose rows differ; `windows` names them."""
        column = f'"{contract.time_column}"'

        def swap() -> tuple[date, ...]:
            windows = self._differing_windows(contract, "true")
            if windows:
                self._con.execute("create or replace temp table changed_windows (w date)")
                self._con.executemany(
                    "insert into changed_windows values (?)", [[w] for w in windows]
                )
                self._con.execute(
                    f"delete from {contract.name} where {column} in (select w from changed_windows)"
                )
                self._con.execute(
                    f"insert into {contract.name} by name "
                    f"from {_INCOMING} where {column} in (select w from changed_windows)"
                )
            return windows

        return self._write(contract, source, swap)

    def attach_copy(self, target: Path, contracts: Sequence[TableContract]) -> dict[str, int]:
        """Copies the tables into a new database file at `target`; returns rows by table."""
        counts: dict[str, int] = {}
        self._con.execute(f"attach '{str(target).replace(chr(39), chr(39) * 2)}' as copy")
        try:
            for contract in contracts:
                if self.exists(contract.name):
                    self._con.execute(f"create schema if not exists copy.{contract.stage}")
                    order = ", ".join(f'"{k}"' for k in contract.grain) or "all"
                    self._con.execute(
                        f"create table copy.{contract.name} as from {contract.name} order by {order}"
                    )
                    counts[contract.name] = int(
                        self.value(f"select count(*) from copy.{contract.name}")
                    )
        finally:
            self._con.execute("detach copy")
        return counts

    # ---------- parts of a write

    def _write(
        self,
        contract: TableContract,
        source: Query | pl.DataFrame,
        swap: Callable[[], tuple[date, ...]],
        report_windows: bool = True,
    ) -> Write:
        self._con.execute("begin")
        try:
            self.ensure(contract)
            self._stage_incoming(contract, source)
            windows = swap()
            audits = self.audit(contract)
            if any(not a.passed and a.audit.severity == "error" for a in audits):
                raise AuditsFailed(contract.name, audits)
            n_rows, content = self._content(contract, contract.name)
            self._con.execute(f"drop table {_INCOMING}")
        except BaseException:
            self._con.execute("rollback")
            raise
        self._con.execute("commit")
        return Write(
            contract.name, n_rows, bool(windows), content, audits, windows if report_windows else ()
        )

    def _stage_incoming(self, contract: TableContract, source: Query | pl.DataFrame) -> None:
        if isinstance(source, Query):
            self._con.execute(
                f"create or replace temp table {_INCOMING} as {_typed(contract)} from ({source.sql})",
                dict(source.params),
            )
            return
        with self._offered(contract, source) as offered:
            self._con.execute(f"create or replace temp table {_INCOMING} as {offered}")

    @contextmanager
    def _offered(self, contract: TableContract, rows: pl.DataFrame) -> Iterator[str]:
        missing = [c.name for c in contract.columns if c.name not in rows.columns]
        extra = [name for name in rows.columns if name not in contract.column_types]
        if missing or extra:
            raise ValueError(
                f"{contract.name}: frame lacks {missing or 'nothing'} and has too much {extra or 'nothing'}"
            )
        self._con.register("offered_rows", rows)
        try:
            yield f"{_typed(contract)} from offered_rows"
        finally:
            self._con.unregister("offered_rows")

    def _content(self, contract: TableContract, table: str) -> tuple[int, str]:
        """Row count and an order-free fingerprint of the rows; comparable within one DuckDB version."""
        rows = self._con.execute(
            f"select count(*), coalesce(sum(hash(t)), 0)::varchar from ({_named(contract, table)}) t"
        ).fetchall()
        return int(rows[0][0]), str(rows[0][1])

    def _differing_windows(self, contract: TableContract, inside: str) -> tuple[date, ...]:
        column = f'"{contract.time_column}"'
        prints = f"select {column} as w, count(*) as n, sum(hash(t)) as h from ({{rows}}) t where {inside} group by 1"
        rows = self._con.execute(
            f"select coalesce(o.w, i.w) from ({prints.format(rows=_named(contract, contract.name))}) o "
            f"full join ({prints.format(rows=_named(contract, _INCOMING))}) i on o.w = i.w "
            "where o.n is distinct from i.n or o.h is distinct from i.h order by 1"
        ).fetchall()
        return tuple(r[0] for r in rows)

    def _run_audit(self, audit: Audit) -> AuditResult:
        n_bad = int(self.value(f"select count(*) from ({audit.sql}) bad"))
        sample = ""
        if n_bad:
            first = (
                self._con.sql(f"select * from ({audit.sql}) bad limit 1").pl().row(0, named=True)
            )
            sample = ", ".join(f"{k}={v}" for k, v in list(first.items())[:6])
        return AuditResult(audit, n_bad, sample)


def _named(contract: TableContract, table: str) -> str:
    """The rows in the contract's column order: an added column stands last in the file, not in the contract."""
    return "select " + ", ".join(f'"{c.name}"' for c in contract.columns) + f" from {table}"


def _typed(contract: TableContract) -> str:
    return "select " + ", ".join(
        f'cast("{c.name}" as {c.type}) as "{c.name}"' for c in contract.columns
    )


def _spelled(kind: str) -> str:
    """A contract's type as DuckDB spells it in its own catalogue."""
    return kind.replace(" ", "") if kind.startswith("DECIMAL") else kind


class Warehouse:
    """One force's DuckDB file. Every connection is closed on every path out of `session`."""

    def __init__(
        self,
        path: Path,
        catalog: Catalog,
        *,
        memory_limit: str = "4GB",
        threads: int = 2,
        temp_directory: Path | None = None,
    ) -> None:
        self.path = path
        self.catalog = catalog
        self._config: dict[str, str | int | float | list[str]] = {
            "memory_limit": memory_limit,
            "threads": threads,
            "temp_directory": str(temp_directory or path.with_suffix(".tmp")),
            # police networks are closed: nothing is fetched at run time
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "preserve_insertion_order": False,
        }

    @contextmanager
    def session(self, *, read_only: bool = False) -> Iterator[Session]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = duckdb.connect(str(self.path), read_only=read_only, config=dict(self._config))
        try:
            yield Session(connection, self.catalog)
        finally:
            connection.close()
