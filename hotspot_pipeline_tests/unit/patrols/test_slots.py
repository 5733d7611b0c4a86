"""Planned visits judged: done, why not, unknown, indeterminate; and the shares of these answers."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from hotspot_pipeline.patrols.compliance import compliance, fidelity
from hotspot_pipeline.patrols.plan_items import in_force
from hotspot_pipeline.patrols.rules import MINUTE
from hotspot_pipeline.patrols.slots import judge

DAY = date(2026, 6, 5)
PLAN = {"plan_id": pl.String, "plan_version": pl.Int64, "hotspot_id": pl.String, "police_day": pl.Date, "start_ms": pl.Int64,
        "end_ms": pl.Int64, "min_minutes": pl.Int64, "officers_planned": pl.Int64, "mode": pl.String, "team": pl.String,
        "is_randomised": pl.Boolean, "arm": pl.String, "issued_ms": pl.Int64}  # fmt: skip
VISIT = {"visit_id": pl.String, "hotspot_id": pl.String, "start_ms": pl.Int64, "end_ms": pl.Int64, "patrol_ms": pl.Int64,
         "least_ms": pl.Int64, "most_ms": pl.Int64, "mode": pl.String, "is_reactive": pl.Boolean, "is_pass_through": pl.Boolean,
         "n_officers": pl.Int64}  # fmt: skip
SPAN = {"device": pl.Int64, "start_ms": pl.Int64, "end_ms": pl.Int64}


def item(plan_id: str = "p1", **changes: Any) -> dict[str, Any]:
    """Fifteen minutes on foot at h1 between minute 60 and 120, issued at minute 0."""
    plain: dict[str, Any] = {"plan_id": plan_id, "plan_version": 1, "hotspot_id": "h1", "police_day": DAY, "start_ms": 60, "end_ms": 120,
             "min_minutes": 15, "officers_planned": 2, "mode": "foot", "team": "t", "is_randomised": False, "arm": "na",
             "issued_ms": 0}  # fmt: skip
    found = plain | changes
    return found | {k: None if found[k] is None else found[k] * MINUTE for k in ("start_ms", "end_ms", "issued_ms")}  # fmt: skip


def visit(visit_id: str = "v1", start: float = 70, minutes: float = 15, **changes: Any) -> dict[str, Any]:  # fmt: skip
    ms = round(minutes * MINUTE)
    plain = {"visit_id": visit_id, "hotspot_id": "h1", "start_ms": round(start * MINUTE), "end_ms": round(start * MINUTE) + ms,
             "patrol_ms": ms, "least_ms": ms, "most_ms": ms, "mode": "foot", "is_reactive": False, "is_pass_through": False,
             "n_officers": 2}  # fmt: skip
    return plain | changes


def judged(items: list[dict[str, Any]], *visits: dict[str, Any], seen: bool = True, booked: bool = True) -> pl.DataFrame:  # fmt: skip
    duty = pl.DataFrame([{"team": "t", "device": 1, "start_ms": 0, "end_ms": 600 * MINUTE}] if booked else [], schema={"team": pl.String, **SPAN})  # fmt: skip
    covered = pl.DataFrame([{"device": 1, "start_ms": 0, "end_ms": 600 * MINUTE}] if seen else [], schema=SPAN)  # fmt: skip
    came = pl.DataFrame(list(visits), schema=VISIT)
    return judge(
        in_force(pl.DataFrame(items, schema=PLAN)),
        came,
        came.select("visit_id", "start_ms", end_ms=pl.col("start_ms") + pl.col("patrol_ms")),
        duty,
        covered,
    )


def one(*visits: dict[str, Any], seen: bool = True, booked: bool = True, **changes: Any) -> tuple[Any, ...]:  # fmt: skip
    row = judged([item(**changes)], *visits, seen=seen, booked=booked).row(0, named=True)
    return row["answer"], row["reason"], row["is_indeterminate"]


@pytest.mark.parametrize(
    ("minutes", "answer"), [(15, "yes"), (13, "yes"), (12.99, "no"), (45, "yes")]
)
def test_two_minutes_less_will_do_and_more_is_done_too(minutes: float, answer: str) -> None:
    assert one(visit(minutes=minutes))[0] == answer


@pytest.mark.parametrize(
    ("start", "answer"), [(45, "yes"), (43, "yes"), (42, "no"), (120, "yes"), (122, "yes"), (123, "no")]
)  # fmt: skip
def test_what_lies_within_a_quarter_of_an_hour_of_the_window_counts(start: float, answer: str) -> None:  # fmt: skip
    assert one(visit(start=start))[0] == answer


@pytest.mark.parametrize(
    ("visits", "reason"),
    [
        ([visit(minutes=8)], "too_short"),
        ([visit(mode="vehicle")], "other_mode"),
        ([visit(is_reactive=True)], "reactive_only"),
        ([visit(minutes=2, is_pass_through=True)], "passed_through"),
        ([visit(start=200)], "outside_window"),
        ([visit(hotspot_id="h2")], "no_visit"),
        ([], "no_visit"),
        ([visit("v1", minutes=8), visit("v2", start=100, mode="vehicle")], "too_short"),
    ],
)
def test_a_no_says_how_near_it_came(visits: list[dict[str, Any]], reason: str) -> None:
    assert one(*visits) == ("no", reason, False)


def test_without_a_fix_of_those_on_duty_nothing_is_known() -> None:
    assert one(seen=False) == ("unknown", None, False)
    assert one(seen=False, booked=False) == ("no", "nobody_booked", False)
    # what another team's devices show is known
    assert one(visit(), seen=False)[0] == "yes"
    # of any team where the plan names none
    assert one(seen=False, team=None) == ("unknown", None, False)
    assert one(team="another") == ("no", "nobody_booked", False)


def test_bounds_on_both_sides_of_the_threshold_leave_the_answer_open() -> None:
    narrow = visit(minutes=14, least_ms=14 * MINUTE, most_ms=16 * MINUTE)
    assert one(narrow) == ("yes", None, False)
    assert one(visit(minutes=14, least_ms=10 * MINUTE, most_ms=18 * MINUTE)) == ("yes", None, True)
    assert one(visit(minutes=10, least_ms=8 * MINUTE, most_ms=13 * MINUTE)) == ("no", "too_short", True)  # fmt: skip
    assert one(visit(minutes=10, least_ms=8 * MINUTE, most_ms=13 * MINUTE, mode="vehicle"))[2] is False  # fmt: skip


def test_a_visit_belongs_to_one_item_and_minutes_are_a_union() -> None:
    near = [item("p1"), item("p2", start_ms=120, end_ms=180)]
    # 110 to 135: ten minutes of p1, fifteen of p2
    found = judged(near, visit(start=110, minutes=25))
    assert found["answer"].to_list() == ["no", "yes"]
    assert found["delivered_ms"].to_list() == [0, 25 * MINUTE]
    two = judged([item()], visit("v1", 70, 20), visit("v2", 80, 20), visit("v3", 105, 5, is_reactive=True))  # fmt: skip
    assert two["delivered_ms"].to_list() == [30 * MINUTE]


def test_minutes_are_those_of_patrol_not_from_the_first_sight_to_the_last() -> None:
    """Its devices together say less than each alone: 12 of the 14 minutes between the visit's ends."""
    long = visit(minutes=14, patrol_ms=12 * MINUTE, least_ms=9 * MINUTE, most_ms=12.5 * MINUTE)
    found = judged([item()], long).row(0, named=True)
    assert (found["answer"], found["reason"], found["is_indeterminate"]) == ("no", "too_short", False)  # fmt: skip
    assert found["visit_ms"] == found["delivered_ms"] == 12 * MINUTE
    # the widened window ends at minute 135: what lies in it counts
    (late,) = judged([item()], visit(start=125, minutes=14, patrol_ms=12 * MINUTE))["delivered_ms"]
    assert late == 10 * MINUTE


def test_case_31_a_plan_issued_after_it_began_is_judged_by_the_version_before() -> None:
    first, late = item(), item(plan_version=2, issued_ms=61, start_ms=60, min_minutes=40)
    earlier = item(plan_version=2, issued_ms=30, start_ms=90, end_ms=150)
    assert in_force(pl.DataFrame([late, first], schema=PLAN))["plan_version"].to_list() == [1]
    assert in_force(pl.DataFrame([first, earlier], schema=PLAN))["plan_version"].to_list() == [2]
    alone = in_force(pl.DataFrame([late], schema=PLAN)).row(0, named=True)
    assert (alone["is_issued_late"], alone["n_versions"]) == (True, 1)
    shares = compliance(judged([late, item("p2")], visit(minutes=20)), [])
    # the late one is counted, and not held against anybody
    assert shares.select("n_asked", "n_issued_late", "n_yes", "n_no").row(0) == (2, 1, 1, 0)


def test_days_without_patrol_by_lot_ask_for_nothing() -> None:
    lot = item("p1", arm="control", start_ms=None, end_ms=None, min_minutes=None)
    found = in_force(pl.DataFrame([lot, item("p2", arm="treat")], schema=PLAN))
    assert found["is_asked"].to_list() == [False, True]
    assert judged([lot])["plan_id"].to_list() == []


def test_shares_keep_unknown_and_open_answers_apart() -> None:
    rows = [(h, answer, is_open) for h, answer, is_open in
            [("a", "yes", False)] * 6 + [("b", "yes", True)] * 2 + [("b", "no", False)] * 1 + [("b", "no", True)] * 1
            + [("a", "unknown", False)] * 5]  # fmt: skip
    slots = pl.DataFrame(
        [{"hotspot_id": h, "answer": a, "is_indeterminate": o, "is_issued_late": False, "min_minutes": 15,
          "delivered_ms": 20 * MINUTE if a == "yes" else 5 * MINUTE if a == "no" else 0} for h, a, o in rows]
    )  # fmt: skip
    found = compliance(slots, []).row(0, named=True)
    counts = ("n_asked", "n_yes", "n_no", "n_unknown", "n_indeterminate", "n_delivered")
    assert [found[c] for c in counts] == [15, 8, 2, 5, 3, 10]
    assert (found["compliance"], found["at_least"], found["at_most"]) == (0.8, 8 / 15, 13 / 15)
    assert (found["band_low"], found["band_high"]) == (0.6, 0.9)
    assert found["delivery"] == 10 / 15
    # eight whole doses of fifteen and two of five, of fifteen planned
    assert found["dose_compliance"] == (8 * 15 + 2 * 5) / (15 * 15)
    assert found["deff"] > 1.0
    by_place = compliance(slots, ["hotspot_id"])
    assert by_place["deff"].to_list() == [1.0, 1.0]
    a, b = by_place.iter_rows(named=True)
    assert (a["n_yes"], a["n_unknown"], b["n_no"]) == (6, 5, 2)
    nothing = compliance(slots.filter(pl.col("answer") == "unknown"), []).row(0, named=True)
    assert (nothing["compliance"], nothing["compliance_low"], nothing["at_most"]) == (None, None, 1.0)  # fmt: skip


def test_the_order_of_rows_changes_nothing() -> None:
    items = [item(f"p{n}", start_ms=60 + 20 * n, end_ms=100 + 20 * n) for n in range(6)]
    visits = [visit(f"v{n}", 62 + 13 * n, 9 + n) for n in range(9)]
    found = judged(items, *visits)
    assert_frame_equal(found, judged(items[::-1], *visits[::-1]))
    assert found["visit_id"].drop_nulls().is_unique().all()


def test_fidelity_counts_days_as_the_lot_had_them() -> None:
    days = pl.DataFrame(
        [("a", "treat", 1, 0), ("a", "treat", 0, 0), ("b", "treat", 2, 0), ("a", "control", 0, 5 * MINUTE), ("b", "control", 0, 5 * MINUTE + 1)],
        schema={"hotspot_id": pl.String, "arm": pl.String, "n_effective": pl.Int64, "presence_ms": pl.Int64}, orient="row",
    )  # fmt: skip
    found = fidelity(days).row(0, named=True)
    assert (found["n_treat_days"], found["n_patrolled"], found["patrolled"]) == (3, 2, 2 / 3)
    assert (found["n_control_days"], found["n_contaminated"], found["contaminated"]) == (2, 1, 0.5)
    assert found["patrolled_low"] < 2 / 3 < found["patrolled_high"]
    empty = fidelity(days.filter(pl.col("arm") == "treat")).row(0, named=True)
    assert (empty["n_control_days"], empty["contaminated"], empty["contaminated_low"]) == (0, None, None)  # fmt: skip
