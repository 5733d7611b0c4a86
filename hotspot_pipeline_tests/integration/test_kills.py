"""A run killed with SIGKILL during the write leaves yesterday's tables whole, and the next run is green."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from hotspot_pipeline_tests.integration import standing
from hotspot_pipeline_tests.integration.conftest import TwoDays
from hotspot_pipeline_tests.integration.figures import record
from hotspot_pipeline_tests.integration.installation import Installation

pytestmark = pytest.mark.slow

# read when the tests are collected: no test sees the environment of whoever runs it
N_RANDOM_KILLS = int(os.environ.get("HOTSPOTS_VERIFY_KILLS", "12"))
SEED = int(os.environ.get("HOTSPOTS_VERIFY_SEED", "1"))

# One installation each, killed at every moment in turn: each run goes on where the last one died.
MOMENTS = {
    "raw.crimes": [
        ("before", "insert into raw.crimes"),
        ("before_commit", "insert into raw.crimes"),
        ("during_commit", "insert into raw.crimes"),
        ("after_commit", "insert into raw.crimes"),
    ],
    "validated.crimes": [
        ("before", "insert into validated.crimes"),
        ("before_commit", "insert into validated.crimes"),
        ("during_commit", "insert into validated.crimes"),
        ("after_commit", "insert into validated.crimes"),
    ],
    "hexes.events": [
        ("before", "delete from hexes.events"),
        ("after", "delete from hexes.events"),
        ("before_commit", "insert into hexes.events"),
        ("after_commit", "insert into hexes.events"),
    ],
    "hexes.crime_weekly": [
        ("after", "delete from hexes.crime_weekly"),
        ("before_commit", "insert into hexes.crime_weekly"),
        ("during_commit", "insert into hexes.crime_weekly"),
    ],
    "the ledger of weeks": [("after_commit", "insert into hexes.crime_weekly")],
    "published files": [
        ("before_rename", "cells.geojson"),
        ("after_rename", "hotspot_map.png"),
        ("after_rename", "cell_scores.csv"),
    ],
    "the copy for readers": [
        ("after", "create table copy."),
        ("before_rename", "warehouse.duckdb"),
        ("after_rename", "warehouse.duckdb"),
        ("after_rename", "warehouse.json"),
    ],
}


def assert_whole(killed: Installation, two_days: TwoDays, scratch: Path, when: str) -> None:
    """Every table and every file stands as yesterday or as today, and the books agree with the rows."""
    found = standing.prints(killed, scratch)
    assert standing.half_written(found, two_days.before, two_days.after) == [], when
    assert standing.half_taken(killed, scratch) == [], when
    assert standing.broken_files(killed.published, two_days.files_before) == [], when


def assert_as_if_undisturbed(killed: Installation, two_days: TwoDays, scratch: Path) -> None:
    assert standing.differences(killed, two_days.today, scratch) == {}
    assert standing.manifest_faults(killed, scratch) == []
    assert standing.notes_apart(killed.published) == []


@pytest.mark.parametrize("table", MOMENTS)
def test_killed_at_every_moment_of_a_write(table: str, two_days: TwoDays, tmp_path: Path) -> None:
    killed = two_days.yesterday.copy_to(tmp_path / "killed")
    for moment, what in MOMENTS[table]:
        done = killed.run("run", stop_at=("KILL", moment, what))
        when = f"killed {moment} {what}"
        assert done.code == -signal.SIGKILL, f"that moment never came: {when}: {done.output}"
        assert_whole(killed, two_days, tmp_path / "scratch", when)
    started = time.monotonic()
    killed.green_run()
    seconds = time.monotonic() - started
    assert_as_if_undisturbed(killed, two_days, tmp_path / "scratch")
    record(
        "a run killed at exact moments of a write",
        what=table,
        kills=len(MOMENTS[table]),
        half_written_tables=0,
        seconds_of_next_run=seconds,
        next_run="green, same rows as undisturbed",
    )


def test_killed_at_random_moments(two_days: TwoDays, tmp_path: Path) -> None:
    rng = random.Random(SEED)
    undisturbed = two_days.yesterday.copy_to(tmp_path / "undisturbed")
    started = time.monotonic()
    undisturbed.green_run()
    lasts_s = time.monotonic() - started
    n_too_late, longest_s, moments = 0, 0.0, []
    for number in range(N_RANDOM_KILLS):
        killed = two_days.yesterday.copy_to(tmp_path / f"killed_{number}")
        at_s = rng.uniform(0.0, lasts_s)
        run = killed.start("run")
        time.sleep(at_s)
        ended_before = run.has_ended
        run.kill_group()
        n_too_late += ended_before
        moments.append(at_s)
        when = f"killed after {at_s:.3f} s of {lasts_s:.1f} (kill {number}, seed {SEED})"
        assert_whole(killed, two_days, tmp_path / "scratch", when)
        started = time.monotonic()
        killed.green_run()
        longest_s = max(longest_s, time.monotonic() - started)
        assert_as_if_undisturbed(killed, two_days, tmp_path / "scratch")
    record(
        "a run killed at random moments",
        kills=N_RANDOM_KILLS - n_too_late,
        ended_before_the_kill=n_too_late,
        seconds_of_an_undisturbed_run=lasts_s,
        first_kill_after_seconds=min(moments),
        last_kill_after_seconds=max(moments),
        half_written_tables=0,
        longest_next_run_seconds=longest_s,
        next_runs="all green, same rows as undisturbed",
    )
