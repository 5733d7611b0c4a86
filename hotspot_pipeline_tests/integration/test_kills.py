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
    "the sealed files": [
        (
            "before_rename",
            "????????????????????????????????????????????????????????????????.parquet",
        ),
        (
            "after_rename",
            "????????????????????????????????????????????????????????????????.parquet",
        ),
    ],
    "validated.ping_days": [
        ("before_rename", "pings_*.parquet"),
        ("after_rename", "pings_*.parquet"),
        ("before", "insert into validated.ping_days"),
        ("before_commit", "insert into validated.ping_days"),
        ("during_commit", "insert into validated.ping_days"),
        ("after_commit", "insert into validated.ping_days"),
    ],
    "history.crime_versions": [
        ("before", "insert into history.crime_versions"),
        ("after", "update history.crime_versions"),
        ("before_commit", "insert into history.crime_versions"),
        ("during_commit", "insert into history.crime_versions"),
        ("after_commit", "insert into history.crime_versions"),
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
    "patrols.visits": [
        ("before", "insert into patrols.visits"),
        ("before_commit", "insert into patrols.visits"),
        ("during_commit", "insert into patrols.visits"),
        ("after_commit", "insert into patrols.visits"),
    ],
    "patrols.compliance": [
        ("before_commit", "insert into patrols.compliance"),
        ("after_commit", "insert into patrols.compliance"),
    ],
    "the bulletin": [
        ("before", "insert into published.issues"),
        ("before_commit", "insert into published.recode_bulletin"),
        ("during_commit", "insert into published.recode_bulletin"),
    ],
    "published files": [
        ("before_rename", "bulletin.html"),
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


def assert_whole(
    killed: Installation, two_days: TwoDays, scratch: Path, when: str
) -> standing.Prints:
    """Every table and every file stands as yesterday or as today, and the books agree with the rows. Returns what stands."""
    found = standing.prints(killed, scratch)
    assert standing.half_written(found, two_days.before, two_days.after) == [], when
    assert standing.half_taken(killed, scratch) == [], when
    assert standing.broken_files(killed.published, two_days.files_before) == [], when
    return found


def assert_as_if_undisturbed(killed: Installation, two_days: TwoDays, scratch: Path) -> None:
    assert standing.differences(killed, two_days.today, scratch) == {}
    assert standing.manifest_faults(killed, scratch) == []
    assert standing.notes_apart(killed.published) == []


@pytest.mark.parametrize("table", MOMENTS)
def test_killed_at_every_moment_of_a_write(table: str, two_days: TwoDays, tmp_path: Path) -> None:
    killed = two_days.yesterday.copy_to(tmp_path / "killed")
    found, is_committed = two_days.before, False
    for moment, what in MOMENTS[table]:
        if is_committed and moment == "after_commit":
            # the kill during the commit came when it was done: it was this one
            continue
        done = killed.run("run", stop_at=("KILL", moment, what))
        when = f"killed {moment} {what}"
        assert done.code == -signal.SIGKILL, f"that moment never came: {when}: {done.output}"
        earlier, found = found, assert_whole(killed, two_days, tmp_path / "scratch", when)
        is_committed = moment == "during_commit" and found.get(table) != earlier.get(table)
    started = time.monotonic()
    killed.green_run()
    seconds = time.monotonic() - started
    assert_as_if_undisturbed(killed, two_days, tmp_path / "scratch")
    killed.remove()
    record(
        "a run killed at exact moments of a write",
        what=table,
        kills=len(MOMENTS[table]),
        half_written="none",
        seconds_of_next_run=seconds,
        next_run="green, same rows as undisturbed",
    )


@pytest.mark.parametrize("number", range(N_RANDOM_KILLS))
def test_killed_at_a_random_moment(number: int, two_days: TwoDays, tmp_path: Path) -> None:
    """The moments are spread over the whole run: each lies at random in its own N-th part of it."""
    share = (number + random.Random(f"{SEED} {number}").random()) / N_RANDOM_KILLS
    killed = two_days.yesterday.copy_to(tmp_path / "killed")
    run = killed.start("run")
    time.sleep(share * two_days.run_s)
    ended_before = run.has_ended
    run.kill_group()
    found = assert_whole(killed, two_days, tmp_path / "scratch", f"killed at {share:.1%} of a run")
    started = time.monotonic()
    killed.green_run()
    seconds = time.monotonic() - started
    assert_as_if_undisturbed(killed, two_days, tmp_path / "scratch")
    killed.remove()
    is_new = {t: two_days.after[t] != two_days.before.get(t) for t in two_days.after}
    n_taken_over = sum(found.get(t) == two_days.after[t] for t, new in is_new.items() if new)
    record(
        "a run killed at a random moment",
        kill=number + 1,
        after_share_of_a_run=f"{share:.0%}",
        tables_of_today_that_stood=f"{n_taken_over} of {sum(is_new.values())}",
        half_written="none" if not ended_before else "none: the run had ended",
        seconds_of_next_run=seconds,
        next_run="green, same rows as undisturbed",
    )
