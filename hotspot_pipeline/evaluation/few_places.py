"""Errors where places are few: the lot drawn again, or the score wild bootstrap.

Here: intervals and p values for one effect of a Poisson panel with under 40 places, where the normal approximation of
clustered errors is too sure (Cameron & Miller 2015, J. Human Resources 50). Not here: the fit (`ppml`), the choice between
them (`panel`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from hotspot_pipeline.evaluation.design import Design
from hotspot_pipeline.evaluation.estimate import (
    CONFIDENCE,
    BoolArray,
    FloatArray,
    IntArray,
)
from hotspot_pipeline.evaluation.ppml import nuisance_only

_CHUNK = 100
_STEPS = 14  # of bisection: to under a thousandth of a standard error


@dataclass(frozen=True, slots=True)
class Resampled:
    """95 % interval of the log ratio and two-sided p value."""

    low: float
    high: float
    p_value: float
    inference: str


def randomisation(
    y: IntArray,
    nuisance: Mapping[str, IntArray],
    patrol: BoolArray,
    redraws: BoolArray,
    cluster: IntArray,
    value: float,
    standard_error: float,
) -> Resampled:
    """Randomisation inference on the recorded assignment (Fisher 1935; studentised as in Wu & Ding 2021, JASA 116).

    `redraws` (n_draws, n_rows) are assignments that the same lot could have given. Statistic: the score of the effect, net of
    place and time effects, by the root of the sum of its squares over places. p value: the rank of the drawn one with no
    effect taken out. Interval: the test inverted, that is all effects b whose rank is not among the last 5 % once exp(b) is
    divided out of the patrolled counts; `value` and `standard_error` say only where to begin looking for its ends. So the
    interval holds no effect exactly where p is over 5 %. It is open on a side where ten standard errors away are not rejected.
    """
    lot = _Lot(y, nuisance, np.vstack([patrol, redraws]), cluster)

    def p(effect: float) -> float:
        found = lot.statistics(np.asarray(y * np.exp(-effect * patrol)))
        return float((found >= found[0] - 1e-12).sum() / len(found))

    low, high = (bound(p, value, side * standard_error) for side in (-1, 1))
    return Resampled(
        low, high, p(0.0), f"randomisation inference, {len(redraws)} draws of the recorded lot"
    )


def bound(p: Callable[[float], float], value: float, step: float) -> float:
    """The end of the interval on the side of `step`, by bisection out to ten steps; infinite where those are not rejected."""
    inside, outside = 0.0, 10.0
    if p(value + outside * step) > 1 - CONFIDENCE:
        return float(np.copysign(np.inf, step))
    for _ in range(_STEPS):
        middle = (inside + outside) / 2
        if p(value + middle * step) > 1 - CONFIDENCE:
            inside = middle
        else:
            outside = middle
    return value + outside * step


class _Lot:
    """Assignments (n_draws, n_rows) net of place and time effects, weighted by what these alone lead to expect of `y`.

    The weights are those of no effect, the same for every draw and every effect that is tested: any fixed weights make a valid test,
    and the assignments need to be made net only once.
    """

    def __init__(
        self, y: IntArray, nuisance: Mapping[str, IntArray], patrols: BoolArray, cluster: IntArray
    ) -> None:
        mu = nuisance_only(y, nuisance)
        self._used = mu > 0
        self._mu = mu[self._used]
        design = Design(
            {k: np.unique(v[self._used], return_inverse=True)[1] for k, v in nuisance.items()}, {}
        )
        number = np.unique(cluster[self._used], return_inverse=True)[1]
        dummies = design.sparse_nuisance()
        _, apply_inverse = design.nuisance_scores(self._mu, self._mu, number)
        weighted = dummies.T @ sparse.diags_array(self._mu)
        self._net = patrols[:, self._used].T.astype(np.float64)
        for first in range(0, len(patrols), _CHUNK):
            part = self._net[:, first : first + _CHUNK]
            part -= dummies @ apply_inverse(weighted @ part)
        self._where = (number, np.arange(len(number)))

    def statistics(self, y: FloatArray) -> FloatArray:
        """|sum of scores| / root of the sum of their squares over places, (n_draws,), for counts `y` (n_rows,)."""
        residual = y[self._used] - self._mu
        scores = sparse.csr_array((residual, self._where)) @ self._net
        spread = np.sqrt((scores**2).sum(axis=0))
        return np.asarray(np.abs(scores.sum(axis=0)) / np.maximum(spread, 1e-300))


def score_wild_bootstrap(
    y: IntArray,
    nuisance: Mapping[str, IntArray],
    patrol: FloatArray,
    cluster: IntArray,
    value: float,
    standard_error: float,
    seed: int,
    n_draws: int = 999,
) -> Resampled:
    """Score wild bootstrap with the effect imposed (Kline & Santos 2012, J. Econometric Methods 1), Rademacher weights.

    The scores of the places under the tested effect are given random signs. The interval holds the effects that are not
    rejected at 5 %, found by bisection out to ten standard errors.
    """
    n_clusters = len(np.unique(cluster))
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], (n_draws, n_clusters))

    def p(effect: float) -> float:
        mu = nuisance_only(y, nuisance, effect * patrol)
        used = mu > 0
        design = Design(
            {k: np.unique(v[used], return_inverse=True)[1] for k, v in nuisance.items()},
            {"patrol": patrol[used]},
        )
        scores = design.effect_scores((y - mu)[used], mu[used], cluster[used])[0][:, 0]
        sums = np.abs(signs[:, : len(scores)] @ scores)
        return float((1 + (sums >= abs(scores.sum()) - 1e-12).sum()) / (1 + n_draws))

    low, high = (bound(p, value, side * standard_error) for side in (-1, 1))
    return Resampled(
        low, high, p(0.0), f"score wild bootstrap, {n_clusters} places, {n_draws} draws"
    )
