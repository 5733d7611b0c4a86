"""Weeks of events drawn from a known profile, laid out as the kernels want them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from hotspot_pipeline.hot_times.aoristic import WEIGHT_UNIT
from hotspot_pipeline.hot_times.levels import Levels, levels
from hotspot_pipeline.hot_times.week_sums import WeekSums, hours_of_block

MONDAY = date(2024, 1, 1)


def laid_out(counts: np.ndarray, places: Sequence[str] | None = None) -> WeekSums:
    """`counts` (n_places, n_weeks, 168) of whole events, in ordinary weeks."""
    n_places, n_weeks, n_bins = counts.shape
    weeks = tuple(MONDAY + timedelta(days=7 * k) for k in range(n_weeks))
    names = tuple(places or (f"H{k:02d}" for k in range(n_places)))
    return WeekSums(
        names,
        weeks,
        counts.astype(np.int64) * WEIGHT_UNIT,
        np.ones((n_weeks, n_bins), dtype=np.int64),
    )


def drawn(
    rng: np.random.Generator, shares: np.ndarray, n_weeks: int, per_year: np.ndarray
) -> WeekSums:
    """Poisson events: `shares` (n_places, 168) of an ordinary week, `per_year` (n_places,)."""
    rate = shares * (per_year / 52)[:, None]
    return laid_out(rng.poisson(rate[:, None, :], (len(shares), n_weeks, 168)))


def peaked(blocks: Sequence[int], ratio: float) -> np.ndarray:
    """(168,) shares: `ratio` times the base rate in these blocks."""
    shares = np.ones(168)
    for block in blocks:
        shares[hours_of_block(block)] = ratio
    return shares / shares.sum()


def stacked(
    hotspots: WeekSums, clusters: Sequence[str] | None = None, elsewhere: int = 0
) -> Levels:
    """With the force made of the hotspots and `elsewhere` more events in each hour of each week."""
    force = hotspots.weights.sum(axis=0, keepdims=True) + elsewhere * WEIGHT_UNIT
    of_force = WeekSums(("force",), hotspots.weeks, force, hotspots.hours)
    return levels(hotspots, clusters or ["residential_other"] * len(hotspots.places), of_force)
