"""How well a ranking made on one window finds the events of a later one: hit rate, PAI, PEI.

The two windows must not overlap: a ranking scored on its own events is always flattered. Making the
ranking belongs to `ranking`; the chance that a cell belongs on top at all belongs to `stability`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from hotspot_pipeline.hexes.checks import FloatArray, IntArray, as_areas, as_counts, as_measure


def accuracy_curve(
    predicted: npt.ArrayLike,
    observed: npt.ArrayLike,
    *,
    areas_m2: npt.ArrayLike | None = None,
    ks: Sequence[int] | None = None,
) -> pl.DataFrame:
    """Return hit rate, PAI and PEI of the top k cells, one row per k.

    `predicted` is the score of each cell on the first window (higher is hotter; counts or any
    finite score), `observed` its number of events in the later window, `areas_m2` its area (None:
    all equal). All have one value per study cell in the same order, empty cells included: the study
    area is the sum of the cells given. `ks` defaults to every k from 1 to n.

    Columns: k, n_cells, n_hits, n_events, share_area, hit_rate, pai, pei.

    - hit_rate = n/N, the share of the later events inside the top k.
    - pai = (n/N) / (a/A). Source: Chainey, Tompson and Uhlig (2008), Security Journal 21, 4-28.
    - pei = pai / the best pai possible on the same area. Source: Hunt (2016), PhD thesis, CUNY. The
      best is found by filling the area with the densest cells, the last one in part, so pei never
      passes 1; with equal areas that is the k busiest cells.

    Cells with the same score are taken in the worst order: lowest observed first, then largest
    area, then position. Without any later event all three are null, never infinite.
    """
    scores, n_later = as_measure(predicted, "predicted"), as_counts(observed, "observed")
    n = n_later.size
    if scores.size != n:
        raise ValueError(f"predicted has {scores.size} values, observed {n}: use the same cells")
    if n == 0:
        raise ValueError("no cells to score: the study area is empty")
    areas = as_areas(areas_m2, n)
    size = np.ones(n) if areas is None else areas
    chosen = _checked_ks(ks, n)
    order = np.lexsort((np.arange(n), -size, n_later, -scores))
    hits = np.cumsum(n_later[order])[chosen - 1]
    covered = np.cumsum(size[order])
    share_area = covered[chosen - 1] / covered[-1]
    total = int(n_later.sum())
    frame = pl.DataFrame(
        {
            "k": chosen,
            "n_cells": np.full(chosen.size, n),
            "n_hits": hits,
            "n_events": np.full(chosen.size, total),
            "share_area": share_area,
        }
    )
    if total == 0:
        nothing = pl.lit(None, dtype=pl.Float64)
        return frame.with_columns(hit_rate=nothing, pai=nothing, pei=nothing)
    best = _best_hits(n_later, areas, covered[chosen - 1], chosen)
    return frame.with_columns(
        hit_rate=pl.col("n_hits") / total,
        pai=pl.col("n_hits") / total / pl.col("share_area"),
        # At one area the areas cancel: a ratio of hits is the ratio of the two PAI.
        pei=pl.Series(hits / best),
    )


def _checked_ks(ks: Sequence[int] | None, n: int) -> IntArray:
    chosen = np.arange(1, n + 1) if ks is None else np.asarray(ks, dtype=np.int64)
    wrong = chosen[(chosen < 1) | (chosen > n)]
    if wrong.size:
        raise ValueError(f"k is {wrong[0]}: with {n} cells it runs from 1 to {n}")
    return chosen


def _best_hits(
    observed: IntArray, areas: FloatArray | None, covered: FloatArray, chosen: IntArray
) -> FloatArray:
    """Most events that any choice of (parts of) cells could hold on each covered area."""
    if areas is None:
        busiest: FloatArray = np.cumsum(np.sort(observed)[::-1])[chosen - 1].astype(np.float64)
        return busiest
    densest_first = np.argsort(-observed / areas, kind="stable")
    cumulative_area = np.concatenate([[0.0], np.cumsum(areas[densest_first])])
    cumulative_hits = np.concatenate([[0.0], np.cumsum(observed[densest_first])])
    best: FloatArray = np.interp(covered, cumulative_area, cumulative_hits)
    return best
