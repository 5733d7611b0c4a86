"""Whether a cell is hot all year or only once: active months, quarters in the top, trajectory.

Works on months, so it serves month-only feeds too. It annotates the selection and never changes it.
Chance alone is looked at in `stability`; the effect of patrols in `evaluation`.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from hotspot_pipeline.hexes.checks import FloatArray, IntArray, require_columns
from hotspot_pipeline.hexes.ranking import order_by_count

TRAJECTORIES = ("emerging", "persistent", "fading", "sporadic")

#: 24 in-scope events a year, the least for a serious-violence cell, is 2 a month.
MONTHLY_THRESHOLD = 2
CHANGE_P_BELOW = 0.05

RESULT_SCHEMA = {
    "cell": pl.Int64,
    "n_events": pl.Int64,
    "months_active": pl.Int64,
    "months_above_threshold": pl.Int64,
    "coefficient_of_variation": pl.Float64,
    "n_quarters": pl.Int64,
    "n_quarters_in_top_k": pl.Int64,
    "is_persistent": pl.Boolean,
    "n_first_half": pl.Int64,
    "n_second_half": pl.Int64,
    "p_change": pl.Float64,
    "trajectory": pl.String,
}


def window_months(window_start: date, n_months: int) -> list[date]:
    """Return the first days of the months of the window, and of the month after its end."""
    if window_start.day != 1:
        raise ValueError(f"window_start is {window_start}: a window of months begins on the 1st")
    if n_months < 6 or n_months % 6:
        raise ValueError(
            f"n_months is {n_months}: halves and quarters need a multiple of 6 (12, 24, 36)"
        )
    first = window_start.year * 12 + window_start.month - 1
    return [date(m // 12, m % 12 + 1, 1) for m in range(first, first + n_months + 1)]


def persistence(
    monthly: pl.DataFrame,
    *,
    window_start: date,
    n_months: int,
    k: int,
    monthly_threshold: int = MONTHLY_THRESHOLD,
    change_p_below: float = CHANGE_P_BELOW,
) -> pl.DataFrame:
    """Return one row per cell with events in the window, sorted by cell, with the columns of
    `RESULT_SCHEMA`.

    `monthly` is long: `cell` (Int64), `month` (Date, the first of the month), `n_events`, and where
    it is known `harm_days`, used only to break ties as the main ranking does. Rows outside the
    window are left out; a month of a cell without a row counts 0, so the caller must know that the
    feed covers every month. Several rows of one cell and month (categories) are added up.

    - months_active: months with at least one event. months_above_threshold: months with more than
      `monthly_threshold`.
    - coefficient_of_variation: sample standard deviation (n - 1) of all monthly counts over their
      mean; zeros included.
    - n_quarters_in_top_k: of the window's quarters (three months each, from its start), those in
      which the cell ranks within the top `k` of that quarter with at least one event; order: count,
      harm, cell.
    - is_persistent: in the top k in at least 3/4 of the quarters, or above the threshold in at
      least half of the months.
    - p_change: exact two-sided binomial p (the smaller tail, doubled) for the events of the second
      half of the window, given all of them and the second half's share of the days.
    - trajectory: `emerging` when p_change < `change_p_below` and the second half holds more than
      its share, `fading` when it holds less; otherwise `persistent` when is_persistent, else
      `sporadic`. A label for reading, one test per cell and none corrected; in a window of 12
      months a season looks like a trend, in one of 24 or 36 months it does not bias whole years.
    """
    require_columns(monthly, ("cell", "month", "n_events"), "persistence")
    if k < 1:
        raise ValueError(f"k is {k}: at least one cell must be in the top")
    months = window_months(window_start, n_months)
    counted = _in_window(monthly, months)
    if counted.is_empty():
        return pl.DataFrame(schema=RESULT_SCHEMA)
    cells, table = _cell_month_table(counted, n_months)
    first_half = table[:, : n_months // 2].sum(axis=1)
    second_half = table[:, n_months // 2 :].sum(axis=1)
    share = (months[-1] - months[n_months // 2]).days / (months[-1] - months[0]).days
    p_change = binomial_p(second_half, first_half + second_half, share)
    per_cell = pl.DataFrame(
        {
            "cell": cells,
            "n_events": table.sum(axis=1),
            "months_active": (table > 0).sum(axis=1),
            "months_above_threshold": (table > monthly_threshold).sum(axis=1),
            "coefficient_of_variation": table.std(axis=1, ddof=1) / table.mean(axis=1),
            "n_quarters": np.full(cells.size, n_months // 3),
            "n_first_half": first_half,
            "n_second_half": second_half,
            "p_change": p_change,
        }
    )
    rose = pl.col("n_second_half") > share * pl.col("n_events")
    return (
        per_cell.join(_quarters_in_top_k(counted, k), on="cell", how="left")
        .with_columns(pl.col("n_quarters_in_top_k").fill_null(0))
        .with_columns(
            is_persistent=(4 * pl.col("n_quarters_in_top_k") >= 3 * pl.col("n_quarters"))
            | (2 * pl.col("months_above_threshold") >= n_months)
        )
        .with_columns(
            trajectory=pl.when((pl.col("p_change") < change_p_below) & rose)
            .then(pl.lit("emerging"))
            .when(pl.col("p_change") < change_p_below)
            .then(pl.lit("fading"))
            .when("is_persistent")
            .then(pl.lit("persistent"))
            .otherwise(pl.lit("sporadic"))
        )
        .select(pl.col(name).cast(dtype) for name, dtype in RESULT_SCHEMA.items())
        .sort("cell")
    )


def binomial_p(n_hits: IntArray, n_trials: IntArray, share: float) -> FloatArray:
    """Exact two-sided binomial p per element: twice the smaller tail, at most 1. Without trials it
    is 1."""
    from scipy.special import bdtr, bdtrc

    at_most = bdtr(n_hits.astype(np.float64), n_trials, share)
    one_fewer = np.maximum(n_hits - 1, 0).astype(np.float64)
    at_least = np.where(n_hits > 0, bdtrc(one_fewer, n_trials, share), 1.0)
    p: FloatArray = np.minimum(1.0, 2.0 * np.minimum(at_most, at_least))
    return p


def _in_window(monthly: pl.DataFrame, months: list[date]) -> pl.DataFrame:
    """One row per cell and month of the window with events, months numbered from 0."""
    inside = monthly.filter(pl.col("month").is_between(months[0], months[-1], closed="left"))
    off = inside.filter(pl.col("month").dt.day() != 1)
    if off.height:
        raise ValueError(f"month is {off.get_column('month')[0]}: give the first day of the month")
    bad = inside.filter(pl.col("n_events").is_null() | (pl.col("n_events") < 0))
    if bad.height:
        row = bad.row(0, named=True)
        raise ValueError(f"n_events is {row['n_events']} for cell {row['cell']} in {row['month']}")
    number = (
        pl.col("month").dt.year().cast(pl.Int64) * 12 + pl.col("month").dt.month().cast(pl.Int64)
    ) - (months[0].year * 12 + months[0].month)
    measures = [name for name in ("n_events", "harm_days") if name in inside.columns]
    return (
        inside.with_columns(month_no=number)
        .group_by("cell", "month_no")
        .agg(_sum_or_null(name) for name in measures)
        .filter(pl.col("n_events") > 0)
        .sort("cell", "month_no")
    )


def _sum_or_null(name: str) -> pl.Expr:
    """A sum that stays null when every part is null: a missing harm weight is not a harm of
    zero."""
    return pl.when(pl.col(name).count() > 0).then(pl.col(name).sum())


def _cell_month_table(counted: pl.DataFrame, n_months: int) -> tuple[IntArray, IntArray]:
    """Cells in ascending order, and their counts as an array (cells, months)."""
    cells, row = np.unique(counted.get_column("cell").to_numpy(), return_inverse=True)
    table = np.zeros((cells.size, n_months), dtype=np.int64)
    column, n_events = counted.select("month_no", "n_events").to_numpy().T
    table[row, column] = n_events
    return cells, table


def _quarters_in_top_k(counted: pl.DataFrame, k: int) -> pl.DataFrame:
    """Columns cell, n_quarters_in_top_k, for cells that are there at least once."""
    has_harm = "harm_days" in counted.columns
    measures = ["n_events", "harm_days"] if has_harm else ["n_events"]
    per_quarter = (
        counted.with_columns(quarter_no=pl.col("month_no") // 3)
        .group_by("quarter_no", "cell")
        .agg(_sum_or_null(name) for name in measures)
    )
    return (
        order_by_count(per_quarter, harm=has_harm)
        .group_by("quarter_no", maintain_order=True)
        .head(k)
        .group_by("cell")
        .agg(n_quarters_in_top_k=pl.len().cast(pl.Int64))
    )
