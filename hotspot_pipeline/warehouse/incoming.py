"""Rows on their way into a table: checked against its contract, cast by name, staged in a temporary table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import polars as pl

from hotspot_pipeline.warehouse.contract import TableContract
from hotspot_pipeline.warehouse.results import Query
from hotspot_pipeline.warehouse.schema import typed

INCOMING = "incoming_rows"
_WHOLE_NUMBERS = ("BIGINT", "INTEGER", "SMALLINT")


def stage(
    connection: duckdb.DuckDBPyConnection, contract: TableContract, source: Query | pl.DataFrame
) -> None:
    """Fills the temporary table `INCOMING` with the rows, in the contract's columns and types."""
    target = f"create or replace temp table {INCOMING} as"
    if isinstance(source, Query):
        connection.execute(
            f"{target} {typed(contract)} from (\n{source.sql}\n)", dict(source.params)
        )
        return
    with offered(connection, contract, source) as select:
        connection.execute(f"{target} {select}")


@contextmanager
def offered(
    connection: duckdb.DuckDBPyConnection, contract: TableContract, rows: pl.DataFrame
) -> Iterator[str]:
    """A SELECT over the frame. Raises ValueError where its columns are not exactly the contract's."""
    types = contract.column_types
    missing = [name for name in types if name not in rows.columns]
    extra = [name for name in rows.columns if name not in types]
    if missing or extra:
        raise ValueError(
            f"{contract.name}: frame lacks {missing or 'nothing'} and has too much {extra or 'nothing'}"
        )
    rounded = [n for n, k in types.items() if k in _WHOLE_NUMBERS and rows.schema[n].is_float()]
    if rounded:
        raise ValueError(
            f"{contract.name}: {rounded[0]} is {types[rounded[0]]} in {contract.path.name}, the frame has "
            f"{rows.schema[rounded[0]]}: fractions would be rounded away; cast it where it is computed"
        )
    connection.register("offered_rows", rows)
    try:
        yield f"{typed(contract)} from offered_rows"
    finally:
        connection.unregister("offered_rows")
