"""The force's own rates of recoding and lateness: each kind by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from hotspot_pipeline_tests.sql.conftest import Desk, picked
from hotspot_pipeline_tests.sql.history.made_versions import TABLES, Row, give_groups, mask

MODEL = "history.measured_rates"
LOAD = datetime(2026, 1, 1, 2)
SEEN = datetime(2026, 1, 10, 2)
NEWEST = SEEN + timedelta(days=90)
OF_CRIMES = (
    "reclassified", "cancelled", "transferred_out", "merged", "non_crime", "moved", "moved_cell", "redated", "flag_changed",
    "reinstated", "missing", "late_report_1d", "late_report_28d", "late_record_24h",
)  # fmt: skip
OF_INCIDENTS = ("reclassified", "moved", "moved_cell", "redated", "flag_changed", "missing")
GONE = ("cancelled", "transferred_out", "merged", "non_crime")
CRIME: Row = {
    "feed": "niche", "record_id": "a", "policeuk_category": "Robbery", "easting": 430000.0, "northing": 260000.0, "cell_r9": 9,
    "committed_time_known": "exact", "record_status": "live",
}  # fmt: skip


@pytest.fixture
def at_hand(desk: Desk) -> Desk:
    give_groups(desk)
    book(desk, "crimes")
    return desk


def book(desk: Desk, table: str, newest: datetime = NEWEST) -> None:
    common = {"table_name": table, "feed": "niche"}
    desk.given(
        "history.extracts",
        {**common, "extract_id": f"{table} first", "order_ts_utc": LOAD, "is_first_load": True},
        {**common, "extract_id": f"{table} newest", "order_ts_utc": newest},
        {**common, "extract_id": f"{table} gone", "order_ts_utc": newest + timedelta(days=9), "withdrawn_known_utc": newest},
    )  # fmt: skip


def life(*states: Mapping[str, Any], name: str = "a", days: float = 10) -> list[Row]:
    """States of one record, `days` apart; a state says what differs from the one before it."""
    rows: list[Row] = []
    for n, state in enumerate(states):
        moment = SEEN + timedelta(days=days * n)
        times = {
            "observed_utc": moment,
            "known_from_utc": moment,
            "version_no": n + 1,
            "record_id": name,
        }
        now = {**(rows[-1] if rows else CRIME), **times, **state}
        rows.append(
            {**now, "change_mask": state.get("change_mask", mask(rows[-1] if rows else None, now))}
        )
    return rows


def changed(desk: Desk, kinds: tuple[str, ...] = OF_CRIMES) -> dict[str, tuple[int, int | None]]:
    rows = desk.run(MODEL)
    assert {r["kind"] for r in rows} == set(kinds)
    assert {r["n_records"] for r in rows if not r["kind"].startswith("late")} == {1}
    return {r["kind"]: (r["n_changed"], r["median_lag_days"]) for r in rows if r["n_changed"]}


HERE = {"easting": 430000.0, "northing": 260000.0, "cell_r9": 9}
CASES: dict[str, tuple[list[Mapping[str, Any]], list[str]]] = {
    "nothing": ([{}, {"change_mask": "outcome"}], []),
    "reclassified": ([{}, {"change_mask": "class,outcome"}], ["reclassified"]),
    "redated": ([{}, {"change_mask": "time"}], ["redated"]),
    "a flag": ([{}, {"change_mask": "flags"}], ["flag_changed"]),
    **{s: ([{}, {"record_status": s}], [s]) for s in GONE},
    "missing": ([{}, {"record_status": "missing_from_source"}], ["missing"]),
    "missing and back": (
        [{}, {"record_status": "missing_from_source"}, {"record_status": "live"}],
        ["missing"]),
    "back with another class": (
        [{}, {"record_status": "missing_from_source"}, {"record_status": "live", "change_mask": "returned,class"}],
        ["missing", "reclassified"]),
    "reinstated": ([{"record_status": "cancelled"}, {"record_status": "live"}], ["reinstated"]),
    "cancelled before it was seen": ([{"record_status": "cancelled"}, {"record_status": "cancelled"}], []),
    "cancelled, missing, still cancelled": (
        [{"record_status": "cancelled"}, {"record_status": "missing_from_source"}, {"record_status": "cancelled"}],
        ["missing"]),
    "moved by 50 m": ([HERE, {"easting": 430030.0, "northing": 260040.0}], []),
    "moved by more": ([HERE, {"easting": 430030.0, "northing": 260040.1}], ["moved"]),
    "moved within its cell": ([HERE, {"easting": 430100.0}], ["moved"]),
    "moved over an edge": ([HERE, {"easting": 430001.0, "cell_r9": 10}], ["moved_cell"]),
    "place lost": ([HERE, {"easting": None, "northing": None, "cell_r9": None}], ["moved_cell"]),
    "place found": ([{"easting": None, "northing": None, "cell_r9": None}, HERE], ["moved_cell"]),
}  # fmt: skip


@pytest.mark.parametrize(("states", "kinds"), CASES.values(), ids=CASES.keys())
def test_what_counts_as_which_change(states: list[Mapping[str, Any]], kinds: list[str], at_hand: Desk) -> None:  # fmt: skip
    at_hand.given(TABLES["crimes"], *life(*[{"record_status": "live", **states[0]}, *states[1:]]))
    assert sorted(changed(at_hand)) == sorted(kinds)


def test_the_lag_is_that_of_the_first_change(at_hand: Desk) -> None:
    at_hand.given(
        TABLES["crimes"], *life({}, {}, {"change_mask": "class"}, {"change_mask": "class"})
    )
    assert changed(at_hand) == {"reclassified": (1, 20)}


@pytest.mark.parametrize(("days", "n"), [(90, 1), (90.0001, 0)])
def test_a_change_counts_within_90_days(days: float, n: int, at_hand: Desk) -> None:
    book(at_hand, "crimes", NEWEST + timedelta(days=30))
    at_hand.given(TABLES["crimes"], *life({}, {"change_mask": "class"}, days=days))
    assert changed(at_hand).get("reclassified", (0, None))[0] == n


def test_only_records_with_90_days_behind_them_and_not_of_the_first_load(at_hand: Desk) -> None:
    def seen(name: str, moment: datetime) -> Row:
        return life({"observed_utc": moment, "known_from_utc": moment}, name=name)[0]

    at_hand.given(
        TABLES["crimes"],
        seen("with the first load", LOAD),
        seen("long enough", SEEN),
        seen("the day after", SEEN + timedelta(seconds=1)),
    )
    assert {r["n_records"] for r in at_hand.run(MODEL) if not r["kind"].startswith("late")} == {1}


def test_what_a_withdrawn_extract_showed_is_no_recode(at_hand: Desk) -> None:
    first, wrong, right = life({}, {"change_mask": "class,geo", "easting": 0.0}, CRIME)
    wrong |= {"taken_back_utc": NEWEST, "version_no": None}
    at_hand.given(TABLES["crimes"], first, wrong, right | {"version_no": 2, "change_mask": "admin"})
    assert changed(at_hand) == {}


def test_a_record_of_withdrawn_extracts_is_new_when_it_is_really_seen(at_hand: Desk) -> None:
    at_hand.given(
        TABLES["crimes"], *life({"record_status": "withdrawn"}, {"record_status": "live"}, days=-1)
    )
    assert changed(at_hand) == {}


def test_a_feed_that_knows_months_is_not_measured(at_hand: Desk) -> None:
    at_hand.given(TABLES["crimes"], *life({"committed_time_known": "month"}))
    assert at_hand.run(MODEL) == []


def hours(n: float) -> timedelta:
    return timedelta(hours=n)


LATE = {
    "in time": (1, 24, [], None),
    "a day and a second": (24.001, 24, ["late_report_1d"], 1),
    "28 days": (672, 24, ["late_report_1d"], 28),
    "more than 28 days": (673, 24, ["late_report_1d", "late_report_28d"], 28),
    "recorded late": (1, 24.001, ["late_record_24h"], 1),
}


@pytest.mark.parametrize(("report", "record", "kinds", "lag"), LATE.values(), ids=LATE.keys())
def test_lateness_is_that_of_the_first_state(report: float, record: float, kinds: list[str], lag: int | None, at_hand: Desk) -> None:  # fmt: skip
    began = datetime(2026, 1, 1, 6)
    ended = began + hours(12)
    times = {
        "committed_from_utc": began, "committed_to_utc": ended, "reported_ts_utc": ended + hours(report),
        "recorded_ts_utc": ended + hours(report) + hours(record),
    }  # fmt: skip
    at_hand.given(TABLES["crimes"], *life(times, {"reported_ts_utc": ended + hours(9999)}))
    found = changed(at_hand)
    assert sorted(found) == kinds
    assert {v for _, v in found.values()} == ({lag} if lag else set())


def test_records_without_the_times_are_not_in_that_share(at_hand: Desk) -> None:
    moment = datetime(2026, 1, 1)
    both = {"committed_from_utc": moment, "reported_ts_utc": moment, "recorded_ts_utc": None}
    at_hand.given(
        TABLES["crimes"],
        *life(both, name="a"),
        *life({}, name="b"),
        *life(both | {"recorded_ts_utc": moment + hours(48)}, name="c"),
    )
    rows = {r["kind"]: (r["n_records"], r["n_changed"], r["share"]) for r in at_hand.run(MODEL)}
    assert rows["late_report_1d"] == rows["late_report_28d"] == (2, 0, 0.0)
    assert rows["late_record_24h"] == (1, 1, 1.0)
    assert rows["missing"] == (3, 0, 0.0)


def test_median_and_85_percent_are_nearest_ranks(at_hand: Desk) -> None:
    """The example of docs/methods.md: twenty changes after 1, 2, 3 ... 20 days, among 40 records."""
    for n in range(1, 21):
        at_hand.given(TABLES["crimes"], *life({}, {"change_mask": "class"}, name=f"r{n}", days=n), *life({}, name=f"s{n}"))  # fmt: skip
    [row] = [r for r in at_hand.run(MODEL) if r["kind"] == "reclassified"]
    assert (row["n_records"], row["n_changed"], row["share"]) == (40, 20, 0.5)
    assert (row["median_lag_days"], row["p85_lag_days"]) == (10, 17)


def test_the_group_is_that_of_the_first_state(at_hand: Desk) -> None:
    at_hand.given(
        TABLES["crimes"], *life({}, {"change_mask": "class", "policeuk_category": "Violence"})
    )
    assert {r["cat_group"] for r in at_hand.run(MODEL)} == {"ROBBERY"}


def test_incidents_have_the_kinds_that_they_can_have(desk: Desk) -> None:
    book(desk, "asb_incidents")
    columns = desk.session.catalog[TABLES["asb_incidents"]].column_types
    rows = life({}, {"change_mask": "class"}, {"change_mask": "flags", "cell_r9": 4})
    desk.given(
        TABLES["asb_incidents"], *({k: v for k, v in r.items() if k in columns} for r in rows)
    )
    assert changed(desk, OF_INCIDENTS) == {"reclassified": (1, 10), "flag_changed": (1, 20), "moved_cell": (1, 20)}  # fmt: skip
    assert {(r["cat_group"], r["assumed_from"], r["is_within_assumed"]) for r in desk.run(MODEL)} == {("ASB", None, None)}  # fmt: skip


def test_each_share_stands_beside_what_was_assumed(at_hand: Desk) -> None:
    for n in range(20):
        at_hand.given(TABLES["crimes"], *life({}, *([{"change_mask": "class,flags"}] if n == 0 else []), name=f"r{n}", days=1))  # fmt: skip
    rows = {r["kind"]: r for r in at_hand.run(MODEL)}
    shown = picked([rows["reclassified"], rows["flag_changed"], rows["redated"], rows["missing"]],
                   "share", "assumed_from", "assumed_to", "is_within_assumed", "assumed_source")  # fmt: skip
    told = "planning assumption, not verified"
    assert shown == [(0.05, 0.01, 0.04, False, told), (0.05, 0.03, 0.05, True, told), (0.0, 0.03, 0.06, False, told),
                     (0.0, None, None, None, None)]  # fmt: skip
