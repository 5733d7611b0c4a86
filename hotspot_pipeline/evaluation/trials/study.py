"""One trial from its file to what is known of its effect.

Here: the order of work, both cuts and all outcomes. Not here: any of the work, the rows of the tables (`tables`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from hotspot_pipeline.evaluation.estimate import Estimate, Guard
from hotspot_pipeline.evaluation.guards import RecordingChange
from hotspot_pipeline.evaluation.matching import match
from hotspot_pipeline.evaluation.multiplicity import holm
from hotspot_pipeline.evaluation.place_weeks import ALL
from hotspot_pipeline.evaluation.trials import curves, reading
from hotspot_pipeline.evaluation.trials.answers import (
    Known,
    answered,
    balance_guard,
    fidelity_guard,
)
from hotspot_pipeline.evaluation.trials.counts import CUTS, Counts, Cut, made
from hotspot_pipeline.evaluation.trials.estimates import (
    Asked,
    DaysByLot,
    Windows,
    days_by_lot,
    estimates,
    last_settled_day,
    study,
)
from hotspot_pipeline.evaluation.trials.features import balance_rows, features, window
from hotspot_pipeline.evaluation.trials.files import Trial
from hotspot_pipeline.evaluation.trials.places import (
    CORE,
    Places,
    candidates,
    core_cells,
    places_of,
    with_rings,
)
from hotspot_pipeline.evaluation.trials.records import Standing
from hotspot_pipeline.geo.grid import Grid
from hotspot_pipeline.geo.outlines import polygons_bng
from hotspot_pipeline.timebase import PoliceTime
from hotspot_pipeline.warehouse.session import Session

LEAST_DISTANCE_M = 300.0  # of matched controls from treated places, where no ring asks for more


@dataclass(frozen=True)
class Force:
    """What is the same for all trials of a night. `data_to`, `first_day`: police days, None before the first delivery."""

    session: Session
    grid: Grid
    resolution: int
    clock: PoliceTime
    data_to: date | None
    first_day: date | None
    changes: Sequence[RecordingChange]


@dataclass(frozen=True)
class Effect:
    """One estimate with its place in the tables. `p_holm`: None for the outcome ALL."""

    cut: Cut
    outcome: str
    measure: str
    windows: Windows
    estimate: Estimate
    p_holm: float | None = None


@dataclass
class Findings:
    """What a trial came to. `curves`: (cut, curve, guards); `refused`: (what, reason, what would make it possible)."""

    trial: Trial
    standing: Standing
    places: Places
    counted_to: date | None = None
    settled_to: date | None = None
    effects: list[Effect] = field(default_factory=list)
    curves: list[tuple[Cut, curves.Curve, tuple[Guard, ...]]] = field(default_factory=list)
    balance: pl.DataFrame | None = None
    refused: list[tuple[str, str, str]] = field(default_factory=list)


def examine(force: Force, trial: Trial, standing: Standing) -> Findings:
    """All of it. Raises ValueError where the places of the file cannot be made out."""
    session, registered = force.session, trial.registered
    planned = sorted(
        reading.plan(session, registered.after_from, registered.after_to)
        .filter(pl.col("arm") != "control")["hotspot_id"]
        .unique()
    )
    centres = reading.centres(session, force.resolution)
    outlines = reading.areas(session, registered.after_from)
    places = places_of(trial, outlines, reading.hotspot_cells(session), centres, planned)
    found = Findings(trial, standing, places)
    if (why := _too_early(force, trial)) is not None:
        found.refused.append((f"effects of {trial.design_id}", *why))
        return found
    assert force.data_to is not None and force.first_day is not None
    found.counted_to = min(registered.after_to, force.data_to)
    settled_to = min(found.counted_to, last_settled_day(force.data_to))
    if settled_to >= registered.after_from:
        found.settled_to = settled_to
    else:
        found.refused.append((f"settled effects of {trial.design_id}", "no police week after patrols began ended 28 days ago", "the same in a few weeks"))  # fmt: skip
    places, matched_guard = _compared(force, found, centres)
    found.places = places = with_rings(places, registered.rings_m, centres)
    for ring, radius in enumerate(registered.rings_m, start=1):
        if trial.arm_scheme != "none" and ring not in places.n_removed:
            found.refused.append((f"ring_{ring} of {trial.design_id}", f"no cell of resolution {force.resolution} has its centre in the ring up to {radius} m of places of both arms", "a wider ring, or places further apart"))  # fmt: skip
    counts = _counts(force, found)
    days = _days(force, found)
    known = Known(
        trial, force.data_to, force.changes, standing.guard, matched_guard,
        fidelity_guard(reading.fidelity(session)) if days is not None else None,
    )  # fmt: skip
    for cut in CUTS:
        last = found.settled_to if cut == "settled" else found.counted_to
        if last is not None:
            _one_cut(found, known, counts, days, cut, last)
            _curves_over_hours(force, found, cut, last)
    return found


def _too_early(force: Force, trial: Trial) -> tuple[str, str] | None:
    """(reason, what it needs) where there is nothing to compare."""
    registered = trial.registered
    if force.data_to is None or force.first_day is None:
        return (
            "no event has a date",
            "deliveries of crimes or incidents with a date for every event",
        )
    if force.data_to < registered.after_from + timedelta(days=6):
        return f"data to {force.data_to}, patrols begin on {registered.after_from}", "deliveries over the first week of patrols"  # fmt: skip
    if force.first_day > registered.before_from:
        return f"before_from is {registered.before_from}, but events are counted from {force.first_day} on", "older events, or a window before that is covered"  # fmt: skip
    return None


def _compared(force: Force, found: Findings, centres: pl.DataFrame) -> tuple[Places, Guard | None]:
    """The places with their controls, matched where the file asks for it, and the guard of their balance where no lot decided."""
    trial, places = found.trial, found.places
    if trial.arm_scheme == "none":
        return places, None
    registered, groups = trial.registered, trial.registered.outcome_groups
    assert force.first_day is not None
    first, last = window(force.first_day, registered.after_from)
    venues = reading.venues(force.session)
    pool, matched = places, None
    if trial.arm_scheme == "matched":
        pool = _with_candidates(force, places, registered.rings_m, centres, first, last, groups)
    daily, _ = reading.counts(force.session, pool.cells, force.resolution, first, last)
    table = features(daily, groups, len(pool.names), first, last, pool.outlines, venues)
    if trial.arm_scheme == "matched":
        matched = match(table, pool.is_treated)
        chosen = np.concatenate([matched.pairs["treated"], matched.pairs["control"]])
        places = Places(
            tuple(pool.names[k] for k in chosen), tuple(pool.outlines[k] for k in chosen), pool.is_treated[chosen],
            _renumbered(pool.cells, chosen), pool.starts,
        )  # fmt: skip
    found.balance = balance_rows(trial.design_id, table, pool.is_treated, matched)
    if trial.is_by_lot:
        return places, None
    smd = found.balance["smd"].fill_null(np.inf).to_numpy()
    return places, matched.guard if matched else balance_guard(
        smd, found.balance["covariate"].to_list()
    )


def _with_candidates(
    force: Force, places: Places, rings_m: Sequence[int], centres: pl.DataFrame, first: date, last: date, groups: Sequence[str]
) -> Places:  # fmt: skip
    """The treated places with every cell that could be a control: far enough away, and with a quarter of the events of the least busy one."""
    daily, _ = reading.counts(force.session, places.cells, force.resolution, first, last)
    mine = daily.filter(pl.col("cat_group").is_in(list(groups)))
    n = np.bincount(mine["place"].to_numpy(), mine["n"].to_numpy(), minlength=len(places.names))
    least = max(1, int(n.min()) // 4)
    busy = reading.busy_cells(force.session, force.resolution, first, last, groups, least)
    cells = candidates(places, centres, busy, float(max([LEAST_DISTANCE_M, *rings_m])))
    if len(cells) < len(places.names):
        raise ValueError(f"{len(cells)} cells with {least} events or more lie {LEAST_DISTANCE_M:.0f} m from every patrolled place: too few to match {len(places.names)} controls")  # fmt: skip
    names = tuple(str(t) for t in force.grid.to_text(np.array(cells)))
    shapes = tuple(polygons_bng(force.grid, cells))
    known = {name: [cell] for name, cell in zip(names, cells, strict=True)}
    more = core_cells(names, shapes, known, centres).with_columns(place=pl.col("place") + len(places.names))  # fmt: skip
    return Places(
        (*places.names, *names), (*places.outlines, *shapes), np.append(places.is_treated, np.zeros(len(names), bool)),
        pl.concat([places.cells, more]), places.starts,
    )  # fmt: skip


def _renumbered(cells: pl.DataFrame, chosen: np.ndarray) -> pl.DataFrame:
    number = {int(old): new for new, old in enumerate(chosen)}
    kept = cells.filter(pl.col("place").is_in(list(number)))
    return kept.with_columns(place=pl.col("place").replace_strict(number, return_dtype=pl.Int64)).sort("place", "cell")  # fmt: skip


def _counts(force: Force, found: Findings) -> dict[int, Counts]:
    """Counts by zone, from the earliest window on."""
    registered, places = found.trial.registered, found.places
    assert force.first_day is not None and found.counted_to is not None
    selected = found.trial.selected_from or registered.before_from
    first = max(force.first_day, min(registered.before_from, selected))
    first -= timedelta(days=first.weekday())
    daily, settled = reading.counts(force.session, places.cells, force.resolution, first, found.counted_to)  # fmt: skip
    taken = reading.taken(force.session)
    zones = [CORE, *places.n_removed]
    is_zone = pl.col("zone")
    return {
        zone: made(
            daily.filter(is_zone == zone), settled.filter(is_zone == zone), taken, registered.outcome_groups,
            len(places.names), first, found.counted_to,
        )
        for zone in zones
    }  # fmt: skip


def _days(force: Force, found: Findings) -> DaysByLot | None:
    """The days by lot where the file says that there are some; refused where the plan or the fixes say otherwise."""
    trial, first, last = found.trial, found.trial.registered.after_from, found.counted_to
    assert last is not None
    if trial.day_scheme == "none":
        return None
    minutes = reading.minutes(force.session, first, last)
    days = days_by_lot(reading.plan(force.session, first, last), minutes, found.places, first, last)
    if days is None:
        found.refused.append((f"days by lot of {trial.design_id}", "the patrol plan has no randomised day of a treated place in the window after", "the feed patrol_plan with its columns randomised and arm"))  # fmt: skip
    elif days.patrol_minutes is None:
        found.refused.append((f"as_treated_day and cace_15_minutes of {trial.design_id}", "no police day of fixes is computed", "the feeds gps_pings and duties"))  # fmt: skip
    if days is not None and days.n_unclear:
        found.refused.append((f"{days.n_unclear} place-days of {trial.design_id}", "the plan gives them to both arms by lot", "one arm for a place and day"))  # fmt: skip
    return days


def _one_cut(
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
                found.refused.append((f"{measure} of {found.trial.design_id}, {outcome}, {cut}", estimate, "more events, places or weeks"))  # fmt: skip
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
    except (ValueError, np.linalg.LinAlgError) as error:
        found.refused.append((f"event study of {found.trial.design_id}, {cut}", str(error), "more weeks before"))  # fmt: skip
    rings = curves.ring_steps(estimates_of, found.trial.registered.rings_m)
    if rings is not None:
        found.curves.append((cut, rings, ()))


def _curves_over_hours(force: Force, found: Findings, cut: Cut, last: date) -> None:
    """How long a patrol is remembered, by what was assigned and by what was delivered, and the minutes after visits."""
    session, first = force.session, found.trial.registered.after_from
    places, design = found.places, found.trial.design_id
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
        except (ValueError, np.linalg.LinAlgError) as error:
            needs = (
                "the feed patrol_plan" if name == "residual" else "the feeds gps_pings and duties"
            )
            found.refused.append((f"{name} curve of {design}, {cut}", str(error), needs))
            continue
        guards = curve.guards
        if name == "residual_delivered":
            guards = (*guards, Guard("design", "forbids", "not causal: delivered patrols are cut when demand spikes"))  # fmt: skip
        if curve.not_estimable is not None:
            found.refused.append((f"{name} curve of {design}, {cut}", curve.not_estimable, "spells of a week or so without patrol, by lot"))  # fmt: skip
        found.curves.append((cut, curves.residual_steps(curve, name, n_left_out), guards))
    number = {name: k for k, name in enumerate(places.names)}
    there = visits.filter("is_dose", pl.col("hotspot_id").is_in(list(places.treated))).select(
        place=pl.col("hotspot_id").replace_strict(number, return_dtype=pl.Int64),
        begin_s=pl.col("start_utc").dt.epoch("s"), end_s=pl.col("end_utc").dt.epoch("s"), is_excluded="is_excluded",
    )  # fmt: skip
    koper = curves.koper_steps(there, pl.DataFrame({"place": place, "at_s": at_s}))
    if koper is not None:
        found.curves.append((cut, koper, ()))
