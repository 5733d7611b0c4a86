"""A night that changes more than recoding does is held; a first load and small numbers are not; a person decides."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot_pipeline.history.guard import judged, reason
from hotspot_pipeline_tests.sql.conftest import NOW, Desk
from hotspot_pipeline_tests.sql.history.made_extracts import Nights, crime, groups, night, place

AUDIT = "publication_is_released"


def entry(**numbers: Any) -> dict[str, Any]:
    """One row of the book, before it is judged: an ordinary night of a force that knows 10 000 records."""
    return {"extract_id": "e", "feed": "crime_extract", "is_first_load": False, "n_seen": 1000, "n_changed": 0,
            "n_moved": 0, "n_standing": 10_000, "share_changed": None, "share_moved": None, "is_held": False} | numbers  # fmt: skip


def judge(*entries: dict[str, Any], moved: dict[str, int] | None = None, first: tuple[str, ...] = ()) -> list[dict[str, Any]]:  # fmt: skip
    listed = {"extract_id": list(moved or {}), "n_moved": list((moved or {}).values())}
    frame = pl.DataFrame(listed, schema={"extract_id": pl.String, "n_moved": pl.Int64})
    return judged(pl.DataFrame(list(entries)), frame, first).to_dicts()


def is_held(n_moved: int = 0, **numbers: Any) -> bool:
    [row] = judge(entry(**numbers), moved={"e": n_moved} if n_moved else {})
    return bool(row["is_held"])


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ({"n_standing": 10_000, "n_changed": 500}, False),
        ({"n_standing": 10_000, "n_changed": 501}, True),
        ({"n_standing": 1000, "n_changed": 50}, False),
        ({"n_standing": 1000, "n_changed": 51}, True),
        ({"n_standing": 999, "n_changed": 999}, False),
        ({"n_seen": 500, "n_moved": 100}, False),
        ({"n_seen": 500, "n_moved": 101}, True),
        ({"n_seen": 499, "n_moved": 100}, True),
        ({"n_seen": 99, "n_moved": 99}, False),
        ({"n_seen": 0, "n_standing": 0}, False),
    ],
)  # fmt: skip
def test_more_than_one_in_twenty_changed_or_one_in_five_moved_is_held(
    numbers: dict[str, int], expected: bool
) -> None:
    assert is_held(**numbers) is expected


@given(st.integers(50, 10**7))
def test_exactly_the_share_passes_and_one_more_does_not(n: int) -> None:
    assert not is_held(n_standing=20 * n, n_changed=n)
    assert is_held(n_standing=20 * n, n_changed=n + 1)
    assert not is_held(n_seen=10 * n, n_moved=2 * n, n_standing=10**9)
    assert is_held(n_seen=10 * n, n_moved=2 * n + 1, n_standing=10**9)


def test_the_shares_are_of_the_known_and_of_the_shown() -> None:
    [row] = judge(entry(n_changed=300), moved={"e": 250, "another": 7})
    assert (row["share_changed"], row["n_moved"], row["share_moved"]) == (0.03, 250, 0.25)
    assert row["is_held"]


def test_entries_keep_their_columns_and_nobody_elses_moves() -> None:
    rows = judge(entry(), entry(extract_id="f"), moved={"f": 300})
    assert [(r["extract_id"], r["n_moved"], r["is_held"]) for r in rows] == [("e", 0, False), ("f", 300, True)]  # fmt: skip
    assert set(rows[0]) == set(entry())


def test_a_first_load_changes_nothing() -> None:
    [row] = judge(entry(is_first_load=True, n_changed=9000), moved={"e": 900})
    assert (row["share_changed"], row["share_moved"], row["is_held"]) == (None, None, False)


def test_what_comes_with_a_first_load_is_not_held_but_its_shares_are_told() -> None:
    """Years of nights come at once: nothing has been published yet that could be kept."""
    later = entry(extract_id="f", n_changed=9000)
    other = entry(extract_id="g", feed="asb_extract", n_changed=9000)
    rows = judge(entry(is_first_load=True), later, other, first=("crime_extract",))
    assert [(r["extract_id"], r["share_changed"], r["is_held"]) for r in rows] == [
        ("e", None, False), ("f", 0.9, False), ("g", 0.9, True)]  # fmt: skip


def test_the_reason_names_numbers_limits_and_what_to_do() -> None:
    [row] = judge(entry(n_changed=1234), moved={"e": 250})
    told = reason(row)
    for part in ("e changes 1,234 of 10,000 known records (12.3%)", "250 of the 1,000 it shows (25.0%)",
                 "more than 5% or 20%", "hotspots release e --by NAME --because REASON", "hotspots withdraw e --because REASON"):  # fmt: skip
        assert part in told


def some(n: int, **changes: Any) -> list[dict[str, Any]]:
    return [crime(f"p{i}", **changes) for i in range(n)]


@pytest.fixture
def held(desk: Desk) -> Nights:
    """1 200 known records, and a night that reclassifies 61 of them."""
    groups(desk)
    told = Nights(desk)
    told.night(0, *some(1200), name="first")
    told.night(1, *some(60, ho_offence_code="034/01"), name="ordinary")
    told.night(2, *some(61, ho_offence_code="005/04"), name="too much")
    return told


def book(desk: Desk) -> dict[str, tuple[Any, ...]]:
    return {r["extract_id"]: (r["n_changed"], r["n_standing"], r["is_held"]) for r in desk.rows("history.extracts")}  # fmt: skip


def waiting(desk: Desk) -> int:
    return desk.bad_rows("history.extracts", AUDIT)


def test_a_night_that_changes_too_much_waits_for_a_person(held: Nights, desk: Desk) -> None:
    assert book(desk) == {"first": (0, 0, False), "ordinary": (60, 1200, False), "too much": (61, 1200, True)}  # fmt: skip
    assert waiting(desk) == 1
    # it is known all the same
    assert held.current()["p0"]["ho_offence_code"] == "005/04"
    held.night(3, crime("p0"))
    assert waiting(desk) == 1, "another night does not let it pass"


@pytest.mark.parametrize(
    ("decision", "hours", "expected"),
    [("released", 1, 0), ("released", 0, 0), ("released", -1, 1), ("held", 1, 1)],
)
def test_a_release_after_it_was_read_lets_it_pass(
    decision: str, hours: int, expected: int, held: Nights, desk: Desk
) -> None:
    """A release of the gate, given before anybody saw what the extract does to the history, is not this one."""
    moment = NOW + timedelta(hours=hours)
    desk.given("raw.decisions", {"extract_id": "too much", "decision": decision, "decided_at_utc": moment})  # fmt: skip
    assert waiting(desk) == expected


def test_a_release_of_another_extract_does_not(held: Nights, desk: Desk) -> None:
    desk.given("raw.decisions", {"extract_id": "ordinary", "decision": "released", "decided_at_utc": NOW})  # fmt: skip
    assert waiting(desk) == 1


def test_a_withdrawal_ends_the_wait_and_brings_yesterday_back(held: Nights, desk: Desk) -> None:
    held.withdraw("too much")
    assert waiting(desk) == 0
    assert held.current()["p0"]["ho_offence_code"] == "034/01"
    assert held.current(night(2))["p0"]["ho_offence_code"] == "005/04", "what was known stays known"


def test_a_night_that_moves_too_many_of_what_it_shows(desk: Desk) -> None:
    """A share of what the extract shows, not of everything known: a batch re-geocode of one town."""
    groups(desk)
    told = Nights(desk)
    told.night(0, *some(2500), name="first")
    told.night(1, *some(120, **place(1)), *some(500)[120:], name="batch")
    [row] = [r for r in desk.rows("history.extracts") if r["extract_id"] == "batch"]
    assert (row["n_changed"], row["n_moved"], row["share_changed"], row["share_moved"], row["is_held"]) == (
        120, 120, 0.048, 0.24, True)  # fmt: skip


def test_outcomes_hold_nothing_up(desk: Desk) -> None:
    told = Nights(desk)
    told.night(0, *some(1000))
    told.night(1, *some(1000, outcome_code="18", beat_code="B2"))
    assert [v[0] for v in book(desk).values()] == [0, 0]
    assert waiting(desk) == 0


def test_new_records_hold_nothing_up(desk: Desk) -> None:
    told = Nights(desk)
    told.night(0, *some(1000))
    told.night(1, *(crime(f"q{i}") for i in range(1000)))
    assert waiting(desk) == 0
