"""Jobs and schedules: one partition set each, one process, one writer, and ticks that come once a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
import yaml
from dagster._utils.schedules import cron_string_iterator

from hotspot_pipeline.orchestration.jobs import THEN_TAG
from hotspot_pipeline.settings import Settings
from hotspot_pipeline_tests.conftest import PROJECT_ROOT

FORCES = ("aldershire", "brookshire")
each_force = pytest.mark.parametrize("force_id", FORCES)


@each_force
def test_a_job_holds_only_its_partition_set_and_together_they_hold_all(
    force_id: str, definitions: dg.Definitions
) -> None:
    graph = definitions.resolve_asset_graph()
    held: list[dg.AssetKey] = []
    for name, kind in {"nightly_crime": type(None), "patrol_days": dg.TimeWindowPartitionsDefinition, "weekly": dg.TimeWindowPartitionsDefinition}.items():  # fmt: skip
        job = definitions.resolve_job_def(f"{force_id}__{name}")
        keys = list(job.asset_layer.executable_asset_keys)
        assert keys, name
        sets = {graph.get(k).partitions_def for k in keys}
        assert len(sets) == 1, name
        assert isinstance(next(iter(sets)), kind)
        assert job.partitions_def == next(iter(sets))
        assert {k.path[0] for k in keys} == {force_id}
        held += keys
    everything = {k for k in graph.executable_asset_keys if k.path[0] == force_id}
    assert set(held) == everything
    assert len(held) == len(everything), "an asset belongs to one job"


def test_no_asset_belongs_to_no_force(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    assert {k.path[0] for k in graph.get_all_asset_keys()} == set(FORCES)
    assert not graph.external_asset_keys, "every table that is read is built by an asset"


@each_force
def test_a_run_is_one_process_with_one_writer(force_id: str, definitions: dg.Definitions) -> None:
    """Another executor needs another granularity of the pool: both are pinned together (deploy/dagster.yaml)."""
    for name in ("nightly_crime", "patrol_days", "weekly"):
        job = definitions.resolve_job_def(f"{force_id}__{name}")
        assert job.executor_def is dg.in_process_executor
        assert {node.definition.pool for node in job.nodes} == {f"duckdb_writer_{force_id}"}
        assert int(job.tags["dagster/max_runtime"]) == 6 * 3600
        assert job.tags["force"] == force_id
        resources = job.get_required_resource_defs()
        assert [r for r in resources if r.startswith("warehouse_")] == [f"warehouse_{force_id}"]
    assert definitions.executor is dg.in_process_executor
    instance = yaml.safe_load((PROJECT_ROOT / "deploy" / "dagster.yaml").read_text(encoding="utf-8"))  # fmt: skip
    assert instance["concurrency"]["pools"] == {"granularity": "run", "default_limit": 1}
    assert instance["run_monitoring"]["enabled"] is True
    assert instance["run_monitoring"]["free_slots_after_run_end_seconds"] > 0
    assert instance["telemetry"]["enabled"] is False


def test_partitioned_tables_are_backfilled_in_one_run(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    partitioned = [k for k in graph.get_all_asset_keys() if graph.get(k).partitions_def]
    assert {".".join(k.path[1:]) for k in partitioned} == {
        "hexes.crime_weekly", "hexes.crime_daily", "hot_times.event_hours", "hot_times.event_nights",
        "patrols.visits", "patrols.dose_daily", "patrols.plan_answers",
    }  # fmt: skip
    for key in partitioned:
        assert graph.get(key).backfill_policy == dg.BackfillPolicy.single_run()


@each_force
def test_schedules_run_at_half_past_two_and_on_mondays_after_six(
    force_id: str, definitions: dg.Definitions, settings: Settings
) -> None:
    zone = settings.force(force_id).time_zone
    night = definitions.get_schedule_def(f"{force_id}__every_night")
    monday = definitions.get_schedule_def(f"{force_id}__every_monday")
    assert (night.cron_schedule, night.execution_timezone) == ("30 2 * * *", zone)
    assert (monday.cron_schedule, monday.execution_timezone) == ("5 6 * * 1", zone)
    assert {night.job_name, monday.job_name} == {f"{force_id}__nightly_crime"}
    assert {s.default_status for s in (night, monday)} == {dg.DefaultScheduleStatus.RUNNING}
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_schedule_context(instance, scheduled_execution_time=datetime(2026, 1, 5, 6, 5, tzinfo=UTC))  # fmt: skip
        [request] = monday.evaluate_tick(context).run_requests
        assert request.tags[THEN_TAG] == "weekly"
        [request] = night.evaluate_tick(context).run_requests
        assert THEN_TAG not in request.tags


@pytest.mark.parametrize("zone", ["Europe/London", "Europe/Dublin", "America/New_York"])
def test_the_night_comes_once_a_day_through_both_clock_changes(zone: str) -> None:
    start = datetime(2026, 3, 1, tzinfo=ZoneInfo(zone))
    ticks = cron_string_iterator(start.timestamp(), "30 2 * * *", zone)
    days = [next(ticks) for _ in range(260)]
    dates = [d.date() for d in days]
    assert dates == [start.date() + timedelta(days=n) for n in range(260)]
    # half past two is skipped in New York in spring and moves on; in Europe it is always there
    assert {(d.hour, d.minute) for d in days} <= {(2, 30), (3, 0)}
