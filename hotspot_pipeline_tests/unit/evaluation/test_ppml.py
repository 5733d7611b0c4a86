"""The Poisson panel against statsmodels with dummies, and separation against linear programming."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from hotspot_pipeline.evaluation.design import Design, NotIdentified
from hotspot_pipeline.evaluation.ppml import fit, nuisance_only
from hotspot_pipeline.evaluation.separation import separated_rows


def _dummies(codes: np.ndarray, drop_first: bool) -> np.ndarray:
    return np.eye(int(codes.max()) + 1)[codes][:, int(drop_first) :]


def _panel(seed: int, n_places: int = 24, n_periods: int = 20, keep: float = 1.0):
    rng = np.random.default_rng(seed)
    place, period = (v.ravel() for v in np.indices((n_places, n_periods)))
    rows = rng.random(len(place)) < keep
    place, period = place[rows], period[rows]
    patrol = ((place < n_places // 2) & (period >= n_periods // 2)).astype(float)
    level = rng.normal(0.5, 0.5, n_places)[place] + 0.2 * np.sin(period)
    drift = rng.normal(0, 0.2, (n_places, 2))[place, (period >= n_periods // 2).astype(int)]
    y = rng.poisson(np.exp(level + drift - 0.3 * patrol))
    return y, place, period, patrol, rng


@pytest.mark.parametrize("keep", [1.0, 0.7])
def test_equals_statsmodels_with_dummies(keep: float) -> None:
    y, place, period, patrol, rng = _panel(1, keep=keep)
    other = rng.normal(size=len(y))
    kind = rng.integers(-1, 3, len(y))
    offset = np.log(rng.uniform(0.5, 1.5, len(y)))
    found = fit(
        y, {"place": place, "period": period}, {"patrol": patrol, "kind": kind, "other": other},
        place, offset,
    )  # fmt: skip
    assert found.names == ("kind:0", "kind:1", "kind:2", "patrol", "other")
    kinds = np.stack([kind == k for k in range(3)], axis=1).astype(float)
    x = np.column_stack([kinds, patrol, other, _dummies(place, False), _dummies(period, True)])
    model = sm.GLM(y, x, family=sm.families.Poisson(), offset=offset).fit(
        tol=1e-13, cov_type="cluster", cov_kwds={"groups": place, "use_correction": False}
    )
    n = len(np.unique(place))
    assert found.effect == pytest.approx(model.params[:5], abs=1e-6)
    assert found.covariance == pytest.approx(
        model.cov_params()[:5, :5] * n / (n - 1), rel=1e-6, abs=1e-9
    )
    assert found.dispersion == pytest.approx(model.pearson_chi2 / model.df_resid, rel=1e-6)
    assert found.mu == pytest.approx(model.mu, rel=1e-6)
    assert found.n_separated == 0


def test_statsmodels_own_correction_differs_by_the_stated_factor() -> None:
    y, place, period, patrol, _ = _panel(2)
    found = fit(y, {"place": place, "period": period}, {"patrol": patrol}, place)
    x = np.column_stack([patrol, _dummies(place, False), _dummies(period, True)])
    model = sm.GLM(y, x, family=sm.families.Poisson()).fit(
        tol=1e-13, cov_type="cluster", cov_kwds={"groups": place}
    )
    n_rows, n_parameters = x.shape
    factor = (n_rows - 1) / (n_rows - n_parameters)
    assert model.bse[0] ** 2 == pytest.approx(float(found.covariance[0, 0]) * factor, rel=1e-6)


def test_levels_that_follow_from_others_do_not_matter() -> None:
    y, place, period, patrol, _ = _panel(3)
    plain = fit(y, {"place": place, "period": period}, {"patrol": patrol}, place)
    more = fit(
        y, {"place": place, "period": period, "half": period // 10}, {"patrol": patrol}, place
    )
    assert more.effect == pytest.approx(plain.effect, abs=1e-8)
    assert more.covariance == pytest.approx(plain.covariance, rel=1e-6)


def test_what_cannot_be_told_apart_is_refused_by_name() -> None:
    y, place, period, _, _ = _panel(4)
    with pytest.raises(NotIdentified, match="later is a sum of other effects"):
        fit(
            y, {"place": place, "period": period}, {"later": (period > 5).astype(float)}, place
        )  # fmt: skip
    with pytest.raises(NotIdentified, match="no events at all"):
        fit(np.zeros(4, int), {"place": np.array([0, 0, 1, 1])}, {}, np.array([0, 0, 1, 1]))
    with pytest.raises(ValueError, match="counts start at 0"):
        fit(np.array([1, -1]), {"place": np.array([0, 0])}, {}, np.array([0, 1]))
    with pytest.raises(ValueError, match="two are needed"):
        fit(np.array([1, 2]), {"place": np.array([0, 0])}, {}, np.array([0, 0]))


def test_places_and_effects_without_events_are_left_out_and_named() -> None:
    y, place, period, patrol, rng = _panel(5)
    y[place == 3] = 0
    kind = rng.integers(-1, 2, len(y))
    y[kind == 1] = 0
    found = fit(y, {"place": place, "period": period}, {"kind": kind, "patrol": patrol}, place)
    assert found.separated_effects == ("kind:1",)
    assert np.isnan(found.effect[1])
    gone = (place == 3) | (kind == 1)
    assert (found.is_used == ~gone).all()
    assert found.n_separated == gone.sum()
    kept = ~gone
    alone = fit(
        y[kept], {"place": place[kept], "period": period[kept]},
        {"kind": kind[kept], "patrol": patrol[kept]}, place[kept],
    )  # fmt: skip
    assert found.effect[[0, 2]] == pytest.approx(alone.effect)
    assert found.n_clusters == 23


def test_hidden_separation_is_found_and_taken_out() -> None:
    """Late places have no early rows, early places no late events: no level is empty, and yet those rows fit to zero."""
    rng = np.random.default_rng(6)
    place, period = (v.ravel() for v in np.indices((20, 10)))
    there = (place < 10) | (period >= 5)
    place, period = place[there], period[there]
    patrol = rng.integers(0, 2, len(place)).astype(float)
    lost = (place < 10) & (period >= 5)
    y = np.where(lost, 0, 1 + rng.poisson(3.0, len(place)))
    found = fit(y, {"place": place, "period": period}, {"patrol": patrol}, place)
    assert (found.is_used == ~lost).all()
    kept = ~lost
    alone = fit(
        y[kept], {"place": place[kept], "period": period[kept]}, {"patrol": patrol[kept]}, place[kept]
    )  # fmt: skip
    assert found.effect == pytest.approx(alone.effect)
    assert np.isfinite(found.standard_error()).all()


def _all_separated(
    y: np.ndarray, first: np.ndarray, second: np.ndarray, x: np.ndarray
) -> np.ndarray:
    """As `fit` asks: again of the rows that are left, until none is separated."""
    left = np.ones(len(y), bool)
    while left.any():
        codes = [np.unique(v[left], return_inverse=True)[1] for v in (first, second)]
        effects = {"x": x[left]} if np.ptp(x[left]) else {}
        lost = separated_rows(y[left], Design({"first": codes[0], "second": codes[1]}, effects))
        if not lost.any():
            break
        left[np.flatnonzero(left)[lost]] = False
    return ~left


@given(st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
@example(4836)
def test_separated_rows_are_those_of_the_linear_programme(seed: int) -> None:
    """A row is separated where some X·c is >= 0 everywhere, 0 where y > 0, and above 0 in that row."""
    rng = np.random.default_rng(seed)
    n = 24
    first, second = rng.integers(0, 4, n), rng.integers(0, 4, n)
    first, second = (np.unique(v, return_inverse=True)[1] for v in (first, second))
    x = rng.integers(-1, 2, n).astype(float)
    y = (rng.random(n) < 0.35).astype(float)
    if not y.any():
        return
    try:
        found = _all_separated(y, first, second, x)
    except NotIdentified:
        return
    matrix = np.column_stack([_dummies(first, False), _dummies(second, True), x])
    zero = y == 0
    n_zero, n_columns = int(zero.sum()), matrix.shape[1]
    # how far each row can be lifted, up to 1 each, with every row's X·c at least that
    best = linprog(
        np.r_[np.zeros(n_columns), -np.ones(n_zero)],
        A_ub=np.hstack([-matrix[zero], np.eye(n_zero)]), b_ub=np.zeros(n_zero),
        A_eq=np.hstack([matrix[~zero], np.zeros((n - n_zero, n_zero))]), b_eq=np.zeros(n - n_zero),
        bounds=[(None, None)] * n_columns + [(0, 1)] * n_zero,
    )  # fmt: skip
    by_programme = np.zeros(n, bool)
    by_programme[zero] = best.x[n_columns:] > 0.5
    assert (found == by_programme).all()


def test_nuisance_only_is_the_closed_form_of_a_complete_panel() -> None:
    y = np.random.default_rng(7).poisson(2.0, (8, 6))
    place, period = (v.ravel() for v in np.indices(y.shape))
    mu = nuisance_only(y.ravel(), {"place": place, "period": period})
    assert mu.reshape(8, 6) == pytest.approx(np.outer(y.sum(axis=1), y.sum(axis=0)) / y.sum())
