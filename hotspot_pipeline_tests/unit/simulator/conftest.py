"""One force for all tests of the simulator: it is read, never changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotspot_pipeline_tests.unit.simulator.small_force import Written, write_force


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return write_force(tmp_path_factory.mktemp("fosseshire"))


@pytest.fixture(scope="session")
def project() -> Path:
    return Path(__file__).resolve().parents[3]
