"""Fixtures for every test: the project's folders, the shared public data, an environment of our own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

# shared machines pause at will: a slow example is no failure
hypothesis_settings.register_profile("house", deadline=None)
hypothesis_settings.load_profile("house")


@pytest.fixture(scope="session", autouse=True)
def _own_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test sees the settings of whoever runs it, nor touches their Dagster home."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [n for n in os.environ if n.startswith("HOTSPOTS_")]:
            patch.delenv(name)
        patch.setenv("DAGSTER_HOME", str(tmp_path_factory.mktemp("dagster_home")))
        patch.setenv("DAGSTER_DISABLE_TELEMETRY", "yes")
        yield


@pytest.fixture(scope="session")
def project_root() -> Path:
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data(project_root: Path) -> Path:
    """Real public data that lies beside the project; never copied into it."""
    folder = project_root.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the shared public data is not beside the project (../shared/data)")
    return folder
