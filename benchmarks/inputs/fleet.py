"""A force's fleet for the dwell race: tracks of many devices over a day, and hotspots, rings and controls among them.

Does not belong here: the simulator, whose patrols have a truth; here only amount and shape matter.
"""

from __future__ import annotations

import h3.api.basic_int as h3
import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.inputs import field
from hotspot_pipeline.geo.grid import make_grid
from hotspot_pipeline.geo.outlines import polygons_bng
from hotspot_pipeline.patrols.zones import Zones, make_zones

Floats = NDArray[np.float64]
MIDNIGHT_MS = 1_780_000_000_000
INTERVAL_S = 5
_KNOT_S = 600
_STEP_M, _NOISE_M = 900.0, 4.0


def zone_cells(n_hotspots: int, n_controls: int, seed: int) -> pl.DataFrame:
    """zone_id, kind, cell: hotspots and controls of one to three cells each, and a ring around every hotspot."""
    rng = np.random.default_rng(seed)
    county = set(field.disc(77).tolist())
    taken: set[int] = set()
    rows: list[tuple[str, str, int]] = []
    kinds = ["hotspot"] * n_hotspots + ["control"] * n_controls
    for number, kind in enumerate(kinds):
        while True:
            grown = [int(rng.choice(sorted(county)))]
            for _ in range(int(rng.choice(3, p=(0.5, 0.35, 0.15)))):
                beside = [c for c in h3.grid_ring(grown[-1], 1) if c not in grown]
                grown.append(int(rng.choice(beside)))
            around = {c for cell in grown for c in h3.grid_disk(cell, 1)} - set(grown)
            if not taken & (around | set(grown)) and set(grown) <= county:
                break
        taken |= set(grown)
        rows += [(f"{kind[0].upper()}{number:03d}", kind, c) for c in grown]
        if kind == "hotspot":
            taken |= around
            rows += [(f"R{number:03d}", "ring", int(c)) for c in sorted(around)]
    return pl.DataFrame(
        rows, schema={"zone_id": pl.String, "kind": pl.String, "cell": pl.Int64}, orient="row"
    )


def zones_of(cells: pl.DataFrame) -> Zones:
    shapes = polygons_bng(make_grid(), cells["cell"].to_numpy())
    return make_zones(cells["zone_id"].to_list(), cells["kind"].to_list(), shapes.tolist())


def tracks(centres: Floats, n_devices: int, n_fixes: int, seed: int) -> pl.DataFrame:
    """device, fix_ms, easting, northing of `n_fixes` each, in order of time as a supplier sends them.

    Every ten minutes a device is somewhere near where it was before; a third of these places are in or beside a zone.
    """
    rng = np.random.default_rng(seed)
    n_knots = n_fixes * INTERVAL_S // _KNOT_S + 2
    at = centres[rng.integers(0, len(centres), n_devices)] + rng.normal(0, 2000.0, (n_devices, 2))
    knots = np.empty((n_knots, n_devices, 2))
    for k in range(n_knots):
        at = at + rng.normal(0, _STEP_M, at.shape) * (rng.random((n_devices, 1)) < 0.7)
        nearest = np.array([np.argmin(((centres - p) ** 2).sum(axis=1)) for p in at])
        is_drawn = rng.random(n_devices) < 0.33
        drawn = centres[nearest] + rng.normal(0, 120.0, at.shape)
        at = np.where((is_drawn & (np.hypot(*(drawn - at).T) < 4000))[:, None], drawn, at)
        knots[k] = at
    phase = rng.integers(0, INTERVAL_S * 1000, n_devices)
    moments = np.arange(n_fixes)[:, None] * INTERVAL_S * 1000 + phase
    knot, share = np.divmod(moments / 1000 / _KNOT_S, 1)
    row = np.arange(n_devices)
    last = knot.astype(np.int64)
    xy = knots[last, row] + share[..., None] * (knots[last + 1, row] - knots[last, row])
    xy += rng.normal(0, _NOISE_M, xy.shape)
    return pl.DataFrame(
        {
            "device": np.broadcast_to(row.astype(np.int32), moments.shape).ravel(),
            "fix_ms": (MIDNIGHT_MS + moments).ravel(),
            "easting": np.round(xy[..., 0].ravel(), 3),
            "northing": np.round(xy[..., 1].ravel(), 3),
        }
    )
