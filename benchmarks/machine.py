"""What the figures were measured on: enough to judge them, nothing that names the machine."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_LIBRARIES = (
    "polars", "duckdb", "numpy", "pandas", "pyarrow", "h3", "shapely", "geopandas", "esda",
    "libpysal", "scipy", "great-expectations", "convertbng", "dagster",
)  # fmt: skip
_CPUINFO = Path("/proc/cpuinfo")


def machine_facts() -> dict[str, Any]:
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": _cores(),
        "memory_gb": round(pages / 1e9, 1),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "libraries": {name: v for name in _LIBRARIES if (v := _version(name))},
    }


def _cores() -> int:
    """Those this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    lines = _CPUINFO.read_text(encoding="utf-8").splitlines() if _CPUINFO.exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or "not said"


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None
