"""Every plain identifier of a simulated force, and where one is found among what a run leaves behind.

Here: the identifiers as they were delivered, and the search through files of every kind. Not here: what is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb
import polars as pl

# too short or too plain to be told from chance in the bytes of a compressed file; they are looked for as values
_SHORT = 6


def delivered_names(landing: Path) -> set[str]:
    """Devices, officers, crews and callsigns of the delivered files."""
    found: set[str] = set()
    for path in sorted((landing / "gps_pings").rglob("*.parquet")):
        rows = pl.read_parquet(path, columns=["device_id", "callsign"])
        found |= {*rows["device_id"], *rows["callsign"].drop_nulls()}
    for path in sorted((landing / "duties").rglob("*.csv")):
        rows = pl.read_csv(path, infer_schema=False)
        for name in ("device_id", "officer", "crew_id", "callsign"):
            found |= set(rows[name].drop_nulls())
    for path in sorted((landing / "patrol_logs").rglob("*.csv")):
        for people in pl.read_csv(path, infer_schema=False)["officers"].drop_nulls():
            found |= set(people.split("|"))
    return found


def found_in_bytes(folders: Iterable[Path], names: set[str]) -> list[str]:
    """`file: name` for each of the longer names in any file, not as a part of a longer word or number."""
    long = sorted(name for name in names if len(name) >= _SHORT)
    pattern = re.compile(rb"(?<![0-9A-Za-z.])(" + b"|".join(re.escape(n.encode()) for n in long) + rb")(?![0-9A-Za-z])")  # fmt: skip
    found = []
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                hit = pattern.search(path.read_bytes())
                if hit:
                    found.append(f"{path.name}: {hit[0].decode()}")
    return found


def found_in_values(warehouse: Path, parquet: Iterable[Path], names: set[str]) -> list[str]:
    """`table.column: name` for each name that is a value, or a member of a list, in any text column."""
    found = []
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        columns = connection.execute(
            "select schema_name || '.' || table_name, column_name from duckdb_columns() "
            "where not internal and database_name = current_database() and data_type = 'VARCHAR'"
        ).fetchall()
        for table, column in columns:
            values = connection.execute(f'select distinct "{column}" from {table}').fetchall()
            found += _hits(f"{table}.{column}", (v for (v,) in values if v), names)
    for path in parquet:
        rows = pl.read_parquet(path)
        for column in rows.select(pl.col(pl.String)).columns:
            found += _hits(f"{path.name}.{column}", rows[column].drop_nulls().unique(), names)
    return found


def _hits(where: str, values: Iterable[str], names: set[str]) -> Iterator[str]:
    for value in values:
        for part in {value, *re.split(r"[|;, ]+", value)} & names:
            yield f"{where}: {part}"
