"""A delivered file becomes its pseudonymised Parquet: nothing plain, nothing lost, the right key at New Year."""

from __future__ import annotations

import hashlib
import traceback
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from hotspot_pipeline.feeds.contract import shipped_contracts
from hotspot_pipeline.pseudonyms.hashing import PseudonymKeyError, pseudonymise
from hotspot_pipeline.pseudonyms.yearly import YearlyKeys, key_path
from hotspot_pipeline.raw import sealing
from hotspot_pipeline.raw.landing import LandedFile
from hotspot_pipeline.raw.sealing import ColumnSums, Sealer, SealingError, verify
from hotspot_pipeline.timebase import PoliceTime

DUTIES, PINGS, LOGS = (shipped_contracts()[f] for f in ("duties", "gps_pings", "patrol_logs"))
TAKEN = datetime(2026, 1, 2, 2, tzinfo=UTC)
DUTY_HEAD = "duty_id,device_id,officer,start_local,end_local,deployment,crew_id,callsign\n"


@pytest.fixture
def keys(tmp_path: Path) -> YearlyKeys:
    return YearlyKeys(tmp_path / "keys")


def landed(path: Path) -> LandedFile:
    content = path.read_bytes()
    return LandedFile(path, path.name, len(content), 0, hashlib.sha256(content).hexdigest())


def seal(contract, keys: YearlyKeys, path: Path):  # type: ignore[no-untyped-def]
    target = path.parent / "sealed" / "f.parquet"
    found = Sealer(contract, keys, PoliceTime()).seal(landed(path), TAKEN, target)
    return found, (pl.read_parquet(target) if target.exists() else None)


def pid(keys: YearlyKeys, year: int, value: str) -> str:
    return str(pseudonymise(pl.Series([value]), keys.key(year))[0])


def test_no_identifier_is_left_in_the_file(tmp_path: Path, keys: YearlyKeys) -> None:
    path = tmp_path / "d.csv"
    path.write_text(
        DUTY_HEAD
        + "D1,6210010,PC 4711,2026-01-01 14:00:00,2026-01-01 23:00:00,response,C-1,RV01\n"
        + "D2,AVL-0001,,2026-01-01 14:00:00,,response,C-1,RV01\n"
        + "D3,6210020,PC 4712,not a time,,response,C-1,RV01\n"
        + "D4,6210030\n"
    )
    found, rows = seal(DUTIES, keys, path)
    sealed = (path.parent / "sealed" / "f.parquet").read_bytes()
    text = rows.drop("source_file").write_csv()
    for plain in ("6210010", "6210020", "6210030", "PC 4711", "PC 4712", "AVL-0001", "C-1", "RV01"):
        assert plain.encode() not in sealed
        assert plain not in text
    assert rows["device_id"].to_list() == [pid(keys, 2026, d) for d in ("6210010", "AVL-0001", "6210020")]  # fmt: skip
    assert rows["officer"].to_list()[1] is None
    assert rows["line_no"].to_list() == [2, 3, 4]
    assert (found.n_rows, found.sources["d.csv"]["n_unreadable"]) == (3, 1)
    # what could not be read is told without what it said
    assert "6210030" not in str(found.unreadable)
    assert path.exists(), "the delivered file goes only once the books have it"


@pytest.mark.parametrize(
    ("start", "end", "year", "next_year"),
    [
        # the police day of 31 December ends at 06:00
        ("2025-12-31 22:00:00", "2026-01-01 06:00:00", 2025, 2026),
        ("2025-12-31 22:00:00", "2026-01-01 05:59:59", 2025, None),
        ("2025-12-31 22:00:00", "", 2025, 2026),
        ("2026-01-01 05:00:00", "2026-01-01 15:00:00", 2025, 2026),
        ("2026-01-01 06:00:00", "2026-01-01 15:00:00", 2026, None),
        ("2025-12-30 22:00:00", "", 2025, None),
    ],
)
def test_a_duty_over_new_year_has_the_device_of_both_years(
    start: str, end: str, year: int, next_year: int | None, tmp_path: Path, keys: YearlyKeys
) -> None:
    path = tmp_path / "d.csv"
    path.write_text(f"{DUTY_HEAD}D1,6210010,PC 4711,{start},{end},response,C-1,RV01\n")
    row = seal(DUTIES, keys, path)[1].to_dicts()[0]
    assert row["device_id"] == pid(keys, year, "6210010")
    assert row["device_id_next_year"] == (pid(keys, next_year, "6210010") if next_year else None)
    assert row["officer"] == pid(keys, year, "PC 4711")


def test_fixes_of_that_night_meet_the_duty(tmp_path: Path, keys: YearlyKeys) -> None:
    times = ["2025-12-31T23:59:59", "2026-01-01T00:00:00", "2026-01-01T05:59:59", "2026-01-01T06:00:00"]  # fmt: skip
    path = tmp_path / "p.parquet"
    fixes = pl.DataFrame({"device_id": ["6210010"] * 4, "fix_ts_utc": times}).with_columns(
        pl.col("fix_ts_utc").str.to_datetime(), lon=-1.5, lat=52.3
    )
    fixes.write_parquet(path)
    rows = seal(PINGS, keys, path)[1]
    assert rows["device_id"].to_list() == [
        pid(keys, y, "6210010") for y in (2025, 2025, 2025, 2026)
    ]


def test_a_clock_gone_wrong_makes_no_key(tmp_path: Path, keys: YearlyKeys) -> None:
    path = tmp_path / "p.csv"
    path.write_text(
        "device_id,fix_ts_utc,lon,lat\n"
        "a,1980-01-06T00:00:00,0,0\nb,2099-01-01T00:00:00,0,0\nc,,0,0\nd,2006-06-01T12:00:00,0,0\n"
    )
    seal(PINGS, keys, path)
    assert sorted(keys.made) == [2006, 2026]


def test_people_of_a_list(tmp_path: Path, keys: YearlyKeys) -> None:
    path = tmp_path / "l.csv"
    path.write_text(
        "log_id,hotspot_id,officers,start_local,end_local\n"
        "L1,H1,PC 2|PC 1,2026-01-01 14:00:00,2026-01-01 14:20:00\n"
    )
    row = seal(LOGS, keys, path)[1].to_dicts()[0]
    assert row["officers"] == "|".join(sorted(pid(keys, 2026, p) for p in ("PC 1", "PC 2")))


def test_a_file_of_which_a_part_cannot_be_read_is_refused_whole(
    tmp_path: Path, keys: YearlyKeys
) -> None:
    path = tmp_path / "p.csv"
    path.write_text("nothing,known\n1,2\n")
    found, rows = seal(PINGS, keys, path)
    assert found.refusal.rule == "missing_column" and rows is None
    assert list((tmp_path / "sealed").iterdir()) == []
    path.write_bytes(b"PAR1 cut off")
    found, rows = seal(PINGS, keys, path)
    assert found.refusal.rule == "truncated" and rows is None


def test_without_its_key_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text(f"{DUTY_HEAD}D1,621,PC 1,2026-01-01 14:00:00,,response,C-1,RV01\n")
    with pytest.raises(PseudonymKeyError, match="its file is gone"):
        seal(DUTIES, YearlyKeys(tmp_path / "keys", {2026: "0" * 16}), path)
    assert path.exists()
    assert list((tmp_path / "sealed").iterdir()) == []
    assert not key_path(tmp_path / "keys", 2026).exists()


def test_what_goes_wrong_inside_is_told_without_its_words(
    tmp_path: Path, keys: YearlyKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("cannot make anything of PC 4711")

    monkeypatch.setattr(YearlyKeys, "pseudonyms", fail)
    path = tmp_path / "d.csv"
    path.write_text(f"{DUTY_HEAD}D1,621,PC 4711,2026-01-01 14:00:00,,response,C-1,RV01\n")
    with pytest.raises(SealingError, match=r"d.csv: ValueError while") as caught:
        seal(DUTIES, keys, path)
    assert "4711" not in "".join(traceback.format_exception(caught.value))
    assert path.exists()


def test_the_proof_notices_every_kind_of_difference(
    tmp_path: Path, keys: YearlyKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pl.DataFrame({"a": ["x", "y", None, "x"], "line_no": [1, 2, 3, 4]})
    sums = ColumnSums(("a", "line_no"))
    sums.add(frame[:2])
    sums.add(frame[2:])
    path = tmp_path / "f.parquet"
    frame.write_parquet(path)
    verify(path, sums)
    for other in (
        frame[:3],
        frame[[1, 0, 2, 3]],
        frame.with_columns(pl.col("a").fill_null("")),
        frame.with_columns(a=pl.lit("x")),
    ):
        other.write_parquet(path)
        with pytest.raises(SealingError, match="the delivered file stands"):
            verify(path, sums)
    # and a file that fails the proof never gets its name
    monkeypatch.setattr(sealing, "flush", lambda p: p.write_bytes(b""))
    delivered = tmp_path / "d.csv"
    delivered.write_text(f"{DUTY_HEAD}D1,621,PC 1,2026-01-01 14:00:00,,response,C-1,RV01\n")
    with pytest.raises(Exception):  # noqa: B017
        seal(DUTIES, keys, delivered)
    assert delivered.exists()
    assert list((tmp_path / "sealed").iterdir()) == []
