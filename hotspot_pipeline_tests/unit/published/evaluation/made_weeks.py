"""Weeks of hotspots made for these tests."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl

from hotspot_pipeline.force import CATEGORY_GROUPS
from hotspot_pipeline.published.evaluation.rows import ALL, WeekRows

FIRST = date(2025, 6, 2)
N_WEEKS = 40
#: Weeks from here on have limits; the last four are not final.
JUDGED, OPEN = 10, 36
TYPES: dict[str, Any] = {
    "hotspot_id": pl.String, "week_start": pl.Date, "cat_group": pl.String, "n_events": pl.Int64, "n_settled": pl.Int64, "n_first_issue": pl.Int64,
    "is_provisional": pl.Boolean, "n_when_settled": pl.Float64, "settled_low": pl.Float64, "settled_high": pl.Float64, "hotspot_rank": pl.Int64,
    "mu": pl.Float64, "lower_95": pl.Int64, "upper_95": pl.Int64, "lower_998": pl.Int64, "upper_998": pl.Int64, "ewma": pl.Float64,
    "ewma_se": pl.Float64, "run_weeks": pl.Int64, "cusum": pl.Float64, "cusum_threshold": pl.Float64, "cusum_run_length_weeks": pl.Float64,
    "signal": pl.String, "n_13": pl.Int64, "n_13_before": pl.Int64, "percent_change": pl.Float64, "label": pl.String, "fit_id": pl.String,
}  # fmt: skip


def monday(k: int) -> date:
    return FIRST + timedelta(days=7 * k)


def week_row(k: int, **more: Any) -> dict[str, Any]:
    """Week k of a hotspot: six events where six were to be expected; between two and eleven are ordinary."""
    row: dict[str, Any] = {
        "hotspot_id": "H-a", "week_start": monday(k), "cat_group": ALL, "n_events": 6, "n_settled": None, "n_first_issue": None,
        "is_provisional": k >= OPEN, "n_when_settled": None, "settled_low": None, "settled_high": None, "hotspot_rank": 1, "mu": 6.0,
        "lower_95": 2, "upper_95": 11, "lower_998": 0, "upper_998": 15, "ewma": 0.1, "ewma_se": 0.2, "run_weeks": 1, "cusum": 0.5,
        "cusum_threshold": 3.0, "cusum_run_length_weeks": 270.0, "signal": None, "n_13": 78, "n_13_before": None, "percent_change": None,
        "label": "short baseline", "fit_id": "f",
    }  # fmt: skip
    if k < JUDGED:
        row |= dict.fromkeys([n for n in TYPES if n not in ("hotspot_id", "week_start", "cat_group", "n_events", "is_provisional", "hotspot_rank")])  # fmt: skip
    return row | more


def week_rows(n_places: int, changed: dict[tuple[str, int], dict[str, Any]] | None = None) -> WeekRows:  # fmt: skip
    """Hotspots H-a, H-b …; `changed` by hotspot and week: other values of its row of all groups."""
    names = [f"H-{chr(ord('a') + k % 26)}{k // 26 or ''}" for k in range(n_places)]
    rows = [
        week_row(k, hotspot_id=name, hotspot_rank=rank) | (changed or {}).get((name, k), {})
        for rank, name in enumerate(names, 1)
        for k in range(N_WEEKS)
    ]
    none = dict.fromkeys(("ewma", "ewma_se", "run_weeks", "cusum", "cusum_threshold", "cusum_run_length_weeks"))  # fmt: skip
    rows += [
        week_row(k, hotspot_id=name, hotspot_rank=rank, cat_group=group, n_events=k % 2) | none
        for rank, name in enumerate(names, 1)
        for group in CATEGORY_GROUPS
        for k in range(N_WEEKS)
    ]
    weeks = pl.DataFrame(rows, schema=TYPES).sort("hotspot_rank", "cat_group", "week_start")
    return WeekRows(weeks, FIRST, monday(N_WEEKS - 1), {"limits rest on": "weeks of 2025"})
