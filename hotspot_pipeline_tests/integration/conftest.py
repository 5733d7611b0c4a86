"""Installations that the slow tests share: one with yesterday's deliveries in its tables, one that took today's too."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from hotspot_pipeline_tests.integration import standing
from hotspot_pipeline_tests.integration.installation import Installation, make_installation

N_NIGHTS_TO_COME = 3


@dataclass(frozen=True)
class TwoDays:
    """`yesterday` has run, the newest nights wait in its landing folders; `today` is a copy that took them undisturbed."""

    yesterday: Installation
    today: Installation
    before: standing.Prints
    after: standing.Prints
    files_before: dict[str, str]


@pytest.fixture(scope="session")
def two_days(tmp_path_factory: pytest.TempPathFactory) -> TwoDays:
    folder: Path = tmp_path_factory.mktemp("installations")
    yesterday = make_installation(folder / "yesterday")
    yesterday.hold_back(N_NIGHTS_TO_COME)
    yesterday.green_run()
    yesterday.deliver()
    today = yesterday.copy_to(folder / "today")
    today.green_run()
    found = TwoDays(
        yesterday,
        today,
        before=standing.prints(yesterday, folder / "scratch"),
        after=standing.prints(today, folder / "scratch"),
        files_before=standing.file_prints(yesterday.published),
    )
    changed = [t for t in found.after if found.after[t] != found.before.get(t)]
    # or a kill could not be told from a run that never was
    assert {"raw.crimes", "validated.crimes", "hexes.events", "hexes.crime_weekly"} <= set(changed)
    return found
