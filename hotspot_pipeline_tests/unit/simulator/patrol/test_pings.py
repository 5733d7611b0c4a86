"""Fixes have the gaps, the noise and the faults that they are meant to have."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from hotspot_pipeline.geo.transform import to_wgs84
from hotspot_pipeline.simulator.patrol import noise
from hotspot_pipeline.simulator.patrol.days import PatrolDay, PatrolForce
from hotspot_pipeline.simulator.patrol.noise import BurstKind, bursts, correlated, which_burst
from hotspot_pipeline.simulator.patrol.pings import (
    GPS,
    NETWORK,
    WRONG_CLOCK_SHARE,
    Pings,
    clock_errors,
)


@pytest.fixture(scope="module")
def observed(force: PatrolForce, days: list[PatrolDay]) -> list[tuple[PatrolDay, Pings]]:
    return [(day, day.fixes(force)) for day in days]


def test_gaps_are_those_of_the_device(
    force: PatrolForce, observed: list[tuple[PatrolDay, Pings]]
) -> None:
    gaps: dict[int, list[np.ndarray]] = {5: [], 60: [], 300: []}
    for day, pings in observed:
        interval = force.pools.interval_s[day.carried.device[pings.row]]
        same = pings.row[1:] == pings.row[:-1]
        for every, found in gaps.items():
            found.append(np.diff(pings.true_fix)[same & (interval[1:] == every)])
    for every, parts in gaps.items():
        gap = np.concatenate(parts)
        gap = gap[gap > 0]  # an exact repetition
        assert np.median(gap) == pytest.approx(every, abs=1)
        on_time = gap[gap < 1.5 * every]
        assert on_time.mean() == pytest.approx(every, rel=0.01)
        # what was lost is lost in bursts: one long gap each, of 2 to 20 minutes and an interval
        assert len(on_time) / len(gap) > 0.97
        assert gap.max() < 2 * 1200 + 2 * every + 10


def test_devices_report_at_the_intervals_in_their_shares(force: PatrolForce) -> None:
    share = {s: float((force.pools.interval_s == s).mean()) for s in (5, 60, 300)}
    assert share[5] == pytest.approx(0.25, abs=0.03)
    assert share[300] == pytest.approx(0.10, abs=0.03)
    on_duty = np.concatenate([force.day(k).carried.device for k in range(force.n_days)])
    assert (force.pools.interval_s[on_duty] == 5).mean() == pytest.approx(0.25, abs=0.06)


def _errors(day: PatrolDay, pings: Pings, dense: bool) -> np.ndarray:
    good = (pings.fix_type == GPS) & ~pings.is_stuck & (pings.is_dense == dense)
    return np.concatenate([(pings.e - pings.x)[good], (pings.n - pings.y)[good]])


@pytest.mark.parametrize(
    ("dense", "sigma"), [(False, noise.OPEN_SIGMA_M), (True, noise.DENSE_SIGMA_M)]
)
def test_noise_has_its_spread_in_the_open_and_in_dense_cores(
    observed: list[tuple[PatrolDay, Pings]], dense: bool, sigma: float
) -> None:
    errors = np.concatenate([_errors(day, pings, dense) for day, pings in observed])
    assert len(errors) > 20_000
    assert errors.std() == pytest.approx(sigma, rel=0.03)
    assert abs(errors.mean()) < 0.05 * sigma


@pytest.mark.parametrize(("every", "tolerance"), [(5, 0.01), (60, 0.02), (300, 0.05)])
def test_noise_is_correlated_over_a_minute_at_every_interval(
    force: PatrolForce, observed: list[tuple[PatrolDay, Pings]], every: int, tolerance: float
) -> None:
    a, b, lags = [], [], []
    for day, pings in observed:
        interval = force.pools.interval_s[day.carried.device[pings.row]]
        error = (pings.e - pings.x) / np.where(
            pings.is_dense, noise.DENSE_SIGMA_M, noise.OPEN_SIGMA_M
        )
        good = (pings.fix_type == GPS) & ~pings.is_stuck & (interval == every)
        gap = np.diff(pings.true_fix)
        pair = (
            good[1:]
            & good[:-1]
            & (pings.row[1:] == pings.row[:-1])
            & (gap > 0)
            & (gap < 1.5 * every)
        )
        a.append(error[:-1][pair])
        b.append(error[1:][pair])
        lags.append(gap[pair])
    expected = np.exp(-np.concatenate(lags) / noise.TAU_S).mean()
    found = (np.concatenate(a) * np.concatenate(b)).mean()
    assert found == pytest.approx(expected, abs=tolerance + 3 / np.sqrt(len(np.concatenate(a))))


def test_correlated_noise_equals_the_recursion_done_one_by_one() -> None:
    rng = np.random.default_rng(3)
    lag = rng.choice([1, 5, 58, 60, 62, 300], 2000)
    first = rng.random(2000) < 0.01
    first[0] = True
    z = correlated(np.random.default_rng(8), lag, first)
    rho = np.where(first, 0.0, np.exp(-lag / noise.TAU_S))
    drawn = np.random.default_rng(8).standard_normal((2, 2000)) * np.sqrt(1 - rho**2)
    for axis in range(2):
        value = 0.0
        for k in range(2000):
            value = rho[k] * value + drawn[axis, k]
            assert z[axis, k] == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize(
    "kind", [noise.DROPOUT, noise.STUCK, noise.LATE], ids=["dropout", "stuck", "late"]
)
def test_bursts_take_their_share_of_the_time_and_have_their_lengths(kind: BurstKind) -> None:
    n = 6000
    start, end = np.zeros(n), np.full(n, 36_000.0)
    found = bursts(np.random.default_rng(4), kind, start, end)
    inside = np.minimum(found.end, 36_000) - np.maximum(found.start, 0)
    assert inside.sum() / (36_000 * n) == pytest.approx(kind.share, rel=0.06)
    # as often in the first hour as in the last
    first_hour = (np.minimum(found.end, 3600) - np.maximum(found.start, 0)).clip(0).sum()
    assert first_hour / (3600 * n) == pytest.approx(kind.share, rel=0.15)
    length = found.end - found.start
    assert length.min() >= kind.low_s
    assert length.max() <= kind.high_s
    same = found.row[1:] == found.row[:-1]
    assert (found.start[1:] >= found.end[:-1])[same].all()


def test_a_moment_is_found_in_its_burst_and_only_in_it() -> None:
    found = noise.Bursts(
        np.array([0, 0, 2]), np.array([10.0, 50.0, 5.0]), np.array([20.0, 60.0, 15.0])
    )
    row = np.array([0, 0, 0, 0, 0, 1, 2, 2])
    t = np.array([5.0, 10.0, 20.0, 55.0, 60.0, 12.0, 4.9, 14.9])
    assert which_burst(found, row, t, 0.0).tolist() == [-1, 0, -1, 1, -1, -1, -1, 2]


def test_shares_of_lost_stuck_and_late_fixes(observed: list[tuple[PatrolDay, Pings]]) -> None:
    total = sum((pings.counts for _, pings in observed), start=observed[0][1].counts.__class__())
    # a few devices report every 5 s and carry most fixes, so shares of fixes vary more than shares of time
    assert total["lost"] / total["n_made"] == pytest.approx(0.04, rel=0.25)
    assert total["late"] / total["sent"] == pytest.approx(0.03, rel=0.40)
    assert 0.004 < total["stuck"] / total["sent"] < 0.018
    assert total["duplicate"] / total["sent"] == pytest.approx(5e-4, rel=0.30)
    assert total["network"] / total["sent"] == pytest.approx(0.01, rel=0.10)


def test_late_fixes_come_within_48_hours_and_the_others_at_once(
    observed: list[tuple[PatrolDay, Pings]],
) -> None:
    for _, pings in observed:
        lag = pings.received - pings.true_fix
        assert lag[~pings.is_late].max() < 30
        assert lag.min() >= 0
        assert lag[pings.is_late].min() >= 1200
        assert lag[pings.is_late].max() <= 48 * 3600
    lags = np.concatenate([(p.received - p.true_fix)[p.is_late] for _, p in observed]) / 3600
    assert 5 < lags.mean() < 9


def test_a_stuck_device_repeats_one_position_exactly(
    observed: list[tuple[PatrolDay, Pings]],
) -> None:
    n_runs = n_said = 0
    for _, pings in observed:
        row = pings.row[pings.is_stuck]
        at = np.column_stack([pings.e, pings.n])[pings.is_stuck]
        for r in np.unique(row):
            mine = at[row == r]
            # one position a burst, and a duty has few bursts
            assert len(np.unique(mine, axis=0)) <= 3
            n_runs += 1
            n_said += bool((pings.fix_type[pings.is_stuck][row == r] != GPS).any())
        assert not np.isin(pings.fix_type[~pings.is_stuck], [2]).any()
    assert n_said / n_runs == pytest.approx(0.8, abs=0.15)


def test_wrong_clocks_are_rare_and_wrong_for_a_week() -> None:
    off = np.concatenate([clock_errors(np.random.default_rng(k), 5000) for k in range(20)])
    assert (off != 0).mean() == pytest.approx(WRONG_CLOCK_SHARE, rel=0.15)
    assert set(np.unique(off[np.abs(off) >= 2400])) == {-1024 * 7 * 86400, 3600}
    assert np.abs(off[(off != 0)]).min() >= 180


def test_a_wrong_clock_moves_what_the_device_says_and_not_when_it_was_received(
    force: PatrolForce, days: list[PatrolDay]
) -> None:
    day = days[0]
    off = np.zeros(len(force.pools.device_id), np.int64)
    wrong = int(day.carried.device[0])
    off[wrong] = 3600
    from hotspot_pipeline.simulator.patrol.pings import observe

    streams = force.streams
    right, shifted = (
        observe(streams("x"), force.ground, force.pools, day.tracks, day.carried, clock)
        for clock in (np.zeros_like(off), off)
    )
    mine = day.carried.device[shifted.row] == wrong
    assert np.array_equal(right.received, shifted.received)
    assert np.array_equal(right.fix + np.where(mine, 3600, 0), shifted.fix)
    assert shifted.counts["wrong_clock"] == mine.sum() > 0


def test_degrees_agree_with_the_transform_to_a_few_millimetres(
    force: PatrolForce, days: list[PatrolDay]
) -> None:
    t = days[0].tracks
    lon, lat = force.ground.degrees(t.x0, t.y0)
    exact_lon, exact_lat = to_wgs84(t.x0, t.y0)
    metres = np.hypot((lon - exact_lon) * 68_000, (lat - exact_lat) * 111_200)
    assert metres.max() < 0.01


def test_apparent_speeds_are_plausible_but_for_teleports_masts_and_stuck_fixes(
    observed: list[tuple[PatrolDay, Pings]],
) -> None:
    for _, pings in observed:
        good = ~pings.is_teleport & ~pings.is_stuck & (pings.fix_type == GPS)
        step = np.hypot(np.diff(pings.e), np.diff(pings.n))
        seconds = np.diff(pings.true_fix)
        pair = good[1:] & good[:-1] & (pings.row[1:] == pings.row[:-1]) & (seconds >= 55)
        assert (step[pair] / seconds[pair]).max() < 45
        away = pings.is_teleport
        shown = np.hypot(
            (pings.lon - np.roll(pings.lon, 1))[away], (pings.lat - np.roll(pings.lat, 1))[away]
        )
        assert (shown > 0.05).all()
    assert any((p.fix_type == NETWORK).any() for _, p in observed)


def test_delivered_columns_say_what_the_fix_is(delivered) -> None:  # type: ignore[no-untyped-def]
    rows = delivered.pings()
    assert rows.filter((pl.col("speed_mps") < 0.45) != pl.col("heading_deg").is_null()).is_empty()
    assert rows["heading_deg"].drop_nulls().is_between(0, 359).all()
    assert (
        rows.filter(pl.col("status_code").is_null())["device_type"].is_in(["tracker", "app"]).all()
    )
    assert set(rows["status_code"].drop_nulls().unique()) == {1, 2, 5, 6}
    assert rows["hdop"].max() > 6  # type: ignore[operator]
    assert rows.filter(pl.col("fix_type") == "network")["accuracy_m"].min() >= 30  # type: ignore[operator]
    assert (rows["lon"].round(6) == rows["lon"]).all()
    assert (rows["lat"].round(6) == rows["lat"]).all()
