"""How sure the choice of the top cells is: the events are drawn again and again, and the ranking
repeated.

Belongs here: the bootstrap over events and the borderline flag. Not here: whether cells stay hot
over the year (`persistence`), and how well the choice does later (`accuracy`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from hotspot_pipeline.hexes.checks import (
    BoolArray,
    FloatArray,
    IntArray,
    as_counts,
    require_columns,
    require_unique,
)

BORDERLINE_BELOW = 0.5
N_DRAWS = 1_000
_CHUNK_VALUES = 2_000_000


def p_top_k(
    counts: npt.ArrayLike, k: int, *, rng: np.random.Generator, n_draws: int = N_DRAWS
) -> FloatArray:
    """Return for every cell the probability of standing among the top `k` when the events are drawn
    again.

    `counts` is one number of events per cell (shape n); the result has shape n, between 0 and 1.
    Each draw takes as many events as there are, with replacement: counts are multinomial with
    shares counts/N (Efron 1979, Annals of Statistics 7(1)). Only cells with events can be drawn, so
    only they are computed.

    Ties are shared, not broken: when t cells tie for the last p places of a draw, each gets p/t.
    That is the exact mean over all random tie-breaks, so equal cells get equal chances whatever
    their ids. A cell without an event in a draw is never among its top, so where fewer than `k`
    cells have events the places left stay empty and the probabilities sum to less than k.

    The Monte Carlo standard error is at most sqrt(0.25 / n_draws), 0.016 at 1,000 draws. The same
    generator state, counts and order of cells give the same result, whatever the memory at hand.
    """
    n_events = as_counts(counts, "counts")
    if k < 1:
        raise ValueError(f"k is {k}: at least one cell must be chosen")
    if n_draws < 1:
        raise ValueError(f"n_draws is {n_draws}: at least one draw is needed")
    probability = np.zeros(n_events.size)
    populated = np.flatnonzero(n_events)
    if populated.size == 0:
        return probability
    total = int(n_events.sum())
    share = n_events[populated] / total
    won = np.zeros(populated.size)
    chunk = max(1, _CHUNK_VALUES // populated.size)
    for start in range(0, n_draws, chunk):
        drawn = rng.multinomial(total, share, size=min(chunk, n_draws - start))
        won += _places_won(drawn, k)
    probability[populated] = won / n_draws
    return probability


def _places_won(drawn: IntArray, k: int) -> FloatArray:
    """Sum over draws (rows) of the share of a top-k place that each cell (column) wins."""
    if k >= drawn.shape[1]:
        in_every_case: FloatArray = (drawn > 0).sum(axis=0).astype(np.float64)
        return in_every_case
    last_in = -np.partition(-drawn, k - 1, axis=1)[:, k - 1 : k]
    # Below k populated cells the last place falls to empty cells, which win nothing.
    last_in = np.maximum(last_in, 1)
    above, tied = drawn > last_in, drawn == last_in
    places_left = k - above.sum(axis=1)
    # Fewer ties than places left: only at a level of 1 event, and then each has its own place.
    part = np.minimum(1.0, places_left / np.maximum(tied.sum(axis=1), 1))
    won: FloatArray = above.sum(axis=0) + part @ tied
    return won


def is_borderline(
    probability: npt.ArrayLike, is_selected: npt.ArrayLike, *, below: float = BORDERLINE_BELOW
) -> BoolArray:
    """Return which selected cells would miss the top in more than half of the draws."""
    return np.asarray(is_selected, dtype=np.bool_) & (np.asarray(probability) < below)


def stability_frame(
    cells: pl.DataFrame, k: int, *, seed: int, n_draws: int = N_DRAWS
) -> pl.DataFrame:
    """Return `cells` with `p_top_k` and `is_borderline` added, sorted by cell.

    `cells` needs `cell` (Int64, unique), `n_events` and `is_selected` (from `ranking.select_top`).
    Sorting by cell before drawing makes the result for one seed independent of the order of the
    rows.
    """
    require_columns(cells, ("cell", "n_events", "is_selected"), "stability")
    require_unique(cells, "cell", "stability")
    ordered = cells.sort("cell")
    rng = np.random.default_rng(seed)
    chance = p_top_k(ordered.get_column("n_events").to_numpy(), k, rng=rng, n_draws=n_draws)
    borderline = is_borderline(chance, ordered.get_column("is_selected").to_numpy())
    return ordered.with_columns(p_top_k=pl.Series(chance), is_borderline=pl.Series(borderline))
