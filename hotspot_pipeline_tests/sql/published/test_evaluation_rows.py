"""Which rows the pictures and the words of the evaluation are made of: cuts beside each other, limits joined, trials by their places."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest
import shapely

from hotspot_pipeline.published.evaluation import areas, effect_rows, week_facts
from hotspot_pipeline.published.evaluation.rows import ALL, SHOWN_WEEKS, read_weeks
from hotspot_pipeline_tests.sql.conftest import Desk

WEEK = date(2026, 6, 8)
DATES = {"before_from": date(2025, 1, 6), "before_to": date(2025, 12, 28), "after_from": date(2026, 1, 5), "after_to": date(2026, 6, 9)}  # fmt: skip


def metric(**more: Any) -> dict[str, Any]:
    return {
        "hotspot_id": "H-a", "week_start": WEEK, "cut": "latest", "metric": "events", "cat_group": ALL, "time_band": "all", "value": 4, "lower": None,
        "upper": None, **more,
    }  # fmt: skip


def limit(**more: Any) -> dict[str, Any]:
    return {
        "hotspot_id": "H-a", "week_start": WEEK, "cat_group": ALL, "mu": 2.5, "lower_95": 0, "upper_95": 6, "lower_998": 0, "upper_998": 9,
        "fit_id": "f1", "label": "baseline", **more,
    }  # fmt: skip


def trial(desk: Desk, name: str, decisions: dict[str, Any], **more: Any) -> None:
    sha = name * 8
    desk.given("evaluation.designs", {"design_id": name, "name": name.upper(), "registration_sha256": sha, "is_exploratory": False, **DATES, **more})  # fmt: skip
    desk.given("evaluation.registrations", {"design_id": name, "registration_sha256": sha, "decisions": json.dumps(decisions)})  # fmt: skip
    for cut in ("latest", "settled"):
        row = {"design_id": name, "cut": cut, "outcome": ALL, "measure": "wdd", "is_primary": True}
        desk.given("evaluation.effects", row | {"sentence_counted": f"{cut} {name}.", "sentence_follows": "so."})  # fmt: skip


def test_a_force_without_a_closed_week_has_no_charts(desk: Desk) -> None:
    assert read_weeks(desk.session) is None
    desk.given("evaluation.weekly_metrics", metric(hotspot_id="FORCE", metric="records_late"))
    assert read_weeks(desk.session) is None
    assert week_facts.read_facts(desk.session, WEEK) == []


def test_cuts_nowcast_and_limits_stand_in_one_row(desk: Desk) -> None:
    desk.given("hexes.hotspots", {"hotspot_id": "H-b", "hotspot_rank": 1}, {"hotspot_id": "H-a", "hotspot_rank": 2})  # fmt: skip
    desk.given(
        "evaluation.weekly_metrics", metric(is_provisional=True), metric(cut="first_issue", value=3), metric(cut="settled", value=5),
        metric(metric="events_expected_when_settled", value=4.5, lower=4, upper=6), metric(time_band="core_nte", value=99),
        metric(hotspot_id="H-b", value=0), metric(metric="harm_days", value=77), metric(week_start=WEEK - timedelta(weeks=SHOWN_WEEKS)),
    )  # fmt: skip
    desk.given("evaluation.control_limits", limit())
    desk.given("evaluation.baselines", {"fit_id": "f1", "fitted_from": date(2024, 3, 4), "fitted_to": date(2026, 2, 23), "label": "baseline"})  # fmt: skip
    found = read_weeks(desk.session)
    assert found is not None and found.hotspots == ["H-b", "H-a"]
    assert (found.first_week, found.last_week) == (WEEK, WEEK)
    row = found.of("H-a").row(0, named=True)
    assert [row[n] for n in ("n_events", "n_settled", "n_first_issue", "is_provisional", "n_when_settled", "settled_low", "settled_high")] == [
        4, 5, 3, True, 4.5, 4, 6,
    ]  # fmt: skip
    assert (row["mu"], row["upper_998"], row["label"]) == (2.5, 9, "baseline")
    bare = found.of("H-b").row(0, named=True)
    assert bare["n_events"] == 0 and bare["mu"] is None and bare["n_settled"] is None
    assert found.facts == {"limits rest on": "weeks 2024-03-04 to 2026-02-23 (baseline)"}


def test_a_week_is_told_with_its_areas_corrections_and_trials(desk: Desk) -> None:
    ground = shapely.to_wkt(shapely.box(0, 0, 100, 100))
    desk.given("hexes.hotspots", {"hotspot_id": "H-a", "hotspot_rank": 1, "polygon_wkt": ground})
    desk.given("history.patrol_places_current", {"hotspot_id": "P1", "name": "Square", "polygon_wkt": ground})  # fmt: skip
    desk.given(
        "patrols.compliance", {"scope": "a", "hotspot_id": "P1", "week_start": WEEK, "n_asked": 2}
    )
    desk.given("patrols.coverage_weekly", {"hotspot_id": "P1", "week_start": WEEK - timedelta(days=7)})  # fmt: skip
    desk.given("evaluation.weekly_metrics", metric(), metric(cat_group="VAP"), metric(hotspot_id="FORCE", metric="completeness", value=0.9))  # fmt: skip
    bulletin = {
        "figure": "hotspot_week",
        "place": "H-a",
        "cat_group": ALL,
        "period_from": WEEK,
        "n_now": 4,
    }
    desk.given("published.recode_bulletin", bulletin | {"issue": 3, "why": "late"}, bulletin | {"issue": 2, "why": "early"})  # fmt: skip
    desk.given("published.recode_bulletin", bulletin | {"issue": 4, "period_from": WEEK - timedelta(days=7)})  # fmt: skip
    trial(desk, "a", {"treated": ["planned"], "controls": ["others"]})
    trial(desk, "b", {"treated": ["P9"], "controls": ["P1"]})
    trial(desk, "c", {"treated": ["P8"], "controls": ["matched"]})
    trial(desk, "d", {"treated": ["P1"], "controls": []}, after_to=WEEK - timedelta(days=1))
    desk.session.replace_table(desk.session.catalog[week_facts.AREAS], areas.read_areas(desk.session))  # fmt: skip
    (facts,) = week_facts.read_facts(desk.session, WEEK)
    assert facts.week["n_events"] == 4 and [g["cat_group"] for g in facts.groups] == ["VAP"]
    assert facts.share_known == 0.9 and [c["why"] for c in facts.corrections] == ["early", "late"]
    (area,) = facts.areas
    assert (area.area_id, area.name, area.share) == ("P1", "Square", 1.0)
    assert area.plan is not None and area.plan["n_asked"] == 2 and area.cover is None
    assert [(t.name, t.role, t.counted) for t in facts.trials] == [
        ("A", "patrolled", "settled a."), ("B", "compared with", "settled b."),
    ]  # fmt: skip
    assert week_facts.read_facts(desk.session, WEEK, ["H-z"]) == []


@pytest.mark.parametrize(("cuts", "shown"), [(["latest"], "latest"), (["latest", "settled"], "settled")])  # fmt: skip
def test_a_trial_is_shown_in_its_settled_counts_where_it_has_any(desk: Desk, cuts: list[str], shown: str) -> None:  # fmt: skip
    desk.given("evaluation.designs", {"design_id": "a", "registration_sha256": "0" * 64, **DATES})
    for cut in cuts:
        desk.given("evaluation.effects", {"design_id": "a", "cut": cut, "outcome": ALL, "measure": "wdd", "is_primary": True})  # fmt: skip
    rows = effect_rows.read_effects(desk.session).of("a")
    assert rows.cut == shown and rows.main is not None and rows.main["cut"] == shown
    assert rows.facts["decisions sha256"] == " ".join(["0" * 16] * 4)
