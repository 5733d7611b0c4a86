"""Errors where places are few: the lot drawn again, or the score wild bootstrap.

Here: intervals and p values for one effect of a Poisson panel with under 40 places, where the normal approximation of
clustered errors is too sure (Cameron & Miller 2015, J. Human Resources 50). Not here: the fit (`ppml`), the choice between
them (`panel`).
"""

from __future__ import annotations

from collections.abc import Mapping
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
_STEPS = 18  # of bisection: a thousandth of a standard error


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
    effect taken out. Interval: `value` ± c · `standard_error` with c the 95 % quantile of the statistic once exp(value)
    is divided out of the patrolled counts.
    """
    n = len(redraws)
    actual = float(_statistics(y, nuisance, patrol[None], cluster)[0])
    of_no_effect = _statistics(y, nuisance, redraws, cluster)
    p = float((1 + (of_no_effect >= actual - 1e-12).sum()) / (1 + n))
    centred = _statistics(y * np.exp(-value * patrol), nuisance, redraws, cluster)
    rank = min(int(np.ceil(CONFIDENCE * (n + 1))), n) - 1
    half = float(np.sort(centred)[rank]) * standard_error
    return Resampled(
        value - half, value + half, p, f"randomisation inference, {n} draws of the recorded lot"
    )


def _statistics(
    y: FloatArray | IntArray,
    nuisance: Mapping[str, IntArray],
    patrols: BoolArray,
    cluster: IntArray,
) -> FloatArray:
    """|sum of scores| / root of their squares, (n_draws,) for patrols (n_draws, n_rows)."""
    mu = nuisance_only(y, nuisance)
    used = mu > 0
    design = Design(
        {k: np.unique(v[used], return_inverse=True)[1] for k, v in nuisance.items()}, {}
    )
    residual, w = np.asarray(y, dtype=np.float64)[used] - mu[used], mu[used]
    number = np.unique(cluster[used], return_inverse=True)[1]
    rows = np.arange(len(number))
    by_cluster = sparse.csr_array((residual, (number, rows)))
    nuisance_scores, apply_inverse = design.nuisance_scores(residual, w, number)
    dummies = design.sparse_nuisance().T @ sparse.diags_array(w)
    found = np.empty(len(patrols))
    for first in range(0, len(patrols), _CHUNK):
        drawn = patrols[first : first + _CHUNK][:, used].T.astype(np.float64)
        scores = by_cluster @ drawn - nuisance_scores @ apply_inverse(dummies @ drawn)
        spread = np.sqrt((scores**2).sum(axis=0))
        found[first : first + _CHUNK] = np.abs(scores.sum(axis=0)) / np.maximum(spread, 1e-300)
    return found


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

    def bound(side: int) -> float:
        inside, outside = 0.0, 10.0
        if p(value + side * outside * standard_error) > 1 - CONFIDENCE:
            return side * np.inf
        for _ in range(_STEPS):
            middle = (inside + outside) / 2
            if p(value + side * middle * standard_error) > 1 - CONFIDENCE:
                inside = middle
            else:
                outside = middle
        return value + side * outside * standard_error

    return Resampled(
        bound(-1), bound(1), p(0.0), f"score wild bootstrap, {n_clusters} places, {n_draws} draws"
    )
