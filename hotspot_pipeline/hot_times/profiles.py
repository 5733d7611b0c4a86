"""Profiles of the week: 56 blocks of three hours and 168 smoothed hours, shrunk and labelled.

Here: the rows of `hot_times.profiles` (one a profile) and `hot_times.profile_bins`. Not here: the prior
(`shrinkage`), the tests (`hot_blocks`).

80 events a year are half an event for each hour of the week: single hours are for looking at, smoothed
over their neighbours; blocks are what is tested.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from hotspot_pipeline.hot_times.hot_blocks import HotBlocks, rate_ratio
from hotspot_pipeline.hot_times.levels import Levels
from hotspot_pipeline.hot_times.shrinkage import Shares, Strength, shares
from hotspot_pipeline.hot_times.week_sums import (
    BLOCK_HOURS,
    FIRST_BLOCK_HOUR,
    HOURS_A_YEAR,
    FloatArray,
    WeekSums,
)
from hotspot_pipeline.timebase import HOURS_IN_WEEK

SMOOTHING_HOURS = 1.5
OWN_FROM, SHRUNK_FROM = 50.0, 20.0
"""Weighted events a year: an own profile, or one that leans on its cluster."""

LABELS = ("own", "shrunk", "cluster")


@dataclass(frozen=True)
class Profile:
    """Of one stack of levels, by blocks or by hours. (n_rows, n_bins): `share` of the week's events,
    shrunk; `ratio` of that rate to the mean rate, for hours smoothed. (n_rows,): `label`,
    `shrink_factor`, how much of the profile is the level above's (0 to 1)."""

    share: FloatArray
    ratio: FloatArray
    label: tuple[str, ...]
    shrink_factor: FloatArray


def profile(levels: Levels, strength: Strength) -> Profile:
    """`levels` by blocks or by hours; NaN ratios where a bin has no hours.

    Under 20 weighted events a year a hotspot has its cluster's profile (made without it), from 20 on
    its own drawn to that one; clusters and force have their own always.
    """
    sums, n = levels.sums, levels.n_hotspots
    events, exposure = sums.events, sums.exposure
    made: Shares = shares(events[:n], levels.cluster_of, events[-1], exposure, strength)
    label = labels(sums)
    label = (*label[:n], *("own" for _ in label[n:]))
    is_cluster = np.array([each == "cluster" for each in label[:n]], dtype=np.bool_)
    own = np.where(is_cluster[:, None], made.prior, made.own)
    share = np.concatenate([own, made.clusters, made.force[None]])
    k = np.repeat(
        [strength.hotspot, strength.cluster, strength.force], [n, len(levels.cluster_names), 1]
    )
    factor = k / (events.sum(axis=1) + k)
    factor[:n][is_cluster] = 1.0
    is_hourly = share.shape[1] == HOURS_IN_WEEK
    seen, over = (smooth_week(share), smooth_week(exposure)) if is_hourly else (share, exposure)
    return Profile(share, rate_ratio(seen, over), label, factor)


def labels(sums: WeekSums) -> tuple[str, ...]:
    """`own`, `shrunk` or `cluster` by weighted events a year; `cluster` where there are no weeks."""
    a_year = sums.events.sum(axis=1) / sums.years if sums.years else np.zeros(len(sums.places))
    return tuple(
        "own" if each >= OWN_FROM else "shrunk" if each >= SHRUNK_FROM else "cluster"
        for each in a_year.round(9)
    )


def smooth_week(values: FloatArray, sigma_hours: float = SMOOTHING_HOURS) -> FloatArray:
    """(…, 168) smoothed with a Gaussian kernel that runs round the week; sums stay.

    Numerator and hours of exposure are smoothed alike before they are divided, so an hour that a
    short period never had borrows from its neighbours instead of being empty.
    """
    reach = int(np.ceil(4 * sigma_hours))
    steps = np.arange(-reach, reach + 1)
    kernel = np.exp(-0.5 * (steps / sigma_hours) ** 2)
    kernel /= kernel.sum()
    # added up in one order, step by step, so that the result is the same on every machine
    smoothed = np.zeros_like(values, dtype=np.float64)
    for step, weight in zip(steps, kernel, strict=True):
        smoothed += weight * np.roll(values, step, axis=-1)
    return smoothed


def profile_rows(levels: Levels, made: Profile, strength: Strength, hot: HotBlocks) -> pl.DataFrame:
    """One row per profile: level, profile_id, cluster (of a hotspot), weight (units of 10^-12 events),
    exposure_hours, events_a_year, label, prior_strength, shrink_factor, n_hot_blocks.

    `levels`, `made` and `hot` by blocks. n_effective is joined from `week_sums.n_effective`.
    """
    sums, n = levels.sums, levels.n_hotspots
    rest = len(sums.places) - n
    weight = sums.weights.sum(axis=(1, 2))
    hours = int(sums.hours.sum())
    return pl.DataFrame(
        {
            "level": levels.level,
            "profile_id": sums.places,
            "cluster": (*levels.cluster_of, *(None for _ in range(rest))),
            "weight": weight,
            "exposure_hours": np.full(len(weight), hours),
            "events_a_year": [
                value if hours else None
                for value in sums.events.sum(axis=1) * HOURS_A_YEAR / max(hours, 1)
            ],
            "label": made.label,
            "prior_strength": [float(getattr(strength, level)) for level in levels.level],
            "shrink_factor": made.shrink_factor,
            "n_hot_blocks": hot.is_hot.sum(axis=1),
        },
        schema_overrides={"cluster": pl.String, "events_a_year": pl.Float64},
    )


def bin_rows(levels: Levels, made: Profile, hot: HotBlocks | None) -> pl.DataFrame:
    """One row per profile and bin: level, profile_id, resolution (block or hour), bin_no (block 0 to
    55, or hour of the week), police_weekday (0 Monday), start_hour (local), weight, exposure_hours,
    rate_ratio (as counted), share and rate_ratio_shrunk (hours: smoothed), and, for blocks, ratio_low,
    ratio_high, p_value, q_value, is_hot. What is not defined is null, never NaN.
    """
    sums = levels.sums
    n_rows, n_bins = made.share.shape
    is_hourly = n_bins == HOURS_IN_WEEK
    bins = np.arange(n_bins)
    into_week = (bins - FIRST_BLOCK_HOUR) % HOURS_IN_WEEK if is_hourly else bins * BLOCK_HOURS
    frame = pl.DataFrame(
        {
            "level": np.repeat(levels.level, n_bins),
            "profile_id": np.repeat(sums.places, n_bins),
            "resolution": ["hour" if is_hourly else "block"] * (n_rows * n_bins),
            "bin_no": np.tile(bins, n_rows),
            "police_weekday": np.tile(into_week // 24, n_rows),
            "start_hour": np.tile((into_week + FIRST_BLOCK_HOUR) % 24, n_rows),
            "weight": sums.weights.sum(axis=1).ravel(),
            "exposure_hours": np.tile(sums.hours.sum(axis=0), n_rows),
            "rate_ratio": rate_ratio(sums.events, sums.exposure).ravel(),
            "share": made.share.ravel(),
            "rate_ratio_shrunk": made.ratio.ravel(),
        }
    )
    tested = {name: pl.lit(None, pl.Float64) for name in _TESTED}
    is_hot: pl.Expr | pl.Series = pl.lit(None, pl.Boolean)
    if hot is not None:
        tested = {name: pl.lit(pl.Series(getattr(hot, name).ravel())) for name in _TESTED}
        is_hot = pl.Series(hot.is_hot.ravel())
    return frame.with_columns(**tested, is_hot=is_hot).with_columns(
        pl.selectors.float().fill_nan(None)
    )


_TESTED = ("ratio_low", "ratio_high", "p_value", "q_value")
