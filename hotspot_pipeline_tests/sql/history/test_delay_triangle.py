"""How many records of a week were known how long after its end: cases by hand, and random lives counted one by one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from hotspot_pipeline_tests.sql.conftest import NOW, Desk, picked
from hotspot_pipeline_tests.sql.history.made_versions import (
    TABLES,
    Row,
    give_groups,
    give_histories,
    group_of,
)

MODEL = "history.delay_triangle"
WEEK = date(2026, 1, 5)
END = datetime(2026, 1, 12, 6)
LAGS = (1, 7, 14, 28, 56, 90)


def after(days: float) -> datetime:
    """So many days after the end of the week."""
    return END + timedelta(days=days)


NEWEST = after(91)


def book(desk: Desk, first: datetime = datetime(2026, 1, 1), newest: datetime = NEWEST, table: str = "crimes", feed: str = "niche") -> None:  # fmt: skip
    common = {"table_name": table, "feed": feed}
    desk.given(
        "history.extracts",
        {**common, "extract_id": f"{feed} first", "known_from_utc": first, "is_first_load": True},
        {**common, "extract_id": f"{feed} newest", "known_from_utc": newest},
    )


def crime(name: str, known_from: datetime, known_to: datetime | None = None, **more: Any) -> dict[str, Any]:  # fmt: skip
    return {
        "feed": "niche", "record_id": name, "week_start": WEEK, "known_from_utc": known_from, "known_to_utc": known_to,
        "observed_utc": known_from, "policeuk_category": "Robbery", **more,
    }  # fmt: skip


def by_lag(rows: list[dict[str, Any]], group: str = "ROBBERY", week: date = WEEK) -> dict[int, int]:
    return {r["lag_days"]: r["n_known"] for r in rows if (r["cat_group"], r["week_start"]) == (group, week)}  # fmt: skip


@pytest.fixture
def at_hand(desk: Desk) -> Desk:
    give_groups(desk)
    book(desk)
    return desk


def test_a_record_counts_from_when_it_was_known(at_hand: Desk) -> None:
    at_hand.given(
        TABLES["crimes"],
        crime("at once", after(-3)),
        crime("at the very moment", after(7)),
        crime("a moment later", after(7) + timedelta(seconds=1)),
    )
    rows = at_hand.run(MODEL)
    assert by_lag(rows) == {1: 1, 7: 2, 14: 3, 28: 3, 56: 3, 90: 3}
    assert {r["n_latest"] for r in rows} == {3}
    assert [r["known_at_utc"] for r in rows] == [after(lag) for lag in LAGS]


def test_it_leaves_when_it_is_cancelled_and_returns_with_its_status(at_hand: Desk) -> None:
    at_hand.given(
        TABLES["crimes"],
        crime("a", after(-1), after(10)),
        crime("a", after(10), after(40), record_status="cancelled"),
        crime("a", after(40)),
    )
    rows = at_hand.run(MODEL)
    assert by_lag(rows) == {1: 1, 7: 1, 14: 0, 28: 0, 56: 1, 90: 1}


def test_a_reclassified_one_changes_its_group_and_a_redated_one_its_week(at_hand: Desk) -> None:
    later = WEEK + timedelta(days=7)
    at_hand.given(
        TABLES["crimes"],
        crime("a", after(-1), after(5)),
        crime("a", after(5), policeuk_category="Violence"),
        crime("b", after(-1), after(5)),
        crime("b", after(5), week_start=later),
    )
    rows = at_hand.run(MODEL)
    assert by_lag(rows) == {1: 2, 7: 0, 14: 0, 28: 0, 56: 0, 90: 0}
    assert by_lag(rows, "VAP") == {1: 0, 7: 1, 14: 1, 28: 1, 56: 1, 90: 1}
    # a week later, so its 90 days are not over
    assert by_lag(rows, week=later) == {1: 1, 7: 1, 14: 1, 28: 1, 56: 1}
    assert by_lag(rows, "VAP", later) == {1: 0, 7: 0, 14: 0, 28: 0, 56: 0}


def test_a_week_that_began_before_the_first_load_is_not_known(desk: Desk) -> None:
    give_groups(desk)
    book(desk, first=datetime(2026, 1, 5, 6))
    desk.given(TABLES["crimes"], crime("a", after(-1)))
    assert desk.run(MODEL) == []
    desk.clear()
    give_groups(desk)
    book(desk, first=datetime(2026, 1, 5, 5, 59))
    desk.given(TABLES["crimes"], crime("a", after(-1)))
    assert len(desk.run(MODEL)) == len(LAGS)


@pytest.mark.parametrize(("newest", "lags"), [(after(0.9), []), (after(1), [1]), (after(27), [1, 7, 14]), (after(28), [1, 7, 14, 28])])  # fmt: skip
def test_only_what_was_to_be_seen_is_there(newest: datetime, lags: list[int], desk: Desk) -> None:
    give_groups(desk)
    book(desk, newest=newest)
    desk.given(TABLES["crimes"], crime("a", after(-1)))
    assert list(by_lag(desk.run(MODEL))) == lags


def test_a_state_that_came_too_late_never_counted(at_hand: Desk) -> None:
    at_hand.given(
        TABLES["crimes"],
        crime("a", after(-1), record_status="cancelled"),
        crime("a", after(3), after(3), observed_utc=after(-2), policeuk_category="Violence"),
        crime("b", after(60)),
    )
    rows = at_hand.run(MODEL)
    assert by_lag(rows) == {1: 0, 7: 0, 14: 0, 28: 0, 56: 0, 90: 1}
    assert {r["cat_group"] for r in rows} == {"ROBBERY"}


def test_at_the_moment_of_a_change_the_new_state_is_the_answer(at_hand: Desk) -> None:
    at_hand.given(
        TABLES["crimes"],
        crime("a", after(-1), after(7)),
        crime("a", after(7), record_status="cancelled"),
    )
    assert by_lag(at_hand.run(MODEL)) == {1: 1, 7: 0, 14: 0, 28: 0, 56: 0, 90: 0}


def test_the_group_is_that_of_the_code_when_it_was_recorded(at_hand: Desk) -> None:
    def coded(name: str, code: str, recorded: datetime | None) -> dict[str, Any]:
        return crime(name, after(-1), ho_offence_code=code, recorded_ts_local=recorded, policeuk_category=None)  # fmt: skip

    at_hand.given(
        TABLES["crimes"],
        coded("old wording", "66", datetime(2026, 1, 31, 23, 59)),
        coded("new wording", "66", datetime(2026, 2, 1)),
        coded("no such code", "1/2", datetime(2026, 2, 1)),
    )
    rows = [r for r in at_hand.run(MODEL) if r["lag_days"] == 1]
    assert picked(rows, "cat_group", "n_known") == [("OTHER", 2), ("PUBLIC_ORDER", 1)]


def test_months_only_and_other_feeds_do_not_mix_in(at_hand: Desk) -> None:
    book(at_hand, feed="athena", newest=after(8))
    book(at_hand, feed="public")
    at_hand.given(
        TABLES["crimes"],
        crime("a", after(-1)),
        crime("a", after(2), feed="athena"),
        crime("m", after(-1), feed="public", week_start=None),
    )
    rows = at_hand.run(MODEL)
    assert {f: by_lag([r for r in rows if r["feed"] == f]) for f in ("athena", "niche", "public")} == {
        "athena": {1: 0, 7: 1}, "niche": dict.fromkeys(LAGS, 1), "public": {}}  # fmt: skip


def test_incidents_are_one_group(desk: Desk) -> None:
    book(desk, table="asb_incidents", newest=after(7))
    desk.given(
        TABLES["asb_incidents"],
        {"feed": "niche", "record_id": "a", "week_start": WEEK, "known_from_utc": after(-1)},
        {"feed": "niche", "record_id": "b", "week_start": WEEK, "known_from_utc": after(2)},
    )
    rows = desk.run(MODEL)
    assert picked(rows, "table_name", "cat_group", "lag_days", "n_known", "n_latest") == [
        ("asb_incidents", "ASB", 1, 1, 2), ("asb_incidents", "ASB", 7, 2, 2)]  # fmt: skip


def test_as_known_at_a_moment_nothing_later_shows(at_hand: Desk) -> None:
    at_hand.given("history.extracts", {"extract_id": "8", "table_name": "crimes", "feed": "niche", "known_from_utc": after(8)})  # fmt: skip
    at_hand.given(
        TABLES["crimes"],
        crime("a", after(-1), after(20)),
        crime("a", after(20), record_status="cancelled"),
        crime("b", after(9)),
    )
    rows = at_hand.run(MODEL, known_at=after(8.5))
    assert picked(rows, "lag_days", "n_known", "n_latest") == [(1, 1, 1), (7, 1, 1)]
    assert {r["n_latest"] for r in at_hand.run(MODEL)} == {1}


def test_random_lives_counted_one_by_one(desk: Desk) -> None:
    versions, books = give_histories(desk)
    assert desk.bad_rows("history.crime_versions", "crime_answers_tile") == 0
    assert desk.bad_rows("history.asb_versions", "asb_answers_tile") == 0
    early = datetime(2026, 5, 3, 12)
    found = {at: {key(r): r for r in desk.run(MODEL, known_at=at)} for at in (early, NOW, datetime(2027, 1, 1))}  # fmt: skip
    for at, rows in found.items():
        wanted = counted(versions, books, at)
        assert {k: (r["n_known"], r["n_latest"]) for k, r in rows.items()} == wanted
        assert len(wanted) > 500
    # what was known early stays the answer for then
    assert all(found[NOW][k]["n_known"] == r["n_known"] for k, r in found[early].items())
    assert any(found[NOW][k]["n_latest"] != r["n_latest"] for k, r in found[early].items())


Key = tuple[str, str, str, date, int]


def key(row: Mapping[str, Any]) -> Key:
    return (row["table_name"], row["feed"], row["cat_group"], row["week_start"], row["lag_days"])


def counted(versions: Mapping[str, list[Row]], books: list[Row], at: datetime) -> dict[Key, tuple[int, int]]:  # fmt: skip
    """Of each record the answer at each moment, looked up one by one."""
    result: dict[Key, tuple[int, int]] = {}
    for table, feed in {(b["table_name"], b["feed"]) for b in books}:
        nights = [b for b in books if (b["table_name"], b["feed"]) == (table, feed) and b["known_from_utc"] <= at]  # fmt: skip
        if not nights:
            continue
        first = next(b["known_from_utc"] for b in nights if b["is_first_load"])
        newest = max(b["known_from_utc"] for b in nights)
        lives: dict[tuple[str, str], list[Row]] = {}
        for row in versions[table]:
            is_answer = row["known_to_utc"] is None or row["known_to_utc"] > row["known_from_utc"]
            if row["feed"] == feed and is_answer and row["known_from_utc"] <= at:
                lives.setdefault((row["source_system"], row["record_id"]), []).append(row)
        shown = [r for life in lives.values() for r in life if r["record_status"] == "live" and r["week_start"]]  # fmt: skip
        names = {group_of(table, r) for r in shown}
        for week in {r["week_start"] for r in shown}:
            begin = datetime(week.year, week.month, week.day, 6)
            if begin <= first:
                continue
            for lag in LAGS:
                moment = begin + timedelta(days=7 + lag)
                if moment <= newest:
                    then, now = (_tally(table, lives.values(), week, m) for m in (moment, at))
                    for name in names:
                        result[table, feed, name, week, lag] = (then.count(name), now.count(name))
    return result


def _tally(table: str, lives: Any, week: date, moment: datetime) -> list[str]:
    found = []
    for life in lives:
        answers = [r for r in life if r["known_from_utc"] <= moment]
        if answers:
            answer = max(answers, key=lambda r: r["known_from_utc"])
            if answer["record_status"] == "live" and answer["week_start"] == week:
                found.append(group_of(table, answer))
    return found
