"""Which estimators a trial asks, and with what.

Pure. Here: from counts and the plan's days to estimates; what cannot be estimated is said with its reason. Not here: the
estimators, guards of the trial (`answers`), curves (`curves`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple, dataclass, replace
from datetime import date, timedelta

import numpy as np

from hotspot_pipeline.evaluation.estimate import Estimate, FourCounts, IntArray
from hotspot_pipeline.evaluation.event_study import N_LEADS, NEVER, EventStudy, event_study
from hotspot_pipeline.evaluation.panel import ENOUGH_PLACES, PanelRows, panel_effect
from hotspot_pipeline.evaluation.place_counts import PlaceCounts, dispersion
from hotspot_pipeline.evaluation.randomised_days import (
    TrialDays,
    as_treated,
    intention_to_treat,
    per_dose,
)
from hotspot_pipeline.evaluation.rate_ratio import before_after, rate_ratio
from hotspot_pipeline.evaluation.redraws import (
    draw_arms,
    swap_within_pairs,
)
from hotspot_pipeline.evaluation.rings import ring_effect
from hotspot_pipeline.evaluation.staggered import staggered
from hotspot_pipeline.evaluation.trials.counts import Counts, Cut
from hotspot_pipeline.evaluation.trials.files import Trial
from hotspot_pipeline.evaluation.trials.lot_days import (
    N_DRAWS,
    SEED,
    DaysByLot,
    other_lots,
    trial_days,
)
from hotspot_pipeline.evaluation.trials.places import CORE, Places
from hotspot_pipeline.evaluation.wdd import wdd

# with fewer weeks before than five periods of four, the leads of an event study would reach back to its beginning
LONG_PERIOD, SHORT_PERIOD = 4, 1
MOST_LAGS = 12


@dataclass(frozen=True)
class Windows:
    """Police days, both ends included: `last` is where the window after ends for the cut at hand."""

    before_from: date
    before_to: date
    after_from: date
    last: date

    @property
    def weight_before(self) -> float:
        """Days before by days after: what counts before are divided by."""
        return ((self.before_to - self.before_from).days + 1) / ((self.last - self.after_from).days + 1)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Asked:
    """What is estimated on one outcome and cut. `counts` by zone, of one outcome."""

    trial: Trial
    places: Places
    counts: Mapping[int, Counts]
    cut: Cut
    windows: Windows
    days: DaysByLot | None
    is_secondary: bool


Found = tuple[str, Estimate | str]


def estimates(asked: Asked) -> Iterator[Found]:
    """(measure, estimate or the reason why there is none). Of secondary outcomes the primary measure and the rate ratio."""
    primary = asked.trial.registered.primary_measure
    for measure, compute in _measures(asked):
        if asked.is_secondary and measure not in (primary, "rate_ratio"):
            continue
        try:
            found = compute()
        except ValueError as error:
            yield measure, str(error)
        else:
            yield from found


def _measures(asked: Asked) -> Iterator[tuple[str, Callable[[], list[Found]]]]:
    has_controls = asked.trial.arm_scheme != "none"
    if has_controls and not asked.trial.starts:
        yield "rate_ratio", lambda: [("rate_ratio", rate_ratio(place_counts(asked), _phi(asked)))]
        yield "wdd", lambda: [("wdd", wdd(place_counts(asked), phi=_phi(asked)))]
        yield "panel", lambda: [("panel", _panel(asked))]
        for ring, n_removed in asked.places.n_removed.items():
            yield f"ring_{ring}", _ring(asked, ring, n_removed)
    if has_controls and asked.trial.starts:
        yield "staggered", lambda: [("staggered", staggered(*_weekly(asked, SHORT_PERIOD)).overall)]
    if asked.days is not None:
        scheme = asked.trial.day_scheme
        yield "itt_day", lambda: [("itt_day", intention_to_treat(d := _days(asked), other_lots(d, scheme)))]  # fmt: skip
        if asked.days.patrol_minutes is not None:
            yield "as_treated_day", lambda: [("as_treated_day", as_treated(_days(asked)))]
            yield "cace_15_minutes", lambda: [("cace_15_minutes", per_dose(d := _days(asked), other_lots(d, scheme)))]  # fmt: skip
    yield "before_after", lambda: [("before_after", before_after(_treated_counts(asked)))]


def place_counts(asked: Asked, zone: int = CORE) -> PlaceCounts:
    """Counts of the registered windows, before divided by the windows' ratio of length."""
    w, counts = asked.windows, asked.counts[zone]
    return PlaceCounts(
        counts.window(asked.cut, w.before_from, w.before_to), counts.window(asked.cut, w.after_from, w.last),
        asked.places.is_treated, w.weight_before, 1.0,
    )  # fmt: skip


def study(asked: Asked) -> tuple[EventStudy, int]:
    """The event study and the weeks of its periods. Raises ValueError where the weeks before are too few."""
    length = period_weeks(asked)
    rows = _weekly(asked, length)
    after = int(rows[2].max()) + 1 - int(rows[3][rows[3] != NEVER].min())
    return event_study(*rows, n_lags=min(MOST_LAGS, after - 1)), length


def period_weeks(asked: Asked) -> int:
    """Four weeks where the window before has six such periods and the one after two, otherwise one."""
    w, counts = asked.windows, asked.counts[CORE]
    before = len(counts.whole_weeks(w.before_from, w.before_to)) // LONG_PERIOD
    after = len(counts.whole_weeks(w.after_from, w.last)) // LONG_PERIOD
    return LONG_PERIOD if before >= N_LEADS + 2 and after >= 2 else SHORT_PERIOD


def _weekly(asked: Asked, length: int) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """events, place, period, start (n_rows,) of periods of `length` whole weeks; of the weeks before the earliest odd ones are left
    out, of those after the last ones. A start within a week makes the whole week a patrolled one."""
    w, counts = asked.windows, asked.counts[CORE]
    before = counts.whole_weeks(w.before_from, w.before_to)
    after = counts.whole_weeks(w.after_from, w.last)
    n_before, n_after = len(before) // length, len(after) // length
    if not n_before or not n_after:
        raise ValueError(f"{len(before)} whole weeks before and {len(after)} after: one period of {length} weeks each is needed")  # fmt: skip
    weeks = np.concatenate([before[len(before) - n_before * length :], after[: n_after * length]])
    by_week = counts.by_week(asked.cut)[:, weeks]
    n_places, n_periods = len(by_week), n_before + n_after
    events = by_week.reshape(n_places, n_periods, length).sum(axis=2)
    place, period = np.indices(events.shape)
    first = np.where(asked.places.is_treated, n_before, NEVER)
    for k, name in enumerate(asked.places.names):
        if name in asked.trial.starts:
            week = (asked.trial.starts[name] - counts.first).days // 7
            at = int(np.searchsorted(weeks, week, side="left"))
            first[k] = max(n_before, at // length) if at < len(weeks) else NEVER
    return events.ravel(), place.ravel(), period.ravel(), first[place.ravel()]


def _panel(asked: Asked) -> Estimate:
    events, place, period, start = _weekly(asked, period_weeks(asked))
    patrol = (start != NEVER) & (period >= start)
    rows = PanelRows(events, place, period, patrol)
    treated = asked.places.is_treated
    redraws = None
    if asked.trial.is_by_lot and len(treated) < ENOUGH_PLACES:
        if asked.places.pair is not None:
            arms = swap_within_pairs(SEED, treated, asked.places.pair, N_DRAWS)
        else:
            arms = draw_arms(SEED, treated, N_DRAWS)
        redraws = arms[:, place] & (period >= start[start != NEVER].min())
    return panel_effect(rows, redraws=redraws, by_lot=asked.trial.is_by_lot, seed=SEED)


def _days(asked: Asked) -> TrialDays:
    assert asked.days is not None
    return trial_days(asked.days, asked.counts[CORE], asked.windows.after_from, asked.windows.last)


def _ring(asked: Asked, ring: int, n_removed: int) -> Callable[[], list[Found]]:
    def compute() -> list[Found]:
        places, around = place_counts(asked), place_counts(asked, ring)
        both = ring_effect(ring, places, around, n_removed)
        together = (a + b for a, b in zip(astuple(places.sums), astuple(around.sums), strict=True))
        net = replace(both.net, measure=f"net_of_ring_{ring}", counts=FourCounts(*together))
        return [(both.ratio.measure, both.ratio), (net.measure, net)]

    return compute


def _treated_counts(asked: Asked) -> PlaceCounts:
    """The treated places with one control of nothing, which `before_after` does not read."""
    w, counts, t = asked.windows, asked.counts[CORE], asked.places.is_treated
    before = np.append(counts.window(asked.cut, w.before_from, w.before_to)[t], 0)
    after = np.append(counts.window(asked.cut, w.after_from, w.last)[t], 0)
    return PlaceCounts(before, after, np.arange(len(before)) < t.sum(), w.weight_before, 1.0)


def _phi(asked: Asked) -> float | None:
    w, counts = asked.windows, asked.counts[CORE]
    weeks = counts.by_week(asked.cut)[:, counts.whole_weeks(w.before_from, w.before_to)]
    phi = dispersion(weeks) if min(weeks.shape) > 1 and weeks.any() else np.nan
    return phi if np.isfinite(phi) else None


def last_settled_day(data_to: date) -> date:
    """The Sunday of the newest police week that ended 28 days ago or more."""
    newest = data_to + timedelta(days=1) - timedelta(days=28)
    return newest - timedelta(days=newest.weekday() + 1)
