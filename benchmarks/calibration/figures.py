"""Every estimator on one force, each beside its own truth.

Here: what is asked of a world, with the windows a force would use: a year before, the patrol year after. Not here: what
the figures should be (`verdicts`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from benchmarks.calibration.matched import matched_places
from benchmarks.calibration.nowcasts import nowcasts
from benchmarks.calibration.row import Row
from benchmarks.calibration.worlds import BINS_A_DAY, World
from hotspot_pipeline.evaluation.estimate import Estimate
from hotspot_pipeline.evaluation.event_study import NEVER, event_study
from hotspot_pipeline.evaluation.guards import regression_to_the_mean
from hotspot_pipeline.evaluation.lags import Patrols, since_patrol
from hotspot_pipeline.evaluation.panel import PanelRows, panel_effect
from hotspot_pipeline.evaluation.place_counts import PlaceCounts, dispersion
from hotspot_pipeline.evaluation.randomised_days import TrialDays, intention_to_treat, per_dose
from hotspot_pipeline.evaluation.rate_ratio import before_after, rate_ratio
from hotspot_pipeline.evaluation.redraws import shuffle_days, swap_within_pairs
from hotspot_pipeline.evaluation.residual import lag_codes, residual_curve
from hotspot_pipeline.evaluation.wdd import wdd

YEAR = 365
N_DRAWS = 499
PERIOD = 28  # days of a period in the panel, 13 of them a year


def figures(world: World) -> Iterator[Row]:
    """All estimators that make sense for the force."""
    yield from _before_and_after(world)
    if "ranked" in world.name:
        yield from _ranked(world)
        return
    if world.name.endswith(("diffusion", "displacement")):
        yield from _rings(world)
        return
    if world.name.startswith("power"):
        yield from _matched(world)
    yield from _panels(world)
    yield from _days_by_lot(world)
    yield from _residual(world)
    if world.name.endswith("null"):
        yield from nowcasts(world)


def _row(world: World, name: str, found: Estimate, truth: float, is_flagged: bool = False) -> Row:
    return Row(
        world.name,
        name,
        world.seed,
        found.value,
        found.low,
        found.high,
        found.p_value,
        truth,
        is_flagged,
    )


def _places(
    world: World, zone: str = "core", column: str = "n_true", first: int = YEAR
) -> PlaceCounts:
    """Counts of the days from `first`, a year before, and of the patrol days after; by length of the patrol days."""
    daily, start = world.daily(column, zone), world.patrol_day
    after = daily[:, start:]
    last = min(first + YEAR, start)
    before = daily[:, first:last]
    return PlaceCounts(
        before.sum(axis=1), after.sum(axis=1), world.is_treated, before.shape[1] / after.shape[1], 1.0
    )  # fmt: skip


def _before_and_after(world: World) -> Iterator[Row]:
    places = _places(world)
    weekly = world.daily("n_true")[:, YEAR : YEAR + 364].reshape(len(places.before), 52, 7)
    phi = dispersion(weekly.sum(axis=2))
    programme = world.truth["programme", None]
    expected, without = _expected(world, world.is_treated)
    for name, found, truth in (
        ("rate ratio", rate_ratio(places, phi), programme),
        ("WDD", wdd(places, phi=phi), expected - without),
    ):
        yield _row(world, name, found, truth)
        for smaller in found.beside:
            half = 1.959964 * smaller.standard_error
            p = 0.0 if abs(found.value) > half else 1.0
            yield Row(
                world.name,
                f"{name}, {smaller.name}",
                world.seed,
                found.value,
                found.value - half,
                found.value + half,
                p,
                truth,
            )
    naive = before_after(_places(world, column="n_recorded", first=0))
    yield _row(world, "before and after alone", naive, programme, not naive.may_claim)


def _expected(world: World, mine: np.ndarray) -> tuple[float, float]:
    """Expected events of the patrol days in these places: as they are, and if nobody patrolled."""
    now, without = (
        world.daily(c)[mine, world.patrol_day :].sum() for c in ("expected", "expected_without")
    )
    return float(now), float(without)


def _matched(world: World) -> Iterator[Row]:
    """The year before beside the patrol days, in busy places and in controls that the pipeline chose for them."""
    treated, controls = matched_places(world)
    chosen = np.concatenate([treated, controls])
    every = _places(world)
    places = replace(
        every, before=every.before[chosen], after=every.after[chosen], is_treated=every.is_treated[chosen]
    )  # fmt: skip
    expected, without = _expected(world, treated)
    truth = float(np.log(expected / without))
    yield _row(world, "rate ratio, controls matched", rate_ratio(places), truth)


def _ranked(world: World) -> Iterator[Row]:
    """Controls from the next ranks, and the selection year as the year before: what must be flagged."""
    biased = rate_ratio(_places(world, column="n_recorded", first=0))
    selected = world.daily("n_recorded")[:, :YEAR].sum(axis=1)
    later = world.daily("n_recorded")[:, YEAR : world.patrol_day].sum(axis=1)
    guard = regression_to_the_mean(selected, later, world.is_treated, is_baseline_selection=True)
    is_flagged = not biased.with_guards(guard).may_claim
    yield _row(
        world,
        "rate ratio from the selection year",
        biased,
        world.truth["programme", None],
        is_flagged,
    )


def _rings(world: World) -> Iterator[Row]:
    yield _row(world, "ring", rate_ratio(_places(world, "ring")), world.truth["ring", None])


def _panels(world: World) -> Iterator[Row]:
    places, treated = _places(world), world.is_treated
    n = len(treated)
    programme = world.truth["programme", None]
    daily, n_side = world.daily("n_true"), YEAR // PERIOD
    days = daily[:, world.patrol_day - n_side * PERIOD : world.patrol_day + n_side * PERIOD]
    counts = days.reshape(n, 2 * n_side, PERIOD).sum(axis=2)
    after = np.arange(2 * n_side) >= n_side
    rows = _panel_rows(counts, treated[:, None] & after)
    yield _row(world, "panel, clustered", panel_effect(rows, few="cluster"), programme)
    quarters = daily[:, world.patrol_day - 8 * 91 : world.patrol_day + 4 * 91].reshape(n, 12, 91)
    start = np.repeat(np.where(treated, 8, NEVER), 12)
    study = event_study(
        quarters.sum(axis=2).ravel(), np.repeat(np.arange(n), 12), np.tile(np.arange(12), n), start, n_lags=3
    )  # fmt: skip
    yield Row(
        world.name, "pre-trend test", world.seed, np.nan, np.nan, np.nan, study.pre_trend_p, np.nan
    )
    if n >= 40:
        return
    two = np.stack([places.before, places.after], axis=1)
    small = _panel_rows(two, treated[:, None] & np.array([False, True]))
    arms = swap_within_pairs(world.seed, treated, world.pair, N_DRAWS)
    redraws = (arms[:, :, None] & np.array([False, True])).reshape(N_DRAWS, -1)
    yield _row(
        world, "panel, randomisation", panel_effect(small, redraws=redraws, by_lot=True), programme
    )
    yield _row(world, "panel, wild bootstrap", panel_effect(small, seed=world.seed), programme)


def _panel_rows(counts: np.ndarray, patrol: np.ndarray) -> PanelRows:
    place, period = np.indices(counts.shape)
    return PanelRows(counts.ravel(), place.ravel(), period.ravel(), patrol.ravel())


def _days_by_lot(world: World) -> Iterator[Row]:
    place, day = np.nonzero(world.arm > 0)
    patrol_days = {
        c: world.daily(c)[:, world.patrol_day :][place, day]
        for c in ("n_true", "expected", "expected_without")
    }
    number = np.unique(place, return_inverse=True)[1]
    assigned, minutes = world.arm[place, day] == 1, world.minutes[place, day]
    days = TrialDays(patrol_days["n_true"], number, day, assigned, minutes)
    redraws = None
    if number.max() + 1 < 40:
        redraws = shuffle_days(world.seed, number, assigned, N_DRAWS // 2)
    yield _row(
        world, "days by lot (ITT)", intention_to_treat(days, redraws), world.truth["itt_day", None]
    )
    prevented = patrol_days["expected"] - patrol_days["expected_without"]
    truth = per_dose(TrialDays(prevented, number, day, assigned, minutes)).value
    yield _row(world, "per 15 minutes (CACE)", per_dose(days, redraws), truth)


def _residual(world: World) -> Iterator[Row]:
    yield from _residual_of(world, "as assigned", world.assigned)
    if world.name.endswith("base"):
        yield from _residual_of(world, "as treated", world.delivered)


def _residual_of(world: World, name: str, patrols: Patrols) -> Iterator[Row]:
    first = world.patrol_day * BINS_A_DAY
    mine = np.flatnonzero(world.is_treated)
    counts = {
        c: world.counts["core", c][mine, first:].ravel()
        for c in ("n_true", "expected", "expected_without")
    }
    n_bins = len(world.bin_start_s) - first
    place, step = np.repeat(np.arange(len(mine)), n_bins), np.tile(np.arange(n_bins), len(mine))
    begin = world.bin_start_s[first:][step]
    since = since_patrol(patrols, mine[place], begin, begin + 86_400 // BINS_A_DAY)
    found = residual_curve(
        counts["n_true"], place, step % (7 * BINS_A_DAY), step // (7 * BINS_A_DAY), since
    )
    if found.not_estimable is not None:
        yield Row(
            world.name,
            f"residual {name}: not estimable",
            world.seed,
            np.nan,
            np.nan,
            np.nan,
            np.nan,
            np.nan,
            True,
        )
        return
    lag = lag_codes(since)
    for row in found.by_day.iter_rows(named=True):
        at = (lag >= 0) & (lag // BINS_A_DAY == row["lag_day"])
        truth = float(np.log(counts["expected"][at].sum() / counts["expected_without"][at].sum()))
        p = 0.0 if row["low"] > 0 or row["high"] < 0 else 1.0
        yield Row(
            world.name,
            f"residual {name}, day {row['lag_day']}",
            world.seed,
            row["log_ratio"],
            row["low"],
            row["high"],
            p,
            truth,
        )
    yield Row(
        world.name,
        f"residual {name}: placebo leads",
        world.seed,
        np.nan,
        np.nan,
        np.nan,
        found.leads_p,
        np.nan,
    )
