"""Which files wait, what one extract is, and in which order extracts come."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hotspot_pipeline.feeds.contract import FeedContract, shipped_contracts
from hotspot_pipeline.raw import landing
from hotspot_pipeline.timebase import PoliceTime

CRIMES = shipped_contracts()["crime_extract"]
STREET = shipped_contracts()["police_uk_street"]
CLOCK = PoliceTime()


def _put(folder: Path, name: str, text: str = "a,b\n1,2\n", *, age_s: float = 3600) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    moment = time.time() - age_s
    os.utime(path, (moment, moment))
    return path


def _extracts(folder: Path, contract: FeedContract) -> list[landing.WaitingExtract]:
    files, _ = landing.landed_files(folder, contract, settle_s=0)
    return landing.extracts_of(landing.hashed(files, {}), folder, contract, CLOCK)


def test_an_extract_is_dated_by_its_name_in_local_time(tmp_path: Path) -> None:
    _put(tmp_path, "crime_full_20260615T0200.csv")
    (extract,) = _extracts(tmp_path, CRIMES)
    assert extract.kind == "full"
    assert extract.extract_ts_utc == datetime(2026, 6, 15, 1, 0, tzinfo=UTC)  # 02:00 summer time


def test_extracts_come_oldest_first_whatever_their_names_or_arrival(tmp_path: Path) -> None:
    _put(tmp_path, "z_delta_20260101T0200.csv", "a\n1\n", age_s=10_000)
    _put(tmp_path, "a_delta_20260103T0200.csv", "a\n3\n", age_s=90_000)
    _put(tmp_path, "m_delta_20260102.csv", "a\n2\n", age_s=50_000)
    stamps = [e.extract_ts_utc.day for e in _extracts(tmp_path, CRIMES)]
    assert stamps == [1, 2, 3]


def test_a_name_that_says_nothing_is_dated_by_its_modification(tmp_path: Path) -> None:
    path = _put(tmp_path, "export.csv", age_s=86_400)
    (extract,) = _extracts(tmp_path, CRIMES)
    assert extract.kind == "delta"  # the contract's own
    assert extract.extract_ts_utc.timestamp() == pytest.approx(path.stat().st_mtime, abs=1)


def test_all_files_of_a_release_are_one_extract(tmp_path: Path) -> None:
    for release, month in (("2026-02", "2025-01"), ("2026-02", "2025-02"), ("2026-07", "2025-01")):
        _put(tmp_path, f"release_{release}/{month}-x-street.csv", f"{release}{month}\n")
    extracts = _extracts(tmp_path, STREET)
    assert [(e.release, len(e.files)) for e in extracts] == [("2026-02", 2), ("2026-07", 1)]
    assert [e.extract_ts_utc for e in extracts] == [
        datetime(2026, 2, 1, tzinfo=UTC),
        datetime(2026, 7, 1, tzinfo=UTC),
    ]


def test_the_release_may_stand_in_the_landing_folder_itself(tmp_path: Path) -> None:
    folder = tmp_path / "2025_release_2026-07"
    _put(folder, "2025-01-x-street.csv.gz")
    (extract,) = _extracts(folder, STREET)
    assert extract.release == "2026-07"


def test_the_same_extract_has_the_same_id_in_any_order_of_files(tmp_path: Path) -> None:
    a, b = (
        _put(tmp_path, "release_2026-01/a-street.csv", "1\n"),
        _put(tmp_path, "release_2026-01/b-street.csv", "2\n"),
    )
    first = _extracts(tmp_path, STREET)[0].extract_id
    moment = time.time() - 7200
    for path in (b, a):
        os.utime(path, (moment, moment))
    assert _extracts(tmp_path, STREET)[0].extract_id == first


@pytest.mark.parametrize(
    "name",
    [
        "crime_20260101.csv.part",
        "crime_20260101.csv.tmp",
        ".crime_20260101.csv",
        "sub/.hidden/crime.csv",
        "~$crime.xlsx",
    ],
)
def test_unfinished_and_hidden_files_are_not_seen(tmp_path: Path, name: str) -> None:
    _put(tmp_path, name)
    files, growing = landing.landed_files(tmp_path, CRIMES, settle_s=0)
    assert files == []
    assert growing == []


def test_a_file_that_grows_waits_for_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _put(tmp_path, "crime_20260101.csv", age_s=0)

    def meanwhile(_: float) -> None:
        with path.open("a") as stream:
            stream.write("more\n")

    monkeypatch.setattr(landing.time, "sleep", meanwhile)
    files, growing = landing.landed_files(tmp_path, CRIMES, settle_s=1)
    assert files == []
    assert [f.name for f in growing] == ["crime_20260101.csv"]


def test_a_fresh_file_that_holds_still_is_complete(tmp_path: Path) -> None:
    _put(tmp_path, "crime_20260101.csv", age_s=0)
    files, growing = landing.landed_files(tmp_path, CRIMES, settle_s=0.01)
    assert [f.name for f in files] == ["crime_20260101.csv"]
    assert growing == []


@pytest.mark.parametrize("marker", ["crime_20260101.csv.done", ".done"])
def test_a_done_marker_needs_no_waiting(
    tmp_path: Path, marker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _put(tmp_path, "crime_20260101.csv", age_s=0)
    (tmp_path / marker).touch()
    monkeypatch.setattr(landing.time, "sleep", lambda _: pytest.fail("waited for a marked file"))
    files, _ = landing.landed_files(tmp_path, CRIMES)
    assert [f.name for f in files] == ["crime_20260101.csv"]


def test_known_files_are_not_hashed_again(tmp_path: Path) -> None:
    _put(tmp_path, "crime_20260101.csv")
    files, _ = landing.landed_files(tmp_path, CRIMES, settle_s=0)
    look = (files[0].name, files[0].n_bytes, files[0].modified_ns)
    assert landing.hashed(files, {look: "known"})[0].sha256 == "known"


def test_the_second_file_with_the_same_bytes_repeats_the_first(tmp_path: Path) -> None:
    for name in ("crime_20260101.csv", "crime_20260102.csv", "crime_20260103.csv"):
        _put(tmp_path, name, "same\n")
    files, _ = landing.landed_files(tmp_path, CRIMES, settle_s=0)
    new, repeated = landing.unseen(landing.hashed(files, {}), set())
    assert [f.name for f in new] == ["crime_20260101.csv"]
    assert [f.name for f in repeated] == ["crime_20260102.csv", "crime_20260103.csv"]
    assert landing.unseen(new, {new[0].sha256}) == ([], new)
