"""Trials made for these tests: estimates, guards and curves in the columns of the tables of effects."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from hotspot_pipeline.published.evaluation.effect_rows import EffectRows
from hotspot_pipeline.warehouse.contract import read_catalog

SQL = Path(__file__).parents[4] / "dbt_like_sql"
_TYPES: dict[str, Any] = {
    "VARCHAR": pl.String, "BIGINT": pl.Int64, "DOUBLE": pl.Float64, "BOOLEAN": pl.Boolean, "DATE": pl.Date, "TIMESTAMP": pl.Datetime("us"),
}  # fmt: skip
SHA = "0123456789abcdef" * 4


def design(**more: Any) -> dict[str, Any]:
    return {
        "design_id": "t1", "name": "Town centres", "arm_scheme": "lot_pairs", "day_scheme": "none", "has_staggered_starts": False,
        "outcome_groups": "ASB,VAP", "primary_measure": "rate_ratio", "before_from": date(2024, 1, 1), "before_to": date(2024, 12, 29),
        "after_from": date(2024, 12, 30), "after_to": date(2025, 12, 28), "counted_to": date(2025, 12, 28), "settled_to": date(2025, 12, 28),
        "registered_known_at": date(2026, 1, 26), "smallest_worthwhile_percent": 10, "n_treated": 9, "n_control": 9, "is_causal": True,
        "why_not_causal": None, "registration_sha256": SHA, "registered_at_utc": datetime(2024, 11, 4, 3), "is_before_outcomes": True,
        "is_exploratory": False, **more,
    }  # fmt: skip


def effect(**more: Any) -> dict[str, Any]:
    """A rate ratio of 0.80 between 0.64 and 1.00 and a bit."""
    return {
        "design_id": "t1", "cut": "settled", "outcome": "ALL", "measure": "rate_ratio", "scale": "log_ratio", "estimate": -0.223, "standard_error": 0.12,
        "low": -0.45, "high": 0.004, "p_value": 0.055, "p_holm": None, "inference": "places", "treated_before": 400, "treated_after": 330,
        "control_before": 410, "control_after": 423, "n_treated": 9, "n_control": 9, "counted_from": date(2024, 1, 1),
        "counted_to": date(2025, 12, 28), "is_primary": True, "is_causal_design": True, "may_claim": True, "poisson_error": 0.07,
        "dispersed_error": 0.08, "notes": None, "sentence_counted": "We compared 18 places.", "sentence_follows": "No effect can be told from chance.",
        **more,
    }  # fmt: skip


def guard(**more: Any) -> dict[str, Any]:
    return {
        "design_id": "t1", "cut": "settled", "outcome": "ALL", "measure": "rate_ratio", "guard": "design", "verdict": "clear", "reason": "by lot", **more,
    }  # fmt: skip


def step(curve: str, no: int, start: float, end: float | None, estimate: float | None, **more: Any) -> dict[str, Any]:  # fmt: skip
    unit = {"event_study": "weeks", "residual": "hours", "koper": "minutes", "rings": "metres"}[
        curve
    ]
    half = 0.2
    return {
        "design_id": "t1", "cut": "settled", "outcome": "ALL", "curve": curve, "step_no": no, "from_value": start, "to_value": end, "unit": unit,
        "scale": "events_per_hour" if curve == "koper" else "log_ratio", "estimate": estimate, "standard_error": 0.1,
        "low": None if estimate is None else estimate - half, "high": None if estimate is None else estimate + half, "n_events": 7,
        "is_lead": start < 0, "is_reference": False, "is_estimable": estimate is not None, "note": None, **more,
    }  # fmt: skip


def curves() -> list[dict[str, Any]]:
    """An event study of four leads and six lags, a residual curve of three placebo days and two days in steps of six hours, a ring, bands."""
    zero = {"low": 0.0, "high": 0.0, "is_reference": True}
    study = [step("event_study", 1, -20, -16, 0.0, note="all earlier periods", **zero)]
    study += [
        step("event_study", k + 2, 4 * (k - 4), 4 * (k - 3), -0.1 if k > 3 else 0.05)
        for k in range(10)
    ]
    residual = [
        step(
            "residual",
            k + 1,
            -24.0 * (3 - k),
            -24.0 * (2 - k),
            0.02,
            note="placebo: before the next patrol",
        )
        for k in range(3)
    ]
    residual += [
        step("residual", k + 4, 6.0 * k, 6.0 * (k + 1), -0.3 + 0.03 * k) for k in range(28)
    ]
    residual += [
        step(
            "residual",
            32,
            168.0,
            None,
            0.0,
            note="against seven days and more after a patrol: 900 events",
            **zero,
        )
    ]
    rings = [step("rings", 1, 0, 0, -0.2), step("rings", 2, 0, 300, -0.05)]
    bands = [
        step("koper", k + 1, a, b, 0.3, low=0.1, high=0.7)
        for k, (a, b) in enumerate([(0, 10), (10, 16), (16, None)])
    ]
    return [*study, *residual, *rings, *bands]  # fmt: skip


def effect_rows(
    n: int = 1,
    *,
    designs: list[dict[str, Any]] | None = None,
    effects: list[dict[str, Any]] | None = None,
    guards: list[dict[str, Any]] | None = None,
    steps: list[dict[str, Any]] | None = None,
) -> EffectRows:
    """`n` 0: a force without a trial."""
    made = {
        "designs": [design()] if designs is None else designs,
        "effects": [effect(), effect(cut="latest", estimate=-0.2)] if effects is None else effects,
        "effect_guards": [guard()] if guards is None else guards,
        "effect_curves": curves() if steps is None else steps,
        "balance": [],
    }
    catalog = read_catalog(SQL)
    frames = []
    for name, rows in made.items():
        types = catalog[f"evaluation.{name}"].column_types
        frames.append(pl.DataFrame(rows if n else [], schema={c: _TYPES[t] for c, t in types.items()}))  # fmt: skip
    return EffectRows(*frames)
