"""Are the rows the same as before? Order-free fingerprints of a table's rows, whole or window by window.

A fingerprint is the row count and the sum of the rows' hashes over the contract's columns by name, so the order of
rows and of columns in the file does not matter. Comparable within one DuckDB version.
"""

from __future__ import annotations

from datetime import date

import duckdb

from hotspot_pipeline.warehouse.contract import TableContract


def content(
    connection: duckdb.DuckDBPyConnection, contract: TableContract, table: str
) -> tuple[int, str]:
    """(rows, fingerprint) of `table`, which has the contract's columns."""
    return _one(connection, table, contract.column_types)


def keys(connection: duckdb.DuckDBPyConnection, contract: TableContract) -> tuple[int, str]:
    """(rows, fingerprint of the grain) of the contract's own table."""
    return _one(connection, contract.name, contract.grain or contract.column_types)


def differing_windows(
    connection: duckdb.DuckDBPyConnection, contract: TableContract, other: str, inside: str
) -> tuple[date, ...]:
    """The time-column values, of those `inside`, whose rows in the contract's table and in `other` are not the same."""
    prints = (
        f'select "{contract.time_column}" as w, count(*) as n, sum(hash({_listed(contract.column_types)})) as h '
        f"from {{table}} where {inside} group by 1"
    )
    rows = connection.execute(
        f"select coalesce(o.w, i.w) from ({prints.format(table=contract.name)}) o "
        f"full join ({prints.format(table=other)}) i on o.w = i.w "
        "where o.n is distinct from i.n or o.h is distinct from i.h order by 1"
    ).fetchall()
    return tuple(r[0] for r in rows)


def _one(
    connection: duckdb.DuckDBPyConnection, table: str, columns: dict[str, str] | tuple[str, ...]
) -> tuple[int, str]:
    rows = connection.execute(
        f"select count(*), coalesce(sum(hash({_listed(columns)})), 0)::varchar from {table}"
    ).fetchall()
    return int(rows[0][0]), str(rows[0][1])


def _listed(columns: dict[str, str] | tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in columns)
