"""Every model and every audit runs on the tables of the contracts, and gives what its own contract says."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest

from hotspot_pipeline.sql_models.model import PARAMETERS, SqlModel
from hotspot_pipeline.warehouse.contract import TableContract
from hotspot_pipeline.warehouse.session import Session
from hotspot_pipeline_tests.sql.conftest import NOW, Desk

VALUES: dict[str, Any] = {"window_start": date(2026, 1, 5), "window_end": date(2026, 1, 12), "known_at": NOW}  # fmt: skip
# what may become what without a value changing; a number that does not fit is an error, never another number
LOSSLESS = {
    "VARCHAR": {"VARCHAR"},
    "BIGINT": {"BIGINT", "INTEGER", "SMALLINT", "HUGEINT"},
    "INTEGER": {"INTEGER", "SMALLINT", "BIGINT"},
    "SMALLINT": {"SMALLINT", "INTEGER"},
    "DOUBLE": {"DOUBLE"},
    "BOOLEAN": {"BOOLEAN"},
    "DATE": {"DATE"},
    "TIMESTAMP": {"TIMESTAMP"},
}


def described(session: Session, model: SqlModel) -> dict[str, str]:
    session.execute("create or replace temp table described as from (\n" + model.sql + "\n) limit 0", model.bound(VALUES))  # fmt: skip
    rows = session.frame("select column_name, data_type from information_schema.columns where table_name = 'described'").rows()  # fmt: skip
    session.execute("drop table described")
    return dict(rows)


def model_names() -> list[str]:
    from hotspot_pipeline.warehouse.contract import read_catalog
    from hotspot_pipeline_tests.conftest import PROJECT_ROOT

    catalog = read_catalog(PROJECT_ROOT / "dbt_like_sql")
    return [c.name for c in catalog.values() if c.sql_path]


each_model = pytest.mark.parametrize("name", model_names())


@each_model
def test_it_explains(name: str, tables: Session, models: dict[str, SqlModel]) -> None:
    model = models[name]
    plan = tables.value("explain " + model.sql, model.bound(VALUES))
    assert plan
    assert model.parameters <= set(PARAMETERS)


@each_model
def test_its_types_become_those_of_the_contract_without_loss(
    name: str, tables: Session, models: dict[str, SqlModel]
) -> None:
    model = models[name]
    given = described(tables, model)
    assert set(given) == set(model.contract.column_types)
    for column, wanted in model.contract.column_types.items():
        if wanted.startswith("DECIMAL"):
            assert given[column].startswith("DECIMAL"), f"{name}.{column}: {given[column]}"
            assert _decimals(given[column]) <= _decimals(wanted), f"{name}.{column}: {given[column]}"  # fmt: skip
        else:
            assert given[column] in LOSSLESS[wanted], f"{name}.{column}: {given[column]} to {wanted}"  # fmt: skip


@each_model
def test_on_empty_tables_it_gives_an_empty_table_or_zeros(name: str, desk: Desk) -> None:
    model = desk.models[name]
    window = (date(2026, 1, 5), date(2026, 1, 12)) if model.contract.partition != "none" else None
    rows = desk.run(name, window=window)
    assert all(row["n"] == 0 for row in rows) if name == "published.data_quality" else rows == []


def test_every_audit_runs(tables: Session, catalog: dict[str, TableContract]) -> None:
    for contract in catalog.values():
        for result in tables.audit(contract):
            assert result.passed, f"{contract.name}: {result.audit.name} finds bad rows in no rows"


def test_no_model_reads_what_people_are_called(models: dict[str, SqlModel]) -> None:
    """Raw rows hold references; models read the books of raw, never its rows."""
    for model in models.values():
        raw = {t for t in model.tables if t.startswith("raw.")}
        assert raw <= {"raw.extracts", "raw.extract_files", "raw.decisions", "raw.full_runs"}, (
            model.name
        )


def _decimals(kind: str) -> int:
    found = re.fullmatch(r"DECIMAL\(\d+,\s*(\d+)\)", kind)
    assert found, kind
    return int(found[1])
