"""The archive: every delivered file kept by its hash, in a folder only the pipeline's user can read.

The archived file is the raw record; `raw.extracts.retention_months` says how long it may be kept. Of a feed with officers and
devices that record is the pseudonymised Parquet (`sealing.py`), and nothing else is kept.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from hotspot_pipeline.raw.landing import LandedFile


def archived_path(archive: Path, feed: str, file: LandedFile) -> Path:
    suffix = "".join(file.path.suffixes[-2:])
    return archive / feed / file.sha256[:2] / f"{file.sha256}{suffix}"


def sealed_path(archive: Path, feed: str, file: LandedFile) -> Path:
    """Where the pseudonymised Parquet of a delivered file stands; its name is the hash of the delivered bytes."""
    return archive / feed / file.sha256[:2] / f"{file.sha256}.parquet"


def keep(archive: Path, feed: str, file: LandedFile) -> Path:
    """Copies the file into the archive unless it is there; written aside and renamed, so never half a file."""
    target = archived_path(archive, feed, file)
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        aside = target.with_name(target.name + ".part")
        shutil.copyfile(file.path, aside)
        aside.chmod(0o400)
        aside.replace(target)
    return target
