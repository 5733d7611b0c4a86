"""Counts of hotspots by week and group with every zero in its place, sums over weeks, and the metrics of them.

Pure frames. Here: families 1, 2 and 8 of the weekly metrics (events, harm, ring). Not here: reading counts (`metric_inputs`), what patrols did
(`patrol_metrics`), what is expected (`baseline_book`, `limit_rows`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

ALL = "ALL"
SETTLED_DAYS = 28
WEEK = timedelta(days=7)
SUMS = (4, 13, 52)
_MEASURES = ("n_events", "harm_days", "n_with_harm", "n_serious")
_KEYS = ("hotspot_id", "week_start", "cat_group")
# metric, column, unit
_METRICS = (
    ("events", "n_events", "events"),
    *((f"events_{n}_weeks", f"sum_{n}", "events") for n in SUMS),
    ("events_a_year_before", "year_before", "events"),
    ("harm_days", "harm_days", "days"),
    ("serious_events", "n_serious", "events"),
)


def mondays(first: date, last: date) -> list[date]:
    """The Mondays from `first` to `last`, both included; none where `last` is before `first`."""
    return [first + WEEK * n for n in range((last - first).days // 7 + 1)]


def dense(
    counts: pl.DataFrame, hotspots: Sequence[str], weeks: Sequence[date], groups: Sequence[str]
) -> pl.DataFrame:
    """hotspot_id, week_start, cat_group, n_events, harm_days, n_with_harm, n_serious: one row for every hotspot, week and group, and for the
    group ALL, their sum; zeros where `counts` (the same columns) has no row. Sorted by hotspot, group and week."""
    grid = (
        pl.DataFrame({"hotspot_id": list(hotspots)}, schema={"hotspot_id": pl.String})
        .join(pl.DataFrame({"week_start": list(weeks)}, schema={"week_start": pl.Date}), how="cross")
        .join(pl.DataFrame({"cat_group": [*groups, ALL]}), how="cross")
    )  # fmt: skip
    typed = counts.select(*_KEYS, *(pl.col(m).cast(_type(m)) for m in _MEASURES))
    total = typed.group_by("hotspot_id", "week_start").agg(pl.col(_MEASURES).sum()).with_columns(cat_group=pl.lit(ALL)).select(typed.columns)  # fmt: skip
    found = pl.concat([typed, total.cast(typed.schema)])
    return (
        grid.join(found, on=_KEYS, how="left")
        .with_columns(pl.col(m).fill_null(pl.lit(0, _type(m))) for m in _MEASURES)
        .sort("hotspot_id", "cat_group", "week_start")
    )


def with_sums(counts: pl.DataFrame, taken: Sequence[date]) -> pl.DataFrame:
    """`counts` as of `dense`, of the weeks `taken` only, with sum_4, sum_13, sum_52 (to this week) and year_before (52 weeks before).

    They are null where one of their weeks is not there: before the first week, or a week without the cut.
    """
    series = ("hotspot_id", "cat_group")
    known = pl.when(pl.col("week_start").is_in(list(taken))).then("n_events")
    sums = {f"sum_{n}": pl.col("known").rolling_sum(n, min_samples=n).over(series) for n in SUMS}
    return (
        counts.with_columns(known=known)
        .with_columns(**sums, year_before=pl.col("known").shift(52).over(series))
        .filter(pl.col("known").is_not_null())
        .drop("known")
    )


def count_metrics(counts: pl.DataFrame, cut: str, data_to: date) -> pl.DataFrame:
    """The long rows of a cut from `with_sums`: hotspot_id, week_start, cut, metric, cat_group, time_band, value, unit, is_provisional, label.

    `data_to`: the day to which everything is known; the latest cut is provisional for 28 days after a week's end. Sums that are not known
    have no row. A harm that rests on some of the events says on how many.
    """
    rows = []
    for metric, column, unit in _METRICS:
        label = pl.lit(None, pl.String)
        if metric == "harm_days":
            some = pl.col("n_with_harm") < pl.col("n_events")
            label = pl.when(some).then(
                pl.format("{} of {} events have a weight", "n_with_harm", "n_events")
            )
        rows.append(
            counts.filter(pl.col(column).is_not_null()).select(
                "hotspot_id", "week_start", "cat_group", metric=pl.lit(metric), value=pl.col(column).cast(pl.Float64), unit=pl.lit(unit), label=label
            )
        )  # fmt: skip
    return pl.concat(rows).with_columns(
        cut=pl.lit(cut), time_band=pl.lit("all"), is_provisional=provisional(cut, data_to)
    )


def provisional(cut: str, data_to: date) -> pl.Expr:
    """Whether more may come to a week's figure."""
    if cut != "latest":
        return pl.lit(cut == "first_issue")
    return pl.col("week_start") + WEEK + timedelta(days=SETTLED_DAYS) > data_to


def ring_metrics(counts: pl.DataFrame, data_to: date) -> pl.DataFrame:
    """The long rows of the rings, as `count_metrics`, from `dense` counts of ring cells."""
    return counts.select(
        "hotspot_id", "week_start", "cat_group", metric=pl.lit("ring_events"), value=pl.col("n_events").cast(pl.Float64), unit=pl.lit("events"),
        label=pl.lit("cells next to the hotspot that belong to none"), cut=pl.lit("latest"), time_band=pl.lit("all"),
        is_provisional=provisional("latest", data_to),
    )  # fmt: skip


def band_metrics(
    weights: pl.DataFrame, counts: pl.DataFrame, bands: Sequence[str], data_to: date
) -> pl.DataFrame:
    """Events by time band, every week and group of `counts` in each of `bands`. `weights`: hotspot_id, week_start, cat_group, time_band, weight
    (10^-12 events, whole numbers)."""
    groups = weights.filter(pl.col("cat_group") != ALL)
    total = groups.group_by("hotspot_id", "week_start", "time_band").agg(pl.col("weight").sum()).with_columns(cat_group=pl.lit(ALL)).select(groups.columns)  # fmt: skip
    grid = counts.select(_KEYS).join(pl.DataFrame({"time_band": list(bands)}), how="cross")
    return (
        grid.join(pl.concat([groups, total]), on=[*_KEYS, "time_band"], how="left")
        # column by column: a constant divisor is multiplied by its reciprocal
        .with_columns(weight=pl.col("weight").fill_null(0), one=pl.lit(10**12))
        .with_columns(one=pl.col("one") + pl.col("weight") - pl.col("weight"))
        .select(
            *_KEYS, "time_band", metric=pl.lit("events"), value=pl.col("weight") / pl.col("one"), unit=pl.lit("events"),
            label=pl.lit("shares of events by their possible hours"), cut=pl.lit("latest"), is_provisional=provisional("latest", data_to),
        )
    )  # fmt: skip


def nearest_hotspot(
    cells: Sequence[int], left: Sequence[int], right: Sequence[int], hotspots: pl.DataFrame
) -> pl.DataFrame:
    """cell, hotspot_id: every cell next to a hotspot and in none, given to the touching hotspot of the best rank, then the first by id.

    `left`, `right`: positions in `cells` of neighbours, both ways. `hotspots`: hotspot_id, hotspot_rank, cell.
    """
    pairs = pl.DataFrame({"i": left, "j": right}, schema={"i": pl.Int64, "j": pl.Int64})
    names = pl.DataFrame({"cell": cells}, schema={"cell": pl.Int64}).with_row_index("at")
    named = names.with_columns(pl.col("at").cast(pl.Int64))
    return (
        pairs.join(named.rename({"at": "i", "cell": "next_to"}), on="i")
        .join(named.rename({"at": "j"}), on="j")
        .join(hotspots.rename({"cell": "next_to"}), on="next_to")
        .join(hotspots.select("cell"), on="cell", how="anti")
        .sort("cell", "hotspot_rank", "hotspot_id")
        .unique("cell", keep="first", maintain_order=True)
        .select("cell", "hotspot_id")
    )


def _type(measure: str) -> pl.DataType:
    return pl.Decimal(18, 2) if measure == "harm_days" else pl.Int64()
