"""The machine restarts in the middle of a run: worker, code server and daemon are gone. The next run is green in time."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from hotspot_pipeline.warehouse import lock
from hotspot_pipeline.warehouse.resource import BOOT_TAG, PROCESS_TAG, WRITER_TAG, pool_of
from hotspot_pipeline_tests.integration import standing
from hotspot_pipeline_tests.integration.conftest import TwoDays
from hotspot_pipeline_tests.integration.dagster_ui import UserInterface, start_ui, wait_until
from hotspot_pipeline_tests.integration.figures import record
from hotspot_pipeline_tests.integration.installation import FORCE, Installation
from hotspot_pipeline_tests.unit.warehouse.processes import HOLD_LOCK, another_process

pytestmark = pytest.mark.slow

# read when the tests are collected: no test sees the environment of whoever runs it
LIMIT_S = float(os.environ.get("HOTSPOTS_VERIFY_RESTART_S", "60"))
ENDED_STEPS = 3
TEST = "the machine restarted in the middle of a run"


@pytest.fixture
def machine(two_days: TwoDays, tmp_path: Path) -> Iterator[Installation]:
    """An installation with deliveries waiting; whatever still runs at the end is killed."""
    found = two_days.yesterday.copy_to(tmp_path / "machine")
    try:
        yield found
    finally:
        found.kill_everything()
        found.remove()


def run_in_the_middle(ui: UserInterface) -> str:
    """Launches the nightly job and waits until its worker has written some tables; returns the run id."""
    run_id = ui.launch()
    wait_until(
        lambda: (
            lock.holder(ui.installation.lock_file).get("purpose") == f"run {run_id}"
            and ui.state(run_id)["n_steps"] >= ENDED_STEPS
        ),
        "the run to be in the middle",
        180.0,
        about=lambda: f"{ui.state(run_id)}\n{ui.started.output[-3000:]}",
    )
    return run_id


def restart_machine(installation: Installation, run_ids: list[str], new_boot: bool) -> int:
    """Kills every process. With `new_boot` the runs look as if they were of a boot before this one, and as if a
    living process had got their pid."""
    n_killed = installation.kill_everything()
    if new_boot:
        with instance_of(installation) as instance:
            for run_id in run_ids:
                run = instance.get_run_by_id(run_id)
                assert run is not None
                if PROCESS_TAG in run.tags:
                    tags = {BOOT_TAG: "an earlier boot", PROCESS_TAG: lock.process_mark()}
                    instance.add_run_tags(run_id, tags)
    return n_killed


@contextmanager
def instance_of(installation: Installation) -> Iterator[dg.DagsterInstance]:
    home = str(installation.data / "dagster_home")
    with pytest.MonkeyPatch.context() as patch:
        # the installation's dagster.yaml finds its records by it
        patch.setenv("DAGSTER_HOME", home)
        with dg.DagsterInstance.from_config(home) as instance:
            yield instance


def status_of(installation: Installation, run_id: str) -> str:
    with instance_of(installation) as instance:
        run = instance.get_run_by_id(run_id)
        assert run is not None
        return run.status.value


@dataclass(frozen=True)
class Launched:
    """A run from the UI, from the click to its end."""

    run: Mapping[str, Any]
    seconds: float


def launch_and_wait(ui: UserInterface) -> Launched:
    launched = time.monotonic()
    ended = ui.wait_for_end(ui.launch())
    return Launched(ended, time.monotonic() - launched)


def assert_green_in_time(
    installation: Installation, found: Launched, dead: str, **said: object
) -> None:
    """The run is green within the limit, the dead run failed and the pool free; `said` goes into the table."""
    assert found.run["status"] == "SUCCESS", found.run
    assert status_of(installation, dead) == "FAILURE"
    assert_pool_is_free(installation)
    record(TEST, **said, dead_run="FAILURE", seconds_from_launch_to_success=found.seconds)
    assert found.seconds < LIMIT_S


def assert_pool_is_free(installation: Installation) -> None:
    """No slot of the pool is taken, and no run is shown as going on, once what the sensors started has ended."""
    with instance_of(installation) as instance:
        filters = dg.RunsFilter(
            statuses=[dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
        )
        # the chain may have started the police day after the green night, the landing folder another night
        wait_until(
            lambda: not instance.get_runs(filters),
            "every run to end",
            120.0,
            about=lambda: str([(r.job_name, r.run_id) for r in instance.get_runs(filters)]),
        )
        info = instance.event_log_storage.get_concurrency_info(pool_of(FORCE))
        assert info.active_slot_count == 0, info
        assert info.pending_step_count == 0, info


@pytest.mark.parametrize("new_boot", [True, False], ids=["machine restarted", "processes killed"])
def test_next_run_from_the_ui_is_green(
    new_boot: bool, machine: Installation, two_days: TwoDays, tmp_path: Path
) -> None:
    dead = run_in_the_middle(start_ui(machine))
    n_killed = restart_machine(machine, [dead], new_boot)
    faults = standing.half_written(
        standing.prints(machine, tmp_path / "scratch"), two_days.before, two_days.after
    )
    assert faults == []
    assert standing.broken_files(machine.published, two_days.files_before) == []

    started = time.monotonic()
    ui = start_ui(machine)
    ui_s = time.monotonic() - started
    assert_green_in_time(
        machine,
        launch_and_wait(ui),
        dead,
        next_run="launched in the UI",
        boot="another" if new_boot else "the same",
        processes_killed=n_killed,
        seconds_until_the_ui_answers=ui_s,
    )
    machine.kill_everything()
    assert standing.differences(machine, two_days.today, tmp_path / "scratch") == {}


def test_next_run_from_the_command_line_is_green(
    machine: Installation, two_days: TwoDays, tmp_path: Path
) -> None:
    dead = run_in_the_middle(start_ui(machine))
    n_killed = restart_machine(machine, [dead], new_boot=True)
    started = time.monotonic()
    machine.green_run()
    seconds = time.monotonic() - started
    assert status_of(machine, dead) == "FAILURE"
    assert_pool_is_free(machine)
    assert standing.differences(machine, two_days.today, tmp_path / "scratch") == {}
    record(
        TEST,
        next_run="hotspots run",
        boot="another",
        processes_killed=n_killed,
        dead_run="FAILURE",
        seconds_from_launch_to_success=seconds,
    )
    assert seconds < LIMIT_S


def test_next_run_is_green_after_the_worker_alone_was_killed(machine: Installation) -> None:
    """As the kernel does when memory runs out: daemon and code server live on and must notice by themselves."""
    ui = start_ui(machine)
    dead = run_in_the_middle(ui)
    os.kill(int(lock.holder(machine.lock_file)["pid"]), signal.SIGKILL)
    assert_green_in_time(
        machine,
        launch_and_wait(ui),
        dead,
        next_run="launched in the UI, which had gone on",
        boot="the same",
        processes_killed=1,
    )


def test_a_run_that_died_while_it_waited_for_the_lock_blocks_nobody(machine: Installation) -> None:
    """A command held the lock, which Dagster's pool knows nothing of, and a run from the UI waited for it: both are gone."""
    ui = start_ui(machine)
    with another_process(HOLD_LOCK, str(machine.lock_file), "hotspots withdraw", "600"):
        waiting = ui.launch()
        wait_until(
            lambda: ui.state(waiting)["tags"].get(WRITER_TAG) == "waiting",
            "the run to wait for the lock",
            180.0,
            about=lambda: f"{ui.state(waiting)}\n{ui.started.output[-3000:]}",
        )
        n_killed = restart_machine(machine, [waiting], new_boot=True) + 1
    assert status_of(machine, waiting) == "STARTED"
    assert_green_in_time(
        machine,
        launch_and_wait(start_ui(machine)),
        waiting,
        next_run="launched in the UI, a waiting run had died",
        boot="another",
        processes_killed=n_killed,
    )


def test_a_run_that_died_while_its_worker_came_up_blocks_nobody(machine: Installation) -> None:
    """Killed before the run could say which process it is."""
    ui = start_ui(machine)
    dead = ui.launch()
    wait_until(
        lambda: ui.state(dead)["status"] == "STARTING",
        "the worker to come up",
        180.0,
        about=lambda: ui.started.output[-3000:],
        pause_s=0.05,
    )
    n_killed = restart_machine(machine, [dead], new_boot=True)
    assert status_of(machine, dead) == "STARTING"
    ui = start_ui(machine)
    assert_green_in_time(
        machine,
        launch_and_wait(ui),
        dead,
        next_run="launched in the UI, the dead run had not begun to write",
        boot="another",
        processes_killed=n_killed,
    )


def test_two_runs_from_the_ui_wait_for_each_other(
    machine: Installation, two_days: TwoDays, tmp_path: Path
) -> None:
    ui = start_ui(machine)
    started = time.monotonic()
    run_ids = [ui.launch(), ui.launch()]
    first, second = sorted(
        [ui.wait_for_end(run_id) for run_id in run_ids], key=lambda run: run["startTime"]
    )
    seconds = time.monotonic() - started
    assert [first["status"], second["status"]] == ["SUCCESS", "SUCCESS"]
    assert second["startTime"] >= first["endTime"]
    machine.kill_everything()
    assert standing.differences(machine, two_days.today, tmp_path / "scratch") == {}
    record(
        "two runs launched in the UI at once",
        outcome="both green, one after the other, nothing doubled",
        seconds_for_both=seconds,
    )
