"""Questions that every estimate has to answer before it may be called an effect.

Here: guards that need numbers of their own; each returns what it found and whether it forbids a claim. Not here: guards
that fall out of an estimator (`wdd.scale_of_control`, `event_study`, `panel`, `randomised_days`), words (`wording`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from scipy import stats

from hotspot_pipeline.evaluation.estimate import BoolArray, Estimate, Guard, IntArray

YEARLY_CV = 0.25
SETTLED_DAYS = 28
SMALLEST_PERCENT_COUNT = 20
MAX_SMD = 0.1
# recorded because police were there: more patrol, more of it (DOMAIN §8.5)
POLICE_GENERATED = frozenset({"weapons", "drugs", "stop_search", "knife_possession", "arrests"})


def minimum_detectable_effect(
    n_places: int, events_each: float, yearly_cv: float = YEARLY_CV
) -> float:
    """Log ratio that before and after with equal controls finds with a power of 80 % at a two-sided 5 %.

    2.8 · sqrt(4/(H·E) + 4·CV²/H): H treated places with E events a year each, and as many controls; CV of a place's
    risk from one year to the next. 2.8 = 1.96 + 0.84. More events do not remove the second term; days by lot do.
    """
    if n_places < 1 or events_each <= 0:
        raise ValueError(f"{n_places} places with {events_each} events each: both must be above 0")
    return float(2.8 * np.sqrt(4 / (n_places * events_each) + 4 * yearly_cv**2 / n_places))


def detectable(estimate: Estimate, mde: float, smallest_worthwhile: float) -> Guard:
    """Beside every ratio: what could have been found, and what the interval excludes.

    `mde` and `smallest_worthwhile` are sizes on the log scale, above 0, the latter fixed beforehand.
    """
    text = f"a fall of {_fall(mde)} or more would be found four times in five"
    if not estimate.includes_no_effect:
        return Guard("detectable_effect", "clear", text)
    if estimate.low > -smallest_worthwhile:
        return Guard(
            "detectable_effect",
            "clear",
            f"{text}; falls of {_fall(smallest_worthwhile)} or more, the smallest worth while, are excluded",
        )
    return Guard(
        "detectable_effect",
        "warning",
        f"{text}; the interval excludes only falls of more than {_fall(-estimate.low)}, so no effect was found and none is excluded that is worth while ({_fall(smallest_worthwhile)})",
    )


def no_design(by_lot: bool, has_concurrent_controls: bool) -> Guard:
    """Impact needs a lot, or controls over the same time."""
    if by_lot:
        return Guard("design", "clear", "places or days were given to patrol by lot")
    if has_concurrent_controls:
        return Guard(
            "design",
            "clear",
            "compared with controls over the same time, not by lot: other differences are possible",
        )
    return Guard(
        "design",
        "forbids",
        "not causal: neither a lot nor controls over the same time, so season, recording and busy places calming down by themselves look alike",
    )


@dataclass(frozen=True, slots=True)
class RecordingChange:
    """A dated change of what is recorded, and the groups of crime it moved."""

    on: date
    groups: frozenset[str]
    what: str


def recording_change(
    changes: Sequence[RecordingChange],
    groups: Collection[str],
    first: date,
    last: date,
    has_concurrent_controls: bool,
) -> Guard:
    """Changes of rules between `first` and `last` that touch the outcome's `groups`: they move before against after."""
    hits = [c for c in changes if first < c.on <= last and c.groups & set(groups)]
    if not hits:
        return Guard(
            "recording_change", "clear", "no change of recording rules falls into the windows"
        )
    text = "; ".join(f"{c.on.isoformat()}: {c.what}" for c in hits)
    if has_concurrent_controls:
        return Guard(
            "recording_change",
            "warning",
            f"{text}. Controls were recorded by the same rules, if both arms have the same mix of crime",
        )
    return Guard(
        "recording_change",
        "forbids",
        f"{text}. Without controls this cannot be told from an effect",
    )


def regression_to_the_mean(
    selected: IntArray, later: IntArray, is_treated: BoolArray, *, is_baseline_selection: bool
) -> Guard:
    """Places picked because they were busy calm down by themselves (Galton 1886).

    `selected` (n,) counts of the window the places were picked on, `later` (n,) of as long a window after it and before any
    patrol. `is_baseline_selection`: the estimate's window before overlaps the selection window. It forbids where that is
    so and the arms were not equally busy in it (standardised mean difference of the root counts over 0.1).
    """
    t = is_treated
    difference = abs(standardised_difference(np.sqrt(selected), t))
    falls = [_change(selected[arm].sum(), later[arm].sum()) for arm in (t, ~t)]
    text = f"from the selection window to the next, without any patrol, treated places changed by {falls[0]}, controls by {falls[1]}; their levels in it differ by {difference:.2f} standard deviations"
    if not is_baseline_selection:
        return Guard(
            "regression_to_the_mean",
            "clear",
            f"{text}. The window before is not the selection window",
        )
    if difference > MAX_SMD:
        return Guard(
            "regression_to_the_mean",
            "forbids",
            f"{text}. The window before is the selection window and the arms were not equally busy: a fall follows by itself",
        )
    return Guard(
        "regression_to_the_mean",
        "warning",
        f"{text}. The window before is the selection window; both arms should calm down alike",
    )


def police_generated(groups: Collection[str]) -> Guard:
    """Offences that are found by patrolling rise with it and may not be in an outcome."""
    found = sorted(g for g in groups if g.lower() in POLICE_GENERATED)
    if found:
        return Guard(
            "police_generated",
            "forbids",
            f"{', '.join(found)} in the outcome: recorded because police were there. Take it out",
        )
    return Guard(
        "police_generated", "clear", "no offence that patrols find themselves is in the outcome"
    )


def settled_or_latest(settled: Estimate, latest: Estimate) -> Guard:
    """The same estimate from data as settled (28 days after) and from the latest: late and recoded records matter or not."""
    away = abs(latest.value - settled.value)
    text = f"settled {settled.value:.3f}, latest {latest.value:.3f}"
    if settled.includes_no_effect != latest.includes_no_effect:
        return Guard(
            "settled_or_latest",
            "forbids",
            f"{text}: one finds an effect and the other does not, so recording decides",
        )
    if not away <= settled.standard_error / 2:
        return Guard(
            "settled_or_latest", "warning", f"{text}: more than half a standard error apart"
        )
    return Guard("settled_or_latest", "clear", text)


def maturity(last_day: date, known_at: date) -> Guard:
    """Whether the last day counted is as old as records need to settle."""
    age = (known_at - last_day).days
    days = "1 day" if age == 1 else f"{age} days"
    if age < SETTLED_DAYS:
        return Guard(
            "maturity",
            "warning",
            f"the last day is {days} old; records settle after {SETTLED_DAYS}, and newest counts are too low",
        )
    return Guard("maturity", "clear", f"the last day is {days} old")


def standardised_difference(values: np.ndarray, is_treated: BoolArray) -> float:
    """(mean treated - mean control) / root of the mean of both variances (Austin 2009, Statistics in Medicine 28)."""
    t, c = values[is_treated], values[~is_treated]
    spread = np.sqrt((t.var(ddof=1) + c.var(ddof=1)) / 2)
    away = float(t.mean() - c.mean())
    if spread == 0:
        return 0.0 if away == 0 else float(np.copysign(np.inf, away))
    return float(away / spread)


def may_show_percent(*counts: int) -> bool:
    """No percentage rests on a count under 20."""
    return min(counts) >= SMALLEST_PERCENT_COUNT


def power(effect: float, standard_error: float, df: float = np.inf) -> float:
    """Chance to find an effect of this size at a two-sided 5 % (normal or t approximation)."""
    critical = float(stats.t.ppf(0.975, df))
    size = abs(effect) / standard_error
    return float(stats.t.sf(critical - size, df) + stats.t.cdf(-critical - size, df))


def _fall(size: float) -> str:
    return f"{100 * (1 - np.exp(-size)):.0f} %"


def _change(before: float, after: float) -> str:
    if not may_show_percent(int(before), int(after)):
        return f"{int(before)} to {int(after)} events"
    return f"{100 * (after / before - 1):+.0f} %"
