"""Days by lot: against statsmodels, two-stage least squares by hand, and a trial with known answers."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from hotspot_pipeline.evaluation.randomised_days import (
    TrialDays,
    as_treated,
    intention_to_treat,
    per_dose,
)
from hotspot_pipeline.evaluation.redraws import shuffle_days


def _trial(seed: int, n_places: int = 45, n_days: int = 80, delivered: float = 0.8, effect: float = -0.3) -> TrialDays:  # fmt: skip
    rng = np.random.default_rng(seed)
    place, day = (v.ravel() for v in np.indices((n_places, n_days)))
    kept = rng.random(len(place)) < 0.8  # days not by lot are not in the trial
    place, day = place[kept], day[kept]
    assigned = rng.random(len(place)) < 0.5
    minutes = np.where(
        assigned & (rng.random(len(place)) < delivered), rng.uniform(10, 20, len(place)), 0.0
    )
    rate = rng.gamma(6, 0.2, n_places)[place] * (1 + 0.3 * np.sin(day)) * np.exp(effect * (minutes > 0))  # fmt: skip
    return TrialDays(rng.poisson(rate), place, day, assigned, minutes)


def test_intention_to_treat_is_the_panel_with_day_dummies() -> None:
    days = _trial(1)
    found = intention_to_treat(days)
    x = np.column_stack([days.assigned, np.eye(45)[days.place], np.eye(80)[days.day][:, 1:]])
    model = sm.GLM(days.events, x.astype(float), family=sm.families.Poisson()).fit(
        tol=1e-13, cov_type="cluster", cov_kwds={"groups": days.place, "use_correction": False}
    )
    assert found.value == pytest.approx(model.params[0], abs=1e-6)
    assert found.standard_error == pytest.approx(model.bse[0] * np.sqrt(45 / 44), rel=1e-6)
    assert found.is_causal_design
    assert any(g.name == "carry_over" for g in found.guards)
    # as assigned is smaller than as treated, which is never causal
    treated = as_treated(days)
    assert treated.value < found.value < 0
    assert not treated.is_causal_design


def test_few_places_are_read_by_the_lot() -> None:
    days = _trial(2, n_places=12)
    redraws = shuffle_days(1, days.place, days.assigned, 199)
    found = intention_to_treat(days, redraws)
    assert "randomisation" in found.inference
    assert found.low < found.value < found.high


def test_per_dose_of_few_places_inverts_the_test_of_the_lot() -> None:
    """By hand: what a dose is said to prevent is put back, dummies are regressed out, and the drawn lot ranked among 499."""
    days = _trial(2, n_places=9, n_days=40, effect=-0.5)
    redraws = shuffle_days(1, days.place, days.assigned, 499)
    found = per_dose(days, redraws)
    dummies = np.column_stack([np.eye(9)[days.place], np.eye(40)[days.day][:, 1:]])

    def p(effect: float) -> float:
        y = days.events - effect * days.patrol_minutes / 15
        y = y - dummies @ np.linalg.lstsq(dummies, y, rcond=None)[0]
        size = np.abs(np.vstack([days.assigned, redraws]) @ y)
        return float((size >= size[0] - 1e-9).mean())

    assert found.p_value == pytest.approx(p(0.0))
    assert found.value == pytest.approx(per_dose(days).value)
    for end, inside in ((found.low, 0.02), (found.high, -0.02)):
        assert p(end + inside) > 0.05 >= p(end - inside)
    # a lot that hardly moves minutes bounds nothing
    weak = _trial(4, n_places=8, n_days=20, delivered=0.05)
    assert not np.isfinite(per_dose(weak, shuffle_days(1, weak.place, weak.assigned, 199)).low)


def test_per_dose_is_two_stage_least_squares() -> None:
    days = _trial(3)
    found = per_dose(days)
    dummies = np.column_stack([np.eye(45)[days.place], np.eye(80)[days.day][:, 1:]])
    z = np.column_stack([days.assigned, dummies])
    x = np.column_stack([days.patrol_minutes / 15, dummies])
    first = np.linalg.lstsq(z, x, rcond=None)[0]
    second = np.linalg.lstsq(z @ first, days.events, rcond=None)[0]
    assert found.value == pytest.approx(second[0], abs=1e-8)
    residual = days.events - x @ second
    net = days.assigned - dummies @ np.linalg.lstsq(dummies, days.assigned.astype(float), rcond=None)[0]  # fmt: skip
    scores = np.bincount(days.place, net * residual)
    error = np.sqrt(45 / 44 * (scores**2).sum()) / abs((net * days.patrol_minutes / 15).sum())
    assert found.standard_error == pytest.approx(error, rel=1e-6)
    assert found.low < found.value < found.high < 0
    assert (found.p_value < 0.05) == (not found.includes_no_effect)
    # a strong first stage: Fieller is close to the ordinary interval
    assert found.high - found.low == pytest.approx(2 * 2.015 * found.standard_error, rel=0.1)


def test_interval_and_p_value_agree() -> None:
    for seed in range(30):
        found = per_dose(_trial(seed, n_places=10, n_days=30, effect=-0.2))
        assert (found.p_value < 0.05) == (not found.includes_no_effect)


def test_a_lot_that_moved_few_minutes_bounds_nothing() -> None:
    found = per_dose(_trial(4, n_places=8, n_days=20, delivered=0.05))
    weak = next(g for g in found.guards if g.name == "weak_first_stage")
    assert weak.verdict == "forbids"
    assert not found.may_claim
    with pytest.raises(ValueError, match="no more minutes"):
        per_dose(_trial(5, delivered=0.0))


def test_ends_of_spells_need_no_warning_of_carry_over() -> None:
    names = {g.name for g in per_dose(_trial(6), at_spell_ends=True).guards}
    assert "carry_over" not in names
