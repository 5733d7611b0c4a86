"""Each audit finds the row it was written for, and only that one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from hotspot_pipeline.warehouse.contract import TableContract
from hotspot_pipeline_tests.sql.conftest import Desk

Rows = Mapping[str, list[dict[str, Any]]]
WEEK = date(2026, 1, 5)
EXTRACT = {
    "extract_id": "e",
    "status": "loaded",
    "n_records": 3,
    "n_rows": 2,
    "n_repeated": 2,
    "n_unreadable": 1,
}
COUNTS = {
    "extract_id": "e",
    "n_in": 3,
    "n_accepted": 1,
    "n_accepted_before": 2,
    "n_rejected": 1,
    "n_held": 1,
}
NIGHTS = [datetime(2026, 6, day) for day in (1, 2, 3)]
T = datetime(2026, 1, 6, 22)
SMALL = (
    "default_geocodes",
    "duties",
    "excluded_sites",
    "patrol_logs",
    "patrol_places",
    "patrol_plan",
    "venues",
)
FULL = {"feed": "f", "table_name": "crimes", "kind": "full", "status": "loaded", "n_rows": 1}
HELD = {"extract_id": "e", "is_held": True, "digested_at_utc": NIGHTS[0]}
LEDGER = {"live_before": 10, "n_new": 3, "n_reinstated": 1, "n_cancelled": 2, "n_transferred": 1, "n_merged": 1, "n_non_crime": 1,
          "n_missing": 1, "n_withdrawn": 1, "live_after": 7}  # fmt: skip
EVENT = {"event_id": "a", "is_counted": True, "week_start": WEEK, "police_day": WEEK, "month": WEEK}
SCORES = {"n_events": 6, "n_asb": 1, "n_public_order": 1, "n_crim_damage": 1, "n_robbery": 1, "n_vap": 1, "n_weapons": 1}  # fmt: skip
CLAIM = {"design_id": "d", "cut": "latest", "outcome": "ALL", "measure": "rate_ratio"}
DELIVERY = {"extract_id": "e", "state": "accepted", "n_records": 8, "n_unreadable": 1, "n_repeated": 3, "n_accepted": 2, "n_rejected": 1, "n_held": 1}  # fmt: skip


def counted(table: str) -> Rows:
    """One event at three resolutions."""
    return {"hexes.events": [EVENT], table: [{"resolution": r, "week_start": WEEK, "police_day": WEEK, "month": WEEK} for r in (8, 9, 10)]}  # fmt: skip


def trimmed(rows: Rows, catalog: Mapping[str, TableContract]) -> Rows:
    return {t: [{k: v for k, v in r.items() if k in catalog[t].column_types} for r in rs] for t, rs in rows.items()}  # fmt: skip


# audit: (its table, rows that are right, the change that makes one row bad)
AUDITS: dict[str, tuple[str, Rows, tuple[str, dict[str, Any]]]] = {
    "effects_have_their_guards": (
        "evaluation.effects",
        {"evaluation.effects": [{**CLAIM, "is_causal_design": True, "may_claim": True}], "evaluation.effect_guards": [{**CLAIM, "guard": "design", "verdict": "clear"}]},
        ("evaluation.effect_guards", {"verdict": "forbids"})),
    "effects_claim_what_they_may": (
        "evaluation.effects",
        {"evaluation.effects": [{**CLAIM, "may_claim": True, "low": -0.4, "high": -0.1, "sentence_follows": "Patrols reduced crime there."},
                                {**CLAIM, "measure": "wdd", "may_claim": False, "sentence_follows": "This says nothing."}]},
        ("evaluation.effects", {"high": 0.1})),
    "publication_is_released": (
        "history.extracts",
        {"history.extracts": [HELD], "raw.decisions": [{"extract_id": "e", "decision": "released", "decided_at_utc": NIGHTS[1]}]},
        ("raw.decisions", {"decided_at_utc": datetime(2026, 5, 31)})),
    "count_ledger_closes": ("history.count_ledger", {"history.count_ledger": [LEDGER]}, ("history.count_ledger", {"n_new": 4})),
    "asb_answers_tile": (
        "history.asb_versions",
        {"history.asb_versions": [{"known_from_utc": NIGHTS[0], "known_to_utc": NIGHTS[1]}, {"known_from_utc": NIGHTS[1]}]},
        ("history.asb_versions", {"known_from_utc": NIGHTS[0], "known_to_utc": NIGHTS[2]})),
    "crime_answers_tile": (
        "history.crime_versions",
        {"history.crime_versions": [{"known_from_utc": NIGHTS[0], "known_to_utc": NIGHTS[1]}, {"known_from_utc": NIGHTS[1]}]},
        ("history.crime_versions", {"known_from_utc": NIGHTS[0], "known_to_utc": NIGHTS[2]})),
    "lookup_answers_follow": (
        "history.lookup_versions",
        {"history.lookup_versions": [{"known_from_utc": NIGHTS[0], "known_to_utc": NIGHTS[1]}, {"known_from_utc": NIGHTS[2]}]},
        ("history.lookup_versions", {"known_to_utc": None})),
    "lookup_change_is_small": (
        "history.lookup_changes",
        {"history.extracts": [{"digested_at_utc": NIGHTS[1]}], "history.lookup_changes": [{"is_large": True, "digested_at_utc": NIGHTS[0]}]},
        ("history.lookup_changes", {"digested_at_utc": NIGHTS[1]})),
    "records_are_rows_or_unreadable": ("raw.extracts", {"raw.extracts": [EXTRACT]}, ("raw.extracts", {"n_records": 4})),
    "extract_has_its_rows": (
        "raw.extracts",
        {"raw.extracts": [EXTRACT], "raw.extract_files": [{"extract_id": "e", "source_file": f, "n_rows": 1} for f in "ab"]},
        ("raw.extract_files", {"n_rows": 2})),
    "new_rows_are_stored": (
        "raw.extracts",
        {"raw.extracts": [{**EXTRACT, "table_name": "crimes", "n_repeated": 1}], "raw.crimes": [{"extract_id": "e"}]},
        ("raw.crimes", {"extract_id": "other"})),
    "full_extracts_stand_in_runs": (
        "raw.full_runs",
        {"raw.extracts": [
            {**FULL, "extract_id": "e1", "order_ts_utc": NIGHTS[0], "n_repeated": 0},
            {**FULL, "extract_id": "e2", "order_ts_utc": NIGHTS[1], "n_repeated": 1},
            {**FULL, "extract_id": "e3", "order_ts_utc": NIGHTS[2], "n_repeated": 0}],
         "raw.full_runs": [
            {"feed": "f", "extract_id": "e1", "from_order_ts_utc": NIGHTS[0], "to_order_ts_utc": NIGHTS[1]},
            {"feed": "f", "extract_id": "e3", "from_order_ts_utc": NIGHTS[2]}]},
        ("raw.full_runs", {"to_order_ts_utc": NIGHTS[0]})),
    "crimes_counted_out": (
        "validated.crimes",
        {"raw.extracts": [{"extract_id": "e", "n_rows": 5}], "validated.extract_counts": [{**COUNTS, "table_name": "crimes"}],
         "validated.crimes": [{"extract_id": "held before", "accepted_with": "e"}]},
        ("validated.crimes", {"accepted_with": "other"})),
    "asb_incidents_counted_out": (
        "validated.asb_incidents",
        {"raw.extracts": [{"extract_id": "e", "n_rows": 5}], "validated.extract_counts": [{**COUNTS, "table_name": "asb_incidents"}],
         "validated.asb_incidents": [{"extract_id": "e", "accepted_with": "e"}]},
        ("validated.extract_counts", {"n_accepted_before": 1})),
    "events_counted_or_explained": (
        "hexes.events", {"hexes.events": [EVENT, {"event_id": "b", "is_counted": False, "exclusion_reason": "online"}]},
        ("hexes.events", {"exclusion_reason": "domestic"})),
    "every_current_record_is_an_event": (
        "hexes.events",
        {"hexes.events": [EVENT, {"event_id": "b"}], "history.crimes_current": [{}], "history.asb_current": [{}]},
        ("hexes.events", {"dropped": True})),
    "crime_weekly_matches_events": ("hexes.crime_weekly", counted("hexes.crime_weekly"), ("hexes.crime_weekly", {"n_events": 2})),
    "crime_daily_matches_events": ("hexes.crime_daily", counted("hexes.crime_daily"), ("hexes.crime_daily", {"n_events": 2})),
    "crime_monthly_matches_events": ("hexes.crime_monthly", counted("hexes.crime_monthly"), ("hexes.crime_monthly", {"n_events": 2})),
    "cuts_have_their_moment": (
        "hexes.crime_weekly_cuts",
        {"hexes.cuts": [{"cut": "settled", "week_start": WEEK, "known_at_utc": NIGHTS[0]}],
         "hexes.crime_weekly_cuts": [{"cut": "settled", "week_start": WEEK, "resolution": r, "n_events": 4} for r in (8, 9, 10)]},
        ("hexes.cuts", {"known_at_utc": None})),
    "event_hours_sum_to_events": (
        "hot_times.event_hours",
        {"hexes.events": [{**EVENT, "time_known": "window", "from_utc": T, "to_utc": T}, {**EVENT, "event_id": "b", "time_known": "date_only"}],
         "hexes.window_prints": [{"table_name": "hot_times.event_hours", "window_start": WEEK}],
         "hot_times.event_hours": [{"event_id": "a", "week_start": WEEK, "weight": 10**12}]},
        ("hot_times.event_hours", {"weight": 10**12 - 1})),
    "windows_fit_their_set": (
        "hot_times.windows",
        {"hot_times.windows": [{"hotspot_id": "h", "window_no": 1, "start_hour_of_week": 166, "n_hours": 4},
                               {"hotspot_id": "h", "window_no": 2, "start_hour_of_week": 2, "n_hours": 3}],
         "hot_times.window_sets": [{"hotspot_id": "h", "n_windows": 2, "n_hours": 7}]},
        ("hot_times.window_sets", {"n_hours": 8})),
    "time_cases_hold_every_event": (
        "hot_times.time_cases",
        {"hexes.events": [EVENT], "hot_times.time_cases": [{"n_events": 1}]},
        ("hot_times.time_cases", {"n_events": 2})),
    "cell_scores_hold_every_event": ("hexes.cell_scores", {"hexes.cell_scores": [SCORES]}, ("hexes.cell_scores", {"n_vap": 2})),
    "hotspots_are_whole": (
        "hexes.hotspot_cells",
        {"hexes.hotspots": [{"hotspot_id": "h", "n_cells": 2}], "hexes.hotspot_cells": [{"hotspot_id": "h", "cell": c} for c in (1, 2)]},
        ("hexes.hotspots", {"n_cells": 3})),
    "the_account_closes": (
        "published.data_quality",
        {"published.data_quality": [{"measure": m, "part": p, "n": n} for m, p, n in (
            ("records delivered", "records", 3), ("records accepted", "records", 2), ("records withdrawn", "records", 1),
            ("events", "events", 5), ("events counted", "events", 4), ("not counted: online", "events", 1),
            ("deliveries", "deliveries", 9))]},
        ("published.data_quality", {"n": 4})),
    "issues_follow_one_another": (
        "published.issues",
        {"published.issues": [{"issue": 2, "supersedes": 1}, {"issue": 1, "supersedes": None}]},
        ("published.issues", {"supersedes": 2})),
    "figures_stand_as_issued": (
        "published.issued_figures",
        {"hexes.crime_weekly": [{"resolution": 9, "week_start": WEEK, "cat_group": "VAP", "n_events": 3}],
         "published.issued_figures": [
             {"figure": "force_week", "place": "force", "cat_group": "VAP", "period_from": WEEK, "n_events": n, "issue": i} for i, n in ((1, 2), (2, 3))]},
        ("hexes.crime_weekly", {"n_events": 4})),
    "bulletin_adds_up": (
        "published.recode_bulletin",
        {"published.recode_bulletin": [{"n_before": 5, "n_now": 6, "difference": 1, "n_new": 3, "n_recoded_in": 1, "n_recoded_out": 2,
                                        "n_other_in": 1, "n_other_out": 2}]},
        ("published.recode_bulletin", {"n_recoded_in": 2})),
    "small_extracts_counted_out": (
        "validated.extract_counts",
        {"raw.extracts": [{"extract_id": t, "n_rows": 3} for t in SMALL],
         "validated.extract_counts": [{**COUNTS, "extract_id": t, "table_name": t, "n_accepted_before": 0} for t in SMALL],
         **{f"validated.{t}": [{"extract_id": t}] for t in SMALL}},
        ("validated.duties", {"extract_id": "other"})),
    "pings_counted_out": (
        "validated.ping_day_extracts",
        {"raw.extracts": [{"extract_id": "e", "n_rows": 9}],
         "validated.extract_counts": [{"extract_id": "e", "table_name": "pings", "n_in": 9, "n_accepted": 7, "n_rejected": 2, "n_held": 0}],
         "validated.ping_day_extracts": [
             {"extract_id": "e", "police_day": WEEK, "n_delivered": 4, "n_stored": 4, "n_duplicates": 0},
             {"extract_id": "e", "police_day": date(2026, 1, 6), "n_delivered": 3, "n_stored": 1, "n_duplicates": 2}],
         "validated.ping_refusals": [{"extract_id": "e", "rule": "at_zero", "n_rows": 2}]},
        ("validated.ping_day_extracts", {"n_stored": 3})),
    "ping_days_hold_their_fixes": (
        "validated.ping_days",
        {"validated.ping_days": [{"police_day": WEEK, "state": "stored", "n_fixes": 5}],
         "validated.ping_day_extracts": [{"police_day": WEEK, "extract_id": e, "n_stored": n} for e, n in (("e", 2), ("f", 3))],
         "validated.ping_device_days": [{"police_day": WEEK, "device_pid": "p", "n_fixes": 5}]},
        ("validated.ping_device_days", {"n_fixes": 4})),
    "removals_were_due": (
        "validated.retention_log",
        {"validated.ping_days": [{"police_day": WEEK, "state": "removed"}],
         "validated.retention_log": [
             {"what": "ping_day", "name": "a", "day": WEEK, "limit_day": date(2026, 1, 6)},
             {"what": "delivered_file", "name": "b", "day": WEEK, "limit_day": WEEK}]},
        ("validated.retention_log", {"limit_day": WEEK})),
    "booked_devices_are_seen": (
        "patrols.ping_coverage",
        {"validated.ping_days": [{"police_day": WEEK, "state": "stored"}],
         "patrols.ping_coverage": [{"police_day": WEEK, "device_type": t, "n_booked": 10, "n_booked_seen": n} for t, n in (("a", 8), ("b", 9))]},
        ("patrols.ping_coverage", {"n_booked_seen": 7})),
    "seen_devices_are_booked": (
        "patrols.ping_coverage",
        {"patrols.ping_coverage": [{"police_day": WEEK, "device_type": t, "n_seen": 10, "n_seen_on_duty": n} for t, n in (("a", 8), ("b", 10))]},
        ("patrols.ping_coverage", {"n_seen_on_duty": 7})),
    "devices_report_as_often": (
        "patrols.ping_coverage",
        {"patrols.ping_coverage": [{"n_seen": 10, "median_interval_ms": 90_000, "earlier_interval_ms": 60_000.0}]},
        ("patrols.ping_coverage", {"median_interval_ms": 90_001})),
    "one_duty_a_device": (
        "patrols.ping_coverage",
        {"history.duties_current": [
            {"duty_id": "a", "device_pid": "p", "start_utc": NIGHTS[0], "end_utc": NIGHTS[1]},
            {"duty_id": "b", "device_pid": "p", "start_utc": NIGHTS[1], "end_utc": NIGHTS[2]}]},
        ("history.duties_current", {"end_utc": NIGHTS[2]})),
    **{
        audit: ("patrols.plan_checks", {"patrols.plan_checks": [right]}, ("patrols.plan_checks", wrong))
        for audit, right, wrong in (
            ("plans_have_a_live_hotspot", {"has_live_hotspot": True}, {"has_live_hotspot": False}),
            ("plans_lie_in_a_shift", {"is_in_shift": None}, {"is_in_shift": False}),
            ("plans_do_not_overlap", {"is_overbooked": None}, {"is_overbooked": True}),
            ("plans_are_issued_in_time", {"is_issued_late": False}, {"is_issued_late": True}),
        )
    },
    "visits_lie_between_their_bounds": (
        "patrols.visits",
        {"patrols.visits": [
            {"visit_id": "v", "is_crewed": True, "patrol_ms": 5, "officer_ms": 5, "lower_ms": 4, "upper_ms": 6, "start_utc": NIGHTS[0], "end_utc": NIGHTS[1]},
            {"visit_id": "c", "is_crewed": False, "patrol_ms": 5, "officer_ms": 0, "lower_ms": 4, "upper_ms": 6, "start_utc": NIGHTS[0], "end_utc": NIGHTS[1]}]},
        ("patrols.visits", {"upper_ms": 4})),
    "patrol_is_at_most_officer_time": (
        "patrols.dose_daily",
        {"patrols.dose_daily": [{"patrol_ms": 4, "officer_ms": 8, "funded_patrol_ms": 4, "presence_ms": 6}]},
        ("patrols.dose_daily", {"officer_ms": 3})),
    "every_plan_is_answered": (
        "patrols.day_prints",
        {"patrols.day_prints": [{"police_day": WEEK}],
         "history.patrol_plan_versions": [
             {"plan_id": p, "plan_version": 1, "police_day": WEEK, "arm": "na", "window_start_utc": a, "window_end_utc": b}
             for p, a, b in (("asked", NIGHTS[0], NIGHTS[1]), ("left alone", None, None))],
         "patrols.plan_answers": [{"plan_id": "asked", "police_day": WEEK}]},
        ("patrols.plan_answers", {"dropped": True})),
    "stays_belong_to_visits": (
        "patrols.day_prints",
        {"patrols.visits": [{"visit_id": "v"}], "patrols.dwell": [{"visit_id": "v"}]},
        ("patrols.dwell", {"dropped": True})),
    "fixes_are_accounted_for": (
        "patrols.day_prints",
        {"validated.ping_days": [{"police_day": WEEK, "state": "stored", "sha256": "ab", "n_fixes": 5}],
         "patrols.day_prints": [{"police_day": WEEK, "fixes_print": "ab,cd"}],
         "patrols.fix_account": [{"police_day": WEEK, "reason": r, "n_fixes": n} for r, n in (("kept", 4), ("stuck", 1))]},
        ("patrols.fix_account", {"n_fixes": 6})),
    "fixes_are_good_enough": (
        "patrols.fix_account",
        {"patrols.fix_account": [{"police_day": WEEK, "reason": r, "n_fixes": n, "n_poor": p} for r, n, p in (("kept", 96, 1), ("stuck", 4, 0))]},
        ("patrols.fix_account", {"n_poor": 2})),
    "logs_agree_with_fixes": (
        "patrols.log_matches",
        {"patrols.log_matches": [{"match_id": f"m{n}", "evidence": "both" if n < 7 else "log_only"} for n in range(10)]},
        ("patrols.log_matches", {"evidence": "gps_only"})),
    "metrics_match_counts": (
        "evaluation.weekly_metrics",
        {"hexes.hotspot_cells": [{"hotspot_id": "h", "cell": 7}],
         "hexes.crime_weekly": [{"resolution": 9, "cell": 7, "week_start": WEEK, "cat_group": "ASB", "n_events": 4}],
         "hexes.crime_weekly_cuts": [{"cut": "settled", "resolution": 9, "cell": 7, "week_start": WEEK, "cat_group": "ASB", "n_events": 3}],
         "evaluation.weekly_metrics": [
             {"hotspot_id": "h", "week_start": WEEK, "cut": cut, "metric": "events", "cat_group": group, "time_band": "all", "value": n}
             for cut, group, n in (("latest", "ASB", 4), ("settled", "ASB", 3), ("latest", "VAP", 0))]},
        ("evaluation.weekly_metrics", {"value": 3})),
    "metrics_have_every_week": (
        "evaluation.weekly_metrics",
        {"evaluation.weekly_metrics": [
            {"hotspot_id": "h", "week_start": week, "cut": "latest", "metric": "events", "cat_group": group, "time_band": "all", "value": 0}
            for week in (date(2026, 1, 12), WEEK, date(2026, 1, 19)) for group in ("a", "b", "c", "d", "e", "f", "ALL")]},
        ("evaluation.weekly_metrics", {"dropped": True})),
    "limits_are_ordered": (
        "evaluation.control_limits",
        {"evaluation.control_limits": [
            {"hotspot_id": "h", "mu": 4, "lower_998": 0, "lower_95": 1, "upper_95": 8, "upper_998": 11, "n_13": 40, "n_13_before": 20, "percent_change": 100},
            {"hotspot_id": "new", "mu": None, "lower_998": None, "percent_change": None, "n_13": 3}]},
        ("evaluation.control_limits", {"n_13_before": 19})),
    "deliveries_counted_out": ("published.deliveries", {"published.deliveries": [DELIVERY]}, ("published.deliveries", {"n_held": 0})),
}  # fmt: skip


@pytest.mark.parametrize(("audit", "case"), AUDITS.items(), ids=AUDITS.keys())
def test_it_passes_what_is_right_and_finds_what_is_not(audit: str, case: Any, desk: Desk) -> None:
    table, right, (where, change) = case
    right = trimmed(right, desk.session.catalog)
    for name, rows in right.items():
        desk.given(name, *rows)
    assert desk.bad_rows(table, audit) == 0
    desk.clear()
    for name, rows in right.items():
        spoiled = rows[1:] if "dropped" in change else [{**rows[0], **change}, *rows[1:]]
        desk.given(name, *(spoiled if name == where else rows))
    assert desk.bad_rows(table, audit) == 1


@pytest.mark.parametrize("table", SMALL)
def test_accepted_rows_that_their_table_lacks_are_found(table: str, desk: Desk) -> None:
    desk.given("raw.extracts", {"extract_id": "e", "n_rows": 3})
    desk.given("validated.extract_counts", {**COUNTS, "table_name": table, "n_accepted_before": 0})
    assert desk.bad_rows("validated.extract_counts", "small_extracts_counted_out") == 1


def test_a_missing_hotspot_cell_is_found(desk: Desk) -> None:
    desk.given("hexes.hotspots", {"hotspot_id": "h", "n_cells": 1})
    assert desk.bad_rows("hexes.hotspot_cells", "hotspots_are_whole") == 1


def test_a_refused_extract_needs_no_rows(desk: Desk) -> None:
    desk.given("raw.extracts", {**EXTRACT, "status": "refused"})
    assert desk.bad_rows("raw.extracts", "extract_has_its_rows") == 0


def test_a_row_that_the_account_of_a_full_extract_calls_new_is_not_an_earlier_one(
    desk: Desk,
) -> None:
    desk.given(
        "raw.extracts", {**FULL, "extract_id": "e", "order_ts_utc": NIGHTS[0], "n_repeated": 0}
    )
    desk.given(
        "raw.full_runs", {"feed": "f", "extract_id": "other", "from_order_ts_utc": NIGHTS[0]}
    )
    assert desk.bad_rows("raw.full_runs", "full_extracts_stand_in_runs") == 1


def test_every_audit_has_a_case_here(project_root: Path) -> None:
    assert {p.stem for p in (project_root / "dbt_like_sql" / "audits").glob("*.sql")} == set(AUDITS)
