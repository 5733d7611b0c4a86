"""A model as an asset: written in the window of its run, as known at a moment, with what the UI shows of it."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from hotspot_pipeline.orchestration.tables import Workshop
from hotspot_pipeline.settings import Force, Settings
from hotspot_pipeline.sql_models.assets import KNOWN_AT_TAG, build_sql_asset, refresh_model
from hotspot_pipeline.sql_models.model import SqlModel
from hotspot_pipeline.warehouse.contract import TableContract, read_catalog
from hotspot_pipeline.warehouse.resource import WarehouseResource

KNOWN = "{id: {type: BIGINT, required: true}, name: {type: VARCHAR}}"
WEEKLY = "{week_start: {type: DATE, required: true}, n: {type: BIGINT, unit: events}}"
IS_KNOWN = "select id, name from raw.events where known_utc <= $known_at"
BY_WEEK = """
with weeks as (select day as week_start from raw.events)
select week_start, count(*) as n
from weeks where week_start >= $window_start and week_start < $window_end
group by week_start
"""
KEYS = ["2026-01-05", "2026-01-12", "2026-01-19"]


class Room:
    """A force with one model, its warehouse, and an instance that remembers."""

    def __init__(self, folder: Path, model: SqlModel, instance: dg.DagsterInstance) -> None:
        force = Force(
            "aldershire", "Aldershire", folder / "force", partitions_start=date(2026, 1, 5)
        )
        settings = Settings(data=folder, forces=(force,), sql=folder)
        self.model, self.instance = model, instance
        self.catalog: dict[str, TableContract] = read_catalog(folder)
        self.shop = Workshop.of(settings, force, self.catalog)
        self.warehouse = WarehouseResource(
            database=str(force.warehouse_file), connection_config={"threads": 1}, sql_folder=str(folder), lock_timeout_s=5
        )  # fmt: skip
        self.before: Callable[[Any], None] | None = None

    def deliver(self, *events: dict[str, Any]) -> None:
        contract = self.catalog["raw.events"]
        rows = pl.DataFrame([{c.name: e.get(c.name) for c in contract.columns} for e in events],
                            schema_overrides={"day": pl.Date, "known_utc": pl.Datetime("us")})  # fmt: skip
        with self.warehouse.session() as session:
            session.replace_table(contract, rows)

    def build(self, *, tags: dict[str, str] | None = None, key: str | None = None) -> dg.ExecuteInProcessResult:  # fmt: skip
        asset = build_sql_asset(self.shop, self.model, before=self.before)
        return dg.materialize(
            [asset],
            instance=self.instance,
            resources={self.shop.resource: self.warehouse},
            tags=tags,
            partition_key=key,
            raise_on_error=False,
        )

    def rows(self) -> list[tuple[Any, ...]]:
        with self.warehouse.session(read_only=True) as session:
            return session.frame(f"select * from {self.model.name} order by all").rows()


@pytest.fixture
def room(tmp_path: Path, load: Any) -> Iterator[Callable[..., Room]]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield lambda *given, **more: Room(tmp_path, load(*given, **more), instance)


def said(result: dg.ExecuteInProcessResult) -> str:
    failure = next(e for e in result.all_events if e.is_step_failure).step_failure_data
    if failure.user_failure_data and failure.user_failure_data.description:
        return failure.user_failure_data.description
    return str(failure.error)


def test_it_shows_rows_columns_lineage_and_what_changed(room: Any) -> None:
    here = room(IS_KNOWN, KNOWN)
    here.deliver({"id": 1, "name": "a", "known_utc": datetime(2026, 1, 1)})
    result = here.build()
    assert result.success
    [event] = result.asset_materializations_for_node("aldershire__hexes__model")
    facts = event.metadata
    assert facts["dagster/row_count"].value == 1
    assert facts["what changed"].value == "rows replaced"
    lineage = facts["dagster/column_lineage"].value.deps_by_column
    assert [(d.asset_key.path, d.column_name) for d in lineage["name"]] == [(["aldershire", "raw", "events"], "name")]  # fmt: skip
    [again] = here.build().asset_materializations_for_node("aldershire__hexes__model")
    assert again.metadata["what changed"].value == "nothing: the rows are the same as before"
    assert again.tags["dagster/data_version"] == event.tags["dagster/data_version"]
    here.deliver({"id": 2, "name": "b", "known_utc": datetime(2026, 1, 1)})
    [other] = here.build().asset_materializations_for_node("aldershire__hexes__model")
    assert other.tags["dagster/data_version"] != event.tags["dagster/data_version"]


def test_its_spec_says_what_it_reads_and_where_it_stands(room: Any) -> None:
    here = room(IS_KNOWN, KNOWN, audits={"no_zero": "select id from hexes.model where id = 0"})
    asset = build_sql_asset(here.shop, here.model)
    [spec] = asset.specs
    assert [d.asset_key.to_user_string() for d in spec.deps] == ["aldershire/raw/events"]
    assert spec.code_version == here.model.code_version
    assert spec.kinds == {"duckdb", "sql"}
    [reference] = spec.metadata["dagster/code_references"].code_references
    assert Path(reference.file_path) == here.model.contract.sql_path
    columns = spec.metadata["dagster/column_schema"].columns
    assert [(c.name, c.type, c.constraints.nullable) for c in columns] == [("id", "BIGINT", False), ("name", "VARCHAR", True)]  # fmt: skip
    assert {c.name: c.blocking for c in asset.check_specs} == {"required_columns_present": True, "no_zero": True}  # fmt: skip
    assert asset.op.pool == "duckdb_writer_aldershire"


@pytest.mark.parametrize(
    ("known_at", "ids"),
    [
        ("2026-01-10", [1]),
        ("2026-01-10T12:00:00", [1, 2]),
        ("2026-01-10T13:00:00+02:00", [1]),
        ("2026-01-10T12:30:00Z", [1, 2]),
        (None, [1, 2]),
    ],
)
def test_it_is_built_as_known_at_the_moment_of_the_tag(
    known_at: str | None, ids: list[int], room: Any
) -> None:
    here = room(IS_KNOWN, KNOWN)
    here.deliver(
        {"id": 1, "known_utc": datetime(2026, 1, 9)},
        {"id": 2, "known_utc": datetime(2026, 1, 10, 12)},
        {"id": 3, "known_utc": datetime(2999, 1, 1)},
    )
    assert here.build(tags={KNOWN_AT_TAG: known_at} if known_at else None).success
    assert [r[0] for r in here.rows()] == ids


def test_a_tag_that_is_no_moment_is_told(room: Any) -> None:
    here = room(IS_KNOWN, KNOWN)
    here.deliver({"id": 1})
    result = here.build(tags={KNOWN_AT_TAG: "last Friday"})
    assert not result.success
    assert "tag hotspots/known_at 'last Friday' is not a moment such as 2026-01-31" in said(result)


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Auckland"])
def test_now_is_now_wherever_the_machine_stands(
    zone: str, room: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came a minute ago is known, what comes in an hour is not, east and west of Greenwich."""
    here = room(IS_KNOWN, KNOWN)
    now = datetime.now(UTC).replace(tzinfo=None)
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        here.deliver(
            {"id": 1, "known_utc": now - timedelta(minutes=1)},
            {"id": 2, "known_utc": now + timedelta(hours=1)},
        )
        assert here.build().success
        assert [r[0] for r in here.rows()] == [1]
    finally:
        monkeypatch.undo()
        time.tzset()


def weeks(room: Any) -> Room:
    here: Room = room(BY_WEEK, WEEKLY, more="grain: [week_start]\ntime_column: week_start\npartition: weekly\n")  # fmt: skip
    days = [date(2026, 1, 5), date(2026, 1, 12), date(2026, 1, 12), date(2026, 1, 19)]
    here.deliver(*({"id": n, "day": day} for n, day in enumerate(days)))
    return here


def test_a_partition_is_its_window(room: Any) -> None:
    here = weeks(room)
    assert here.build(key=KEYS[1]).success
    assert here.rows() == [(date(2026, 1, 12), 2)]
    assert here.build(key=KEYS[0]).success
    assert here.rows() == [(date(2026, 1, 5), 1), (date(2026, 1, 12), 2)]


def test_a_range_is_one_window(room: Any) -> None:
    here = weeks(room)
    tags = {"dagster/asset_partition_range_start": KEYS[0], "dagster/asset_partition_range_end": KEYS[1]}  # fmt: skip
    result = here.build(tags=tags)
    assert result.success
    assert here.rows() == [(date(2026, 1, 5), 1), (date(2026, 1, 12), 2)]
    key = here.shop.key("hexes.model")
    assert sorted(here.instance.get_materialized_partitions(key)) == KEYS[:2]


def test_an_empty_window_is_written_and_materialised_too(room: Any) -> None:
    here = weeks(room)
    here.deliver({"id": 1, "day": date(2026, 1, 5)})
    assert here.build(key=KEYS[2]).success
    assert here.rows() == []
    assert here.instance.get_materialized_partitions(here.shop.key("hexes.model")) == {KEYS[2]}


def test_a_partitioned_model_without_a_partition_says_so(room: Any) -> None:
    here = weeks(room)
    result = here.build()
    assert not result.success
    assert "hexes.model: a weekly table is written for a window" in said(result)


def test_a_failed_audit_shows_as_a_check_and_yesterday_stands(room: Any) -> None:
    here = room(IS_KNOWN, KNOWN, audits={"no_zero": "select id from hexes.model where id = 0"})
    here.deliver({"id": 1, "known_utc": datetime(2026, 1, 1)})
    assert here.build().success
    here.deliver({"id": 0, "known_utc": datetime(2026, 1, 1)})
    result = here.build()
    assert not result.success
    assert "hexes.model: nothing was written, the earlier rows stand: no_zero: 1 bad rows, first id=0" in said(result)  # fmt: skip
    checks = {e.check_name: e for e in result.get_asset_check_evaluations()}
    assert {n: e.passed for n, e in checks.items()} == {"required_columns_present": True, "no_zero": False}  # fmt: skip
    assert checks["no_zero"].metadata["first bad row"].value == "id=0"
    assert not result.asset_materializations_for_node("aldershire__hexes__model")
    assert here.rows() == [(1, None)]


def test_who_may_refuse_the_run_is_asked_first(room: Any) -> None:
    here = room(IS_KNOWN, KNOWN)

    def refuse(context: Any) -> None:
        raise dg.Failure(description="not today")

    here.before = refuse
    result = here.build()
    assert said(result) == "not today"
    assert not here.warehouse.path.exists()


def test_a_refresh_replaces_exactly_the_windows_that_differ(room: Any) -> None:
    here = weeks(room)
    with here.warehouse.session() as session:
        first = refresh_model(session, here.model, {})
        assert first.windows == (date(2026, 1, 5), date(2026, 1, 12), date(2026, 1, 19))
        assert refresh_model(session, here.model, {}).windows == ()
    here.deliver({"id": 1, "day": date(2026, 1, 5)}, {"id": 2, "day": date(2026, 1, 12)})
    with here.warehouse.session() as session:
        write = refresh_model(session, here.model, {})
    assert write.windows == (date(2026, 1, 12), date(2026, 1, 19))
    assert here.rows() == [(date(2026, 1, 5), 1), (date(2026, 1, 12), 1)]
