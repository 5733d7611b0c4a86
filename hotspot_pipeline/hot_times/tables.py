"""The tables of hot times from the hours of a period's events: what is asked of the kernels, in which order.

Pure frames. Here: `hot_times.profiles`, `profile_bins`, `windows`, `window_sets`, `window_parts`, `night_links`, `strength_scores`. Not
here: reading and writing (`assets.py`), the kernels themselves.

Special days (bank holidays and their eves, New Year's Eve, named nights, local events) are left out with their hours: an ordinary week is
described. The link to the night-time economy takes all days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from hotspot_pipeline.hot_time_rules import HotTimeRules
from hotspot_pipeline.hot_times.best_windows import WindowRules
from hotspot_pipeline.hot_times.hot_blocks import hot_blocks
from hotspot_pipeline.hot_times.levels import FORCE, Levels, cluster_of, levels
from hotspot_pipeline.hot_times.night_link import night_link, night_weights
from hotspot_pipeline.hot_times.profiles import bin_rows, profile, profile_rows
from hotspot_pipeline.hot_times.shifts import DEFAULT_SHIFTS, Shift, split_by_shifts
from hotspot_pipeline.hot_times.shrinkage import DEFAULT_STRENGTH, Strength, log_scores, tuned
from hotspot_pipeline.hot_times.week_sums import Selection, n_effective, selected, week_sums
from hotspot_pipeline.hot_times.windows import choose_windows, set_rows, window_rows

SELECTIONS: tuple[Selection, ...] = ("all", "without_damage", "with_long_windows")
# fewer weeks than half a year say too little about which strength foretells best
MIN_WEEKS_TO_TUNE = 26
TABLES = (
    "hot_times.profiles",
    "hot_times.profile_bins",
    # the audit of windows compares them with their sets
    "hot_times.window_sets",
    "hot_times.windows",
    "hot_times.window_parts",
    "hot_times.night_links",
    "hot_times.strength_scores",
)
Tables = dict[str, pl.DataFrame]


@dataclass(frozen=True)
class Weeks:
    """What happened in a period.

    `rows`, one per event and hour: place (hotspot, or null outside of all), event_id, hour_start_utc, hour_of_week, weight, temporal_quality,
    cat_group. `hours`, one per hour of the period: hour_start_utc, hour_of_week, week_start, is_ordinary, in_wide_nte, in_core_nte,
    in_peak_nte. `places`, one per hotspot: place, n_venues, dist_nearest_late_m, share_retail.
    """

    rows: pl.DataFrame
    hours: pl.DataFrame
    places: pl.DataFrame


def hot_time_tables(weeks: Weeks, rules: HotTimeRules) -> Tables:
    """The rows of every table of `TABLES`; none at all where no event has a usable hour."""
    if weeks.rows.is_empty() or weeks.places.is_empty():
        return {table: pl.DataFrame() for table in TABLES}
    links = _night_links(weeks)
    clusters = links.get_column("cluster").to_list()
    stacks = {s: _levels(weeks, clusters, s) for s in SELECTIONS}
    scores, strength = _strength(stacks["all"], rules)
    found: Tables = {"hot_times.night_links": links, "hot_times.strength_scores": scores}
    profiles, bins = [], []
    for selection, stack in stacks.items():
        hot = hot_blocks(stack.blocks().sums, seed=rules.seed, n_draws=rules.bootstrap_draws)
        made, hourly = profile(stack.blocks(), strength), profile(stack, strength)
        rows = profile_rows(stack.blocks(), made, strength, hot)
        worth = _n_effective(weeks, clusters, selection)
        profiles.append(_named(rows.join(worth, on="profile_id", how="left"), selection))
        # windows of days are a sensitivity: nothing is tested with them
        is_tested = selection != "with_long_windows"
        parts = [
            bin_rows(stack.blocks(), made, hot if is_tested else None),
            bin_rows(stack, hourly, None),
        ]
        bins.append(_named(pl.concat(parts, how="vertical_relaxed"), selection))
        if not is_tested:
            profiles[-1] = profiles[-1].with_columns(n_hot_blocks=pl.lit(None, pl.Int64))
        if selection == "all":
            is_hot = hot.is_hot[: stack.n_hotspots]
            limits = WindowRules(rules.hot_hours_budget, rules.min_hours, rules.max_hours)
            chosen = choose_windows(stack, strength, limits, is_hot, only_hot=rules.only_hot)
            windows = window_rows(stack, hourly, chosen, is_hot)
            found["hot_times.windows"] = windows
            found["hot_times.window_sets"] = set_rows(stack, strength, limits, chosen)
            found["hot_times.window_parts"] = split_by_shifts(windows, _shifts(rules))
    found["hot_times.profiles"] = pl.concat(profiles, how="vertical_relaxed")
    found["hot_times.profile_bins"] = pl.concat(bins, how="vertical_relaxed")
    return found


def _night_links(weeks: Weeks) -> pl.DataFrame:
    night = [c for c in weeks.hours.columns if c.endswith("_nte")]
    rows = weeks.rows.filter(pl.col("place").is_not_null()).join(
        weeks.hours.select("hour_start_utc", *night), on="hour_start_utc"
    )
    links = night_link(
        weeks.places.select("place", "n_venues", "dist_nearest_late_m"),
        night_weights(rows, ["place"]),
    )
    return links.join(
        weeks.places.select("place", "share_retail"), on="place", maintain_order="left"
    ).select(
        pl.col("place").alias("hotspot_id"),
        pl.exclude("place"),
        cluster=cluster_of(pl.col("nte_linked"), pl.col("share_retail")),
    )


def _levels(weeks: Weeks, clusters: Sequence[str], selection: Selection) -> Levels:
    rows = selected(weeks.rows, selection)
    ordinary = weeks.hours.filter("is_ordinary").select(
        "hour_start_utc", "hour_of_week", "week_start"
    )
    in_place = rows.filter(pl.col("place").is_not_null())
    return levels(
        week_sums(_sums(in_place), ordinary, weeks.places.get_column("place").to_list()),
        clusters,
        week_sums(_sums(rows.with_columns(place=pl.lit(FORCE))), ordinary, [FORCE]),
    )


def _sums(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.group_by("place", "hour_start_utc").agg(pl.col("weight").sum())


def _strength(stack: Levels, rules: HotTimeRules) -> tuple[pl.DataFrame, Strength]:
    """The scores of every strength by weeks held out, and the strength that is used for hotspots."""
    blocks = stack.blocks()
    scores = log_scores(blocks.hotspots, stack.cluster_of, blocks.sums.weights[-1])
    used: float = DEFAULT_STRENGTH
    if rules.prior_strength is not None:
        used = float(rules.prior_strength)
    elif len(stack.sums.weeks) >= MIN_WEEKS_TO_TUNE and stack.hotspots.weights.any():
        used = tuned(scores)
    is_used = (pl.col("method") == "shrunk") & (pl.col("strength") == used)
    return scores.with_columns(is_used=is_used.fill_null(False)), Strength(hotspot=used)


def _n_effective(weeks: Weeks, clusters: Sequence[str], selection: Selection) -> pl.DataFrame:
    """profile_id, n_effective of hotspots, clusters and the force."""
    ordinary = weeks.hours.filter("is_ordinary").select("hour_start_utc")
    rows = selected(weeks.rows, selection).join(ordinary, on="hour_start_utc", how="semi")
    of_place = dict(zip(weeks.places.get_column("place"), clusters, strict=True))
    named = {
        "place": pl.col("place"),
        "cluster": pl.col("place").replace_strict(of_place, default=None, return_dtype=pl.String),
        FORCE: pl.lit(FORCE),
    }
    return pl.concat(
        [
            n_effective(rows.with_columns(profile_id=name).drop_nulls("profile_id"), ["profile_id"])
            for name in named.values()
        ]
    )


def _named(rows: pl.DataFrame, selection: Selection) -> pl.DataFrame:
    return rows.select(pl.lit(selection).alias("selection"), pl.all())


def _shifts(rules: HotTimeRules) -> Sequence[Shift]:
    own = [Shift(s.name, s.starts, s.ends, frozenset(s.weekdays)) for s in rules.shifts]
    return own or DEFAULT_SHIFTS
