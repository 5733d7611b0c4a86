"""Runs one race: input once, then the sides in turn, then the comparison, each in its own process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.race import Race, Runs

PROJECT_ROOT = Path(__file__).resolve().parent.parent
_CHILD_TIMEOUT_S = 1_800.0


class RaceFailed(RuntimeError):
    """A child process ended badly, or the sides disagree; the message holds its last lines."""


@dataclass(frozen=True)
class Outcome:
    """A race that was run. `load` is the machine's load average over the minute before its start
    and before its end: work of others on the same cores.
    """

    race: Race
    runs: dict[str, Runs]
    input_facts: dict[str, Any]
    agreement: dict[str, Any]
    n_repeats: int
    is_quick: bool
    measured_at_utc: str
    load: tuple[float, float]


def run_race(
    race: Race, folder: Path, *, n_repeats: int, is_quick: bool, say: Callable[[str], None]
) -> Outcome:
    """Raises RaceFailed where a side breaks down or the outputs disagree."""
    at, load_before = datetime.now(UTC), os.getloadavg()[0]
    facts = _child(race, "prepare", folder, is_quick)
    repeats: dict[str, list[dict[str, Any]]] = {side.name: [] for side in race.sides}
    for number in range(1, n_repeats + 1):
        for side in race.sides:
            one = _child(race, side.name, folder, is_quick)
            repeats[side.name].append(one)
            say(
                f"{race.name}: {number} of {n_repeats}: {side.name}: {one['seconds']:.3f} s, "
                f"{one['peak_mb']:.0f} MB"
            )
    agreement = _child(race, "verify", folder, is_quick)
    return Outcome(
        race,
        {name: Runs(tuple(each)) for name, each in repeats.items()},
        facts,
        agreement,
        n_repeats,
        is_quick,
        at.isoformat(timespec="seconds"),
        (load_before, os.getloadavg()[0]),
    )


def _child(race: Race, what: str, folder: Path, is_quick: bool) -> dict[str, Any]:
    answer = folder / "answer.json"
    answer.unlink(missing_ok=True)
    command = [sys.executable, "-m", "benchmarks.child", race.name, what, str(folder), str(answer)]
    done = subprocess.run(
        [*command, *(["--quick"] if is_quick else [])],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=_CHILD_TIMEOUT_S,
        check=False,
    )
    if done.returncode or not answer.exists():
        last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise RaceFailed(f"race {race.name}, {what}: ended with code {done.returncode}:\n{last}")
    found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    return found
