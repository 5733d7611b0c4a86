"""One trial from its file to what is known of its effect.

Here: the order of work, what is counted, which cuts there are. Not here: any of the work (`controls`, `looks`), the rows of the
tables (`tables`).
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from hotspot_pipeline.evaluation.trials import reading
from hotspot_pipeline.evaluation.trials.answers import Known, fidelity_guard
from hotspot_pipeline.evaluation.trials.controls import compared
from hotspot_pipeline.evaluation.trials.counts import CUTS, Counts, made
from hotspot_pipeline.evaluation.trials.estimates import last_settled_day
from hotspot_pipeline.evaluation.trials.files import Trial
from hotspot_pipeline.evaluation.trials.findings import Findings, Force
from hotspot_pipeline.evaluation.trials.looks import curves_over_hours, one_cut
from hotspot_pipeline.evaluation.trials.lot_days import DaysByLot, days_by_lot
from hotspot_pipeline.evaluation.trials.places import CORE, places_of, with_rings
from hotspot_pipeline.evaluation.trials.records import Standing


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
        found.refuse("effects", *why)
        return found
    assert force.data_to is not None and force.first_day is not None
    found.counted_to = min(registered.after_to, force.data_to)
    settled_to = min(found.counted_to, last_settled_day(force.data_to))
    if settled_to >= registered.after_from:
        found.settled_to = settled_to
    else:
        found.refuse("settled effects", "no police week after patrols began ended 28 days ago", "a few weeks more")  # fmt: skip
    places, matched_guard = compared(force, found, centres)
    found.places = places = with_rings(places, registered.rings_m, centres)
    if trial.starts and registered.rings_m:
        found.refuse("rings", "places began at different times", "one start for all places")
    for ring, radius in enumerate(registered.rings_m, start=1):
        if trial.arm_scheme != "none" and ring not in places.n_removed:
            why_not = f"no cell of resolution {force.resolution} has its centre in the ring up to {radius} m around places of both arms"
            found.refuse(f"ring_{ring}", why_not, "a wider ring, or places further apart")
    counts = _counts(force, found)
    days = _days(force, found)
    known = Known(
        trial, force.data_to, force.changes, standing.guard, matched_guard,
        fidelity_guard(reading.fidelity(session)) if days is not None else None,
    )  # fmt: skip
    for cut in CUTS:
        last = found.settled_to if cut == "settled" else found.counted_to
        if last is not None:
            one_cut(found, known, counts, days, cut, last)
            curves_over_hours(force, found, cut, last)
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
        found.refuse("days by lot", "the patrol plan has no randomised day of a treated place in the window after", "the feed patrol_plan with its columns randomised and arm")  # fmt: skip
    elif days.patrol_minutes is None:
        found.refuse("as_treated_day and cace_15_minutes", "no police day of fixes is computed", "the feeds gps_pings and duties")  # fmt: skip
    if days is not None and days.n_unclear:
        found.refuse(f"{days.n_unclear} place-days", "the plan gives them to both arms by lot", "one arm for a place and day")  # fmt: skip
    return days
