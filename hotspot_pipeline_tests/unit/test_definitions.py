"""The definitions load and are valid: for two forces, for one, and before there is any."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from hotspot_pipeline.definitions import build_defs
from hotspot_pipeline.feeds.contract import ContractError
from hotspot_pipeline.settings import Settings
from hotspot_pipeline.sql_models.model import ModelError


def installation(data: Path, **forces: str) -> Settings:
    for name, text in forces.items():
        home = data / "forces" / name
        home.mkdir(parents=True)
        (home / "force.yml").write_text(text, encoding="utf-8")
    return Settings.from_env({"HOTSPOTS_DATA": str(data)})


@pytest.mark.parametrize(
    "forces",
    [
        {},
        {"aldershire": "feeds: {crime_extract: , asb_extract: }"},
        {"aldershire": "feeds: {crime_extract: }", "brookshire": "feeds: {police_uk_street: }"},
        {"new_force": ""},
    ],
    ids=["none", "one", "two", "one without feeds"],
)
def test_they_are_valid(forces: dict[str, str], tmp_path: Path) -> None:
    definitions = build_defs(installation(tmp_path, **forces))
    dg.Definitions.validate_loadable(definitions)
    assert len(definitions.resolve_all_job_defs()) >= 3 * len(forces)


def test_a_force_without_patrol_feeds_has_no_steps_of_patrols(tmp_path: Path) -> None:
    forces = {"aldershire": "feeds: {crime_extract: }", "brookshire": "feeds: {crime_extract: , duties: }"}  # fmt: skip
    graph = build_defs(installation(tmp_path, **forces)).resolve_asset_graph()
    keys = [key.path for key in graph.get_all_asset_keys()]  # also those that are only depended on
    lacking = {tuple(p[1:]) for p in keys if p[0] == "brookshire"} - {tuple(p[1:]) for p in keys if p[0] == "aldershire"}  # fmt: skip
    assert {("patrols", "visits"), ("patrols", "compliance"), ("history", "duties_current")} <= lacking  # fmt: skip
    assert {stage for stage, _ in lacking} == {"patrols", "history"}
    assert ["aldershire", "evaluation", "weekly_metrics"] in keys


@pytest.mark.parametrize("has_force", [True, False])
def test_the_workspace_is_valid_in_a_process_of_its_own(
    has_force: bool, tmp_path: Path, project_root: Path
) -> None:
    if has_force:
        installation(tmp_path / "data", aldershire="feeds: {crime_extract: , venues: }")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "dagster.yaml").write_text("telemetry: {enabled: false}\n", encoding="utf-8")  # fmt: skip
    env = {**os.environ, "HOTSPOTS_DATA": str(tmp_path / "data"), "DAGSTER_HOME": str(tmp_path / "home")}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "dagster", "definitions", "validate", "-w", "workspace.yaml"],
        cwd=project_root,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Validation successful for code location hotspot_pipeline" in done.stdout + done.stderr
    assert not (tmp_path / "data" / "forces" / "aldershire" / "warehouse.duckdb").exists(), "loading opens nothing"  # fmt: skip


def test_an_override_replaces_a_resource(tmp_path: Path) -> None:
    settings = installation(tmp_path, aldershire="")
    other: Any = dg.ResourceDefinition.hardcoded_resource("another warehouse")
    definitions = build_defs(settings, {"warehouse_aldershire": other})
    assert definitions.resources["warehouse_aldershire"] is other  # type: ignore[index]


def test_what_a_force_says_wrongly_stops_the_load_with_its_file(tmp_path: Path) -> None:
    settings = installation(tmp_path, aldershire="feeds: {venues: {kind: nightly}}")
    with pytest.raises(ContractError, match=r"aldershire/force\.yml: feed venues: kind: 'nightly'"):
        build_defs(settings)


def test_a_model_that_cannot_run_stops_the_load_with_file_and_line(
    tmp_path: Path, project_root: Path
) -> None:
    import shutil
    from dataclasses import replace

    sql = tmp_path / "sql"
    shutil.copytree(project_root / "dbt_like_sql", sql)
    file = sql / "hexes" / "crime_weekly.sql"
    file.write_text(file.read_text(encoding="utf-8").replace("cat_group,", "cat_groop,", 1), encoding="utf-8")  # fmt: skip
    with pytest.raises(ModelError, match=r"crime_weekly\.sql:8: Column 'cat_groop' could not be resolved"):  # fmt: skip
        build_defs(replace(installation(tmp_path), sql=sql))
