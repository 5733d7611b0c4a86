"""What stands in the tables and files of an installation, and whether it is whole.

Compared are rows as multisets, without what differs from run to run by its nature (run ids, when something was read).
Opened are copies: a warehouse that a killed process left behind must be found by the next run as it was.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import polars as pl
from PIL import Image

from hotspot_pipeline.hexes.backfill_ledger import CLOSED
from hotspot_pipeline_tests.integration.installation import Installation

# what a run writes about itself
VOLATILE = {
    "run_id", "received_at_utc", "validated_at_utc", "refreshed_at_utc", "digested_at_utc", "withdrawn_at_utc", "taken_at_utc",
    "issued_at_utc", "changed_at_utc", "removed_at_utc", "registered_at_utc", "at_utc", "noted_by",
}  # fmt: skip
VOLATILE_OF = {
    # names the moment up to which it was computed
    "increments.builds": {"inputs"},
    # of files that name such times
    "published.files": {"n_bytes", "sha256"},
    # which extracts a run had taken before it came to the weeks
    "hexes.refreshed_windows": {
        "reason",
        "extract_ids",
        "started_by",
        "n_came",
        "n_new",
        "n_left",
        "n_by_lookup",
    },
}
# a run that is repeated builds the day and the week that closed once more, and says so
COMPARED_OF = {"hexes.refreshed_windows": f"reason <> '{CLOSED}'"}
# written extract by extract, each in one transaction; a repeated file is booked apart from its extract
_BY_EXTRACT = {"raw.extract_files": "extract_id || ':' || status"}

Prints = dict[str, dict[str, tuple[int, str]]]


@contextmanager
def opened_copy(warehouse_file: Path, scratch: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a copy of the file and of the journal that a killed process left beside it."""
    scratch.mkdir(parents=True, exist_ok=True)
    target = scratch / warehouse_file.name
    for suffix in ("", ".wal"):
        Path(f"{target}{suffix}").unlink(missing_ok=True)
        if Path(f"{warehouse_file}{suffix}").exists():
            shutil.copyfile(f"{warehouse_file}{suffix}", f"{target}{suffix}")
    connection = duckdb.connect(str(target))
    try:
        yield connection
    finally:
        connection.close()


def prints(installation: Installation, scratch: Path) -> Prints:
    """By table and group of rows: (number of rows, fingerprint). Comparable within one version of DuckDB."""
    with opened_copy(installation.warehouse_file, scratch) as connection:
        return {
            name: _table_prints(connection, name, columns)
            for name, columns in tables_of(connection).items()
        }


def tables_of(connection: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """Columns by table, without those that differ from run to run."""
    rows = connection.execute(
        "select schema_name || '.' || table_name, column_name from duckdb_columns() "
        "where not internal and database_name = current_database() order by 1, column_index"
    ).fetchall()
    found: dict[str, list[str]] = {}
    for table, column in rows:
        if column not in VOLATILE | VOLATILE_OF.get(table, set()):
            found.setdefault(table, []).append(column)
    return found


def _table_prints(
    connection: duckdb.DuckDBPyConnection, table: str, columns: list[str]
) -> dict[str, tuple[int, str]]:
    group = "'whole'"
    if table.startswith(("raw.", "validated.")) and "extract_id" in columns:
        group = _BY_EXTRACT.get(table, "extract_id")
    elif "table_name" in columns and not table.startswith("published."):
        group = "table_name"  # each table's lines stand or fall with its rows
    names = ", ".join(f'"{c}"' for c in columns)
    found = connection.execute(
        f"select {group} as g, count(*), sum(hash({names}))::varchar from {table} where {COMPARED_OF.get(table, 'true')} group by 1"
    ).fetchall()
    return {str(g): (int(n), str(h)) for g, n, h in found}


def half_written(killed: Prints, before: Prints, after: Prints) -> list[str]:
    """Every table, or every extract of a table written extract by extract, that stands neither as before nor as after."""
    faults = []
    for table in sorted({*before, *after, *killed}):
        then, now, found = before.get(table, {}), after.get(table, {}), killed.get(table, {})
        faults += [
            f"{table} ({g}): {found.get(g)}, neither {then.get(g)} as before nor {now.get(g)}"
            for g in sorted({*then, *now, *found})
            if found.get(g) not in (then.get(g), now.get(g))
        ]
    return faults


def half_taken(installation: Installation, scratch: Path) -> list[str]:
    """Extracts that are on the books with other rows than the books say."""
    faults: list[str] = []
    with opened_copy(installation.warehouse_file, scratch) as connection:
        for books, n_rows, where in (
            ("raw.extracts", "n_rows - n_repeated", "status = 'loaded' and table_name <> 'pings'"),
            ("validated.extract_counts", "n_accepted", "table_name <> 'pings'"),
        ):
            stage = books.split(".")[0]
            for extract, table, booked in connection.execute(
                f"select extract_id, table_name, {n_rows} from {books} where {where} order by 1"
            ).fetchall():
                columns = tables_of(connection)[f"{stage}.{table}"]
                came_with = "accepted_with" if "accepted_with" in columns else "extract_id"
                found = connection.execute(
                    f"select count(*) from {stage}.{table} where {came_with} = ?", [extract]
                ).fetchall()[0][0]
                if found != booked:
                    faults.append(
                        f"{stage}.{table}: {extract}: {found} rows, {booked} on the books"
                    )
    return faults


def differences(
    one: Installation, other: Installation, scratch: Path
) -> dict[str, tuple[int, int]]:
    """By table, how many rows only the first and only the second installation has; empty when they hold the same."""
    found: dict[str, tuple[int, int]] = {}
    with opened_copy(one.warehouse_file, scratch / "one") as connection:
        connection.execute(f"attach '{other.warehouse_file}' as other (read_only)")
        theirs = {
            r[0]
            for r in connection.execute(
                "select schema_name || '.' || table_name from duckdb_tables() where database_name = 'other'"
            ).fetchall()
        }
        ours = tables_of(connection)
        for table in theirs - set(ours):
            found[table] = (0, -1)
        for table, columns in ours.items():
            names = ", ".join(f'"{c}"' for c in columns)
            compared = COMPARED_OF.get(table, "true")
            here = f"select {names} from {table} where {compared}"
            there = f"select {names} from other.{table} where {compared}"
            if table not in theirs:
                found[table] = (-1, 0)
                continue
            only = [
                connection.execute(f"select count(*) from ({a} except all {b})").fetchall()[0][0]
                for a, b in ((here, there), (there, here))
            ]
            if any(only):
                found[table] = (only[0], only[1])
    return found


# ---------- published files


def file_prints(folder: Path) -> dict[str, str]:
    """sha256 of every published file that a reader can see; what is being written has a leading dot or `.writing.`."""
    return {
        str(path.relative_to(folder)): _sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not _is_aside(path.relative_to(folder))
    }


def broken_files(folder: Path, before: dict[str, str]) -> list[str]:
    """Files that are neither the earlier ones nor whole new ones; and earlier ones that are gone."""
    now = file_prints(folder)
    faults = [f"{name}: gone" for name in sorted(set(before) - set(now))]
    for name, sha256 in now.items():
        if sha256 != before.get(name):
            fault = _fault_of(folder / name)
            faults += [f"{name}: {fault}"] if fault else []
    return faults


def notes_apart(folder: Path) -> list[str]:
    """Notes (.json) whose checksum is not that of the file they stand beside."""
    found = []
    for note in sorted(folder.rglob("*.json")):
        if _is_aside(note.relative_to(folder)):
            continue
        beside = [p for p in (note.with_suffix(s) for s in (".csv", ".duckdb")) if p.exists()]
        if json.loads(note.read_text(encoding="utf-8")).get("sha256") not in [
            _sha256(p) for p in beside
        ]:
            found.append(str(note.relative_to(folder)))
    return found


def manifest_faults(installation: Installation, scratch: Path) -> list[str]:
    """After a green run: files whose checksum is not the one in `published.files`."""
    with opened_copy(installation.warehouse_file, scratch) as connection:
        listed = dict(connection.execute("select name, sha256 from published.files").fetchall())
    by_name = {Path(name).name: sha for name, sha in file_prints(installation.published).items()}
    assert listed, "published.files is empty"
    return [
        f"{name}: {by_name.get(Path(name).name)} in the folder, {sha256} in published.files"
        for name, sha256 in listed.items()
        if by_name.get(Path(name).name) != sha256
    ]


def _is_aside(name: Path) -> bool:
    return any(part.startswith(".") or ".writing." in part for part in name.parts)


def _fault_of(path: Path) -> str | None:
    """Why a file of its kind cannot be read to its end; None when it can."""
    try:
        match path.suffix:
            case ".png":
                with Image.open(path) as picture:
                    picture.load()
            case ".json" | ".geojson":
                json.loads(path.read_text(encoding="utf-8"))
            case ".parquet":
                pl.read_parquet(path)
            case ".csv":
                if not path.read_bytes().endswith(b"\n"):
                    return "ends in the middle of a line"
                pl.read_csv(path, infer_schema=False)
            case ".gpkg":
                with sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True) as db:
                    verdict = db.execute("pragma integrity_check").fetchone()[0]
                    return None if verdict == "ok" else str(verdict)
            case ".duckdb":
                with duckdb.connect(str(path), read_only=True) as db:
                    for table in tables_of(db):
                        db.execute(f"from {table}").fetchall()
            case ".html":
                if "</html>" not in path.read_text(encoding="utf-8"):
                    return "does not end"
            case other:
                return f"nobody knows how to read {other}"
    except Exception as error:  # whatever the reader of that format raises
        return f"{type(error).__name__}: {error}"
    return None


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
