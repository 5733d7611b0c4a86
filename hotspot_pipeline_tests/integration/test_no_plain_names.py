"""No officer, device, crew or callsign of a simulated force is anywhere in what the pipeline keeps or says."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hotspot_pipeline_tests.integration.conftest import TwoDays
from hotspot_pipeline_tests.integration.made_fixes import FixForce
from hotspot_pipeline_tests.integration.plain_names import (
    delivered_names,
    found_in_bytes,
    found_in_values,
)
from hotspot_pipeline_tests.unit.simulator.patrol.made_patrols import SHORT, make


def test_after_taking_in_some_nights(tmp_path: Path) -> None:
    force = FixForce(tmp_path / "data")
    force.configure(boundary=None)
    make(1, SHORT).deliver(tmp_path / "made")
    landing = force.home / "landing"
    shutil.move(tmp_path / "made" / "landing", landing)
    for feed in ("gps_pings", "duties", "patrol_logs", "patrol_plan"):
        for path in sorted((landing / feed).iterdir())[2:]:
            path.unlink()
        for path in (landing / feed).iterdir():
            path.with_name(path.name + ".done").touch()
    names = delivered_names(landing)
    assert len(names) > 30
    # the search finds what is there to be found
    assert found_in_bytes([landing / "duties"], names)
    checks = force.run()
    assert all(passed for name, passed in checks.items() if "__" not in name), checks
    for feed in ("gps_pings", "duties", "patrol_logs"):
        assert list((landing / feed).iterdir()) == []
    kept = [force.force.archive, force.force.pings, force.force.keys]
    assert found_in_bytes([*kept, landing], names) == []
    assert found_in_bytes([force.home], names) == [], "the warehouse, and whatever else lies there"
    parquet = [*force.force.archive.rglob("*.parquet"), *force.force.pings.rglob("*.parquet")]
    assert len(parquet) > 6
    assert found_in_values(force.force.warehouse_file, parquet, names) == []
    assert not any(name in line for line in force.said for name in names)
    (n_fixes,) = force.rows("select sum(n_fixes) from validated.ping_days")[0]
    assert n_fixes > 1000


@pytest.mark.slow
def test_after_whole_runs_with_their_logs_and_event_store(two_days: TwoDays) -> None:
    today = two_days.today
    names = two_days.names
    assert len(names) > 30
    # what the simulator knows lies beside what it delivered
    kept = [p for p in today.home.iterdir() if p.name not in ("truth", "manifests")]
    kept += [today.data / "dagster_home", today.data / "logs"]
    assert {"archive", "pings", "landing", "published", "dagster_home"} <= {p.name for p in kept}
    assert found_in_bytes([p for p in kept if p.is_dir()], names) == []
    parquet = [*(today.home / "archive").rglob("*.parquet"), *(today.home / "pings").rglob("*.parquet")]  # fmt: skip
    assert found_in_values(today.warehouse_file, parquet, names) == []
