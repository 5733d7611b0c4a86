"""Counts of places before and after, as the simple designs take them, and how much they scatter.

Here: the input of `rate_ratio`, `wdd` and `rings`, dispersion of weekly counts, the E-test of two counts. Not here:
effects.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from hotspot_pipeline.evaluation.estimate import BoolArray, FloatArray, FourCounts, IntArray


@dataclass(frozen=True, eq=False)
class PlaceCounts:
    """Events by place: `before`, `after` (n,) whole numbers, `is_treated` (n,).

    `before_weight` and `after_weight` (n,) or scalar, above 0: what each count is divided by where rates are compared,
    length of the period times area weight of the place. Raises ValueError for unequal lengths, negative counts or
    fewer than one place an arm.
    """

    before: IntArray
    after: IntArray
    is_treated: BoolArray
    before_weight: FloatArray | float = 1.0
    after_weight: FloatArray | float = 1.0

    def __post_init__(self) -> None:
        n = len(self.is_treated)
        for name in ("before", "after"):
            counts = getattr(self, name)
            if counts.shape != (n,):
                raise ValueError(f"{name}: {counts.shape} counts for {n} places; give one a place")
            if (counts < 0).any():
                raise ValueError(
                    f"{name}: {counts.min()} at place {int(counts.argmin())}; counts start at 0"
                )
        for name in ("before_weight", "after_weight"):
            if not (np.asarray(getattr(self, name)) > 0).all():
                raise ValueError(f"{name}: time times area must be above 0 at every place")
        if not self.is_treated.any() or self.is_treated.all():
            raise ValueError("is_treated: give at least one treated place and one control")

    @property
    def n_treated(self) -> int:
        return int(self.is_treated.sum())

    @property
    def n_control(self) -> int:
        return len(self.is_treated) - self.n_treated

    @property
    def sums(self) -> FourCounts:
        t = self.is_treated
        return FourCounts(
            *(
                int(v.sum())
                for v in (self.before[t], self.after[t], self.before[~t], self.after[~t])
            )
        )

    def rates(self) -> tuple[FloatArray, FloatArray]:
        """Counts by weight, before and after, each (n,)."""
        return np.asarray(self.before / self.before_weight), np.asarray(
            self.after / self.after_weight
        )


def dispersion(weekly: IntArray) -> float:
    """Pearson dispersion of weekly counts (n_places, n_weeks) around place and week effects; 1 where variance is mean.

    sum((y - m)²/m) / ((n_places - 1)(n_weeks - 1)) with m = row sum x column sum / total, over places and weeks with
    events (McCullagh & Nelder 1989, section 4.5.2). It sees noise within the period and nothing of the drift of a place
    from year to year, so an error scaled by its root is too small for a comparison of years.
    """
    y = weekly[weekly.sum(axis=1) > 0][:, weekly.sum(axis=0) > 0].astype(np.float64)
    if min(y.shape) < 2:
        return float("nan")
    m = np.outer(y.sum(axis=1), y.sum(axis=0)) / y.sum()
    return float(((y - m) ** 2 / m).sum() / ((y.shape[0] - 1) * (y.shape[1] - 1)))


def e_test(count_1: int, count_2: int, time_1: float = 1.0, time_2: float = 1.0) -> float:
    """Two-sided p of equal rates for two Poisson counts (Krishnamoorthy & Thomson 2004, J. Stat. Plan. Inference 119)."""
    if count_1 == 0 and count_2 == 0:
        return 1.0
    return float(stats.poisson_means_test(count_1, time_1, count_2, time_2).pvalue)
