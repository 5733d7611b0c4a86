"""Rows of patrols made for these tests: three weeks of any number of hotspots."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from hotspot_pipeline.published.patrols.rows import PatrolRows

FIRST, LAST = date(2026, 6, 8), date(2026, 6, 28)
WEEKS = [FIRST + timedelta(days=7 * k) for k in range(3)]
MINUTE = 60_000


def plan_row(hotspot_id: str | None, week: date | None, **more: Any) -> dict[str, Any]:
    """Of ten planned visits four made, three not, two unknown, one issued late."""
    return {
        "scope": f"{hotspot_id} {week}", "hotspot_id": hotspot_id, "week_start": week, "n_asked": 10, "n_issued_late": 1, "n_yes": 4, "n_no": 3,
        "n_unknown": 2, "n_indeterminate": 2, "n_delivered": 5, "planned_ms": 135 * MINUTE, "delivered_ms": 80 * MINUTE, "deff": 1.0,
        "compliance": 4 / 7, "compliance_low": 0.25, "compliance_high": 0.84, "at_least": 4 / 9, "at_most": 6 / 9, "band_low": 3 / 7,
        "band_high": 5 / 7, "delivery": 5 / 9, "dose_compliance": 0.5, **more,
    }  # fmt: skip


def cover_row(hotspot_id: str, week: date, **more: Any) -> dict[str, Any]:
    return {
        "hotspot_id": hotspot_id, "week_start": week, "n_days": 7, "n_days_none": 3, "n_days_one": 3, "n_days_more": 1, "patrol_ms": 100 * MINUTE,
        "officer_ms": 200 * MINUTE, "hot_window_ms": 40 * MINUTE, "share_in_hot_windows": 0.4, "length_ms": 604_800_000,
        "reached_ms": 302_400_000, "share_reached": 0.5, "days_since_last": 1.25, **more,
    }  # fmt: skip


def patrol_rows(n_places: int, n_planned: int | None = None) -> PatrolRows:
    """The first `n_planned` of them (all, if it is not given) have planned visits."""
    names = [f"P{k:03d}" for k in range(1, n_places + 1)]
    planned = names[: n_places if n_planned is None else n_planned]
    n_days = (LAST - FIRST).days + 1
    days = [
        FIRST + timedelta(days=k) for k in range(n_days) if k != 3
    ]  # Thursday 11 June is not computed
    scopes: list[date | None] = [None, *WEEKS]
    answers = [
        {
            "plan_id": f"{name}-{k}", "hotspot_id": name, "police_day": FIRST + timedelta(days=k), "min_minutes": 15, "is_issued_late": k == 6,
            "answer": ("yes", "no", "unknown")[k % 3], "reason": ("too_short", "no_visit")[k % 2] if k % 3 == 1 else None,
            "window_start_utc": datetime(2026, 6, 8, 15),
        }
        for name in planned for k in range(9)
    ]  # fmt: skip
    trial = {
        "trial": "randomised days", "n_treat_days": 16, "n_patrolled": 10, "patrolled": 0.625, "patrolled_low": 0.366, "patrolled_high": 0.828,
        "n_control_days": 9, "n_contaminated": 0, "contaminated": 0.0, "contaminated_low": 0.0, "contaminated_high": 0.299,
    }  # fmt: skip
    answered = pl.DataFrame(answers, schema_overrides={"reason": pl.String})
    if answered.is_empty():
        answered = patrol_rows(1).answers.clear()
    return PatrolRows(
        known_from=FIRST,
        first_day=FIRST,
        last_day=LAST,
        answers=answered,
        days=pl.DataFrame(
            [
                {"police_day": day, "hotspot_id": name, "patrol_ms": 20 * MINUTE, "funded_patrol_ms": 15 * MINUTE, "reactive_ms": 5 * MINUTE}
                for day in days for name in names
            ]
        ),
        hours=pl.DataFrame(
            [(name, hour, ms) for name in names for hour, ms in ((18, 45 * MINUTE), (4, 12 * MINUTE))],
            schema={"hotspot_id": pl.String, "hour_of_week": pl.Int16, "patrol_ms": pl.Int64},
            orient="row",
        ),
        compliance=pl.DataFrame(
            [plan_row(place, week) for week in scopes for place in (None, *planned) if planned],
            schema_overrides={"week_start": pl.Date, "hotspot_id": pl.String},
            schema=None if planned else pl.DataFrame([plan_row("P", FIRST)]).schema,
        ),
        coverage=pl.DataFrame([cover_row(name, week) for name in names for week in WEEKS]),
        trial=pl.DataFrame([trial]),
        windows=pl.DataFrame(
            [(name, 1, 116, 6) for name in names],
            schema={"hotspot_id": pl.String, "window_no": pl.Int64, "start_hour_of_week": pl.Int64, "n_hours": pl.Int64},
            orient="row",
        ),
        areas=pl.DataFrame(
            {"hotspot_id": names, "name": [f"Square {n}" for n in names], "hotspot_rank": [None] * n_places},
            schema_overrides={"hotspot_rank": pl.Int64},
        ).with_columns(polygon_wkt=pl.lit("POLYGON ((0 0, 100 0, 100 100, 0 0))")),
        cells=pl.DataFrame(schema={"cell": pl.Int64, "device_ms": pl.Int64, "hidden_ms": pl.Int64}),
        facts={"patrols to": str(LAST), "fixes kept": "950 of 1,000"},
    )  # fmt: skip
