"""Writes a table that follows others: only the rows of the names that changed, or all of them with the reason why.

The rows that come out are those of a whole build. Here: the one transaction of it. Not here: which names (`increments.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb
import polars as pl

from hotspot_pipeline.warehouse import fingerprints, increments, places
from hotspot_pipeline.warehouse.contract import ROW_NAME, TableContract
from hotspot_pipeline.warehouse.incoming import INCOMING, stage
from hotspot_pipeline.warehouse.results import AuditsFailed, Query, Write
from hotspot_pipeline.warehouse.session import Session

_STANDING, _DIFFERING, _WRITTEN = "standing_rows", "differing_names", "written_rows"
_NAMES = ", ".join(ROW_NAME)
_SAME_NAME = " and ".join(f"a.{c} = b.{c}" for c in ROW_NAME)


@dataclass(frozen=True)
class Rows:
    """How a table's rows are computed. `compute` is given, for each followed table that it shall read only in part, the table that has
    that part; with nothing it gives all rows. `code` changes with what it does; `reads` are all tables it reads, `names` at least
    the columns of them that it reads."""

    compute: Callable[[Mapping[str, str]], Query | pl.DataFrame]
    reads: tuple[str, ...]
    code: str
    names: frozenset[str]
    known_at: datetime | None = None


def replace_followed(session: Session, contract: TableContract, rows: Rows) -> Write:
    """Brings the table to what a whole build would give, in one transaction; `Write.how` says which way."""
    with session.writing() as write:
        connection = write.connection
        is_new = session.ensure(contract)
        increments.ensure_book(connection)
        code = f"{rows.code} {duckdb.__version__} {sorted(contract.column_types.items())}"
        inputs = increments.inputs_now(connection, session.catalog, contract, rows.reads, rows.known_at)  # fmt: skip
        build = increments.last_build(connection, contract.name)
        reason = increments.why_whole(connection, contract, build, code, inputs)
        if reason or build is None:
            content, changed = _whole(connection, contract, rows)
            names = None if changed else ""
            audits = session.audit(contract)
            how = f"whole: {reason}"
        else:
            content, changed = _part(session, connection, contract, rows, build.content)
            names = f"select {_NAMES} from {_DIFFERING}" if changed else ""
            audits = session.audit_part(contract, f"select * from {_WRITTEN}")
            how = f"{session.value(f'select count(*) from {increments.CHANGED}'):,} rows by name"
        if any(a.blocks for a in audits):
            raise AuditsFailed(contract.name, audits)
        if changed or is_new or build is None or _differs(build, code, inputs):
            increments.note_build(
                connection, contract.name, names=names, code=code, inputs=inputs, content=content
            )
            write.keep = True
        n_rows = int(session.value(f"select count(*) from {contract.name}"))
    return Write(contract.name, n_rows, changed, content, audits, how=how)


def _differs(build: increments.Build, code: str, inputs: Mapping[str, str]) -> bool:
    """Whether the book has to say something else. Not for a later moment of knowledge at which the rows are the same: a quiet night
    leaves the file as it is."""
    moment = {increments.KNOWN_AT: inputs.get(increments.KNOWN_AT, "")}
    return build.code != code or {**build.inputs, **moment} != {**inputs, **moment}


def _whole(
    connection: duckdb.DuckDBPyConnection, contract: TableContract, rows: Rows
) -> tuple[str, bool]:
    stage(connection, contract, rows.compute({}))
    before = fingerprints.content(connection, contract, contract.name)
    after = fingerprints.content(connection, contract, INCOMING)
    if before != after:
        connection.execute(f"delete from {contract.name}")
        connection.execute(f"insert into {contract.name} by name from {INCOMING}")
    connection.execute(f"drop table {INCOMING}")
    return after[1], before != after


def _named(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    """Of a table `a` the rows of the changed names: where they lie is found by the names alone, and other columns are read only there."""
    semi_join = f"{table} a semi join {increments.CHANGED} b on {_SAME_NAME}"
    return f"{semi_join} where a.{places.between(connection, f'select a.rowid from {semi_join}')}"


def _part(
    session: Session,
    connection: duckdb.DuckDBPyConnection,
    contract: TableContract,
    rows: Rows,
    content: str,
) -> tuple[str, bool]:
    """Computes the changed names, and replaces the rows of those that came out otherwise than they stand."""
    parts = {}
    for number, table in enumerate(contract.follows):
        parts[table] = f"followed_rows_{number}"
        read = ", ".join(f'a."{c}"' for c in session.catalog[table].column_types if c in {*ROW_NAME, *rows.names})  # fmt: skip
        connection.execute(
            f"create or replace temp table {parts[table]} as select {read} from {_named(connection, table)}"
        )
    stage(connection, contract, rows.compute(parts))
    columns = ", ".join(f'"{c}"' for c in contract.column_types)
    connection.execute(
        f"create or replace temp table {_STANDING} as select a.rowid as rid, {columns} from {_named(connection, contract.name)}"
    )
    here, there = f"select {columns} from {_STANDING}", f"select {columns} from {INCOMING}"
    connection.execute(
        f"""
        create or replace temp table {_DIFFERING} as
        select distinct {_NAMES} from (({here} except all {there}) union all ({there} except all {here}))
        """
    )
    left = f"from {_STANDING} a semi join {_DIFFERING} b on {_SAME_NAME}"
    connection.execute(
        f"create or replace temp table {_WRITTEN} as select a.* from {INCOMING} a semi join {_DIFFERING} b on {_SAME_NAME}"
    )
    came = f"from {_WRITTEN}"
    sums = [
        int(connection.execute(f"select coalesce(sum(hash({columns})), 0)::varchar {rows_}").fetchall()[0][0])
        for rows_ in (left, came)
    ]  # fmt: skip
    n_differ = int(connection.execute(f"select count(*) from {_DIFFERING}").fetchall()[0][0])
    if n_differ:
        connection.execute(
            f"delete from {contract.name} a where {places.place('a')} in (select rid {left})"
        )
        connection.execute(f"insert into {contract.name} by name select {columns} {came}")
    for table in (*parts.values(), _STANDING, INCOMING):
        connection.execute(f"drop table {table}")
    return str(int(content) - sums[0] + sums[1]), n_differ > 0
