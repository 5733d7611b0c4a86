"""`hotspots explain` of a week: from the published copy alone, in sentences."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from hotspot_pipeline.cli import explaining
from hotspot_pipeline.cli.main import hotspots
from hotspot_pipeline.published.evaluation import week_facts
from hotspot_pipeline.warehouse.contract import read_catalog
from hotspot_pipeline.warehouse.database import Warehouse

SQL = Path(__file__).parents[3] / "dbt_like_sql"
WEEK = date(2026, 6, 8)
PLAN = {
    "scope": "A, week from 2026-06-08", "hotspot_id": "A", "week_start": WEEK, "n_asked": 2, "n_issued_late": 0, "n_yes": 1, "n_no": 0,
    "n_unknown": 1, "n_indeterminate": 0, "n_delivered": 1, "planned_ms": 1_800_000, "delivered_ms": 900_000, "deff": 1.0, "compliance": 1.0,
    "compliance_low": 0.2065, "compliance_high": 1.0, "at_least": 0.5, "at_most": 1.0, "band_low": 1.0, "band_high": 1.0, "delivery": 0.5,
    "dose_compliance": 0.5,
}  # fmt: skip
COVER = {
    "hotspot_id": "A", "week_start": WEEK, "n_days": 7, "n_days_none": 6, "n_days_one": 1, "n_days_more": 0, "patrol_ms": 900_000,
    "officer_ms": 1_800_000, "hot_window_ms": 0, "share_in_hot_windows": 0.0, "length_ms": 604_800_000, "reached_ms": 0, "share_reached": 0.0,
    "days_since_last": 1.0,
}  # fmt: skip


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    (tmp_path / "forces" / "aldershire").mkdir(parents=True)
    (tmp_path / "forces" / "aldershire" / "force.yml").write_text("force_id: aldershire\nname: Aldershire\n")  # fmt: skip
    monkeypatch.setenv("HOTSPOTS_DATA", str(tmp_path))
    warehouse = Warehouse(tmp_path / "copy.duckdb", read_catalog(SQL), threads=1)
    with warehouse.session() as session:
        for table, row in (("patrols.compliance", PLAN), ("patrols.coverage_weekly", COVER)):
            contract = session.catalog[table]
            session.ensure(contract)
            session.insert(contract, pl.DataFrame([row]))
    monkeypatch.setattr(explaining, "copy_to_ask", lambda found, force: warehouse)
    return warehouse


def test_two_sentences(copy: Warehouse) -> None:
    done = CliRunner().invoke(hotspots, ["explain", "A", "--week", "2026-06-08", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["said"] == [
        "Of 2 planned visits 1 was made and of 1 nothing is known: 100 % of the known ones (95 % interval 21 to 100 %); "
        "between 50 and 100 % of all, whatever the unknown ones were.",
        # no patrol of it is known in any hot window: whether it has any is not known here
        "Fixes show 15 minutes of patrol in 7 computed days and a visit of ten minutes or more on foot or cycle on 1 of them.",
    ]


def test_a_week_without_any_day_claims_nothing(copy: Warehouse) -> None:
    done = CliRunner().invoke(hotspots, ["explain", "A", "--week", "2026-06-15"])
    assert "nothing is known of patrols" in " ".join(done.output.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["B", "--week", "2026-06-08"], "no hotspot and no patrolled area 'B' is known; known: A"),
        (["A", "--week", "2026-06-09"], "named by its Monday, 2026-06-08"),
    ],
)
def test_what_is_wrong_is_named(copy: Warehouse, words: list[str], said: str) -> None:
    done = CliRunner().invoke(hotspots, ["explain", *words])
    assert done.exit_code != 0 and said in str(done.exception) + done.output


@pytest.fixture
def weeks(copy: Warehouse) -> Warehouse:
    """The same with a hotspot H-1 whose week of eight events is covered by the area A."""
    metric = {
        "hotspot_id": "H-1", "week_start": WEEK, "cut": "latest", "metric": "events", "cat_group": "ALL", "time_band": "all", "value": 2, "lower": None,
        "upper": None, "unit": "events", "is_provisional": False, "label": None, "known_at_utc": None, "hotspot_version": None, "lookup_version": None,
        "run_id": "r",
    }  # fmt: skip
    rows = {
        "evaluation.weekly_metrics": [metric, metric | {"cat_group": "ROBBERY"}, metric | {"cut": "first_issue", "value": 1}],
        "published.hotspot_areas": [{"hotspot_id": "H-1", "area_id": "A", "name": "Square", "share_of_hotspot": 0.7}],
    }  # fmt: skip
    with copy.session() as session:
        for table in week_facts.TABLES:
            session.ensure(session.catalog[table])
        for table, made in rows.items():
            session.insert(session.catalog[table], pl.DataFrame(made))
    return copy


def test_a_hotspots_week(weeks: Warehouse) -> None:
    done = CliRunner().invoke(hotspots, ["explain", "H-1", "--week", "2026-06-08", "--json"])
    assert done.exit_code == 0, done.output
    said = {part["about"]: part["text"] for part in json.loads(done.output)["said"]}
    assert said["What was counted"] == "In the police week of 8 June to 14 June 2026, two robberies were counted here, and nothing else."  # fmt: skip
    assert "cannot be said yet" in said["Is that unusual?"]
    assert "The figure was one the day after the week ended, and is two now" in said["Is it final?"]
    assert "In the patrol area A (Square), which covers most of the hotspot, two visits were planned: one was made" in said["What patrols did"]  # fmt: skip
    assert "No trial covers this place" in said["What can be said of patrols"]
    shown = CliRunner().invoke(hotspots, ["explain", "H-1", "--week", "2026-06-08"])
    assert "two robberies were counted here" in " ".join(shown.output.split())


def test_an_area_names_its_hotspots_and_a_hotspot_its_weeks(weeks: Warehouse) -> None:
    done = CliRunner().invoke(hotspots, ["explain", "A", "--week", "2026-06-08"])
    assert "hotspots explain H-1 --week 2026-06-08" in " ".join(done.output.split())
    done = CliRunner().invoke(hotspots, ["explain", "H-1", "--week", "2026-06-15"])
    assert "they go from the week of 2026-06-08 to that of 2026-06-08" in str(done.exception) + done.output  # fmt: skip
