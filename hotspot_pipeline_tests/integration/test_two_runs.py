"""Two runs of one force at once: both end well, the second says whom it waits for, nothing is doubled."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hotspot_pipeline_tests.integration import standing
from hotspot_pipeline_tests.integration.conftest import TwoDays
from hotspot_pipeline_tests.integration.dagster_ui import wait_until
from hotspot_pipeline_tests.integration.figures import record
from hotspot_pipeline_tests.integration.installation import Installation, Started

pytestmark = pytest.mark.slow

# held in the middle of a write, inside its transaction
HELD = ("STOP", "before_commit", "insert into raw.crimes")


@pytest.fixture
def site(two_days: TwoDays, tmp_path: Path) -> Iterator[Installation]:
    found = two_days.yesterday.copy_to(tmp_path / "site")
    try:
        yield found
    finally:
        found.kill_everything()
        found.remove()


def started_and_held(site: Installation) -> Started:
    run = site.start("run", stop_at=HELD)
    wait_until(
        lambda: run.is_stopped or run.has_ended,
        "the first run to come to its write",
        180.0,
        about=lambda: run.output[-3000:],
    )
    assert run.is_stopped, run.output[-3000:]
    return run


def test_both_end_well(site: Installation, two_days: TwoDays, tmp_path: Path) -> None:
    started = time.monotonic()
    runs = [site.start("run"), site.start("run")]
    done = [run.wait() for run in runs]
    seconds = time.monotonic() - started
    assert [d.code for d in done] == [0, 0], [d.output[-3000:] for d in done]
    named = [
        re.search(r"waiting for the warehouse: held by hotspots run, process (\d+)", d.output)
        for d in done
    ]
    # one of the two, and it names the other
    assert [bool(n) for n in named].count(True) == 1, [d.output for d in done]
    second = 0 if named[0] else 1
    found = named[second]
    assert found is not None
    assert int(found[1]) == runs[1 - second].pid
    assert standing.differences(site, two_days.today, tmp_path / "scratch") == {}
    assert standing.manifest_faults(site, tmp_path / "scratch") == []
    assert "No new delivery" in done[second].output
    record(
        "two runs started at once on the command line",
        outcome="both exit 0, the second names the first, nothing doubled",
        seconds_for_both=seconds,
    )


def test_the_second_waits_and_names_the_first(
    site: Installation, two_days: TwoDays, tmp_path: Path
) -> None:
    first = started_and_held(site)
    second = site.start("run")
    wait_until(
        lambda: "waiting for the warehouse" in second.output or second.has_ended,
        "the second run to say that it waits",
        180.0,
        about=lambda: second.output[-3000:],
    )
    said = " ".join(second.output.split())
    assert f"held by hotspots run, process {first.pid}, since " in said, said
    assert not second.has_ended
    first.send(signal.SIGCONT)
    assert first.wait().code == 0, first.output[-3000:]
    assert second.wait().code == 0, second.output[-3000:]
    assert standing.differences(site, two_days.today, tmp_path / "scratch") == {}


def test_the_second_gives_up_in_time_and_says_why(
    site: Installation, two_days: TwoDays, tmp_path: Path
) -> None:
    first = started_and_held(site)
    second = site.run("run", LOCK_TIMEOUT_S="2")
    assert second.code == 1, second.output
    said = " ".join(second.output.split())
    assert "Traceback" not in said
    assert f"error: {site.lock_file}: held by hotspots run, process {first.pid}, since " in said
    assert "waited 2 s" in said
    first.send(signal.SIGCONT)
    assert first.wait().code == 0, first.output[-3000:]
    assert standing.differences(site, two_days.today, tmp_path / "scratch") == {}
    record(
        "a run that may wait for 2 seconds only",
        outcome="exit 1, names the process that holds the warehouse, no traceback",
    )


def test_status_answers_while_a_run_writes(site: Installation) -> None:
    first = started_and_held(site)
    started = time.monotonic()
    status = site.run("status", "--json")
    seconds = time.monotonic() - started
    assert status.code == 0, status.output
    told = json.loads(status.output)
    assert told["running"] == "hotspots run"
    states = {t["table"]: t["state"] for t in told["tables"]}
    # yesterday's answer stands: the run has not got so far
    assert states["hexes.events"] == "fresh"
    assert told["data_quality"]
    words = site.run("status")
    assert words.code == 0
    assert "a run holds the warehouse: hotspots run" in words.output
    first.send(signal.SIGCONT)
    assert first.wait().code == 0, first.output[-3000:]
    record(
        "hotspots status while a run writes",
        outcome="answers from the published copy and names the run",
        seconds=seconds,
    )
