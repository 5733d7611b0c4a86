"""What changed, from what to what and why, in words; which extract is named for it; and where it touches the figures."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from hotspot_pipeline_tests.sql.conftest import Desk
from hotspot_pipeline_tests.sql.history.made_extracts import (
    MONDAY,
    TICK,
    Nights,
    cell,
    crime,
    groups,
    incident,
    night,
    on,
    place,
    tiles,
)

FRIDAY = date(2026, 1, 9)
NOWHERE = {"easting": None, "northing": None, "cell_r8": None, "cell_r9": None, "cell_r10": None, "is_inside_force": None}  # fmt: skip
EVENING = datetime(2026, 1, 9, 22)
C = "cancelled"

# what it was told first, what then, and the recodes: aspect, was, became, words, why
CRIMES: dict[str, tuple[dict[str, Any], dict[str, Any], list[tuple[Any, ...]]]] = {
    "class within its group": (
        {}, {"ho_offence_code": "005/04"},
        [("class", "008/06 (VAP)", "005/04 (VAP)", "reclassified within its group", None)]),
    "class into another group": (
        {}, {"ho_offence_code": "034/01"},
        [("class", "008/06 (VAP)", "034/01 (ROBBERY)", "reclassified into another group", None)]),
    "class that no lookup knows": (
        {}, {"ho_offence_code": "999/99"},
        [("class", "008/06 (VAP)", "999/99 (OTHER)", "reclassified into another group", None)]),
    "class of a public feed": (
        {"ho_offence_code": None, "policeuk_category": "Public order"}, {"ho_offence_code": None, "policeuk_category": "Burglary"},
        [("class", "Public order (PUBLIC_ORDER)", "Burglary (OTHER)", "reclassified into another group", None)]),
    "cancelled C1": (
        {}, {"record_status": C, "cancel_reason": "C1"},
        [("status", "live", "cancelled C1", "cancelled", "outside the jurisdiction of the force")]),
    "cancelled C3": (
        {}, {"record_status": C, "cancel_reason": "C3"},
        [("status", "live", "cancelled C3", "cancelled", "part of, or the same as, a crime on record")]),
    "cancelled C5": (
        {}, {"record_status": C, "cancel_reason": "C5"},
        [("status", "live", "cancelled C5", "cancelled", "self-defence claimed")]),
    "cancelled without a reason": (
        {}, {"record_status": C}, [("status", "live", "cancelled", "cancelled", None)]),
    "cancelled for a reason nobody knows": (
        {}, {"record_status": C, "cancel_reason": "C9"}, [("status", "live", "cancelled C9", "cancelled", None)]),
    "cancelled for another reason": (
        {"record_status": C, "cancel_reason": "C2"}, {"record_status": C, "cancel_reason": "C4"},
        [("status", "cancelled C2", "cancelled C4", "the reason of its status changed", "recorded in error")]),
    "transferred": (
        {}, {"record_status": "transferred_out", "cancel_reason": "C1"},
        [("status", "live", "transferred_out C1", "transferred out", "outside the jurisdiction of the force")]),
    "merged": (
        {}, {"record_status": "merged", "merged_into_pid": "q"},
        [("status", "live", "merged", "merged into another crime", None)]),
    "turned into a non-crime": (
        {}, {"record_status": "non_crime"}, [("status", "live", "non_crime", "turned into a non-crime", None)]),
    "reinstated": (
        {"record_status": "non_crime"}, {}, [("status", "non_crime", "live", "reinstated", None)]),
    "moved to another cell": (
        {}, place(3, 4), [("geo", "431000 265000", "434000 269000", "moved 5000 m, to another cell", None)]),
    "moved within its cell": (
        {}, {"easting": 431003.0, "northing": 264996.0},
        [("geo", "431000 265000", "431003 264996", "moved 5 m, within its cell", None)]),
    "location found": (NOWHERE, {}, [("geo", "no location", "431000 265000", "location found", None)]),
    "location lost": ({}, NOWHERE, [("geo", "431000 265000", "no location", "location lost", None)]),
    "another kind of place": (
        {}, {"location_type": "dwelling"},
        [("geo", "431000 265000", "431000 265000", "the kind of place or the precision of the location changed", None)]),
    "another hour": (
        {}, on(datetime(2026, 1, 9, 20, 15)),
        [("time", "2026-01-09 22:00", "2026-01-09 20:15", "the time of the event changed within its day", None)]),
    "a window instead of a moment": (
        {}, {"committed_to_local": datetime(2026, 1, 10, 7), "committed_time_known": "window"},
        [("time", "2026-01-09 22:00", "2026-01-09 22:00 to 2026-01-10 07:00", "the time of the event changed within its day", None)]),
    "the end of the window": (
        {"committed_to_local": datetime(2026, 1, 9, 23)}, {"committed_to_local": datetime(2026, 1, 10, 1)},
        [("time", "2026-01-09 22:00 to 2026-01-09 23:00", "2026-01-09 22:00 to 2026-01-10 01:00", "the time of the event changed within its day", None)]),
    "another day": (
        {}, on(datetime(2026, 1, 8, 20)),
        [("time", "2026-01-09 22:00", "2026-01-08 20:00", "moved to another day", None)]),
    "another week of another month": (
        {}, on(datetime(2025, 12, 8, 20)),
        [("time", "2026-01-09 22:00", "2025-12-08 20:00", "moved to another week", None)]),
    "a flag": ({}, {"flag_knife": True}, [("flags", "knife not known", "knife yes", "flags changed", None)]),
    "several flags": (
        {"flag_knife": False, "flag_da": True, "flag_hate": True}, {"flag_knife": True, "flag_da": None, "flag_hate": True},
        [("flags", "knife no, da yes", "knife yes, da not known", "flags changed", None)]),
    "outcome": (
        {}, {"outcome_code": "18"}, [("outcome", None, "18", "outcome changed", None)]),
    "outcome in words": (
        {"outcome_desc": "Under investigation"}, {"outcome_desc": "Offender given a caution"},
        [("outcome", "Under investigation", "Offender given a caution", "outcome changed", None)]),
    "nothing but a beat": ({}, {"beat_code": "B9", "source_last_modified": EVENING}, []),
    "three things in one night": (
        {}, {"ho_offence_code": "005/04", "flag_alcohol": True, "record_status": C, "cancel_reason": "C2"},
        [("class", "008/06 (VAP)", "005/04 (VAP)", "reclassified within its group", None),
         ("flags", "alcohol not known", "alcohol yes", "flags changed", None),
         ("status", "live", "cancelled C2", "cancelled", "additional verifiable information: no notifiable crime")]),
}  # fmt: skip
INCIDENTS: dict[str, tuple[dict[str, Any], dict[str, Any], list[tuple[Any, ...]]]] = {
    "categorised anew": (
        {}, {"nsir_category": "Admin"}, [("class", "ASB", "Admin", "categorised anew", None)]),
    "crimed": ({}, {"linked_crime_pid": "p"}, [("status", "incident", "crimed", "recorded as a crime", None)]),
    "a repeated call": (
        {}, {"duplicate_of_pid": "j"}, [("status", "incident", "repeated call", "found to repeat another call", None)]),
    "a call of its own again": (
        {"duplicate_of_pid": "j"}, {},
        [("status", "repeated call", "incident", "counts as an incident of its own again", None)]),
    "moved": ({}, place(0, 2), [("geo", "431000 265000", "431000 267000", "moved 2000 m, to another cell", None)]),
    "another day": (
        {}, {"opened_ts_local": datetime(2026, 1, 8, 9), "police_day": date(2026, 1, 8)},
        [("time", "2026-01-09 21:00", "2026-01-08 09:00", "moved to another day", None)]),
    "another source": (
        {"partner_source": "police"}, {"partner_source": "council"},
        [("flags", "police", "council", "source changed", None)]),
    "closed": (
        {}, {"asb_type": "noise", "closed_ts_local": EVENING},
        [("outcome", None, "noise", "progress of the incident", None)]),
}  # fmt: skip
ASPECTS = ("aspect", "was", "became", "words", "why")


@pytest.fixture
def told(desk: Desk) -> Nights:
    desk.given(
        "validated.policeuk_categories",
        {"policeuk_category": "Public order", "cat_group": "PUBLIC_ORDER"},
        {"policeuk_category": "Burglary", "cat_group": "OTHER"},
    )
    groups(desk)
    return Nights(desk)


@pytest.mark.parametrize("case", CRIMES)
def test_a_change_of_a_crime_in_words(case: str, told: Nights) -> None:
    before, after, expected = CRIMES[case]
    told.night(0, crime("p", **before))
    told.night(1, crime("p", **after))
    assert told.recodes(*ASPECTS) == [("p", *row) for row in expected]
    assert {r[1:] for r in told.recodes("known_from_utc", "extract_id", "table_name", "feed", "source_system")} <= {
        (night(1), "delta-0602-020000000000", "crimes", "crime_extract", "niche")}  # fmt: skip


@pytest.mark.parametrize("case", INCIDENTS)
def test_a_change_of_an_incident_in_words(case: str, desk: Desk) -> None:
    before, after, expected = INCIDENTS[case]
    told = Nights(desk, table="asb_incidents")
    told.night(0, incident("i", **before))
    told.night(1, incident("i", **after))
    assert told.recodes(*ASPECTS) == [("i", *row) for row in expected]
    assert {r[1] for r in told.recodes("table_name")} <= {"asb_incidents"}


def test_every_aspect_is_told_by_some_case() -> None:
    shown = {row[0] for cases in (CRIMES, INCIDENTS) for _, _, rows in cases.values() for row in rows}  # fmt: skip
    assert shown == {"class", "status", "geo", "time", "flags", "outcome"}


def test_a_month_of_a_feed_without_days(told: Nights) -> None:
    """A public release says only the month: the row is another one of another month, the old one is gone."""
    common = {
        "committed_from_local": None,
        "committed_time_known": "month",
        "police_day": None,
        "week_start": None,
    }
    release = {"feed": "police_uk_street"}
    first, second = (
        crime("p", month=month, **common) for month in (date(2026, 1, 1), date(2026, 2, 1))
    )
    other = crime("q", month=date(2026, 1, 1), **common)
    told.deliver(night(0), [first, other], kind="snapshot", name="r1", **release)
    told.deliver(night(1), [other, second], kind="snapshot", name="r2", **release)
    assert told.recodes(*ASPECTS, "month_before", "month_after", "week_before") == [
        ("p", "time", "2026-01", "2026-02", "moved to another month", None, date(2026, 1, 1), date(2026, 2, 1), None)]  # fmt: skip
    assert told.affected("side", "week_start", "police_day", "month", "event_date") == {
        ("left", None, None, date(2026, 1, 1), date(2026, 1, 1)),
        ("came", None, None, date(2026, 2, 1), date(2026, 2, 1))}  # fmt: skip


@pytest.mark.parametrize("change", [{"outcome_code": "1"}, {"outcome_ts_local": EVENING}, {"beat_code": "x"}, {"lsoa21cd": "E0"},
                                    {"source_last_modified": EVENING}, {"occurrence_pid": "o"}], ids=str)  # fmt: skip
def test_outcomes_and_administration_touch_nothing(change: dict[str, Any], told: Nights) -> None:
    told.night(0, crime("p"))
    told.night(1, crime("p", **change))
    assert len(told.versions("p")) == 2
    assert told.affected("side") == set()
    assert told.desk.session.value("select max(n_changed) from history.extracts") == 0


def test_an_outcome_along_with_a_class_still_touches_its_cell(told: Nights) -> None:
    told.night(0, crime("p"))
    told.night(1, crime("p", outcome_code="1", ho_offence_code="034/01"))
    assert told.affected("side", "cell_r9", "cat_group") == {
        ("left", cell(0), "VAP"), ("came", cell(0), "ROBBERY")}  # fmt: skip


def test_a_change_of_what_is_not_live_touches_nothing(told: Nights) -> None:
    told.night(0, crime("p", record_status=C))
    told.night(1, crime("p", record_status=C, ho_offence_code="034/01", **place(1)))
    assert [r[1] for r in told.recodes("aspect")] == ["class", "geo"]
    assert told.affected("side") == set()


def test_a_record_without_location_is_counted_in_cell_nought(told: Nights) -> None:
    told.night(0, crime("p", **NOWHERE))
    told.night(1, crime("p"))
    assert told.affected("side", "cell_r9") == {("left", 0), ("came", cell(0))}


@pytest.mark.parametrize("each", [True, False])
def test_a_first_load_gives_neither_recodes_nor_affected_weeks(each: bool, desk: Desk) -> None:
    groups(desk)
    told = Nights(desk, each=each)
    told.night(0, crime("p"), crime("q"))
    assert told.recodes() == [] and told.affected("side") == set()
    assert [r["is_first_load"] for r in desk.rows("history.extracts")] == [True]
    told.night(1, crime("p", ho_offence_code="034/01"))
    assert len(told.recodes()) == 1 and len(told.affected("side")) == 2


def test_records_of_one_cell_day_and_group_are_counted_together(told: Nights) -> None:
    told.night(0, crime("p"), crime("q"), crime("r"))
    told.night(1, *(crime(p, **place(2)) for p in "pqr"), crime("s", **place(2)), crime("t"))
    assert told.affected("side", "cell_r9", "n_records", "n_new") == {
        ("left", cell(0), 3, 0), ("came", cell(0), 1, 1), ("came", cell(2), 4, 1)}  # fmt: skip


def test_the_night_into_a_new_month_touches_one_day_and_both_months(told: Nights) -> None:
    """A police day ends at 06:00: what happens before that on the first of a month is of the last day of the month before."""
    told.night(0, crime("p"))
    eve = {**on(datetime(2026, 5, 31, 23)), "month": date(2026, 5, 1)}
    told.night(1, crime("q", **eve), crime("r", **{**eve, "month": date(2026, 6, 1)}))
    day = date(2026, 5, 31)
    assert told.affected("police_day", "month", "n_records") == {
        (day, date(2026, 5, 1), 1), (day, date(2026, 6, 1), 1)}  # fmt: skip
    assert told.desk.bad_rows("history.affected_weeks", "grain_is_unique") == 0


def test_the_group_is_that_of_the_day_on_which_it_was_recorded(desk: Desk) -> None:
    spring = date(2026, 4, 1)
    groups(
        desk,
        [
            {"ho_offence_code": "008/06", "cat_group": "VAP", "valid_to": date(2026, 3, 31)},
            {"ho_offence_code": "008/06", "cat_group": "PUBLIC_ORDER", "valid_from": spring},
        ],
    )
    told = Nights(desk)
    told.night(0, crime("x"))
    told.night(1, crime("p", recorded_ts_local=datetime(2026, 3, 31, 23)), crime("q", recorded_ts_local=datetime(2026, 4, 1)))  # fmt: skip
    assert told.affected("cat_group", "n_records") == {("VAP", 1), ("PUBLIC_ORDER", 1)}


# ---------- who is named


def test_a_withdrawal_is_named_for_what_it_takes_back(told: Nights) -> None:
    told.night(0, crime("p"), name="first")
    told.night(1, crime("p", ho_offence_code="034/01"), crime("q", **place(1)), name="wrong")
    told.night(2, crime("r", **place(2)), name="after")
    told.withdraw("wrong")
    learned = night(2) + TICK
    assert told.recodes("known_from_utc", "extract_id", *ASPECTS)[1:] == [
        ("p", learned, "wrong", "class", "034/01 (ROBBERY)", "008/06 (VAP)", "reclassified into another group", None),
        ("q", learned, "wrong", "withdrawn", "live", "withdrawn", "no longer known", "only withdrawn extracts had shown it"),
    ]  # fmt: skip
    assert {a[1:] for a in told.affected("known_from_utc", "extract_id", "side", "cell_r9", "cat_group") if a[0] == learned} == {
        ("wrong", "left", cell(0), "ROBBERY"), ("wrong", "came", cell(0), "VAP"), ("wrong", "left", cell(1), "VAP")}  # fmt: skip
    assert told.moves()[learned] == (3, {"n_withdrawn": 1}, 2)
    [row] = told.version_rows("q")[-1:]
    assert (row["record_status"], row["change_mask"], row["known_from_utc"]) == ("withdrawn", "withdrawn", learned)  # fmt: skip
    assert set(told.current()) == {"p", "r"}
    assert set(told.current(night(2))) == {"p", "q", "r"}


def test_a_withdrawn_record_that_comes_again_is_back(told: Nights) -> None:
    told.night(0, crime("p"), name="first")
    told.night(1, crime("q"), name="wrong")
    told.withdraw("wrong")
    told.night(2, crime("q"), name="right")
    assert told.recodes("extract_id", *ASPECTS)[1:] == [
        ("q", "right", "returned", "withdrawn", "live", "in the source again", None)]  # fmt: skip
    assert [m[1:] for m in told.moves().values()][1:] == [
        ({"n_new": 1}, 2), ({"n_withdrawn": 1}, 1), ({"n_reinstated": 1}, 2)]  # fmt: skip


def test_a_late_extract_is_named_for_what_it_brings(told: Nights) -> None:
    told.night(0, crime("p"), crime("q"), name="first")
    told.night(3, crime("p", **place(1)), name="newer")
    told.deliver(night(1), [crime("q", ho_offence_code="034/01"), crime("r")], kind="delta", name="late")  # fmt: skip
    learned = night(3) + TICK
    assert told.recodes("known_from_utc", "extract_id", "aspect") == [
        ("p", night(3), "newer", "geo"), ("q", learned, "late", "class")]  # fmt: skip
    assert {a for a in told.affected("extract_id", "side", "cat_group", "n_records", "n_new") if a[0] == "late"} == {
        ("late", "left", "VAP", 1, 0), ("late", "came", "ROBBERY", 1, 0), ("late", "came", "VAP", 1, 1)}  # fmt: skip


def test_a_late_whole_extract_that_shows_a_missing_record(desk: Desk) -> None:
    """Absent from nights 1 and 3 it was missing; night 2 comes late and has it: absent once only, so it is there."""
    groups(desk)
    told = Nights(desk)
    p, q = crime("p"), crime("q")
    told.deliver(night(0), [p, q], kind="full", name="0")
    told.deliver(night(1), [q], kind="full", name="1")
    told.deliver(night(3), [q], kind="full", name="3")
    told.deliver(night(2), [p, q], kind="full", name="2")
    learned = night(3) + TICK
    assert told.recodes("known_from_utc", "extract_id", "aspect", "was", "became") == [
        ("p", night(3), "3", "missing", "live", "missing_from_source"),
        ("p", learned, "2", "returned", "missing_from_source", "live")]  # fmt: skip
    taken = [r for r in told.version_rows("p") if r["taken_back_utc"]]
    # the state that is the answer again is written again; its first answer ended when it was missed
    assert [(r["record_status"], r["known_to_utc"], r["version_no"]) for r in taken] == [
        ("live", night(3), None), ("missing_from_source", learned, None)]  # fmt: skip
    assert told.versions("p")[0][3:] == (night(0), night(3)) and tiles(told.version_rows("p"))
    assert "p" in told.current() and told.current()["p"]["record_status"] == "live"
    assert told.current(night(3))["p"]["record_status"] == "missing_from_source"


def test_a_withdrawn_whole_extract_takes_its_absences_with_it(desk: Desk) -> None:
    groups(desk)
    told = Nights(desk)
    p, q = crime("p"), crime("q")
    told.deliver(night(0), [p, q], kind="full", name="0")
    told.deliver(night(1), [q], kind="full", name="1")
    told.deliver(night(2), [q], kind="full", name="2")
    assert told.current()["p"]["record_status"] == "missing_from_source"
    told.withdraw("1")
    assert told.current()["p"]["record_status"] == "live"
    assert told.recodes("extract_id", "aspect")[-1] == ("p", "1", "returned")
    told.deliver(night(3), [q], kind="full", name="3")
    assert told.recodes("extract_id", "aspect")[-1] == ("p", "3", "missing")
    assert [m[1:] for m in told.moves().values()] == [
        ({"n_new": 2}, 2), ({"n_missing": 1}, 1), ({"n_reinstated": 1}, 2), ({"n_missing": 1}, 1)]  # fmt: skip


def test_the_weeks_of_a_recode_are_those_before_and_after(told: Nights) -> None:
    told.night(0, crime("p"))
    told.night(1, crime("p", flag_knife=True))
    assert told.recodes("week_before", "week_after") == [("p", MONDAY, MONDAY)]
    assert told.affected("week_start", "police_day", "run_id") == {(MONDAY, FRIDAY, "r")}
