"""Fixes on their way into their days: set aside by extract and police day, on disk, so that no extract is too large.

Here: the folder of what waits. Not here: the day files (`day_files.py`).
"""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Self

import polars as pl


class Staging:
    """What one portion of extracts brings. `folder` is this run's alone: empty at the start, gone at the end; a killed run leaves
    nothing that counts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[date, dict[str, list[Path]]] = {}
        self._delivered: dict[tuple[date, str], int] = {}
        self._n_written = 0  # a name is never used again, not even a dropped extract's

    def __enter__(self) -> Self:
        shutil.rmtree(self.folder, ignore_errors=True)
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def add(self, stored: pl.DataFrame, extract_id: str) -> None:
        """Fixes of one extract: `rows.STORED` and `police_day`."""
        for (day,), rows in stored.partition_by("police_day", as_dict=True).items():
            assert isinstance(day, date)
            files = self._files.setdefault(day, {}).setdefault(extract_id, [])
            path = self.folder / f"{day}" / f"{self._n_written:06d}.parquet"
            self._n_written += 1
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # by device, so that a large day can be read device by device
            rows.drop("police_day").sort("device_pid").write_parquet(path, compression="zstd")
            files.append(path)
            key = (day, extract_id)
            self._delivered[key] = self._delivered.get(key, 0) + rows.height

    def drop(self, extract_id: str) -> None:
        """Forgets an extract that the gate holds."""
        for day, by_extract in list(self._files.items()):
            by_extract.pop(extract_id, None)
            self._delivered.pop((day, extract_id), None)
            if not by_extract:
                del self._files[day]

    @property
    def days(self) -> list[date]:
        return sorted(self._files)

    def files(self, day: date) -> list[Path]:
        return [path for paths in self._files.get(day, {}).values() for path in paths]

    def delivered(self) -> pl.DataFrame:
        """`police_day`, `extract_id`, `n_delivered`."""
        rows = [(day, extract, n) for (day, extract), n in sorted(self._delivered.items())]
        schema = {"police_day": pl.Date, "extract_id": pl.String, "n_delivered": pl.Int64}
        return pl.DataFrame(rows, schema=schema, orient="row")
