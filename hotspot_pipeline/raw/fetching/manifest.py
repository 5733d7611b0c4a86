"""`manifest.json` of a release folder: what each file is and where it came from.

Belongs here: what the manifest says, and comparing it and the archive's directory with the files on
disk. Not here: writing it durably (`delivery.py`).
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hotspot_pipeline.raw.fetching.archive import fingerprint, street_file_name
from hotspot_pipeline.raw.fetching.delivery import MANIFEST_FORMAT, Delivery
from hotspot_pipeline.raw.fetching.remote_file import RemoteFile
from hotspot_pipeline.raw.fetching.report import (
    ATTRIBUTION,
    LICENCE_NAME,
    LICENCE_URL,
    FetchedFile,
    MonthCoverage,
)
from hotspot_pipeline.raw.fetching.request import FetchRequest
from hotspot_pipeline.raw.fetching.transport import shown
from hotspot_pipeline.raw.fetching.whole_download import ArchiveDigests


@dataclass(frozen=True)
class ArchiveFacts:
    """The archive as it was read; `digests` only where all of it was downloaded."""

    remote: RemoteFile
    digests: ArchiveDigests | None


def utc_text(moment: datetime) -> str:
    """A moment as the manifest writes it: UTC, whole seconds, with Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def files_on_disk(
    delivery: Delivery,
    where: Callable[[str], Path],
    force: str,
    wanted: Mapping[str, zipfile.ZipInfo],
) -> dict[str, FetchedFile]:
    """By month, the wanted files that are there with the archive's length and CRC-32.

    `where` says where to look for a name: `delivery.path` or `delivery.staged`.
    """
    recorded = _entries(delivery.manifest())
    present: dict[str, FetchedFile] = {}
    for month, info in wanted.items():
        name = street_file_name(month, force)
        found = fingerprint(where(name))
        if found is None or (found.n_bytes, found.crc32) != (info.file_size, info.CRC):
            continue
        entry = recorded.get(name, {})
        if entry.get("sha256") == found.sha256:
            fetched_at_utc = str(entry.get("fetched_at_utc"))
        else:  # fetched by a run that was stopped before it wrote a manifest
            fetched_at_utc = utc_text(datetime.fromtimestamp(where(name).stat().st_mtime, UTC))
        present[month] = FetchedFile(
            delivery.path(name),
            month,
            found.n_bytes,
            f"{found.crc32:08x}",
            found.sha256,
            fetched_at_utc,
            is_new=False,
        )
    return present


def known_complete(
    delivery: Delivery, request: FetchRequest, source_url: str, remote: RemoteFile | None
) -> tuple[list[FetchedFile], list[MonthCoverage]] | None:
    """The files asked for, if a finished delivery holds every one unchanged; otherwise None.

    A month recorded as missing counts as known only when `remote`, what the server says now, is the
    version of the archive that was read then. A checksum counts only if the archive had it.
    """
    manifest = delivery.manifest()
    if not delivery.is_done or manifest.get("source_url") != source_url:
        return None
    archive = manifest.get("archive", {})
    if request.checksum not in (None, archive.get("md5"), archive.get("sha256")):
        return None
    is_same_version = (
        remote is not None
        and bool(remote.etag or remote.last_modified)
        and all(archive.get(key) == value for key, value in _version(remote).items())
    )
    reasons = {
        row["month"]: row["reason"]
        for row in manifest["missing"]
        if row["force"] == request.force and is_same_version
    }
    recorded = _entries(manifest)
    files: list[FetchedFile] = []
    coverage: list[MonthCoverage] = []
    for month in request.months:
        if month in reasons:
            coverage.append(MonthCoverage(month, "missing", reasons[month]))
            continue
        name = street_file_name(month, request.force)
        entry, found = recorded.get(name), fingerprint(delivery.path(name))
        if entry is None or found is None or entry.get("sha256") != found.sha256:
            return None
        files.append(
            FetchedFile(
                delivery.path(name),
                month,
                found.n_bytes,
                f"{found.crc32:08x}",
                found.sha256,
                str(entry.get("fetched_at_utc")),
                is_new=False,
            )
        )
        coverage.append(MonthCoverage(month, "on disk", ""))
    return (files, coverage) if files else None


def build_manifest(
    earlier: Mapping[str, Any],
    release: str,
    source_url: str,
    facts: ArchiveFacts,
    months_in_archive: Sequence[str],
    force: str,
    files: Sequence[FetchedFile],
    coverage: Sequence[MonthCoverage],
) -> dict[str, Any]:
    """The manifest after this fetch: what earlier fetches recorded and is still there, and this
    one (at least one file) over it."""
    directory = files[0].path.parent
    entries = {n: entry for n, entry in _entries(earlier).items() if (directory / n).exists()}
    for file in files:
        entries[file.path.name] = {
            "name": file.path.name,
            "force": force,
            "month": file.month,
            "n_bytes": file.n_bytes,
            "crc32": file.crc32,
            "sha256": file.sha256,
            "fetched_at_utc": file.fetched_at_utc,
            "archive_etag": facts.remote.etag,
        }
    missing = {
        (row["force"], row["month"]): row
        for row in earlier.get("missing", [])
        if row["force"] != force or row["month"] not in {file.month for file in files}
    }
    for month in coverage:
        if month.status == "missing":
            row = {"force": force, "month": month.month, "reason": month.note}
            missing[force, month.month] = row
    return {
        "format": MANIFEST_FORMAT,
        "publisher": "data.police.uk",
        "release": release,
        "source_url": source_url,
        "final_url": shown(facts.remote.final_url),
        "fetched_at_utc": max(entry["fetched_at_utc"] for entry in entries.values()),
        "licence": {"name": LICENCE_NAME, "url": LICENCE_URL, "attribution": ATTRIBUTION},
        "archive": _archive_facts(earlier.get("archive", {}), facts, months_in_archive),
        "files": [entries[name] for name in sorted(entries)],
        "missing": [missing[key] for key in sorted(missing)],
    }


def _archive_facts(
    earlier: Mapping[str, Any], facts: ArchiveFacts, months: Sequence[str]
) -> dict[str, Any]:
    found = _version(facts.remote) | {"first_month": months[0], "last_month": months[-1]}
    is_same_version = all(earlier.get(key) == value for key, value in found.items())
    if facts.digests is not None:
        found |= {"md5": facts.digests.md5, "sha256": facts.digests.sha256}
    elif is_same_version:
        found |= {"md5": earlier.get("md5"), "sha256": earlier.get("sha256")}
    else:
        found |= {"md5": None, "sha256": None}
    return found


def _version(remote: RemoteFile) -> dict[str, Any]:
    """What tells two versions of one archive apart, as the manifest has it."""
    return {
        "n_bytes": remote.n_bytes,
        "etag": remote.etag,
        "last_modified": remote.last_modified,
    }


def _entries(manifest: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {entry["name"]: dict(entry) for entry in manifest.get("files", [])}
