"""The baseline against statsmodels and against what was put in."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm
from scipy.optimize import minimize_scalar

from hotspot_pipeline.evaluation.weekly_baseline import (
    Baseline,
    best_alpha,
    design,
    expected,
    fit_baseline,
    log_likelihood,
    term_names,
)

START = date(2022, 1, 3)
STEP = START + timedelta(weeks=60)


def made(
    levels: list[float], n_weeks: int = 110, *, alpha: float = 0.2, seed: int = 0, trend: float = -0.1, step: float = -0.3
) -> pl.DataFrame:  # fmt: skip
    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for name, level in enumerate(levels):
        for t in range(n_weeks):
            week = START + timedelta(weeks=t)
            angle = 2 * np.pi * (week.timetuple().tm_yday + 3) / 365.2425
            holidays = 1 if t % 26 == 20 else 0
            exposure = 0.5 if t == 7 else 1.0
            eta = (
                np.log(level)
                + 0.3 * np.sin(angle)
                + trend * t / 52.18
                + 0.2 * holidays
                + step * (week >= STEP)
            )
            mu = np.exp(eta) * exposure
            n = rng.poisson(rng.gamma(1 / alpha, alpha * mu)) if alpha else rng.poisson(mu)
            rows.append({"place": f"h{name:02}", "week_start": week, "n_events": int(n), "n_bank_holidays": holidays, "exposure": exposure})  # fmt: skip
    return pl.DataFrame(rows)


def by_dummies(weeks: pl.DataFrame, fitted: Baseline) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    y = weeks["n_events"].to_numpy().astype(float)
    x = design(weeks, fitted.origin, fitted.n_harmonics, fitted.has_trend, fitted.steps)
    dummies = weeks.select("place").to_dummies().to_numpy().astype(float)
    return y, np.column_stack([dummies, x]), np.log(weeks["exposure"].to_numpy())


def test_levels_and_terms_equal_statsmodels_with_a_column_for_every_place() -> None:
    weeks = made([0.4, 2.0, 5.0, 9.0])
    found = fit_baseline(weeks, steps=[STEP])
    y, x, offset = by_dummies(weeks, found)
    family = sm.families.NegativeBinomial(alpha=found.alpha)
    peer = sm.GLM(y, x, family=family, offset=offset).fit(tol=1e-14, maxiter=300)
    assert np.allclose(found.places["log_level"], peer.params[:4], atol=1e-6)
    assert np.allclose(found.terms["value"], peer.params[4:], atol=1e-6)
    mu = expected(found, weeks)["mu"].to_numpy()
    assert np.allclose(mu, peer.fittedvalues, rtol=1e-6)


def test_the_dispersion_is_the_likeliest_of_all_parameters_together() -> None:
    weeks = made([1.0, 4.0, 8.0], seed=3)
    found = fit_baseline(weeks, steps=[STEP])
    y, x, offset = by_dummies(weeks, found)

    def whole(log_alpha: float) -> float:
        family = sm.families.NegativeBinomial(alpha=float(np.exp(log_alpha)))
        mu = sm.GLM(y, x, family=family, offset=offset).fit(tol=1e-12).fittedvalues
        return -float(log_likelihood(y, mu, float(np.exp(log_alpha))).sum())

    peer = minimize_scalar(whole, bounds=(-5, 1), method="bounded", options={"xatol": 1e-7})
    assert np.log(found.alpha) == pytest.approx(peer.x, abs=1e-4)


def test_counts_no_wilder_than_poissons_have_no_dispersion() -> None:
    mu = np.full(400, 6.0)
    assert best_alpha(np.tile([5.0, 6.0, 7.0, 6.0], 100), mu) == 0.0
    assert fit_baseline(made([6.0], alpha=0.0, seed=1)).alpha < 0.02


def test_what_was_put_in_comes_out() -> None:
    weeks = made([2.0, 3.0, 5.0, 8.0] * 8, n_weeks=156, seed=5)
    found = fit_baseline(weeks, steps=[STEP])
    terms = dict(found.terms.iter_rows())
    assert terms["sine1"] == pytest.approx(0.3, abs=0.05)
    assert terms["trend, a year"] == pytest.approx(-0.1, abs=0.06)
    assert terms["bank holiday"] == pytest.approx(0.2, abs=0.1)
    assert terms[f"recording from {STEP}"] == pytest.approx(-0.3, abs=0.08)
    assert found.alpha == pytest.approx(0.2, abs=0.03)


def test_a_short_baseline_says_so_and_has_no_season() -> None:
    found = fit_baseline(made([3.0, 5.0], n_weeks=60))
    assert (found.is_short, found.label) == (True, "short baseline")
    assert found.terms["term"].to_list() == ["bank holiday"]
    assert fit_baseline(made([3.0], n_weeks=104)).label == "baseline"
    with pytest.raises(ValueError, match="no place has 26 weeks .* the longest has 20"):
        fit_baseline(made([3.0], n_weeks=20))


def test_a_place_without_events_or_with_few_weeks_has_no_expectation() -> None:
    weeks = pl.concat(
        [
            made([3.0]),
            made([1.0]).with_columns(place=pl.lit("quiet"), n_events=pl.lit(0, pl.Int64)),
            made([1.0], n_weeks=10).with_columns(place=pl.lit("new")),
        ]
    )
    found = fit_baseline(weeks)
    assert found.places.select("place", "n_weeks").rows() == [("h00", 110), ("quiet", 110)]
    assert found.places["log_level"].is_null().to_list() == [False, True]
    mu = expected(found, weeks).group_by("place").agg(pl.col("mu").is_null().all()).sort("place")
    assert mu["mu"].to_list() == [False, True, True]
    # and does not move the others
    alone = fit_baseline(weeks.filter(pl.col("place") == "h00"))
    assert np.allclose(alone.terms["value"], found.terms["value"])
    nothing = fit_baseline(weeks.filter(pl.col("place") == "quiet"))
    assert expected(nothing, weeks)["mu"].null_count() == weeks.height


def test_a_recording_change_outside_of_the_weeks_is_not_estimated() -> None:
    weeks = made([3.0])
    late = START + timedelta(weeks=300)
    found = fit_baseline(weeks, steps=[START, late, STEP])
    assert found.steps == (STEP,)
    assert found.terms["term"].to_list() == term_names(2, True, [STEP])


def test_the_order_of_rows_changes_nothing() -> None:
    weeks = made([1.0, 4.0])
    one, other = fit_baseline(weeks), fit_baseline(weeks.sample(fraction=1.0, shuffle=True, seed=1))
    assert one.alpha == other.alpha
    assert one.places.equals(other.places)
    assert one.terms.equals(other.terms)
