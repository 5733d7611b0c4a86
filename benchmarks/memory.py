"""Memory of the process that asks, in megabytes (10^6 bytes)."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")


def peak_mb() -> float:
    """The most this process has held since it started.

    Linux counts the parent's memory into `getrusage` of a child that was forked from it, so the
    high-water mark of the process's own memory is read instead.
    """
    return _from_status("VmHWM") if _STATUS.exists() else _from_rusage(resource.RUSAGE_SELF)


def held_mb() -> float:
    """What it holds now; where the system does not say, the peak so far."""
    return _from_status("VmRSS") if _STATUS.exists() else peak_mb()


def children_peak_mb() -> float:
    """The most that any finished child of this process has held (never less than this process)."""
    return _from_rusage(resource.RUSAGE_CHILDREN)


def _from_status(field: str) -> float:
    for line in _STATUS.read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * 1024 / 1e6
    raise RuntimeError(f"{_STATUS}: no line {field}; memory cannot be measured on this system")


def _from_rusage(whose: int) -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(whose).ru_maxrss * unit / 1e6
