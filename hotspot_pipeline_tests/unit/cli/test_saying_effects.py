"""`hotspots effects`: what is said of estimates, from the published copy alone."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner

import hotspot_pipeline.cli.effects as effects
from hotspot_pipeline.cli.main import hotspots
from hotspot_pipeline.warehouse.contract import read_catalog
from hotspot_pipeline.warehouse.database import Warehouse

SQL = Path(__file__).parents[3] / "dbt_like_sql"
DAY = date(2026, 1, 5)
DESIGN = {
    "design_id": "towns", "name": "Town centres", "arm_scheme": "lot_pairs", "day_scheme": "days", "has_staggered_starts": False,
    "outcome_groups": "ASB, VAP", "primary_measure": "rate_ratio", "before_from": DAY, "before_to": DAY, "after_from": DAY, "after_to": DAY,
    "counted_to": DAY, "settled_to": None, "registered_known_at": DAY, "smallest_worthwhile_percent": 10, "n_treated": 8, "n_control": 8,
    "is_causal": True, "why_not_causal": None, "registration_sha256": "ab" * 32, "registered_at_utc": datetime(2026, 1, 1), "is_before_outcomes": True,
    "is_exploratory": False,
}  # fmt: skip
EFFECT: dict[str, Any] = {
    "design_id": "towns", "cut": "latest", "outcome": "ALL", "measure": "rate_ratio", "scale": "log_ratio", "estimate": -0.2231435513, "standard_error": 0.1,
    "low": None, "high": 0.0, "p_value": 0.04, "p_holm": None, "inference": "t", "treated_before": 1, "treated_after": 1, "control_before": 1,
    "control_after": 1, "n_treated": 8, "n_control": 8, "counted_from": DAY, "counted_to": DAY, "is_primary": True, "is_causal_design": True,
    "may_claim": True, "poisson_error": None, "dispersed_error": None, "notes": None, "sentence_counted": "We compared.", "sentence_follows": "Nothing follows.",
}  # fmt: skip
GUARD = {"design_id": "towns", "cut": "latest", "outcome": "ALL", "measure": "rate_ratio", "guard": "maturity", "verdict": "warning", "reason": "the last day is young"}  # fmt: skip
REFUSED = {"what": "ring_1 of towns", "hotspot_id": "ALL", "reason": "too narrow", "needs": "a wider ring"}  # fmt: skip


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    (tmp_path / "forces" / "aldershire").mkdir(parents=True)
    (tmp_path / "forces" / "aldershire" / "force.yml").write_text("force_id: aldershire\nname: Aldershire\n")  # fmt: skip
    monkeypatch.setenv("HOTSPOTS_DATA", str(tmp_path))
    warehouse = Warehouse(tmp_path / "copy.duckdb", read_catalog(SQL), threads=1)
    rows = {"designs": DESIGN, "effects": EFFECT, "effect_guards": GUARD, "refusals": REFUSED}
    with warehouse.session() as session:
        for table, row in rows.items():
            contract = session.catalog[f"evaluation.{table}"]
            session.ensure(contract)
            session.insert(contract, pl.DataFrame([row]))
    monkeypatch.setattr(effects, "copy_to_ask", lambda found, force: warehouse)
    return warehouse


def test_estimate_sentences_hash_guards_and_refusals_are_shown(copy: Warehouse) -> None:
    done = CliRunner().invoke(hotspots, ["effects"])
    assert done.exit_code == 0, done.output
    text = " ".join(done.output.split())
    for said in ("Town centres", "places by lot within pairs, days by lot: 8 patrolled, 8 controls", "ab" * 32, "ratio 0.80", "open to 1.00",
                 "rate_ratio (primary): We compared. Nothing follows.", "the last day is young", "too narrow"):  # fmt: skip
        assert said in text, said


def test_one_design_as_json_and_an_unknown_one(copy: Warehouse) -> None:
    done = CliRunner().invoke(hotspots, ["effects", "towns", "--cut", "settled", "--json"])
    found = json.loads(done.output)
    assert (len(found["designs"]), found["effects"]) == (1, [])
    unknown = CliRunner().invoke(hotspots, ["effects", "villages"])
    assert "no trial 'villages'; known: towns" in str(unknown.exception)


@pytest.mark.parametrize(
    ("scale", "value", "text"),
    [("events", -62.25, "-62.2 events"), ("events_per_day", 0.0904, "+0.090 a day"), ("log_ratio", 0.0, "ratio 1.00"), ("events", None, "none")],
)  # fmt: skip
def test_figures_carry_their_unit(scale: str, value: float | None, text: str) -> None:
    assert effects.shown({"scale": scale, "estimate": value}, "estimate") == text
