"""What a fetch hands back: the files, which months there are, how much was transferred.

Belongs here: plain records and the licence's words. Not here: how they come about
(`police_uk.py`) and how they are printed (the command line).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

LICENCE_NAME = "Open Government Licence v3.0"
LICENCE_URL = "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/"
# The statement the licence itself prescribes where a publisher gives none of its own.
ATTRIBUTION = f"Contains public sector information licensed under the {LICENCE_NAME}."

MonthStatus = Literal["fetched", "on disk", "missing"]
Mode = Literal["nothing fetched", "byte ranges", "whole archive"]


@dataclass(frozen=True)
class FetchedFile:
    """One file of the delivery. `crc32` is eight hex digits, as zip tools print it."""

    path: Path
    month: str
    n_bytes: int
    crc32: str
    sha256: str
    fetched_at_utc: str
    is_new: bool

    @property
    def name(self) -> str:
        """The file's name, as the publisher has it."""
        return self.path.name


@dataclass(frozen=True)
class MonthCoverage:
    """One row of the coverage table: what became of one requested month, and why."""

    month: str
    status: MonthStatus
    note: str


@dataclass(frozen=True)
class FetchReport:
    """The outcome of one fetch; `n_bytes_downloaded` counts body bytes of every answer."""

    force: str
    release: str
    directory: Path
    source_url: str
    files: tuple[FetchedFile, ...]
    coverage: tuple[MonthCoverage, ...]
    n_bytes_downloaded: int
    mode: Mode
    attribution: str = ATTRIBUTION

    @property
    def n_files_fetched(self) -> int:
        """Files written by this run."""
        return sum(file.is_new for file in self.files)

    @property
    def missing_months(self) -> tuple[str, ...]:
        """Requested months that the release does not hold for this force."""
        return tuple(row.month for row in self.coverage if row.status == "missing")

    def as_dict(self) -> dict[str, Any]:
        """The report for scripts: plain values only, ready for JSON."""
        plain = asdict(self) | {"directory": str(self.directory)}
        plain["files"] = [asdict(file) | {"path": str(file.path)} for file in self.files]
        plain["coverage"] = [asdict(row) for row in self.coverage]
        return plain
