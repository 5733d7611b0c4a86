"""The simulated force of the races that run the whole pipeline: its name, and files that nobody has to wait for."""

from __future__ import annotations

import os
import time
from pathlib import Path

FORCE = "fosseshire"
_HOUR_S = 3_600.0


def let_files_settle(home: Path) -> None:
    """Every file in the landing folders of the force at `home` has lain there for an hour."""
    for file in (home / "landing").rglob("*.*"):
        os.utime(file, times=(time.time() - _HOUR_S,) * 2)
