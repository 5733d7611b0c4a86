"""The landing folder: which files wait, which are still being written, and what one extract is.

Here: names, sizes and times of files, their grouping into extracts and their order. Not here: what is in them
(`reading/`) and what was taken before (the tables `raw.extracts` and `raw.extract_files`).
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from hotspot_pipeline.feeds.contract import FeedContract
from hotspot_pipeline.timebase import PoliceTime

_UNFINISHED = (".part", ".tmp", ".partial", ".crdownload", ".done")


@dataclass(frozen=True)
class LandedFile:
    """A file below a landing folder; `name` is its path below that folder."""

    path: Path
    name: str
    n_bytes: int
    modified_ns: int
    sha256: str = ""


@dataclass(frozen=True)
class WaitingExtract:
    """Files that make one extract, not yet taken."""

    extract_id: str
    contract: FeedContract
    kind: str
    release: str | None
    extract_ts_utc: datetime
    sha256: str
    files: tuple[LandedFile, ...]


def landed_files(
    folder: Path, contract: FeedContract, *, settle_s: float = 2.0
) -> tuple[list[LandedFile], list[LandedFile]]:
    """(complete, still growing) files of the feed.

    A file is complete when a `.done` marker stands beside it (`<name>.done`) or in its folder (`.done`), when it has
    not changed for a minute, or when its size holds still over `settle_s` seconds.
    """
    found: dict[str, LandedFile] = {}
    for pattern in contract.delivery.files:
        for path in folder.glob(pattern):
            hidden = any(part.startswith((".", "~$")) for part in path.relative_to(folder).parts)
            if path.is_file() and not hidden and not path.name.endswith(_UNFINISHED):
                found[str(path.relative_to(folder))] = _look(path, folder)
    files = [found[name] for name in sorted(found)]
    fresh = [
        f
        for f in files
        if not _is_marked(f.path) and time.time_ns() - f.modified_ns < 60_000_000_000
    ]
    growing: list[LandedFile] = []
    if fresh:
        time.sleep(settle_s)
        growing = [f for f in fresh if not f.path.exists() or _look(f.path, folder) != f]
    return [f for f in files if f not in growing], growing


def _look(path: Path, folder: Path) -> LandedFile:
    stat = path.stat()
    return LandedFile(path, str(path.relative_to(folder)), stat.st_size, stat.st_mtime_ns)


def _is_marked(path: Path) -> bool:
    return path.with_name(path.name + ".done").exists() or (path.parent / ".done").exists()


def hashed(
    files: Iterable[LandedFile], known: Mapping[tuple[str, int, int], str]
) -> list[LandedFile]:
    """The files with their sha256; `known` ({(name, bytes, modified_ns): sha256}) spares reading old ones again."""
    done = []
    for file in files:
        sha256 = known.get((file.name, file.n_bytes, file.modified_ns))
        if sha256 is None:
            with file.path.open("rb") as stream:
                sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        done.append(LandedFile(file.path, file.name, file.n_bytes, file.modified_ns, sha256))
    return done


def extracts_of(
    files: Sequence[LandedFile], folder: Path, contract: FeedContract, clock: PoliceTime
) -> list[WaitingExtract]:
    """Groups files into extracts, oldest first: one file each, or all files of a release."""
    groups: dict[str, list[LandedFile]] = {}
    named: dict[str, Mapping[str, str]] = {}
    for file in files:
        facts = _facts_of_name(f"{folder.name}/{file.name}", contract)
        group = facts.get("release", "") if contract.delivery.group == "release" else file.name
        groups.setdefault(group, []).append(file)
        named.setdefault(group, facts)
    waiting = [
        _extract(contract, members, named[group], clock) for group, members in groups.items()
    ]
    return sorted(waiting, key=lambda w: (w.extract_ts_utc, w.extract_id))


def _facts_of_name(name: str, contract: FeedContract) -> dict[str, str]:
    if not contract.delivery.name_pattern:
        return {}
    found = re.search(contract.delivery.name_pattern, name, flags=re.IGNORECASE)
    return {k: v for k, v in found.groupdict().items() if v} if found else {}


def _extract(
    contract: FeedContract, files: Sequence[LandedFile], facts: Mapping[str, str], clock: PoliceTime
) -> WaitingExtract:
    ordered = tuple(sorted(files, key=lambda f: f.name))
    sha256 = hashlib.sha256("".join(sorted(f.sha256 for f in ordered)).encode()).hexdigest()
    taken = _timestamp(contract, facts, clock) or datetime.fromtimestamp(
        max(f.modified_ns for f in ordered) // 1_000_000_000, UTC
    )
    label = facts.get("release") or taken.strftime("%Y%m%dT%H%M%S")
    return WaitingExtract(
        extract_id=f"{contract.feed}-{label}-{sha256[:10]}",
        contract=contract,
        kind=facts.get("kind", contract.delivery.kind).lower(),
        release=facts.get("release"),
        extract_ts_utc=taken,
        sha256=sha256,
        files=ordered,
    )


def _timestamp(
    contract: FeedContract, facts: Mapping[str, str], clock: PoliceTime
) -> datetime | None:
    """From the file's name, in the force's local time; a release counts from the first of its month."""
    if "release" in facts:
        return datetime.strptime(facts["release"] + " +0000", "%Y-%m %z").astimezone(UTC)
    for form in contract.delivery.timestamp_formats if "timestamp" in facts else ():
        try:
            # wall-clock time without a zone is meant: the clock knows the zone
            return clock.instant(datetime.strptime(facts["timestamp"], form))  # noqa: DTZ007
        except ValueError:
            continue
    return None


def unseen(
    files: Iterable[LandedFile], known: Collection[str]
) -> tuple[list[LandedFile], list[LandedFile]]:
    """(new, repeated) files by content; `known` are hashes of files taken before. The second file with the same bytes repeats the first."""
    new: list[LandedFile] = []
    repeated: list[LandedFile] = []
    met: set[str] = set()
    for file in files:
        if file.sha256 in known or file.sha256 in met:
            repeated.append(file)
        else:
            met.add(file.sha256)
            new.append(file)
    return new, repeated
