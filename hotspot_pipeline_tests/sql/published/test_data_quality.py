"""The footer of every output: deliveries, records and events add up, part by part."""

from __future__ import annotations

from datetime import date
from typing import Any

from hotspot_pipeline_tests.sql.conftest import Desk

JAN, FEB = date(2026, 1, 31), date(2026, 2, 1)


def measures(desk: Desk) -> dict[str, int]:
    return {row["measure"]: row["n"] for row in desk.run("published.data_quality")}


def delivery(extract_id: str, state: str, feed: str = "crime_extract", **counts: int) -> dict[str, Any]:  # fmt: skip
    names = ("n_records", "n_unreadable", "n_repeated", "n_accepted", "n_rejected", "n_held")
    return {"extract_id": extract_id, "state": state, "feed": feed} | {
        n: counts.get(n, 0) for n in names
    }


def event(number: int, reason: str | None = None, day: date = JAN) -> dict[str, Any]:
    return {"event_id": f"e{number}", "is_counted": reason is None, "exclusion_reason": reason, "event_date": day}  # fmt: skip


def test_every_delivery_and_record_is_in_it(desk: Desk) -> None:
    desk.given(
        "published.deliveries",
        delivery("a", "accepted", n_records=10, n_unreadable=1, n_accepted=7, n_rejected=2),
        delivery("b", "accepted", n_records=9, n_accepted=5, n_repeated=4),
        delivery("c", "held", n_records=4, n_held=3, n_rejected=1),
        delivery("d", "refused"),
        delivery("e", "withdrawn", n_records=6, n_unreadable=2),
        delivery("f", "waiting", n_records=3, n_unreadable=1),
    )
    found = measures(desk)
    assert {k: found[k] for k in found if "deliveries" in k} == {
        "deliveries": 6, "deliveries held": 1, "deliveries refused": 1, "deliveries withdrawn": 1}  # fmt: skip
    assert {k: found[k] for k in found if k.startswith("records")} == {
        "records delivered": 32, "records repeated": 4, "records unreadable": 2, "records accepted": 12, "records rejected": 3, "records held": 3,
        "records withdrawn": 6, "records waiting": 2}  # fmt: skip
    assert found["records delivered"] == sum(n for k, n in found.items() if k.startswith("records ") and k != "records delivered")  # fmt: skip


def test_fixes_have_an_account_of_their_own(desk: Desk) -> None:
    desk.given(
        "published.deliveries",
        delivery("a", "accepted", n_records=2, n_accepted=2),
        delivery(
            "b",
            "accepted",
            "gps_pings",
            n_records=900,
            n_unreadable=1,
            n_accepted=890,
            n_rejected=9,
        ),
        delivery("c", "held", "gps_pings", n_records=50, n_held=40, n_rejected=10),
        delivery("d", "withdrawn", "gps_pings", n_records=7, n_unreadable=1),
        delivery("e", "waiting", "gps_pings", n_records=5),
    )
    found = measures(desk)
    assert {k: v for k, v in found.items() if k.startswith("fixes")} == {
        "fixes delivered": 962, "fixes unreadable": 1, "fixes refused": 19, "fixes held": 40, "fixes withdrawn": 7,
        "fixes waiting": 5, "fixes accepted": 890}  # fmt: skip
    assert (found["records delivered"], found["records accepted"]) == (2, 2)
    assert found["deliveries"] == 5


def test_every_event_is_counted_or_under_its_reason(desk: Desk) -> None:
    reasons = ["domestic", None, "domestic", None, "online", None]
    desk.given("hexes.events", *(event(n, r) for n, r in enumerate(reasons)))
    found = measures(desk)
    assert {k: v for k, v in found.items() if k.startswith(("events", "not counted"))} == {
        "events": 6, "events counted": 3, "not counted: domestic": 2, "not counted: online": 1}  # fmt: skip


def test_data_reach_to_the_newest_event_that_counts(desk: Desk) -> None:
    desk.given("hexes.events", event(1), event(2, "domestic", FEB))
    assert {row["data_to"] for row in desk.run("published.data_quality")} == {JAN}


def test_data_of_months_reach_to_the_end_of_the_newest(desk: Desk) -> None:
    desk.given("hexes.events", event(1) | {"time_known": "month", "event_date": date(2026, 2, 1)})
    assert {row["data_to"] for row in desk.run("published.data_quality")} == {date(2026, 2, 28)}


def test_with_nothing_at_all_every_measure_is_nought(desk: Desk) -> None:
    rows = desk.run("published.data_quality")
    assert {row["n"] for row in rows} == {0}
    assert {row["data_to"] for row in rows} == {None}
    assert {row["part"] for row in rows} == {"deliveries", "records", "events"}
