"""The Dagster resource: a run holds the lock for its whole life, and its tags say which process it is."""

from pathlib import Path

import dagster as dg
import pytest

from hotspot_pipeline.warehouse import lock
from hotspot_pipeline.warehouse.resource import (
    BOOT_TAG,
    PLACE_TAG,
    PROCESS_TAG,
    RUN_TAG,
    WRITER_TAG,
    WarehouseResource,
)
from hotspot_pipeline_tests.unit.warehouse.processes import HOLD_LOCK, another_process, opens


@pytest.fixture
def resource(tmp_path: Path, project_root: Path) -> WarehouseResource:
    return WarehouseResource(
        database=str(tmp_path / "force" / "warehouse.duckdb"),
        connection_config={"memory_limit": "300MB", "threads": 1},
        sql_folder=str(project_root / "dbt_like_sql"),
        lock_timeout_s=1.0,
    )


def run(resource: WarehouseResource, instance: dg.DagsterInstance, *, fails: bool = False) -> dg.ExecuteInProcessResult:  # fmt: skip
    @dg.op(required_resource_keys={"warehouse"})
    def work(context: dg.OpExecutionContext) -> None:
        warehouse = context.resources.warehouse
        assert not lock.is_free(warehouse.lock_file)
        assert lock.holder(warehouse.lock_file)["purpose"] == f"run {context.run_id}"
        tags = context.instance.get_run_by_id(context.run_id).tags  # type: ignore[union-attr]
        assert tags[WRITER_TAG] == "holding"
        with warehouse.session() as session:
            session.execute("create schema if not exists hexes")
            assert session.value("select current_setting('threads')") == 1
        assert opens(warehouse.path), "between sessions the file is closed, the lock is not"
        assert not lock.is_free(warehouse.lock_file)
        if fails:
            raise ZeroDivisionError

    @dg.job(resource_defs={"warehouse": resource}, executor_def=dg.in_process_executor)
    def job() -> None:
        work()

    return job.execute_in_process(instance=instance, raise_on_error=False)


@pytest.mark.parametrize("fails", [False, True])
def test_a_run_holds_the_lock_for_its_whole_life(resource: WarehouseResource, fails: bool) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        result = run(resource, instance, fails=fails)
        assert result.success is not fails
        done = instance.get_run_by_id(result.run_id)
        assert done is not None
        assert done.tags[WRITER_TAG] == "released"
        assert done.tags[RUN_TAG] == result.run_id
        assert done.tags[PROCESS_TAG] == lock.process_mark()
        assert (done.tags[BOOT_TAG], done.tags[PLACE_TAG]) == (lock.boot_id(), lock.place())
    assert lock.is_free(resource.lock_file)


def test_a_run_that_waits_in_vain_fails_with_the_name_of_the_holder(
    resource: WarehouseResource,
) -> None:
    with (
        dg.DagsterInstance.ephemeral() as instance,
        another_process(HOLD_LOCK, str(resource.lock_file), "run of the night"),
    ):
        result = run(resource, instance)
        assert not result.success
        said = [e.event_specific_data.error for e in result.all_events if e.is_failure and e.event_specific_data]  # fmt: skip
        told = " ".join(str(e) for e in said)
        assert "held by run of the night, process" in told
        waited = instance.get_run_by_id(result.run_id)
        assert waited is not None
        assert waited.tags[WRITER_TAG] == "waiting"


def test_the_lock_lies_beside_the_file_and_the_catalogue_is_read_once(
    resource: WarehouseResource,
) -> None:
    assert resource.lock_file == resource.path.with_suffix(".lock")
    assert resource.catalog is resource.catalog
    assert "hexes.crime_weekly" in resource.catalog
