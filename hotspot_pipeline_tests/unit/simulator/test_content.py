"""The demo as data: concentration, records that hang together, what each night carries."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import h3
import numpy as np
import pytest

from hotspot_pipeline.geo.transform import to_wgs84
from hotspot_pipeline.simulator.crime.kinds import KINDS, OFFENCE_DESCRIPTIONS
from hotspot_pipeline.simulator.delivery.dirt import UNKNOWN_CODE
from hotspot_pipeline_tests.unit.simulator.delivered import delivered_files
from hotspot_pipeline_tests.unit.simulator.small_force import Written

Row = dict[str, str]
N_CELLS = 5270  # of 500 km²
NOT_PUBLIC = {"dwelling", "online", "police_custody", "hospital", "prison"}


def full_rows(demo: Written, feed: str) -> list[Row]:
    file = next(f for f in delivered_files(demo.landing, feed) if f.kind == "full")
    return [row for _, row in file.rows()]


def located(rows: list[Row]) -> tuple[np.ndarray, np.ndarray]:
    points = [
        (float(r["easting"]), float(r["northing"]))
        for r in rows
        if r["easting"].isdigit() and 430_000 < float(r["easting"]) < 470_000
    ]
    east, north = np.array(points).T
    return east, north


def share_holding_half(rows: list[Row]) -> tuple[float, int]:
    """(share of the populated res-9 cells that holds half of the events, number of such cells)."""
    lon, lat = to_wgs84(*located(rows))
    counts = Counter(h3.latlng_to_cell(y, x, 9) for x, y in zip(lon, lat, strict=True))
    running, half = 0, counts.total() / 2
    for n_cells, (_, n) in enumerate(counts.most_common(), start=1):
        running += n
        if running >= half:
            return n_cells / len(counts), len(counts)
    raise AssertionError("no events")


def test_events_are_concentrated_as_crime_is(demo: Written) -> None:
    crimes = full_rows(demo, "crime_extract")
    public = [r for r in crimes if r["location_type"] not in NOT_PUBLIC and r["flag_da"] != "true"]
    for rows in (public, full_rows(demo, "asb_extract")):
        share, n_populated = share_holding_half(rows)
        assert 0.06 < share < 0.25
        assert n_populated > 400


def test_neighbours_of_the_busiest_cells_are_busy(demo: Written) -> None:
    """Spread over the county by chance, a ring's cells would hold what any cell holds."""
    lon, lat = to_wgs84(*located(full_rows(demo, "asb_extract")))
    counts = Counter(h3.latlng_to_cell(y, x, 9) for x, y in zip(lon, lat, strict=True))
    top = [cell for cell, _ in counts.most_common(30)]
    ring = {n for cell in top for n in h3.grid_disk(cell, 1)} - set(top)
    assert np.mean([counts[n] for n in ring]) > 3 * counts.total() / N_CELLS


def test_codes_are_in_the_lookup_and_valid(demo: Written, project: Path) -> None:
    with (project / "data/reference/ho_offence_lookup.csv").open(newline="") as file:
        valid = {
            row["ho_offence_code"]
            for row in csv.DictReader(file)
            if row["valid_from"] <= "2025-12-29" and not row["valid_to"]
        }
    used = {code for kind in KINDS for code in (*kind.codes, *(kind.becomes or {}))}
    assert used <= valid and used == set(OFFENCE_DESCRIPTIONS)
    assert UNKNOWN_CODE not in valid
    delivered = Counter(row["ho_offence_code"] for row in full_rows(demo, "crime_extract"))
    assert set(delivered) - {UNKNOWN_CODE} <= used


@pytest.mark.parametrize("feed", ["crime_extract", "asb_extract"])
def test_no_time_falls_in_the_hour_that_was_skipped(demo: Written, feed: str) -> None:
    for file in delivered_files(demo.landing, feed):
        assert not file.is_csv or b"2026-03-29 01:" not in file.content, file.name


def test_times_of_a_crime_are_in_order(demo: Written) -> None:
    wrong = ("inverted_window", "future_date", "date_without_time")
    dirty = {row["key"] for row in demo.rows("dirt") if row["kind"] in wrong}
    for file in delivered_files(demo.landing, "crime_extract"):
        for _, row in file.rows() if file.is_csv else ():
            assert row["reported_ts_local"] <= row["recorded_ts_local"], row
            assert row["source_last_modified"] <= f"{file.taken_local:%Y-%m-%d %H:%M:%S}", row
            if row["crime_number"] not in dirty:
                assert row["recorded_ts_local"] <= row["source_last_modified"], row
                end = row["committed_to_local"] or row["committed_from_local"]
                assert row["committed_from_local"] <= end <= row["reported_ts_local"], row


def test_status_and_reason_cohere_and_merge_targets_exist(demo: Written) -> None:
    latest: dict[str, Row] = {}
    for file in delivered_files(demo.landing, "crime_extract"):
        rows = [row for _, row in file.rows()] if file.is_csv else []
        latest.update({row["crime_number"]: row for row in rows})
        for row in rows:
            reasons = {
                "live": {""}, "transferred_out": {"C1"}, "merged": {"C3"},
                "cancelled": {"C2", "C4", "C5"},
            }  # fmt: skip
            assert row["cancel_reason"] in reasons[row["record_status"]], row
            assert bool(row["merged_into"]) == (row["record_status"] == "merged"), row
            if row["merged_into"]:
                target = latest[row["merged_into"]]
                assert target["record_status"] in ("live", "cancelled", "merged"), row
                assert target["recorded_ts_local"] <= row["recorded_ts_local"], row
    statuses = Counter(row["record_status"] for row in latest.values())
    assert min(statuses[s] for s in ("cancelled", "transferred_out", "merged")) > 10


def test_each_delta_carries_what_is_new_or_changed_that_night_and_nothing_else(
    demo: Written,
) -> None:
    """Rebuilt from the ledger of changes and the recording times, not from states."""
    files = [f for f in delivered_files(demo.landing, "crime_extract") if f.is_csv]
    # the first full extract and every delta; the weekly full ones carry everything again
    first, *others = (f for f in files if f.taken_local.hour == 2)
    nights = sorted([first, *(f for f in others if f.kind == "delta")], key=lambda f: f.taken_local)
    recorded = {r["crime_number"]: r["recorded_ts_local"] for f in nights for _, r in f.rows()}
    changes = demo.rows("crime_changes")
    kinds: Counter[str] = Counter()
    # their time of recording is wrong
    future = {row["key"] for row in demo.rows("dirt") if row["kind"] == "future_date"}
    for before, night in pairwise(nights):
        since, until = (f"{f.taken_local:%Y-%m-%d %H:%M:%S}" for f in (before, night))
        new = {number for number, at in recorded.items() if since < at <= until}
        changed = {
            c["crime_number"]: c["change"]
            for c in changes
            if since < c["changed_ts_local"] <= until
        }
        sent = {row["crime_number"] for _, row in night.rows()}
        assert sent - future == (new | set(changed)) - future, night.name
        kinds.update(set(changed.values()))
        assert len(new) > 20
    assert set(kinds) == {"class", "status", "geo", "time", "flags", "outcome"}


def test_late_reports_arrive_with_old_dates(demo: Written) -> None:
    ages = [
        (file.taken_local - datetime.fromisoformat(row["committed_from_local"])).days
        for file in delivered_files(demo.landing, "crime_extract")
        if file.is_csv and file.kind == "delta"
        for _, row in file.rows()
        if row["recorded_ts_local"] == row["source_last_modified"]
    ]
    assert sum(age > 7 for age in ages) > 20
    assert np.mean([age <= 2 for age in ages]) > 0.5


def test_asb_logs_refer_to_what_exists(demo: Written) -> None:
    logs: dict[str, Row] = {}
    crimes = {}
    for file in delivered_files(demo.landing):
        if file.feed == "crime_extract" and file.is_csv:
            crimes.update({row["crime_number"]: row for _, row in file.rows()})
        if file.feed == "asb_extract":
            rows = [row for _, row in file.rows()]
            assert len({row["incident_ref"] for row in rows}) == len(rows), file.name
            logs.update({row["incident_ref"]: row for row in rows})
    for ref, row in logs.items():
        number, day = ref.split("-")
        opened = datetime.fromisoformat(row["opened_ts_local"])
        assert number.isdigit() and len(number) == 4 and day == f"{opened:%d%m%Y}", ref
        assert bool(row["closing_codes"]) == bool(row["closed_ts_local"]), ref
        if row["duplicate_of"]:
            first = logs[row["duplicate_of"]]
            delay = opened - datetime.fromisoformat(first["opened_ts_local"])
            assert 0 < delay.total_seconds() <= 1800 and not first["duplicate_of"], ref
        if row["linked_crime_number"] and row["linked_crime_number"] in crimes:
            assert crimes[row["linked_crime_number"]]["incident_ref"] == ref
    assert sum(bool(row["duplicate_of"]) for row in logs.values()) > 50
    assert sum(bool(row["linked_crime_number"]) for row in logs.values()) > 40
    own = {row["incident_ref"] for row in crimes.values()} - {""}
    shared = {ref for ref, row in logs.items() if row["linked_crime_number"]}
    assert own & set(logs) <= shared


def test_an_incident_is_delivered_open_and_again_when_closed(demo: Written) -> None:
    states: dict[str, list[str]] = {}
    first, *others = delivered_files(demo.landing, "asb_extract")
    for file in [first, *(f for f in others if f.kind == "delta")]:
        for _, row in file.rows():
            states.setdefault(row["incident_ref"], []).append(row["closed_ts_local"])
    closed_later = [ref for ref, s in states.items() if s[0] == "" and s[-1] != ""]
    assert len(closed_later) > 5
    # opened, attended, closed, opened again, closed again
    assert all(len(s) <= 5 for s in states.values())
    assert np.mean([len(s) <= 2 for s in states.values()]) > 0.95


def test_premises_lie_in_the_county_and_say_late_when_they_are(demo: Written) -> None:
    (venues,) = delivered_files(demo.landing, "venues")
    rows = [row for _, row in venues.rows()]
    assert len(rows) > 60 and len({row["venue_id"] for row in rows}) == len(rows)
    for row in rows:
        end = row["licence_end_time"]
        assert (row["late_licence"] == "true") == ("00:00" < end < "06:00"), row
    assert {row["category"] for row in rows} == {
        "pub", "bar", "nightclub", "late_takeaway",
    }  # fmt: skip
    (sites,) = delivered_files(demo.landing, "excluded_sites")
    kinds = Counter(row["kind"] for _, row in sites.rows())
    assert {"police_custody", "police_station", "hospital", "prison", "court", "school"} == set(
        kinds
    )
