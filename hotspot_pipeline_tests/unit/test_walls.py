"""The walls that import-linter cannot say: kernels know no orchestrator, and nothing leaks into the tree.

Import-linter (see pyproject.toml) keeps the layers. Within a stage only the modules named below may know Dagster;
all others are kernels: frames in, frames out.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

STAGES = ("raw", "validated", "history", "hexes", "hot_times", "patrols", "evaluation", "published")
MAY_KNOW_DAGSTER = {"assets.py", "cut_assets.py", "refresh.py", "backfill_ledger.py", "shown.py"}


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("stage", STAGES)
def test_kernels_know_neither_dagster_nor_duckdb(stage: str, project_root: Path) -> None:
    for path in sorted((project_root / "hotspot_pipeline" / stage).rglob("*.py")):
        imported = _imports(path)
        assert "duckdb" not in imported, path
        if path.name not in MAY_KNOW_DAGSTER:
            assert "dagster" not in imported, path


def test_the_modules_that_know_dagster_are_there(project_root: Path) -> None:
    """So that the exception above does not outlive what it is for."""
    knowing = {
        path.name
        for stage in STAGES
        for path in (project_root / "hotspot_pipeline" / stage).rglob("*.py")
        if "dagster" in _imports(path)
    }
    assert knowing == MAY_KNOW_DAGSTER


def test_no_lock_names_a_host(project_root: Path) -> None:
    for lock in sorted(project_root.glob("requirements*.lock")):
        text = lock.read_text(encoding="utf-8")
        assert "://" not in text, lock.name
        assert "--hash=sha256:" in text, lock.name
