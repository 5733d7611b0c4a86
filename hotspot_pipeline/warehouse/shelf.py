"""Frames put aside as files, for the statements of one long transaction.

What is dropped within a transaction keeps its room until the transaction ends: a temporary table on disk, a registered frame in
memory (measured with DuckDB 2.0: a first load of ten million rows, taken slice by slice, came to 50 GB of the one or 24 GB of the
other). A file is gone when it is removed.

Files lie in the connection's folder for spilled data, under the same protection as the warehouse. Whoever opens the warehouse for
writing is alone with it, and clears what a killed run left.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import polars as pl

_PREFIX = "shelved-"


@contextmanager
def shelved(
    connection: duckdb.DuckDBPyConnection, folder: Path | None, name: str, rows: pl.DataFrame
) -> Iterator[None]:
    """The frame as a view `name`, for the statements inside."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=_PREFIX, suffix=".parquet") as file:
        rows.write_parquet(file.name, compression="lz4")
        del rows  # not kept while the statements run
        quoted = file.name.replace("'", "''")
        connection.execute(
            f"create or replace temp view {name} as select * from read_parquet('{quoted}')"
        )
        yield
        connection.execute(f"drop view {name}")


def clear(folder: Path) -> None:
    for left in folder.glob(f"{_PREFIX}*"):
        left.unlink(missing_ok=True)
