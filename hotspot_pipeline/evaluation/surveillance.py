"""A rule that watches every hotspot every week and seldom cries wolf: a likelihood-ratio CUSUM with a stated run length.

Here: the statistic, its run length, the threshold. Not here: single-week limits (`control_limits`).

C_t = max(0, C_(t-1) + log f(y_t; ratio·mu_t) / f(y_t; mu_t)), alarm where C_t > h, then from 0 again (Höhle and Paul 2008, Computational
Statistics and Data Analysis 52, 4357-4368, for seasonal negative-binomial counts). h is the least with which a series at its mean runs
on average for as long as asked without an alarm; the run length is exact for the counts and comes from a Markov chain over a grid of
C (Brook and Evans 1972, Biometrika 59, 539-549). Five years a series at least, and at most one false alarm a force and month
(METHODS §4): with many hotspots that asks for more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csc_array, eye_array
from scipy.sparse.linalg import spsolve

from hotspot_pipeline.evaluation.control_limits import law_of
from hotspot_pipeline.evaluation.estimate import BoolArray, FloatArray

FIVE_YEARS = 261.0
WEEKS_A_MONTH = 52.1775 / 12
_CELLS = 200
_MOST_THRESHOLD = 30.0


@dataclass(frozen=True, slots=True)
class Rule:
    """`ratio`: the rise (over 1) or fall (under 1) that is to be found; `run_length`: weeks to a false alarm, at the mean it was made for."""

    ratio: float
    threshold: float
    run_length: float


def asked_run_length(n_series: int) -> float:
    """Weeks to a false alarm that each of so many series must have: five years, or as many as make one a month for all of them."""
    return max(FIVE_YEARS, n_series * WEEKS_A_MONTH)


def rule_for(mu: float, alpha: float, *, ratio: float, run_length: float) -> Rule:
    """The rule with the least threshold that runs `run_length` weeks at the mean `mu`."""
    low, high = 0.0, _MOST_THRESHOLD
    while high - low > 1e-3:
        middle = (low + high) / 2
        low, high = (middle, high) if average_run_length(mu, alpha, ratio, middle) < run_length else (low, middle)  # fmt: skip
    return Rule(ratio, high, average_run_length(mu, alpha, ratio, high))


def average_run_length(mu: float, alpha: float, ratio: float, threshold: float) -> float:
    """Weeks until the first alarm from C = 0, on average, for independent counts with mean `mu`."""
    law = law_of(mu, alpha)
    n = np.arange(int(law.ppf(1 - 1e-13)) + 2, dtype=np.float64)
    share, step = law.pmf(n), increments(n, np.full(len(n), mu), alpha, ratio)
    width = threshold / _CELLS
    # state 0 is C = 0; state k stands for the middle of the k-th cell
    states = np.concatenate(([0.0], (np.arange(_CELLS) + 0.5) * width))
    after = np.maximum(states[:, None] + step[None, :], 0.0)
    to = np.where(after <= 0, 0, np.ceil(after / width).astype(np.int64)) if width else np.where(after > 0, 1, 0)  # fmt: skip
    stays = after <= threshold
    n_states = _CELLS + 1
    at = np.broadcast_to(np.arange(n_states)[:, None], to.shape)
    shares = np.broadcast_to(share, to.shape)
    # few counts, so few moves from each state; and a sparse solver starts no threads, which on a busy machine cost a hundred times the work
    moves = csc_array((shares[stays], (at[stays], to[stays])), shape=(n_states, n_states))
    return float(spsolve(csc_array(eye_array(n_states)) - moves, np.ones(n_states))[0])


def increments(n: ArrayLike, mu: ArrayLike, alpha: float, ratio: float) -> FloatArray:
    """log f(n; ratio·mu) - log f(n; mu)."""
    counts, means = np.asarray(n, np.float64), np.asarray(mu, np.float64)
    if alpha <= 0:
        return np.asarray(counts * np.log(ratio) - (ratio - 1) * means)
    grown = np.log1p(alpha * ratio * means) - np.log1p(alpha * means)
    return np.asarray(counts * np.log(ratio) - (counts + 1 / alpha) * grown)


def watch(n: ArrayLike, mu: ArrayLike, alpha: float, rule: Rule) -> tuple[FloatArray, BoolArray]:
    """(C, alarm) for each week of a series in time; a week without an expected mean leaves C as it is."""
    step = increments(n, mu, alpha, rule.ratio)
    return added_up(step, np.full(len(step), rule.threshold))


def added_up(step: FloatArray, threshold: FloatArray) -> tuple[FloatArray, BoolArray]:
    """(C, alarm) from steps and thresholds at hand, which may come from several fits; no alarm where the threshold is nan."""
    value, alarm = np.zeros(len(step)), np.zeros(len(step), bool)
    c = 0.0
    for t, s in enumerate(step):
        c = max(0.0, c + s) if np.isfinite(s) else c
        value[t], alarm[t] = c, c > threshold[t]
        c = 0.0 if alarm[t] else c
    return value, alarm
