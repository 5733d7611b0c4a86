"""Events and places of the night-time economy: by their hours, and by the venues around.

Here: `in_core_nte` of events, and the link of a hotspot by venues and profile together (DOMAIN §2.6).
Not here: which hours are night (`timebase.night_time`), venues around cells (`hexes`).
"""

from __future__ import annotations

import polars as pl

MIN_VENUES = 2
LATE_WITHIN_M = 50.0
MIN_WIDE_PERCENT = 40
NIGHT_COLUMNS = ("in_wide_nte", "in_core_nte", "in_peak_nte")
REASON_NO_HOURS = "no event of the place has a usable hour"


def night_weights(rows: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """Weights inside the night by the columns `by`: weight, weight_wide_nte, weight_core_nte,
    weight_peak_nte (units of 10^-12 events).

    `rows` as of `aoristic.event_hours`, with in_wide_nte, in_core_nte, in_peak_nte of each hour; an hour
    for which no definition is in force (null) is not night.
    """
    weight = pl.col("weight")
    return rows.group_by(by, maintain_order=True).agg(
        weight.sum(),
        *(
            weight.filter(pl.col(column)).sum().alias(f"weight_{column.removeprefix('in_')}")
            for column in NIGHT_COLUMNS
        ),
    )


def event_nights(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per event with hours: event_id, in_wide_nte, in_core_nte, in_peak_nte, share_core_nte.

    An event is in the night where more of it lies inside than outside; the share says how sure that is
    (0 or 1 for a moment). Events without usable hours have no row: whether they were at night is unknown.
    """
    weights = night_weights(rows, ["event_id"])
    # by the column: polars divides by a constant through its reciprocal, and the last digit would
    # depend on how many rows there are
    share = pl.col("weight_core_nte") / pl.col("weight")
    return weights.select(
        "event_id",
        *(
            (2 * pl.col(f"weight_{column.removeprefix('in_')}") > pl.col("weight")).alias(column)
            for column in NIGHT_COLUMNS
        ),
        share_core_nte=share,
    )


def night_link(
    places: pl.DataFrame, weights: pl.DataFrame, *, min_wide_percent: int = MIN_WIDE_PERCENT
) -> pl.DataFrame:
    """One row per place, in the order given: place, has_nte_venues, share_wide_nte, share_core_nte,
    nte_linked, nte_linked_reason.

    `places` has place, n_venues (in its cells), dist_nearest_late_m (from its cells to the nearest late
    venue, 0 inside, null without any); `weights` from `night_weights` by place. A place is linked when
    it has the venues (at least two, or a late one within 50 m) **and** at least `min_wide_percent` % of
    its events with an hour fall into the wide night. Without the venues it is not linked whatever its
    hours; with them and without a usable hour it is unknown, with the reason.
    """
    has_venues = (pl.col("n_venues") >= MIN_VENUES) | (
        pl.col("dist_nearest_late_m") <= LATE_WITHIN_M
    ).fill_null(False)
    has_hours = pl.col("weight").fill_null(0) > 0
    # whole numbers: 40 % of five events is two, not a hair less
    at_night = 100 * (pl.col("weight_wide_nte") // 100) >= min_wide_percent * (
        pl.col("weight") // 100
    )
    joined = places.join(weights, on="place", how="left", maintain_order="left")
    return joined.with_columns(has_nte_venues=has_venues).select(
        "place",
        "has_nte_venues",
        share_wide_nte=pl.when(has_hours).then(pl.col("weight_wide_nte") / pl.col("weight")),
        share_core_nte=pl.when(has_hours).then(pl.col("weight_core_nte") / pl.col("weight")),
        nte_linked=pl.when(~pl.col("has_nte_venues"))
        .then(pl.lit(False))
        .when(has_hours)
        .then(at_night),
        nte_linked_reason=pl.when(pl.col("has_nte_venues") & ~has_hours).then(
            pl.lit(REASON_NO_HOURS)
        ),
    )
