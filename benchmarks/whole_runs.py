"""The `hotspots` command as a scheduler starts it: a process of its own, timed, divided by Dagster's own record of its steps.

Belongs here: the start of the command and the clock around it. Does not belong here: what is in the data folder (`races/`, `inputs/`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from benchmarks.memory import children_peak_mb
from benchmarks.race import Disagreement
from benchmarks.stopwatch import Stopwatch

_SCRIPT = Path(sys.executable).with_name("hotspots")


def command(data: Path, watch: Stopwatch, *arguments: str) -> dict[str, Any]:
    """What `hotspots <arguments> --json` prints; raises Disagreement where it fails."""
    settings = {k: v for k, v in os.environ.items() if not k.startswith(("HOTSPOTS_", "DAGSTER_"))}
    settings |= {"HOTSPOTS_DATA": str(data), "DAGSTER_DISABLE_TELEMETRY": "yes"}
    started = time.perf_counter()
    cpu_before = os.times()
    done = subprocess.run(
        [*_command(), *arguments, "--json"], env=settings, capture_output=True, text=True, check=False
    )  # fmt: skip
    watch.seconds = time.perf_counter() - started
    cpu = os.times()
    watch.cpu_seconds = (cpu.children_user - cpu_before.children_user) + (
        cpu.children_system - cpu_before.children_system
    )
    watch.peak_mb = children_peak_mb()
    if done.returncode:
        raise Disagreement(
            f"hotspots {arguments[0]} ended with code {done.returncode}:\n{done.stdout[:2000]}\n{done.stderr[-2000:]}"
        )
    document: dict[str, Any] = json.loads(done.stdout[done.stdout.index("{") :])
    return document


def steps_of(data: Path, run_ids: Iterable[str]) -> tuple[dict[str, float], int]:
    """Seconds of each step by its table or task, and the number of events, from Dagster's store."""
    os.environ["DAGSTER_HOME"] = str(data / "dagster_home")
    import dagster as dg

    found: dict[str, float] = {}
    n_events = 0
    with dg.DagsterInstance.get() as instance:
        for run_id in run_ids:
            n_events += len(instance.all_logs(run_id))
            for step in instance.get_run_step_stats(run_id):
                name = ".".join(step.step_key.split("__")[1:])
                if step.start_time and step.end_time:
                    found[name] = found.get(name, 0.0) + step.end_time - step.start_time
    return found, n_events


class StepClock:
    """Seconds and CPU seconds inside each step of a run in this process, without what Dagster takes to record the events of the step.

    `steps` and `cpu` are by table or task; `recording` is what was taken off, `n_events` how many events it was. `n_deliveries` and
    `changed` (tables) are what the run says of itself.
    """

    def __init__(self) -> None:
        self.steps: dict[str, float] = {}
        self.cpu: dict[str, float] = {}
        self.recording = 0.0
        self.n_events = 0
        self.n_deliveries = 0
        self.changed: list[str] = []
        self._since: dict[str, tuple[float, float]] = {}

    def watch_events(self) -> None:
        """From now on every event passes by this clock."""
        import dagster as dg

        store = dg.DagsterInstance.handle_new_event

        def timed(instance: Any, event: Any, **more: Any) -> None:
            kind = event.dagster_event.event_type_value if event.is_dagster_event else ""
            name = ".".join((event.step_key or "").split("__")[1:])
            before = time.perf_counter(), time.process_time()
            if kind in ("STEP_SUCCESS", "STEP_FAILURE") and name in self._since:
                wall, cpu = self._since.pop(name)
                self.steps[name] = self.steps.get(name, 0.0) + before[0] - wall
                self.cpu[name] = self.cpu.get(name, 0.0) + before[1] - cpu
            store(instance, event, **more)
            after = time.perf_counter(), time.process_time()
            self.recording += after[0] - before[0]
            self.n_events += 1
            if kind == "STEP_START":
                self._since[name] = after
            else:
                # what the event took is not the step's: its start is moved by as much
                self._since = {n: (w + after[0] - before[0], c + after[1] - before[1]) for n, (w, c) in self._since.items()}  # fmt: skip

        dg.DagsterInstance.handle_new_event = timed  # type: ignore[method-assign, assignment]


def run_here(
    data: Path, watch: Stopwatch, rebuild: tuple[str, ...] = (), *, with_imports: bool = False
) -> StepClock:
    """`hotspots run` in this process, imports counted only if asked for; raises Disagreement where it fails."""
    os.environ |= {"HOTSPOTS_DATA": str(data), "DAGSTER_DISABLE_TELEMETRY": "yes", "DAGSTER_HOME": str(data / "dagster_home")}  # fmt: skip
    counted = nullcontext() if with_imports else watch.race()
    with watch.race() if with_imports else nullcontext():
        from hotspot_pipeline.cli.running import run_force
        from hotspot_pipeline.settings import Settings

        settings = Settings.from_env()
        clock = StepClock()
        clock.watch_events()
        with counted:
            outcomes, summary = run_force(settings, settings.force(), rebuild=rebuild, quiet=True)
    clock.n_deliveries = len(summary.deliveries)
    clock.changed = [table for o in outcomes for table in o.changed]
    failed = [f"{o.job}: {o.failure}" for o in outcomes if not o.success]
    if failed:
        raise Disagreement("; ".join(failed))
    watch.parts = dict(sorted(clock.steps.items(), key=lambda step: -step[1]))
    in_steps = sum(clock.steps.values())
    watch.laps = {
        "inside steps": in_steps,
        "Dagster's recording of events": clock.recording,
        "around the steps": watch.seconds - in_steps - clock.recording,
    }
    return clock


def _command() -> list[str]:
    if _SCRIPT.exists():
        return [str(_SCRIPT)]
    return [sys.executable, "-c", "from hotspot_pipeline.cli import main; main()"]
