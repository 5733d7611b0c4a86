"""Interpolated dwell against movingpandas: 5,000 fixes and 200 polygons, to the millisecond."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import shapely

from hotspot_pipeline.patrols.dwell import dwell
from hotspot_pipeline.patrols.zones import make_zones
from hotspot_pipeline_tests.unit.patrols.made_tracks import EAST, NORTH, hexagon, track, walk


@pytest.mark.parametrize(
    ("n_devices", "n_fixes", "n_polygons", "least"),
    [(2, 60, 25, 5), pytest.param(10, 500, 200, 150, marks=pytest.mark.slow)],
)
def test_interpolated_dwell_is_that_of_movingpandas(
    n_devices: int, n_fixes: int, n_polygons: int, least: int
) -> None:
    """Where it differs is known: movingpandas draws lines across gaps of any length (so there are none here), and keeps moments to the
    microsecond while each crossing here is rounded to a millisecond at both ends."""
    import geopandas as gpd
    import movingpandas as mpd
    import pandas as pd

    rng = np.random.default_rng(17)
    polygons = [hexagon(EAST + rng.uniform(-900, 900), NORTH + rng.uniform(-900, 900), rng.uniform(25, 70), rng.uniform(0, 1)) for _ in range(n_polygons)]  # fmt: skip
    zones = make_zones([f"{k:03d}" for k in range(n_polygons)], ["hotspot"] * n_polygons, polygons)
    tracks = [track(d, *walk(rng, n_fixes, 60_000, 1.5, EAST + rng.uniform(-600, 600), NORTH + rng.uniform(-600, 600))) for d in range(n_devices)]  # fmt: skip
    found = dwell(pl.concat(tracks), zones)
    assert found.devices["gap_ms"].sum() == 0
    ours = {
        (d, z): (ms, n)
        for d, z, ms, n in found.crossings.group_by("device", "zone")
        .agg((pl.col("end_ms") - pl.col("start_ms")).sum(), n=pl.len())
        .iter_rows()
    }
    n_compared = 0
    for d, mine in enumerate(tracks):
        x, y = mine["easting"].to_numpy(), mine["northing"].to_numpy()
        line = shapely.linestrings(np.column_stack([x, y]))
        frame = gpd.GeoDataFrame(
            {"device": d},
            geometry=gpd.points_from_xy(x, y),
            index=pd.to_datetime(mine["fix_ms"].to_numpy(), unit="ms"),
            crs="EPSG:27700",
        )
        whole = mpd.Trajectory(frame, d)
        for z, polygon in enumerate(polygons):
            if not line.intersects(polygon):
                assert (d, z) not in ours
                continue
            parts = whole.clip(polygon).trajectories
            theirs = sum((p.get_end_time() - p.get_start_time()).total_seconds() for p in parts) * 1000  # fmt: skip
            ms, n = ours.get((d, z), (0, 0))
            assert abs(ms - theirs) <= n + 0.01, (d, z, ms, theirs, len(parts))
            n_compared += n > 0
    assert n_compared >= least
