"""What each estimate of a trial is asked before it may be called an effect.

Pure. Here: which guards go with which measure, and the numbers they need. Not here: the guards' own rules (`evaluation.guards`),
those that fall out of an estimator.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from hotspot_pipeline.evaluation import guards
from hotspot_pipeline.evaluation.estimate import Estimate, FloatArray, Guard
from hotspot_pipeline.evaluation.place_counts import PlaceCounts
from hotspot_pipeline.evaluation.rate_ratio import placebo_in_space
from hotspot_pipeline.evaluation.trials.counts import Counts
from hotspot_pipeline.evaluation.trials.estimates import Asked, place_counts, study
from hotspot_pipeline.evaluation.trials.files import (
    AS_TREATED_DAY,
    BEFORE_AFTER,
    BY_LOT_OF_DAYS,
    NEVER_CAUSAL,
    NONE,
    OF_DAYS,
    Trial,
)
from hotspot_pipeline.evaluation.trials.lot_days import SEED
from hotspot_pipeline.evaluation.trials.places import CORE

# under it, placebos among controls have too few of them to rank among
LEAST_UNTREATED = 8
FEWEST_DAYS = 28
FEWEST_PATROLLED, MOST_CONTAMINATED = 0.6, 0.1


@dataclass(frozen=True)
class Known:
    """What is the same for every estimate of a trial. `registration`, `balance`, `fidelity`: guards, None where not asked;
    `data_to`: the last police day delivered."""

    trial: Trial
    data_to: date
    changes: Sequence[guards.RecordingChange]
    registration: Guard
    balance: Guard | None
    fidelity: Guard | None


def answered(known: Known, asked: Asked, groups: Collection[str]) -> Callable[[str, Estimate, Estimate | None, Estimate | None], Estimate]:  # fmt: skip
    """A function that gives an estimate of this outcome and cut its guards: (measure, estimate, settled, latest over the same days)."""
    of_places = _of_places(known, asked)

    def give(measure: str, found: Estimate, settled: Estimate | None, latest: Estimate | None) -> Estimate:  # fmt: skip
        given = [_design(known.trial, measure), known.registration, _registered_cut(known)]
        given += [guards.police_generated(groups), guards.maturity(asked.windows.last, known.data_to + timedelta(days=1))]  # fmt: skip
        if measure in OF_DAYS:
            # days have no settled cut of their own
            given += [known.fidelity] if known.fidelity else []
        else:
            w = asked.windows
            given.append(_agree(settled, latest))
            given.append(guards.recording_change(known.changes, groups, w.before_from, w.last, found.n_control > 0))  # fmt: skip
            given += (
                of_places if found.n_control else [g for g in of_places if g.name != "pre_trend"]
            )
            if measure == "rate_ratio":
                given += _placebo(asked, found)
        if found.scale == "log_ratio" and measure not in NEVER_CAUSAL:
            given.append(_detectable(known.trial, asked, found, measure))
        return replace(found.with_guards(*given), notes=_notes(found, measure))

    return give


def _design(trial: Trial, measure: str) -> Guard:
    if measure in BY_LOT_OF_DAYS:
        return guards.no_design(by_lot=True, has_concurrent_controls=False)
    if measure == AS_TREATED_DAY:
        return Guard("design", "forbids", "not causal: patrols were not delivered by lot, they are cut when demand spikes")  # fmt: skip
    has_controls = measure != BEFORE_AFTER and trial.arm_scheme != NONE
    return guards.no_design(trial.is_by_lot and has_controls, has_controls)


def _notes(found: Estimate, measure: str) -> tuple[str, ...]:
    # the design guard says it already
    if measure in NEVER_CAUSAL:
        return tuple(n for n in found.notes if not n.startswith("not causal"))
    return found.notes


def _registered_cut(known: Known) -> Guard:
    due, data_end = known.trial.registered.known_at, known.data_to + timedelta(days=1)
    if data_end < due:
        return Guard("registered_cut", "forbids", f"interim: data to {known.data_to}, and the look that was registered is on {due}; whoever looks often enough finds something by chance")  # fmt: skip
    return Guard("registered_cut", "clear", f"the registered day of the look, {due}, is reached")


def _agree(settled: Estimate | None, latest: Estimate | None) -> Guard:
    if settled is None or latest is None:
        return Guard("settled_or_latest", "warning", "no settled weeks after patrols began: recording may still move it")  # fmt: skip
    return guards.settled_or_latest(settled, latest)


def _of_places(known: Known, asked: Asked) -> list[Guard]:
    """Guards of the places, the same for all measures that rest on before and after."""
    found = [known.balance] if known.balance else []
    if known.trial.arm_scheme == "none":
        return found
    try:
        found.append(study(asked)[0].pre_trend)
    except ValueError as error:
        found.append(Guard("pre_trend", "warning", f"whether the arms moved alike before cannot be tested: {error}"))  # fmt: skip
    found.append(_regression(known.trial, asked.counts[CORE], asked))
    return found


def _regression(trial: Trial, counts: Counts, asked: Asked) -> Guard:
    first, last = trial.selected_from, trial.selected_to
    name = "regression_to_the_mean"
    if first is None or last is None:
        return Guard(name, "warning", "the file does not say on which window the places were picked: busy places calm down by themselves")  # fmt: skip
    first = max(first, counts.first)
    length = min((last - first).days + 1, (asked.windows.after_from - last).days - 1)
    is_baseline = asked.windows.before_from <= last
    if length < FEWEST_DAYS:
        if not is_baseline:
            return Guard(name, "clear", "the window before is not the selection window")
        return Guard(name, "warning", f"{max(length, 0)} days lie between selection and patrols: how far places calmed down by themselves cannot be seen")  # fmt: skip
    selected = counts.window("latest", last - timedelta(days=length - 1), last)
    later = counts.window("latest", last + timedelta(days=1), last + timedelta(days=length))
    return guards.regression_to_the_mean(
        selected, later, asked.places.is_treated, is_baseline_selection=is_baseline
    )


def _placebo(asked: Asked, found: Estimate) -> list[Guard]:
    places = place_counts(asked)
    c = ~places.is_treated
    if c.sum() < LEAST_UNTREATED or not found.standard_error > 0:
        return []
    untreated = PlaceCounts(places.before[c], places.after[c], np.arange(int(c.sum())) == 0, places.before_weight, 1.0)  # fmt: skip
    try:
        rank = placebo_in_space(found, untreated, SEED)
    except ValueError as error:
        return [Guard("placebo_in_space", "warning", f"no placebo can be computed: {error}")]
    text = f"rank {rank.rank} of {rank.n_placebos + 1} among sets of untreated places that play the treated ones"
    is_ordinary = not found.includes_no_effect and rank.p_value > 0.1
    return [Guard("placebo_in_space", "warning" if is_ordinary else "clear", text)]


def _detectable(trial: Trial, asked: Asked, found: Estimate, measure: str) -> Guard:
    worthwhile = -float(np.log1p(-trial.registered.smallest_worthwhile_percent / 100))
    w, n = asked.windows, max(found.n_treated, 1)
    years = ((w.before_to - w.before_from).days + 1) / 365.25
    each = found.counts.treated_before / n / years
    if measure == "itt_day" or each == 0:
        if not (np.isfinite(found.standard_error) and found.standard_error > 0):
            return Guard("detectable_effect", "warning", "no standard error, so it cannot be said what would have been found")  # fmt: skip
        # days by lot cancel the drift of places, so their own error says what could have been found
        return guards.detectable(found, 2.8 * found.standard_error, worthwhile)
    return guards.detectable(found, guards.minimum_detectable_effect(n, each), worthwhile)


def fidelity_guard(row: Mapping[str, object] | None) -> Guard | None:
    """How far days by lot were kept to, from the row of `patrols.trial_fidelity`; None without one."""
    if row is None:
        return None
    patrolled, contaminated = row["patrolled"], row["contaminated"]
    assert isinstance(patrolled, float | None) and isinstance(contaminated, float | None)
    if patrolled is None or contaminated is None:
        return None
    text = f"{100 * patrolled:.0f} % of the days given to patrol had an effective one, {100 * contaminated:.0f} % of the others had officers there for over five minutes"
    bad = patrolled < FEWEST_PATROLLED or contaminated > MOST_CONTAMINATED
    return Guard("fidelity", "warning" if bad else "clear", text)


def balance_guard(smd: FloatArray, names: Sequence[str]) -> Guard:
    """Whether arms that were chosen, not drawn, were alike before."""
    bad = [f"{n} {s:+.2f}" for n, s in zip(names, smd, strict=True) if not abs(s) < guards.MAX_SMD]
    if bad:
        return Guard("balance", "warning", f"arms differ before patrols (standardised mean differences from {guards.MAX_SMD} on): {', '.join(bad)}")  # fmt: skip
    return Guard("balance", "clear", f"all {len(names)} features within {guards.MAX_SMD} standard deviations")  # fmt: skip
