"""From waiting files to raw rows: headers resolved, every record accounted for, refusals explained."""

from __future__ import annotations

import os
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from hotspot_pipeline.feeds.contract import FeedContract, shipped_contracts
from hotspot_pipeline.raw import archive, landing
from hotspot_pipeline.raw.intake import Intake, read_extract
from hotspot_pipeline.timebase import PoliceTime

ASB = shipped_contracts()["asb_extract"]
STREET = shipped_contracts()["police_uk_street"]
HEADER = "incident_ref,opened_ts_local,nsir_category"
NOW = datetime(2026, 6, 20, 3, 0, tzinfo=UTC)


def _intakes(folder: Path, contract: FeedContract) -> list[Intake]:
    old = NOW.timestamp() - 3600
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (old, old))
    files, _ = landing.landed_files(folder, contract, settle_s=0)
    waiting = landing.extracts_of(landing.hashed(files, {}), folder, contract, PoliceTime())
    return [read_extract(w, received_at_utc=NOW, run_id="run") for w in waiting]


def test_rows_come_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "asb_delta_20260619.csv").write_text(
        f"{HEADER}\nA1,2026-06-18 10:00:00,ASB\nA2,2026-06-18 11:00:00,ASB\n"
    )
    (intake,) = _intakes(tmp_path, ASB)
    assert intake.rows.select("source_file", "line_no", "incident_ref").rows() == [
        ("asb_delta_20260619.csv", 2, "A1"),
        ("asb_delta_20260619.csv", 3, "A2"),
    ]
    assert intake.account.extract["n_records"] == intake.account.extract["n_rows"] == 2


def test_absent_columns_are_null_and_constants_fill(tmp_path: Path) -> None:
    (tmp_path / "asb_20260619.csv").write_text(f"{HEADER}\nA1,2026-06-18 10:00:00,ASB\n")
    (intake,) = _intakes(tmp_path, ASB)
    row = intake.rows.row(0, named=True)
    assert row["source_system"] == "command_and_control"
    assert row["easting"] is None
    assert set(ASB.column_names) <= set(intake.rows.columns)


def test_own_header_names_are_mapped(tmp_path: Path) -> None:
    mapped = ASB.mapped({"columns": {"incident_ref": "STORM No.", "nsir_category": "Cat"}})
    (tmp_path / "asb_20260619.csv").write_text("Storm no,Opened,CAT\nA1,2026-06-18 10:00:00,ASB\n")
    (intake,) = _intakes(tmp_path, mapped)
    assert intake.rows.get_column("incident_ref").to_list() == ["A1"]
    assert intake.account.extract["status"] == "loaded"


def test_a_missing_column_refuses_the_file_and_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "asb_20260619.csv").write_text("incident_ref,nsir_category\nA1,ASB\n")
    (intake,) = _intakes(tmp_path, ASB)
    assert intake.account.extract["status"] == "refused"
    (refused,) = intake.account.refusals
    assert refused["rule"] == "missing_column"
    assert refused["line_no"] == 1
    assert "opened_ts_local" in refused["reason"]
    assert "feeds.asb_extract.columns" in refused["reason"]
    assert intake.rows.is_empty()


def test_extra_columns_are_named_but_not_taken(tmp_path: Path) -> None:
    (tmp_path / "asb_20260619.csv").write_text(
        f"{HEADER},victim_name\nA1,2026-06-18 10:00:00,ASB,X\n"
    )
    (intake,) = _intakes(tmp_path, ASB)
    assert intake.account.extract["extra_columns"] == "victim_name"
    assert "victim_name" not in intake.rows.columns


def test_one_bad_file_of_a_release_leaves_the_others(tmp_path: Path) -> None:
    header = "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,Crime type,Last outcome category,Context"
    folder = tmp_path / "release_2026-01"
    folder.mkdir()
    (folder / "2025-01-x-street.csv").write_text(
        f"{header}\n,2025-01,X,X,-1.5,52.3,On,E1,L,Anti-social behaviour,,\n"
    )
    (folder / "2025-02-x-street.csv").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    (intake,) = _intakes(tmp_path, STREET)
    assert intake.account.extract["status"] == "loaded"
    assert intake.account.extract["n_rows"] == 1
    assert [f["source_file"] for f in intake.account.refusals] == [
        "release_2026-01/2025-02-x-street.csv"
    ]
    assert "2025-02-x-street.csv" in str(intake.account.extract["reason"])


def test_members_of_an_archive_are_named(tmp_path: Path) -> None:
    header = ",".join(next(iter(c.aliases or (c.name,))) for c in STREET.columns if c.in_header)
    with zipfile.ZipFile(tmp_path / "2025-12.zip", "w") as bundle:
        bundle.writestr("2025-12/2025-12-x-street.csv", f"{header}\n")
        bundle.writestr("2025-12/2025-12-x-outcomes.csv", "nothing of ours\n")
    (intake,) = _intakes(tmp_path, STREET)
    assert [f["source_file"] for f in intake.account.files] == [
        "2025-12.zip!2025-12/2025-12-x-street.csv"
    ]
    assert intake.account.extract["status"] == "loaded"


def test_unreadable_lines_are_counted_out(tmp_path: Path) -> None:
    (tmp_path / "asb_20260619.csv").write_text(
        f"{HEADER}\nA1,2026-06-18 10:00:00,ASB\nA2,too,many,fields\nA3,2026-06-18 12:00:00,ASB\n"
    )
    (intake,) = _intakes(tmp_path, ASB)
    assert (
        intake.account.extract["n_records"],
        intake.account.extract["n_rows"],
        intake.account.extract["n_unreadable"],
    ) == (3, 2, 1)
    assert intake.unreadable.select("line_no").rows() == [(3,)]
    assert isinstance(intake.unreadable, pl.DataFrame)


def test_the_archive_keeps_the_bytes_for_one_reader_only(tmp_path: Path) -> None:
    source = tmp_path / "crime.csv.gz"
    source.write_bytes(b"bytes as delivered")
    look = landing.hashed([landing.LandedFile(source, "crime.csv.gz", 18, 0)], {})[0]
    kept = archive.keep(tmp_path / "archive", "crime_extract", look)
    assert kept.read_bytes() == b"bytes as delivered"
    assert kept.name == f"{look.sha256}.csv.gz"
    assert kept.stat().st_mode & 0o077 == 0
    assert archive.keep(tmp_path / "archive", "crime_extract", look) == kept


def test_a_delivery_named_for_the_future_is_refused(tmp_path: Path) -> None:
    """It would stand before every later delivery until its day comes; a day ahead may be another time zone."""
    for stamp in ("20260621T0200", "20260720T0200"):
        (tmp_path / f"asb_delta_{stamp}.csv").write_text(
            f"{HEADER}\nA1,2026-06-18 10:00:00,{stamp}\n"
        )
    tomorrow, next_month = _intakes(tmp_path, ASB)
    assert tomorrow.account.extract["status"] == "loaded"
    assert next_month.account.extract["status"] == "refused"
    assert next_month.rows.is_empty()
    (refused,) = next_month.account.refusals
    assert refused["rule"] == "taken_in_future"
    assert "2026-07-20 01:00 UTC" in refused["reason"]
    assert refused["source_file"] == "asb_delta_20260720T0200.csv"
