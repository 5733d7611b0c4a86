"""Where patrol time really goes: every device's time by cell, in hotspots and everywhere else.

Here: midpoint ownership by cell. Not here: zones with exit buffers and bounds (`dwell`), suppression before anything is published.

Each fix owns the time to the middle of its neighbours (half the longest gap at most on each side), and its cell gets it. So the cells of a
device sum to the time in which anything is known of it, exactly.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from hotspot_pipeline.geo.grid import Cells, Grid
from hotspot_pipeline.geo.transform import to_wgs84


def cells_of(fixes: pl.DataFrame, grid: Grid) -> Cells:
    """The cell of each fix; `NO_CELL` where a coordinate is off the National Grid."""
    lon, lat = to_wgs84(
        fixes.get_column("easting").to_numpy(), fixes.get_column("northing").to_numpy()
    )
    return grid.index(lon, lat)


def cell_spans(fixes: pl.DataFrame, cells: Cells, devices: pl.DataFrame) -> pl.DataFrame:
    """device, cell, start_ms, end_ms: which cell owned a device's time from when to when; fixes in a row in one cell are one span.

    `fixes` by device and time as `cleaning.clean` returns them, `cells` one a fix, `devices` of the same fixes' `Dwell` (its longest gap
    decides). Cut and sum them as any intervals.
    """
    if len(cells) != fixes.height:
        raise ValueError(f"{len(cells)} cells for {fixes.height} fixes; one each")
    device, t = (fixes.get_column(n).to_numpy() for n in ("device", "fix_ms"))
    gap = np.zeros(int(device.max(initial=-1)) + 1, np.int64)
    gap[devices.get_column("device").to_numpy()] = devices.get_column("max_gap_ms").to_numpy()
    longest = gap[device]
    n = len(t)
    is_joined = np.zeros(n + 1, np.bool_)  # between a fix and the one before
    pause = np.diff(t)
    is_one_device = device[1:] == device[:-1]
    is_joined[1:n] = is_one_device & (pause <= longest[1:])
    start, end = t.copy(), t.copy()
    middle = t[:-1] + pause // 2
    start[1:] = np.where(
        is_joined[1:n], middle, np.where(is_one_device, t[1:] - longest[1:] // 2, t[1:])
    )
    end[:-1] = np.where(
        is_joined[1:n], middle, np.where(is_one_device, t[:-1] + longest[:-1] // 2, t[:-1])
    )
    is_new = np.ones(n, np.bool_)
    is_new[1:] = ~is_joined[1:n] | (cells[1:] != cells[:-1])
    first = np.flatnonzero(is_new)
    last = np.append(first[1:], n) - 1 if n else first
    return pl.DataFrame(
        {
            "device": device[first],
            "cell": cells[first],
            "start_ms": start[first],
            "end_ms": end[last],
        },
        schema={"device": pl.Int32, "cell": pl.Int64, "start_ms": pl.Int64, "end_ms": pl.Int64},
    )
