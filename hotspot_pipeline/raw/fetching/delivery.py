"""The folder of one release as the landing reader will find it.

Belongs here: files put in place whole and together, the manifest, and the `.done` marker that is
taken away before anything visible changes and comes back last. Not here: reading a landing folder
(elsewhere in `raw`) and what is fetched (`police_uk.py`).

Files are collected in a hidden folder, which the landing reader passes over, until the last one is
there. So a reader that takes files for complete once they stop growing does not take half a
release, and an earlier delivery stays usable while more of the same release is on its way.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hotspot_pipeline.durable import flush
from hotspot_pipeline.raw.fetching.errors import FetchError

DONE_MARKER = ".done"
MANIFEST_NAME = "manifest.json"
STAGING_NAME = ".fetching"
MANIFEST_FORMAT = 1


@contextmanager
def only_fetch_in(out: Path) -> Iterator[None]:
    """Hold the folder for one fetch at a time; the lock goes with the process, however it ends."""
    out.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(out, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FetchError(
                f"{out}: another fetch is writing here. Wait until it has ended, or use "
                "another --out."
            ) from error
        yield
    finally:
        os.close(descriptor)


class Delivery:
    """`release_<YYYY-MM>/` under the output folder."""

    def __init__(self, out: Path, release: str) -> None:
        self.directory = out / f"release_{release}"

    def path(self, name: str) -> Path:
        """Where a file of this name belongs. Names are built here, never taken from a zip."""
        return self.directory / name

    def staged(self, name: str) -> Path:
        """Where it waits, whole, for the others."""
        return self.directory / STAGING_NAME / name

    def part(self, name: str) -> Path:
        """Where it is written until it is whole."""
        return self.directory / STAGING_NAME / f"{name}.part"

    @property
    def is_done(self) -> bool:
        """Whether the delivery is complete as it stands."""
        return (self.directory / DONE_MARKER).exists()

    def manifest(self) -> dict[str, Any]:
        """The manifest as written last; empty where there is none, or none that can be read."""
        try:
            found = json.loads((self.directory / MANIFEST_NAME).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if _is_manifest(found) else {}

    def begin(self) -> None:
        """Make the hidden folder and clear what a killed run left half-written in it."""
        staging = self.directory / STAGING_NAME
        staging.mkdir(parents=True, exist_ok=True)
        for leftover in staging.glob("*.part"):
            leftover.unlink()

    def put_aside(self, name: str) -> None:
        """The part is whole: give it its name, still hidden."""
        self.part(name).replace(self.staged(name))
        flush(self.directory / STAGING_NAME)

    def finish(self, manifest: dict[str, Any], names: Sequence[str]) -> None:
        """Bring the staged files `names` out, then write the manifest, then the marker."""
        (self.directory / DONE_MARKER).unlink(missing_ok=True)
        flush(self.directory)
        for name in names:
            self.staged(name).replace(self.path(name))
        part = self.directory / f"{MANIFEST_NAME}.part"
        with part.open("w", encoding="utf-8") as output:
            json.dump(manifest, output, indent=2)
            output.write("\n")
            output.flush()
            os.fsync(output.fileno())
        part.replace(self.directory / MANIFEST_NAME)
        shutil.rmtree(self.directory / STAGING_NAME, ignore_errors=True)
        flush(self.directory)
        (self.directory / DONE_MARKER).touch()
        flush(self.directory)

    def tidy(self) -> None:
        """After a failure: remove the folders if nothing is in them."""
        for folder in (self.directory / STAGING_NAME, self.directory):
            with suppress(OSError):
                folder.rmdir()


def _is_manifest(found: object) -> bool:
    """Whether this has the shape that `finish` writes; one edited by hand may have lost it."""
    if not isinstance(found, dict) or found.get("format") != MANIFEST_FORMAT:
        return False
    lists = {"files": {"name", "sha256", "fetched_at_utc"}, "missing": {"force", "month", "reason"}}
    return isinstance(found.get("archive"), dict) and all(
        isinstance(found.get(key), list)
        and all(isinstance(row, dict) and fields <= row.keys() for row in found[key])
        for key, fields in lists.items()
    )
