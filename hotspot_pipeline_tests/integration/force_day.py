"""A force's whole police day at a fix a second, from the delivered file to visits: `python -m … <folder> <devices>`.

Here: a process of its own, so that its memory is that of this work alone; prints what it counted as JSON. Not here: what must hold
(`test_force_day.py`).
"""

from __future__ import annotations

import json
import resource
import sys
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from hotspot_pipeline.geo.transform import to_bng
from hotspot_pipeline_tests.integration.made_fixes import duty
from hotspot_pipeline_tests.integration.test_patrol_days import Patrols

SECONDS = 86_400
N_PLACES = 200
_WEST, _SOUTH, _EAST, _NORTH = -1.72, 52.17, -1.38, 52.43


def deliver(patrols: Patrols, n_devices: int) -> None:
    """200 areas 300 m square in rows; devices that drive from one to another and stand about there."""
    rng = np.random.default_rng(7)
    places = []
    for k in range(N_PLACES):
        lon, lat = _place(k)
        x, y = (float(v[0]) for v in to_bng([lon], [lat]))
        corners = ((-150, -150), (150, -150), (150, 150), (-150, 150), (-150, -150))
        ring = ", ".join(f"{x + dx} {y + dy}" for dx, dy in corners)
        places.append({"hotspot_id": f"H{k:03}", "name": f"Place {k}", "polygon_wkt": f"POLYGON (({ring}))", "valid_from": "2026-05-01", "valid_to": None})  # fmt: skip
    patrols.force.deliver(
        "patrol_places", "patrol_places_20260602T0200.csv", pl.DataFrame(places, infer_schema_length=None)
    )  # fmt: skip
    shifts = [("2026-06-08 06:00:00", "2026-06-08 14:00:00"), ("2026-06-08 14:00:00", "2026-06-08 22:00:00"),
              ("2026-06-08 22:00:00", "2026-06-09 06:00:00")]  # fmt: skip
    patrols.deliver(
        "duties",
        [
            duty(3 * device + k, _name(device), f"PC {3 * device + k}", start, end)
            for device in range(n_devices)
            for k, (start, end) in enumerate(shifts)
        ],
    )
    path = patrols.force.deliver("gps_pings", "gps_pings_20260609T0200.parquet", _track(rng, 0))
    with pq.ParquetWriter(
        path, pq.read_schema(path)
    ) as file:  # a device at a time: the day need not fit into memory
        for device in range(n_devices):
            file.write_table(_track(rng, device).to_arrow().cast(file.schema))


def _place(k: int) -> tuple[float, float]:
    return (
        _WEST + (_EAST - _WEST) * (k % 20 + 0.5) / 20,
        _SOUTH + (_NORTH - _SOUTH) * (k // 20 + 0.5) / 10,
    )


def _name(device: int) -> str:
    return f"AVL-{device:04}"


def _track(rng: np.random.Generator, device: int) -> pl.DataFrame:
    # thirty stops, at each of which it stands about until it leaves for the next
    stop = rng.integers(0, N_PLACES, 30)
    at = np.sort(rng.choice(SECONDS, 60, replace=False))
    lon, lat = (np.array(v)[stop].repeat(2) for v in zip(*(_place(k) for k in range(N_PLACES))))
    second = np.arange(SECONDS)
    lon = np.interp(second, at, lon) + rng.normal(0, 4e-5, SECONDS)
    lat = np.interp(second, at, lat) + rng.normal(0, 3e-5, SECONDS)
    moment = pl.datetime_range(
        pl.datetime(2026, 6, 8, 5), pl.datetime(2026, 6, 9, 4, 59, 59), "1s", eager=True
    )
    return pl.DataFrame(
        {
            "device_id": pl.Series([_name(device)] * SECONDS),
            "device_type": pl.Series(["vehicle"] * SECONDS),
            "fix_ts_utc": moment,
            "received_ts_utc": moment + timedelta(seconds=3),
            "lon": lon,
            "lat": lat,
        }
    )


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main(folder: Path, n_devices: int) -> None:
    patrols = Patrols(folder)
    deliver(patrols, n_devices)
    delivered_mb = _peak_mb()
    began = time.monotonic()
    days = patrols.night()
    took = time.monotonic() - began
    (counted,) = patrols.rows("select sum(n_fixes) from patrols.fix_account")[0]
    (stored,) = patrols.rows("select sum(n_fixes) from validated.ping_days")[0]
    n_visits, n_zones = patrols.rows("select count(*), count(distinct zone_id) from patrols.visits where zone_kind = 'hotspot'")[0]  # fmt: skip
    (cell_ms,) = patrols.rows("select sum(device_ms) from patrols.cell_minutes")[0]
    print(
        json.dumps(
            {
                "days": [str(d) for d in days],
                "stored": int(stored),
                "counted": int(counted),
                "visits": n_visits,
                "places visited": n_zones,
                "hours in cells": float(cell_ms or 0) / 3_600_000,
                "seconds": round(took, 1),
                "mb_before": delivered_mb,
                "peak_mb": _peak_mb(),
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
