"""The patrols of a small force: built once, read by many tests, never changed."""

from __future__ import annotations

import pytest

from hotspot_pipeline.simulator.patrol.days import PatrolDay, PatrolForce
from hotspot_pipeline_tests.unit.simulator.patrol.made_patrols import (
    SEEDS,
    Delivered,
    days_of,
    force_of,
    make,
)


@pytest.fixture(scope="session", params=SEEDS)
def force(request: pytest.FixtureRequest) -> PatrolForce:
    return force_of(request.param)


@pytest.fixture(scope="session")
def days(force: PatrolForce) -> list[PatrolDay]:
    return days_of(force.streams.seed)


@pytest.fixture(scope="session")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Delivered:
    given = make(1)
    out = tmp_path_factory.mktemp("patrols")
    return Delivered(given, out, given.deliver(out, sample_days=range(given.profile.n_patrol_days)))
