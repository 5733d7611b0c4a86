"""Hotspots' change between two stretches of 13 weeks against their size: which changed more than others of their size do by chance.

Pure. Here: the two stretches, the common change, limits. Not here: the picture (`funnel_sheet`), limits of single weeks (`evaluation`).

A funnel plot (Spiegelhalter 2005, Statistics in Medicine 24, 1185-1202). Where counts come from the same change everywhere, those of the later
stretch are binomial given both. Places also drift by themselves, so limits are widened by the winsorised dispersion of the places' scores.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from scipy.stats import norm

from hotspot_pipeline.published.evaluation.rows import ALL, WEEK

WEEKS = 13
A_YEAR = 52
LEVELS = (0.95, 0.998)
LEAST_FOR_PERCENT = 20
#: Fewer places cannot tell how far places drift.
LEAST_PLACES = 5
_WINSORISED = 0.1


@dataclass(frozen=True, eq=False)
class Funnel:
    """`places`: hotspot_id, hotspot_rank, before, after, share (of both stretches' events in the later one), percent_change (null where either
    count is under 20), is_outside (the 99.8 % limits), by rank; hotspots without an event in either have no share.

    `share`: the common one; `dispersion`: variance over binomial, 1 at least; `before`, `after`: Mondays of the first and last weeks.
    """

    places: pl.DataFrame
    share: float
    dispersion: float
    before: tuple[date, date]
    after: tuple[date, date]

    def limits(self, n: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
        """(lower, upper) shares for places with `n` events in both stretches together."""
        half = norm.ppf(0.5 + level / 2) * np.sqrt(self.dispersion) / (2 * np.sqrt(n))
        middle = np.arcsin(np.sqrt(self.share))
        low, high = np.clip(middle - half, 0, np.pi / 2), np.clip(middle + half, 0, np.pi / 2)
        return np.sin(low) ** 2, np.sin(high) ** 2

    @property
    def is_year_before(self) -> bool:
        return self.after[0] - self.before[0] == A_YEAR * WEEK


def funnel(weeks: pl.DataFrame) -> Funnel | None:
    """From rows of `WeekRows`: the newest 13 final weeks beside the same of the year before, or where those are not known the 13 before them.

    None where neither is known, or nothing was counted.
    """
    final = weeks.filter(pl.col("cat_group") == ALL, ~pl.col("is_provisional"))
    known = set(final.get_column("week_start").to_list())
    if not known:
        return None
    last = max(known)
    after = (last - (WEEKS - 1) * WEEK, last)
    for lag in (A_YEAR, WEEKS):
        before = (after[0] - lag * WEEK, after[1] - lag * WEEK)
        if _all_known(known, before) and _all_known(known, after):
            break
    else:
        return None
    counts = final.group_by("hotspot_id", "hotspot_rank", maintain_order=True).agg(
        before=pl.col("n_events").filter(pl.col("week_start").is_between(*before)).sum(),
        after=pl.col("n_events").filter(pl.col("week_start").is_between(*after)).sum(),
    )
    n_before, n_after = int(counts["before"].sum()), int(counts["after"].sum())
    if not n_before or not n_after:
        return None
    share = n_after / (n_before + n_after)
    total = (counts["before"] + counts["after"]).to_numpy()
    own = np.divide(counts["after"].to_numpy(), total, out=np.full(len(total), np.nan), where=total > 0)  # fmt: skip
    found = Funnel(counts, share, _dispersion(own, total, share), before, after)
    low, high = found.limits(np.maximum(total, 1), LEVELS[1])
    is_enough = pl.min_horizontal("before", "after") >= LEAST_FOR_PERCENT
    change = 100 * (pl.col("after") - pl.col("before")) / pl.col("before")
    places = counts.with_columns(
        share=pl.Series(own).fill_nan(None),
        percent_change=pl.when(is_enough).then(change),
        is_outside=pl.Series((own < low) | (own > high)),
    )
    return Funnel(places, share, found.dispersion, before, after)


def _all_known(known: set[date], ends: tuple[date, date]) -> bool:
    return all(ends[0] + k * WEEK in known for k in range(WEEKS))


def _dispersion(own: np.ndarray, total: np.ndarray, share: float) -> float:
    """Mean square of the scores, the outermost tenths drawn in; 1 at least, and 1 where places are few."""
    is_known = total > 0
    if is_known.sum() < LEAST_PLACES:
        return 1.0
    score = 2 * np.sqrt(total[is_known]) * (np.arcsin(np.sqrt(own[is_known])) - np.arcsin(np.sqrt(share)))  # fmt: skip
    low, high = np.quantile(score, [_WINSORISED, 1 - _WINSORISED])
    return float(max(1.0, np.mean(np.clip(score, low, high) ** 2)))
