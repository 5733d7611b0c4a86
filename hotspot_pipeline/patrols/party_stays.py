"""Stays of devices on the way to visits: their bounds, cut to duties, and what the devices of a party say together.

Here: frames of stays, one row in, one row out. Not here: parties and visits (`visits`).
"""

from __future__ import annotations

import polars as pl

from hotspot_pipeline.patrols.dwell import Dwell
from hotspot_pipeline.patrols.intervals import runs

PARTY = ["party", "zone"]


def with_bounds(found: Dwell) -> pl.DataFrame:
    """Stays with the last fix before and the first after that was surely outside (`before_ms`, `after_ms`)."""
    key = ["device", "zone"]
    possible = found.possible.sort("start_ms").rename(
        {"start_ms": "before_ms", "end_ms": "after_ms"}
    )
    stays = found.stays.with_row_index("row")
    for moment, bound in (("first_inside_ms", "before_ms"), ("last_inside_ms", "after_ms")):
        at = (
            stays.select("row", *key, moment)
            .sort(moment)
            .join_asof(possible, left_on=moment, right_on="before_ms", by=key, coalesce=False, check_sortedness=False)
        )  # fmt: skip
        stays = stays.join(at.select("row", bound), on="row", how="left", maintain_order="left")
    return stays.drop("row")


def clipped(stays: pl.DataFrame) -> pl.DataFrame:
    """Moments of a stay, cut to the duty as its ends were."""
    start, end = pl.col("start_ms"), pl.col("end_ms")
    inner = ("first_inside_ms", "last_inside_ms", "first_sure_ms", "last_sure_ms", "last_fix_ms")
    is_on = (pl.col("last_scene_ms") >= start) & (pl.col("first_scene_ms") <= end)
    # what bounds a stay that the duty cut is the duty
    is_cut = (pl.col("first_inside_ms") < start, pl.col("last_fix_ms") > end)
    return stays.with_columns(
        **{n: pl.col(n).clip(start, end) for n in inner},
        **{
            n: pl.when(is_on).then(pl.col(n).clip(start, end))
            for n in ("first_scene_ms", "last_scene_ms")
        },
        before_ms=pl.when(is_cut[0]).then(start).otherwise("before_ms"),
        after_ms=pl.when(is_cut[1]).then(end).otherwise("after_ms"),
    )


def taken_together(stays: pl.DataFrame) -> pl.DataFrame:
    """Stays with the ends and bounds that the party's devices give together.

    Of each device the fix outside is as far from its first fix inside as twice the stay's own beginning is. Evidence that
    contradicts the others (outside after somebody was inside) is left aside: then they were not together.
    """
    together = runs(stays, PARTY).rename({"run": "together"})
    first, last = (
        getattr(pl.col(n), how)().over("together")
        for n, how in (("first_inside_ms", "min"), ("last_fix_ms", "max"))
    )
    left_out = 2 * pl.col("start_ms") - pl.col("first_inside_ms")
    back_out = 2 * pl.col("end_ms") - pl.col("last_fix_ms")

    def latest(moment: pl.Expr) -> pl.Expr:
        return pl.when(moment <= first).then(moment).max().over("together")

    def earliest(moment: pl.Expr) -> pl.Expr:
        return pl.when(moment >= last).then(moment).min().over("together")

    since, until = (first + latest(left_out)) // 2, (last + earliest(back_out) + 1) // 2
    start, end = pl.col("start_ms"), pl.col("end_ms")
    return together.with_columns(
        patrol_from_ms=pl.max_horizontal(start, since),
        patrol_to_ms=pl.min_horizontal(end, until),
        before_ms=pl.max_horizontal(pl.col("before_ms"), latest(pl.col("before_ms"))),
        after_ms=pl.min_horizontal(pl.col("after_ms"), earliest(pl.col("after_ms"))),
    ).drop("together", "reached_ms")
