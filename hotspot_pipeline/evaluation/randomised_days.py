"""Days by lot: as assigned, as treated, and events prevented per quarter of an hour of patrol.

Here: the three readings of a trial that draws days for each place. Not here: how long a patrol is remembered
(`residual`), the Poisson panel (`panel`), other draws of the lot (`redraws`).

Days without patrol live on the days before. So all three are smaller than what the whole programme does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from hotspot_pipeline.evaluation.estimate import (
    CONFIDENCE,
    BoolArray,
    Estimate,
    FloatArray,
    FourCounts,
    Guard,
    IntArray,
)
from hotspot_pipeline.evaluation.few_places import bound
from hotspot_pipeline.evaluation.panel import PanelRows, panel_effect

DOSE_MINUTES = 15.0
WEAK_F = 10.0  # Staiger & Stock 1997: below this the lot says too little about minutes
CARRY_OVER = Guard(
    "carry_over",
    "warning",
    "days without patrol may live on the days before: the figure is a lower bound of a patrol's whole effect",
)


@dataclass(frozen=True, eq=False)
class TrialDays:
    """One row a place and police day that the lot decided: `events`, `place` from 0, `day` from 0, `assigned` to patrol,
    `patrol_minutes` delivered (union of officers' intervals). All (n_rows,). Days not by lot do not belong in here.
    """

    events: IntArray
    place: IntArray
    day: IntArray
    assigned: BoolArray
    patrol_minutes: FloatArray

    def panel(self, patrol: BoolArray) -> PanelRows:
        return PanelRows(self.events, self.place, self.day, patrol)


def intention_to_treat(days: TrialDays, redraws: BoolArray | None = None) -> Estimate:
    """Log rate ratio of days assigned to patrol against days assigned to none, within place and day. Causal by the lot."""
    found = panel_effect(days.panel(days.assigned), redraws=redraws, by_lot=True, measure="itt_day")
    return found.with_guards(CARRY_OVER)


def as_treated(days: TrialDays, min_minutes: float = 10.0) -> Estimate:
    """The same by what was delivered (`min_minutes` of patrol or more). Not causal: delivery is cut when demand spikes."""
    found = panel_effect(days.panel(days.patrol_minutes >= min_minutes), measure="as_treated_day")
    reason = "not causal: patrols were not delivered by lot, they are cut when demand spikes"
    return replace(found, is_causal_design=False, notes=(*found.notes, reason)).with_guards(
        CARRY_OVER
    )


def per_dose(
    days: TrialDays, redraws: BoolArray | None = None, *, at_spell_ends: bool = False
) -> Estimate:
    """Events a day per +15 patrol-minutes among days patrolled because of the lot (CACE: Imbens & Angrist 1994), with
    Fieller interval (Fieller 1954), or with `redraws` (n_draws, n_rows) of the lot, for few places, with the interval of its test.

    Ratio of two differences, assigned less not assigned, both within place and day: events and minutes. With place clusters
    u = sum of events' and v = of minutes' net products with the lot, the 95 % set is {b: (u - b v)² <= t² · var(u - b v)}:
    an interval where the lot moved minutes clearly, otherwise open; then low or high is infinite and the guard
    `weak_first_stage` says so. With redraws the set of all b for which the drawn lot's |u - b v| is not among the last 5 % of all
    draws' (Imbens & Rosenbaum 2005, JRSS A 168): what is left of events when b a dose is taken out owes nothing to the lot. `at_spell_ends`: the caller kept only the last days of spells of several days; otherwise
    the guard `carry_over` warns. Raises ValueError where the lot moved no minutes at all.
    """
    z = _within(days.assigned.astype(np.float64), days.place, days.day)
    u, v = (
        _by_place(z * _within(np.asarray(x, np.float64), days.place, days.day), days.place)
        for x in (days.events, days.patrol_minutes / DOSE_MINUTES)
    )
    if v.sum() == 0:
        raise ValueError("per_dose: days assigned to patrol had no more minutes than the others")
    n = len(u)
    critical = float(stats.t.ppf(0.5 + CONFIDENCE / 2, n - 1))
    squeeze = n / (n - 1)
    value = float(u.sum() / v.sum())
    net = u - value * v
    error = float(np.sqrt(squeeze * (net**2).sum()) / abs(v.sum()))
    low, high = _fieller(u, v, critical**2 * squeeze)
    spread = np.sqrt(squeeze * _spread(u, u))
    no_effect = abs(u.sum()) / spread if spread > 0 else 0.0
    p = float(2 * stats.t.sf(no_effect, n - 1))
    inference = f"Fieller, clustered by {n} places, t({n - 1})"
    if redraws is not None:
        low, high, p = _by_lot(days, redraws, value, error)
        inference = f"randomisation inference, {len(redraws)} draws of the recorded lot"
    first_stage = float(v.sum() ** 2 / (squeeze * _spread(v, v)))
    weak = Guard(
        "weak_first_stage",
        "clear" if first_stage >= WEAK_F else "forbids",
        f"F = {first_stage:.0f} of the lot on minutes" + ("" if first_stage >= WEAK_F else "; under 10 the figure means nothing"),
    )  # fmt: skip
    return Estimate(
        "cace_15_minutes", "events_per_day", value, error, n - 1, low, high,
        p, inference, _sums(days), n, 0, is_causal_design=True,
        guards=(weak,) if at_spell_ends else (weak, CARRY_OVER),
    )  # fmt: skip


def _by_lot(days: TrialDays, redraws: BoolArray, value: float, error: float) -> tuple[float, float, float]:  # fmt: skip
    """(low, high, p of no effect) by inverting the test of the lot; the drawn one stands first."""
    lots = np.vstack([days.assigned, redraws]).astype(np.float64)
    u, v = (
        lots @ _within(np.asarray(x, np.float64), days.place, days.day)
        for x in (days.events, days.patrol_minutes / DOSE_MINUTES)
    )

    def p(effect: float) -> float:
        found = np.abs(u - effect * v)
        return float((found >= found[0] - 1e-12).mean())

    return bound(p, value, -error), bound(p, value, error), p(0.0)


def _sums(days: TrialDays) -> FourCounts:
    return FourCounts(
        int(days.events[~days.assigned].sum()), int(days.events[days.assigned].sum()), 0, 0
    )


def _fieller(u: FloatArray, v: FloatArray, k: float) -> tuple[float, float]:
    """The b with (sum u - b sum v)² <= k · sum (u - b v)², each centred on nothing: scores at no effect have mean 0."""
    a = float(v.sum() ** 2 - k * _spread(v, v))
    b = float(u.sum() * v.sum() - k * _spread(u, v))
    c = float(u.sum() ** 2 - k * _spread(u, u))
    root = b * b - a * c
    if a <= 0 or root < 0:
        return -np.inf, np.inf
    return (b - np.sqrt(root)) / a, (b + np.sqrt(root)) / a


def _by_place(x: FloatArray, place: IntArray) -> FloatArray:
    """Sums by place, for the places there are."""
    return np.asarray(np.bincount(place, x)[np.unique(place)], dtype=np.float64)


def _spread(x: FloatArray, y: FloatArray) -> float:
    return float(((x - x.mean()) * (y - y.mean())).sum())


def _within(x: FloatArray, place: IntArray, day: IntArray) -> FloatArray:
    """x less its place and day means, by turns until nothing changes (the table need not be complete)."""
    x = x.copy()
    for _ in range(200):
        before = x.copy()
        for code in (place, day):
            n = np.bincount(code)
            x -= (np.bincount(code, x) / np.maximum(n, 1))[code]
        if np.abs(x - before).max() < 1e-12 * max(1.0, np.abs(x).max()):
            break
    return x
