"""Zip64 and large directories, over byte ranges."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hotspot_pipeline.raw.fetching import fetch_police_uk

if TYPE_CHECKING:
    from hotspot_pipeline_tests.unit.raw.fetching.conftest import ArchiveServer

ZIP64_END = b"PK\x06\x06"


@pytest.mark.parametrize("comment", [b"", b"c" * 65_535], ids=["", "longest comment"])
def test_directory_beyond_64_kib(
    server: ArchiveServer,
    tmp_path: Path,
    make_archive: Callable[..., bytes],
    csv_of: Callable[..., bytes],
    comment: bytes,
) -> None:
    names = {f"2026-07/2026-07-{'x' * 60}-{n:05d}.csv": b"" for n in range(3_000)}
    archive = make_archive(extra=names, comment=comment)
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert len(archive) - opened.start_dir > 300_000
    server.publish("2026-07", archive)
    report = fetch_police_uk("warwickshire", "2025-01", "2025-03", tmp_path, base_url=server.url)
    assert [file.path.read_bytes() for file in report.files] == [
        csv_of(month, "warwickshire") for month in ("2025-01", "2025-02", "2025-03")
    ]
    # One byte to begin with, the tail, the rest of the directory, three members.
    assert len(server.seen) == 1 + 5 + 1  # the first is redirected


def test_zip64_records_for_every_member(
    server: ArchiveServer,
    tmp_path: Path,
    make_archive: Callable[..., bytes],
    csv_of: Callable[..., bytes],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zipfile, "ZIP64_LIMIT", 500)
        patch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 3)
        archive = make_archive()
    assert archive.count(ZIP64_END) == 1
    server.publish("2026-07", archive)
    report = fetch_police_uk("leicestershire", "2024-12", "2024-12", tmp_path, base_url=server.url)
    assert report.files[0].path.read_bytes() == csv_of("2024-12", "leicestershire")


def test_archive_beyond_4_gib(
    server: ArchiveServer, tmp_path: Path, csv_of: Callable[..., bytes]
) -> None:
    path = tmp_path / "sparse.zip"
    with path.open("wb") as new:
        new.truncate(4_500_000_000)  # a hole: takes no room on disk
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        for month in ("2026-06", "2026-07"):
            name = f"{month}/{month}-warwickshire-street.csv"
            archive.writestr(name, csv_of(month, "warwickshire"))
    with path.open("rb") as file:
        file.seek(-1_000, io.SEEK_END)
        assert ZIP64_END in file.read()
    server.publish("2026-07", path)
    out = tmp_path / "landing"
    report = fetch_police_uk("warwickshire", "2026-06", "2026-07", out, base_url=server.url)
    assert [file.path.read_bytes() for file in report.files] == [
        csv_of("2026-06", "warwickshire"),
        csv_of("2026-07", "warwickshire"),
    ]
    assert server.n_bytes_sent == report.n_bytes_downloaded < 100_000
