"""How concentrated the events of a window are in the cells: shares, the concentration curve, Gini.

Every figure comes once per denominator, because a rural county has thousands of empty cells and "2
% of cells hold half of the events" means nothing without saying 2 % of what. Drawing the curve
belongs to `published`; whether the same cells stay on top belongs to `accuracy`, `stability` and
`persistence`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from hotspot_pipeline.hexes.checks import IntArray, as_counts

DENOMINATORS = ("all_study_cells", "populated_cells")

SUMMARY_SCHEMA = {
    "denominator": pl.String,
    "n_cells": pl.Int64,
    "n_events": pl.Int64,
    "n_cells_for_25pct": pl.Int64,
    "n_cells_for_50pct": pl.Int64,
    "share_cells_for_25pct": pl.Float64,
    "share_cells_for_50pct": pl.Float64,
    "n_cells_top_1pct": pl.Int64,
    "n_cells_top_5pct": pl.Int64,
    "share_events_top_1pct": pl.Float64,
    "share_events_top_5pct": pl.Float64,
    "gini": pl.Float64,
    "generalised_gini": pl.Float64,
}


def _ceil_percent(percent: int, whole: int) -> int:
    """Smallest whole number that is at least `percent` % of `whole`, without rounding errors."""
    return -(-percent * whole // 100)


def _checked_percent(percent: int) -> int:
    if not 0 < percent <= 100:
        raise ValueError(f"percent is {percent}: use a whole number from 1 to 100")
    return percent


def padded_counts(counts: npt.ArrayLike, n_cells: int) -> IntArray:
    """Return `counts` with zeros added until there are `n_cells`, for counts given without the
    empty cells."""
    given = as_counts(counts, "counts")
    if given.size > n_cells:
        raise ValueError(f"{given.size} counts for a study area of {n_cells} cells")
    return np.concatenate([given, np.zeros(n_cells - given.size, dtype=np.int64)])


def n_cells_holding(counts: npt.ArrayLike, percent: int) -> int | None:
    """Return the smallest number of cells that together hold at least `percent` % of the events.

    None when there are no events. Tied cells are interchangeable: the number does not depend on
    their order.
    """
    n_events = as_counts(counts, "counts")
    needed = _ceil_percent(_checked_percent(percent), int(n_events.sum()))
    if needed == 0:
        return None
    running = np.cumsum(np.sort(n_events)[::-1])
    return int(np.searchsorted(running, needed)) + 1


def share_in_top(counts: npt.ArrayLike, percent: int) -> tuple[int, float | None]:
    """Return how many cells the top `percent` % are (rounded up) and the share of events they hold.

    The share is None when there are no events.
    """
    n_events = as_counts(counts, "counts")
    n_top = _ceil_percent(_checked_percent(percent), n_events.size)
    total = int(n_events.sum())
    if total == 0:
        return n_top, None
    return n_top, int(np.sort(n_events)[::-1][:n_top].sum()) / total


def gini(counts: npt.ArrayLike) -> float | None:
    """Return the Gini coefficient of the cells given, zeros included; None without cells or events.

    G = sum_r (2 r - n - 1) x_(r) / (n sum x), x sorted upwards, r from 1 to n: half the mean
    absolute difference over the mean. It is the population form, without the n/(n-1) correction for
    small samples.
    """
    n_events = np.sort(as_counts(counts, "counts"))
    n, total = n_events.size, int(n_events.sum())
    if total == 0:
        return None
    rank_weight = 2 * np.arange(1, n + 1, dtype=np.int64) - n - 1
    return int(rank_weight @ n_events) / (n * total)


def generalised_gini(counts: npt.ArrayLike) -> float | None:
    """Return the Gini coefficient measured from maximal equality; None without cells or events.

    G' = max(n/c, 1) (G - 1) + 1 for c events in n cells. With fewer events than cells the most even
    spread possible is one event in each of c cells: that gives 0 here, where the plain Gini gives 1
    - c/n.

    Source: Bernasco and Steenbeek (2017), Journal of Quantitative Criminology 33(3), 451-467.
    """
    n_events = as_counts(counts, "counts")
    plain = gini(n_events)
    if plain is None:
        return None
    return max(n_events.size / int(n_events.sum()), 1.0) * (plain - 1.0) + 1.0


def concentration_summary(counts: npt.ArrayLike, n_study_cells: int) -> pl.DataFrame:
    """Return two rows of figures, one per denominator, with the columns of `SUMMARY_SCHEMA`.

    `counts` is one number of events per cell; cells without events may be left out, `n_study_cells`
    says how many there are in all. Shares are between 0 and 1. Without events the counts of cells
    for a share, the shares and both Ginis are null.
    """
    every_cell = padded_counts(counts, n_study_cells)
    fields = dict(zip(DENOMINATORS, (every_cell, every_cell[every_cell > 0]), strict=True))
    return pl.DataFrame([_summary_row(*item) for item in fields.items()], schema=SUMMARY_SCHEMA)


def _summary_row(denominator: str, n_events: IntArray) -> dict[str, Any]:
    n_cells = n_events.size
    row: dict[str, Any] = {
        "denominator": denominator,
        "n_cells": n_cells,
        "n_events": int(n_events.sum()),
        "gini": gini(n_events),
        "generalised_gini": generalised_gini(n_events),
    }
    for percent in (25, 50):
        n_needed = n_cells_holding(n_events, percent)
        row[f"n_cells_for_{percent}pct"] = n_needed
        row[f"share_cells_for_{percent}pct"] = None if n_needed is None else n_needed / n_cells
    for percent in (1, 5):
        n_top, share = share_in_top(n_events, percent)
        row[f"n_cells_top_{percent}pct"] = n_top
        row[f"share_events_top_{percent}pct"] = share
    return row


def concentration_curve(counts: npt.ArrayLike, n_study_cells: int) -> pl.DataFrame:
    """Return the corners of the concentration curve, busiest cells first, from (0, 0) to (1, 1).

    One row per distinct count, so tied cells cannot change it and between rows the curve is exactly
    straight. Columns: `n_events_per_cell` (the count of the cells that the segment up to this row
    adds; null in the first row), `n_cells`, `n_events` (both running totals), `share_cells` (of all
    study cells), `share_populated_cells` (1 once only empty cells are added), `share_events`.
    Without events the shares of events and of populated cells are null.
    """
    every_cell = padded_counts(counts, n_study_cells)
    level, n_at_level = np.unique(every_cell, return_counts=True)
    level, n_at_level = level[::-1], n_at_level[::-1]
    running_cells = np.concatenate([[0], np.cumsum(n_at_level)])
    running_events = np.concatenate([[0], np.cumsum(level * n_at_level)])
    n_populated, n_events = int((every_cell > 0).sum()), int(every_cell.sum())
    frame = pl.DataFrame(
        {
            "n_events_per_cell": pl.Series([None, *level.tolist()], dtype=pl.Int64),
            "n_cells": pl.Series(running_cells, dtype=pl.Int64),
            "n_events": pl.Series(running_events, dtype=pl.Int64),
        }
    )
    return frame.with_columns(
        share_cells=_ratio(pl.col("n_cells"), n_study_cells),
        share_populated_cells=_ratio(
            pl.min_horizontal("n_cells", pl.lit(n_populated)), n_populated
        ),
        share_events=_ratio(pl.col("n_events"), n_events),
    )


def _ratio(part: pl.Expr, whole: int) -> pl.Expr:
    return part / whole if whole else pl.lit(None, dtype=pl.Float64)
