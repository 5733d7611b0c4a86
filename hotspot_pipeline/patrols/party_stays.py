"""Stays of devices on the way to visits: their bounds, cut to duties, and what the devices of a party say together.

Here: frames of stays, one row in, one row out. Not here: parties and visits (`visits`).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from hotspot_pipeline.patrols.compiled import compiled
from hotspot_pipeline.patrols.dwell import Dwell
from hotspot_pipeline.patrols.dwell_rows import Longs
from hotspot_pipeline.patrols.intervals import runs

PARTY = ["party", "zone"]
_NEVER = -(1 << 62)


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
    together = runs(stays, PARTY)
    start, end = pl.col("start_ms"), pl.col("end_ms")
    moments = together.select(
        "first_inside_ms",
        "last_fix_ms",
        left_out=2 * start - pl.col("first_inside_ms"),
        back_out=2 * end - pl.col("last_fix_ms"),
        before=pl.col("before_ms").fill_null(_NEVER),
        after=pl.col("after_ms").fill_null(_NEVER),
    )
    # windows by run: in polars they cost two thirds of all that visits take, for most runs have one stay
    found = _of_runs(together.get_column("run").to_numpy(), *(c.to_numpy() for c in moments))
    since, until, before, after = (
        pl.when(pl.lit(c) != _NEVER).then(pl.lit(c)) for c in map(pl.Series, found)
    )
    return together.with_columns(
        patrol_from_ms=pl.max_horizontal(start, since),
        patrol_to_ms=pl.min_horizontal(end, until),
        before_ms=pl.max_horizontal("before_ms", before),
        after_ms=pl.min_horizontal("after_ms", after),
    ).drop("run", "reached_ms")


@compiled
def _of_runs(
    run: Longs, first_inside: Longs, last_fix: Longs, left_out: Longs, back_out: Longs, before: Longs, after: Longs
) -> tuple[Longs, Longs, Longs, Longs]:  # fmt: skip
    """(since, until, before, after) by row: what the rows of its run, which follow each other, say together; `_NEVER` where none does."""
    n = len(run)
    since, until = np.full(n, _NEVER), np.full(n, _NEVER)
    latest, earliest = np.full(n, _NEVER), np.full(n, _NEVER)
    a = 0
    while a < n:
        b = a + 1
        while b < n and run[b] == run[a]:
            b += 1
        first, last = first_inside[a:b].min(), last_fix[a:b].max()
        out = back = came = left = _NEVER
        for i in range(a, b):
            if left_out[i] <= first:
                out = max(out, left_out[i])
            if back_out[i] >= last and (back == _NEVER or back_out[i] < back):
                back = back_out[i]
            if before[i] <= first:
                came = max(came, before[i])
            if after[i] >= last and (left == _NEVER or after[i] < left):
                left = after[i]
        if out != _NEVER:
            since[a:b] = (first + out) // 2
        if back != _NEVER:
            until[a:b] = (last + back + 1) // 2
        latest[a:b], earliest[a:b] = came, left
        a = b
    return since, until, latest, earliest
