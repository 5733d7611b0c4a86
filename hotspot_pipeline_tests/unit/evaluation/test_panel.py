"""One effect in a panel: against the rate ratio, the lot drawn by hand, statsmodels and imputation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from hotspot_pipeline.evaluation.design import NotIdentified
from hotspot_pipeline.evaluation.estimate import joint_p
from hotspot_pipeline.evaluation.event_study import NEVER, event_study
from hotspot_pipeline.evaluation.few_places import randomisation
from hotspot_pipeline.evaluation.panel import PanelRows, panel_effect
from hotspot_pipeline.evaluation.place_counts import PlaceCounts
from hotspot_pipeline.evaluation.ppml import nuisance_only
from hotspot_pipeline.evaluation.rate_ratio import rate_ratio
from hotspot_pipeline.evaluation.redraws import (
    draw_arms,
    exchange_schedules,
    shuffle_days,
    swap_within_pairs,
)
from hotspot_pipeline.evaluation.staggered import staggered


def _rows(counts: np.ndarray, patrol: np.ndarray) -> PanelRows:
    place, period = (v.ravel() for v in np.indices(counts.shape))
    return PanelRows(counts.ravel(), place, period, patrol.ravel())


def _made(seed: int, n: int, effect: float = 0.0, drift: float = 0.2) -> tuple:
    rng = np.random.default_rng(seed)
    level = rng.gamma(20, 3, n)[:, None] * rng.lognormal(0, drift, (n, 2))
    is_treated = np.arange(n) % 2 == 0
    patrol = is_treated[:, None] & np.array([False, True])
    return rng.poisson(level * np.exp(effect * patrol)), patrol, is_treated


def test_two_periods_give_the_rate_ratio() -> None:
    counts, patrol, is_treated = _made(1, 50, -0.2)
    found = panel_effect(_rows(counts, patrol))
    simple = rate_ratio(PlaceCounts(counts[:, 0], counts[:, 1], is_treated))
    assert found.value == pytest.approx(simple.value, abs=1e-9)
    # the factors differ, n/(n-1) an arm against G/(G-1): nothing else does
    assert found.standard_error**2 * 49 / 50 == pytest.approx(
        simple.standard_error**2 * 24 / 25, rel=1e-6
    )
    assert found.inference == "clustered by 50 places, t(49)"
    assert found.counts == simple.counts


def test_few_places_take_the_lot_or_the_bootstrap() -> None:
    counts, patrol, is_treated = _made(2, 12)
    arms = swap_within_pairs(1, is_treated, np.arange(12) // 2, 200)
    redraws = (arms[:, :, None] & np.array([False, True])).reshape(200, -1)
    by_lot = panel_effect(_rows(counts, patrol), redraws=redraws, by_lot=True)
    wild = panel_effect(_rows(counts, patrol))
    assert "randomisation inference" in by_lot.inference
    assert "score wild bootstrap" in wild.inference
    for found in (by_lot, wild):
        assert found.low < found.value < found.high
        assert (found.p_value < 0.05) == (not found.includes_no_effect)


def test_randomisation_p_is_the_rank_among_all_assignments() -> None:
    """Six places, three pairs: all eight assignments, statistics by hand."""
    counts, patrol, _ = _made(3, 6, -1.0, drift=0.05)
    every = np.array(list(itertools.product([False, True], repeat=3)))
    arms = np.stack([every, ~every], axis=2).reshape(8, 6)
    redraws = (arms[:, :, None] & np.array([False, True])).reshape(8, -1)
    rows = _rows(counts, patrol)
    nuisance = {"place": rows.place, "period": rows.period}
    found = randomisation(rows.events, nuisance, rows.patrol, redraws, rows.place, -1.0, 0.1)
    mu = nuisance_only(rows.events, nuisance).reshape(6, 2)
    residual = counts - mu
    size = []
    for arm in arms:
        d = (arm[:, None] & np.array([False, True])).astype(float)
        # weighted means taken out of d until nothing changes
        for _ in range(200):
            d = d - (mu * d).sum(axis=1, keepdims=True) / mu.sum(axis=1, keepdims=True)
            d = d - (mu * d).sum(axis=0) / mu.sum(axis=0)
        score = (d * residual).sum(axis=1)
        size.append(abs(score.sum()) / np.sqrt((score**2).sum()))
    mine = int(np.flatnonzero((arms == (np.arange(6) % 2 == 0)).all(axis=1))[0])
    assert found.p_value == pytest.approx((1 + (np.array(size) >= size[mine] - 1e-9).sum()) / 9)


@pytest.mark.parametrize("seed", range(6))
def test_the_interval_of_the_lot_is_its_test_inverted(seed: int) -> None:
    """No effect lies in the interval exactly where its p is over 5 %, and its ends are where p crosses it."""
    counts, patrol, is_treated = _made(seed, 12, -0.35)
    redraws = (draw_arms(seed, is_treated, 199)[:, :, None] & np.array([False, True])).reshape(199, -1)  # fmt: skip
    rows = _rows(counts, patrol)
    nuisance = {"place": rows.place, "period": rows.period}
    at = panel_effect(rows, redraws=redraws, by_lot=True)
    again = randomisation(rows.events, nuisance, rows.patrol, redraws, rows.place, at.value, 2.5 * at.standard_error)  # fmt: skip
    assert at.includes_no_effect == (at.p_value > 0.05)
    assert (again.low, again.high) == pytest.approx((at.low, at.high), abs=0.02)


def test_events_that_do_not_bound_the_effect_are_refused() -> None:
    """One event a place, each on another patrolled day: the fit runs off."""
    rng = np.random.default_rng(0)
    counts = np.zeros((8, 60), np.int64)
    patrol = rng.random(counts.shape) < 0.5
    for place in range(8):
        counts[place, np.flatnonzero(patrol[place])[place * 3]] = 1
    with pytest.raises(NotIdentified):
        panel_effect(_rows(counts, patrol))


def test_joint_test_of_leads_keeps_its_level_with_few_clusters() -> None:
    """Effects whose covariance comes from a dozen clusters: Hotelling's T squared rejects one in twenty, the plain F one in ten or more."""
    rng = np.random.default_rng(1)
    n, q, p_values = 12, 4, []
    for _ in range(2000):
        scores = rng.normal(size=(n, q))
        mean = scores.mean(axis=0)
        covariance = np.cov(scores.T) / n
        p_values.append(joint_p(mean, covariance, n))
    assert 0.035 < np.mean(np.array(p_values) < 0.05) < 0.065
    # one effect: the t test
    assert joint_p(np.array([2.0]), np.array([[1.0]]), 12) == pytest.approx(2 * stats.t.sf(2.0, 11))
    assert np.isnan(joint_p(np.ones(4), np.eye(4), 4))


@pytest.mark.slow
def test_errors_with_few_places_cover_and_do_not_cry_wolf() -> None:
    n_runs, n, covered, alarms = 150, 16, [0, 0], [0, 0]
    for seed in range(n_runs):
        counts, patrol, is_treated = _made(100 + seed, n, -0.3)
        arms = draw_arms(seed, is_treated, 199)
        redraws = (arms[:, :, None] & np.array([False, True])).reshape(199, -1)
        rows = _rows(counts, patrol)
        none = _rows(_made(100 + seed, n)[0], patrol)
        for k, draws in enumerate((redraws, None)):
            found = panel_effect(rows, redraws=draws, seed=seed)
            covered[k] += found.low <= -0.3 <= found.high
            alarms[k] += panel_effect(none, redraws=draws, seed=seed).p_value < 0.05
    # 150 runs: three standard errors are 0.053
    assert all(c / n_runs >= 0.89 for c in covered)
    assert all(a / n_runs <= 0.11 for a in alarms)


def test_redraws_are_what_the_lot_could_have_given() -> None:
    is_treated = np.array([True, False, False, True])
    pairs = swap_within_pairs(1, is_treated, np.array([7, 7, 9, 9]), 50)
    assert (pairs[:, 0] ^ pairs[:, 1]).all()
    assert (pairs[:, 2] ^ pairs[:, 3]).all()
    assert len(np.unique(pairs, axis=0)) == 4
    with pytest.raises(ValueError, match="pair 7"):
        swap_within_pairs(1, np.array([True, True]), np.array([7, 7]), 5)
    assert (draw_arms(1, is_treated, 20).sum(axis=1) == 2).all()
    schedule = np.random.default_rng(1).random((5, 30)) < 0.5
    rows = {bytes(r) for s in (schedule, ~schedule) for r in s}
    assert {bytes(r) for one in exchange_schedules(1, schedule, 10) for r in one} <= rows
    place = np.repeat([0, 1], 10)
    place = np.random.default_rng(2).permutation(place)
    patrol = np.random.default_rng(3).random(20) < 0.4
    for one in shuffle_days(1, place, patrol, 5):
        assert [one[place == k].sum() for k in (0, 1)] == [patrol[place == k].sum() for k in (0, 1)]


def test_what_no_panel_can_tell_is_refused() -> None:
    counts, patrol, _ = _made(4, 6)
    with pytest.raises(NotIdentified, match="nothing to compare"):
        _rows(counts, np.zeros_like(patrol))
    with pytest.raises(NotIdentified, match="no finite value"):
        panel_effect(_rows(np.where(patrol, 0, counts + 1), patrol))


def test_event_study_is_the_model_with_dummies() -> None:
    rng = np.random.default_rng(5)
    n, n_periods, start_at = 30, 14, 8
    place, period = (v.ravel() for v in np.indices((n, n_periods)))
    start = np.where(place < 15, start_at, NEVER)
    y = rng.poisson(np.exp(4 + 0.1 * (place % 5) - 0.4 * ((place < 15) & (period >= start_at))))
    found = event_study(y, place, period, start, n_lags=3)
    relative = np.clip(period - start_at, -5, 3)
    dummies = [(place < 15) & (relative == k) for k in range(-4, 4)]
    x = np.column_stack([*dummies, np.eye(n)[place], np.eye(n_periods)[period][:, 1:]]).astype(float)  # fmt: skip
    model = sm.GLM(y, x, family=sm.families.Poisson()).fit(
        tol=1e-13, cov_type="cluster", cov_kwds={"groups": place, "use_correction": False}
    )
    assert found.curve["relative_period"].to_list() == list(range(-4, 4))
    assert found.curve["log_ratio"].to_numpy() == pytest.approx(model.params[:8], abs=1e-6)
    expected = model.bse[:8] * np.sqrt(n / (n - 1))
    assert found.curve["standard_error"].to_numpy() == pytest.approx(expected, rel=1e-6)
    assert found.pre_trend.verdict == "clear"
    assert found.curve.filter(found.curve["relative_period"] >= 0)["high"].to_numpy().mean() < 0
    with pytest.raises(ValueError, match="no period earlier"):
        event_study(y, place, period, np.where(place < 15, 3, NEVER))


def test_a_trend_before_the_start_forbids() -> None:
    rng = np.random.default_rng(6)
    place, period = (v.ravel() for v in np.indices((60, 14)))
    treated = place < 30
    y = rng.poisson(np.exp(2 - 0.12 * treated * period))
    found = event_study(y, place, period, np.where(treated, 8, NEVER))
    assert found.pre_trend.verdict == "forbids"


def test_staggered_starts_are_compared_with_unpatrolled_rows_only() -> None:
    """Effects that grow turn the sign of the plain model's late effects; by cohort they are what they are."""
    rng = np.random.default_rng(7)
    n, n_periods = 90, 12
    place, period = (v.ravel() for v in np.indices((n, n_periods)))
    start = np.choose(place % 3, [4, 8, NEVER])
    exposed = np.where(start == NEVER, -1, period - start)
    true = np.where(exposed >= 0, -0.08 * (exposed + 1), 0.0)
    rate = np.exp(4 + 0.3 * (place % 7) / 7 + 0.05 * period)
    y = rng.poisson(rate * np.exp(true))
    found = staggered(y, place, period, start)
    on = exposed >= 0
    truth = np.log((rate * np.exp(true))[on].sum() / rate[on].sum())
    assert found.overall.low <= truth <= found.overall.high
    assert found.overall.standard_error < 0.03
    # imputation: place and period effects of the unpatrolled rows alone
    x = np.column_stack([np.eye(n)[place], np.eye(n_periods)[period][:, 1:]])
    model = sm.GLM(y[~on], x[~on], family=sm.families.Poisson()).fit(tol=1e-13)
    expected = model.predict(x[on])
    assert found.overall.value == pytest.approx(np.log(y[on].sum() / expected.sum()), abs=1e-6)
    assert found.cells["n_events"].sum() == y[on].sum()
    plain = panel_effect(PanelRows(y, place, period, on))
    assert abs(plain.value - truth) > 3 * abs(found.overall.value - truth)
    with pytest.raises(NotIdentified, match="every place is patrolled in period 8"):
        everywhere = start != NEVER
        staggered(y[everywhere], place[everywhere], period[everywhere], start[everywhere])
