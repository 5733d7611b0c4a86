"""The account of every delivery: what became of it, and why."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from hotspot_pipeline.warehouse.session import AuditsFailed
from hotspot_pipeline_tests.sql.conftest import Desk, picked

COUNTS = {
    "n_in": 10,
    "n_accepted": 8,
    "n_accepted_before": 0,
    "n_rejected": 2,
    "n_held": 0,
    "n_without_location": 3,
}


def delivered(desk: Desk, extract_id: str = "e1", **more: Any) -> None:
    desk.given("raw.extracts", {"extract_id": extract_id, "status": "loaded", "n_records": 11, "n_rows": 10, "n_unreadable": 1} | more)  # fmt: skip


def decided(desk: Desk, decision: str, day: int, because: str = "wrong month") -> None:
    desk.given("raw.decisions", {"extract_id": "e1", "decision": decision, "because": because, "decided_by": "ana",
                                 "decided_at_utc": datetime(2026, 6, day)})  # fmt: skip


def test_an_accepted_delivery_is_counted_out(desk: Desk) -> None:
    delivered(desk)
    desk.given("validated.extract_counts", {"extract_id": "e1", "status": "accepted", **COUNTS})
    [row] = desk.run("published.deliveries")
    expected = {"state": "accepted", "n_records": 11, "n_unreadable": 1, "n_accepted": 8, "n_rejected": 2, "n_held": 0, "n_without_location": 3}  # fmt: skip
    assert {k: row[k] for k in expected} == expected


def test_rows_that_came_again_are_counted_out_too(desk: Desk) -> None:
    delivered(desk, kind="full")
    desk.given("validated.extract_counts", {"extract_id": "e1", "status": "accepted", **COUNTS, "n_in": 3, "n_accepted": 1, "n_accepted_before": 7})  # fmt: skip
    assert picked(desk.run("published.deliveries"), "n_records", "n_repeated", "n_accepted") == [(11, 7, 1)]  # fmt: skip


def test_a_delivery_that_the_gate_has_not_seen_waits(desk: Desk) -> None:
    delivered(desk)
    assert picked(desk.run("published.deliveries"), "state", "n_accepted", "n_rejected") == [("waiting", 0, 0)]  # fmt: skip


def test_a_refused_delivery_says_why(desk: Desk) -> None:
    delivered(desk, status="refused", reason="x.csv: a PNG picture", n_records=0, n_unreadable=0)
    assert picked(desk.run("published.deliveries"), "state", "reason") == [("refused", "x.csv: a PNG picture")]  # fmt: skip


def test_a_held_delivery_keeps_its_rows_out(desk: Desk) -> None:
    delivered(desk)
    desk.given("validated.extract_counts", {"extract_id": "e1", "status": "held", **COUNTS, "n_accepted": 0, "n_held": 8})  # fmt: skip
    assert picked(desk.run("published.deliveries"), "state", "n_accepted", "n_held", "n_rejected") == [("held", 0, 8, 2)]  # fmt: skip


def test_a_withdrawn_delivery_says_who_and_why(desk: Desk) -> None:
    delivered(desk)
    decided(desk, "withdrawn", 2)
    assert picked(desk.run("published.deliveries"), "state", "reason", "n_accepted") == [("withdrawn", "wrong month (ana)", 0)]  # fmt: skip


def test_of_several_decisions_the_last_one_holds(desk: Desk) -> None:
    delivered(desk)
    decided(desk, "held", 1)
    decided(desk, "withdrawn", 3, "sent twice")
    decided(desk, "released", 2)
    assert picked(desk.run("published.deliveries"), "state", "reason") == [("withdrawn", "sent twice (ana)")]  # fmt: skip
    assert len(desk.rows("published.deliveries")) == 1


@pytest.mark.parametrize("lost", [{"n_records": 12}, {"n_unreadable": 0}])
def test_a_delivery_that_loses_a_record_is_not_published(lost: dict[str, int], desk: Desk) -> None:
    delivered(desk, **lost)
    desk.given("validated.extract_counts", {"extract_id": "e1", "status": "accepted", **COUNTS})
    with pytest.raises(AuditsFailed, match="deliveries_counted_out"):
        desk.run("published.deliveries")
