"""A throw-away installation of the fictional force, driven through the `hotspots` command as a person would.

Here: its folder, its deliveries night by night, its processes. Not here: what stands in its tables and files
(`standing.py`), kills at exact moments (`stopping.py`), the user interface (`dagster_ui.py`).
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import yaml

from hotspot_pipeline.simulator import Options, simulate
from hotspot_pipeline_tests.unit.simulator.small_force import OFFENCE_LOOKUP, small_profile

FORCE = "fosseshire"
FEEDS = ("crime_extract", "asb_extract", "venues", "excluded_sites", "default_geocodes", "gps_pings", "duties",
         "patrol_plan", "patrol_logs", "patrol_places")  # fmt: skip
_NIGHTLY = ("*_extract/*", "gps_pings/*", "duties/*", "patrol_plan/*", "patrol_logs/*")
PROJECT_ROOT = Path(__file__).resolve().parent.parent.parent
_LONG_AGO_S = 1_750_000_000  # files that hold still need not be watched
RUN_TIMEOUT_S = 600.0


@dataclass
class Installation:
    """`data` is its HOTSPOTS_DATA. Every process it starts carries `mark` in its environment."""

    data: Path
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def home(self) -> Path:
        return self.data / "forces" / FORCE

    @property
    def warehouse_file(self) -> Path:
        return self.home / "warehouse.duckdb"

    @property
    def lock_file(self) -> Path:
        return self.home / "warehouse.lock"

    @property
    def published(self) -> Path:
        return self.home / "published"

    # ---------- deliveries

    def hold_back(self, n_nights: int) -> None:
        """Takes the deliveries of the last nights out of the landing folders."""
        for path in self._of_last_nights(n_nights):
            waiting = self.home / "to_come" / path.relative_to(self.home / "landing")
            waiting.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(path, waiting)

    def deliver(self) -> None:
        """Lets everything held back land."""
        for path in sorted((self.home / "to_come").rglob("*.*")):
            shutil.move(path, self.home / "landing" / path.relative_to(self.home / "to_come"))

    def _of_last_nights(self, n_nights: int) -> list[Path]:
        """The deltas of the last nights, and the full extract where one of them is a Sunday's."""
        dated: dict[str, list[Path]] = {}
        nightly = [p for pattern in _NIGHTLY for p in (self.home / "landing").glob(pattern)]
        for path in sorted(nightly):
            found = re.search(r"_(\d{8})T", path.name)
            assert found, path
            dated.setdefault(found[1], []).append(path)
        return [path for night in sorted(dated)[-n_nights:] for path in dated[night]]

    # ---------- processes

    def environment(self, **more: str) -> dict[str, str]:
        """Ours without what belongs to another installation; `more` are HOTSPOTS_ settings without that prefix."""
        ours = {k: v for k, v in os.environ.items() if not k.startswith(("HOTSPOTS_", "DAGSTER_"))}
        settings = {"DATA": str(self.data), "MEMORY_LIMIT": "2GB", "VERIFY_MARK": self.mark, **more}
        return {
            **ours,
            "DAGSTER_DISABLE_TELEMETRY": "yes",
            **{f"HOTSPOTS_{k}": v for k, v in settings.items()},
        }

    def start(self, *arguments: str, stop_at: tuple[str, ...] = (), **settings: str) -> Started:
        """Starts `hotspots <arguments>` in a process group of its own; `stop_at` as `stopping.py` takes it."""
        script = Path(sys.executable).with_name("hotspots")
        if stop_at:
            module = "hotspot_pipeline_tests.integration.stopping"
            command = [sys.executable, "-m", module, *stop_at, "--", *arguments]
        elif script.exists():
            command = [str(script), *arguments]
        else:
            start = "from hotspot_pipeline.cli import main; main()"
            command = [sys.executable, "-c", start, *arguments]
        log = self.data / "logs" / f"{uuid.uuid4().hex[:8]}.log"
        log.parent.mkdir(exist_ok=True)
        with log.open("wb") as stream:
            process = subprocess.Popen(
                command,
                cwd=PROJECT_ROOT,
                env={**self.environment(**settings), "PYTHONUNBUFFERED": "1"},
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return Started(process, log)

    def run(self, *arguments: str, stop_at: tuple[str, ...] = (), **settings: str) -> Finished:
        """Starts and waits; ends the process where it takes longer than ten minutes."""
        started = self.start(*arguments, stop_at=stop_at, **settings)
        return started.wait()

    def green_run(self) -> Finished:
        done = self.run("run")
        assert done.code == 0, done.output[-4000:]
        return done

    def processes(self) -> list[int]:
        """Every living process of this installation, ours or started by one of ours."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    environ = (entry / "environ").read_bytes()
                    state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                except OSError:  # ended in the meantime, or not ours
                    continue
                if f"HOTSPOTS_VERIFY_MARK={self.mark}".encode() in environ and state != "Z":
                    found.append(int(entry.name))
        return found

    def kill_everything(self) -> int:
        """SIGKILL to every process, until none is left: what a machine that loses power does. Returns how many."""
        n_killed = 0
        while found := self.processes():
            for pid in found:
                try:
                    os.kill(pid, signal.SIGKILL)
                    n_killed += 1
                except ProcessLookupError:
                    continue
        return n_killed

    # ---------- copies

    def copy_to(self, data: Path) -> Installation:
        """The same installation in another folder; nothing in it may run."""
        shutil.copytree(self.data, data)
        shutil.rmtree(data / "logs", ignore_errors=True)
        return Installation(data)

    def remove(self) -> None:
        shutil.rmtree(self.data)


@dataclass
class Finished:
    code: int
    output: str


@dataclass
class Started:
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def output(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    @property
    def is_stopped(self) -> bool:
        """True while the process is held by SIGSTOP."""
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_text()
        except OSError:
            return False
        return stat.rpartition(")")[2].split()[0] == "T"

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def kill_group(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()

    def wait(self, timeout_s: float = RUN_TIMEOUT_S) -> Finished:
        try:
            code = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill_group()
            raise
        return Finished(code, self.output)


def make_installation(data: Path, *, seed: int = 7, n_weeks: int = 8) -> Installation:
    """A small force with its deliveries in the landing folders, written as `hotspots demo` writes it; nothing is run."""
    found = Installation(data)
    simulate(found.home, small_profile(n_weeks), seed, Options(), offence_lookup=OFFENCE_LOOKUP)
    document = {
        "force_id": FORCE,
        "name": "Fosseshire (fictional)",
        "boundary": {"file": "boundary.geojson"},
        "feeds": {feed: {} for feed in FEEDS},
        "retention": {"pings_days": 36_500},
        "partitions_start": date(2025, 5, 26),
    }
    (found.home / "force.yml").write_text(yaml.safe_dump(document, sort_keys=False))
    for path in (found.home / "landing").rglob("*.*"):
        os.utime(path, (_LONG_AGO_S, _LONG_AGO_S))
    return found
