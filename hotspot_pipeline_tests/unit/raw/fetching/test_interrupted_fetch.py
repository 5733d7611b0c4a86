"""A fetch that is stopped in the middle leaves no finished-looking delivery, and can be resumed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hotspot_pipeline.raw.fetching import fetch_police_uk

if TYPE_CHECKING:
    from hotspot_pipeline_tests.unit.raw.fetching.conftest import ArchiveServer, Fault

PROGRAM = """
import sys
from pathlib import Path
from hotspot_pipeline.raw.fetching import fetch_police_uk
url, out, last_month = sys.argv[1:]
fetch_police_uk("warwickshire", "2025-01", last_month, Path(out), base_url=url)
"""


def fetch_until_killed(server: ArchiveServer, out: Path, last_month: str) -> None:
    """Run a fetch in another process and kill it, without any chance to clean up, once the
    server has stalled."""
    project = Path(__file__).parents[4]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, server.url, str(out), last_month],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project)},
    )
    try:
        assert server.stalled.wait(60), "the fetch never reached the point where it is killed"
    finally:
        process.kill()
    assert process.wait(60) == -signal.SIGKILL
    server.released.set()


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def street_files(*months: str) -> list[str]:
    return [f"{month}-warwickshire-street.csv" for month in months]


def test_killed_in_the_middle_of_a_member(
    server: ArchiveServer,
    tmp_path: Path,
    make_archive: Callable[..., bytes],
    csv_of: Callable[..., bytes],
    fault: type[Fault],
) -> None:
    bucket = server.publish("2026-07", make_archive())
    # First byte, tail (which holds the directory), January whole, February up to its middle.
    server.faults[bucket].extend([None, None, None, fault("stall", after=1_000)])
    fetch_until_killed(server, tmp_path, "2025-03")

    directory = tmp_path / "release_2026-07"
    staging = directory / ".fetching"
    assert names_in(directory) == [".fetching"]
    assert names_in(staging) == street_files("2025-01")
    assert (staging / street_files("2025-01")[0]).read_bytes() == csv_of("2025-01", "warwickshire")

    for name in street_files("2025-02", "2025-09"):
        (staging / f"{name}.part").write_bytes(b"half of it")
    (staging / street_files("2025-03")[0]).write_bytes(b"not what the archive has")
    report = fetch_police_uk("warwickshire", "2025-01", "2025-03", tmp_path, base_url=server.url)
    assert [row.status for row in report.coverage] == ["on disk", "fetched", "fetched"]
    for file in report.files:
        assert file.path.read_bytes() == csv_of(file.month, "warwickshire")
    assert names_in(directory) == [
        ".done",
        *street_files("2025-01", "2025-02", "2025-03"),
        "manifest.json",
    ]


def test_killed_while_adding_to_a_delivery_leaves_it_as_it_was(
    server: ArchiveServer,
    tmp_path: Path,
    make_archive: Callable[..., bytes],
    fault: type[Fault],
) -> None:
    bucket = server.publish("2026-07", make_archive())
    fetch_police_uk("warwickshire", "2025-01", "2025-02", tmp_path, base_url=server.url)
    directory = tmp_path / "release_2026-07"
    manifest = (directory / "manifest.json").read_bytes()
    server.faults[bucket].extend([None, None, None, fault("stall", after=1_000)])
    fetch_until_killed(server, tmp_path, "2025-06")
    assert names_in(directory) == [
        ".done",
        ".fetching",
        *street_files("2025-01", "2025-02"),
        "manifest.json",
    ]
    assert (directory / "manifest.json").read_bytes() == manifest
    report = fetch_police_uk("warwickshire", "2025-01", "2025-06", tmp_path, base_url=server.url)
    assert [row.status for row in report.coverage] == ["on disk"] * 3 + ["fetched"] * 3


@pytest.mark.parametrize("last_moved", [*street_files("2025-02", "2025-04"), "manifest.json"])
def test_stopped_while_files_are_brought_out(
    server: ArchiveServer,
    tmp_path: Path,
    make_archive: Callable[..., bytes],
    csv_of: Callable[..., bytes],
    monkeypatch: pytest.MonkeyPatch,
    last_moved: str,
) -> None:
    server.publish("2026-07", make_archive())
    fetch_police_uk("warwickshire", "2025-01", "2025-01", tmp_path, base_url=server.url)
    directory = tmp_path / "release_2026-07"
    replace = Path.replace

    def stop_at(path: Path, target: Path) -> Path:
        if target == directory / last_moved:
            raise KeyboardInterrupt
        return replace(path, target)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "replace", stop_at)
        fetch_police_uk("warwickshire", "2025-01", "2025-04", tmp_path, base_url=server.url)
    assert not (directory / ".done").exists()
    report = fetch_police_uk("warwickshire", "2025-01", "2025-04", tmp_path, base_url=server.url)
    assert report.n_files_fetched == 0
    for file in report.files:
        assert file.path.read_bytes() == csv_of(file.month, "warwickshire")
    assert names_in(directory) == [
        ".done",
        *street_files("2025-01", "2025-02", "2025-03", "2025-04"),
        "manifest.json",
    ]


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, RuntimeError])
def test_stopped_by_the_person_at_the_keyboard(
    server: ArchiveServer,
    tmp_path: Path,
    make_archive: Callable[..., bytes],
    interruption: type[BaseException],
) -> None:
    server.publish("2026-07", make_archive())

    def stop(what: str, n_done: int, n_total: int | None) -> None:
        if what.startswith("2025-02"):
            raise interruption

    with pytest.raises(interruption):
        fetch_police_uk(
            "warwickshire", "2025-01", "2025-03", tmp_path, base_url=server.url, progress=stop
        )
    directory = tmp_path / "release_2026-07"
    assert names_in(directory) == [".fetching"]
    assert names_in(directory / ".fetching") == street_files("2025-01")
    report = fetch_police_uk("warwickshire", "2025-01", "2025-03", tmp_path, base_url=server.url)
    assert [row.status for row in report.coverage] == ["on disk", "fetched", "fetched"]
