"""What every estimate of an effect carries: its number, its uncertainty, its counts and its guards.

Here: the frozen records that all estimators return. Not here: how a number comes about (`rate_ratio`, `wdd`,
`panel`, …), when a guard speaks (`guards`), what is said of it in words (`wording`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import stats

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

CONFIDENCE = 0.95
Scale = Literal["log_ratio", "events", "events_per_day"]
Verdict = Literal["clear", "warning", "forbids"]


@dataclass(frozen=True, slots=True)
class Guard:
    """One question that was put to the estimate. `forbids`: no claim about patrols may rest on it."""

    name: str
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True)
class SmallerError:
    """A standard error that knows less than the headline's, and why it is too small."""

    name: str
    standard_error: float
    label: str


@dataclass(frozen=True, slots=True)
class FourCounts:
    """Events of the treated and of what they are compared with, before and after (or without and with patrols)."""

    treated_before: int
    treated_after: int
    control_before: int
    control_after: int


@dataclass(frozen=True)
class Estimate:
    """`value`, `standard_error`, `low`, `high` are on `scale`: natural log of a ratio, events, or events per day.

    `low` and `high` bound the 95 % interval; they may be infinite where an exact or Fieller interval is. `p_value` is
    two-sided against no effect. `inference` says in words how the error was found, `df` are its degrees of freedom
    (infinite for an exact or resampled one). `is_causal_design`: by lot or with concurrent controls.
    """

    measure: str
    scale: Scale
    value: float
    standard_error: float
    df: float
    low: float
    high: float
    p_value: float
    inference: str
    counts: FourCounts
    n_treated: int
    n_control: int
    is_causal_design: bool
    beside: tuple[SmallerError, ...] = ()
    guards: tuple[Guard, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def includes_no_effect(self) -> bool:
        return not (self.low > 0 or self.high < 0)

    @property
    def ratio(self) -> tuple[float, float, float]:
        """Rate ratio and its interval; for `log_ratio` only."""
        if self.scale != "log_ratio":
            raise ValueError(f"{self.measure} is in {self.scale}, which is no ratio")
        with np.errstate(over="ignore"):
            value, low, high = np.exp([self.value, self.low, self.high])
        return float(value), float(low), float(high)

    @property
    def may_claim(self) -> bool:
        """Whether anything may be said about patrols as the cause."""
        return self.is_causal_design and all(g.verdict != "forbids" for g in self.guards)

    def with_guards(self, *guards: Guard) -> Estimate:
        return replace(self, guards=(*self.guards, *guards))


def t_interval(value: float, standard_error: float, df: float) -> tuple[float, float, float]:
    """(low, high, two-sided p) of the 95 % t interval; an infinite `df` is the normal distribution."""
    if not standard_error > 0:
        return -np.inf, np.inf, 1.0
    half = float(stats.t.ppf(0.5 + CONFIDENCE / 2, df)) * standard_error
    p = float(2 * stats.t.sf(abs(value) / standard_error, df))
    return value - half, value + half, p


def joint_p(effect: FloatArray, covariance: FloatArray, n_clusters: int) -> float:
    """p of the hypothesis that all of `effect` (q,) are nothing, with clustered `covariance` (q, q) from `n_clusters` clusters.

    The Wald statistic Q as Hotelling's T² with n - 1 degrees of freedom: Q (n - q)/((n - 1) q) ~ F(q, n - q) (Pustejovsky & Tipton
    2018, J. Business & Economic Statistics 36). Q/q ~ F(q, n - 1), which takes the covariance for better known than a dozen clusters make
    it, rejects what is nothing in one case of ten. nan where there are not more clusters than effects.
    """
    q = len(effect)
    if not 0 < q < n_clusters:
        return float("nan")
    wald = float(effect @ np.linalg.solve(covariance, effect))
    return float(stats.f.sf(wald * (n_clusters - q) / ((n_clusters - 1) * q), q, n_clusters - q))
