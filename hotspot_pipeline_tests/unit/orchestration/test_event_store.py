"""The event store that keeps its connections: what Dagster's own would have stored, seen by whoever looks, at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from hotspot_pipeline.orchestration import event_store
from hotspot_pipeline.orchestration.event_store import KeptOpenEventLog
from hotspot_pipeline.settings import PROJECT_ROOT

TABLE = dg.AssetKey("table")
SHIPPED = (PROJECT_ROOT / "deploy" / "dagster.yaml").read_text(encoding="utf-8")


@dg.multi_asset(specs=[dg.AssetSpec(TABLE)], check_specs=[dg.AssetCheckSpec("rows", asset=TABLE)])
def table() -> Iterator[dg.MaterializeResult[None]]:
    rows = dg.AssetCheckResult(passed=True, check_name="rows", metadata={"n": 3})
    yield dg.MaterializeResult(TABLE, metadata={"n": 3}, check_results=[rows])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "dagster.yaml").write_text(SHIPPED, encoding="utf-8")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def kept(home: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.get() as instance:
        yield instance


@pytest.fixture
def plain(home: Path) -> Iterator[dg.DagsterInstance]:
    """Dagster's own storage on the same files: a server of before, or another tool."""
    other = home / "other"
    other.mkdir()
    config = {"storage": {"sqlite": {"base_dir": str(home)}}, "telemetry": {"enabled": False}}
    (other / "dagster.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    with dg.DagsterInstance.from_config(str(other)) as instance:
        assert type(instance.event_log_storage) is SqliteEventLogStorage
        yield instance


def a_run(instance: dg.DagsterInstance) -> str:
    return dg.materialize([table], instance=instance).run_id


def what_happened(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    return [e.dagster_event.event_type_value for e in instance.all_logs(run_id) if e.dagster_event]


def test_it_is_what_the_shipped_settings_name(kept: dg.DagsterInstance, home: Path) -> None:
    assert isinstance(kept.event_log_storage, KeptOpenEventLog)
    a_run(kept)
    assert (home / "history" / "runs" / "index.db").exists()


def test_both_stores_tell_the_same(kept: dg.DagsterInstance, plain: dg.DagsterInstance) -> None:
    ours, theirs = a_run(kept), a_run(plain)
    for run_id in (ours, theirs):
        assert what_happened(kept, run_id) == what_happened(plain, run_id)
        assert kept.get_run_by_id(run_id) == plain.get_run_by_id(run_id)
    assert what_happened(kept, ours) == what_happened(plain, theirs)
    assert {"ASSET_MATERIALIZATION", "ASSET_CHECK_EVALUATION", "PIPELINE_SUCCESS"} <= set(what_happened(plain, ours))  # fmt: skip
    for instance in (kept, plain):
        newest = instance.get_latest_materialization_event(TABLE)
        assert newest is not None and newest.run_id == theirs
        assert [r.run_id for r in instance.get_runs()] == [theirs, ours]


def test_who_follows_a_run_sees_its_events_while_it_goes_on(
    kept: dg.DagsterInstance, plain: dg.DagsterInstance
) -> None:
    run_id = a_run(kept)
    seen, has_come = [], threading.Event()

    def follow(entry: dg.EventLogEntry, _: str) -> None:
        seen.append(entry.message)
        has_come.set()

    cursor = plain.event_log_storage.get_records_for_run(run_id).cursor
    plain.watch_event_logs(run_id, cursor, follow)
    try:
        run = kept.get_run_by_id(run_id)
        assert run is not None
        kept.report_engine_event("half way", run)
        assert has_come.wait(20)
    finally:
        plain.end_watch_event_logs(run_id, follow)
    assert len(seen) == 1 and "half way" in seen[0]


def test_a_server_that_reads_many_runs_keeps_few_files_open(
    kept: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_store, "MOST_FILES", 2)
    runs = [a_run(kept) for _ in range(4)]
    said = [what_happened(kept, run_id) for run_id in runs]
    assert all(s == said[0] and s for s in said)
    assert isinstance(kept.event_log_storage, KeptOpenEventLog)
    assert len(kept.event_log_storage._engines) == 2


def test_what_was_recorded_before_a_kill_is_there(home: Path, plain: dg.DagsterInstance) -> None:
    script = home / "run.py"
    script.write_text(
        "import os, signal\nimport dagster as dg\n"
        "@dg.asset\ndef table(context):\n"
        "    context.instance.report_engine_event('the last word', context.run)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "with dg.DagsterInstance.get() as instance:\n    dg.materialize([table], instance=instance)\n",
        encoding="utf-8",
    )
    died = subprocess.run([sys.executable, str(script)], env=os.environ | {"PYTHONPATH": str(PROJECT_ROOT)}, check=False, capture_output=True)  # fmt: skip
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    (run,) = plain.get_runs()
    assert run.status == dg.DagsterRunStatus.STARTED
    assert "the last word" in " ".join(e.message for e in plain.all_logs(run.run_id))


def test_all_can_be_thrown_away_and_begun_again(kept: dg.DagsterInstance) -> None:
    a_run(kept)
    kept.wipe()
    assert not kept.get_runs()
    assert "PIPELINE_SUCCESS" in what_happened(kept, a_run(kept))
