"""Limits around what is expected, and plain signals: one week, a slow drift, a run on one side.

Here: quantiles and scores of one count or one series against its baseline. Not here: the baseline (`weekly_baseline`), alarms with a
stated run length over many series (`surveillance`), whether a change may be given in percent (`say_percent`'s rule is here, its
wording in `wording`).

A count is a whole number, so limits are the quantiles themselves: with a mean of 2 the 95 % upper limit is 5, with 8 it is 14 (DOMAIN
§5.1). Scores are normal quantiles of the mid-distribution, whose own variance is taken into account where counts are small.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import nbinom, norm, poisson

from hotspot_pipeline.evaluation.estimate import BoolArray, FloatArray, IntArray

LEVELS = (0.95, 0.998)
LEAST_FOR_PERCENT = 20
RUN_LENGTH, LEAST_MEAN_FOR_RUNS = 8, 5.0


def limits(mu: ArrayLike, alpha: float, level: float) -> tuple[IntArray, IntArray]:
    """(lower, upper) counts that a week with mean `mu` leaves with probability of at most 1 - level, half on each side; -1 where mu is nan.

    A count below the lower or above the upper one is outside.
    """
    means = np.asarray(mu, np.float64)
    known = np.isfinite(means)
    tail = (1 - level) / 2
    low, high = (np.full(means.shape, -1, np.int64) for _ in range(2))
    law = law_of(means[known], alpha)
    low[known], high[known] = law.ppf(tail), law.ppf(1 - tail)
    return low, high


def scores(n: ArrayLike, mu: ArrayLike, alpha: float) -> tuple[FloatArray, FloatArray]:
    """(score, variance): the normal quantile of P(Y < n) + P(Y = n)/2, and the variance that such scores have at this mean."""
    counts, means = np.asarray(n, np.float64), np.asarray(mu, np.float64)
    return _score(counts, means, alpha), _score_variances(means.ravel(), alpha).reshape(means.shape)


def ewma(
    n: ArrayLike, mu: ArrayLike, alpha: float, *, weight: float = 0.2
) -> tuple[FloatArray, FloatArray]:
    """(value, standard error) of the exponentially weighted mean of the scores of a series in time, starting from 0.

    Roberts (1959), Technometrics 1, 239-250: E_t = weight·score_t + (1 - weight)·E_(t-1); its variance is summed exactly.
    """
    return ewma_of(*scores(n, mu, alpha), weight=weight)


def ewma_of(
    score: FloatArray, variance: FloatArray, *, weight: float = 0.2
) -> tuple[FloatArray, FloatArray]:
    """The same of scores at hand, which may come from several fits; a score that is nan leaves the mean as it is."""
    value, spread = np.zeros(len(score)), np.zeros(len(score))
    level = var = 0.0
    for t in range(len(score)):
        if np.isfinite(score[t]):
            level = weight * score[t] + (1 - weight) * level
            var = weight**2 * variance[t] + (1 - weight) ** 2 * var
        value[t], spread[t] = level, np.sqrt(var)
    return value, spread


def runs(n: ArrayLike, mu: ArrayLike, *, length: int = RUN_LENGTH) -> tuple[IntArray, BoolArray]:
    """(signed length of the run on one side of the mean, signal) for each week of a series.

    A count equal to the mean ends a run. No signal under a mean of 5: at mean 0.3 the rule cries wolf every 39 weeks (METHODS §4).
    """
    counts, means = np.asarray(n, np.float64), np.asarray(mu, np.float64)
    side = np.sign(counts - means).astype(np.int64)
    found = np.zeros(len(side), np.int64)
    for t, s in enumerate(side):
        found[t] = s + (found[t - 1] if t and s and np.sign(found[t - 1]) == s else 0)
    return found, (np.abs(found) >= length) & (means >= LEAST_MEAN_FOR_RUNS)


def percent_change(n_before: int, n_after: int) -> float | None:
    """The change in percent, or None where either count is under 20: it would be noise with a percent sign."""
    if min(n_before, n_after) < LEAST_FOR_PERCENT:
        return None
    return 100 * (n_after - n_before) / n_before


def law_of(mu: ArrayLike, alpha: float) -> Any:
    """The distribution of a count with mean mu and variance mu + alpha·mu²: negative-binomial, Poisson where alpha is 0."""
    mu = np.asarray(mu, np.float64)
    return nbinom(1 / alpha, 1 / (1 + alpha * mu)) if alpha > 0 else poisson(mu)


def _score(n: FloatArray, mu: FloatArray, alpha: float) -> FloatArray:
    law = law_of(mu, alpha)
    # from the nearer tail, so that far counts keep their digits
    below, above = law.cdf(n) - law.pmf(n) / 2, law.sf(n) + law.pmf(n) / 2
    return np.asarray(np.where(below < 0.5, norm.ppf(below), norm.isf(above)))


def _score_variances(mu: FloatArray, alpha: float) -> FloatArray:
    """The variance of the score of a count, for each mean; nan where mu is."""
    found = np.full(mu.shape, np.nan)
    known = np.flatnonzero(np.isfinite(mu))
    n_counts = law_of(mu[known], alpha).ppf(1 - 1e-12).astype(np.int64) + 2
    # means of like size together; a power of two of counts, so that the digits of one do not depend on which others there are
    widths = 1 << np.ceil(np.log2(n_counts)).astype(np.int64)
    for width in np.unique(widths):
        same = known[widths == width]
        n = np.arange(width, dtype=np.float64)[None, :]
        is_asked = n < n_counts[widths == width][:, None]
        means = mu[same][:, None]
        share = np.where(is_asked, law_of(means, alpha).pmf(n), 0.0)
        score = np.where(share > 0, _score(n, means, alpha), 0.0)
        mean = (score * share).sum(axis=1)
        found[same] = ((score - mean[:, None]) ** 2 * share).sum(axis=1)
    return found
