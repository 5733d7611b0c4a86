"""Which ground a trial is about: the cells of its places, and of the rings around them.

Pure. Here: from names and outlines to cells, rings with overlaps taken out. Not here: which outlines there are (`reading`), what a
ring says (`evaluation.rings`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl
import shapely

from hotspot_pipeline.evaluation.estimate import BoolArray, IntArray
from hotspot_pipeline.evaluation.rings import separate
from hotspot_pipeline.evaluation.trials.files import OTHERS, PLANNED, Trial

CORE = 0  # the zone of a place itself; 1 and on are its rings


@dataclass(frozen=True, eq=False)
class Places:
    """`names` and `outlines` (EPSG:27700) by position; `is_treated` (n,); `cells`: zone, place (position), cell, the zone being CORE
    or a ring's number; `pair` (n,) numbers from 0 where places were drawn in pairs; `n_removed` cells by ring."""

    names: tuple[str, ...]
    outlines: tuple[shapely.Geometry, ...]
    is_treated: BoolArray
    cells: pl.DataFrame
    starts: Mapping[str, date]
    pair: IntArray | None = None
    n_removed: Mapping[int, int] = field(default_factory=dict)

    @property
    def treated(self) -> tuple[str, ...]:
        return tuple(n for n, is_treated in zip(self.names, self.is_treated, strict=True) if is_treated)  # fmt: skip


def places_of(
    trial: Trial,
    outlines: Mapping[str, shapely.Geometry],
    known_cells: Mapping[str, Sequence[int]],
    centres: pl.DataFrame,
    planned: Sequence[str],
) -> Places:
    """The places of a trial, controls by matching left out.

    `outlines`: by name of area or hotspot; `known_cells`: cells of those names that are made of cells; `centres`: cell, easting,
    northing; `planned`: areas that the plan sends patrols to. Raises ValueError naming what is unknown or overlaps.
    """
    treated = tuple(planned) if trial.treated == (PLANNED,) else trial.treated
    if not treated:
        raise ValueError("treated is planned, but no plan sends a patrol anywhere in the window after")  # fmt: skip
    others = tuple(sorted(set(outlines) - set(treated) - set(known_cells)))
    controls = others if trial.controls == (OTHERS,) else trial.controls
    if trial.arm_scheme in ("matched", "none"):
        controls = ()
    names = (*treated, *controls)
    if unknown := [n for n in names if n not in outlines]:
        raise ValueError(f"{unknown[0]} is no patrol area and no hotspot; areas are {', '.join(sorted(outlines)) or 'none'}")  # fmt: skip
    shapes = tuple(outlines[n] for n in names)
    cells = core_cells(names, shapes, known_cells, centres)
    pair = None
    if trial.pairs:
        number = {name: k for k, two in enumerate(trial.pairs) for name in two}
        pair = np.array([number[n] for n in names], dtype=np.int64)
    is_treated = np.arange(len(names)) < len(treated)
    return Places(names, shapes, is_treated, cells, trial.starts, pair)


def core_cells(
    names: Sequence[str],
    outlines: Sequence[shapely.Geometry],
    known_cells: Mapping[str, Sequence[int]],
    centres: pl.DataFrame,
) -> pl.DataFrame:
    """zone (CORE), place, cell: the cells whose centre lies in the outline; of an area smaller than that, the cell nearest to its middle.

    Raises ValueError where two places share a cell.
    """
    ids = centres["cell"].to_numpy()
    points = shapely.points(centres["easting"].to_numpy(), centres["northing"].to_numpy())
    tree = shapely.STRtree(points)
    rows: list[tuple[int, int, int]] = []
    owner: dict[int, str] = {}
    for place, (name, outline) in enumerate(zip(names, outlines, strict=True)):
        mine = known_cells.get(name)
        if mine is None:
            inside = tree.query(outline, predicate="contains")
            if not len(inside):
                inside = np.array([tree.nearest(shapely.point_on_surface(outline))])
            mine = sorted(int(c) for c in ids[inside])
        for cell in mine:
            if cell in owner:
                raise ValueError(f"{owner[cell]} and {name} share the cell {cell:x}: an event there would count twice; take one of them out")  # fmt: skip
            owner[cell] = name
            rows.append((CORE, place, cell))
    return pl.DataFrame(rows, schema=_CELLS, orient="row")


def with_rings(places: Places, rings_m: Sequence[int], centres: pl.DataFrame) -> Places:
    """The places with the cells of their rings: centres up to each radius outside the outline, overlaps taken out (`rings.separate`).

    A ring in which some arm has no cell left is left out whole.
    """
    if not rings_m:
        return places
    ids = centres["cell"].to_numpy()
    points = shapely.points(centres["easting"].to_numpy(), centres["northing"].to_numpy())
    tree = shapely.STRtree(points)
    rows = []
    for place, outline in enumerate(places.outlines):
        near = tree.query(outline, predicate="dwithin", distance=float(rings_m[-1]))
        away = shapely.distance(outline, points[near])
        ring = np.searchsorted(rings_m, away, side="left") + 1
        rows += [(place, int(r), int(c)) for r, c in zip(ring, ids[near], strict=True)]
    around = pl.DataFrame(rows, schema={"place": pl.Int64, "ring": pl.Int64, "cell": pl.Int64}, orient="row")  # fmt: skip
    arms = pl.DataFrame({"place": np.arange(len(places.names)), "is_treated": places.is_treated})
    found = separate(around, places.cells.select("place", "cell").join(arms, on="place"))
    kept, n_removed = [places.cells], {}
    for ring_no in range(1, len(rings_m) + 1):
        mine = found.kept.filter(pl.col("ring") == ring_no)
        is_there = np.isin(np.arange(len(places.names)), mine["place"].to_numpy())
        if not (is_there & places.is_treated).any() or not (is_there & ~places.is_treated).any():
            continue
        shared = found.removed.filter((pl.col("ring") == ring_no) & (pl.col("reason") != "belongs to a place"))  # fmt: skip
        n_removed[ring_no] = shared["cell"].n_unique()
        kept.append(mine.select(zone=pl.col("ring"), place="place", cell="cell"))
    return Places(
        places.names, places.outlines, places.is_treated, pl.concat(kept), places.starts, places.pair, n_removed
    )  # fmt: skip


def candidates(
    places: Places, centres: pl.DataFrame, busy: Sequence[int], distance_m: float
) -> list[int]:
    """Those of the `busy` cells that lie further than `distance_m` from every place, in order."""
    found = centres.filter(pl.col("cell").is_in(list(busy))).sort("cell")
    points = shapely.points(found["easting"].to_numpy(), found["northing"].to_numpy())
    tree = shapely.STRtree(points)
    near = {int(k) for o in places.outlines for k in tree.query(o, predicate="dwithin", distance=distance_m)}  # fmt: skip
    return [int(c) for k, c in enumerate(found["cell"]) if k not in near]


_CELLS = {"zone": pl.Int64, "place": pl.Int64, "cell": pl.Int64}
