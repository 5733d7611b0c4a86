"""One look at a trial: every estimate and curve of a cut.

Here: outcomes, guards, Holm, curves. Not here: which cuts there are (`study`), the estimators (`estimates`, `curves`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl

from hotspot_pipeline.evaluation.estimate import Estimate, Guard
from hotspot_pipeline.evaluation.multiplicity import holm
from hotspot_pipeline.evaluation.place_weeks import ALL
from hotspot_pipeline.evaluation.trials import curves, reading
from hotspot_pipeline.evaluation.trials.answers import Known, answered
from hotspot_pipeline.evaluation.trials.counts import CUTS, Counts, Cut
from hotspot_pipeline.evaluation.trials.estimates import (
    Asked,
    Windows,
    estimates,
    study,
)
from hotspot_pipeline.evaluation.trials.findings import Effect, Findings, Force
from hotspot_pipeline.evaluation.trials.lot_days import DaysByLot
from hotspot_pipeline.evaluation.trials.places import CORE


def one_cut(
    found: Findings, known: Known, counts: dict[int, Counts], days: DaysByLot | None, cut: Cut, last: date
) -> None:  # fmt: skip
    """Every outcome of a cut with its guards, Holm over the groups, and the curves over weeks and rings."""
    registered = found.trial.registered
    windows = Windows(registered.before_from, registered.before_to, registered.after_from, last)
    secondary = registered.outcome_groups if len(registered.outcome_groups) > 1 else ()
    rows: list[Effect] = []
    for outcome in (ALL, *secondary):
        groups = registered.outcome_groups if outcome == ALL else (outcome,)
        mine = {zone: c.outcome(groups) for zone, c in counts.items()}
        asked = Asked(found.trial, found.places, mine, cut, windows, days, outcome != ALL)
        both = _both_cuts(asked, found.settled_to)
        give = answered(known, asked, groups)
        for measure, estimate in estimates(asked):
            if isinstance(estimate, str):
                what = measure if outcome == ALL else f"{measure} for {outcome}"
                found.refuse(what, estimate, "more events, places or weeks", cut)
                continue
            pair = both.get(measure, (None, None))
            rows.append(Effect(cut, outcome, measure, windows, give(measure, estimate, *pair)))
        if outcome == ALL:
            _curves_over_places(found, asked, cut, {r.measure: r.estimate for r in rows})
    found.effects += _with_holm(rows)


def _both_cuts(asked: Asked, settled_to: date | None) -> dict[str, tuple[Estimate, Estimate]]:
    """By measure: (settled, latest), both over the settled days; of measures that rest on weeks or windows."""
    if settled_to is None:
        return {}
    windows = replace(asked.windows, last=settled_to)
    settled, latest = (
        dict(estimates(replace(asked, cut=cut, windows=windows, days=None))) for cut in CUTS
    )
    return {
        m: (a, b) for m, a in settled.items() if isinstance(a, Estimate) and isinstance(b := latest.get(m), Estimate)
    }  # fmt: skip


def _with_holm(rows: list[Effect]) -> list[Effect]:
    adjusted: dict[tuple[str, str], float] = {}
    for measure in dict.fromkeys(r.measure for r in rows):
        mine = [r for r in rows if r.measure == measure and r.outcome != ALL]
        p = holm(np.array([r.estimate.p_value for r in mine], dtype=np.float64))
        adjusted |= {(r.outcome, measure): float(v) for r, v in zip(mine, p, strict=True)}
    return [replace(r, p_holm=adjusted.get((r.outcome, r.measure))) for r in rows]


def _curves_over_places(
    found: Findings, asked: Asked, cut: Cut, estimates_of: dict[str, Estimate]
) -> None:
    if found.trial.arm_scheme == "none":
        return
    try:
        event_study, length = study(asked)
        found.curves.append((cut, curves.event_study_curve(event_study, length), (event_study.pre_trend,)))  # fmt: skip
    except ValueError as error:
        found.refuse("event study", str(error), "more weeks before", cut)
    rings = curves.ring_steps(estimates_of, found.trial.registered.rings_m)
    if rings is not None:
        found.curves.append((cut, rings, ()))


def curves_over_hours(force: Force, found: Findings, cut: Cut, last: date) -> None:
    """How long a patrol is remembered, by what was assigned and by what was delivered, and the minutes after visits."""
    session, first = force.session, found.trial.registered.after_from
    places = found.places
    core = places.cells.filter(pl.col("zone") == CORE)
    rows = reading.moments(session, core, force.resolution, first, last)
    place, at_s, n_left_out = curves.moments(rows, found.trial.registered.outcome_groups)
    planned = reading.plan(session, first, last).filter(pl.col("arm") != "control")
    visits = reading.visits(session, first, last)
    for name, patrols in (
        ("residual", planned.select("hotspot_id", start_utc="window_start_utc", end_utc="window_end_utc")),
        ("residual_delivered", visits.filter("is_effective")),
    ):  # fmt: skip
        try:
            curve = curves.residual(place, at_s, patrols, places, force.clock, first, last)
        except ValueError as error:
            needs = (
                "the feed patrol_plan" if name == "residual" else "the feeds gps_pings and duties"
            )
            found.refuse(f"{name} curve", str(error), needs, cut)
            continue
        guards = curve.guards
        if name == "residual_delivered":
            guards = (*guards, Guard("design", "forbids", "not causal: delivered patrols are cut when demand spikes"))  # fmt: skip
        if curve.not_estimable is not None and name == "residual":
            found.refuse(f"{name} curve", curve.not_estimable, "spells of a week or so without patrol, by lot", cut)  # fmt: skip
        found.curves.append((cut, curves.residual_steps(curve, name, n_left_out), guards))
    number = {name: k for k, name in enumerate(places.names)}
    there = visits.filter("is_dose", pl.col("hotspot_id").is_in(list(places.treated))).select(
        place=pl.col("hotspot_id").replace_strict(number, return_dtype=pl.Int64),
        begin_s=pl.col("start_utc").dt.epoch("s"), end_s=pl.col("end_utc").dt.epoch("s"), is_excluded="is_excluded",
    )  # fmt: skip
    koper = curves.koper_steps(there, pl.DataFrame({"place": place, "at_s": at_s}))
    if koper is not None:
        found.curves.append((cut, koper, ()))
