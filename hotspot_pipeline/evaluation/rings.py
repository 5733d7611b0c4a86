"""Around the places: did crime move there, or stay away from there too?

Here: which cells around a place count, with overlaps taken out and counted, and the estimate of a ring. Not here: where the
rings lie (`geo`, fixed in configuration before outcomes are read), places themselves (`rate_ratio`, `wdd`).
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from hotspot_pipeline.evaluation.estimate import Estimate, Guard
from hotspot_pipeline.evaluation.place_counts import PlaceCounts
from hotspot_pipeline.evaluation.rate_ratio import rate_ratio
from hotspot_pipeline.evaluation.wdd import wdd


@dataclass(frozen=True, eq=False)
class RingCells:
    """`kept`: place, ring, cell. `removed`: place, ring, cell, reason. Together every row that came in."""

    kept: pl.DataFrame
    removed: pl.DataFrame

    @property
    def n_removed(self) -> int:
        return len(self.removed)


def separate(around: pl.DataFrame, places: pl.DataFrame) -> RingCells:
    """Ring cells without overlaps.

    `around`: place, ring (1 innermost), cell, one row each. `places`: place, cell, is_treated, one row a cell of a place.
    Removed are cells that belong to a place, cells that are around a treated place and around any other place (what happens
    there is nobody's), and cells of a place's outer ring that stand in its inner one. A cell around several controls and no
    treated place stays with the place that has it in the inner ring, then with the first by id. Raises ValueError for a
    place in `around` that is not in `places`.
    """
    arms = places.select("place", "is_treated").unique()
    if len(arms) != arms["place"].n_unique():
        raise ValueError("separate: a place is both treated and control")
    rows = around.join(arms, on="place", how="left", maintain_order="left")
    if rows["is_treated"].null_count():
        missing = rows.filter(pl.col("is_treated").is_null())["place"][0]
        raise ValueError(
            f"separate: place {missing} has a ring but is no place; give its cells too"
        )
    of_cell = rows.group_by("cell").agg(
        n_places=pl.col("place").n_unique(), near_treated=pl.col("is_treated").any()
    )
    inner = pl.col("ring") > pl.col("ring").min().over("place", "cell")
    first = pl.struct("ring", "place").rank("ordinal").over("cell") > 1
    reason = (
        pl.when(pl.col("cell").is_in(places["cell"].unique().to_list()))
        .then(pl.lit("belongs to a place"))
        .when(pl.col("near_treated") & (pl.col("n_places") > 1))
        .then(pl.lit("around a treated place and another"))
        .when(inner)
        .then(pl.lit("in an inner ring of the same place"))
        .when(first)
        .then(pl.lit("around another control"))
    )
    judged = (
        rows.join(of_cell, on="cell", how="left", maintain_order="left")
        .with_columns(reason=reason)
        .select("place", "ring", "cell", "reason")
    )
    return RingCells(
        judged.filter(pl.col("reason").is_null()).drop("reason"),
        judged.filter(pl.col("reason").is_not_null()),
    )


@dataclass(frozen=True, eq=False)
class RingEstimates:
    """One ring: `ratio` of the ring itself; `net` events of places and ring together (WDD with its displacement terms)."""

    ring: int
    ratio: Estimate
    net: Estimate


def ring_effect(
    ring: int, places: PlaceCounts, around: PlaceCounts, n_removed: int
) -> RingEstimates:
    """Rate ratio of the ring and WDD of place and ring; `around` counts the ring of each place, in the same order.

    Below nothing in the ring is diffusion of benefit, above it displacement. The displacement quotient (WDQ) is not computed:
    it is undefined or misleading when the places' own change is not clearly negative. `n_removed` cells are reported.
    """
    note = Guard(
        "overlap", "clear", f"ring {ring}: {n_removed} cells around several places were left out"
    )
    ratio = rate_ratio(around, measure=f"ring_{ring}").with_guards(note)
    return RingEstimates(ring, ratio, wdd(places, around).with_guards(note))
