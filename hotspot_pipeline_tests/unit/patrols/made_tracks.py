"""Fixes and zones of tests: small frames, hexagons of any size, random walks among them.

Here: what tests are made of. Not here: simulated patrols (`simulator.patrol`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
import shapely

from hotspot_pipeline.patrols.zones import Zones, make_zones

MINUTE = 60_000
EAST, NORTH = 430_000.0, 265_000.0


def fixes(rows: Sequence[tuple[int, int, float, float]], **more: Sequence[object]) -> pl.DataFrame:
    """(device, fix_ms, easting, northing) and further columns."""
    frame = pl.DataFrame(
        rows,
        schema={"device": pl.Int32, "fix_ms": pl.Int64, "easting": pl.Float64, "northing": pl.Float64},
        orient="row",
    )  # fmt: skip
    return frame.with_columns(pl.Series(name, list(values)) for name, values in more.items())


def steady(device: int, start_ms: int, every_ms: int, places: Sequence[float | tuple[float, float]]) -> list[tuple[int, int, float, float]]:  # fmt: skip
    """A fix every so often; a bare number is an easting at northing 0."""
    xy = [(p, 0.0) if isinstance(p, int | float) else p for p in places]
    return [(device, start_ms + k * every_ms, float(x), float(y)) for k, (x, y) in enumerate(xy)]


def box(half_m: float, x: float = 0.0, y: float = 0.0) -> shapely.Geometry:
    return shapely.box(x - half_m, y - half_m, x + half_m, y + half_m)


def one_zone(polygon: shapely.Geometry) -> Zones:
    return make_zones(["Z"], ["hotspot"], [polygon])


def hexagon(x: float, y: float, side_m: float, turn: float = 0.3) -> shapely.Geometry:
    angle = turn + np.pi / 3 * np.arange(6)
    return shapely.Polygon(
        np.column_stack([x + side_m * np.cos(angle), y + side_m * np.sin(angle)])
    )


def honeycomb(n_rows: int, n_columns: int, side_m: float) -> list[shapely.Geometry]:
    """Neighbouring hexagons without gaps (flat sides up and down)."""
    return [
        hexagon(EAST + 1.5 * side_m * c, NORTH + np.sqrt(3) * side_m * (r + 0.5 * (c % 2)), side_m, 0.0)
        for r in range(n_rows)
        for c in range(n_columns)
    ]  # fmt: skip


def walk(
    rng: np.random.Generator,
    n: int,
    every_ms: int,
    speed_mps: float,
    x: float = EAST,
    y: float = NORTH,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(t, x, y) of somebody who turns often and stays within 450 m, pauses between fixes uneven."""
    pause = rng.integers(every_ms // 2, every_ms * 3 // 2, n)
    heading = np.cumsum(rng.normal(0, 0.7, n))
    step = speed_mps * pause / 1000 * rng.uniform(0, 2, n)
    t = np.cumsum(pause).astype(np.int64)
    return (
        t,
        x + _folded(np.cumsum(step * np.cos(heading))),
        y + _folded(np.cumsum(step * np.sin(heading))),
    )


def _folded(metres: np.ndarray, most: float = 450.0) -> np.ndarray:
    """As if mirrored whenever it would go further."""
    return np.abs((metres - most) % (4 * most) - 2 * most) - most


def track(device: int, t: np.ndarray, x: np.ndarray, y: np.ndarray) -> pl.DataFrame:
    return pl.DataFrame(
        {"device": np.full(len(t), device, np.int32), "fix_ms": t, "easting": x, "northing": y}
    )


def duties(*rows: tuple[object, ...]) -> pl.DataFrame:
    """(device, officer, crew, start_ms, end_ms, deployment, device_type)."""
    return pl.DataFrame(
        rows,
        schema={"device": pl.Int32, "officer": pl.String, "crew": pl.String, "start_ms": pl.Int64, "end_ms": pl.Int64,
                "deployment": pl.String, "device_type": pl.String},
        orient="row",
    )  # fmt: skip
