"""Two sentences for each estimate that a chief inspector can read, never stronger than its numbers and guards.

Here: the words, made from the record of an estimate alone. Not here: the numbers, the guards (`guards`).

The first sentence says what was counted. The second says what follows: an effect only where the interval excludes none, the
design allows it and no guard forbids it; otherwise what stands in the way.
"""

from __future__ import annotations

import math

from hotspot_pipeline.evaluation.estimate import Estimate, Guard
from hotspot_pipeline.evaluation.guards import may_show_percent
from hotspot_pipeline.evaluation.residual import Residual

# words that claim a cause; they stand in the second sentence only, and only where `may_say_effect`
CLAIMS = ("reduced", "increased")
_WHAT = {
    "rate_ratio": "patrolled places against control places",
    "wdd": "patrolled places against control places",
    "panel": "patrolled periods against what places and periods led to expect",
    "staggered": "patrolled periods against places not patrolled yet",
    "itt_day": "days given to patrol by lot against days given to none",
    "as_treated_day": "days with a patrol against days without",
    "cace_15_minutes": "days given to patrol by lot against days given to none",
    "before_after": "patrolled places before and after",
}


def may_say_effect(estimate: Estimate) -> bool:
    """Whether the numbers and every guard allow words of cause."""
    return estimate.may_claim and not estimate.includes_no_effect and math.isfinite(estimate.value)


def two_sentences(estimate: Estimate) -> tuple[str, str]:
    """(what was counted, what follows from it)."""
    return f"{_counted(estimate)}.", f"{_follows(estimate)}."


def sentences_of_curve(curve: Residual) -> tuple[str, str]:
    """The same for how long a patrol is remembered: (what was compared, up to which day anything can be seen)."""
    first = f"We compared the hours after a patrol left with hours seven days and more after one, in {curve.n_places} places: {curve.n_clean_events} events fell into the latter."
    forbidding = [g.reason for g in curve.guards if g.verdict == "forbids"]
    if forbidding:
        return first, f"How long a patrol is remembered cannot be said: {'; '.join(forbidding)}."
    days = 0
    # unbroken from the day of the patrol on: one late day below nothing is what chance gives
    for row in curve.by_day.iter_rows(named=True):
        if not row["high"] < 0:
            break
        days += 1
    if days == 0:
        return first, "No day after a patrol can be told from chance, the first included."
    ratio = math.exp(curve.by_day["log_ratio"][0])
    shows = may_show_percent(curve.by_day["n_events"][0], curve.n_clean_events)
    size = f"{100 * (1 - ratio):.0f} %" if shows else f"a rate ratio of {ratio:.2f}"
    until = "24 hours" if days == 1 else f"{days} days"
    return (
        first,
        f"Crime was lower, by {size} on the first day, for {until} after a patrol; later days cannot be told from chance.",
    )


def _counted(estimate: Estimate) -> str:
    c = estimate.counts
    if estimate.measure.startswith("net_of_ring"):
        what = "patrolled places with the ring around them against control places with theirs"
    elif estimate.measure.startswith("ring"):
        what = "the rings around patrolled places against the rings around controls"
    else:
        what = _WHAT.get(estimate.measure, estimate.measure.replace("_", " "))
    if estimate.n_control:
        counts = f"{c.treated_before} events before and {c.treated_after} after in {estimate.n_treated} places, {c.control_before} and {c.control_after} in {estimate.n_control} controls"
    elif estimate.measure == "before_after":
        counts = f"{c.treated_before} events before and {c.treated_after} after in {estimate.n_treated} places"
    else:
        counts = f"{c.treated_after} events on patrolled days and {c.treated_before} on the others in {estimate.n_treated} places"
    return f"We compared {what}: {counts}"


def _follows(estimate: Estimate) -> str:
    forbidding = [g for g in estimate.guards if g.verdict == "forbids"]
    if not estimate.is_causal_design or forbidding:
        return f"This says nothing about what patrols did: {_why(estimate, forbidding)}"
    if not math.isfinite(estimate.value) or not math.isfinite(estimate.low + estimate.high):
        return "There is too little to go on: the data do not bound the effect, so neither a fall nor a rise can be ruled out"
    size = _size(estimate)
    if estimate.includes_no_effect:
        return (
            f"No effect can be told from chance: {size}, which includes none{_excluded(estimate)}"
        )
    verb = "reduced" if estimate.value < 0 else "increased"
    how = "" if _by_lot(estimate) else ", as far as the controls are like the patrolled places"
    return f"Patrols {verb} crime there{how}: {size}{_careful(estimate)}"


def _why(estimate: Estimate, forbidding: list[Guard]) -> str:
    reasons = [g.reason for g in forbidding] or [
        n for n in estimate.notes if n.startswith("not causal")
    ]
    return (
        "; ".join(reasons) if reasons else "not causal: nothing to compare with over the same time"
    )


def _size(estimate: Estimate) -> str:
    c = estimate.counts
    if estimate.scale == "log_ratio":
        value, low, high = estimate.ratio
        control = (c.control_before, c.control_after) if estimate.n_control else ()
        if may_show_percent(c.treated_before, c.treated_after, *control):
            return f"{_percent(value)} (with 95 % confidence between {_percent(low)} and {_percent(high)})"
        return (
            f"a rate ratio of {value:.2f} (with 95 % confidence between {low:.2f} and {high:.2f})"
        )
    unit = "events" if estimate.scale == "events" else "events a day for 15 more minutes of patrol"
    digits = 0 if estimate.scale == "events" and abs(estimate.high - estimate.low) >= 10 else 3
    value_text, low_text, high_text = (
        _signed(v, digits) for v in (estimate.value, estimate.low, estimate.high)
    )
    return f"{value_text} {unit} (with 95 % confidence between {low_text} and {high_text})"


def _percent(ratio: float) -> str:
    percent = 100 * (ratio - 1)
    # one digit more where rounding would hide on which side of nothing it lies
    text = f"{abs(percent):.0f}" if abs(percent) >= 0.5 else f"{abs(percent):.1f}"
    if float(text) == 0:
        return "no change"
    return f"{text} % {'less' if percent < 0 else 'more'}"


def _signed(value: float, digits: int) -> str:
    return f"{value:+.{digits}f}"


def _by_lot(estimate: Estimate) -> bool:
    by_lot = ("itt_day", "cace_15_minutes")
    return estimate.measure in by_lot or any(
        g.name == "design" and g.verdict == "clear" and "by lot" in g.reason and "not by lot" not in g.reason
        for g in estimate.guards
    )  # fmt: skip


def _excluded(estimate: Estimate) -> str:
    for guard in estimate.guards:
        if guard.name == "detectable_effect":
            return f"; {guard.reason}"
    return ""


def _careful(estimate: Estimate) -> str:
    warnings = [g.reason for g in estimate.guards if g.verdict == "warning"]
    return f"; to be read with care, because {'; '.join(warnings)}" if warnings else ""
