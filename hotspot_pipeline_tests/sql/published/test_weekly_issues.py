"""The three standard cuts of a week beside each other."""

from __future__ import annotations

from datetime import date, datetime

from hotspot_pipeline_tests.sql.conftest import Desk

FIRST = datetime(2026, 1, 20, 2)
OLD, WEEK, NEW = date(2025, 11, 3), date(2026, 1, 12), date(2026, 3, 2)


def test_first_issue_settled_and_latest_stand_in_a_row(desk: Desk) -> None:
    desk.given(
        "history.extracts",
        {"kind": "delta", "known_from_utc": FIRST},
        {"kind": "full", "known_from_utc": datetime(2026, 3, 10, 2)},
    )
    events = [(OLD, "VAP", 7), (WEEK, "VAP", 5), (NEW, "ASB", 4), (None, "ASB", 2)]
    desk.given("hexes.events", *[{"event_id": f"{w}{n}", "is_counted": True, "week_start": w, "cat_group": g} for w, g, n_all in events for n in range(n_all)])  # fmt: skip
    desk.given(
        "hexes.events",
        {"event_id": "x", "is_counted": False, "week_start": WEEK, "cat_group": "VAP"},
    )
    desk.given("hexes.cuts",
               {"week_start": WEEK, "cut": "first_issue", "known_at_utc": FIRST, "note": "asb did not deliver within 7 days"},
               {"week_start": WEEK, "cut": "settled", "known_at_utc": datetime(2026, 2, 16, 2), "note": None},
               {"week_start": NEW, "cut": "first_issue", "known_at_utc": None, "note": "nothing was delivered"})  # fmt: skip
    desk.given("hexes.crime_weekly_cuts", *[{"cut": c, "resolution": r, "week_start": WEEK, "cat_group": g, "n_events": n}
               for r in (8, 9, 10) for c, g, n in (("first_issue", "VAP", 4), ("settled", "VAP", 4), ("settled", "VAP", 2), ("settled", "ROBBERY", 1))])  # fmt: skip
    rows = {(r["week_start"], r["cat_group"]): r for r in desk.run("published.weekly_issues")}
    assert len(rows) == 4
    vap = rows[WEEK, "VAP"]
    assert (vap["n_first_issue"], vap["n_settled"], vap["n_latest"]) == (4, 6, 5)
    assert (vap["first_issue_note"], vap["settled_note"]) == (
        "asb did not deliver within 7 days",
        None,
    )
    # an event that was recoded since is in its old group no more
    robbery = rows[WEEK, "ROBBERY"]
    assert (robbery["n_first_issue"], robbery["n_settled"], robbery["n_latest"]) == (0, 1, 0)
    old = rows[OLD, "VAP"]
    assert (old["n_first_issue"], old["n_settled"], old["n_latest"]) == (None, None, 7)
    assert old["first_issue_note"] == old["settled_note"] == "history unknown before 2026-01-20"
    new = rows[NEW, "ASB"]
    assert (new["n_first_issue"], new["first_issue_note"]) == (None, "nothing was delivered")
    assert (new["n_settled"], new["settled_note"]) == (None, "not due yet")
