"""Which devices are seen, over New Year too, and which planned visits could be made."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from hotspot_pipeline_tests.sql.conftest import Desk

DAY = date(2026, 1, 1)


def seen(device: str, hour: int, day: date = DAY, *, n: int = 10, every_ms: int | None = 60_000) -> dict[str, Any]:  # fmt: skip
    at = datetime(day.year, day.month, day.day) + timedelta(hours=hour)
    return {"police_day": day, "device_pid": device, "device_type": "handheld", "n_fixes": n, "first_fix_utc": at,
            "last_fix_utc": at + timedelta(minutes=n), "median_interval_ms": every_ms}  # fmt: skip


def duty(number: int, device: str, start: datetime, hours: int | None, **more: Any) -> dict[str, Any]:  # fmt: skip
    end = None if hours is None else start + timedelta(hours=hours)
    return {"duty_id": f"D{number}", "device_pid": device, "device_pid_next_year": None, "device_type": "handheld",
            "police_day": start.date(), "start_utc": start, "end_utc": end, "deployment": "hotspot_funded", **more}  # fmt: skip


def test_booked_and_seen(desk: Desk) -> None:
    noon = datetime(2026, 1, 1, 12)
    desk.given(
        "history.duties_current",
        duty(1, "a", noon, 8),
        duty(2, "b", noon, 8),
        duty(3, "c", noon, None),
    )
    desk.given("validated.ping_device_days", seen("a", 13), seen("c", 20), seen("stray", 13), seen("b", 21))  # fmt: skip
    (row,) = desk.run("patrols.ping_coverage")
    assert (row["n_booked"], row["n_booked_seen"]) == (3, 3)
    # b sends an hour after its duty, and stray was never booked
    assert (row["n_seen"], row["n_seen_on_duty"], row["n_fixes"]) == (4, 2, 40)


def test_a_night_shift_of_31_december_is_linked_on_both_sides_of_06_00(desk: Desk) -> None:
    start = datetime(2025, 12, 31, 22)
    desk.given(
        "history.duties_current",
        duty(1, "old", start, 10, device_pid_next_year="new", police_day=date(2025, 12, 31)),
    )
    desk.given("validated.ping_device_days", seen("old", 23, date(2025, 12, 31)), seen("new", 6))
    rows = desk.run("patrols.ping_coverage")
    assert [(r["n_seen"], r["n_seen_on_duty"]) for r in rows] == [(1, 1), (1, 1)]


def test_how_often_a_kind_of_device_reports(desk: Desk) -> None:
    for number in range(30):
        day = DAY + timedelta(days=number)
        every = 300_000 if number == 29 else 60_000
        desk.given(
            "validated.ping_device_days",
            seen("a", 12, day, every_ms=every),
            seen("b", 12, day, every_ms=every + 1000),
            seen("c", 12, day, every_ms=None),
        )
    rows = sorted(desk.run("patrols.ping_coverage"), key=lambda r: r["police_day"])
    assert rows[0]["earlier_interval_ms"] is None
    # the lower of the two middle devices
    assert (rows[29]["median_interval_ms"], rows[29]["earlier_interval_ms"]) == (300_000, 60_000)


def test_plans_that_can_be_made_and_others(desk: Desk) -> None:
    six = datetime(2026, 1, 1, 18)

    def item(plan_id: str, start: datetime = six, minutes: int = 15, **more: Any) -> dict[str, Any]:
        return {"plan_id": plan_id, "plan_version": 1, "hotspot_id": "H", "police_day": DAY, "assigned_team": "T",
                "window_start_utc": start, "window_end_utc": start + timedelta(hours=1), "min_minutes": minutes,
                "is_latest": True, "arm": "treat", "is_issued_late": False, **more}  # fmt: skip

    desk.given("history.patrol_places_current", {"hotspot_id": "H", "valid_from": date(2025, 1, 1), "valid_to": DAY})  # fmt: skip
    desk.given("history.duties_current", duty(1, "a", six, 2, team="T", crew_pid="c"))
    desk.given(
        "history.patrol_plan_versions",
        item("fine"),
        item("before", six - timedelta(minutes=1), 46),
        item("no area", six + timedelta(hours=1), hotspot_id="X"),
        item("too late", six + timedelta(hours=1, seconds=1)),
        item("other team", assigned_team="U"),
        item("control", arm="control"),
        item("old", is_latest=False),
        item("issued late", six + timedelta(hours=1), 50, is_issued_late=True),
    )
    rows = {row["plan_id"]: row for row in desk.run("patrols.plan_checks")}
    assert set(rows) == {"fine", "before", "no area", "too late", "other team", "issued late"}
    # two at once, 61 minutes of one crew's 60
    assert (rows["fine"]["n_at_once"], rows["fine"]["minutes_at_once"], rows["fine"]["is_overbooked"]) == (2, 61, True)  # fmt: skip
    assert (rows["before"]["is_in_shift"], rows["before"]["is_overbooked"]) == (False, None)
    assert rows["no area"]["has_live_hotspot"] is False
    assert (rows["too late"]["is_in_shift"], rows["too late"]["n_at_once"]) == (False, 3)
    assert rows["other team"]["is_in_shift"] is None
    assert (rows["issued late"]["is_issued_late"], rows["issued late"]["is_overbooked"]) == (True, True)  # fmt: skip
