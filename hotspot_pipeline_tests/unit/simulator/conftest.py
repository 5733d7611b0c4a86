"""One demo for all tests of the simulator: it is read, never changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotspot_pipeline.simulator import DemoReport, write_demo_feed


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoReport:
    return write_demo_feed(tmp_path_factory.mktemp("fosseshire"))


@pytest.fixture(scope="session")
def project() -> Path:
    return Path(__file__).resolve().parents[3]
