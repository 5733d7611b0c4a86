"""200,000 points to counts per res-9 hexagon and category: the grid's own index against a spatial join.

Ours: `geo.grid` names the cell of each point, polars keeps those of the study area and counts. The
peer: geopandas makes points of the same coordinates, joins them to the same hexagons as polygons
(`sjoin`, predicate `within`, spatial index and all) and counts with `groupby`.

Why it is fair: both start from two arrays of degrees and an array of categories, all points are
distinct (in crime data many share a place, which would help only us), and both end with a frame of
cell, category and count. The hexagons are given to geopandas ready made, outside the clock. Each
side is warmed on a hundredth of the points, so that no import is timed.

The counts must be equal but for points on an edge: an H3 edge is an arc and a polygon's edge is
straight in degrees, about a millimetre apart. Every point counted differently is looked up and must
lie within `EDGE_MM` of an edge of its own hexagon.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.inputs import field
from benchmarks.race import Disagreement, Facts, Race, Result, Runs, Side, Target, times_as_long
from benchmarks.stopwatch import Stopwatch
from hotspot_pipeline.geo.grid import make_grid
from hotspot_pipeline.geo.transform import to_bng, to_bng_geometry

EDGE_MM = 5.0
_KEY = ["cell", "category"]


def prepare(folder: Path, is_quick: bool) -> Facts:
    n, n_rings = (4_000, 20) if is_quick else (200_000, 77)
    cells = field.disc(n_rings)
    lon, lat, category = field.points(cells, n, seed=1)
    points = pl.DataFrame({"lon": lon, "lat": lat, "category": category})
    points.write_parquet(folder / "points.parquet")
    pl.DataFrame({"cell": cells}).write_parquet(folder / "cells.parquet")
    distinct = points.select("lon", "lat").n_unique()
    return {"points": n, "distinct points": distinct, "hexagons": len(cells)}


def ours(folder: Path, watch: Stopwatch) -> Facts:
    points, study = _input(folder)
    lon, lat = points["lon"].to_numpy(), points["lat"].to_numpy()
    category = points["category"]
    grid = make_grid()
    n_warm = max(1, len(points) // 100)
    _count(grid.index(lon[:n_warm], lat[:n_warm]), category[:n_warm], study)
    with watch.race():
        with watch.lap("index: a cell for each point"):
            cells = grid.index(lon, lat)
        with watch.lap("count by cell and category"):
            counts = _count(cells, category, study)
    counts.write_parquet(folder / "ours.parquet")
    return {"n_points_counted": int(counts["n"].sum())}


def _count(cells: np.ndarray, category: pl.Series, study: pl.DataFrame) -> pl.DataFrame:
    found = pl.DataFrame({"cell": cells, "category": category}).group_by(_KEY).agg(n=pl.len())
    return found.join(study, on="cell", how="semi")


def geopandas_sjoin(folder: Path, watch: Stopwatch) -> Facts:
    import geopandas as gpd

    points, study = _input(folder)
    lon, lat = points["lon"].to_numpy(), points["lat"].to_numpy()
    category, cells = points["category"].to_numpy(), study["cell"].to_numpy()
    hexagons = gpd.GeoDataFrame(
        {"cell": cells}, geometry=make_grid().polygons(cells), crs="EPSG:4326"
    )

    def located(n: int) -> gpd.GeoDataFrame:
        geometry = gpd.points_from_xy(lon[:n], lat[:n])
        return gpd.GeoDataFrame({"category": category[:n]}, geometry=geometry, crs="EPSG:4326")

    # warmed on a copy: the join keeps its spatial index with the hexagons
    gpd.sjoin(located(max(1, len(points) // 100)), hexagons.copy(), predicate="within").groupby(
        _KEY
    ).size()
    with watch.race():
        with watch.lap("points of the coordinates"):
            made = located(len(points))
        with watch.lap("sjoin within the hexagons"):
            joined = gpd.sjoin(made, hexagons, predicate="within")
        with watch.lap("groupby cell and category"):
            counts = joined.groupby(_KEY).size()
    frame = counts.rename("n").reset_index()
    pl.from_pandas(frame).write_parquet(folder / "geopandas_sjoin.parquet")
    return {"n_points_counted": int(frame["n"].sum())}


def verify(folder: Path) -> Facts:
    """Equal counts, but for points that lie on an edge; those are found and measured."""
    ours_, peer = (
        pl.read_parquet(folder / f"{side}.parquet").with_columns(pl.col("n").cast(pl.Int64))
        for side in ("ours", "geopandas_sjoin")
    )
    both = ours_.join(peer, on=_KEY, how="full", coalesce=True, suffix="_peer").with_columns(
        off=pl.col("n").fill_null(0) - pl.col("n_peer").fill_null(0)
    )
    differing = both.filter(pl.col("off") != 0)
    farthest = _farthest_from_edge_mm(folder, differing) if differing.height else 0.0
    if farthest > EDGE_MM:
        raise Disagreement(
            f"{differing.height} counts differ, and a point {farthest:.1f} mm inside its hexagon is "
            f"among the nearest to an edge there; only points within {EDGE_MM} mm may differ"
        )
    return {
        "counts compared": both.height,
        "counts that differ": differing.height,
        "points counted by one side only or elsewhere": int(differing["off"].abs().sum()),
        "how far those lie from an edge, mm at most": round(farthest, 2),
    }


def _farthest_from_edge_mm(folder: Path, differing: pl.DataFrame) -> float:
    """Of each count that differs as many points as it is off by, nearest to an edge first: the
    farthest of all of them.
    """
    import shapely

    points, _ = _input(folder)
    grid = make_grid()
    points = points.with_columns(
        cell=pl.Series(grid.index(points["lon"].to_numpy(), points["lat"].to_numpy()))
    )
    around = {c: {c} for c in differing["cell"].to_list()}
    i, j = grid.neighbours(found := np.unique(points["cell"].to_numpy()))
    for a, b in zip(found[i].tolist(), found[j].tolist(), strict=True):
        if a in around:
            around[a].add(b)
    farthest = 0.0
    for cell, category, off in differing.select("cell", "category", "off").iter_rows():
        near = points.filter(
            pl.col("cell").is_in(list(around[cell])), pl.col("category") == category
        )
        edge = to_bng_geometry(grid.polygons([cell])[0]).exterior
        places = shapely.points(*to_bng(near["lon"].to_numpy(), near["lat"].to_numpy()))
        metres = np.sort(shapely.distance(places, edge))[: abs(off)]
        farthest = max(farthest, float(metres.max()) * 1000)
    return farthest


def _input(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    return pl.read_parquet(folder / "points.parquet"), pl.read_parquet(folder / "cells.parquet")


def _join_alone(result: Result) -> float:
    peer: Runs = result["geopandas_sjoin"]
    laps = peer.laps("laps")
    without_points = sum(s for name, s in laps.items() if not name.startswith("points"))
    return without_points / result["ours"].median()


RACE = Race(
    name="points_to_counts",
    title="200,000 points to res-9 counts by category",
    why_fair="Both start from degrees and categories and end with cell, category, count; the hexagons "
    "are given to geopandas ready made; all points are distinct; both sides are warm.",
    sides=(
        Side("ours", "geo.grid index, polars group_by", ours),
        Side("geopandas_sjoin", "points_from_xy, sjoin within, groupby", geopandas_sjoin),
    ),
    prepare=prepare,
    verify=verify,
    targets=(
        Target(
            "times faster than geopandas from the same coordinates",
            5.0,
            times_as_long("geopandas_sjoin", "ours"),
            is_at_least=True,
        ),
    ),
    beside=(("times faster, geopandas' points given ready made as well", _join_alone),),
)
