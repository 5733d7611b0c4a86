"""A share of a count with its uncertainty: the Wilson interval, widened where places differ.

Here: arithmetic on counts. Not here: what is counted (`compliance`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]


def wilson(
    n_yes: ArrayLike, n: ArrayLike, *, deff: ArrayLike = 1.0, level: float = 0.95
) -> tuple[Floats, Floats]:
    """(low, high) of the share n_yes / n: (p + z²/2m ± z √(p(1−p)/m + z²/4m²)) / (1 + z²/m), with m = n / deff; nan where n is 0.

    Wilson (1927), Journal of the American Statistical Association 22, 209-212; the design effect as in Kish (1965).
    """
    yes, total = np.asarray(n_yes, np.float64), np.asarray(n, np.float64)
    if np.any(yes < 0) or np.any(yes > total):
        raise ValueError("a share needs 0 <= n_yes <= n")
    z = float(ndtri(0.5 + level / 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        p = yes / total
        m = total / np.asarray(deff, np.float64)
        middle = p + z * z / (2 * m)
        half = z * np.sqrt(p * (1 - p) / m + z * z / (4 * m * m))
        scale = 1 + z * z / m
        low, high = (middle - half) / scale, (middle + half) / scale
    # a share of nothing or of all: rounding must not leave it outside of its own interval
    return np.where(yes == 0, np.where(total > 0, 0.0, low), low), np.where(
        (yes == total) & (total > 0), 1.0, high
    )


def design_effect(n_yes: ArrayLike, n: ArrayLike) -> float:
    """How much less a yes or no says because answers of one place resemble each other; one entry a place, never under 1.

    1 + (n₀ − 1) ρ with the analysis-of-variance estimate of the intraclass correlation ρ for unequal groups (Donner 1986,
    International Statistical Review 54, 67-82). Places without answers do not count; 1 where fewer than two have any.
    """
    yes, total = np.asarray(n_yes, np.float64), np.asarray(n, np.float64)
    # sums in one order, whatever the order of places: the last digit would change a table that has not changed
    order = np.lexsort((yes, total))
    yes, total = yes[order][total[order] > 0], total[order][total[order] > 0]
    k, everything = len(total), float(total.sum())
    if k < 2 or everything <= k:
        return 1.0
    p = float(yes.sum()) / everything
    share = yes / total
    between = float((total * (share - p) ** 2).sum()) / (k - 1)
    within = float((total * share * (1 - share)).sum()) / (everything - k)
    n0 = (everything - float((total**2).sum()) / everything) / (k - 1)
    spread = between + (n0 - 1) * within
    icc = (between - within) / spread if spread > 0 else 0.0
    # what the mean of unequal groups loses is their mean size weighted by size
    return max(1.0, 1.0 + (float((total**2).sum()) / everything - 1.0) * icc)
