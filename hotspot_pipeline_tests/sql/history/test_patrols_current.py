"""Duties, logs and plans as they stand: the row delivered last, and every version of a plan as it was issued."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hotspot_pipeline_tests.sql.conftest import Desk

DAY_1, DAY_2, DAY_3 = (datetime(2026, 6, day, 2) for day in (1, 2, 3))


def deliveries(desk: Desk, table: str, *states: str) -> None:
    """Extracts e1, e2 … of the table, a day apart; `states` of the gate."""
    for number, (state, at) in enumerate(zip(states, (DAY_1, DAY_2, DAY_3)), 1):
        extract = {"extract_id": f"e{number}", "table_name": table}
        desk.given("raw.extracts", {**extract, "feed": table, "status": "loaded", "extract_ts_utc": at, "order_ts_utc": at})  # fmt: skip
        if state != "waiting":
            desk.given("validated.extract_counts", {**extract, "status": state})


def test_the_duty_delivered_last_stands(desk: Desk) -> None:
    deliveries(desk, "duties", "accepted", "accepted", "held")
    for extract, end in (("e1", 20), ("e2", 22), ("e3", 23)):
        desk.given("validated.duties", {"extract_id": extract, "duty_id": "D1", "end_utc": datetime(2026, 6, 1, end)})  # fmt: skip
    desk.given("validated.duties", {"extract_id": "e1", "duty_id": "D2", "end_utc": None})
    ends = {row["duty_id"]: row["end_utc"] for row in desk.run("history.duties_current")}
    assert ends == {"D1": datetime(2026, 6, 1, 22), "D2": None}
    earlier = desk.run("history.duties_current", known_at=datetime(2026, 6, 1, 12))
    assert {row["duty_id"]: row["end_utc"] for row in earlier}["D1"] == datetime(2026, 6, 1, 20)


def test_a_log_that_was_corrected(desk: Desk) -> None:
    deliveries(desk, "patrol_logs", "accepted", "accepted")
    for extract, n in (("e2", 1), ("e1", 7)):
        desk.given("validated.patrol_logs", {"extract_id": extract, "log_id": "L1", "n_arrests": n})
    assert [row["n_arrests"] for row in desk.run("history.patrol_logs_current")] == [1]


def plan(extract: str, version: int, issued: datetime, **more: Any) -> dict[str, Any]:
    return {"extract_id": extract, "plan_id": "P", "plan_version": version, "issued_ts_utc": issued,
            "window_start_utc": datetime(2026, 6, 1, 18), **more}  # fmt: skip


def test_case_31_a_plan_issued_after_its_window_began_and_a_version_that_stood_until_then(
    desk: Desk,
) -> None:
    deliveries(desk, "patrol_plan", "accepted", "accepted")
    morning, evening = datetime(2026, 6, 1, 8), datetime(2026, 6, 1, 18, 0, 1)
    desk.given("validated.patrol_plan", plan("e1", 1, morning), plan("e2", 2, evening))
    first, second = sorted(desk.run("history.patrol_plan_versions"), key=lambda r: r["plan_version"])  # fmt: skip
    assert (first["superseded_utc"], first["is_latest"], first["is_issued_late"]) == (evening, False, False)  # fmt: skip
    assert (second["superseded_utc"], second["is_latest"], second["is_issued_late"]) == (None, True, True)  # fmt: skip
    # on the first day nobody knew of the second version
    (only,) = desk.run("history.patrol_plan_versions", known_at=datetime(2026, 6, 1, 12))
    assert only["is_latest"] and only["superseded_utc"] is None


def test_places_are_those_of_the_newest_list(desk: Desk) -> None:
    deliveries(desk, "patrol_places", "accepted", "accepted", "waiting")
    for extract, place in (("e1", "A"), ("e1", "B"), ("e2", "A"), ("e3", "C")):
        desk.given("validated.patrol_places", {"extract_id": extract, "hotspot_id": place})
    assert [row["hotspot_id"] for row in desk.run("history.patrol_places_current")] == ["A"]
