"""A table in the file against its contract: created from it, widened by added columns, refused for anything else."""

from __future__ import annotations

import duckdb

from hotspot_pipeline.warehouse.contract import TableContract
from hotspot_pipeline.warehouse.results import SchemaChangeRefused


def ensure_table(connection: duckdb.DuckDBPyConnection, contract: TableContract) -> bool:
    """Creates the table, or adds the columns that the contract has gained; True when it did either."""
    present = columns_of(connection, contract.stage, contract.table)
    if not present:
        connection.execute(f"create schema if not exists {contract.stage}")
        connection.execute(contract.create_sql())
        return True
    wanted = contract.column_types
    gone = [n for n in present if n not in wanted]
    retyped = [n for n in present if n in wanted and present[n] != wanted[n]]
    if gone or retyped:
        what = [f"column {n} is gone from the contract" for n in gone]
        what += [
            f"column {n} is {present[n]} in the table, {wanted[n]} in the contract" for n in retyped
        ]
        raise SchemaChangeRefused(
            f"{contract.name}: {'; '.join(what)} ({contract.path.name}). Only added columns are taken over by "
            f"themselves. {_way_out(contract)}"
        )
    added = {name: kind for name, kind in wanted.items() if name not in present}
    for name, kind in added.items():
        connection.execute(f'alter table {contract.name} add column "{name}" {kind}')
    return bool(added)


def columns_of(connection: duckdb.DuckDBPyConnection, stage: str, table: str) -> dict[str, str]:
    """Name and type of each column in the table's own order; empty when there is no such table."""
    rows = connection.execute(
        "select column_name, data_type from information_schema.columns "
        "where table_catalog = current_database() and table_schema = ? and table_name = ? "
        "order by ordinal_position",
        [stage, table],
    ).fetchall()
    return {str(name): str(kind) for name, kind in rows}


def named(contract: TableContract, table: str) -> str:
    """The rows in the contract's column order: an added column stands last in the file, not in the contract."""
    return "select " + ", ".join(f'"{c.name}"' for c in contract.columns) + f" from {table}"


def typed(contract: TableContract) -> str:
    """`select` of every column of the contract by name, cast to its type; a `from` follows."""
    return "select " + ", ".join(
        f'cast("{c.name}" as {c.type}) as "{c.name}"' for c in contract.columns
    )


def _way_out(contract: TableContract) -> str:
    if contract.stage == "raw":
        return (
            "Raw rows are the record and are never built again: leave the old column in the contract and add the new "
            "one under a new name"
        )
    return (
        f"To rebuild the table from what stands before it: hotspots run --rebuild {contract.name}"
    )
