"""From events in the selection window to scored cells: every study cell with its counts, ranks and screens.

Puts the kernels of this stage together; each figure's definition is in its own kernel (`ranking`, `local_gistar`,
`stability`, `persistence`, `venues`). Rank decides; Gi* and the rest annotate.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from hotspot_pipeline.geo.grid import Grid
from hotspot_pipeline.geo.outlines import polygons_bng
from hotspot_pipeline.hexes.local_gistar import gistar_frame
from hotspot_pipeline.hexes.persistence import persistence
from hotspot_pipeline.hexes.ranking import rank_cells, select_top
from hotspot_pipeline.hexes.stability import stability_frame
from hotspot_pipeline.hexes.venues import nte_linked, venues_near_cells
from hotspot_pipeline.settings import CATEGORY_GROUPS, HotspotRules

SERIOUS_DAYS = 365


@dataclass(frozen=True)
class SelectionWindow:
    """Half open. `n_months` is 0 where the window is not made of whole calendar months."""

    first_day: date
    end_day: date

    @property
    def n_months(self) -> int:
        if self.first_day.day != 1 or self.end_day.day != 1:
            return 0
        return (
            (self.end_day.year - self.first_day.year) * 12
            + self.end_day.month
            - self.first_day.month
        )

    @property
    def years(self) -> float:
        return (self.end_day - self.first_day).days / 365.25


def selection_window(
    rules: HotspotRules, first: date | None, last: date | None, *, is_monthly: bool
) -> SelectionWindow | None:
    """The window of the rules, or the newest 12 closed months of the data between `first` and `last` (event dates).

    `is_monthly`: every event is dated on the 1st of its month, and a month is complete when it is delivered. With less
    than 12 closed months: those there are; with none, the days there are. None without data and without a window in the
    rules.
    """
    if rules.window_from and rules.window_to:
        return SelectionWindow(rules.window_from, rules.window_to)
    if first is None or last is None:
        return None
    is_closed = is_monthly or (_next_month(last) - last).days == 1
    end = _next_month(last) if is_closed else last.replace(day=1)
    begun = first if first.day == 1 else _next_month(first)
    start = max(begun, end.replace(year=end.year - 1))
    return (
        SelectionWindow(start, end)
        if start < end
        else SelectionWindow(first, last + timedelta(days=1))
    )


def score_cells(
    events: pl.DataFrame,
    cells: pl.DataFrame,
    venues: pl.DataFrame,
    *,
    grid: Grid,
    window: SelectionWindow,
    rules: HotspotRules,
) -> pl.DataFrame:
    """One row per study cell, with the columns of `hexes.cell_scores`.

    `events`: counted events of the window and groups: cell, cat_group, month, hour_of_week, is_day, harm_days.
    `cells`: study cells at the grid's resolution: cell, cell_id, area_m2, is_in_force. `venues`: venue_id, easting,
    northing, is_late, valid_from, valid_to (EPSG:27700, metres).
    """
    study = cells.sort("cell")
    counts = _counts(events)
    scored = study.join(counts, on="cell", how="left").with_columns(
        pl.col(counts.columns).exclude("cell", "harm_days").fill_null(0)
    )
    min_events = max(1, round(rules.min_events * window.years))
    ranked = select_top(rank_cells(scored), rules.top_k, min_events=min_events)
    stable = stability_frame(ranked, rules.top_k, seed=rules.seed, n_draws=rules.bootstrap_draws)
    ids = stable.get_column("cell").to_numpy()
    i, j = grid.neighbours(ids)
    gistar = gistar_frame(ids, stable.get_column("n_events").to_numpy(), i, j).select(
        "cell", "gistar_z"
    )
    return (
        stable.join(gistar, on="cell", how="left")
        .join(_persistence(events, window, rules), on="cell", how="left")
        .join(_night_time_economy(events, study, venues, grid, window), on="cell", how="left")
        .with_columns(
            window_from=pl.lit(window.first_day),
            window_to=pl.lit(window.end_day),
            events_per_km2=pl.col("n_events") / (pl.col("area_m2") / 1e6),
            n_venues_in_cell=pl.col("n_venues_in_cell").fill_null(0),
            n_late_within_100m=pl.col("n_late_within_100m").fill_null(0),
        )
        .sort("rank_by_count")
    )


def _counts(events: pl.DataFrame) -> pl.DataFrame:
    by_group = [
        (pl.col("cat_group") == group).sum().cast(pl.Int64).alias(f"n_{group.lower()}")
        for group in CATEGORY_GROUPS
    ]
    return events.group_by("cell").agg(
        pl.len().cast(pl.Int64).alias("n_events"),
        _harm(),
        *by_group,
        n_by_day=pl.col("is_day").sum().cast(pl.Int64),
        n_by_night=pl.col("is_day").not_().sum().cast(pl.Int64),
        n_serious=(pl.col("harm_days") >= SERIOUS_DAYS).sum().cast(pl.Int64),
    )


def _harm() -> pl.Expr:
    """The sum of the weights, null where no event has one: a missing weight is not a weight of zero."""
    return (
        pl.when(pl.col("harm_days").count() > 0).then(pl.col("harm_days").sum()).alias("harm_days")
    )


def _persistence(
    events: pl.DataFrame, window: SelectionWindow, rules: HotspotRules
) -> pl.DataFrame:
    wanted = (
        "cell",
        "months_active",
        "coefficient_of_variation",
        "n_quarters_in_top_k",
        "is_persistent",
        "trajectory",
    )
    n_months = window.n_months
    if n_months < 6 or n_months % 6:
        # quarters and halves are not defined: the columns stay empty rather than guessed
        n_months, events = 6, events.clear()
    monthly = events.group_by("cell", "month").agg(
        pl.len().cast(pl.Int64).alias("n_events"), _harm()
    )
    return persistence(
        monthly, window_start=window.first_day.replace(day=1), n_months=n_months, k=rules.top_k
    ).select(wanted)


def _night_time_economy(
    events: pl.DataFrame,
    study: pl.DataFrame,
    venues: pl.DataFrame,
    grid: Grid,
    window: SelectionWindow,
) -> pl.DataFrame:
    """Only cells with events are looked at: the rest have nothing to link."""
    populated = (
        study.join(events.select("cell").unique(), on="cell", how="semi")
        .get_column("cell")
        .to_numpy()
    )
    polygons = polygons_bng(grid, populated)
    near = venues_near_cells(
        populated, polygons, venues.rename({"is_late": "late_licence"}), on_day=window.end_day
    )
    timed = events.filter(pl.col("hour_of_week").is_not_null())
    hour = pl.col("hour_of_week") % 24
    hours = (
        timed.group_by("cell").agg(
            n_events_with_hour=pl.len().cast(pl.Int64),
            n_events_wide_nte=((hour >= 18) | (hour < 6)).sum().cast(pl.Int64),
        )
        if timed.height or events.is_empty()
        else None
    )
    linked = nte_linked(near, hours)
    return near.select(
        "cell", "n_venues_in_cell", "n_late_within_100m", "dist_nearest_late_m"
    ).join(linked, on="cell")


def _next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)
