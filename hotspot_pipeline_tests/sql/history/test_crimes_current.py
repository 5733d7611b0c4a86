"""Each crime as it stands: the newest state of a keyed one, the newest release of a month that is published again."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from hotspot_pipeline_tests.sql.conftest import Desk, picked

NIGHT_1, NIGHT_2, NIGHT_3 = (datetime(2026, 6, n, 1) for n in (1, 2, 3))
JAN, FEB = date(2026, 1, 1), date(2026, 2, 1)


def extract(extract_id: str, taken: datetime, **more: Any) -> dict[str, Any]:
    return {"extract_id": extract_id, "feed": "crime_extract", "table_name": "crimes", "kind": "delta", "status": "loaded", "extract_ts_utc": taken, "order_ts_utc": taken, "received_at_utc": taken} | more  # fmt: skip


def release(extract_id: str, month: int, **more: Any) -> dict[str, Any]:
    taken = datetime(2026, month, 1)
    return extract(extract_id, taken, **({"feed": "police_uk_street", "kind": "snapshot"} | more))


def state(extract_id: str, pid: str | None, **more: Any) -> dict[str, Any]:
    """A row as validated; rows of the same content have the same hash."""
    content = {
        "row_hash": f"{sorted((k, v) for k, v in more.items() if k not in ('line_no', 'accepted_with'))}"
    }
    return (
        {
            "extract_id": extract_id,
            "accepted_with": extract_id,
            "source_system": "niche",
            "crime_pid": pid,
        }
        | content
        | more
    )


def current(desk: Desk, **known: datetime) -> list[dict[str, Any]]:
    """What stands after the digest of what is on the desk."""
    desk.digest()
    return desk.run("history.crimes_current", **known)


def live(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [r for r in rows if r["record_status"] == "live"]


def test_the_newest_state_of_a_crime_stands(desk: Desk) -> None:
    desk.given("raw.extracts", extract("e1", NIGHT_1), extract("e2", NIGHT_2), extract("e3", NIGHT_3))  # fmt: skip
    desk.given(
        "validated.crimes",
        state("e3", "p1", record_status="cancelled"),
        state("e1", "p1", record_status="live", ho_offence_code="8N"),
        state("e2", "p1", record_status="live", ho_offence_code="5D"),
        state("e1", "p2", record_status="live"),
    )
    rows = current(desk)
    assert picked(rows, "extract_id", "crime_pid", "record_status") == [("e1", "p2", "live"), ("e3", "p1", "cancelled")]  # fmt: skip


def test_known_at_cuts_what_came_later(desk: Desk) -> None:
    desk.given("raw.extracts", extract("e1", NIGHT_1), extract("e2", NIGHT_2))
    desk.given("validated.crimes", state("e1", "p1", ho_offence_code="8N"), state("e2", "p1", ho_offence_code="5D"),
               state("e2", "p2", ho_offence_code="8N"))  # fmt: skip

    def known(moment: datetime) -> list[tuple[Any, ...]]:
        return picked(current(desk, known_at=moment), "crime_pid", "ho_offence_code")  # fmt: skip

    assert known(datetime(2026, 5, 31)) == []
    assert known(NIGHT_1) == [("p1", "8N")], "at the very moment it is known"
    assert known(datetime(2026, 6, 2, 0, 59)) == [("p1", "8N")]
    assert known(NIGHT_2) == [("p1", "5D"), ("p2", "8N")]


def test_two_extracts_of_one_moment_stand_in_the_order_they_came(desk: Desk) -> None:
    desk.given(
        "raw.extracts",
        extract("z-first", NIGHT_1, received_at_utc=NIGHT_1),
        extract(
            "a-second",
            NIGHT_1,
            received_at_utc=NIGHT_2,
            order_ts_utc=NIGHT_1 + timedelta(microseconds=1),
        ),
    )
    desk.given(
        "validated.crimes",
        state("z-first", "p1", beat_code="1"),
        state("a-second", "p1", beat_code="2"),
    )
    assert picked(current(desk), "extract_id") == [("a-second",)]


def full(desk: Desk, extract_id: str, taken: datetime, status: str = "accepted") -> None:
    desk.given("raw.extracts", extract(extract_id, taken, kind="full"))
    desk.given("validated.extract_counts", {"extract_id": extract_id, "status": status})


def run(extract_id: str, line: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    return {"feed": "crime_extract", "table_name": "crimes", "extract_id": extract_id, "line_no": line,
            "from_order_ts_utc": start, "to_order_ts_utc": end}  # fmt: skip


def test_a_full_extract_says_again_what_it_holds_unchanged(desk: Desk) -> None:
    """Night 1 says X, a delta says Y, and the full extract of night 3, whose row is not stored again, says X."""
    full(desk, "e1", NIGHT_1)
    desk.given("raw.extracts", extract("d2", NIGHT_2))
    full(desk, "e3", NIGHT_3)
    desk.given("raw.full_runs", run("e1", 2, NIGHT_1, None))
    desk.given(
        "validated.crimes",
        state("e1", "p1", line_no=2),
        state("d2", "p1", line_no=2, beat_code="2"),
    )
    assert picked(current(desk), "extract_id") == [("e1",)]
    as_known = current(desk, known_at=NIGHT_2)
    assert picked(as_known, "extract_id") == [("d2",)]


def test_a_late_night_does_not_outlast_the_nights_after_it(desk: Desk) -> None:
    for name, night in (("e1", NIGHT_1), ("e2", NIGHT_2), ("e3", NIGHT_3)):
        full(desk, name, night)
    desk.given("raw.full_runs", run("e1", 2, NIGHT_1, NIGHT_1), run("e2", 2, NIGHT_2, NIGHT_2), run("e1", 2, NIGHT_3, None))  # fmt: skip
    desk.given(
        "validated.crimes",
        state("e1", "p1", line_no=2),
        state("e2", "p1", line_no=2, beat_code="2"),
    )
    assert picked(current(desk), "extract_id") == [("e1",)]
    assert picked(current(desk, known_at=NIGHT_2), "extract_id") == [("e2",)]


def test_a_held_extract_says_nothing(desk: Desk) -> None:
    full(desk, "e1", NIGHT_1, "held")
    full(desk, "e2", NIGHT_2)
    desk.given("raw.full_runs", run("e1", 2, NIGHT_1, None))
    desk.given("validated.crimes", state("e1", "p1", line_no=2, accepted_with="e2"))
    assert current(desk, known_at=NIGHT_1) == []
    assert len(current(desk)) == 1


def test_one_number_in_two_systems_is_two_crimes(desk: Desk) -> None:
    desk.given("raw.extracts", extract("e1", NIGHT_1))
    desk.given("validated.crimes", state("e1", "p1"), state("e1", "p1", source_system="athena"))
    assert len(current(desk)) == 2


def test_a_release_replaces_whole_months_and_leaves_the_others(desk: Desk) -> None:
    desk.given("raw.extracts", release("r3", 3), release("r4", 4))
    desk.given(
        "validated.crimes",
        state("r3", "x", month=JAN), state("r3", "x", month=JAN), state("r3", None, month=JAN),
        state("r3", "y", month=FEB),
        # January again, without the row that has no id: it is gone from the newer release
        state("r4", "x", month=JAN), state("r4", "x", month=JAN),
    )  # fmt: skip
    rows = current(desk)
    # what the newer release says again unchanged is still known from the older one
    assert picked(live(rows), "extract_id", "month", "crime_pid") == [
        ("r3", JAN, "x"), ("r3", JAN, "x"), ("r3", FEB, "y")]  # fmt: skip
    gone = [r for r in rows if r["record_status"] == "missing_from_source"]
    assert picked(gone, "month", "crime_pid") == [(JAN, None)]


def test_rows_without_an_id_and_repeats_are_all_kept(desk: Desk) -> None:
    """Anti-social behaviour has no id, and repeats at one map point are separate incidents."""
    desk.given("raw.extracts", release("r3", 3))
    desk.given("validated.crimes", *[state("r3", None, month=JAN, lon=-1.5, lat=52.3)] * 4)
    assert len(current(desk)) == 4


def test_as_known_before_the_release_the_earlier_one_stands(desk: Desk) -> None:
    desk.given("raw.extracts", release("r3", 3), release("r4", 4))
    desk.given("validated.crimes", state("r3", "old", month=JAN), state("r4", "new", month=JAN))
    before = current(desk, known_at=datetime(2026, 3, 31, 23))
    assert picked(before, "crime_pid") == [("old",)]


def test_months_of_two_feeds_do_not_replace_each_other(desk: Desk) -> None:
    desk.given("raw.extracts", release("r3", 3), release("o4", 4, feed="other_public_feed"))
    desk.given("validated.crimes", state("r3", "a", month=JAN), state("o4", "b", month=JAN))
    assert picked(current(desk), "feed", "crime_pid") == [
        ("other_public_feed", "b"), ("police_uk_street", "a")]  # fmt: skip


def test_a_release_and_a_keyed_feed_stand_side_by_side(desk: Desk) -> None:
    desk.given("raw.extracts", release("r3", 3), extract("e1", NIGHT_1))
    desk.given("validated.crimes", state("r3", "x", month=JAN), state("e1", "x", month=JAN))
    assert len(current(desk)) == 2


def test_rows_of_an_extract_that_raw_does_not_have_stand_nowhere(desk: Desk) -> None:
    desk.given("raw.extracts", extract("e1", NIGHT_1))
    desk.given("validated.crimes", state("e1", "p1"), state("taken back", "p2"))
    assert picked(current(desk), "crime_pid") == [("p1",)]
