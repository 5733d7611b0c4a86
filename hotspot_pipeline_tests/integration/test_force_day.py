"""A force-day at a fix a second does not break the night: 22 million fixes through gate, store and dwell."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hotspot_pipeline_tests.integration.figures import record
from hotspot_pipeline_tests.integration.force_day import N_PLACES, SECONDS

N_DEVICES = 255  # 22,032,000 fixes


@pytest.mark.slow
def test_twenty_two_million_fixes_of_a_day(tmp_path: Path, project_root: Path) -> None:
    script = "hotspot_pipeline_tests.integration.force_day"
    done = subprocess.run(
        [sys.executable, "-m", script, str(tmp_path), str(N_DEVICES)],
        capture_output=True,
        text=True,
        check=False,
        cwd=project_root,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    found = json.loads(done.stdout.splitlines()[-1])
    record("A force-day at a fix a second", **{k: v for k, v in found.items() if k != "days"})
    assert found["days"] == ["2026-06-08"]
    assert found["stored"] == found["counted"] == N_DEVICES * SECONDS
    assert found["places visited"] == N_PLACES
    # every device is somewhere all day, and nowhere twice at once
    assert 0.9 * 24 * N_DEVICES <= found["hours in cells"] <= 24 * N_DEVICES
