"""From the hours of events to the rows of this stage's tables, for one selection of events.

Here: which kernel is fed with what, in order. Not here: the kernels, and who reads and writes tables
(`assets`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

import polars as pl

from hotspot_pipeline.hot_times.best_windows import WindowRules
from hotspot_pipeline.hot_times.hot_blocks import N_DRAWS, hot_blocks
from hotspot_pipeline.hot_times.levels import FORCE, Levels, levels
from hotspot_pipeline.hot_times.profiles import bin_rows, profile, profile_rows
from hotspot_pipeline.hot_times.shifts import DEFAULT_SHIFTS, Shift, split_by_shifts
from hotspot_pipeline.hot_times.shrinkage import STRENGTHS, Strength, log_scores, tuned
from hotspot_pipeline.hot_times.week_sums import (
    Selection,
    left_out,
    n_effective,
    selected,
    week_sums,
)
from hotspot_pipeline.hot_times.windows import choose_windows, set_rows, window_rows

_ROW_COLUMNS = (
    "event_id", "hotspot_id", "cat_group", "temporal_quality", "hour_start_utc", "hour_of_week", "weight",
)  # fmt: skip


@dataclass(frozen=True)
class HotTimeRules:
    """What a force may set: windows, shifts, whether windows keep to hot blocks, candidates for the
    strength of shrinkage (one is taken as it is), draws and seed of the bootstrap."""

    windows: WindowRules = field(default_factory=WindowRules)
    shifts: tuple[Shift, ...] = DEFAULT_SHIFTS
    only_hot: bool = False
    strengths: tuple[float, ...] = STRENGTHS
    bootstrap_draws: int = N_DRAWS
    seed: int = 1


DEFAULT_RULES = HotTimeRules()


@dataclass(frozen=True)
class HotTimes:
    """Rows of the tables of the same names, each with `selection` in front. `left_out_weight`: what lies
    on special days or outside the period, so that all weight is accounted for."""

    profiles: pl.DataFrame
    profile_bins: pl.DataFrame
    windows: pl.DataFrame
    window_parts: pl.DataFrame
    window_sets: pl.DataFrame
    prior_scores: pl.DataFrame
    left_out_weight: int


def as_events(weight: pl.Expr) -> pl.Expr:
    """Weights as events, exactly: Decimal with twelve places."""
    return weight.cast(pl.Decimal(38, 12)) * Decimal("0.000000000001")


def hot_times(
    rows: pl.DataFrame,
    hours: pl.DataFrame,
    hotspots: pl.DataFrame,
    rules: HotTimeRules = DEFAULT_RULES,
    *,
    selection: Selection = "all",
) -> HotTimes:
    """All tables of one selection.

    `rows`: event_hours of the whole force: event_id, hotspot_id (null outside hotspots), cat_group,
    temporal_quality, hour_start_utc, hour_of_week, weight. `hours`: the hours of the period, special days
    left out: hour_start_utc, hour_of_week, week_start. `hotspots`: hotspot_id, cluster; in their order.

    The strength of the hotspots' prior is the one that foretells best (`prior_scores`); those of clusters
    and force stay 30 events. Windows are chosen for every hotspot, events or not.
    """
    missing = [name for name in _ROW_COLUMNS if name not in rows.columns]
    if missing:
        raise ValueError(f"hot times: no column {', '.join(missing)}; the frame has {rows.columns}")
    chosen = selected(rows, selection)
    stack = _levels(chosen, hours, hotspots)
    blocks = stack.blocks()
    scores = log_scores(
        blocks.hotspots, stack.cluster_of, blocks.sums.weights[-1], candidates=rules.strengths
    )
    strength = Strength(hotspot=tuned(scores))
    hot = hot_blocks(blocks.sums, seed=rules.seed, n_draws=rules.bootstrap_draws)
    by_block, by_hour = profile(blocks, strength), profile(stack, strength)
    is_hot = hot.is_hot[: stack.n_hotspots]
    windows = choose_windows(stack, strength, rules.windows, is_hot, only_hot=rules.only_hot)
    window_frame = window_rows(stack, by_hour, windows, is_hot)
    inside = chosen.join(hours.select("hour_start_utc"), on="hour_start_utc", how="semi")
    profiles = (
        profile_rows(blocks, by_block, strength, hot)
        .join(
            _effective(inside, hotspots),
            on=["level", "profile_id"],
            how="left",
            maintain_order="left",
        )
        .with_columns(
            pl.col("n_effective").fill_null(0.0), as_events(pl.col("weight")).alias("n_events")
        )
        .drop("weight")
    )
    bins = pl.concat([bin_rows(blocks, by_block, hot), bin_rows(stack, by_hour, None)])
    bins = bins.with_columns(as_events(pl.col("weight")).alias("n_events")).drop("weight")
    name = pl.lit(selection).alias("selection")
    return HotTimes(
        profiles.select(name, pl.all()),
        bins.select(name, pl.all()),
        window_frame.select(name, pl.all()),
        split_by_shifts(window_frame, rules.shifts).select(name, pl.all()),
        set_rows(stack, strength, rules.windows, windows).select(name, pl.all()),
        scores.select(name, pl.all()),
        left_out(chosen, hours),
    )


def _levels(rows: pl.DataFrame, hours: pl.DataFrame, hotspots: pl.DataFrame) -> Levels:
    by_hour = rows.group_by("hotspot_id", "hour_start_utc").agg(pl.col("weight").sum())
    places = hotspots.get_column("hotspot_id").to_list()
    in_places = by_hour.drop_nulls("hotspot_id").rename({"hotspot_id": "place"})
    everywhere = by_hour.group_by("hour_start_utc").agg(pl.col("weight").sum())
    return levels(
        week_sums(in_places, hours, places),
        hotspots.get_column("cluster").to_list(),
        week_sums(everywhere.with_columns(place=pl.lit(FORCE)), hours, [FORCE]),
    )


def _effective(rows: pl.DataFrame, hotspots: pl.DataFrame) -> pl.DataFrame:
    """n_effective of every profile: level, profile_id, n_effective."""
    in_places = rows.drop_nulls("hotspot_id").join(hotspots, on="hotspot_id")
    of_level = {
        "hotspot": n_effective(in_places, ["hotspot_id"]),
        "cluster": n_effective(in_places, ["cluster"]),
        "force": n_effective(rows.with_columns(force=pl.lit(FORCE)), ["force"]),
    }
    return pl.concat(
        frame.select(
            pl.lit(level).alias("level"),
            pl.nth(0).cast(pl.String).alias("profile_id"),
            "n_effective",
        )
        for level, frame in of_level.items()
    )
