"""Dead runs are marked as failed, living ones never."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy
from dagster._core.test_utils import create_run_for_test

from hotspot_pipeline.orchestration import dead_runs
from hotspot_pipeline.orchestration.dead_runs import fail_dead_runs, know_pool, seconds_to_wait
from hotspot_pipeline.warehouse import lock
from hotspot_pipeline.warehouse.resource import (
    BOOT_TAG,
    PLACE_TAG,
    PROCESS_TAG,
    RUN_TAG,
    WRITER_TAG,
    pool_of,
)
from hotspot_pipeline_tests.unit.warehouse.processes import HOLD_LOCK, another_process

STARTED = dg.DagsterRunStatus.STARTED


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """On disk, as in an installation: tags and statuses are read back from storage."""
    with dg.DagsterInstance.local_temp(str(tmp_path)) as found:
        yield found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "force" / "warehouse.lock"


@pytest.fixture
def dead_process() -> str:
    """The mark of a process that was killed."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    mark = lock.process_mark(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return mark


def start(
    instance: dg.DagsterInstance,
    mark: str,
    *,
    state: str = "holding",
    status: dg.DagsterRunStatus = STARTED,
    **more: str,
) -> str:
    run = create_run_for_test(instance, job_name="fosseshire__nightly_crime", status=status, tags={"force": "fosseshire"})  # fmt: skip
    tags: Mapping[str, str] = {
        WRITER_TAG: state, RUN_TAG: run.run_id, PROCESS_TAG: mark, BOOT_TAG: lock.boot_id(), PLACE_TAG: lock.place()
    } | more  # fmt: skip
    instance.add_run_tags(run.run_id, dict(tags))
    return run.run_id


def status(instance: dg.DagsterInstance, run_id: str) -> str:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status.value


@pytest.mark.parametrize("state", ["waiting", "holding", "released"])
@pytest.mark.parametrize("was", [STARTED, dg.DagsterRunStatus.CANCELING])
def test_a_run_whose_process_is_gone_is_marked_as_failed(
    state: str, was: dg.DagsterRunStatus, instance: dg.DagsterInstance, file: Path, dead_process: str
) -> None:  # fmt: skip
    run_id = start(instance, dead_process, state=state, status=was)
    assert fail_dead_runs(instance, "fosseshire", file) == [run_id]
    assert status(instance, run_id) == "FAILURE"
    said = [e.message for e in instance.all_logs(run_id) if e.dagster_event and e.dagster_event.is_run_failure]  # fmt: skip
    assert "The process of this run is gone" in said[0]
    assert fail_dead_runs(instance, "fosseshire", file) == []


def test_a_living_run_is_left_alone(instance: dg.DagsterInstance, file: Path) -> None:
    """Also in the moment before its end, when it has freed the lock and not yet said so."""
    runs = [start(instance, lock.process_mark(), state=s) for s in ("waiting", "holding", "released")]  # fmt: skip
    assert lock.is_free(file)
    assert fail_dead_runs(instance, "fosseshire", file) == []
    assert {status(instance, r) for r in runs} == {"STARTED"}


def test_a_dead_run_is_marked_while_the_next_one_holds_the_warehouse(
    instance: dg.DagsterInstance, file: Path, dead_process: str
) -> None:
    dead = start(instance, dead_process)
    with another_process(HOLD_LOCK, str(file), "the next run") as other:
        living = start(instance, lock.process_mark(other.pid))
        assert fail_dead_runs(instance, "fosseshire", file) == [dead]
        assert status(instance, living) == "STARTED"


def test_a_number_that_was_given_to_another_process_is_not_the_run(
    instance: dg.DagsterInstance, file: Path
) -> None:
    pid, _, started = lock.process_mark().partition(":")
    run_id = start(instance, f"{pid}:{int(started) - 1}")
    assert fail_dead_runs(instance, "fosseshire", file) == [run_id]


def test_after_a_restart_of_the_machine_every_run_is_dead(
    instance: dg.DagsterInstance, file: Path
) -> None:
    """Whatever process has its number now."""
    runs = [start(instance, lock.process_mark(), state=s, **{BOOT_TAG: "an earlier boot"}) for s in ("waiting", "holding")]  # fmt: skip
    assert sorted(fail_dead_runs(instance, "fosseshire", file)) == sorted(runs)


def test_of_another_machine_only_the_lock_tells(
    instance: dg.DagsterInstance, file: Path, dead_process: str
) -> None:
    elsewhere = {PLACE_TAG: "host-b pid:[4026531836]", BOOT_TAG: "another boot"}
    waiting = start(instance, dead_process, state="waiting", **elsewhere)
    holding = start(instance, dead_process, **elsewhere)
    with another_process(HOLD_LOCK, str(file), "the run on the other machine"):
        assert fail_dead_runs(instance, "fosseshire", file) == []
    assert fail_dead_runs(instance, "fosseshire", file) == [holding]
    assert status(instance, waiting) == "STARTED"


def test_a_retried_run_is_not_taken_for_the_dead_one(
    instance: dg.DagsterInstance, file: Path, dead_process: str
) -> None:
    """It is born with the tags of the run that it repeats."""
    parent = start(instance, dead_process)
    fail_dead_runs(instance, "fosseshire", file)
    old = instance.get_run_by_id(parent)
    assert old is not None
    again = create_run_for_test(instance, job_name=old.job_name, status=STARTED, tags=dict(old.tags))  # fmt: skip
    assert again.tags[PROCESS_TAG] == dead_process
    assert fail_dead_runs(instance, "fosseshire", file) == []
    assert status(instance, again.run_id) == "STARTED"


def test_a_run_that_ends_while_we_look_keeps_its_end(
    instance: dg.DagsterInstance, file: Path, dead_process: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = start(instance, dead_process)
    real = dead_runs._is_dead

    def ends_first(run: dg.DagsterRun, lock_file: Path) -> bool:
        instance.report_dagster_event(
            dg.DagsterEvent(dg.DagsterEventType.RUN_SUCCESS.value, run.job_name), run.run_id
        )
        return real(run, lock_file)

    monkeypatch.setattr(dead_runs, "_is_dead", ends_first)
    assert fail_dead_runs(instance, "fosseshire", file) == []
    assert status(instance, run_id) == "SUCCESS"


@pytest.mark.parametrize("marks", [{PROCESS_TAG: ""}, {PROCESS_TAG: "x:y"}, {RUN_TAG: ""}])
def test_a_run_that_does_not_say_who_it_is_is_left_alone(
    marks: dict[str, str], instance: dg.DagsterInstance, file: Path, dead_process: str
) -> None:
    start(instance, dead_process, **marks)
    assert fail_dead_runs(instance, "fosseshire", file) == []


def test_runs_of_other_forces_and_ended_runs_are_not_looked_at(
    instance: dg.DagsterInstance, file: Path, dead_process: str
) -> None:
    other = start(instance, dead_process, force="brookshire")
    ended = start(instance, dead_process, status=dg.DagsterRunStatus.SUCCESS)
    waits = start(instance, dead_process, status=dg.DagsterRunStatus.NOT_STARTED)
    assert fail_dead_runs(instance, "fosseshire", file) == []
    assert [status(instance, r) for r in (other, ended, waits)] == ["STARTED", "SUCCESS", "NOT_STARTED"]  # fmt: skip


def test_the_place_in_the_pool_is_given_back(
    instance: dg.DagsterInstance, file: Path, dead_process: str
) -> None:
    storage = instance.event_log_storage
    storage.set_concurrency_slots("duckdb_writer_fosseshire", 1)
    run_id = start(instance, dead_process)
    assert storage.claim_concurrency_slot("duckdb_writer_fosseshire", run_id, "step").is_claimed
    fail_dead_runs(instance, "fosseshire", file)
    assert storage.get_concurrency_info("duckdb_writer_fosseshire").active_slot_count == 0


def came_up_for_nothing(
    instance: dg.DagsterInstance,
    server: dict[str, object],
    *,
    age: timedelta = timedelta(minutes=1),
) -> str:
    """A run that its code server has started, and that said nothing since."""
    run = create_run_for_test(
        instance,
        job_name="fosseshire__nightly_crime",
        status=dg.DagsterRunStatus.STARTING,
        tags={"force": "fosseshire"}
        | ({} if server is None else {".dagster/grpc_info": json.dumps(server)}),
    )
    with instance.run_storage.connect() as connection:  # type: ignore[attr-defined]
        connection.execute(
            sqlalchemy.text("update runs set update_timestamp = :at where run_id = :run"),
            {"at": (datetime.now(UTC) - age).strftime("%Y-%m-%d %H:%M:%S.%f"), "run": run.run_id},
        )
    return str(run.run_id)


def test_a_worker_that_died_with_its_code_server_is_marked(
    instance: dg.DagsterInstance, file: Path, tmp_path: Path
) -> None:
    gone = came_up_for_nothing(instance, {"host": "localhost", "socket": str(tmp_path / "gone")})
    assert fail_dead_runs(instance, "fosseshire", file) == [gone]
    assert status(instance, gone) == "FAILURE"


def test_a_worker_may_take_its_time_while_its_code_server_lives(
    instance: dg.DagsterInstance, file: Path, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX) as unix, socket.socket() as inet:
        unix.bind(str(tmp_path / "server"))
        unix.listen()
        inet.bind(("127.0.0.1", 0))
        inet.listen()
        came_up_for_nothing(instance, {"host": "localhost", "socket": str(tmp_path / "server")})
        came_up_for_nothing(instance, {"host": "localhost", "port": inet.getsockname()[1]})
        port = inet.getsockname()[1]
        assert fail_dead_runs(instance, "fosseshire", file) == []
    assert len(fail_dead_runs(instance, "fosseshire", file)) == 2, port


def test_a_worker_just_started_or_started_elsewhere_is_left_alone(
    instance: dg.DagsterInstance, file: Path, tmp_path: Path
) -> None:
    gone = {"host": "localhost", "socket": str(tmp_path / "gone")}
    came_up_for_nothing(instance, {"host": "code-server.example", "port": 4000})
    came_up_for_nothing(instance, {"host": "elsewhere.example"})
    assert seconds_to_wait(instance, "fosseshire") == 0
    came_up_for_nothing(instance, gone, age=timedelta(seconds=1))
    assert fail_dead_runs(instance, "fosseshire", file) == []
    # only that one's fate is decided within seconds
    assert 10 < seconds_to_wait(instance, "fosseshire") <= 14


def test_a_run_whose_launcher_died_at_once_is_marked(
    instance: dg.DagsterInstance, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = came_up_for_nothing(instance, None)

    class DefaultRunLauncher:
        """Notes the code server as its first step."""

    class SomeClusterLauncher:
        """Notes nothing that we know."""

    for launcher, expected in ((SomeClusterLauncher, []), (DefaultRunLauncher, [lost])):
        monkeypatch.setattr(type(instance), "run_launcher", launcher())
        assert fail_dead_runs(instance, "fosseshire", file) == expected


def test_the_pool_is_known_before_the_first_run_is_queued(tmp_path: Path) -> None:
    config = {"concurrency": {"pools": {"granularity": "run", "default_limit": 1}}}
    with dg.DagsterInstance.local_temp(str(tmp_path), overrides=config) as instance:
        storage = instance.event_log_storage
        assert storage.get_pool_limits() == []
        know_pool(instance, "aldershire")
        assert [(p.name, p.limit) for p in storage.get_pool_limits()] == [
            (pool_of("aldershire"), 1)
        ]
        # what Dagster reads before it takes the first run from the queue
        assert pool_of("aldershire") in storage.get_concurrency_keys()
        storage.set_concurrency_slots(pool_of("aldershire"), 3)
        know_pool(instance, "aldershire")
        assert [p.limit for p in storage.get_pool_limits()] == [3]
