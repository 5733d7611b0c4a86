"""The whole zip, where byte ranges are not served or a checksum asks for it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from hotspot_pipeline.raw.fetching import FetchError, FetchReport, fetch_police_uk

if TYPE_CHECKING:
    from hotspot_pipeline_tests.unit.raw.fetching.conftest import ArchiveServer, Fault

Fetch = Callable[..., FetchReport]


def md5_of(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "landing"


@pytest.fixture
def archive(make_archive: Callable[..., bytes]) -> bytes:
    return make_archive(n_months=20, extra={"filler.bin": os.urandom(400_000)})


@pytest.fixture
def fetch(server: ArchiveServer, out: Path) -> Fetch:
    def call(force: str = "warwickshire", **settings: Any) -> FetchReport:
        settings = {"base_url": server.url, "timeout_s": 5, "sleep": lambda s: None, **settings}
        return fetch_police_uk(force, "2025-01", "2025-12", out, **settings)

    return call


def test_without_ranges_the_zip_is_downloaded_used_and_removed(
    server: ArchiveServer,
    fetch: Fetch,
    out: Path,
    archive: bytes,
    csv_of: Callable[..., bytes],
) -> None:
    server.ranges = "none"
    server.publish("2026-07", archive)
    steps: list[tuple[str, int, int | None]] = []
    report = fetch(progress=lambda *step: steps.append(step))
    assert report.mode == "whole archive"
    assert report.n_bytes_downloaded == len(archive)
    for file in report.files:
        assert file.path.read_bytes() == csv_of(file.month, "warwickshire")
    assert [path.name for path in out.iterdir()] == ["release_2026-07"]
    assert ("2026-07.zip", len(archive), len(archive)) in steps
    manifest = json.loads((out / "release_2026-07" / "manifest.json").read_text())
    assert manifest["archive"]["sha256"] == hashlib.sha256(archive).hexdigest()
    assert manifest["archive"]["md5"] == md5_of(archive)

    server.seen.clear()
    assert fetch().n_bytes_downloaded == 0  # asks which release is the newest, reads no body


def test_dropped_download_without_ranges_begins_again(
    server: ArchiveServer, fetch: Fetch, archive: bytes, fault: type[Fault]
) -> None:
    server.ranges = "none"
    bucket = server.publish("2026-07", archive)
    server.faults[bucket].extend([None, fault("drop", after=300_000), fault("status", 503)])
    assert len(fetch().files) == 12
    assert [seen.status for seen in server.seen if seen.path == bucket] == [200, 200, 503, 200]


def test_dropped_download_is_resumed_where_the_server_can(
    server: ArchiveServer, fetch: Fetch, archive: bytes, fault: type[Fault]
) -> None:
    # As behind a caching proxy that ignores small ranges but continues a download.
    server.ranges = "open-ended"
    bucket = server.publish("2026-07", archive)
    server.faults[bucket].extend([None, fault("drop", after=300_000)])
    report = fetch()
    assert len(report.files) == 12
    assert report.n_bytes_downloaded == len(archive)
    assert [seen.range for seen in server.seen if seen.path == bucket] == [
        "bytes=0-0",
        None,
        "bytes=300000-",
    ]


def test_download_given_up_is_resumed_by_the_next_run(
    server: ArchiveServer, fetch: Fetch, out: Path, archive: bytes, fault: type[Fault]
) -> None:
    server.ranges = "open-ended"
    bucket = server.publish("2026-07", archive)
    server.faults[bucket].extend([None, fault("drop", after=250_000)])
    with pytest.raises(FetchError, match="gave up after 1 try"):
        fetch(max_retries=0)
    assert (out / ".fetch" / "2026-07.zip.part").stat().st_size == 250_000
    assert not (out / "release_2026-07").exists()
    report = fetch()
    assert report.n_bytes_downloaded == len(archive) - 250_000
    assert len(report.files) == 12
    assert not (out / ".fetch").exists()


def test_part_longer_than_the_file_begins_again(
    server: ArchiveServer, fetch: Fetch, out: Path, archive: bytes, fault: type[Fault]
) -> None:
    server.ranges = "open-ended"
    bucket = server.publish("2026-07", archive)
    server.faults[bucket].extend([None, fault("drop", after=250_000)])
    with pytest.raises(FetchError):
        fetch(max_retries=0)
    (out / ".fetch" / "2026-07.zip.part").write_bytes(archive + bytes(100_000))
    assert len(fetch(checksum=hashlib.sha256(archive).hexdigest()).files) == 12


class Change(NamedTuple):
    name: str
    etag: str | None
    has_validators: bool


@pytest.mark.parametrize(
    "change", [Change("new version", '"new"', True), Change("nothing to tell by", None, False)]
)
def test_part_of_another_version_is_not_continued(
    server: ArchiveServer,
    fetch: Fetch,
    archive: bytes,
    make_archive: Callable[..., bytes],
    fault: type[Fault],
    change: Change,
) -> None:
    server.ranges = "open-ended"
    server.has_validators = change.has_validators
    bucket = server.publish("2026-07", archive)
    server.faults[bucket].extend([None, fault("drop", after=250_000)])
    with pytest.raises(FetchError):
        fetch(max_retries=0)
    if change.etag:
        server.etags[bucket] = change.etag
    report = fetch()
    assert report.n_bytes_downloaded == len(archive)
    assert len(report.files) == 12


def test_version_that_changes_during_the_download_is_an_error(
    server: ArchiveServer, fetch: Fetch, archive: bytes, fault: type[Fault]
) -> None:
    server.ranges = "none"
    bucket = server.publish("2026-07", archive)
    server.faults[bucket].extend([None, fault("drop", after=100_000)])

    def change(what: str, n_done: int, n_total: int | None) -> None:
        server.etags[bucket] = '"new"'

    with pytest.raises(FetchError, match="changed since the download began"):
        fetch(progress=change)


def test_unknown_length_is_read_to_the_end(
    server: ArchiveServer, fetch: Fetch, archive: bytes
) -> None:
    server.ranges = "none"
    server.has_length = False
    server.publish("2026-07", archive)
    assert len(fetch().files) == 12


@pytest.mark.parametrize("kind", ["md5", "sha256"])
def test_checksum_given_is_checked_on_the_whole_zip(
    server: ArchiveServer, fetch: Fetch, archive: bytes, kind: str
) -> None:
    server.publish("2026-07", archive)  # ranges are served, yet all of it is needed
    checksum = hashlib.new(kind, archive).hexdigest()
    report = fetch(release="2026-07", checksum=checksum.upper())
    assert report.mode == "whole archive"
    assert report.n_bytes_downloaded == len(archive) + 1
    assert len(report.files) == 12
    server.seen.clear()
    assert fetch(release="2026-07", checksum=checksum).n_bytes_downloaded == 0
    assert server.seen == []
    with pytest.raises(FetchError, match="expected"):
        fetch(release="2026-07", checksum="0" * len(checksum))


def test_wrong_checksum_keeps_nothing(
    server: ArchiveServer, fetch: Fetch, out: Path, archive: bytes
) -> None:
    server.publish("2026-07", archive)
    with pytest.raises(FetchError, match=f"MD5 is {md5_of(archive)}, expected"):
        fetch(checksum="0" * 32)
    assert list(out.iterdir()) == []


def test_damaged_zip_is_not_kept_but_a_misspelt_force_costs_no_second_download(
    server: ArchiveServer, fetch: Fetch, out: Path, archive: bytes
) -> None:
    server.ranges = "none"
    server.publish("2026-07", archive[:-5_000])
    with pytest.raises(FetchError, match="not a readable zip"):
        fetch()
    assert list(out.iterdir()) == []

    server.publish("2026-07", archive)
    with pytest.raises(FetchError, match="Did you mean warwickshire"):
        fetch("warwikshire")
    report = fetch("warwickshire")
    assert (len(report.files), report.n_bytes_downloaded) == (12, 0)
    assert [path.name for path in out.iterdir()] == ["release_2026-07"]


def test_disk_too_small_is_said_before_the_download(
    server: ArchiveServer, fetch: Fetch, archive: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage(NamedTuple):
        free: int

    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(1_000))
    server.ranges = "none"
    server.publish("2026-07", archive)
    with pytest.raises(FetchError, match="1,000 are free"):
        fetch()
    assert server.n_bytes_sent <= len(archive)
    assert len(server.seen) == 2  # the first answer and its redirect
