"""Nights of a small force: new deliveries, bad ones, repeated ones, withdrawn and released ones.

The deliveries are written by hand (`hand_made.py`), so that every number can be counted on the fingers.
"""

from __future__ import annotations

import gzip
from datetime import date

import pytest

from hotspot_pipeline.cli.running import run_force
from hotspot_pipeline.definitions import warehouse_of
from hotspot_pipeline.history import guard
from hotspot_pipeline.settings import SettingsError
from hotspot_pipeline_tests.integration.hand_made import HEADER, SmallForce, command, crime


def test_a_night_with_every_kind_of_bad_file_still_takes_the_good_ones(small: SmallForce) -> None:
    small.deliver("crime_delta_20260611.csv", crime("A1"), crime("A2"))
    small.deliver("crime_delta_20260612.csv", content=b"")
    small.deliver("crime_delta_20260613.csv", content=b"\x89PNG\r\n\x1a\n" + bytes(200))
    whole = gzip.compress(
        ("\n".join((HEADER, *[crime(f"B{n}") for n in range(500)])) + "\n").encode()
    )
    small.deliver("crime_delta_20260614.csv.gz", content=whole[: len(whole) // 2])
    small.deliver("crime_delta_20260615.csv", content=(HEADER.replace(",", ";") + "\n").encode())
    small.deliver("crime_delta_20260616.csv", content=(b"crime_number\nC1\n"))
    small.deliver("crime_delta_20260617.csv", crime("D1"))
    result = small.run()
    refused = {str(r["source_file"]): str(r["rule"]) for r in result["refused_files"]}  # type: ignore[union-attr,index]
    assert set(refused) == {
        "crime_delta_20260612.csv",
        "crime_delta_20260613.csv",
        "crime_delta_20260614.csv.gz",
        "crime_delta_20260615.csv",
        "crime_delta_20260616.csv",
    }
    assert refused["crime_delta_20260613.csv"] == "binary"
    assert refused["crime_delta_20260616.csv"] == "missing_column"
    assert small.rows("select count(*) from validated.crimes") == [(3,)]
    # what was refused stays refused quietly, and is not read again
    assert small.run()["changed"] == []


def test_the_newest_state_counts_and_only_its_weeks_change(small: SmallForce) -> None:
    small.deliver(
        "crime_full_20260611.csv",
        crime("A1", "2026-06-02"),
        crime("A2", "2026-06-09"),
        crime("A3", "2026-06-10"),
    )
    small.run()
    weeks = "select week_start, sum(n_events)::int from hexes.crime_weekly where resolution = 9 group by 1 order by 1"
    assert small.rows(weeks) == [(date(2026, 6, 1), 1), (date(2026, 6, 8), 2)]
    small.deliver(
        "crime_delta_20260612.csv",
        crime("A3", "2026-06-10", status="cancelled"),
        crime("A4", "2026-06-05"),
    )
    result = small.run()
    assert small.rows(weeks) == [(date(2026, 6, 1), 2), (date(2026, 6, 8), 1)]
    touched = small.rows(
        "select table_name, window_start from hexes.refreshed_windows where run_id = "
        "(select run_id from history.extracts order by digested_at_utc desc limit 1) order by 1, 2"
    )
    assert touched == [
        ("hexes.crime_daily", date(2026, 6, 5)),
        ("hexes.crime_daily", date(2026, 6, 10)),
        ("hexes.crime_weekly", date(2026, 6, 1)),
        ("hexes.crime_weekly", date(2026, 6, 8)),
        ("hot_times.event_hours", date(2026, 6, 1)),
        ("hot_times.event_hours", date(2026, 6, 8)),
        ("hot_times.event_nights", date(2026, 6, 1)),
        ("hot_times.event_nights", date(2026, 6, 8)),
    ]
    # a moment is wholly in its hour: 21:30 on the Tuesday and the Friday; what was cancelled has no hours
    assert small.rows("select hour_of_week, weight from hot_times.event_hours order by 1") == [
        (45, 10**12),
        (45, 10**12),
        (117, 10**12),
    ]
    assert small.rows(
        "select time_case, is_counted, n_events from hot_times.time_cases order by 2"
    ) == [("no_end", False, 1), ("no_end", True, 3)]
    assert "hexes.events" in result["changed"]  # type: ignore[operator]
    bulletin = "select period_from, n_before, n_now, change, why from published.recode_bulletin where figure = 'force_week' order by 1"
    assert small.rows(bulletin) == [
        (date(2026, 6, 1), 1, 2, "late", "1 came new"),
        (date(2026, 6, 8), 2, 1, "growing", "1 cancelled"),
    ]
    page = small.force.published / "bulletin" / "bulletin.html"
    assert "Recode bulletin 2: small, data to 2026-06-09" in page.read_text(encoding="utf-8")
    assert small.rows("select summary from published.issues where issue = 2") == [(result["recode_bulletin"],)]  # fmt: skip
    assert small.rows(
        "select exclusion_reason, count(*)::int from hexes.events where not is_counted group by 1"
    ) == [("not_live", 1)]


@pytest.mark.slow
def test_the_same_bytes_again_are_nothing_new(small: SmallForce) -> None:
    small.deliver("crime_delta_20260611.csv", crime("A1"))
    small.run()
    small.deliver("crime_delta_20260612.csv", crime("A1"))
    result = small.run()
    assert result["deliveries"] == []
    assert small.rows(
        "select status, count(*)::int from raw.extract_files group by 1 order by 1"
    ) == [
        ("duplicate", 1),
        ("loaded", 1),
    ]
    assert small.rows("select count(*) from raw.crimes") == [(1,)]


@pytest.mark.slow  # several whole nights
def test_many_nights_at_once_are_one_run_in_their_order(small: SmallForce) -> None:
    for day in range(1, 29):
        small.deliver(
            f"crime_delta_202605{day:02d}T0200.csv",
            crime("A1", "2026-04-30", easting=431950 + 10 * day),
        )
    result = small.run()
    assert len(result["deliveries"]) == 28  # type: ignore[arg-type]
    assert small.rows("select easting from history.crimes_current") == [(431950.0 + 280,)]


@pytest.mark.slow  # four whole nights
def test_a_withdrawn_delivery_leaves_every_table_and_stays_on_record(small: SmallForce) -> None:
    small.deliver("crime_delta_20260611.csv", crime("A1"))
    small.run()
    small.deliver("crime_delta_20260612.csv", crime("A1", status="cancelled"), crime("A2"))
    small.run()
    (extract,) = [
        r[0]
        for r in small.rows(
            "select extract_id from raw.extracts where extract_ts_utc > '2026-06-11'"
        )
    ]
    answer = command("withdraw", str(extract), "--because", "wrong window")
    assert answer["withdrawn"] == extract
    assert small.rows(
        "select crime_pid is not null, record_status from history.crimes_current"
    ) == [(True, "live")]
    for table in ("raw.crimes", "validated.crimes"):
        assert small.rows(f"select count(*) from {table} where extract_id = '{extract}'") == [(0,)]
    assert (
        small.rows("select state, reason from published.deliveries where state <> 'accepted'")[0][0]
        == "withdrawn"
    )
    measures = dict(
        small.rows("select measure, n from published.data_quality where part = 'records'")
    )  # type: ignore[arg-type]
    assert (
        measures["records delivered"],
        measures["records accepted"],
        measures["records withdrawn"],
    ) == (3, 1, 2)
    # the same bytes stay out
    assert small.run()["deliveries"] == []


@pytest.mark.slow
def test_a_partial_full_extract_is_held_and_can_be_released(small: SmallForce) -> None:
    small.deliver("crime_full_20260611.csv", *[crime(f"A{n}") for n in range(100)])
    small.run()
    small.deliver(
        "crime_full_20260612.csv", *[crime(f"A{n}", status="cancelled") for n in range(60)]
    )
    result = small.run()
    (taken,) = result["deliveries"]  # type: ignore[misc]
    assert taken["state"] == "held"  # type: ignore[index]
    # nothing of it counts: yesterday's states stand
    assert small.rows(
        "select count(*) from history.crimes_current where record_status = 'live'"
    ) == [(100,)]
    assert small.rows(
        "select n_held, n_accepted from published.deliveries where state = 'held'"
    ) == [(60, 0)]
    command("release", str(taken["extract_id"]), "--because", "the force closed a station")  # type: ignore[index]
    assert small.rows(
        "select count(*) from history.crimes_current where record_status = 'live'"
    ) == [(40,)]
    assert small.rows("select count(*) from published.deliveries where state = 'held'") == [(0,)]


@pytest.mark.slow
def test_a_full_extract_every_night_is_one_copy(small: SmallForce) -> None:
    rows = [crime(f"A{n}", "2026-06-02") for n in range(20)]
    for day in range(11, 16):  # the same records in another order are other bytes
        small.deliver(f"crime_full_202606{day}.csv", *rows[day:], *rows[:day])
    result = small.run()
    for table in ("raw.crimes", "validated.crimes", "raw.full_runs", "history.crimes_current"):
        assert small.rows(f"select count(*) from {table}") == [(20,)], table
    assert [d["n_repeated"] for d in result["deliveries"]] == [0, 20, 20, 20, 20]  # type: ignore[union-attr,index,call-overload]
    measures = dict(small.rows("select measure, n from published.data_quality where part = 'records' and n > 0"))  # type: ignore[arg-type]  # fmt: skip
    assert measures == {"records delivered": 100, "records accepted": 20, "records repeated": 80}
    assert small.run()["changed"] == []
    # what is withdrawn first is still what the other nights hold
    first = str(small.rows("select min(extract_id) from raw.extracts")[0][0])
    command("withdraw", first, "--because", "sent too early")
    assert small.rows("select count(*) from validated.crimes") == [(20,)]
    measures = dict(small.rows("select measure, n from published.data_quality where part = 'records' and n > 0"))  # type: ignore[arg-type]  # fmt: skip
    assert measures == {"records delivered": 100, "records accepted": 20, "records repeated": 60, "records withdrawn": 20}  # fmt: skip


@pytest.mark.slow
def test_a_held_night_makes_no_issue_and_a_lost_page_comes_back(
    small: SmallForce, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = [crime(f"A{n}", "2026-06-02") for n in range(20)]
    small.deliver("crime_full_20260616.csv", *recorded, crime("B", "2026-06-16"))
    small.run()
    page = small.force.published / "bulletin" / "bulletin.html"
    issues = "select issue, n_changed, n_recoded from published.issues order by 1"
    before = page.read_bytes()
    monkeypatch.setattr(guard, "MIN_RECORDS", 1)
    cancelled = [crime(f"A{n}", "2026-06-02", status="cancelled") for n in range(7)]
    small.deliver("crime_delta_20260617.csv", *cancelled)
    outcomes, _ = run_force(small.settings, small.force, quiet=True)
    assert not outcomes[0].success
    assert (small.rows(issues), page.read_bytes()) == ([(1, 0, 0)], before)
    ((held,),) = small.rows("select extract_id from history.extracts where is_held")
    command("release", str(held), "--because", "an audit")
    # the force's week, the hotspot's and its count over the window
    assert small.rows(issues)[1:] == [(2, 3, 7)]
    after = page.read_bytes()
    assert b"7 records recoded: 7 cancelled" in after
    page.unlink()  # as if killed between the tables and the files
    assert small.run()["changed"] == []
    assert (len(small.rows(issues)), page.read_bytes()) == (2, after)


@pytest.mark.slow
def test_a_delivery_still_being_written_waits(small: SmallForce) -> None:
    (small.landing / "crime_delta_20260611.csv.part").write_text(HEADER)
    small.deliver("crime_delta_20260612.csv", crime("A1"))
    assert len(small.run()["deliveries"]) == 1  # type: ignore[arg-type]


@pytest.mark.slow
def test_hotspots_keep_their_ids_after_the_sign_off(small: SmallForce) -> None:
    small.deliver("crime_delta_20260611.csv", *[crime(f"A{n}", "2026-05-10") for n in range(9)])
    small.run()
    answer = command("signoff", "--by", "analyst", "--because", "first selection")
    (signed,) = answer["signed"]  # type: ignore[misc]
    small.deliver(
        "crime_delta_20260612.csv",
        *[crime(f"B{n}", "2026-05-11", easting=436012, northing=262034) for n in range(30)],
    )
    small.run()
    statuses = dict(small.rows("select hotspot_id, status from hexes.hotspots"))  # type: ignore[arg-type]
    assert statuses[signed] == "signed"
    assert sorted(statuses.values()) == ["proposed", "signed"]


def test_no_plain_crime_number_leaves_the_raw_stage(small: SmallForce) -> None:
    small.deliver(
        "crime_delta_20260611.csv", crime("SECRET/123/26"), crime("SECRET/124/26", code="999/99")
    )
    small.run()
    with warehouse_of(small.settings, small.force).session(read_only=True) as session:
        for name, contract in session.catalog.items():
            if contract.stage == "raw" or not session.exists(name):
                continue
            text = session.frame(f"select * from {name}").write_csv()
            assert "SECRET" not in text, name
    for path in (*small.force.published.rglob("*"), *small.force.reports.rglob("*")):
        if path.is_file():
            assert b"SECRET" not in path.read_bytes(), path.name


def test_an_empty_force_runs_green(small: SmallForce) -> None:
    result = small.run()
    assert result["deliveries"] == []
    assert small.rows("select count(*) from hexes.hotspots") == [(0,)]
    assert (small.force.published / "pictures" / "hotspot_map.png").exists()


@pytest.mark.slow
def test_a_rebuilt_table_is_the_same_table(small: SmallForce) -> None:
    small.deliver("crime_delta_20260611.csv", crime("A1"), crime("A2", code="999/99"))
    small.run()
    everything = "select * exclude (validated_at_utc) from validated.extract_counts"
    before = (small.rows("select * from validated.crimes"), small.rows(everything))
    run_force(small.settings, small.force, rebuild=("validated.crimes", "hexes.events"), quiet=True)
    assert (small.rows("select * from validated.crimes"), small.rows(everything)) == before
    assert small.rows("select count(*) from validated.rejects") == [(1,)]
    for table in ("validated.rejects", "raw.crimes", "nosuch.table"):
        with pytest.raises(SettingsError, match=table.split(".")[1]):
            run_force(small.settings, small.force, rebuild=(table,), quiet=True)
