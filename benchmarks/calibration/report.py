"""The calibration as a page and as data, below `benchmarks/results`.

Here: writing. Not here: any figure (`verdicts`).
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.calibration.verdicts import Target

RESULTS = Path(__file__).resolve().parents[1] / "results"


def markdown(found: pl.DataFrame, targets: list[Target], facts: dict[str, Any]) -> str:
    """The table of all estimators and, below it, what was asked and what was found."""
    lines = [
        "# Calibration of the estimators",
        "",
        f"{facts['n_seeds']} seeds a force, {facts['minutes']:.0f} minutes with {facts['n_jobs']} processes. "
        "Truth and value are logs of ratios; events for WDD and nowcasts, events a day for CACE. `finds` is the share of seeds with p < 0.05: false alarms "
        "where the truth is nothing, power elsewhere.",
        "",
        "| force | estimator | truth | value | bias ± its error | half width | covers | finds | flagged |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row['scenario']} | {row['estimator']} | {_number(row['mean_truth'])} | {_number(row['mean_value'])} "
        f"| {_number(row['bias'])} ± {_number(row['bias_se'])} | {_number(row['mean_half_width'])} "
        f"| {_share(row['coverage'])} | {_share(row['rejects'])} | {_share(row['flagged'])} |"
        for row in found.iter_rows(named=True)
    ]
    met = sum(t.is_met for t in targets)
    lines += [
        "", f"## What was asked: {met} of {len(targets)} met", "",
        "`by chance` is two standard errors of the figure at this number of seeds.", "",
        "| | found | by chance ± | asked | |", "|---|---:|---:|---|---|",
    ]  # fmt: skip
    for t in targets:
        verdict = "met" if t.is_met else "**missed**"
        lines.append(
            f"| {t.says} | {_number(t.figure)} | {_number(t.margin)} | {t.lowest:g} to {t.highest:g} | {verdict} |"
        )
    return "\n".join([*lines, ""])


def write(found: pl.DataFrame, targets: list[Target], facts: dict[str, Any]) -> Path:
    """`results/calibration.json` and `.md`; returns the page."""
    rows = [{k: _plain(v) for k, v in row.items()} for row in found.iter_rows(named=True)]
    asked = [
        {"says": t.says, "figure": _plain(t.figure), "lowest": t.lowest, "highest": t.highest, "by_chance": _plain(t.margin), "is_met": t.is_met}
        for t in targets
    ]  # fmt: skip
    text = json.dumps({**facts, "table": rows, "targets": asked}, indent=1) + "\n"
    (RESULTS / "calibration.json").write_text(text, encoding="utf-8")
    page = RESULTS / "calibration.md"
    page.write_text(markdown(found, targets, facts), encoding="utf-8")
    return page


def _plain(value: object) -> object:
    if isinstance(value, float):
        return round(value, 5) if math.isfinite(value) else None
    return value


def _number(value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return ""
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def _share(value: float | None) -> str:
    return "" if value is None or not math.isfinite(value) else f"{100 * value:.1f} %"
