"""Which rows of a table have to be computed again: the book of builds, and the names of the rows that changed.

A table that `follows` others has rows that come from one delivered row each, and says so by its name (extract_id, source_file,
line_no). A row of it depends on the rows of its name in the tables it follows, and on every other table that it is computed from as a
whole. So after a night only the names that changed in a followed table are computed again, as long as everything else is as it was
at the last build. Whatever is not, or is not known to be, means a whole build, with the reason in words.

Here: what the book says. Not here: the writing of the rows (`following.py`), how they are computed (SQL models, kernels).

`increments.builds` has a row for each table: the number of its last change and of its last whole one, what it was computed with, and
how many rows with which sum of hashes it left. `increments.changes` has the names of the last changes. Both are written in the
transaction of the rows they tell of, so a run that is killed leaves the two in step.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb

from hotspot_pipeline.warehouse import fingerprints
from hotspot_pipeline.warehouse.contract import ROW_NAME, Catalog, TableContract

CHANGED = "changed_names"
KNOWN_AT = "$known_at"
# a table that falls further behind is built whole
KEPT_CHANGES = 60
# above this share of the rows a whole build is no dearer
_MOST = 0.1
_NAMES = ", ".join(ROW_NAME)
_BOOK = """
    create schema if not exists increments;
    create table if not exists increments.builds (table_name varchar, change_no bigint, whole_no bigint, code varchar,
        inputs varchar, n_rows bigint, content varchar);
    create table if not exists increments.changes (table_name varchar, change_no bigint, extract_id varchar,
        source_file varchar, line_no bigint)
"""


@dataclass(frozen=True)
class Build:
    """The last build of a table. `inputs`: of a followed table the number of the change it saw, of any other its fingerprint."""

    change_no: int
    whole_no: int
    code: str
    inputs: Mapping[str, str]
    n_rows: int
    content: str


def ensure_book(connection: duckdb.DuckDBPyConnection) -> None:
    known = connection.execute(
        "select count(*) from information_schema.tables where table_schema = 'increments' and table_catalog = current_database()"
    ).fetchall()
    if known[0][0] < 2:
        connection.execute(_BOOK)


def last_build(connection: duckdb.DuckDBPyConnection, table: str) -> Build | None:
    rows = connection.execute(
        "select change_no, whole_no, code, inputs, n_rows, content from increments.builds where table_name = ?",
        [table],
    ).fetchall()
    if not rows:
        return None
    change_no, whole_no, code, inputs, n_rows, content = rows[0]
    return Build(change_no, whole_no, code, json.loads(inputs), n_rows, content)


def inputs_now(
    connection: duckdb.DuckDBPyConnection,
    catalog: Catalog,
    contract: TableContract,
    reads: Sequence[str],
    known_at: datetime | None,
) -> dict[str, str]:
    """What a build at this moment is computed from, by table."""
    found = {} if known_at is None else {KNOWN_AT: known_at.isoformat()}
    for table in reads:
        if table in contract.follows:
            build = last_build(connection, table)
            found[table] = str(build.change_no) if build else "unknown"
        else:
            found[table] = "-".join(map(str, fingerprints.content(connection, catalog[table], table)))  # fmt: skip
    return found


def why_whole(
    connection: duckdb.DuckDBPyConnection,
    contract: TableContract,
    build: Build | None,
    code: str,
    inputs: Mapping[str, str],
) -> str:
    """The reason for a whole build; empty where the names in `CHANGED`, which this fills, are all that has to be computed."""
    if build is None:
        return "built for the first time"
    if code != build.code:
        return "its query or its columns are other than at the last build"
    if fingerprints.content(connection, contract, contract.name) != (build.n_rows, build.content):
        return "its rows are not those of the last build"
    if inputs.keys() != build.inputs.keys():
        return "it is computed from other tables than at the last build"
    for table, now in inputs.items():
        if table not in contract.follows and table != KNOWN_AT and now != build.inputs[table]:
            return f"{table} is other than at the last build"
    connection.execute(
        f"create or replace temp table {CHANGED} (extract_id varchar, source_file varchar, line_no bigint)"
    )
    for table in contract.follows:
        reason = _add_names(connection, table, build.inputs[table])
        if reason:
            return reason
        if KNOWN_AT in inputs:
            _add_moved(connection, table, build.inputs[KNOWN_AT], inputs[KNOWN_AT])
    if _n_rows(connection, CHANGED) > _MOST * sum(_n_rows(connection, t) for t in contract.follows):
        return "more than a tenth of what it follows changed"
    connection.execute(f"create or replace temp table {CHANGED} as select distinct {_NAMES} from {CHANGED}")  # fmt: skip
    return ""


def _add_names(connection: duckdb.DuckDBPyConnection, followed: str, seen: str) -> str:
    build = last_build(connection, followed)
    if build is None or seen == "unknown":
        return f"of {followed} it is not known what changed"
    if _n_rows(connection, followed) != build.n_rows:
        return f"{followed} was changed by something else"
    if not max(build.whole_no, build.change_no - KEPT_CHANGES) <= int(seen) <= build.change_no:
        return f"{followed} was built whole, or too many nights ago"
    connection.execute(
        f"insert into {CHANGED} select {_NAMES} from increments.changes where table_name = $t and change_no > $seen",
        {"t": followed, "seen": int(seen)},
    )
    return ""


def _add_moved(connection: duckdb.DuckDBPyConnection, followed: str, before: str, now: str) -> None:
    """Rows that begin or end to be the answer between two moments of knowledge."""
    connection.execute(
        f"""
        insert into {CHANGED} select {_NAMES} from {followed}
        where (known_from_utc > least($a, $b) and known_from_utc <= greatest($a, $b))
            or (known_to_utc > least($a, $b) and known_to_utc <= greatest($a, $b))
        """,
        {"a": datetime.fromisoformat(before), "b": datetime.fromisoformat(now)},
    )


def note_build(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    *,
    names: str | None,
    code: str = "",
    inputs: Mapping[str, str] | None = None,
    content: str = "",
) -> None:
    """Books what a table is now; in the transaction of its rows. `names`: a SELECT of the names that changed, empty text where
    nothing did; None: any may have."""
    ensure_book(connection)
    before = last_build(connection, table)
    if before is None:
        connection.execute("delete from increments.changes where table_name = ?", [table])
    number = before.change_no if before else 0
    whole_no = before.whole_no if before else 0
    if names is None:
        number += 1
        whole_no = number
    elif names:
        number += 1
        connection.execute(
            f"insert into increments.changes select $t, $n, {_NAMES} from ({names})",
            {"t": table, "n": number},
        )
    oldest = {"t": table, "oldest": max(whole_no, number - KEPT_CHANGES)}
    connection.execute(
        "delete from increments.changes where table_name = $t and change_no <= $oldest", oldest
    )
    connection.execute("delete from increments.builds where table_name = ?", [table])
    connection.execute(
        "insert into increments.builds values (?, ?, ?, ?, ?, ?, ?)",
        [table, number, whole_no, code, json.dumps(inputs or {}), _n_rows(connection, table), content],
    )  # fmt: skip


def note_changes(connection: duckdb.DuckDBPyConnection, table: str, names: str) -> None:
    """The change of a table that is only followed; where it is large, it is booked as a whole one."""
    n_changed = _n_rows(connection, f"(select distinct {_NAMES} from ({names}))")
    is_large = n_changed > _MOST * _n_rows(connection, table)
    note_build(connection, table, names=None if is_large else names if n_changed else "")


def _n_rows(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(connection.execute(f"select count(*) from {table}").fetchall()[0][0])
