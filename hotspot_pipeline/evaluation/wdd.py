"""Weighted displacement difference: events prevented, net of what controls did, displacement areas included.

Here: the classic form (Wheeler & Ratcliffe 2018, Crime Science 7:11) and its place-level error. Not here: ratios
(`rate_ratio`), which rings go with which place (`rings`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hotspot_pipeline.evaluation.estimate import Estimate, FloatArray, Guard, t_interval
from hotspot_pipeline.evaluation.place_counts import PlaceCounts
from hotspot_pipeline.evaluation.rate_ratio import smaller_errors

WARN_SCALE, FORBID_SCALE = 1.25, 2.0


@dataclass(frozen=True, slots=True)
class AreaCounts:
    """Events of one area before and after, each with its divisor: time times area weight."""

    before: float
    after: float
    before_weight: float = 1.0
    after_weight: float = 1.0

    @property
    def change(self) -> float:
        return self.after / self.after_weight - self.before / self.before_weight

    @property
    def variance(self) -> float:
        return self.after / self.after_weight**2 + self.before / self.before_weight**2


NO_AREA = AreaCounts(0, 0)


def classic_wdd(
    treated: AreaCounts,
    control: AreaCounts,
    displacement: AreaCounts = NO_AREA,
    control_displacement: AreaCounts = NO_AREA,
) -> tuple[float, float]:
    """(WDD, Poisson standard error) from up to eight counts.

    (T1/t1 - T0/t0) - (C1/c1 - C0/c0) + (D1/d1 - D0/d0) - (E1/e1 - E0/e0), variance = sum of count / divisor². The error
    takes variance for mean, which is too small wherever places drift from year to year; `wdd` does not.
    """
    areas = (treated, control, displacement, control_displacement)
    value = treated.change - control.change + displacement.change - control_displacement.change
    return value, float(np.sqrt(sum(a.variance for a in areas)))


def wdd(
    places: PlaceCounts, rings: PlaceCounts | None = None, phi: float | None = None
) -> Estimate:
    """WDD with place-level standard error; events in the unit of the weights (1: events over the period after).

    `rings` are the displacement areas of the same places in the same order: a place and its ring drift together, so
    their changes are added up place by place. With Δ_i the change of place i, SE² = n_T·var(Δ | T) + n_C·var(Δ | C),
    t with n_T + n_C - 2 degrees of freedom. The estimate carries the guard `scale_of_control`. Raises ValueError for
    fewer than two places an arm and for rings of other places.
    """
    if min(places.n_treated, places.n_control) < 2:
        raise ValueError("wdd: two places an arm are needed to see how places differ")
    change, variance = _changes(places)
    if rings is not None:
        if not np.array_equal(rings.is_treated, places.is_treated):
            raise ValueError("wdd: rings must be of the same places in the same order")
        more, more_variance = _changes(rings)
        change, variance = change + more, variance + more_variance
    t = places.is_treated
    value = float(change[t].sum() - change[~t].sum())
    error = float(np.sqrt(sum(len(d) * d.var(ddof=1) for d in (change[t], change[~t]))))
    df = len(change) - 2
    low, high, p = t_interval(value, error, df)
    poisson = float(np.sqrt(variance.sum()))
    return Estimate(
        "wdd", "events", value, error, df, low, high, p, f"place-level error, t({df})", places.sums,
        places.n_treated, places.n_control, is_causal_design=True,
        beside=smaller_errors(poisson, phi), guards=(scale_of_control(places),),
    )  # fmt: skip


def scale_of_control(places: PlaceCounts) -> Guard:
    """Absolute differences take for granted that both arms would have changed by as many events.

    Where controls are much larger or smaller the same change in per cent is another number of events, and the sign can
    flip: beyond 1.25 times a warning, beyond 2 times no difference in events may be claimed (judgement, fixed here).
    """
    before, _ = places.rates()
    treated, control = before[places.is_treated].sum(), before[~places.is_treated].sum()
    ratio = float(control / treated) if treated > 0 else float("inf")
    away = max(ratio, 1 / ratio) if ratio > 0 else float("inf")
    reason = f"controls had {ratio:.2f} times the events of the treated places before"
    if away > FORBID_SCALE:
        return Guard(
            "scale_of_control",
            "forbids",
            f"{reason}: use the rate ratio, a difference in events can flip its sign",
        )
    if away > WARN_SCALE:
        return Guard("scale_of_control", "warning", f"{reason}: prefer the rate ratio")
    return Guard("scale_of_control", "clear", reason)


def _changes(places: PlaceCounts) -> tuple[FloatArray, FloatArray]:
    before, after = places.rates()
    variance = np.asarray(before / places.before_weight + after / places.after_weight)
    return after - before, variance
