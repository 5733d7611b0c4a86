"""The order of the cells: by count, with harm and the composite beside it, and which of them are
selected.

Count decides by default: a composite with harm is far less stable. Harm arrives already weighted,
and already capped per event where a cap is set: weights belong to the gate's offence lookup. Gi*
annotates (`local_gistar`) and never reorders.
"""

from __future__ import annotations

from typing import Literal

import polars as pl

from hotspot_pipeline.hexes.checks import require_columns, require_unique

RankBasis = Literal["count", "harm", "composite"]

#: Composite score: these weights and no hidden others.
COUNT_WEIGHT = 0.5
HARM_WEIGHT = 0.5


def rank_cells(cells: pl.DataFrame) -> pl.DataFrame:
    """Return `cells` with rank_by_count, rank_by_harm, composite_score and rank_by_composite, in
    order of rank_by_count.

    `cells` needs `cell` (Int64, unique), `n_events` and `harm_days` (Decimal or float, null where
    no event of the cell has a weight). All other columns (`n_events_365_days`, `harm_days_capped`,
    day and night counts ...) pass through untouched.

    Every rank runs from 1 without gaps or ties, in an order that depends on the values only, never
    on the order of the rows:

    - rank_by_count: n_events downwards, then harm_days downwards (null last), then cell upwards.
    - rank_by_harm: harm_days downwards, then n_events downwards, then cell upwards. Null where harm
      is null: a missing weight is not a weight of zero.
    - composite_score = 0.5 rank_by_count + 0.5 rank_by_harm (lower is hotter, null where harm is
      null); rank_by_composite orders it upwards, then by rank_by_count.
    """
    require_columns(cells, ("cell", "n_events", "harm_days"), "ranking")
    require_unique(cells, "cell", "ranking")
    missing = cells.get_column("n_events").null_count()
    if missing:
        raise ValueError(
            f"ranking: n_events is null in {missing} rows; a cell without events has 0"
        )
    by_count = _ordinal(order_by_count(cells, harm=True), "rank_by_count")
    by_harm = _ordinal(
        by_count.sort(
            "harm_days",
            "n_events",
            "cell",
            descending=[True, True, False],
            nulls_last=True,
        ),
        "rank_by_harm",
        known=pl.col("harm_days").is_not_null(),
    )
    scored = by_harm.with_columns(
        composite_score=COUNT_WEIGHT * pl.col("rank_by_count")
        + HARM_WEIGHT * pl.col("rank_by_harm")
    )
    by_composite = _ordinal(
        scored.sort("composite_score", "rank_by_count", nulls_last=True),
        "rank_by_composite",
        known=pl.col("composite_score").is_not_null(),
    )
    return by_composite.sort("rank_by_count")


def order_by_count(cells: pl.DataFrame, *, harm: bool) -> pl.DataFrame:
    """Sort rows by n_events downwards, then (with `harm`) harm_days downwards, then cell upwards.

    The one tie order of the stage: every ranking by count goes through here.
    """
    if not harm:
        return cells.sort("n_events", "cell", descending=[True, False])
    return cells.sort(
        "n_events", "harm_days", "cell", descending=[True, True, False], nulls_last=True
    )


def _ordinal(ordered: pl.DataFrame, name: str, known: pl.Expr | None = None) -> pl.DataFrame:
    rank = pl.int_range(1, pl.len() + 1, dtype=pl.Int64)
    return ordered.with_columns((rank if known is None else pl.when(known).then(rank)).alias(name))


def select_top(
    ranked: pl.DataFrame, k: int, *, by: RankBasis = "count", min_events: int = 1
) -> pl.DataFrame:
    """Return `ranked` (from `rank_cells`) with `is_selected`: the top `k` cells that have at least
    `min_events`.

    `k` is the capacity in cells (hours available over the length of a visit); contiguous cells are
    merged afterwards (`merging`), so there are at most k hotspots. A cell under `min_events` is not
    replaced by the next one in the ranking: a threshold may leave places empty. Thresholds are per
    window: 24 events a year is 48 in a window of two years.
    """
    if k < 1:
        raise ValueError(f"k is {k}: at least one cell must be chosen")
    if min_events < 1:
        raise ValueError(f"min_events is {min_events}: a cell without events is never selected")
    if by not in ("count", "harm", "composite"):
        raise ValueError(f"by is {by!r}: rank by 'count', 'harm' or 'composite'")
    require_columns(ranked, ("n_events", f"rank_by_{by}"), "selection")
    inside = (pl.col(f"rank_by_{by}") <= k) & (pl.col("n_events") >= min_events)
    return ranked.with_columns(is_selected=inside.fill_null(value=False))
