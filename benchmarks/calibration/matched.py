"""Controls that the pipeline matches itself, for places that nobody drew by lot: its busiest ones, as a force would patrol them.

Here: the treated places of the upper ranks, beside those of all untreated ones that were like them in the 24 months before. Not here: the
matching and its features (the pipeline's), what should be covered (`verdicts`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import polars as pl

from benchmarks.calibration.row import Row
from benchmarks.calibration.worlds import BINS_A_DAY, World
from hotspot_pipeline.evaluation.matching import match
from hotspot_pipeline.evaluation.place_counts import PlaceCounts
from hotspot_pipeline.evaluation.rate_ratio import rate_ratio
from hotspot_pipeline.evaluation.trials.features import features, window

NAME = "rate ratio, controls matched"
UPPER = 1 / 2  # of the ranks is patrolled
YEAR = 365
GROUP = "ALL"
_NIGHT = (2, 3)  # the quarters of a police day from 18:00 to 06:00
_NO_VENUES = pl.DataFrame({"easting": [], "northing": []}, schema={"easting": pl.Int64, "northing": pl.Int64})  # fmt: skip


def matched(world: World) -> Iterator[Row]:
    """The rate ratio of a year before and the patrol year against controls chosen by `match` out of all places without patrols."""
    patrolled = world.is_treated & (world.pair < round(UPPER * len(world.pair) / 2))
    pool = np.flatnonzero(patrolled | ~world.is_treated)
    found = match(_features(world, pool), patrolled[pool])
    chosen = pool[np.concatenate([found.pairs["treated"], found.pairs["control"]])]
    daily, start = world.daily("n_true"), world.patrol_day
    before, after = daily[chosen, start - YEAR : start], daily[chosen, start:]
    places = PlaceCounts(
        before.sum(axis=1), after.sum(axis=1), patrolled[chosen], before.shape[1] / after.shape[1], 1.0
    )  # fmt: skip
    ratio = rate_ratio(places)
    with_patrols, without = (
        world.daily(c)[patrolled, start:].sum() for c in ("expected", "expected_without")
    )
    yield Row(
        world.name, NAME, world.seed, ratio.value, ratio.low, ratio.high, ratio.p_value,
        float(np.log(with_patrols / without)),
    )  # fmt: skip


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
