"""Hotspots, their clusters and the force as one stack of sums, and which cluster a hotspot is in.

Here: what is above a hotspot. Not here: how a profile is drawn to the level above (`shrinkage`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from hotspot_pipeline.hot_times.week_sums import WeekSums

FORCE = "force"
CLUSTERS = ("town_centre_night", "retail", "residential_other")
MIN_RETAIL_SHARE = 0.4


@dataclass(frozen=True)
class Levels:
    """`sums` has the hotspots first, then the clusters in order of name, then the force."""

    sums: WeekSums
    level: tuple[str, ...]
    cluster_of: tuple[str, ...]

    @property
    def n_hotspots(self) -> int:
        return len(self.cluster_of)

    @property
    def hotspots(self) -> WeekSums:
        n = self.n_hotspots
        return replace(self.sums, places=self.sums.places[:n], weights=self.sums.weights[:n])

    @property
    def cluster_names(self) -> tuple[str, ...]:
        return self.sums.places[self.n_hotspots : -1]

    def of_weeks(self, chosen: np.ndarray) -> Levels:
        return replace(self, sums=self.sums.of_weeks(chosen))

    def blocks(self) -> Levels:
        return replace(self, sums=self.sums.blocks())


def levels(hotspots: WeekSums, cluster_of: Sequence[str], force: WeekSums) -> Levels:
    """Stack hotspots, the sums of their clusters, and the force (one place, all its counted events,
    those of the hotspots among them). Both must be of the same weeks and hours.
    """
    if hotspots.weeks != force.weeks or not np.array_equal(hotspots.hours, force.hours):
        raise ValueError(
            "levels: hotspots and force must be laid out over the same weeks and hours"
        )
    if len(cluster_of) != len(hotspots.places) or len(force.places) != 1:
        raise ValueError(
            f"levels: {len(hotspots.places)} hotspots need as many clusters, not {len(cluster_of)}, "
            f"and one force, not {len(force.places)}"
        )
    names = tuple(sorted(set(cluster_of)))
    number = np.array([names.index(name) for name in cluster_of], dtype=np.int64)
    by_cluster = np.zeros((len(names), *hotspots.weights.shape[1:]), dtype=np.int64)
    np.add.at(by_cluster, number, hotspots.weights)
    return Levels(
        replace(
            hotspots,
            places=(*hotspots.places, *names, FORCE),
            weights=np.concatenate([hotspots.weights, by_cluster, force.weights]),
        ),
        ("hotspot",) * len(hotspots.places) + ("cluster",) * len(names) + ("force",),
        tuple(cluster_of),
    )


def cluster_of(nte_linked: pl.Expr, share_retail: pl.Expr) -> pl.Expr:
    """One of `CLUSTERS`: night-time economy first, then retail where at least 40 % of the events with
    a type of location are at shops. What is not known counts as neither.
    """
    return (
        pl.when(nte_linked.fill_null(False))
        .then(pl.lit(CLUSTERS[0]))
        .when((share_retail >= MIN_RETAIL_SHARE).fill_null(False))
        .then(pl.lit(CLUSTERS[1]))
        .otherwise(pl.lit(CLUSTERS[2]))
    )
