"""Gi*: how far the events of a cell and its neighbours lie above the mean of the field.

The z computed here is a display score. It decides nothing: rank by count does (`ranking`). No
p-value or false-discovery claim is made from it, because counts are heavy-tailed. Neighbours come
from `hotspot_pipeline.geo.grid`.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from hotspot_pipeline.hexes.checks import (
    BoolArray,
    FloatArray,
    IntArray,
    as_counts,
    as_measure,
    as_pairs,
)

Field = Literal["all_study_cells", "populated_cells"]


def local_gistar(x: npt.ArrayLike, i: npt.ArrayLike, j: npt.ArrayLike) -> FloatArray:
    """Return z of Gi* for every cell, each cell being a neighbour of itself, with weights of 1.

    `x` holds one value per cell of the field (shape n); `i`, `j` list every neighbouring pair once
    in each direction, as positions in `x`. The result has shape n and no unit.

    z_i = (sum_j w_ij x_j - mean(x) W_i) / (s sqrt((n W_i - W_i^2) / (n - 1))), with W_i the number
    of neighbours plus 1 and s^2 the population variance. With weights of 1, sum_j w_ij^2 = W_i.

    z is NaN, never infinite, where it does not exist: in a constant field (s = 0, one cell
    included), and for a cell whose neighbourhood is the whole field. Whoever stores it writes NULL
    (`gistar_frame` does).

    Source: Ord and Getis (1995), Geographical Analysis 27(4), equation for G*_i in its standardised
    form.
    """
    values = as_measure(x, "x")
    n = values.size
    left, right = as_pairs(i, j, n)
    if n < 2 or values.min() == values.max():
        return np.full(n, np.nan)
    mean = values.mean()
    # Centring first keeps the digits that a difference of two large sums would lose.
    centred = values - mean
    s = np.sqrt(np.mean(centred * centred))
    weight = np.bincount(left, minlength=n) + 1.0
    lag = np.bincount(left, weights=centred[right], minlength=n) + centred
    spread = weight * (n - weight)
    z = np.full(n, np.nan)
    defined = spread > 0
    z[defined] = lag[defined] / (s * np.sqrt(spread[defined] / (n - 1)))
    return z


def restrict_pairs(
    keep: npt.ArrayLike, i: npt.ArrayLike, j: npt.ArrayLike
) -> tuple[IntArray, IntArray]:
    """Return the pairs between kept cells, renumbered to their positions among the kept cells.

    `keep` is one boolean per cell.
    """
    kept: BoolArray = np.asarray(keep, dtype=np.bool_)
    left, right = np.asarray(i, dtype=np.int64), np.asarray(j, dtype=np.int64)
    position = np.cumsum(kept) - 1
    both = kept[left] & kept[right]
    return position[left[both]], position[right[both]]


def gistar_frame(
    cells: npt.ArrayLike,
    counts: npt.ArrayLike,
    i: npt.ArrayLike,
    j: npt.ArrayLike,
    *,
    field: Field = "all_study_cells",
) -> pl.DataFrame:
    """Return one row per cell: cell, n_events, n_neighbours, gistar_z, gistar_field.

    The field changes every z, so it stands in the table: `all_study_cells` takes the cells without
    events as zeros, `populated_cells` leaves them out of the mean, the spread and the
    neighbourhoods. `gistar_z` is null for a cell outside the field and where `local_gistar` gives
    NaN; `n_neighbours` counts the neighbours inside the field, without the cell itself.
    """
    ids = np.asarray(cells, dtype=np.int64)
    n_events = as_counts(counts, "counts")
    if ids.shape != n_events.shape:
        raise ValueError(f"cells and counts need one shape, got {ids.shape} and {n_events.shape}")
    if field not in ("all_study_cells", "populated_cells"):
        raise ValueError(f"field is {field!r}: use 'all_study_cells' or 'populated_cells'")
    left, right = as_pairs(i, j, ids.size)
    inside = n_events > 0 if field == "populated_cells" else np.ones(ids.size, dtype=np.bool_)
    kept_left, kept_right = restrict_pairs(inside, left, right)
    z = np.full(ids.size, np.nan)
    z[inside] = local_gistar(n_events[inside], kept_left, kept_right)
    n_neighbours = np.zeros(ids.size, dtype=np.int64)
    n_neighbours[inside] = np.bincount(kept_left, minlength=int(inside.sum()))
    return pl.DataFrame(
        {
            "cell": ids,
            "n_events": n_events,
            "n_neighbours": pl.Series(n_neighbours),
            "gistar_z": pl.Series(z).fill_nan(None),
            "gistar_field": pl.Series([field], dtype=pl.String).new_from_index(0, ids.size),
        }
    )
