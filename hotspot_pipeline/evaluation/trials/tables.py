"""What trials came to, as the rows of the tables of effects.

Pure frames in the contracts' columns. Here: names and types, numbers to nine places so that the same data give the same bytes. Not
here: what is estimated (`study`), writing (`assets`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from hotspot_pipeline.evaluation import guards as asking
from hotspot_pipeline.evaluation.estimate import Guard
from hotspot_pipeline.evaluation.place_weeks import ALL
from hotspot_pipeline.evaluation.trials.features import BALANCE
from hotspot_pipeline.evaluation.trials.files import OF_DAYS
from hotspot_pipeline.evaluation.trials.findings import Effect, Findings, Refusal
from hotspot_pipeline.evaluation.wording import two_sentences

_DIGITS = 9
NO_FILE = (
    "effects of patrols",
    "no file in the folder trials says what is to be compared with what",
    "a file in trials, written before outcomes are looked at",
)


def design_rows(found: Sequence[Findings]) -> list[dict[str, Any]]:
    return [_design(f) for f in found]


def effect_rows(found: Sequence[Findings]) -> list[dict[str, Any]]:
    return [_effect(f, e) for f in found for e in f.effects]


def guard_rows(found: Sequence[Findings]) -> list[dict[str, Any]]:
    return [row for f in found for row in _guards(f)]


def curve_rows(found: Sequence[Findings]) -> list[dict[str, Any]]:
    return [row for f in found for row in _curves(f)]


def balance_frame(found: Sequence[Findings]) -> pl.DataFrame:
    parts = [f.balance for f in found if f.balance is not None]
    return pl.concat(parts) if parts else pl.DataFrame(schema=BALANCE)


def refusal_rows(
    found: Sequence[Findings], wrong: dict[str, str], gone: Sequence[str]
) -> list[tuple[str, str, str]]:
    """(what, reason, needs). `wrong`: what is wrong with a file, by its name; `gone`: designs that were used and have no file any more."""
    rows = [(f"effects of {name}", why, "a mended file in trials") for name, why in wrong.items()]
    rows += [
        (f"effects of {name}", "its file in trials is gone; its registrations stand", "the file as it was")
        for name in gone
    ]  # fmt: skip
    if not found and not rows:
        rows.append(NO_FILE)
    return rows + [row for f in found for row in _refused(f.refused)]


def _refused(given: Sequence[Refusal]) -> list[tuple[str, str, str]]:
    """Once for both cuts: the latest speaks for both, the settled one where it is alone."""
    latest = {r.what for r in given if r.cut != "settled"}
    kept = [r for r in given if r.cut != "settled" or r.what not in latest]
    return [
        (f"settled {r.what}" if r.cut == "settled" else r.what, r.reason, r.needs) for r in kept
    ]


def _design(f: Findings) -> dict[str, Any]:
    trial, registered = f.trial, f.trial.registered
    is_causal = trial.arm_scheme != "none" or trial.day_scheme != "none"
    return {
        "design_id": trial.design_id,
        "name": trial.name,
        "arm_scheme": trial.arm_scheme,
        "day_scheme": trial.day_scheme,
        "has_staggered_starts": bool(trial.starts),
        "outcome_groups": ", ".join(registered.outcome_groups),
        "primary_measure": registered.primary_measure,
        "before_from": registered.before_from,
        "before_to": registered.before_to,
        "after_from": registered.after_from,
        "after_to": registered.after_to,
        "counted_to": f.counted_to,
        "settled_to": f.settled_to,
        "registered_known_at": registered.known_at,
        "smallest_worthwhile_percent": registered.smallest_worthwhile_percent,
        "n_treated": int(f.places.is_treated.sum()),
        "n_control": int((~f.places.is_treated).sum()),
        "is_causal": is_causal,
        "why_not_causal": None if is_causal else asking.no_design(False, False).reason,
        "registration_sha256": f.standing.sha256,
        "registered_at_utc": f.standing.registered_at_utc,
        "is_before_outcomes": f.standing.is_before_outcomes,
        "is_exploratory": f.standing.is_exploratory,
    }


def _effect(f: Findings, e: Effect) -> dict[str, Any]:
    found, counts = e.estimate, e.estimate.counts
    beside = {b.name: b.standard_error for b in found.beside}
    counted, follows = two_sentences(found)
    is_of_days = e.measure in OF_DAYS
    return {
        "design_id": f.trial.design_id,
        "cut": e.cut,
        "outcome": e.outcome,
        "measure": e.measure,
        "scale": found.scale,
        "estimate": number(found.value),
        "standard_error": number(found.standard_error),
        "low": number(found.low),
        "high": number(found.high),
        "p_value": round(found.p_value, _DIGITS),
        "p_holm": None if e.p_holm is None else round(e.p_holm, _DIGITS),
        "inference": found.inference,
        "treated_before": counts.treated_before,
        "treated_after": counts.treated_after,
        "control_before": counts.control_before,
        "control_after": counts.control_after,
        "n_treated": found.n_treated,
        "n_control": found.n_control,
        "counted_from": e.windows.after_from if is_of_days else e.windows.before_from,
        "counted_to": e.windows.last,
        "is_primary": e.outcome == ALL and e.measure == f.trial.registered.primary_measure,
        "is_causal_design": found.is_causal_design,
        "may_claim": found.may_claim,
        "poisson_error": number(beside.get("poisson", np.nan)),
        "dispersed_error": number(beside.get("sqrt_phi", np.nan)),
        "notes": "; ".join(found.notes) or None,
        "sentence_counted": counted,
        "sentence_follows": follows,
    }


def _guards(f: Findings) -> Iterator[dict[str, Any]]:
    for e in f.effects:
        for guard in e.estimate.guards:
            yield _guard(f, e.cut, e.outcome, e.measure, guard)
    for cut, curve, guards in f.curves:
        for guard in guards:
            yield _guard(f, cut, ALL, curve.curve, guard)


def _guard(f: Findings, cut: str, outcome: str, measure: str, guard: Guard) -> dict[str, Any]:
    return {
        "design_id": f.trial.design_id,
        "cut": cut,
        "outcome": outcome,
        "measure": measure,
        "guard": guard.name,
        "verdict": guard.verdict,
        "reason": guard.reason,
    }


def _curves(f: Findings) -> Iterator[dict[str, Any]]:
    for cut, curve, _ in f.curves:
        for step_no, step in enumerate(curve.steps, start=1):
            yield {
                "design_id": f.trial.design_id,
                "cut": cut,
                "outcome": ALL,
                "curve": curve.curve,
                "step_no": step_no,
                "from_value": float(step.from_value),
                "to_value": None if step.to_value is None else float(step.to_value),
                "unit": curve.unit,
                "scale": curve.scale,
                "estimate": number(step.estimate),
                "standard_error": number(step.standard_error),
                "low": number(step.low),
                "high": number(step.high),
                "n_events": step.n_events,
                "is_lead": step.is_lead,
                "is_reference": step.is_reference,
                "is_estimable": bool(np.isfinite(step.estimate)),
                "note": step.note,
            }


def number(value: float) -> float | None:
    """Nine places; None where it is not finite."""
    return round(float(value), _DIGITS) + 0.0 if np.isfinite(value) else None
