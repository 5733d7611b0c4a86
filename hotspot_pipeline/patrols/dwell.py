"""From when to when each device was in each zone, by three definitions and between two bounds.

Here: what goes into the compiled pass and what its rows mean. Not here: which fixes count (`cleaning`), who carried the device and
what kind of visit it was (`visits`).

- **Midpoint with exit buffer** (`Dwell.stays`, the headline): each fix owns the time to the middle of its neighbours, half the
  longest gap at most on each side. A stay begins with a fix inside the outline and ends with the first fix more than the
  exit buffer outside, or with a gap.
- **First to last inside** (in `stays` too): from the first to the last fix inside the outline during a stay.
- **Interpolated** (`crossings`): straight at constant speed from fix to fix, entry and exit where the line cuts the outline; ways
  through without a fix inside are among them. Nothing is drawn across a gap.
- **Bounds**: at least from the first to the last fix inside the outline by twice the GPS noise (in `stays`), at most from the last
  fix before to the first after that was outside by more than that (`possible`).

A fix of poor accuracy proves that the device was alive, not where: it neither begins nor ends a stay, and no line is drawn to it.
A fix at base is in no zone. Time adds up: for each device inside + outside + gaps = its span, exactly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from hotspot_pipeline.patrols.device_order import (
    Fixes,
    Marks,
    Ordered,
    Sigmas,
    by_device,
    fixed,
    in_order,
    max_gaps,
    shares,
)
from hotspot_pipeline.patrols.dwell_pass import AT_BASE, AT_SCENE, POOR, run_pass
from hotspot_pipeline.patrols.dwell_rows import (
    BASE,
    COVERED,
    CROSSING,
    POSSIBLE,
    ROW_COLUMNS,
    STAY,
    Longs,
)
from hotspot_pipeline.patrols.rules import DwellRules
from hotspot_pipeline.patrols.zone_raster import ZoneRaster, make_raster
from hotspot_pipeline.patrols.zones import Zones

_SPAN = ("start_ms", "end_ms")
_ORDER = ("device", "zone", *_SPAN)
_SHARES = 4  # of a thread: devices differ in what they cost
_DEVICES = pl.Schema(
    {"device": pl.Int32, "n_fixes": pl.Int32, "first_ms": pl.Int64, "last_ms": pl.Int64, "max_gap_ms": pl.Int64}
)  # fmt: skip


@dataclass(frozen=True)
class Dwell:
    """Frames by device, zone (its number in `Zones`) and time; moments in ms since 1970 UTC, half open [`start_ms`, `end_ms`).

    - `stays`: device, zone, start_ms, end_ms, first_inside_ms, last_inside_ms, first_sure_ms, last_sure_ms (null where no fix was
      surely inside), n_fixes, entry_pause_ms, exit_pause_ms (time between the fixes that it began and ended between; null at
      the device's first and last fix), n_speeds, n_still, n_foot, n_brisk, n_cycle (fixes with a speed, and those of them no faster than
      each of `speed_limits_mps`), first_scene_ms, last_scene_ms (null where no fix was at a scene), last_fix_ms;
    - `possible`, `crossings`: device, zone, start_ms, end_ms;
    - `covered`, `at_base`: device, start_ms, end_ms: when anything is known of the device; when it was at police premises;
    - `devices`: device, n_fixes, first_ms, last_ms, max_gap_ms, covered_ms, gap_ms.
    """

    stays: pl.DataFrame
    possible: pl.DataFrame
    crossings: pl.DataFrame
    covered: pl.DataFrame
    at_base: pl.DataFrame
    devices: pl.DataFrame


def dwell(
    fixes: pl.DataFrame,
    zones: Zones,
    rules: DwellRules | None = None,
    *,
    raster: ZoneRaster | None = None,
    max_gap_ms: Longs | None = None,
    n_threads: int = 2,
) -> Dwell:
    """The dwell of all devices in all zones.

    `fixes`: device (int32, from 0), fix_ms (int64), easting, northing (float64, metres), in any order, and where known sigma_m
    (float32, noise along each axis), is_poor, is_at_base, is_at_scene (bool), speed_mps (float32). `max_gap_ms` by device, where a longer record than this frame says how often
    it reports; by default its median here decides. `raster` may be made once for several frames.

    A stay depends on what came before it, back to the last gap. So give whole duties, and cut the results at the ends of the day
    (`intervals.cut`): whatever the frames, the pieces then join exactly.

    Raises ValueError for missing columns, nulls, and coordinates or moments that are no numbers.
    """
    rules = rules or DwellRules()
    raster = raster or make_raster(zones.shapes, rules.reach_m)
    if raster.reach_m < rules.reach_m:
        raise ValueError(
            f"the raster reaches {raster.reach_m} m, the rules {rules.reach_m} m; make it with these rules"
        )
    given, limits = _columns(fixes, rules), np.array(rules.speed_limits_mps)
    with ThreadPoolExecutor(n_threads) as threads:
        every, is_ordered = by_device(given, threads, n_threads)
        n_devices = len(every.first) - 1
        if max_gap_ms is not None and len(max_gap_ms) < n_devices:
            raise ValueError(
                f"max_gap_ms has {len(max_gap_ms)} devices, the fixes have {n_devices}; give one each"
            )

        def some(share: tuple[int, int]) -> Dwell:
            begin, end = share
            mine = in_order(every, begin, end, is_ordered=is_ordered)
            gaps = max_gaps(mine, rules) if max_gap_ms is None else max_gap_ms[begin:end]
            rows, n = run_pass(
                *mine, gaps, zones.shapes, raster, rules.exit_buffer_m, rules.n_sigma, limits
            )
            rows[:n, 1] += begin
            return _told(rows[:n], _devices(mine, gaps, begin))

        parts = list(threads.map(some, shares(every.first, _SHARES * n_threads)))
    none = _told(np.zeros((0, len(ROW_COLUMNS)), np.int64), _DEVICES.to_frame())
    # shares are of devices in their order, so one after another their rows are in order too
    return Dwell(*(pl.concat([getattr(p, f.name) for p in [none, *parts]]) for f in fields(Dwell)))


def _columns(fixes: pl.DataFrame, rules: DwellRules) -> Fixes:
    needed = ("device", "fix_ms", "easting", "northing")
    missing = [name for name in needed if name not in fixes.columns]
    if missing:
        raise ValueError(
            f"dwell: no column {', '.join(missing)}; the frame has {', '.join(fixes.columns)}"
        )
    empty = [name for name in needed if fixes.get_column(name).null_count()]
    if empty:
        raise ValueError(
            f"dwell: nulls in {', '.join(empty)}; `cleaning.clean` takes such fixes out and counts them"
        )
    for name in ("easting", "northing"):
        # a sum is finite only if every number in it is
        if not math.isfinite(fixes.get_column(name).cast(pl.Float64).sum()):
            values = fixes.get_column(name).cast(pl.Float64).to_numpy()
            row = int(np.flatnonzero(~np.isfinite(values))[0])
            raise ValueError(
                f"dwell: {name} of row {row} is {values[row]}; `cleaning.clean` takes such fixes out"
            )
    least = fixes.get_column("device").min()
    if isinstance(least, int) and least < 0:
        raise ValueError(f"dwell: device {least}; devices are numbered from 0 within a frame")
    # as the frame lies in memory: one piece of all would be a copy
    ends = np.cumsum(fixes.get_column("device").chunk_lengths()).tolist()
    pieces = [fixes[a:b] for a, b in pairwise([0, *ends]) if b > a]

    def column(name: str, kind: type[pl.DataType]) -> list[Any]:
        return [fixed(p.get_column(name).cast(kind).to_numpy()) for p in pieces]

    bits = [
        (name, bit)
        for name, bit in (("is_poor", POOR), ("is_at_base", AT_BASE), ("is_at_scene", AT_SCENE))
        if name in fixes.columns and fixes.get_column(name).any()
    ]
    has_sigma, has_speed = ("sigma_m" in fixes.columns), ("speed_mps" in fixes.columns)
    return Fixes(
        column("device", pl.Int32),
        column("fix_ms", pl.Int64),
        column("easting", pl.Float64),
        column("northing", pl.Float64),
        [_sigma(p, rules) for p in pieces] if has_sigma else fixed(np.full(1, _usual(rules), np.float32)),
        [_marks(p, bits) for p in pieces] if bits else fixed(np.zeros(1, np.uint8)),
        [_speed(p) for p in pieces] if has_speed else fixed(np.full(1, np.nan, np.float32)),
    )  # fmt: skip


def _usual(rules: DwellRules) -> float:
    return min(max(rules.sigma_m, rules.least_sigma_m), rules.most_sigma_m)


def _sigma(fixes: pl.DataFrame, rules: DwellRules) -> Sigmas:
    """GPS noise along each axis."""
    said = fixes.get_column("sigma_m").cast(pl.Float32).fill_null(_usual(rules))
    return fixed(said.clip(rules.least_sigma_m, rules.most_sigma_m).to_numpy())


def _marks(fixes: pl.DataFrame, bits: Sequence[tuple[str, int]]) -> Marks:
    marks = np.zeros(fixes.height, np.uint8)
    for name, bit in bits:
        marks |= fixes.get_column(name).fill_null(False).to_numpy() * np.uint8(bit)
    return fixed(marks)


def _speed(fixes: pl.DataFrame) -> Sigmas:
    """m/s as the devices say; NaN where they do not."""
    return fixed(fixes.get_column("speed_mps").cast(pl.Float32).fill_null(float("nan")).to_numpy())


def _told(rows: Longs, devices: pl.DataFrame) -> Dwell:
    """The rows of some devices as frames, each in order."""
    covered = _family(rows, COVERED, ("device", *_SPAN))
    return Dwell(
        _stays(rows),
        _family(rows, POSSIBLE, _ORDER),
        _family(rows, CROSSING, _ORDER),
        covered,
        _family(rows, BASE, ("device", *_SPAN)),
        _with_coverage(devices, covered),
    )


def _family(rows: Longs, family: int, names: Sequence[str]) -> pl.DataFrame:
    """Some columns of the rows of a family, ordered by those of `_ORDER` among them."""
    mine = np.flatnonzero(rows[:, 0] == family)
    frame = pl.DataFrame({name: rows[mine, ROW_COLUMNS.index(name)] for name in names})
    small = [name for name in names if name in ("device", "zone") or name.startswith("n_")]
    order = [name for name in _ORDER if name in names]
    return frame.with_columns(pl.col(small).cast(pl.Int32)).sort(order)


def _stays(rows: Longs) -> pl.DataFrame:
    nullable = [n for n in ROW_COLUMNS if n.endswith(("_sure_ms", "_pause_ms", "_scene_ms"))]
    return _family(rows, STAY, ROW_COLUMNS[1:]).with_columns(
        pl.when(pl.col(name) >= 0).then(name).alias(name) for name in nullable
    )


def _devices(ordered: Ordered, gaps: Longs, begin: int) -> pl.DataFrame:
    n = np.diff(ordered.first)
    seen = np.flatnonzero(n)
    return pl.DataFrame(
        {
            "device": (seen + begin).astype(np.int32),
            "n_fixes": n[seen].astype(np.int32),
            "first_ms": ordered.t[ordered.first[seen]],
            "last_ms": ordered.t[ordered.first[seen + 1] - 1],
            "max_gap_ms": gaps[seen],
        },
        schema=_DEVICES,
    )


def _with_coverage(devices: pl.DataFrame, covered: pl.DataFrame) -> pl.DataFrame:
    known = covered.group_by("device").agg(covered_ms=(pl.col("end_ms") - pl.col("start_ms")).sum())
    gap = pl.col("last_ms") - pl.col("first_ms") - pl.col("covered_ms")
    return devices.join(known, on="device", how="left", maintain_order="left").with_columns(
        gap_ms=gap
    )
