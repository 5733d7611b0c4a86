"""Lags by brute force, and a curve put in by hand that must come out again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotspot_pipeline.evaluation.lags import Patrols, run_lengths, since_patrol
from hotspot_pipeline.evaluation.residual import DURING, lag_codes, residual_curve
from hotspot_pipeline.evaluation.wording import sentences_of_curve

HOUR = 3600


@given(st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_lags_are_those_of_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(0, 12))
    place, begin = rng.integers(0, 3, n), rng.integers(-50, 400, n)
    patrols = Patrols(place, begin, begin + rng.integers(0, 20, n))
    rows, start = rng.integers(0, 3, 30), rng.integers(-40, 400, 30)
    found = since_patrol(patrols, rows, start, start + 30)
    for k in range(30):
        mine = patrols.place == rows[k]
        middle = start[k] + 15
        left = patrols.end_s[mine & (patrols.end_s <= middle)]
        ahead = patrols.begin_s[mine & (patrols.begin_s >= middle)]
        overlaps = mine & (patrols.begin_s < start[k] + 30) & (patrols.end_s > start[k])
        # a patrol without length lies in the stretch where it stands strictly inside
        overlaps &= (patrols.end_s > patrols.begin_s) | (patrols.begin_s > start[k])
        assert found.hours_since[k] == (
            pytest.approx((middle - left.max()) / HOUR) if len(left) else np.inf
        )
        assert found.hours_until[k] == (
            pytest.approx((ahead.min() - middle) / HOUR) if len(ahead) else np.inf
        )
        assert found.is_during[k] == overlaps.any()


def test_a_patrol_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValueError, match="patrol 1: ends at 3 before it begins at 4"):
        Patrols(np.array([0, 0]), np.array([1, 4]), np.array([2, 3]))


def test_runs_of_patrol_days() -> None:
    days = np.array([[1, 1, 0, 1, 0, 0, 1], [0, 1, 1, 1, 1, 0, 0]], dtype=bool)
    assert run_lengths(days).rows() == [(1, 2), (2, 1), (4, 1)]


def _made(seed: int, on_off, n_places: int = 40, n_days: int = 364, rate: float = 0.3) -> tuple:
    """Places with patrols at a drawn hour of each day on, and 30 % less for 24 h, 10 % less for the next 24 h."""
    rng = np.random.default_rng(seed)
    on = np.stack([on_off(rng, n_days) for _ in range(n_places)])
    place, day = np.nonzero(on)
    begin = day * 24 * HOUR + rng.integers(0, 22, len(day)) * HOUR
    patrols = Patrols(place, begin, begin + HOUR)
    rows, step = (v.ravel() for v in np.indices((n_places, n_days * 4)))
    since = since_patrol(patrols, rows, step * 6 * HOUR, (step + 1) * 6 * HOUR)
    effect = np.select([since.hours_since < 24, since.hours_since < 48], [np.log(0.7), np.log(0.9)], 0.0)  # fmt: skip
    level = rng.gamma(8, 1 / 8, n_places)[rows] * np.array([0.6, 1.4, 1.0, 1.0])[step % 4]
    y = rng.poisson(rate * level * np.exp(effect))
    return y, rows, step % 28, step // 28, since


def _spells(rng: np.random.Generator, n_days: int) -> np.ndarray:
    lengths = rng.choice([1, 2, 4, 8, 12], n_days)
    return np.repeat(np.arange(n_days) % 2 == 0, lengths)[:n_days]


def test_the_curve_that_was_put_in_comes_out() -> None:
    true = np.log([0.7, 0.9, 1, 1, 1, 1, 1])
    away, covered = [], []
    for seed in range(6):
        found = residual_curve(*_made(seed, _spells))
        assert found.not_estimable is None
        day = found.by_day
        away.append(day["log_ratio"].to_numpy() - true)
        covered.append((day["low"].to_numpy() <= true) & (true <= day["high"].to_numpy()))
    assert np.abs(np.mean(away, axis=0)).max() < 0.05
    assert np.mean(covered) > 0.85
    assert found.by_bin["lag_from_h"].to_list() == list(range(0, 168, 6))
    assert found.by_day["n_events"].to_list() == [
        found.by_bin["n_events"].slice(4 * d, 4).sum() for d in range(7)
    ]
    assert found.leads_p > 0.001
    assert found.naive_log_ratio < 0
    sure = replace(found, leads_p=0.5)
    days = [h < 0 for h in sure.by_day["high"]].index(False)
    assert days >= 1
    told = sentences_of_curve(sure)[1]
    assert told.startswith("Crime was lower")
    assert ("24 hours" if days == 1 else f"{days} days") in told
    blurred = replace(sure, by_day=sure.by_day.with_columns(high=pl.lit(0.1)))
    assert "lower" not in sentences_of_curve(blurred)[1]


def test_patrols_that_follow_crime_show_in_the_placebo_leads() -> None:
    y, rows, hour, week, since = _made(3, _spells)
    busy = np.random.default_rng(1).poisson(np.where(since.hours_until < 24, 0.15, 0.0))
    found = residual_curve(y + busy, rows, hour, week, since)
    assert found.leads_p < 0.001
    assert found.leads.row(0, named=True)["log_ratio"] > 0.1
    assert "cannot be said" in sentences_of_curve(found)[1]
    assert "went where crime was" in sentences_of_curve(found)[1]


def test_an_ordinary_schedule_says_that_it_cannot_tell() -> None:
    found = residual_curve(*_made(1, lambda rng, n: rng.random(n) < 0.8))
    assert found.not_estimable is not None
    assert found.not_estimable.startswith(f"not estimable: {found.n_clean_events} events at lag >= 7")  # fmt: skip
    assert found.by_day.is_empty()
    assert found.clean_share < 0.01
    assert "not estimable" in sentences_of_curve(found)[1]


def test_stretches_with_a_patrol_are_neither_before_nor_after() -> None:
    y, rows, hour, week, since = _made(2, _spells, n_places=4)
    lag = lag_codes(since)
    assert (lag[since.is_during] == DURING).all()
    assert (lag[~since.is_during & (since.hours_since >= 168)] == -1).all()
    inside = ~since.is_during & (since.hours_since < 168)
    assert (lag[inside] == since.hours_since[inside] // 6).all()
    elsewhere = lag_codes(since, rows == 0)
    assert (elsewhere[rows != 0] == -1).all()
    assert isinstance(residual_curve(y, rows, hour, week, since).by_bin, pl.DataFrame)
