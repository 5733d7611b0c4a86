"""Rate ratio of before and after against controls, with errors that know how much places drift.

Here: (T1/T0)/(C1/C0), its place-level interval, the smaller errors beside it, exact intervals where a count is zero,
before against after without controls, and placebos in space. Not here: differences in events (`wdd`), panels (`panel`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from hotspot_pipeline.evaluation.estimate import (
    CONFIDENCE,
    BoolArray,
    Estimate,
    FourCounts,
    SmallerError,
    t_interval,
)
from hotspot_pipeline.evaluation.place_counts import PlaceCounts

TOO_SMALL_POISSON = "too small: as if a place's rate never changed"
TOO_SMALL_DISPERSED = (
    "too small: knows the noise of weeks, not the drift of places from year to year"
)


def rate_ratio(
    places: PlaceCounts, phi: float | None = None, measure: str = "rate_ratio"
) -> Estimate:
    """log((T1/T0)/(C1/C0)) with place-level standard error.

    SE² = sum over arms of n/(n-1) · sum_i (post_i/sum post - pre_i/sum pre)²: the delta method for a ratio of two sums over
    places, which are the sampling units (Cochran 1977, Sampling Techniques, section 6.3); t with n_T + n_C - 2 degrees of
    freedom. Beside it stand sqrt(sum 1/count) and, with the dispersion `phi`, sqrt(phi) times that.

    Where one of the four sums is zero the exact conditional interval stands instead (Cornfield 1956; Fisher's noncentral
    hypergeometric distribution), and nothing is added to any count. Raises ValueError where an arm has no events at all,
    or fewer than two places.
    """
    counts = places.sums
    for arm, before, after, n in (
        ("treated", counts.treated_before, counts.treated_after, places.n_treated),
        ("control", counts.control_before, counts.control_after, places.n_control),
    ):
        if before + after == 0:
            raise ValueError(
                f"{measure}: no event in any {arm} place, before or after: there is no ratio to estimate"
            )
        if n < 2:
            raise ValueError(f"{measure}: {n} {arm} place; two are needed to see how places differ")
    base = Estimate(
        measure, "log_ratio", np.nan, np.nan, np.inf, -np.inf, np.inf, 1.0, "", counts,
        places.n_treated, places.n_control, is_causal_design=True,
    )  # fmt: skip
    four = np.array(
        [counts.treated_after, counts.treated_before, counts.control_after, counts.control_before]
    )
    if (four == 0).any():
        return _exact(base, four)
    value = float(np.log(four[0] / four[1]) - np.log(four[2] / four[3]))
    error = float(
        np.sqrt(sum(_arm_variance(places, arm) for arm in (places.is_treated, ~places.is_treated)))
    )
    df = places.n_treated + places.n_control - 2
    low, high, p = t_interval(value, error, df)
    return replace(
        base, value=value, standard_error=error, df=float(df), low=low, high=high, p_value=p,
        inference=f"place-level error, t({df})",
        beside=smaller_errors(poisson_log_error(counts), phi),
    )  # fmt: skip


def poisson_log_error(counts: FourCounts) -> float:
    """sqrt(sum 1/count): the standard error of the log ratio if all four counts were Poisson (too small for years)."""
    four = (
        counts.treated_before,
        counts.treated_after,
        counts.control_before,
        counts.control_after,
    )
    return float(np.sqrt(sum(1 / c for c in four)))


def smaller_errors(poisson: float, phi: float | None) -> tuple[SmallerError, ...]:
    """The Poisson error and, with a dispersion, its multiple by sqrt(phi), labelled as what they are."""
    found = [SmallerError("poisson", poisson, TOO_SMALL_POISSON)]
    if phi is not None:
        found.append(SmallerError("sqrt_phi", float(np.sqrt(phi)) * poisson, TOO_SMALL_DISPERSED))
    return tuple(found)


def before_after(places: PlaceCounts) -> Estimate:
    """log(T1/T0) of the treated places alone, by their time weights, place-level error, t(n_T - 1). Never causal.

    Places chosen because they were busy are less busy afterwards by themselves; this is shown to see how much.
    """
    counts = places.sums
    if min(counts.treated_before, counts.treated_after) == 0 or places.n_treated < 2:
        raise ValueError(
            "before_after: give two treated places at least, with events before and after"
        )
    t = places.is_treated
    before, after = (v[t].sum() for v in places.rates())
    value = float(np.log(after / before))
    error = float(np.sqrt(_arm_variance(places, t)))
    low, high, p = t_interval(value, error, places.n_treated - 1)
    return Estimate(
        "before_after", "log_ratio", value, error, places.n_treated - 1, low, high, p,
        f"place-level error, t({places.n_treated - 1})", counts, places.n_treated, 0,
        is_causal_design=False, notes=("not causal: nothing to compare with over the same time",),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class PlaceboRank:
    """Where the estimate stands among placebos: `rank` 1 is the most extreme of `n_placebos` + 1, p = rank / (n + 1)."""

    rank: int
    n_placebos: int

    @property
    def p_value(self) -> float:
        return self.rank / (self.n_placebos + 1)


def placebo_in_space(
    actual: Estimate,
    untreated: PlaceCounts,
    seed: int,
    n_placebos: int = 199,
    estimator: Callable[[PlaceCounts], Estimate] = rate_ratio,
) -> PlaceboRank:
    """Rank of |value / standard error| among the same estimator on sets of untreated places (Abadie et al. 2010).

    `untreated.is_treated` is not read. Untreated places are put in pairs by their count before, and in each pair a coin says
    which plays the treated one; studentised, because the sets are smaller than the real ones. Placebos without an estimate
    (a zero sum) count as no more extreme. Raises ValueError for fewer than four untreated places.
    """
    n = len(untreated.before) // 2 * 2
    if n < 4:
        raise ValueError(
            f"placebo_in_space: {len(untreated.before)} untreated places; four are needed"
        )
    order = np.argsort(-untreated.before, kind="stable")[:n]
    rng = np.random.default_rng(seed)
    more_extreme = 1
    size = abs(actual.value / actual.standard_error) if actual.standard_error > 0 else 0.0
    for _ in range(n_placebos):
        first = rng.integers(0, 2, n // 2)
        playing = np.zeros(n, bool)
        playing[np.arange(n // 2) * 2 + first] = True
        placebo = estimator(_subset(untreated, order, playing))
        if placebo.standard_error > 0:
            more_extreme += bool(abs(placebo.value / placebo.standard_error) >= size)
    return PlaceboRank(more_extreme, n_placebos)


def _subset(places: PlaceCounts, rows: np.ndarray, is_treated: BoolArray) -> PlaceCounts:
    weights = (
        np.broadcast_to(w, places.before.shape)[rows]
        for w in (places.before_weight, places.after_weight)
    )
    return PlaceCounts(places.before[rows], places.after[rows], is_treated, *weights)


def _arm_variance(places: PlaceCounts, arm: BoolArray) -> float:
    after, before = places.after[arm], places.before[arm]
    n = len(after)
    influence = after / after.sum() - before / before.sum()
    return float(n / (n - 1) * (influence**2).sum())


def _exact(base: Estimate, four: np.ndarray) -> Estimate:
    """Conditional on each arm's total the treated count after is hypergeometric with the ratio as its odds ratio."""
    found = stats.contingency.odds_ratio(four.reshape(2, 2), kind="conditional")
    interval = found.confidence_interval(CONFIDENCE)
    with np.errstate(divide="ignore"):
        value, low, high = (
            float(np.log(v)) for v in (found.statistic, interval.low, interval.high)
        )
    return replace(
        base, value=value, low=low, high=high, p_value=float(stats.fisher_exact(four.reshape(2, 2)).pvalue),
        inference="exact conditional interval (a count is zero)",
        notes=("a count is zero: the exact interval stands, which is too narrow where places drift",),
    )  # fmt: skip
