"""Small tables with small contracts, written as the real ones are, and a file to keep them in."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from hotspot_pipeline.warehouse.contract import TableContract, read_table_contract
from hotspot_pipeline.warehouse.database import Warehouse

MakeContract = Callable[..., TableContract]
Open = Callable[..., Warehouse]

COUNTS = """
    description: Events per week and cell. One row per week and cell.
    owner: team:analysts
    grain: [week_start, cell]
    time_column: week_start
    partition: weekly
    columns:
      week_start: {type: DATE, required: true}
      cell: {type: BIGINT, required: true}
      n_events: {type: BIGINT, required: true}
      n_serious: {type: BIGINT, required: true}
"""


@pytest.fixture
def make_contract(tmp_path: Path) -> MakeContract:
    """Writes a contract (and its audits) below `dbt_like_sql/<stage>/` and reads it."""

    def make(
        text: str = COUNTS,
        *,
        name: str = "hexes.counts",
        audits: Mapping[str, str] | None = None,
        folder: str = "dbt_like_sql",
    ) -> TableContract:
        stage, table = name.split(".")
        root = tmp_path / folder
        (root / "audits").mkdir(parents=True, exist_ok=True)
        (root / stage).mkdir(exist_ok=True)
        for audit, sql in (audits or {}).items():
            (root / "audits" / f"{audit}.sql").write_text(sql, encoding="utf-8")
        path = root / stage / f"{table}.yml"
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return read_table_contract(path, root / "audits")

    return make


@pytest.fixture
def open_warehouse(tmp_path: Path) -> Open:
    """The warehouse of these contracts, always the same file of a test."""

    def open_it(*contracts: TableContract, **options: object) -> Warehouse:
        catalog = {c.name: c for c in contracts}
        path = tmp_path / "force" / "warehouse.duckdb"
        return Warehouse(path, catalog, **{"memory_limit": "500MB", "threads": 1, **options})  # type: ignore[arg-type]

    return open_it
