"""The graph of a two-force installation, written down: every change of it is a diff that somebody reads.

Keys, groups, dependencies, partitions, kinds, pools, checks, jobs, schedules, sensors. After a change that is meant:
`pytest hotspot_pipeline_tests/snapshots --snapshot-update`, and read what it writes. Tempting to shorten by listing
names only: then a lost dependency, a check that no longer blocks or another pool would pass unseen.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from syrupy.assertion import SnapshotAssertion

from hotspot_pipeline.definitions import build_defs
from hotspot_pipeline.settings import Settings

FORCES = {
    "aldershire": "feeds: {crime_extract: , asb_extract: , venues: , excluded_sites: , default_geocodes: , gps_pings: , duties: , patrol_plan: }",
    "brookshire": "{time_zone: Europe/Dublin, partitions_start: 2024-01-01, feeds: {police_uk_street: }}",
}


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    data: Path = tmp_path_factory.mktemp("data")
    for name, text in FORCES.items():
        home = data / "forces" / name
        home.mkdir(parents=True)
        (home / "force.yml").write_text(text, encoding="utf-8")
    return build_defs(Settings.from_env({"HOTSPOTS_DATA": str(data)}))


def _of(definitions: dg.Definitions, force_id: str) -> list[Any]:
    graph = definitions.resolve_asset_graph()
    keys = sorted(k for k in graph.get_all_asset_keys() if k.path[0] == force_id)
    return [graph.get(k) for k in keys]


def _short(key: dg.AssetKey) -> str:
    return ".".join(key.path[1:])


@pytest.mark.parametrize("force_id", FORCES)
def test_assets(force_id: str, definitions: dg.Definitions, snapshot: SnapshotAssertion) -> None:
    blocks = []
    for node in _of(definitions, force_id):
        spec = node.assets_def.specs_by_key[node.key]
        assert {k.path[0] for k in node.parent_keys} <= {force_id}, "forces never meet"
        versioned = ", code version" if spec.code_version else ""
        blocks.append(
            f"{_short(node.key)}: group {node.group_name}, {', '.join(sorted(node.kinds))}, {', '.join(node.owners)}{versioned}\n"
            f"  step {node.assets_def.op.name} in pool {node.assets_def.op.pool}, partitions {_partitions(node.partitions_def)}\n"
            f"  from {', '.join(sorted(map(_short, node.parent_keys))) or 'deliveries'}"
        )
    assert "\n".join(blocks) == snapshot


@pytest.mark.parametrize("force_id", FORCES)
def test_checks(force_id: str, definitions: dg.Definitions, snapshot: SnapshotAssertion) -> None:
    lines = []
    for node in _of(definitions, force_id):
        checks = sorted(
            f"{spec.name}{' (blocks)' if spec.blocking else ''}"
            for spec in node.assets_def.check_specs_by_output_name.values()
            if spec.asset_key == node.key
        )
        lines.append(f"{_short(node.key)}: {', '.join(checks) or 'none'}")
    assert "\n".join(lines) == snapshot


def test_jobs(definitions: dg.Definitions, snapshot: SnapshotAssertion) -> None:
    blocks = []
    for job in sorted(definitions.resolve_all_job_defs(), key=lambda j: j.name):
        if job.name.startswith("__"):
            continue
        tags = ", ".join(f"{k}={v}" for k, v in sorted(job.tags.items()))
        assets = sorted(_short(k) for k in job.asset_layer.executable_asset_keys)
        blocks.append(
            f"{job.name}: {job.executor_def.name}, partitions {_partitions(job.partitions_def)}, {tags}\n"
            f"  {', '.join(assets)}"
        )
    assert "\n".join(blocks) == snapshot


def test_schedules_and_sensors(definitions: dg.Definitions, snapshot: SnapshotAssertion) -> None:
    schedules = [
        f"{s.name}: {s.job_name} at '{s.cron_schedule}' {s.execution_timezone}, {s.default_status.value}"
        for s in definitions.schedules or ()
        if isinstance(s, dg.ScheduleDefinition)
    ]
    sensors = [
        f"{s.name}: {s.sensor_type.value} every {s.minimum_interval_seconds or 30} s -> "
        f"{', '.join(sorted(j.job_name for j in s.targets)) or 'nothing'}, {s.default_status.value}"
        for s in definitions.sensors or ()
    ]
    assert len(schedules) == 2 * len(FORCES)
    assert "\n".join(sorted(schedules) + sorted(sensors)) == snapshot


def test_resources(definitions: dg.Definitions, snapshot: SnapshotAssertion) -> None:
    assert ", ".join(sorted(definitions.resources or {})) == snapshot


def _partitions(partitions: dg.PartitionsDefinition[str] | None) -> str | None:
    if partitions is None:
        return None
    assert isinstance(partitions, dg.TimeWindowPartitionsDefinition)
    first = partitions.get_partition_keys()[0]
    return f"'{partitions.cron_schedule}' {partitions.timezone} from {first}"
