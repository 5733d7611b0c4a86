"""Duties and fixes from the landing folder to the stored days: late ones, doubled ones, withdrawn ones, lost keys, old ones."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from hotspot_pipeline.cli.main import hotspots
from hotspot_pipeline.definitions import warehouse_of
from hotspot_pipeline.raw import archive, taking
from hotspot_pipeline.raw.landing import LandedFile
from hotspot_pipeline.validated.pings import taking as ping_taking
from hotspot_pipeline.validated.pings.ledger import Ledger
from hotspot_pipeline_tests.integration.made_fixes import DEVICES, OFFICERS, FixForce, duty, fixes

NIGHT_1, NIGHT_2, NIGHT_3 = (f"pings_202606{n}T0200.parquet" for n in ("09", "10", "11"))


@pytest.fixture
def force(tmp_path: Path) -> FixForce:
    return FixForce(tmp_path)


def test_from_the_landing_folder_to_stored_days(force: FixForce) -> None:
    monday, tuesday = fixes("2026-06-08T12:00:00", 30), fixes("2026-06-09T12:00:00", 20)
    delivered = force.deliver("gps_pings", NIGHT_1, monday)
    duties = pl.DataFrame(
        [duty(1, DEVICES[0], OFFICERS[0], "2026-06-08 12:00:00", "2026-06-08 20:00:00"),
         duty(2, DEVICES[1], None, "2026-06-08 12:00:00", "2026-06-08 20:00:00"),
         duty(3, DEVICES[1], None, "2026-06-08 12:00:00", "2026-06-08 11:00:00")]
    )  # fmt: skip
    booked = force.deliver("duties", "duties_20260609T0200.csv", duties)
    checks = force.run()
    assert all(checks.values()), [name for name, passed in checks.items() if not passed]
    assert not delivered.exists() and not booked.exists()
    assert force.rows("select duty_id, rule from validated.rejects, validated.duties where duty_id = 'D1'") == [("D1", "span_order")]  # fmt: skip
    (day,) = force.days()
    assert day == "2026-06-08"
    # the duty and the fixes name the device alike
    linked = force.rows("select distinct d.duty_id from validated.duties d join validated.ping_device_days p on p.device_pid = d.device_pid")  # fmt: skip
    assert linked == [("D1",)]

    # the next night brings a late fix of the day before, once more what came, and a day of its own
    late = fixes("2026-06-08T13:00:00", 1, late=timedelta(days=1))
    force.deliver("gps_pings", NIGHT_2, pl.concat([tuesday, late, monday[:3], tuesday[:2]]))
    before = force.days()
    force.run()
    after = force.days()
    assert list(after) == ["2026-06-08", "2026-06-09"]
    assert after["2026-06-08"] != before["2026-06-08"]
    assert force.rows("select version, n_fixes, n_late from validated.ping_days order by police_day") == [(2, 31, 1), (1, 20, 0)]  # fmt: skip
    assert force.rows("select n_delivered, n_stored, n_duplicates from validated.ping_day_extracts order by police_day, extract_id") == [(30, 30, 0), (4, 1, 3), (22, 20, 2)]  # fmt: skip

    # a third night that touches neither leaves both as they are
    force.deliver("gps_pings", NIGHT_3, fixes("2026-06-10T12:00:00", 5))
    force.run()
    assert {day: force.days()[day] for day in after} == after

    # the first night is withdrawn: what the second one had too, stays
    (first,) = force.rows("select extract_id from raw.extracts where feed = 'gps_pings' order by 1 limit 1")  # fmt: skip
    withdraw(force, str(first[0]))
    force.run()
    assert force.rows("select version, n_fixes, n_late from validated.ping_days order by police_day") == [(3, 4, 1), (1, 20, 0), (1, 5, 0)]  # fmt: skip
    assert len(list(force.force.pings.glob("*.parquet"))) == 3


def withdraw(force: FixForce, extract_id: str) -> None:
    environment = {"HOTSPOTS_DATA": str(force.data)}
    done = CliRunner().invoke(
        hotspots, ["withdraw", extract_id, "--because", "a test", "--no-run"], env=environment
    )
    assert done.exception is None, done.output


def test_files_in_any_order_twice_and_in_pieces_give_the_same_days(tmp_path: Path) -> None:
    rows = pl.concat(
        [fixes("2026-06-08T23:00:00", 40, d, every_s=900) for d in DEVICES]
        + [fixes("2026-06-08T22:00:00", 3, late=timedelta(days=3))]
    )
    parts = [rows[:50], rows[50:90], rows[90:], rows[40:60]]
    names = [f"pings_202606{10 + n}T0200.parquet" for n in range(4)]
    one, other = FixForce(tmp_path / "one"), FixForce(tmp_path / "other")
    for name, part in zip(names, parts):
        one.deliver("gps_pings", name, part)
    one.run()
    for number in (2, 3, 0, 1):
        other.deliver("gps_pings", names[number], parts[number])
        if number in (3, 0):
            other.deliver("gps_pings", f"again/{names[number]}", parts[number])
        if number in (3, 1):
            shutil.copytree(one.force.keys, other.force.keys, dirs_exist_ok=True)
            other.run()
    assert other.days() == one.days()
    assert len(one.days()) == 2
    assert list(other.force.landing("gps_pings").rglob("*.parquet")) == []
    assert other.rows("select count(*) from raw.extract_files where status = 'duplicate'") == [(2,)]


def test_a_day_thirty_days_late_and_other_useless_fixes_are_counted(force: FixForce) -> None:
    good = fixes("2026-06-08T12:00:00", 60)
    bad = [
        fixes("2026-05-09T12:00:00", 3, late=timedelta(days=30)),
        fixes("2026-06-08T12:00:00", 2).with_columns(lon=0.0, lat=0.0),
        fixes("2026-06-08T14:00:00", 1, late=timedelta(minutes=-3)),
    ]
    force.deliver("gps_pings", NIGHT_1, pl.concat([good, *bad]))
    force.deliver("gps_pings", "pings_20260610T0200.csv", good[:0])
    force.deliver("gps_pings", "pings_20260611T0200.csv", fixes("2026-06-10T12:00:00", 1))
    assert force.run()["pings_counted_out"]
    assert force.rows("select rule, n_rows from validated.ping_refusals order by 1") == [("at_zero", 2), ("fix_in_future", 1), ("fix_too_old", 3)]  # fmt: skip
    assert force.rows("select n_in, n_accepted, n_rejected from validated.extract_counts where feed = 'gps_pings' order by extract_id") == [(66, 60, 6), (0, 0, 0), (1, 1, 0)]  # fmt: skip
    assert force.rows("select n_fixes from validated.ping_days order by 1") == [(1,), (60,)]


def test_a_broken_feed_is_held_and_can_be_released(force: FixForce) -> None:
    rows = fixes("2026-06-08T12:00:00", 10)
    force.deliver("gps_pings", NIGHT_1, pl.concat([rows, rows.with_columns(lon=0.0, lat=0.0)]))
    checks = force.run()
    assert not checks["gps_pings__refused_share"]
    assert force.days() == {}
    assert force.rows("select status, n_held, n_rejected from validated.extract_counts") == [("held", 10, 10)]  # fmt: skip
    (extract,) = force.rows("select extract_id from raw.extracts")
    environment = {"HOTSPOTS_DATA": str(force.data)}
    CliRunner().invoke(
        hotspots, ["release", str(extract[0]), "--because", "x", "--no-run"], env=environment
    )
    force.run()
    assert force.rows("select status, n_accepted from validated.extract_counts") == [("accepted", 10)]  # fmt: skip
    assert list(force.days()) == ["2026-06-08"]


def test_portions_and_held_extracts_do_not_mix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three nights that touch one another's days, the second held until the gate has judged them all."""
    monday, tuesday = fixes("2026-06-08T12:00:00", 30), fixes("2026-06-09T12:00:00", 20)
    nowhere = fixes("2026-06-09T13:00:00", 12).with_columns(lon=pl.lit(0.0), lat=pl.lit(0.0))
    nights = {
        NIGHT_1: monday,
        NIGHT_2: pl.concat([tuesday[:5], nowhere]),
        NIGHT_3: pl.concat([monday[25:], tuesday[5:]]),
    }
    stored = {}
    for at_once in (1, 40, 4_000_000):  # an extract at a time, two at a time, all
        monkeypatch.setattr(ping_taking, "ROWS_AT_ONCE", at_once)
        force = FixForce(tmp_path / str(at_once))
        if stored:  # the keys of one force are the keys of all
            shutil.copytree(tmp_path / "1" / "forces" / "small" / "keys", force.force.keys)
        for name, rows in nights.items():
            force.deliver("gps_pings", name, rows)
        checks = force.run()
        assert checks["small_extracts_counted_out"] and checks["pings_counted_out"]
        assert force.rows("select status, n_accepted from validated.extract_counts order by extract_id") == [("accepted", 30), ("held", 0), ("accepted", 20)]  # fmt: skip
        assert force.rows("select police_day, version, n_fixes from validated.ping_days order by all") == [
            (date(2026, 6, 8), 1, 30), (date(2026, 6, 9), 1, 15)]  # fmt: skip
        assert not (force.force.pings / ".staging").exists()
        stored[at_once] = force.days()
    assert stored[1] == stored[40] == stored[4_000_000]


def test_the_drill_of_a_lost_key(force: FixForce) -> None:
    environment = {"HOTSPOTS_DATA": str(force.data)}

    def keys(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(hotspots, ["keys", *arguments], env=environment, standalone_mode=False)  # fmt: skip
        return int(done.return_value or 0), done.output + str(done.exception or "")

    force.deliver("gps_pings", NIGHT_1, fixes("2026-06-08T12:00:00", 5))
    assert force.run()["keys_are_those_in_use"]
    code, said = keys("show")
    assert code == 0 and "in place" in said
    assert "is there is not lost" in keys("lost", "2026", "--because", "a drill")[1]

    key = force.force.keys / "patrol-2026.key"
    safe_copy = key.read_bytes()
    key.unlink()
    waiting = force.deliver("gps_pings", NIGHT_2, fixes("2026-06-09T12:00:00", 5))
    other = force.deliver("patrol_places", "places_20260610.csv", pl.DataFrame(
        {"hotspot_id": ["H1"], "polygon_wkt": ["POLYGON ((431900 265700, 432200 265700, 432200 266000, 431900 265700))"],
         "valid_from": ["2026-01-01"]}))  # fmt: skip
    # what needs no key goes on, what needs it waits, and no key is made in silence
    checks = force.run()
    assert not checks["keys_are_those_in_use"]
    assert waiting.exists() and other.exists() and not key.exists()
    assert force.rows("select count(*) from validated.patrol_places") == [(1,)]
    assert list(force.days()) == ["2026-06-08"]
    assert keys("show")[0] == 1

    # the safe copy is put back: all goes on as if nothing had been
    key.write_bytes(safe_copy)
    assert force.run()["keys_are_those_in_use"]
    assert not waiting.exists()
    pids = "select count(distinct device_pid) from validated.ping_device_days"
    assert force.rows(pids) == [(1,)]

    # without a safe copy the key is given up: new pseudonyms meet no earlier ones
    key.unlink()
    assert keys("lost", "2026", "--because", "a drill", "--by", "somebody")[0] == 0
    force.deliver("gps_pings", NIGHT_3, fixes("2026-06-10T12:00:00", 5))
    assert force.run()["keys_are_those_in_use"]
    assert force.rows(pids) == [(2,)]
    assert force.rows("select event, because from raw.pseudonym_keys order by at_utc") == [("made", None), ("lost", "a drill"), ("made", None)]  # fmt: skip


def test_what_is_past_its_time_goes_and_nothing_else(tmp_path: Path) -> None:
    force = FixForce(tmp_path)
    force.deliver("gps_pings", NIGHT_1, fixes("2026-06-08T12:00:00", 5))
    force.deliver("gps_pings", "pings_recent.csv", fixes(_days_ago(3), 5))
    force.run()
    old, young = force.days()
    sealed = sorted(force.force.archive.rglob("*.parquet"))
    assert len(sealed) == 2
    force.pings_days = 90
    force.configure()
    assert force.run()["removals_were_due"]
    assert list(force.days()) == [young]
    assert force.rows("select what, day::varchar, n_rows from validated.retention_log") == [("ping_day", old, 5)]  # fmt: skip
    assert force.rows("select state, n_fixes, file_name is null from validated.ping_days order by police_day") == [("removed", 5, True), ("stored", 5, False)]  # fmt: skip
    assert force.rows("select distinct police_day::varchar from validated.ping_device_days") == [(young,)]  # fmt: skip
    assert sorted(force.force.archive.rglob("*.parquet")) == sealed
    # a fix of the removed day comes too late for it, even if days are kept longer from now on
    force.pings_days = 36_500
    force.deliver("gps_pings", NIGHT_2, fixes("2026-06-08T13:00:00", 1))
    force.run()
    assert force.rows("select rule from validated.ping_refusals") == [("past_retention",)]
    # the archived files of a feed go after its own months
    force.configure(feeds={"gps_pings": {"retention_months": 1}})
    with_old_dates = "update raw.extracts set received_at_utc = received_at_utc - interval 40 day, retention_months = 1"  # fmt: skip
    _edit(force, with_old_dates)
    force.run()
    assert list(force.force.archive.rglob("*.parquet")) == []
    assert force.rows("select count(*) from validated.retention_log where what = 'delivered_file'") == [(3,)]  # fmt: skip
    assert list(force.days()) == [young]


def _days_ago(n: int) -> str:
    return (datetime.now(UTC) - timedelta(days=n)).strftime("%Y-%m-%dT12:00:00")


def _edit(force: FixForce, sql: str) -> None:
    with warehouse_of(force.settings, force.force).session() as session:
        session.execute(sql)


@pytest.mark.parametrize("moment", ["before the books", "before the deletion", "before the ledger"])
def test_a_run_that_dies_leaves_the_file_or_its_parquet_whole(
    moment: str, force: FixForce, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Died(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Died

    delivered = force.deliver("gps_pings", NIGHT_1, fixes("2026-06-08T12:00:00", 5))
    with monkeypatch.context() as patched:
        if moment == "before the books":
            patched.setattr(taking, "store", die)
        elif moment == "before the deletion":
            patched.setattr(taking, "delete_delivered", die)
        else:
            patched.setattr(Ledger, "write", die)
        with pytest.raises(BaseException):  # noqa: B017
            force.run()
    sealed = list(force.force.archive.rglob("*.parquet"))
    assert len(sealed) == 1 and pl.read_parquet(sealed[0]).height == 5
    assert delivered.exists() == (moment != "before the ledger")
    force.run()
    assert not delivered.exists()
    assert list(force.force.archive.rglob("*.parquet")) == sealed
    assert force.rows("select n_fixes, version from validated.ping_days") == [(5, 1)]
    assert len(list(force.force.pings.glob("*.parquet"))) == 1
    assert not (force.force.pings / ".staging").exists()


def test_the_archive_names_a_sealed_file_by_what_was_delivered(tmp_path: Path) -> None:
    found = archive.sealed_path(tmp_path, "gps_pings", LandedFile(tmp_path, "x.csv.gz", 1, 1, "ab" * 32))  # fmt: skip
    assert found == tmp_path / "gps_pings" / "ab" / f"{'ab' * 32}.parquet"
