"""Forces that tests share: one made by hand; the county told night by night; and two installations for slow tests, one with
yesterday's deliveries in its tables, one that took today's too."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from hotspot_pipeline.cli import running
from hotspot_pipeline_tests.integration import county_told as county_telling
from hotspot_pipeline_tests.integration import plain_names, spark, standing
from hotspot_pipeline_tests.integration.hand_made import SmallForce
from hotspot_pipeline_tests.integration.installation import Installation, make_installation

N_NIGHTS_TO_COME = 3


@dataclass(frozen=True)
class TwoDays:
    """`yesterday` has run, the newest nights wait in its landing folders; `today` is a copy that took them undisturbed,
    in `run_s` seconds. `names`: every plain identifier that was delivered."""

    yesterday: Installation
    today: Installation
    run_s: float
    before: standing.Prints
    names: set[str]
    after: standing.Prints
    files_before: dict[str, str]


@pytest.fixture(scope="session")
def two_days(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoDays]:
    folder: Path = tmp_path_factory.mktemp("installations")
    yesterday = make_installation(folder / "yesterday")
    names = plain_names.delivered_names(yesterday.home / "landing")
    yesterday.hold_back(N_NIGHTS_TO_COME)
    yesterday.green_run()
    yesterday.deliver()
    today = yesterday.copy_to(folder / "today")
    started = time.monotonic()
    today.green_run()
    run_s = time.monotonic() - started
    found = TwoDays(
        yesterday,
        today,
        run_s,
        before=standing.prints(yesterday, folder / "scratch"),
        names=names,
        after=standing.prints(today, folder / "scratch"),
        files_before=standing.file_prints(yesterday.published),
    )
    changed = [t for t in found.after if found.after[t] != found.before.get(t)]
    # or a kill could not be told from a run that never was
    assert {
        "raw.crimes",
        "validated.crimes",
        "validated.ping_days",
        "hexes.events",
        "hexes.crime_weekly",
    } <= set(changed)
    yield found
    # copies of a warehouse are large, and pytest keeps the folders of the last three sessions
    yesterday.remove()
    today.remove()


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallForce]:
    monkeypatch.setenv("HOTSPOTS_DATA", str(tmp_path))
    with dg.DagsterInstance.ephemeral() as in_memory:
        # the event log on disk is Dagster's own affair; in memory a night takes a tenth of the time
        monkeypatch.setattr(running, "instance", lambda _: nullcontext(in_memory))
        yield SmallForce(tmp_path)


@pytest.fixture(scope="session")
def spark_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A local Spark; skipped where pyspark (`make verify` installs it) or Java is absent."""
    pytest.importorskip("pyspark", reason="pyspark is not installed: make verify installs it")
    if shutil.which("java") is None:
        pytest.skip("no Java on this machine: a local Spark needs Java 17 or newer")
    found = spark.spark_session(tmp_path_factory.mktemp("spark"))
    yield found
    found.stop()


@pytest.fixture(scope="session")
def county_told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[county_telling.Told]:
    folder = tmp_path_factory.mktemp("county")
    yield county_telling.tell(folder)
    shutil.rmtree(folder)
