"""The ledger of the stored days: which file a police day is, who brought its fixes, and what changed.

Here: reading and writing `validated.ping_days`, `ping_day_extracts` and `ping_device_days`, and clearing away files that the
ledger does not name. Not here: the files themselves (`day_files.py`).

A file is the day because the ledger says so. A new file is whole before the ledger's transaction begins, and the old one goes after
it is committed: whoever reads the ledger finds a whole day at every moment.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from hotspot_pipeline.validated.pings.day_files import DayFile
from hotspot_pipeline.warehouse.session import Session

DAYS = "validated.ping_days"
DAY_EXTRACTS = "validated.ping_day_extracts"
REFUSALS = "validated.ping_refusals"
DEVICE_DAYS = "validated.ping_device_days"
TABLES = (DAYS, DAY_EXTRACTS, REFUSALS, DEVICE_DAYS)
STORED, REMOVED, EMPTY = "stored", "removed", "empty"


@dataclass(frozen=True)
class StoredDay:
    path: Path
    sha256: str
    version: int


class Ledger:
    """`folder` holds the day files."""

    def __init__(self, session: Session, folder: Path, run_id: str) -> None:
        self._session, self.folder, self._run_id = session, folder, run_id

    def stored(self, days: Collection[date]) -> dict[date, StoredDay]:
        """Those of the days that have a file."""
        rows = self._session.frame(
            f"select police_day, file_name, sha256, version from {DAYS} where state = $stored",
            {"stored": STORED},
        )
        return {
            day: StoredDay(self.folder / name, sha, version)
            for day, name, sha, version in rows.iter_rows()
            if day in days
        }

    def extracts_of(self, days: Sequence[date]) -> pl.DataFrame:
        """`police_day`, `extract_id`, `n_delivered` of everything that was taken into these days."""
        if not days:
            schema = {"police_day": pl.Date, "extract_id": pl.String, "n_delivered": pl.Int64}
            return pl.DataFrame(schema=schema)
        return self._session.frame(
            f"select police_day, extract_id, n_delivered from {DAY_EXTRACTS} where police_day in (select unnest($days))",
            {"days": list(days)},
        )

    def write(self, files: Sequence[DayFile], delivered: pl.DataFrame) -> None:
        """Books the files as their days, inside a transaction. `delivered`: `police_day`, `extract_id`, `n_delivered` of all extracts
        that brought something for these days, earlier ones included."""
        if not files:
            return
        days = [file.police_day for file in files]
        before = self._versions(days)
        session, given = self._session, {"days": days}
        for table in (DAYS, DAY_EXTRACTS, DEVICE_DAYS):
            session.execute(
                f"delete from {table} where police_day in (select unnest($days))", given
            )
        session.insert(
            session.catalog[DAYS],
            pl.concat([self._row(f, before.get(f.police_day)) for f in files]),
        )
        stored = pl.concat(
            [f.by_extract.with_columns(police_day=pl.lit(f.police_day)) for f in files]
        )
        session.insert(
            session.catalog[DAY_EXTRACTS],
            delivered.join(stored, on=["police_day", "extract_id"], how="left")
            .with_columns(pl.col("n_stored").fill_null(0))
            .with_columns(n_duplicates=pl.col("n_delivered") - pl.col("n_stored"))
            .sort("police_day", "extract_id"),
        )
        session.insert(
            session.catalog[DEVICE_DAYS],
            pl.concat([f.by_device.with_columns(police_day=pl.lit(f.police_day)) for f in files]),
        )

    def clear_away(self) -> None:
        """Deletes files below the folder that are no day's: of a run that died, or the day's before."""
        named = set(
            self._session.frame(f"select file_name from {DAYS} where state = 'stored'")["file_name"]
        )
        for path in self.folder.glob("*.parquet") if self.folder.is_dir() else ():
            if path.name not in named:
                path.unlink()

    def _versions(self, days: Sequence[date]) -> dict[date, tuple[int, str | None, datetime]]:
        rows = self._session.frame(
            f"select police_day, version, sha256, changed_at_utc from {DAYS} where police_day in (select unnest($days))",
            {"days": list(days)},
        )
        return {day: (version, sha, at) for day, version, sha, at in rows.iter_rows()}

    def _row(self, file: DayFile, before: tuple[int, str | None, datetime] | None) -> pl.DataFrame:
        version, sha256, changed = before or (0, None, None)
        is_same = sha256 == file.sha256
        row = {
            "police_day": file.police_day,
            "state": STORED if file.n_fixes else EMPTY,
            "version": version if is_same else version + 1,
            "file_name": file.path.name,
            "sha256": file.sha256,
            "n_bytes": file.n_bytes,
            "n_fixes": file.n_fixes,
            "n_devices": file.by_device.height,
            "n_late": file.n_late,
            "first_fix_utc": file.first_fix_utc,
            "last_fix_utc": file.last_fix_utc,
            "changed_at_utc": changed if is_same else datetime.now(UTC).replace(tzinfo=None),
            "run_id": self._run_id,
        }
        return pl.DataFrame(
            [row],
            schema_overrides={
                "version": pl.Int32,
                "first_fix_utc": pl.Datetime("us"),
                "last_fix_utc": pl.Datetime("us"),
            },
        )
