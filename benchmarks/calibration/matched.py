"""Places that nobody drew by lot, the busiest ones, as a force would patrol them, with controls that the pipeline matches itself.

Here: which places those are. Not here: the matching and its features (the pipeline's), the estimate (`figures`).
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from benchmarks.calibration.worlds import BINS_A_DAY, World
from hotspot_pipeline.evaluation.matching import match
from hotspot_pipeline.evaluation.trials.features import features, window

UPPER = 1 / 2  # of the ranks is patrolled
GROUP = "ALL"
_NIGHT = (2, 3)  # the quarters of a police day from 18:00 to 06:00
_NO_VENUES = pl.DataFrame({"easting": [], "northing": []}, schema={"easting": pl.Int64, "northing": pl.Int64})  # fmt: skip


def matched_places(world: World) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the treated places of the upper ranks, and of their controls out of all places without patrols, by the 24 months before."""
    patrolled = world.is_treated & (world.pair < round(UPPER * len(world.pair) / 2))
    pool = np.flatnonzero(patrolled | ~world.is_treated)
    pairs = match(_features(world, pool), patrolled[pool]).pairs
    return pool[pairs["treated"]], pool[pairs["control"]]


def _features(world: World, pool: np.ndarray) -> pl.DataFrame:
    quarters = world.counts["core", "n_true"][pool].reshape(len(pool), -1, BINS_A_DAY)
    start: date = world.profile.start
    first, last = window(start, start + timedelta(days=world.patrol_day))
    known = quarters[:, (first - start).days : (last - start).days + 1]
    n_places, n_days, _ = known.shape
    by_night = known[:, :, _NIGHT].sum(axis=2).ravel()
    n = known.sum(axis=2).ravel()
    days = pl.date_range(first, last, eager=True)
    daily = pl.DataFrame(
        {
            "place": np.repeat(np.arange(n_places), n_days),
            "police_day": days.gather(np.tile(np.arange(n_days), n_places)),
            "cat_group": pl.repeat(GROUP, len(n), eager=True),
            "n": n,
            "n_by_day": n - by_night,
            "n_by_night": by_night,
        }
    )
    return features(daily, [GROUP], n_places, first, last, (), _NO_VENUES)
