"""Lists that arrive whole: the newest accepted delivery replaces the one before it, as known at a moment."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from hotspot_pipeline_tests.sql.conftest import Desk, picked

MAY, JUNE, JULY = (datetime(2026, n, 1) for n in (5, 6, 7))
LISTS = {"venues": "venue_id", "excluded_sites": "site_id", "default_geocodes": "geocode_id"}
each_list = pytest.mark.parametrize(("table", "key"), LISTS.items())


def deliver(desk: Desk, table: str, extract_id: str, taken: datetime, keys: list[str], *, status: str = "accepted", **more: Any) -> None:  # fmt: skip
    extract = {"extract_id": extract_id, "table_name": table, "status": "loaded", "extract_ts_utc": taken, "received_at_utc": taken}  # fmt: skip
    desk.given("raw.extracts", extract | more)
    desk.given("validated.extract_counts", {"extract_id": extract_id, "table_name": table, "status": status})  # fmt: skip
    desk.given(f"validated.{table}", *({"extract_id": extract_id, LISTS[table]: k} for k in keys))


@each_list
def test_the_newest_list_stands_whole(table: str, key: str, desk: Desk) -> None:
    deliver(desk, table, "e1", MAY, ["a", "b"])
    deliver(desk, table, "e2", JUNE, ["b", "c"])
    assert picked(desk.run(f"history.{table}_current"), key) == [("b",), ("c",)]
    before = desk.run(f"history.{table}_current", known_at=datetime(2026, 5, 31))
    assert picked(before, key) == [("a",), ("b",)]


@each_list
def test_a_list_that_the_gate_holds_replaces_nothing(table: str, key: str, desk: Desk) -> None:
    deliver(desk, table, "e1", MAY, ["a"])
    deliver(desk, table, "e2", JUNE, [], status="held")
    assert picked(desk.run(f"history.{table}_current"), key) == [("a",)]


@each_list
def test_a_list_of_another_kind_replaces_nothing(table: str, key: str, desk: Desk) -> None:
    other = next(t for t in LISTS if t != table)
    deliver(desk, table, "e1", MAY, ["a"])
    deliver(desk, other, "e2", JUNE, ["z"])
    assert picked(desk.run(f"history.{table}_current"), key) == [("a",)]


@each_list
def test_an_accepted_list_without_rows_empties_it(table: str, key: str, desk: Desk) -> None:
    deliver(desk, table, "e1", MAY, ["a"])
    deliver(desk, table, "e2", JUNE, [])
    assert desk.run(f"history.{table}_current") == []


@pytest.mark.parametrize(
    ("category", "late_licence", "is_late"),
    [("pub", None, False), ("pub", False, False), ("pub", True, True), ("nightclub", None, True),
     ("late_takeaway", False, True), ("casino", None, False)],
)  # fmt: skip
def test_a_venue_is_late_by_licence_or_by_kind(
    category: str, late_licence: bool | None, is_late: bool, desk: Desk
) -> None:
    deliver(desk, "venues", "e1", MAY, [])
    desk.given("validated.venues", {"extract_id": "e1", "category": category, "late_licence": late_licence})  # fmt: skip
    assert picked(desk.run("history.venues_current"), "is_late") == [(is_late,)]
