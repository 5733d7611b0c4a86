"""Each incident as it stands in the newest delivery that holds it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hotspot_pipeline_tests.sql.conftest import Desk, picked

NIGHT_1, NIGHT_2 = datetime(2026, 6, 1, 1), datetime(2026, 6, 2, 1)


def extract(extract_id: str, taken: datetime) -> dict[str, Any]:
    return {"extract_id": extract_id, "feed": "asb_extract", "table_name": "asb_incidents", "kind": "delta", "status": "loaded",
            "extract_ts_utc": taken, "order_ts_utc": taken, "received_at_utc": taken}  # fmt: skip


def state(extract_id: str, pid: str, **more: Any) -> dict[str, Any]:
    content = {"row_hash": f"{sorted(more.items())}"}
    return (
        {"extract_id": extract_id, "accepted_with": extract_id, "incident_pid": pid}
        | content
        | more
    )


def current(desk: Desk, **known: datetime) -> list[dict[str, Any]]:
    desk.digest()
    return desk.run("history.asb_current", **known)


def test_the_newest_state_of_an_incident_stands(desk: Desk) -> None:
    desk.given("raw.extracts", extract("e1", NIGHT_1), extract("e2", NIGHT_2))
    desk.given(
        "validated.asb_incidents",
        state("e1", "i1"),
        state("e2", "i1", linked_crime_pid="c9"),
        state("e1", "i2"),
        state("e1", "i1", source_system="other"),
    )
    rows = current(desk)
    assert picked(rows, "source_system", "incident_pid", "extract_id", "linked_crime_pid") == [
        ("other", "i1", "e1", None), ("x", "i1", "e2", "c9"), ("x", "i2", "e1", None)]  # fmt: skip
    assert {r["feed"] for r in rows} == {"asb_extract"}


def test_known_at_cuts_what_came_later(desk: Desk) -> None:
    desk.given("raw.extracts", extract("e1", NIGHT_1), extract("e2", NIGHT_2))
    desk.given(
        "validated.asb_incidents",
        state("e1", "i1"),
        state("e2", "i1", duplicate_of_pid="i0"),
        state("e2", "i2"),
    )
    before = current(desk, known_at=datetime(2026, 6, 1, 23))
    assert picked(before, "incident_pid", "duplicate_of_pid") == [("i1", None)]
    assert current(desk, known_at=datetime(2026, 5, 1)) == []
