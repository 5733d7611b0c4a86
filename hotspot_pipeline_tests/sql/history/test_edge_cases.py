"""The edge cases that concern records and their history, by the numbers of the domain specification.

Each is told four ways, which must give the same: as deltas and as whole extracts, digested night by night and in one catch-up. Not
here: the same cases on the kernels (`unit/history`), hotspot selection.
"""

from __future__ import annotations

from datetime import date, datetime

import pytest

from hotspot_pipeline_tests.sql.conftest import Desk, picked
from hotspot_pipeline_tests.sql.history.made_extracts import (
    CODES,
    MONDAY,
    TICK,
    Nights,
    cell,
    computed,
    crime,
    groups,
    incident,
    night,
    on,
    place,
    tiles,
)

FRIDAY = date(2026, 1, 9)
WAYS = {
    f"{'whole' if whole else 'deltas'}, {'night by night' if each else 'in one catch-up'}": (whole, each)
    for whole in (False, True)
    for each in (True, False)
}  # fmt: skip


@pytest.fixture(params=WAYS.values(), ids=WAYS.keys())
def nights(desk: Desk, request: pytest.FixtureRequest) -> Nights:
    """A bystander is there from the first night on, and nothing ever happens to it."""
    groups(desk)
    whole, each = request.param
    told = Nights(desk, whole=whole, each=each)
    told.night(0, crime("bystander", **place(9, 9)))
    return told


@pytest.fixture(params=[True, False], ids=["night by night", "in one catch-up"])
def wholes(desk: Desk, request: pytest.FixtureRequest) -> Nights:
    groups(desk)
    return Nights(desk, whole=True, each=request.param)


NO_WINDOW: dict[str, list[date]] = {"hexes.crime_weekly": [], "hexes.crime_daily": []}


def test_05_cancel_uncancel_recancel(nights: Nights) -> None:
    nights.night(1, crime("p"))
    nights.night(2, crime("p", record_status="cancelled", cancel_reason="C2"))
    nights.night(3, crime("p"))
    nights.night(4, crime("p", record_status="cancelled", cancel_reason="C4"))
    assert nights.versions("p") == [
        (1, "new", "live", night(1), night(2)),
        (2, "status", "cancelled", night(2), night(3)),
        (3, "status", "live", night(3), night(4)),
        (4, "status", "cancelled", night(4), None),
    ]
    assert nights.recodes("aspect", "was", "became", "words", "why") == [
        ("p", "status", "live", "cancelled C2", "cancelled", "additional verifiable information: no notifiable crime"),
        ("p", "status", "cancelled C2", "live", "reinstated", None),
        ("p", "status", "live", "cancelled C4", "cancelled", "recorded in error"),
    ]  # fmt: skip
    there = (MONDAY, FRIDAY, cell(0), "VAP", 1)
    assert nights.affected("known_from_utc", "side", "week_start", "police_day", "cell_r9", "cat_group", "n_records", "n_new") == {
        (night(1), "came", *there, 1), (night(2), "left", *there, 0),
        (night(3), "came", *there, 0), (night(4), "left", *there, 0),
    }  # fmt: skip
    assert nights.moves() == {
        night(0): (0, {"n_new": 1}, 1), night(1): (1, {"n_new": 1}, 2), night(2): (2, {"n_cancelled": 1}, 1),
        night(3): (1, {"n_reinstated": 1}, 2), night(4): (2, {"n_cancelled": 1}, 1),
    }  # fmt: skip
    assert [nights.current(night(n)).get("p", {}).get("record_status") for n in range(5)] == [
        None, "live", "cancelled", "live", "cancelled"]  # fmt: skip
    assert tiles(nights.version_rows("p"))


def test_06_merge_chain_and_its_target_cancelled(nights: Nights) -> None:
    nights.night(1, crime("a"), crime("b", **place(1)), crime("c", **place(2)))
    nights.night(2, crime("a", record_status="merged", merged_into_pid="b"))
    nights.night(3, crime("b", record_status="merged", merged_into_pid="c", **place(1)))
    nights.night(4, crime("c", record_status="cancelled", cancel_reason="C3", **place(2)))
    assert [nights.versions(p)[-1] for p in "abc"] == [
        (2, "status", "merged", night(2), None),
        (2, "status", "merged", night(3), None),
        (2, "status", "cancelled", night(4), None),
    ]
    assert nights.recodes("aspect", "was", "words", "why") == [
        ("a", "status", "live", "merged into another crime", None),
        ("b", "status", "live", "merged into another crime", None),
        ("c", "status", "live", "cancelled", "part of, or the same as, a crime on record"),
    ]
    left = {a[1:] for a in nights.affected("side", "known_from_utc", "cell_r9") if a[0] == "left"}
    assert left == {(night(2), cell(0)), (night(3), cell(1)), (night(4), cell(2))}
    assert [m[1:] for n, m in nights.moves().items() if n > night(0)] == [
        ({"n_new": 3}, 4), ({"n_merged": 1}, 3), ({"n_merged": 1}, 2), ({"n_cancelled": 1}, 1)]  # fmt: skip


def test_06_merged_into_another_target_touches_no_count(nights: Nights) -> None:
    nights.night(1, crime("a", record_status="merged", merged_into_pid="b"))
    nights.night(2, crime("a", record_status="merged", merged_into_pid="c"))
    assert [v[1] for v in nights.versions("a")] == ["new", "status"]
    assert nights.affected("known_from_utc", "side") == set()
    assert nights.moves()[night(2)] == (1, {}, 1)


def test_07_reclassified_out_of_scope_and_back(nights: Nights) -> None:
    nights.night(1, crime("p"))
    nights.night(2, crime("p", ho_offence_code="053/33"))
    nights.night(3, crime("p", ho_offence_code="005/04"))
    assert [v[:3] for v in nights.versions("p")] == [
        (1, "new", "live"), (2, "class", "live"), (3, "class", "live")]  # fmt: skip
    words = "reclassified into another group"
    assert nights.recodes("aspect", "was", "became", "words", "why") == [
        ("p", "class", "008/06 (VAP)", "053/33 (OTHER)", words, None),
        ("p", "class", "053/33 (OTHER)", "005/04 (VAP)", words, None),
    ]
    assert nights.affected("known_from_utc", "side", "police_day", "cell_r9", "cat_group", "n_new") == {
        (night(1), "came", FRIDAY, cell(0), "VAP", 1),
        (night(2), "left", FRIDAY, cell(0), "VAP", 0), (night(2), "came", FRIDAY, cell(0), "OTHER", 0),
        (night(3), "left", FRIDAY, cell(0), "OTHER", 0), (night(3), "came", FRIDAY, cell(0), "VAP", 0),
    }  # fmt: skip
    seen = [nights.events(night(n))["p"] for n in (1, 2, 3)]
    assert picked(seen, "is_counted", "exclusion_reason") == [
        (True, None), (False, "out_of_scope_category"), (True, None)]  # fmt: skip
    assert [m[1:] for m in list(nights.moves().values())[2:]] == [({}, 2), ({}, 2)]


def test_08_regeocoded_from_hotspot_to_ring_to_outside_the_force(nights: Nights) -> None:
    nights.night(1, crime("p"))
    nights.night(2, crime("p", **place(1)))
    nights.night(3, crime("p", **place(1, 30, inside=False)))
    assert [v[1] for v in nights.versions("p")] == ["new", "geo", "geo"]
    assert nights.recodes("aspect", "was", "became", "words") == [
        ("p", "geo", "431000 265000", "432000 265000", "moved 1000 m, to another cell"),
        ("p", "geo", "432000 265000", "432000 295000", "moved 30000 m, to another cell"),
    ]
    assert nights.affected("known_from_utc", "side", "week_start", "cell_r9") == {
        (night(1), "came", MONDAY, cell(0)),
        (night(2), "left", MONDAY, cell(0)), (night(2), "came", MONDAY, cell(1)),
        (night(3), "left", MONDAY, cell(1)), (night(3), "came", MONDAY, cell(1, 30)),
    }  # fmt: skip
    assert picked([nights.current(night(n))["p"] for n in (1, 2, 3)], "cell_r9", "is_inside_force") == [
        (cell(0), True), (cell(1), True), (cell(1, 30), False)]  # fmt: skip
    moved = nights.desk.session.frame(
        "select n_moved from history.extracts order by known_from_utc"
    )
    assert moved["n_moved"].to_list() == [0, 0, 1, 1]


def test_09_redated_across_a_published_week(nights: Nights) -> None:
    nights.night(1, crime("p"))
    nights.night(2, crime("p", **on(datetime(2026, 1, 12, 8))))
    nights.night(3, crime("p", **on(datetime(2026, 2, 2, 8))))
    next_week, february = date(2026, 1, 12), date(2026, 2, 2)
    assert nights.recodes("aspect", "was", "became", "words", "week_before", "week_after", "month_before", "month_after") == [
        ("p", "time", "2026-01-09 22:00", "2026-01-12 08:00", "moved to another week", MONDAY, next_week, date(2026, 1, 1), date(2026, 1, 1)),
        ("p", "time", "2026-01-12 08:00", "2026-02-02 08:00", "moved to another week", next_week, february, date(2026, 1, 1), date(2026, 2, 1)),
    ]  # fmt: skip
    assert nights.affected("known_from_utc", "side", "week_start", "police_day", "month") == {
        (night(1), "came", MONDAY, FRIDAY, date(2026, 1, 1)),
        (night(2), "left", MONDAY, FRIDAY, date(2026, 1, 1)), (night(2), "came", next_week, next_week, date(2026, 1, 1)),
        (night(3), "left", next_week, next_week, date(2026, 1, 1)), (night(3), "came", february, february, date(2026, 2, 1)),
    }  # fmt: skip
    weeks = [nights.current(night(n))["p"]["week_start"] for n in (1, 2, 3)]
    assert weeks == [MONDAY, next_week, february]
    assert {v[1] for v in nights.versions("p")[1:]} == {"time"}


def test_10_a_late_report_of_an_old_crime(nights: Nights) -> None:
    """Eighteen months back: it is new, it counts in its own week from now on, and nobody knew of it before."""
    old = on(datetime(2024, 12, 5, 12))
    nights.night(1, crime("p", recorded_ts_local=datetime(2026, 6, 1, 9), **old))
    assert nights.recodes() == []
    assert nights.affected("known_from_utc", "side", "week_start", "police_day", "n_records", "n_new") == {
        (night(1), "came", date(2024, 12, 2), date(2024, 12, 5), 1, 1)}  # fmt: skip
    assert "p" not in nights.current(night(1) - TICK)
    assert nights.current(night(1))["p"]["week_start"] == date(2024, 12, 2)
    assert nights.moves()[night(1)] == (1, {"n_new": 1}, 2)


def test_11_a_number_used_again_by_another_records_system(nights: Nights) -> None:
    nights.night(1, crime("p"))
    nights.night(2, crime("p", source_system="athena", ho_offence_code="034/01", **place(3)))
    nights.night(
        3,
        crime(
            "p",
            source_system="athena",
            ho_offence_code="034/01",
            record_status="cancelled",
            **place(3),
        ),
    )
    found = picked(
        nights.version_rows("p"), "source_system", "version_no", "change_mask", "record_status"
    )
    assert found == [
        ("athena", 1, "new", "live"),
        ("athena", 2, "status", "cancelled"),
        ("niche", 1, "new", "live"),
    ]
    assert nights.recodes("source_system", "aspect") == [("p", "athena", "status")]
    assert (night(2), "came", cell(3), 1) in nights.affected(
        "known_from_utc", "side", "cell_r9", "n_new"
    )
    assert not {
        a
        for a in nights.affected("known_from_utc", "cell_r9")
        if a[0] > night(1) and a[1] == cell(0)
    }
    assert nights.moves()[night(3)] == (3, {"n_cancelled": 1}, 2)


def test_12_flag_of_domestic_abuse_added_late(nights: Nights) -> None:
    nights.night(1, crime("p"))
    nights.night(2, crime("p", flag_da=True))
    assert [v[1] for v in nights.versions("p")] == ["new", "flags"]
    assert nights.recodes("aspect", "was", "became", "words", "why") == [
        ("p", "flags", "da not known", "da yes", "flags changed", None)]  # fmt: skip
    touched = nights.affected("known_from_utc", "side", "police_day", "cell_r9", "cat_group")
    assert (night(2), "left", FRIDAY, cell(0), "VAP") in touched
    before, after = (nights.events(night(n))["p"] for n in (1, 2))
    assert (before["is_counted"], after["is_counted"], after["exclusion_reason"]) == (True, False, "domestic")  # fmt: skip
    assert nights.moves()[night(2)] == (2, {}, 2)


def test_13_a_whole_extract_without_two_rows_in_five_deletes_none(wholes: Nights) -> None:
    everyone = [crime(f"p{n:02}") for n in range(50)]
    wholes.night(0, *everyone)
    wholes.night(1, gone=[f"p{n:02}" for n in range(20)])
    assert len(wholes.current(night(1))) == 50
    assert {r["record_status"] for r in wholes.current(night(1)).values()} == {"live"}
    wholes.night(2, *everyone)
    wholes.digest()
    assert len(wholes.desk.rows("history.crime_versions")) == 50
    assert wholes.recodes() == [] and wholes.affected("side") == set()
    assert [m[1:] for m in wholes.moves().values()] == [({"n_new": 50}, 50), ({}, 50), ({}, 50)]


def test_13_absent_from_a_second_whole_extract_is_missing_and_may_return(wholes: Nights) -> None:
    everyone = [crime(f"p{n}") for n in range(5)]
    wholes.night(0, *everyone)
    wholes.night(1, gone=["p0", "p1"])
    wholes.night(2, crime("p1"))
    wholes.night(3)
    wholes.night(4, crime("p0", ho_offence_code="034/01"))
    assert [v[:4] for v in wholes.versions("p0")] == [
        (1, "new", "live", night(0)),
        (2, "missing", "missing_from_source", night(2)),
        (3, "returned,class", "live", night(4)),
    ]
    assert wholes.versions("p1") == [(1, "new", "live", night(0), None)]
    assert wholes.recodes("aspect", "was", "became", "words", "why") == [
        ("p0", "missing", "live", "missing_from_source", "no longer in the source", "absent from whole extracts"),
        ("p0", "returned", "missing_from_source", "live", "in the source again", None),
    ]  # fmt: skip
    assert wholes.affected("known_from_utc", "side", "cell_r9", "cat_group", "n_records", "n_new") == {
        (night(2), "left", cell(0), "VAP", 1, 0), (night(4), "came", cell(0), "ROBBERY", 1, 0)}  # fmt: skip
    assert [m[1:] for m in wholes.moves().values()] == [
        ({"n_new": 5}, 5), ({}, 5), ({"n_missing": 1}, 4), ({}, 4), ({"n_reinstated": 1}, 5)]  # fmt: skip


@pytest.mark.parametrize("each", [True, False])
def test_13_a_record_whose_row_the_gate_turned_away_is_still_there(desk: Desk, each: bool) -> None:
    groups(desk)
    told = Nights(desk, whole=True, each=each)
    told.broken = [crime("p0", beat_code="broken"), crime("p0", beat_code="broken again")]
    told.night(0, crime("p0"), crime("p1"))
    told.night(1, told.broken[0], gone=["p1"])
    told.night(2)
    told.night(3, told.broken[1])
    assert told.versions("p0") == [(1, "new", "live", night(0), None)]
    assert [v[1] for v in told.versions("p1")] == ["new", "missing"]
    told.night(4, gone=["p0"])
    assert len(told.versions("p0")) == 1
    told.night(5)
    assert [v[1:4] for v in told.versions("p0")] == [("new", "live", night(0)), ("missing", "missing_from_source", night(5))]  # fmt: skip
    told.night(6, told.broken[0])
    assert [v[1:4] for v in told.versions("p0")][2:] == [("returned", "live", night(6))]
    told.night(7, crime("p0", ho_offence_code="034/01"))
    assert [v[1:4] for v in told.versions("p0")][3:] == [("class", "live", night(7))]


def test_13_absent_from_a_delta_means_nothing(desk: Desk) -> None:
    groups(desk)
    told = Nights(desk)
    told.night(0, crime("p"), crime("q"))
    for n in range(1, 5):
        told.night(n, crime("q", beat_code=str(n)))
    assert told.versions("p") == [(1, "new", "live", night(0), None)]


def test_14_the_same_content_twice_changes_nothing(nights: Nights) -> None:
    nights.night(1, crime("p"), crime("q"))
    nights.night(2, crime("p"), crime("q"))
    assert [nights.versions(p) for p in "pq"] == [[(1, "new", "live", night(1), None)]] * 2
    assert nights.recodes() == []
    assert {a[0] for a in nights.affected("known_from_utc")} == {night(1)}
    assert nights.moves()[night(2)] == (3, {}, 3)


@pytest.mark.parametrize("whole", [False, True], ids=["deltas", "whole"])
def test_14_day_2_before_day_1(whole: bool, desk: Desk) -> None:
    """What only day 1 tells is known from right after day 2 on; what day 2 tells anew stands; no answer given before changes."""
    groups(desk)
    told = Nights(desk)
    kind = "full" if whole else "delta"
    bystander = crime("bystander", **place(9, 9))
    told.deliver(night(0), [bystander, crime("p")], kind=kind, name="day 0")
    told.deliver(night(2), [bystander, crime("p", ho_offence_code="034/01")], kind=kind, name="day 2")  # fmt: skip
    before = told.current(night(2))
    told.deliver(night(1), [bystander, crime("p", ho_offence_code="053/33"), crime("q")], kind=kind, name="day 1")  # fmt: skip
    late = night(2) + TICK
    assert told.versions("p") == [
        (1, "new", "live", night(0), night(2)),
        (2, "class", "live", late, late),
        (3, "class", "live", night(2), None),
    ]
    assert told.versions("q") == [(1, "new", "live", late, None)]
    assert told.current(night(2)) == before and "q" not in before
    assert told.current(late)["p"]["ho_offence_code"] == "034/01"
    # the answer went from VAP to ROBBERY: what day 1 said in between was never one
    assert told.recodes("was", "became", "extract_id") == [
        ("p", "008/06 (VAP)", "034/01 (ROBBERY)", "day 2")]  # fmt: skip
    assert {a for a in told.affected("extract_id", "known_from_utc", "side", "n_new") if a[0] == "day 1"} == {
        ("day 1", late, "came", 1)}  # fmt: skip
    assert told.moves() == {
        night(0): (0, {"n_new": 2}, 2), night(2): (2, {}, 2), late: (2, {"n_new": 1}, 3)}  # fmt: skip
    [entry] = [r for r in desk.rows("history.extracts") if r["extract_id"] == "day 1"]
    assert (entry["is_late"], entry["order_ts_utc"], entry["known_from_utc"]) == (True, night(1), late)  # fmt: skip


def test_16_incident_closed_as_crime_and_opened_again(desk: Desk) -> None:
    told = Nights(desk, table="asb_incidents")
    told.night(0, incident("bystander"))
    told.night(1, incident("i"))
    told.night(2, incident("i", linked_crime_pid="p", closed_ts_local=datetime(2026, 1, 9, 23)))
    told.night(3, incident("i"))
    told.night(4, incident("i", asb_type="noise"))
    assert [v[1] for v in told.versions("i")] == ["new", "status,outcome", "status,outcome", "outcome"]  # fmt: skip
    status = [r for r in told.recodes("aspect", "was", "became", "words") if r[1] == "status"]
    assert status == [
        ("i", "status", "incident", "crimed", "recorded as a crime"),
        ("i", "status", "crimed", "incident", "counts as an incident of its own again"),
    ]
    touched = told.affected("known_from_utc", "side", "table_name", "police_day", "cell_r9", "cat_group")  # fmt: skip
    there = ("asb_incidents", FRIDAY, cell(0), "ASB")
    assert (night(2), "left", *there) in touched and (night(3), "came", *there) in touched
    assert not [t for t in touched if t[0] == night(4)]
    counted = [told.events(night(n))["i"]["is_counted"] for n in (1, 2, 3)]
    assert counted == [True, False, True]


def test_32_a_new_lookup_version_with_the_same_content(nights: Nights) -> None:
    nights.night(1, crime("p"))
    nights.events()
    assert computed(nights.desk) == {"hexes.crime_weekly": [MONDAY], "hexes.crime_daily": [FRIDAY]}
    desk = nights.desk
    groups(desk, [{**code, "lookup_version": "2"} for code in reversed(CODES)])
    n_versions = len(desk.rows("history.crime_versions"))
    nights.night(2, crime("p"))
    nights.events()
    assert computed(nights.desk) == NO_WINDOW
    assert len(desk.rows("history.crime_versions")) == n_versions
    assert {r["known_to_utc"] for r in desk.rows("history.lookup_versions")} == {None}
    assert desk.rows("history.lookup_changes") == [] == nights.recodes()


def test_32_a_new_lookup_version_with_other_content_is_noticed(nights: Nights) -> None:
    nights.night(1, crime("p"), crime("q", ho_offence_code="034/01", **on(datetime(2026, 3, 4, 12))))  # fmt: skip
    nights.events()
    computed(nights.desk)
    codes = [c | ({"cchi_days": None} if c["ho_offence_code"] == "034/01" else {}) for c in CODES]
    groups(nights.desk, codes)
    nights.desk.digest()
    [recode] = nights.recodes("aspect", "was", "became")
    assert recode == ("034/01", "lookup", "ROBBERY, 365 days", "ROBBERY")
    nights.events()
    march = {"hexes.crime_weekly": [date(2026, 3, 2)], "hexes.crime_daily": [date(2026, 3, 4)]}
    assert computed(nights.desk) == march
    assert computed(nights.desk) == NO_WINDOW


def test_33_a_beat_code_closes(nights: Nights) -> None:
    """Every crime of the beat gets another code in one night: nothing that is counted is touched."""
    numbers = [f"p{n}" for n in range(20)]
    nights.night(1, *(crime(p, beat_code="B12") for p in numbers))
    nights.events(night(1))
    computed(nights.desk)
    nights.night(2, *(crime(p, beat_code="B40") for p in numbers))
    assert {nights.versions(p)[-1] for p in numbers} == {(2, "admin", "live", night(2), None)}
    assert nights.recodes() == []
    assert {a[0] for a in nights.affected("known_from_utc")} == {night(1)}
    assert nights.moves()[night(2)] == (21, {}, 21)
    nights.events()
    assert computed(nights.desk) == NO_WINDOW
    [last] = [r for r in nights.desk.rows("history.extracts") if r["known_from_utc"] == night(2)]
    assert (last["n_changed"], last["n_new"], last["n_missing"]) == (0, 0, 0)
