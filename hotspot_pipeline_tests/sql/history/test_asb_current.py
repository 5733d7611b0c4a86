"""Each incident as it stands in the newest delivery that holds it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hotspot_pipeline_tests.sql.conftest import Desk, picked

NIGHT_1, NIGHT_2 = datetime(2026, 6, 1, 1), datetime(2026, 6, 2, 1)


def extract(extract_id: str, taken: datetime) -> dict[str, Any]:
    return {"extract_id": extract_id, "feed": "asb_extract", "extract_ts_utc": taken, "received_at_utc": taken}  # fmt: skip


def test_the_newest_state_of_an_incident_stands(desk: Desk) -> None:
    desk.given("raw.extracts", extract("e1", NIGHT_1), extract("e2", NIGHT_2))
    desk.given(
        "validated.asb_incidents",
        {"extract_id": "e1", "incident_pid": "i1"},
        {"extract_id": "e2", "incident_pid": "i1", "linked_crime_pid": "c9"},
        {"extract_id": "e1", "incident_pid": "i2"},
        {"extract_id": "e1", "incident_pid": "i1", "source_system": "other"},
    )
    rows = desk.run("history.asb_current")
    assert picked(rows, "source_system", "incident_pid", "extract_id", "linked_crime_pid") == [
        ("other", "i1", "e1", None), ("x", "i1", "e2", "c9"), ("x", "i2", "e1", None)]  # fmt: skip
    assert {r["feed"] for r in rows} == {"asb_extract"}


def test_known_at_cuts_what_came_later(desk: Desk) -> None:
    desk.given("raw.extracts", extract("e1", NIGHT_1), extract("e2", NIGHT_2))
    desk.given(
        "validated.asb_incidents",
        {"extract_id": "e1", "incident_pid": "i1"},
        {"extract_id": "e2", "incident_pid": "i1", "duplicate_of_pid": "i0"},
        {"extract_id": "e2", "incident_pid": "i2"},
    )
    before = desk.run("history.asb_current", known_at=datetime(2026, 6, 1, 23))
    assert picked(before, "incident_pid", "duplicate_of_pid") == [("i1", None)]
    assert desk.run("history.asb_current", known_at=datetime(2026, 5, 1)) == []
