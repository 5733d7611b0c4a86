"""A table as an asset: what its spec, its checks and its results show."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import dagster as dg
import pytest

from hotspot_pipeline.orchestration.tables import Workshop
from hotspot_pipeline.warehouse.session import AuditResult, AuditsFailed, Write


def write(table: str, **more: Any) -> Write:
    return Write(table, **{"n_rows": 7, "changed": True, "content": "123", **more})


def test_names_of_a_force_carry_its_id(shop: Workshop) -> None:
    assert shop.key("hexes.events") == dg.AssetKey(["aldershire", "hexes", "events"])
    assert (shop.resource, shop.pool) == ("warehouse_aldershire", "duckdb_writer_aldershire")


def test_the_spec_says_all_that_the_contract_says(shop: Workshop) -> None:
    contract = shop.catalog["hexes.crime_weekly"]
    spec = shop.spec("hexes.crime_weekly", deps=["hexes.events"], kinds=["sql"], code_version="v", metadata={"grid": 9})  # fmt: skip
    assert (spec.group_name, spec.owners, spec.code_version) == ("hexes", ["team:analysts"], "v")
    assert spec.description == contract.description
    assert spec.kinds == {"duckdb", "sql"}
    assert (spec.tags["force"], spec.tags["stage"]) == ("aldershire", "hexes")
    assert spec.partitions_def is shop.weekly
    assert shop.spec("hexes.crime_daily").partitions_def is shop.daily
    assert shop.spec("hexes.events").partitions_def is None
    assert [d.asset_key for d in spec.deps] == [shop.key("hexes.events")]
    assert (spec.metadata["grid"], spec.metadata["dagster/table_name"]) == (9, "hexes.crime_weekly")
    schema = spec.metadata["dagster/column_schema"]
    columns = {c.name: c for c in schema.columns}
    assert list(columns) == list(contract.column_types)
    assert columns["n_events"].type == "BIGINT [events]"
    assert columns["cell"].description == "H3 index"
    assert columns["week_start"].constraints.nullable is False
    assert schema.constraints.other == ["one row per resolution, cell, week_start, cat_group"]
    [link] = spec.metadata["dagster/code_references"].code_references
    assert link.file_path == str(contract.sql_path)
    [link] = shop.spec("hexes.cells").metadata["dagster/code_references"].code_references
    assert link.file_path.endswith("cells.yml"), "Python writes it: the contract is shown"


def test_a_key_of_one_column_is_unique_and_choices_are_listed(shop: Workshop) -> None:
    columns = {c.name: c for c in shop.spec("hexes.events").metadata["dagster/column_schema"].columns}  # fmt: skip
    assert columns["event_id"].constraints.unique is True
    assert columns["source"].constraints.other == ["one of crime, asb"]
    assert columns["source"].constraints.unique is False


def test_an_asset_is_fresh_for_a_night_or_a_week(shop: Workshop) -> None:
    def warn(table: str) -> timedelta:
        policy: Any = shop.spec(table).freshness_policy
        return policy.warn_window.to_timedelta()

    assert timedelta(days=1) < warn("hexes.events") < timedelta(days=2)
    assert timedelta(days=7) < warn("hexes.crime_weekly") < timedelta(days=9)


def test_every_audit_is_a_check_and_errors_block(shop: Workshop) -> None:
    contract = shop.catalog["hexes.events"]
    checks = {c.name: c for c in shop.checks("hexes.events")}
    assert list(checks) == [a.name for a in contract.all_audits]
    assert "every_current_record_is_an_event" in checks
    assert all(c.blocking for c in checks.values())
    assert {c.asset_key for c in checks.values()} == {shop.key("hexes.events")}


def results(shop: Workshop, n_bad: int) -> tuple[AuditResult, ...]:
    audits = shop.catalog["hexes.events"].all_audits
    return tuple(AuditResult(a, n_bad, "event_id=x" if n_bad else "") for a in audits[:2])


@pytest.mark.parametrize(
    ("done", "said"),
    [
        ({}, "rows replaced"),
        ({"changed": False}, "nothing: the rows are the same as before"),
        ({"windows": (date(2026, 1, 5),)}, "1 windows: 2026-01-05"),
        ({"windows": tuple(date(2026, 1, 1) + timedelta(days=n) for n in range(14))},
         "14 windows: " + ", ".join(f"2026-01-{n:02}" for n in range(1, 13)) + " and 2 more"),
    ],
)  # fmt: skip
def test_a_result_says_what_changed(done: dict[str, Any], said: str, shop: Workshop) -> None:
    result = shop.result(write("hexes.events", **done), {"extracts": 3})
    assert result.metadata == {"dagster/row_count": 7, "what changed": said, "extracts": 3}


def test_equal_rows_have_an_equal_data_version(shop: Workshop) -> None:
    versions = {shop.result(write("hexes.events", content=c)).data_version for c in ("1", "1", "2")}
    assert {v.value for v in versions if v} == {"1", "2"}
    assert shop.result(write("hexes.crime_weekly")).data_version is None, "one partition is not the table"  # fmt: skip


def test_a_written_table_is_reported_with_its_checks(shop: Workshop) -> None:
    [result] = shop.run_write("hexes.events", lambda: write("hexes.events", audits=results(shop, 0)))  # fmt: skip
    assert isinstance(result, dg.MaterializeResult)
    assert result.asset_key == shop.key("hexes.events")
    assert [(c.check_name, c.passed) for c in result.check_results or ()] == [("grain_is_unique", True), ("required_columns_present", True)]  # fmt: skip


def test_a_failed_audit_is_reported_before_the_step_fails(shop: Workshop) -> None:
    def fails() -> Write:
        raise AuditsFailed("hexes.events", results(shop, 3))

    told = shop.run_write("hexes.events", fails)
    first, second = next(told), next(told)
    for check in (first, second):
        assert isinstance(check, dg.AssetCheckResult)
        assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.ERROR)
        assert {k: v.value for k, v in (check.metadata or {}).items()} == {"bad rows": 3, "first bad row": "event_id=x"}  # type: ignore[union-attr]  # fmt: skip
    with pytest.raises(dg.Failure, match="nothing was written, the earlier rows stand") as caught:
        next(told)
    assert caught.value.allow_retries is False
