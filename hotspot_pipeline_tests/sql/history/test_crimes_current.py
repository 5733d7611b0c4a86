"""Each crime as it stands: the newest state of a keyed one, the newest release of a month that is published again."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from hotspot_pipeline_tests.sql.conftest import Desk, picked

NIGHT_1, NIGHT_2, NIGHT_3 = (datetime(2026, 6, n, 1) for n in (1, 2, 3))
JAN, FEB = date(2026, 1, 1), date(2026, 2, 1)


def extract(extract_id: str, taken: datetime, **more: Any) -> dict[str, Any]:
    return {"extract_id": extract_id, "feed": "crime_extract", "kind": "delta", "extract_ts_utc": taken, "received_at_utc": taken} | more  # fmt: skip


def release(extract_id: str, month: int, **more: Any) -> dict[str, Any]:
    taken = datetime(2026, month, 1)
    return extract(extract_id, taken, **({"feed": "police_uk_street", "kind": "snapshot"} | more))


def state(extract_id: str, pid: str | None, **more: Any) -> dict[str, Any]:
    return {"extract_id": extract_id, "source_system": "niche", "crime_pid": pid} | more


def test_the_newest_state_of_a_crime_stands(desk: Desk) -> None:
    desk.given("raw.extracts", extract("e1", NIGHT_1), extract("e2", NIGHT_2), extract("e3", NIGHT_3))  # fmt: skip
    desk.given(
        "validated.crimes",
        state("e3", "p1", record_status="cancelled"),
        state("e1", "p1", record_status="live", ho_offence_code="8N"),
        state("e2", "p1", record_status="live", ho_offence_code="5D"),
        state("e1", "p2", record_status="live"),
    )
    rows = desk.run("history.crimes_current")
    assert picked(rows, "extract_id", "crime_pid", "record_status") == [("e1", "p2", "live"), ("e3", "p1", "cancelled")]  # fmt: skip


def test_known_at_cuts_what_came_later(desk: Desk) -> None:
    desk.given("raw.extracts", extract("e1", NIGHT_1), extract("e2", NIGHT_2))
    desk.given("validated.crimes", state("e1", "p1", ho_offence_code="8N"), state("e2", "p1", ho_offence_code="5D"),
               state("e2", "p2", ho_offence_code="8N"))  # fmt: skip

    def known(moment: datetime) -> list[tuple[Any, ...]]:
        return picked(desk.run("history.crimes_current", known_at=moment), "crime_pid", "ho_offence_code")  # fmt: skip

    assert known(datetime(2026, 5, 31)) == []
    assert known(NIGHT_1) == [("p1", "8N")], "at the very moment it is known"
    assert known(datetime(2026, 6, 2, 0, 59)) == [("p1", "8N")]
    assert known(NIGHT_2) == [("p1", "5D"), ("p2", "8N")]


def test_two_extracts_of_one_moment_stand_in_the_order_they_came(desk: Desk) -> None:
    desk.given(
        "raw.extracts",
        extract("z-first", NIGHT_1, received_at_utc=NIGHT_1),
        extract("a-second", NIGHT_1, received_at_utc=NIGHT_2),
    )
    desk.given("validated.crimes", state("z-first", "p1"), state("a-second", "p1"))
    assert picked(desk.run("history.crimes_current"), "extract_id") == [("a-second",)]


def test_one_number_in_two_systems_is_two_crimes(desk: Desk) -> None:
    desk.given("raw.extracts", extract("e1", NIGHT_1))
    desk.given("validated.crimes", state("e1", "p1"), state("e1", "p1", source_system="athena"))
    assert len(desk.run("history.crimes_current")) == 2


def test_a_release_replaces_whole_months_and_leaves_the_others(desk: Desk) -> None:
    desk.given("raw.extracts", release("r3", 3), release("r4", 4))
    desk.given(
        "validated.crimes",
        state("r3", "x", month=JAN), state("r3", "x", month=JAN), state("r3", None, month=JAN),
        state("r3", "y", month=FEB),
        # January again, without the row that has no id: it is gone from the newer release
        state("r4", "x", month=JAN), state("r4", "x", month=JAN),
    )  # fmt: skip
    rows = desk.run("history.crimes_current")
    assert picked(rows, "extract_id", "month", "crime_pid") == [
        ("r3", FEB, "y"), ("r4", JAN, "x"), ("r4", JAN, "x")]  # fmt: skip


def test_rows_without_an_id_and_repeats_are_all_kept(desk: Desk) -> None:
    """Anti-social behaviour has no id, and repeats at one map point are separate incidents."""
    desk.given("raw.extracts", release("r3", 3))
    desk.given("validated.crimes", *[state("r3", None, month=JAN, lon=-1.5, lat=52.3)] * 4)
    assert len(desk.run("history.crimes_current")) == 4


def test_as_known_before_the_release_the_earlier_one_stands(desk: Desk) -> None:
    desk.given("raw.extracts", release("r3", 3), release("r4", 4))
    desk.given("validated.crimes", state("r3", "old", month=JAN), state("r4", "new", month=JAN))
    before = desk.run("history.crimes_current", known_at=datetime(2026, 3, 31, 23))
    assert picked(before, "crime_pid") == [("old",)]


def test_months_of_two_feeds_do_not_replace_each_other(desk: Desk) -> None:
    desk.given("raw.extracts", release("r3", 3), release("o4", 4, feed="other_public_feed"))
    desk.given("validated.crimes", state("r3", "a", month=JAN), state("o4", "b", month=JAN))
    assert picked(desk.run("history.crimes_current"), "feed", "crime_pid") == [
        ("other_public_feed", "b"), ("police_uk_street", "a")]  # fmt: skip


def test_a_release_and_a_keyed_feed_stand_side_by_side(desk: Desk) -> None:
    desk.given("raw.extracts", release("r3", 3), extract("e1", NIGHT_1))
    desk.given("validated.crimes", state("r3", "x", month=JAN), state("e1", "x", month=JAN))
    assert len(desk.run("history.crimes_current")) == 2


def test_rows_of_an_extract_that_raw_does_not_have_stand_nowhere(desk: Desk) -> None:
    desk.given("raw.extracts", extract("e1", NIGHT_1))
    desk.given("validated.crimes", state("e1", "p1"), state("taken back", "p2"))
    assert picked(desk.run("history.crimes_current"), "crime_pid") == [("p1",)]
