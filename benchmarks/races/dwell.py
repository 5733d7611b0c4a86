"""20 million fixes and 200 hotspots with rings and controls: dwell and visits against what one would use instead.

Ours: Parquet to fixes, zones and their raster, `dwell` with its three definitions and bounds, `make_visits`, both written to DuckDB.
`geopandas_sjoin`: points of the same coordinates joined to the same zones (merged outlines, spatial index and all), the time each fix owns
summed by device and zone with `groupby`: one definition, no exit buffer, no ways between fixes, no visits. In pieces of two
million fixes, because all at once does not fit many machines. `duckdb_lead`: LEAD of time, easting and northing over the same Parquet,
nothing else: the least that any way by SQL windows has to pay. `ours_csv` and `duckdb_csv` start from the same fixes as CSV; the latter
only reads it. `ours_tenth` is ours on the first tenth of the fixes, those of all devices until 02:24.

Why it is fair: all read the same files within the clock; outlines are given to geopandas joined ready made; every side uses both cores
where its library can; imports and compilation are warmed on a few fixes first. Agreed is what the sides have in common: the milliseconds
that each device's fixes own in each zone. A fix on an edge to the millimetre may fall on either side; at most one in a million may.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import shapely

from benchmarks.inputs import fleet
from benchmarks.race import Disagreement, Facts, Race, Side, Target, times_as_long
from benchmarks.stopwatch import Stopwatch
from hotspot_pipeline.geo.grid import make_grid
from hotspot_pipeline.geo.outlines import polygons_bng
from hotspot_pipeline.patrols.dwell import dwell
from hotspot_pipeline.patrols.rules import DwellRules
from hotspot_pipeline.patrols.visits import make_visits
from hotspot_pipeline.patrols.zones import Zones

_COLUMNS = ("device", "fix_ms", "easting", "northing")
_AT_ONCE = 2_000_000
_WARM = 5_000


def prepare(folder: Path, is_quick: bool) -> Facts:
    n_devices, n_fixes = (40, 500) if is_quick else (1_157, 17_280)
    cells = fleet.zone_cells(*((12, 8) if is_quick else (120, 80)), seed=1)
    cells.write_parquet(folder / "cells.parquet")
    some = cells.filter(pl.col("kind") != "ring")["cell"].to_numpy()
    centres = shapely.get_coordinates(shapely.centroid(polygons_bng(make_grid(), some)))
    fixes = fleet.tracks(centres, n_devices, n_fixes, seed=2)
    fixes.write_parquet(folder / "fixes.parquet")
    fixes.write_csv(folder / "fixes.csv")
    fixes.head(fixes.height // 10).write_parquet(folder / "tenth.parquet")
    start, end = fleet.MIDNIGHT_MS, fleet.MIDNIGHT_MS + n_fixes * fleet.INTERVAL_S * 1000
    numbers = np.arange(n_devices, dtype=np.int32)
    duties = pl.DataFrame({"device": numbers}).with_columns(
        officer=pl.format("PC {}", "device"),
        crew=pl.format("C {}", pl.col("device") // 2),
        start_ms=pl.lit(start),
        end_ms=pl.lit(end),
        deployment=pl.lit("hotspot_funded"),
    )
    duties.write_parquet(folder / "duties.parquet")
    return {
        "fixes": fixes.height,
        "devices": n_devices,
        "zones": cells["zone_id"].n_unique(),
        "cells": cells.height,
    }


def ours(folder: Path, watch: Stopwatch) -> Facts:
    return _ours(folder, watch, "ours", lambda: pl.read_parquet(folder / "fixes.parquet"))


def ours_csv(folder: Path, watch: Stopwatch) -> Facts:
    types = {"device": pl.Int32, "fix_ms": pl.Int64, "easting": pl.Float64, "northing": pl.Float64}
    read = pl.scan_csv(folder / "fixes.csv", schema=types)
    return _ours(folder, watch, "ours_csv", lambda: read.collect(engine="streaming"))


def ours_tenth(folder: Path, watch: Stopwatch) -> Facts:
    return _ours(folder, watch, "ours_tenth", lambda: pl.read_parquet(folder / "tenth.parquet"))


def _ours(folder: Path, watch: Stopwatch, name: str, read: object) -> Facts:
    import duckdb

    assert callable(read)
    duties = pl.read_parquet(folder / "duties.parquet")
    warm = pl.read_parquet(folder / "fixes.parquet", n_rows=_WARM)
    make_visits(dwell(warm, _zones(folder)), duties)
    with watch.race():
        with watch.lap("read"):
            fixes = read()
        with watch.lap("zones"):
            zones = _zones(folder)
        with watch.lap("dwell"):
            found = dwell(fixes, zones)
        with watch.lap("visits"):
            visits = make_visits(found, duties)
        with watch.lap("write"), duckdb.connect(str(folder / f"{name}.duckdb")) as connection:
            for table, frame in (
                ("stays", found.stays),
                ("crossings", found.crossings),
                ("possible", found.possible),
                ("visits", visits.visits),
            ):
                connection.register("frame", frame.to_arrow())
                connection.sql(f"create or replace table {table} as select * from frame")
                connection.unregister("frame")
    return {"stays": found.stays.height, "visits": visits.visits.height}


def geopandas_sjoin(folder: Path, watch: Stopwatch) -> Facts:
    import geopandas as gpd

    zones = gpd.GeoDataFrame(
        {"zone_id": (outlines := _outlines(folder))[0]}, geometry=outlines[1], crs="EPSG:27700"
    )

    def joined(fixes: pl.DataFrame) -> object:
        geometry = gpd.points_from_xy(fixes["easting"].to_numpy(), fixes["northing"].to_numpy())
        points = gpd.GeoDataFrame(
            {"device": fixes["device"].to_numpy(), "owned_ms": fixes["owned_ms"].to_numpy()},
            geometry=geometry,
            crs="EPSG:27700",
        )
        inside = gpd.sjoin(points, zones, predicate="intersects")
        return inside.groupby(["device", "zone_id"])["owned_ms"].sum().reset_index()

    joined(_owned(pl.read_parquet(folder / "fixes.parquet", n_rows=_WARM)))
    with watch.race():
        with watch.lap("read, order, time owned"):
            fixes = _owned(pl.read_parquet(folder / "fixes.parquet"))
        with watch.lap("sjoin and groupby"):
            parts = [
                pl.from_pandas(joined(fixes[k : k + _AT_ONCE]))  # type: ignore[call-overload]
                for k in range(0, fixes.height, _AT_ONCE)
            ]
            found = pl.concat(parts).group_by("device", "zone_id").agg(pl.col("owned_ms").sum())
    found.write_parquet(folder / "sjoin.parquet")
    return {"rows": found.height}


def duckdb_lead(folder: Path, watch: Stopwatch) -> Facts:
    import duckdb

    query = """
        select sum(next_ms - fix_ms), sum(next_easting - easting), sum(next_northing - northing) from (
          select *, lead(fix_ms) over w as next_ms, lead(easting) over w as next_easting, lead(northing) over w as next_northing
          from '{}' window w as (partition by device order by fix_ms))
    """.format(folder / "fixes.parquet")
    with duckdb.connect() as connection:
        connection.sql("select 1").fetchall()
        with watch.race():
            (row,) = connection.sql(query).fetchall()
    return {"ms": int(row[0])}


def duckdb_csv(folder: Path, watch: Stopwatch) -> Facts:
    import duckdb

    with duckdb.connect() as connection:
        connection.sql("select 1").fetchall()
        with watch.race():
            connection.sql(f"create table fixes as from read_csv('{folder / 'fixes.csv'}')")
        ((n,),) = connection.sql("select count(*) from fixes").fetchall()
    return {"rows": int(n)}


def verify(folder: Path) -> Facts:
    """Without the exit buffer a stay is what the fixes inside own, so both sides' sums by device and zone must be equal."""
    zones = _zones(folder)
    bare = dwell(pl.read_parquet(folder / "fixes.parquet"), zones, DwellRules(exit_buffer_m=0.0))
    mine = (
        zones.named(bare.stays)
        .group_by("device", "zone_id")
        .agg(ours_ms=(pl.col("end_ms") - pl.col("start_ms")).sum())
    )
    peer = pl.read_parquet(folder / "sjoin.parquet").with_columns(pl.col("device").cast(pl.Int32))
    both = mine.join(peer, on=["device", "zone_id"], how="full", coalesce=True).fill_null(0)
    off = (both["ours_ms"] - both["owned_ms"]).abs()
    allowed = max(1, int(bare.devices["n_fixes"].sum()) // 1_000_000)
    if (off > 0).sum() > allowed:
        raise Disagreement(
            f"{(off > 0).sum()} of {both.height} sums differ, by {off.max()!r} ms at most; {allowed} may, for fixes on an edge"
        )
    import duckdb

    tables = []
    for side in ("ours", "ours_csv"):
        with duckdb.connect(str(folder / f"{side}.duckdb"), read_only=True) as connection:
            tables.append(connection.sql("select * from visits order by visit").pl())
    if not tables[0].equals(tables[1]):
        raise Disagreement("visits from Parquet and from CSV differ")
    return {
        "sums compared": both.height,
        "sums that differ": int((off > 0).sum()),
        "visits": tables[0].height,
    }


def _zones(folder: Path) -> Zones:
    return fleet.zones_of(pl.read_parquet(folder / "cells.parquet"))


def _outlines(folder: Path) -> tuple[list[str], list[shapely.Geometry]]:
    cells = pl.read_parquet(folder / "cells.parquet")
    shapes = polygons_bng(make_grid(), cells["cell"].to_numpy())
    names = cells["zone_id"].to_numpy()
    ids = sorted(set(names.tolist()))
    return ids, [shapely.union_all(shapes[names == name], grid_size=0.001) for name in ids]


def _owned(fixes: pl.DataFrame) -> pl.DataFrame:
    """Fixes by device and time with the time to the middle of their neighbours; a fix every five seconds, so there are no gaps."""
    ordered = fixes.sort("device", "fix_ms")
    t = pl.col("fix_ms")
    before, after = t.shift(1).over("device"), t.shift(-1).over("device")
    since = pl.when(before.is_null()).then(t).otherwise(before + (t - before) // 2)
    until = pl.when(after.is_null()).then(t).otherwise(t + (after - t) // 2)
    return ordered.with_columns(owned_ms=until - since)


RACE = Race(
    name="dwell",
    title="20 million fixes, 200 hotspots with rings and controls: dwell and visits",
    why_fair="All read the same files within the clock, outlines are given to geopandas joined ready made, every side is warm; "
    "the milliseconds that fixes own by device and zone must be equal.",
    sides=(
        Side("ours", "dwell by three definitions, bounds and visits, Parquet to DuckDB", ours),
        Side("geopandas_sjoin", "sjoin and groupby of the time owned: one definition", geopandas_sjoin),
        Side("duckdb_lead", "LEAD of time, easting and northing alone", duckdb_lead),
        Side("ours_csv", "ours from CSV", ours_csv),
        Side("ours_tenth", "ours on a tenth of the fixes", ours_tenth),
        Side("duckdb_csv", "DuckDB reads that CSV, no more", duckdb_csv),
    ),
    prepare=prepare,
    verify=verify,
    targets=(
        Target("times faster than geopandas sjoin and groupby", 6.0, times_as_long("geopandas_sjoin", "ours"), is_at_least=True),
        Target("of DuckDB's LEAD of the same columns", 2.5, times_as_long("ours", "duckdb_lead")),
        Target("from CSV, of DuckDB's reading it", 2.0, times_as_long("ours_csv", "duckdb_csv")),
        Target("ten times the fixes, of a tenth's time", 11.0, times_as_long("ours", "ours_tenth")),
        Target("peak memory of ours", 2_000.0, lambda result: result["ours"].highest_peak_mb, unit="MB"),
    ),
    repeats=5,
)  # fmt: skip
