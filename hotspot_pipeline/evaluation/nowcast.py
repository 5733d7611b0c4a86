"""What a young week will have come to when it is settled: n / F(age), with an interval.

Here: completeness of weeks as a distribution, and what follows for a count. Not here: the delay triangle (`history`), when a week is
settled (+28 days there; 90 for the share).

Of N records that a week will have, n are known at an age; n given N is beta-binomial: reports of one week come late together (a clerk
on leave, a system down), so shares scatter more than a binomial's. Its two parameters are the likeliest for the last settled weeks.
The interval for N is the shortest of its posterior given n, with a flat prior over whole numbers from n on (cf. Lawless 1994, Canadian Journal
of Statistics 22, 15-31, on reporting delays).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.stats import betabinom

from hotspot_pipeline.evaluation.estimate import FloatArray

N_WEEKS = 26
_LEAST_WEEKS = 8
_MOST_PRECISION = 1e6  # above it a beta-binomial is a binomial


@dataclass(frozen=True, slots=True)
class Completeness:
    """Share of a week known at an age: mean a / (a + b); the larger a + b, the steadier. `n_weeks`: settled weeks it comes from."""

    a: float
    b: float
    n_weeks: int

    @property
    def share(self) -> float:
        return self.a / (self.a + self.b)


@dataclass(frozen=True, slots=True)
class Nowcast:
    """Events when settled: `expected` = n / share, and the interval [low, high]."""

    expected: float
    low: int
    high: int


def completeness(n_known: ArrayLike, n_settled: ArrayLike) -> Completeness | None:
    """From the settled weeks, oldest first, of which the last 26 with any record are used; None where there are fewer than 8.

    Records that left a week again can make `n_known` the larger one: it counts as complete then.
    """
    settled = np.asarray(n_settled, np.int64)
    known = np.minimum(np.asarray(n_known, np.int64), settled)[settled > 0][-N_WEEKS:]
    settled = settled[settled > 0][-N_WEEKS:]
    if len(settled) < _LEAST_WEEKS:
        return None
    # half a record more on both sides, so that a share of exactly one stays a share
    p = (known.sum() + 0.5) / (settled.sum() + 1)

    def loss(theta: FloatArray) -> float:
        share, precision = 1 / (1 + np.exp(-theta[0])), np.exp(theta[1])
        return -float(betabinom.logpmf(known, settled, share * precision, (1 - share) * precision).sum())  # fmt: skip

    start = np.array([np.log(p / (1 - p)), np.log(50.0)])
    found = minimize(loss, start, method="L-BFGS-B", bounds=[(-8, 12), (0.0, np.log(_MOST_PRECISION))])  # fmt: skip
    share, precision = 1 / (1 + np.exp(-found.x[0])), np.exp(found.x[1])
    return Completeness(float(share * precision), float((1 - share) * precision), len(settled))


def nowcast(n: int, of: Completeness, *, level: float = 0.90) -> Nowcast:
    """What n events known now will have come to."""
    posterior = np.zeros(0)
    size = 64
    while True:
        candidates = np.arange(n, n + size)
        logs = betabinom.logpmf(n, candidates, of.a, of.b)
        posterior = np.exp(logs - logs.max())
        # long enough when the last candidate weighs nothing
        if posterior[-1] < 1e-9 * posterior.max() or size > 1_000_000:
            break
        size *= 2
    # the likeliest candidates first until they hold the level: of whole numbers, equal tails would hold too much
    best = np.argsort(-posterior, kind="stable")
    reached = np.cumsum(posterior[best]) / posterior.sum()
    inside = candidates[best[: int(np.searchsorted(reached, level)) + 1]]
    return Nowcast(n / of.share, int(inside.min()), int(inside.max()))
