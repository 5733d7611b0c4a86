"""Gi* of 18,019 hexagons, neighbours included: the pipeline's kernel against esda.

Ours: `Grid.neighbours` reads the adjacency off the cell ids, `hexes.local_gistar.gistar_frame`
computes z, as `hexes.scoring` calls them. The peers: esda's analytic `G_Local(star=True)` without
permutations, with weights made in two ways. `esda_queen` builds them from the polygons as its
documentation does (`Queen.from_dataframe`); `esda_given` gets our adjacency and only makes its `W`
object of it, which is less than any user could do.

Why it is fair: all start from cells and counts in memory; the polygons are given to `esda_queen`
ready made; one thread each; every side is warmed on a small disc first. The adjacency found must be
the same, and z equal to 1e-9 in every cell.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.inputs import field
from benchmarks.race import Disagreement, Facts, Race, Side, Target, times_as_long
from benchmarks.stopwatch import Stopwatch
from hotspot_pipeline.geo.grid import make_grid
from hotspot_pipeline.hexes.local_gistar import gistar_frame

TOLERANCE = 1e-9


def prepare(folder: Path, is_quick: bool) -> Facts:
    cells = field.disc(12 if is_quick else 77)
    events = field.counts(cells, seed=2)
    pl.DataFrame({"cell": cells, "n_events": events}).write_parquet(folder / "field.parquet")
    return {
        "hexagons": len(cells),
        "events": int(events.sum()),
        "empty hexagons": int((events == 0).sum()),
    }


def ours(folder: Path, watch: Stopwatch) -> Facts:
    cells, events = _input(folder)
    grid = make_grid()
    warm = field.disc(5)
    gistar_frame(warm, field.counts(warm, seed=3), *grid.neighbours(warm))
    with watch.race():
        with watch.lap("neighbours"):
            i, j = grid.neighbours(cells)
        with watch.lap("z"):
            frame = gistar_frame(cells, events, i, j)
    z = frame["gistar_z"].to_numpy()
    return _written(folder, "ours", z, len(i))


def esda_queen(folder: Path, watch: Stopwatch) -> Facts:
    import geopandas as gpd
    from libpysal.weights import Queen

    def weights(polygons: Any) -> Any:
        return Queen.from_dataframe(polygons, use_index=False, silence_warnings=True)

    def polygons(cells: Any) -> Any:
        return gpd.GeoDataFrame(geometry=make_grid().polygons(cells), crs="EPSG:4326")

    warm = field.disc(5)
    _esda(field.counts(warm, seed=3), weights(polygons(warm)))
    cells, events = _input(folder)
    hexagons = polygons(cells)
    with watch.race():
        with watch.lap("neighbours: Queen.from_dataframe"):
            made = weights(hexagons)
        with watch.lap("z: G_Local"):
            z = _esda(events, made)
    return _written(folder, "esda_queen", z, made.nonzero)


def esda_given(folder: Path, watch: Stopwatch) -> Facts:
    from libpysal.weights import W

    def weights(n: int, i: Any, j: Any) -> Any:
        start = np.searchsorted(i, np.arange(n + 1)).tolist()
        of = j.tolist()
        around = {at: of[start[at] : start[at + 1]] for at in range(n)}
        return W(around, silence_warnings=True)

    warm = field.disc(5)
    _esda(field.counts(warm, seed=3), weights(len(warm), *make_grid().neighbours(warm)))
    cells, events = _input(folder)
    i, j = make_grid().neighbours(cells)
    with watch.race():
        with watch.lap("neighbours: W of ready pairs"):
            made = weights(len(cells), i, j)
        with watch.lap("z: G_Local"):
            z = _esda(events, made)
    return _written(folder, "esda_given", z, made.nonzero)


def _esda(events: Any, weights: Any) -> Any:
    from esda.getisord import G_Local

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = G_Local(events.astype(float), weights, transform="B", star=True, permutations=0)
    return np.asarray(found.Zs)


def verify(folder: Path) -> Facts:
    """z equal to 1e-9 in every cell, on the same number of neighbouring pairs."""
    mine = np.load(folder / "ours.npz")
    farthest = 0.0
    for side in ("esda_queen", "esda_given"):
        theirs = np.load(folder / f"{side}.npz")
        if int(theirs["n_pairs"]) != int(mine["n_pairs"]):
            raise Disagreement(
                f"{side} finds {int(theirs['n_pairs'])} neighbouring pairs, ours {int(mine['n_pairs'])}"
            )
        off = float(np.abs(theirs["z"] - mine["z"]).max())
        if not off < TOLERANCE:
            raise Disagreement(f"z of {side} and ours differ by up to {off:.1e}")
        farthest = max(farthest, off)
    return {
        "neighbouring pairs on every side": int(mine["n_pairs"]),
        "z differ by at most": f"{farthest:.1e}",
    }


def _input(folder: Path) -> tuple[Any, Any]:
    frame = pl.read_parquet(folder / "field.parquet")
    return frame["cell"].to_numpy(), frame["n_events"].to_numpy()


def _written(folder: Path, side: str, z: Any, n_pairs: int) -> Facts:
    np.savez(folder / f"{side}.npz", z=z, n_pairs=n_pairs)
    return {}


RACE = Race(
    name="gistar",
    title="Gi* of 18,019 hexagons, neighbours included",
    why_fair="All start from cells and counts in memory; the polygons are given to Queen ready made; "
    "no permutations; every side is warm; z is equal to 1e-9 in every cell.",
    sides=(
        Side("ours", "Grid.neighbours, gistar_frame", ours),
        Side("esda_queen", "Queen.from_dataframe of the polygons, G_Local", esda_queen),
        Side("esda_given", "W of ready pairs, G_Local", esda_given),
    ),
    prepare=prepare,
    verify=verify,
    targets=(
        Target("of esda with Queen weights", 0.1, times_as_long("ours", "esda_queen")),
        Target("of esda with its pairs given", 0.1, times_as_long("ours", "esda_given")),
    ),
)
