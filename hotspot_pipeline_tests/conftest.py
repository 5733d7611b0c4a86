"""What every test stands on: no settings of this machine, an installation of its own, and no clock on examples.

Not here: fixtures of one room, which live in the conftest beside its tests.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from math import cos, radians
from pathlib import Path
from typing import Any

import hypothesis
import polars as pl
import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling

from hotspot_pipeline.warehouse.contract import TableContract, read_catalog

PROJECT_ROOT = Path(__file__).resolve().parent.parent

# Imports and a busy machine make single examples slow; speed belongs to benchmarks/. A change is judged by the same examples every time
# (`make test`); `make verify` and a test run by hand look for new ones.
hypothesis.settings.register_profile("hotspots", deadline=None)
hypothesis.settings.register_profile("steady", deadline=None, derandomize=True)
hypothesis.settings.load_profile("hotspots")


# modules that ask one dear fixture: one worker has them all, so that it is made once
TOGETHER = ("test_county_history.py", "test_county_backfills.py")


class Grouped(LoadScopeScheduling):  # type: ignore[misc]
    """What xdist's own groups are for; its 3.8 cannot mark the items of pytest 9.2."""

    def _split_scope(self, nodeid: str) -> str:
        return "together" if nodeid.split("::")[0].endswith(TOGETHER) else nodeid


class ByRoom(LoadScopeScheduling):  # type: ignore[misc]
    """One worker has a whole folder: the fixtures of its conftest are made once."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.split("::")[0].rpartition("/")[0]


SCHEDULERS = {"loadgroup": Grouped, "loadscope": ByRoom}


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    scheduler = SCHEDULERS.get(config.getvalue("dist"))
    return scheduler(config, log) if scheduler else None


@pytest.fixture(scope="session", autouse=True)
def _nothing_of_this_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A test that forgets to say where its data are finds an empty folder, never the real `data/`."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [n for n in os.environ if n.startswith(("HOTSPOTS_", "DAGSTER_"))]:
            patch.delenv(name)
        home = tmp_path_factory.mktemp("dagster_home")
        (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n", encoding="utf-8")
        patch.setenv("DAGSTER_HOME", str(home))
        patch.setenv("DAGSTER_DISABLE_TELEMETRY", "yes")
        patch.setenv("HOTSPOTS_DATA", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(scope="session")
def project_root() -> Path:
    return PROJECT_ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real public data beside the project; never copied into it."""
    folder = PROJECT_ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real public data are not beside the project (../shared/data)")
    return folder


@pytest.fixture(scope="session")
def moved_cabs(shared_data: Path) -> pl.DataFrame:
    """Five real cabs over 24 days, moved from San Francisco to Warwickshire: device, fix_ms, lon, lat."""
    cabs = pl.read_csv(shared_data / "gps" / "cabspotting_5_cabs_2008.csv.gz")
    lat, lon = pl.col("latitude"), pl.col("longitude")
    # as wide in metres as it was: a degree of longitude is shorter further north
    shrink = cos(radians(cabs["latitude"].median())) / cos(radians(52.28))
    return cabs.select(
        device=pl.col("cab_id").rank("dense").cast(pl.Int32) - 1,
        fix_ms=pl.col("timestamp_utc").str.to_datetime("%Y-%m-%dT%H:%M:%SZ").dt.epoch("ms"),
        lon=-1.58 + (lon - lon.median()) * shrink,
        lat=52.28 + (lat - lat.median()),
    )


@pytest.fixture(scope="session")
def catalog() -> dict[str, TableContract]:
    """The contracts of the real tables."""
    return read_catalog(PROJECT_ROOT / "dbt_like_sql")
