"""Fetching a force's months by byte ranges: what lands, what is transferred, what is refused."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hotspot_pipeline.raw.fetching import ATTRIBUTION, FetchError, FetchReport, fetch_police_uk
from hotspot_pipeline.raw.fetching.delivery import only_fetch_in
from hotspot_pipeline.raw.fetching.remote_file import TAIL_BYTES

if TYPE_CHECKING:
    from hotspot_pipeline_tests.unit.raw.fetching.conftest import ArchiveServer, Fault

YEAR = [f"2025-{month:02d}" for month in range(1, 13)]
Fetch = Callable[..., FetchReport]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "landing"


@pytest.fixture
def fetch(server: ArchiveServer, out: Path) -> Fetch:
    """Fetch Warwickshire's 2025 from the server, or what the test says instead."""

    def call(
        force: str = "warwickshire", first: str = "2025-01", last: str = "2025-12", **settings: Any
    ) -> FetchReport:
        settings = {"base_url": server.url, "timeout_s": 5, "sleep": lambda s: None, **settings}
        return fetch_police_uk(force, first, last, out, **settings)

    return call


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def state_of(directory: Path) -> dict[str, tuple[int, bytes]]:
    return {p.name: (p.stat().st_mtime_ns, p.read_bytes()) for p in directory.iterdir()}


def test_a_year_lands_with_manifest_and_marker(
    server: ArchiveServer,
    fetch: Fetch,
    out: Path,
    make_archive: Callable[..., bytes],
    csv_of: Callable[..., bytes],
) -> None:
    archive = make_archive()
    server.publish("2026-07", archive)
    report = fetch()

    directory = out / "release_2026-07"
    assert report.release == "2026-07"
    assert report.directory == directory
    assert names_in(out) == ["release_2026-07"]
    files = [f"{month}-warwickshire-street.csv" for month in YEAR]
    assert names_in(directory) == [".done", *files, "manifest.json"]
    for month, file in zip(YEAR, report.files, strict=True):
        expected = csv_of(month, "warwickshire")
        assert file.path.read_bytes() == expected
        assert (file.n_bytes, file.month) == (len(expected), month)
        assert file.name == f"{month}-warwickshire-street.csv"
        assert file.sha256 == hashlib.sha256(expected).hexdigest()
        assert int(file.crc32, 16) == zlib.crc32(expected)
    assert [row.status for row in report.coverage] == ["fetched"] * 12
    assert report.attribution == ATTRIBUTION
    assert "Open Government Licence v3.0" in ATTRIBUTION
    plain = json.loads(json.dumps(report.as_dict()))
    assert plain["files"][0]["path"] == str(report.files[0].path)
    assert plain["coverage"][0] == {"month": "2025-01", "status": "fetched", "note": ""}

    manifest = json.loads((directory / "manifest.json").read_text())
    assert manifest["release"] == "2026-07"
    assert manifest["source_url"] == server.url + "/data/archive/2026-07.zip"
    assert manifest["final_url"] == server.url + "/bucket/archive/2026-07.zip"
    assert manifest["licence"]["attribution"] == ATTRIBUTION
    assert manifest["archive"]["n_bytes"] == len(archive)
    assert (manifest["archive"]["first_month"], manifest["archive"]["last_month"]) == (
        "2023-08",
        "2026-07",
    )
    assert [entry["name"] for entry in manifest["files"]] == files
    assert [entry["sha256"] for entry in manifest["files"]] == [f.sha256 for f in report.files]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", manifest["fetched_at_utc"])
    assert (directory / ".done").read_bytes() == b""


def test_only_the_tail_the_directory_and_the_members_are_transferred(
    server: ArchiveServer, fetch: Fetch, make_archive: Callable[..., bytes]
) -> None:
    # Filler between the members stands for the 43 other forces; stored, so its size is certain.
    filler = {f"2026-07/filler-{n}.bin": os.urandom(1_000_000) for n in range(8)}
    archive = make_archive(extra=filler)
    server.publish("2026-07", archive)
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        wanted = [opened.getinfo(f"{m}/{m}-warwickshire-street.csv") for m in YEAR]
        n_directory = len(archive) - opened.start_dir
    report = fetch(release="2026-07")
    headers = sum(30 + len(info.filename) for info in wanted)
    members = sum(info.compress_size for info in wanted)
    assert report.n_bytes_downloaded == server.n_bytes_sent
    assert report.n_bytes_downloaded == 1 + max(n_directory, TAIL_BYTES) + headers + members
    assert report.n_bytes_downloaded < len(archive) / 50


def test_second_run_downloads_nothing_and_touches_nothing(
    server: ArchiveServer, fetch: Fetch, out: Path, make_archive: Callable[..., bytes]
) -> None:
    server.publish("2026-07", make_archive())
    fetch(release="2026-07")
    before = state_of(out / "release_2026-07")
    server.seen.clear()

    again = fetch(release="2026-07")
    assert server.seen == []
    assert again.n_bytes_downloaded == 0
    assert [row.status for row in again.coverage] == ["on disk"] * 12
    assert (len(again.files), again.n_files_fetched) == (12, 0)

    newest = fetch()  # one byte, to learn which release is the newest
    assert (server.n_bytes_sent, newest.n_bytes_downloaded) == (1, 1)
    assert newest.files == again.files
    assert state_of(out / "release_2026-07") == before


def test_more_months_and_another_force_join_the_delivery(
    server: ArchiveServer,
    fetch: Fetch,
    out: Path,
    make_archive: Callable[..., bytes],
    csv_of: Callable[..., bytes],
) -> None:
    server.publish("2026-07", make_archive())
    fetch("warwickshire", "2025-01", "2025-02")
    directory = out / "release_2026-07"
    before = [name for name in names_in(directory) if not name.startswith(".")]
    while_fetching: list[list[str]] = []

    def watch(what: str, n_done: int, n_total: int | None) -> None:
        if what.endswith(".csv"):
            names = names_in(directory)
            while_fetching.append([name for name in names if not name.startswith(".")])

    report = fetch("warwickshire", "2025-01", "2025-04", progress=watch)
    assert [row.status for row in report.coverage] == ["on disk"] * 2 + ["fetched"] * 2
    # Nothing that the landing reader sees changes before everything has arrived.
    assert while_fetching
    assert all(names == before for names in while_fetching)
    assert names_in(directory) == [
        ".done",
        *(f"2025-{month:02d}-warwickshire-street.csv" for month in range(1, 5)),
        "manifest.json",
    ]
    fetch("city-of-london", "2025-01", "2025-01")
    assert (directory / ".done").exists()
    manifest = json.loads((out / "release_2026-07" / "manifest.json").read_text())
    assert [(entry["month"], entry["force"]) for entry in manifest["files"]] == [
        ("2025-01", "city-of-london"),
        ("2025-01", "warwickshire"),
        ("2025-02", "warwickshire"),
        ("2025-03", "warwickshire"),
        ("2025-04", "warwickshire"),
    ]
    for entry in manifest["files"]:
        content = csv_of(entry["month"], entry["force"])
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()


def test_two_releases_of_the_same_months_lie_side_by_side(
    server: ArchiveServer, fetch: Fetch, out: Path, make_archive: Callable[..., bytes]
) -> None:
    server.publish("2026-02", make_archive("2026-02"))
    server.publish("2026-07", make_archive("2026-07"))
    assert fetch(release="2026-02").release == "2026-02"
    assert fetch().release == "2026-07"
    assert names_in(out) == ["release_2026-02", "release_2026-07"]


def test_progress_ends_with_all_of_each_item(
    server: ArchiveServer, fetch: Fetch, make_archive: Callable[..., bytes]
) -> None:
    archive = make_archive()
    server.publish("2026-07", archive)
    seen: dict[str, list[tuple[int, int | None]]] = {}
    fetch(progress=lambda what, n_done, n_all: seen.setdefault(what, []).append((n_done, n_all)))
    assert list(seen) == [
        "2026-07.zip (directory)",
        *(f"{month}-warwickshire-street.csv" for month in YEAR),
    ]
    for steps in seen.values():
        done = [n_done for n_done, _ in steps]
        assert done == sorted(done)
        assert steps[-1][0] == steps[-1][1] != 0
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        size = opened.getinfo("2025-01/2025-01-warwickshire-street.csv").compress_size
    assert seen["2025-01-warwickshire-street.csv"][-1] == (size, size)


def test_missing_months_are_reported_with_the_reason(
    server: ArchiveServer, fetch: Fetch, out: Path, make_archive: Callable[..., bytes]
) -> None:
    gap = (("2025-03", "warwickshire"), ("2025-04", "warwickshire"))
    server.publish("2026-07", make_archive(without=gap))
    report = fetch("warwickshire", "2025-02", "2025-05")
    assert [(row.month, row.status) for row in report.coverage] == [
        ("2025-02", "fetched"),
        ("2025-03", "missing"),
        ("2025-04", "missing"),
        ("2025-05", "fetched"),
    ]
    assert report.missing_months == ("2025-03", "2025-04")
    assert "for other forces but not for warwickshire" in report.coverage[1].note
    manifest = json.loads((out / "release_2026-07" / "manifest.json").read_text())
    assert [(row["force"], row["month"]) for row in manifest["missing"]] == [
        ("warwickshire", "2025-03"),
        ("warwickshire", "2025-04"),
    ]
    # The same archive need not be read again to know the same gap ...
    before = state_of(out / "release_2026-07")
    server.seen.clear()
    again = fetch("warwickshire", "2025-02", "2025-05", release="2026-07")
    assert again.missing_months == report.missing_months
    assert server.n_bytes_sent == 1
    assert state_of(out / "release_2026-07") == before
    # ... but a new version of it is.
    server.publish("2026-07", make_archive(without=gap[1:]))
    filled = fetch("warwickshire", "2025-02", "2025-05")
    assert [row.status for row in filled.coverage] == ["on disk", "fetched", "missing", "on disk"]
    manifest = json.loads((out / "release_2026-07" / "manifest.json").read_text())
    assert [row["month"] for row in manifest["missing"]] == ["2025-04"]


def test_months_outside_the_release_are_rows_of_the_coverage(
    server: ArchiveServer, fetch: Fetch, make_archive: Callable[..., bytes]
) -> None:
    server.publish("2026-07", make_archive())
    late = fetch("warwickshire", "2026-07", "2026-08")
    assert [row.status for row in late.coverage] == ["fetched", "missing"]
    assert late.coverage[1].note == "later than release 2026-07"
    early = fetch("warwickshire", "2023-07", "2023-08")
    assert [row.status for row in early.coverage] == ["missing", "fetched"]
    assert "holds 2023-08 to 2026-07" in early.coverage[0].note
    assert "Releases 2023-07 to 2026-06" in early.coverage[0].note


def test_nothing_at_all_is_an_error_and_leaves_nothing(
    server: ArchiveServer, fetch: Fetch, out: Path, make_archive: Callable[..., bytes]
) -> None:
    server.publish("2026-07", make_archive())
    with pytest.raises(FetchError, match=r"no month from 2022-01 to 2022-12.*2022-12 to 2024-12"):
        fetch("warwickshire", "2022-01", "2022-12")
    with pytest.raises(FetchError, match=r"no force 'warwickshir'\. Did you mean warwickshire"):
        fetch("warwickshir", "2025-01", "2025-12")
    with pytest.raises(FetchError, match="Its forces are: city-of-london, leicestershire"):
        fetch("btp", "2025-01", "2025-12")
    assert names_in(out) == []


@pytest.mark.parametrize("status", [403, 404, 410])
def test_release_that_is_not_there_names_those_that_are(
    server: ArchiveServer,
    fetch: Fetch,
    make_archive: Callable[..., bytes],
    fault: type[Fault],
    status: int,
) -> None:
    server.publish("2026-07", make_archive())
    server.faults["/data/archive/2026-09.zip"].append(fault("status", status))
    with pytest.raises(FetchError, match=r"2026-09\.zip: there is no release 2026-09") as caught:
        fetch(release="2026-09")
    assert "Releases 2025-12 to 2026-07 hold 2025-01 to 2025-12" in str(caught.value)


def test_mirror_without_a_newest_release_says_so(fetch: Fetch) -> None:
    with pytest.raises(FetchError, match=r"latest\.zip: no newest release.*2025-12 to 2027-12"):
        fetch()


def test_answering_with_another_release_is_refused(
    server: ArchiveServer, fetch: Fetch, make_archive: Callable[..., bytes]
) -> None:
    bucket = server.publish("2026-07", make_archive())
    server.redirects["/data/archive/2026-06.zip"] = server.url + bucket
    with pytest.raises(FetchError, match="answers with release 2026-07 instead of 2026-06"):
        fetch(release="2026-06")


def test_newest_release_without_a_name_is_called_after_its_newest_month(
    server: ArchiveServer, fetch: Fetch, out: Path, make_archive: Callable[..., bytes]
) -> None:
    server.files["/data/archive/latest.zip"] = make_archive("2026-05")
    assert fetch().release == "2026-05"
    # The release is known only from the directory, so that is read again; nothing else happens.
    before = state_of(out / "release_2026-05")
    again = fetch()
    assert (again.release, again.n_files_fetched) == ("2026-05", 0)
    assert state_of(out / "release_2026-05") == before


def test_file_changed_on_disk_is_fetched_again_alone(
    server: ArchiveServer,
    fetch: Fetch,
    out: Path,
    make_archive: Callable[..., bytes],
    csv_of: Callable[..., bytes],
) -> None:
    server.publish("2026-07", make_archive())
    fetch(release="2026-07")
    path = out / "release_2026-07" / "2025-05-warwickshire-street.csv"
    content = bytearray(path.read_bytes())
    content[100] ^= 1  # the length stays
    path.write_bytes(content)
    report = fetch(release="2026-07")
    assert [row.month for row in report.coverage if row.status == "fetched"] == ["2025-05"]
    assert path.read_bytes() == csv_of("2025-05", "warwickshire")

    # Stopped just before the marker; and a manifest that somebody has edited.
    (out / "release_2026-07" / ".done").unlink()
    assert fetch(release="2026-07").n_files_fetched == 0
    assert (out / "release_2026-07" / ".done").exists()
    (out / "release_2026-07" / ".done").unlink()
    (out / "release_2026-07" / "manifest.json").write_text('{"format": 1, "files": "edited"}')
    report = fetch(release="2026-07")
    assert report.n_files_fetched == 0
    assert (out / "release_2026-07" / ".done").exists()
    assert len(json.loads((out / "release_2026-07" / "manifest.json").read_text())["files"]) == 12


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_corrupt_member_is_refused_and_leaves_no_file(
    server: ArchiveServer,
    fetch: Fetch,
    out: Path,
    make_archive: Callable[..., bytes],
    compression: int,
) -> None:
    archive = bytearray(make_archive(compression=compression))
    name = "2025-03/2025-03-warwickshire-street.csv"
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        info = opened.getinfo(name)
    archive[info.header_offset + 30 + len(name) + info.compress_size // 2] ^= 0x55
    server.publish("2026-07", bytes(archive))
    with pytest.raises(FetchError, match=f"{name}.*damaged.*Nothing was kept"):
        fetch()
    directory = out / "release_2026-07"
    # Whole files before it wait for the next run where the landing reader does not look.
    assert names_in(directory) == [".fetching"]
    assert names_in(directory / ".fetching") == [
        "2025-01-warwickshire-street.csv",
        "2025-02-warwickshire-street.csv",
    ]
    report = fetch("warwickshire", "2025-04", "2025-12")
    assert report.n_files_fetched == 9
    assert (directory / ".done").exists()


def test_wrong_length_in_the_directory_is_noticed(
    server: ArchiveServer, fetch: Fetch, make_archive: Callable[..., bytes]
) -> None:
    archive = bytearray(make_archive())
    name = b"2025-01/2025-01-warwickshire-street.csv"
    entry = archive.rindex(name) - 46
    assert archive[entry : entry + 4] == b"PK\x01\x02"
    claimed = int.from_bytes(archive[entry + 24 : entry + 28], "little") + 7
    archive[entry + 24 : entry + 28] = claimed.to_bytes(4, "little")
    server.publish("2026-07", bytes(archive))
    with pytest.raises(FetchError, match="damaged or unreadable"):
        fetch("warwickshire", "2025-01", "2025-01")


def test_failures_on_the_way_do_not_show_in_the_result(
    server: ArchiveServer,
    fetch: Fetch,
    make_archive: Callable[..., bytes],
    csv_of: Callable[..., bytes],
    fault: type[Fault],
) -> None:
    bucket = server.publish("2026-07", make_archive())
    server.faults["/data/archive/latest.zip"].extend([fault("status", 503), fault("status", 502)])
    server.faults[bucket].extend(
        [None, fault("drop", after=100), None, fault("reset", after=500), fault("drop"), None]
    )
    report = fetch()
    for month, file in zip(YEAR, report.files, strict=True):
        assert file.path.read_bytes() == csv_of(month, "warwickshire")


def test_name_in_the_zip_is_never_a_path(
    server: ArchiveServer, fetch: Fetch, out: Path, make_archive: Callable[..., bytes]
) -> None:
    gap = (("2025-01", "warwickshire"),)
    file_name = "2025-01-warwickshire-street.csv"
    for name in ("../../", "/", "..\\", "2025-01/../../", "C:\\", "../release_2026-07/"):
        server.publish("2026-07", make_archive(without=gap, extra={name + file_name: b"bad"}))
        report = fetch("warwickshire", "2025-01", "2025-02")
        assert report.missing_months == ("2025-01",), name
    assert names_in(out) == ["release_2026-07"]
    assert list(out.parent.rglob(file_name)) == []


def test_mirror_may_pack_the_files_into_a_folder(
    server: ArchiveServer, fetch: Fetch, make_archive: Callable[..., bytes]
) -> None:
    server.publish("2026-07", make_archive(folder="police-uk/"))
    assert fetch().n_files_fetched == 12


def test_two_members_of_one_name_are_ambiguous(
    server: ArchiveServer, fetch: Fetch, make_archive: Callable[..., bytes]
) -> None:
    extra = {"copy/2025-02-warwickshire-street.csv": b"x"}
    server.publish("2026-07", make_archive(extra=extra))
    with pytest.raises(FetchError, match="2 members are called 2025-02-warwickshire-street"):
        fetch()
    assert fetch("warwickshire", "2025-03", "2025-03").n_files_fetched == 1


def test_member_that_claims_gigabytes_is_not_unpacked(
    server: ArchiveServer,
    fetch: Fetch,
    out: Path,
    make_archive: Callable[..., bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("hotspot_pipeline.raw.fetching.archive.MAX_MEMBER_BYTES", 1_000)
    server.publish("2026-07", make_archive())
    with pytest.raises(FetchError, match="was not unpacked"):
        fetch()
    assert names_in(out) == []


@pytest.mark.parametrize("content", [b"", b"x", os.urandom(200_000), b"PK\x05\x06" + bytes(18)])
def test_what_is_no_archive_is_named(server: ArchiveServer, fetch: Fetch, content: bytes) -> None:
    server.publish("2026-07", content)
    with pytest.raises(FetchError, match=r"not a readable zip|without any street file"):
        fetch()
    server.ranges = "none"
    with pytest.raises(FetchError, match=r"not a readable zip|without any street file"):
        fetch()


def test_one_fetch_at_a_time_in_a_folder(
    server: ArchiveServer, fetch: Fetch, out: Path, make_archive: Callable[..., bytes]
) -> None:
    server.publish("2026-07", make_archive())
    with only_fetch_in(out), pytest.raises(FetchError, match="another fetch is writing here"):
        fetch()
    assert fetch().n_files_fetched == 12


def test_folder_that_cannot_be_written_is_named(fetch: Fetch, out: Path) -> None:
    out.write_text("a file where the folder should be")
    with pytest.raises(FetchError, match=f"{out}.*Check the folder's rights"):
        fetch()


def test_real_release_lands_byte_for_byte(server: ArchiveServer, fetch: Fetch) -> None:
    project = Path(__file__).parents[4]
    folder = project.parent / "shared" / "data" / "police_uk" / "2025_release_2026-07"
    if not folder.is_dir():
        pytest.skip("the public data lie beside the project only on a development machine")
    originals: dict[str, bytes] = {}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.glob("*-street.csv.gz")):
            name = path.name.removesuffix(".gz")
            originals[name] = gzip.decompress(path.read_bytes())
            archive.writestr(f"{name[:7]}/{name}", originals[name])
    server.publish("2026-07", buffer.getvalue())
    report = fetch()
    assert len(report.files) == 12
    for file in report.files:
        assert file.path.read_bytes() == originals[file.path.name]
    n_lines = sum(file.path.read_bytes().count(b"\n") for file in report.files)
    assert n_lines - 12 == 51_198
