"""Putting a file in place whole: written aside, flushed to disk, renamed.

Here: `PublishedFile`, which says what was written, `write_aside`, the only way in which this stage
writes, their list, and the removal of files that are published no longer. Not here: the formats (`layer_formats`, `tables`, `pictures`).
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from hotspot_pipeline.durable import flush


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """A file as it was put in place. `kind` is its format, such as `geojson` or `png`.

    `n_rows` counts table rows or map features (of all layers of the file); None for a picture.
    """

    name: str
    path: Path
    kind: str
    n_bytes: int
    sha256: str
    n_rows: int | None


def write_aside(path: Path, kind: str, write: Callable[[Path], int | None]) -> PublishedFile:
    """Let `write` make the file in a hidden folder beside `path`, then rename it into place.

    A reader sees the old file or the new one, never half of one, also when the machine stops in
    the middle. `write` gets a path with the same file name (drivers look at it) and returns the
    number of rows. If it fails, the old file stands and nothing is left behind; what a killed
    process left behind is cleared by the next call. One writer at a time: a run holds the force's
    lock.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # A folder, not a file: drivers may put journals beside what they write.
    aside_folder = path.parent / f".writing-{path.name}"
    shutil.rmtree(aside_folder, ignore_errors=True)
    aside_folder.mkdir()
    try:
        aside = aside_folder / path.name
        n_rows = write(aside)
        flush(aside)
        with aside.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        written = PublishedFile(path.name, path, kind, aside.stat().st_size, sha256, n_rows)
        aside.replace(path)
        flush(path.parent)
    finally:
        shutil.rmtree(aside_folder, ignore_errors=True)
    return written


def listed(files: Sequence[PublishedFile]) -> pl.DataFrame:
    """The rows of `published.files`."""
    types: dict[str, type[pl.DataType]] = {
        "name": pl.String, "kind": pl.String, "n_bytes": pl.Int64, "sha256": pl.String, "n_rows": pl.Int64,
    }  # fmt: skip
    return pl.DataFrame({name: [getattr(f, name) for f in files] for name in types}, schema=types)


def remove_others(folder: Path, kept: Sequence[PublishedFile]) -> None:
    """Takes away the files of `folder` that are of an earlier night and were not written again."""
    names = {file.name for file in kept}
    for path in sorted(folder.glob("*")) if folder.is_dir() else []:
        if path.is_file() and path.name not in names:
            path.unlink()
