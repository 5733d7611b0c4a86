"""Effects along a line: weeks since patrols began, hours since one left, minutes of a visit, metres from the place.

Pure. Here: the rows of `evaluation.effect_curves` and the guards of the residual curve. Not here: the estimators.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from hotspot_pipeline.evaluation.estimate import Estimate, IntArray
from hotspot_pipeline.evaluation.event_study import EventStudy
from hotspot_pipeline.evaluation.koper import koper_rates
from hotspot_pipeline.evaluation.lags import Patrols, since_patrol
from hotspot_pipeline.evaluation.residual import BIN_H, Residual, residual_curve
from hotspot_pipeline.evaluation.trials.places import Places
from hotspot_pipeline.timebase import PoliceTime

HOURS_A_STEP = 6
# an event whose window is longer may lie in another step than its middle
LONGEST_WINDOW_S = HOURS_A_STEP * 3600


@dataclass(frozen=True, slots=True)
class Step:
    """One row of a curve, without its keys."""

    from_value: float
    to_value: float | None
    estimate: float
    standard_error: float
    low: float
    high: float
    n_events: int
    is_lead: bool = False
    is_reference: bool = False
    note: str | None = None


@dataclass(frozen=True)
class Curve:
    """`steps` from left to right."""

    curve: str
    unit: str
    scale: str
    steps: Sequence[Step]


def event_study_curve(study: EventStudy, period_weeks: int) -> Curve:
    """Weeks since patrols began; the reference stands first, left of the leads."""
    rows = study.curve.to_dicts()
    first = rows[0]["relative_period"] * period_weeks
    steps = [Step(first - period_weeks, first, 0.0, 0.0, 0.0, 0.0, 0, is_lead=True, is_reference=True, note=study.reference)]  # fmt: skip
    for row in rows:
        at = row["relative_period"]
        is_last = row is rows[-1]
        steps.append(
            Step(at * period_weeks, None if is_last else (at + 1) * period_weeks, row["log_ratio"], row["standard_error"],
                 row["low"], row["high"], row["n_events"], is_lead=at < 0)
        )  # fmt: skip
    return Curve("event_study", "weeks", "log_ratio", steps)


def residual_steps(curve: Residual, name: str, n_left_out: int) -> Curve:
    """Hours since a patrol left in steps of six, placebo leads before it in days, and the reference, seven days and more.

    Where the schedule cannot identify it there is one row, which says so.
    """
    note = f"against seven days and more after a patrol: {curve.n_clean_events} events, {100 * curve.clean_share:.1f} % of the time"
    if n_left_out:
        note += f"; {n_left_out} events without a time known to six hours are left out"
    if np.isfinite(curve.naive_log_ratio):
        note += f"; a dashboard would show {np.exp(curve.naive_log_ratio):.2f} for the first day"
    if curve.not_estimable is not None:
        nothing = Step(0.0, None, np.nan, np.nan, np.nan, np.nan, curve.n_clean_events, note=curve.not_estimable)  # fmt: skip
        return Curve(name, "hours", "log_ratio", [nothing])
    steps = [
        Step(-24.0 * row["days_before"], -24.0 * (row["days_before"] - 1), row["log_ratio"], row["standard_error"], row["low"],
             row["high"], row["n_events"], is_lead=True, note="placebo: before the next patrol")
        for row in sorted(curve.leads.to_dicts(), key=lambda r: -r["days_before"])
    ]  # fmt: skip
    steps += [
        Step(float(row["lag_from_h"]), float(row["lag_from_h"] + BIN_H), row["log_ratio"], row["standard_error"], row["low"],
             row["high"], row["n_events"])
        for row in curve.by_bin.iter_rows(named=True)
    ]  # fmt: skip
    end = steps[-1].to_value
    assert end is not None
    steps.append(Step(end, None, 0.0, 0.0, 0.0, 0.0, curve.n_clean_events, is_reference=True, note=note))  # fmt: skip
    return Curve(name, "hours", "log_ratio", steps)


def ring_steps(estimates: dict[str, Estimate], rings_m: Sequence[int]) -> Curve | None:
    """The rate ratio of the places themselves and of each ring; None without a ring."""
    radii = [0, *rings_m]
    steps = []
    for ring in range(len(radii)):
        found = estimates.get("rate_ratio" if ring == 0 else f"ring_{ring}")
        if found is None:
            continue
        note = "the places themselves" if ring == 0 else None
        inner = 0 if ring == 0 else radii[ring - 1]
        steps.append(
            Step(float(inner), float(radii[ring]), found.value, found.standard_error, found.low, found.high,
                 found.counts.treated_after, note=note)
        )  # fmt: skip
    return Curve("rings", "metres", "log_ratio", steps) if len(steps) > 1 else None


def koper_steps(visits: pl.DataFrame, events: pl.DataFrame) -> Curve | None:
    """Events an hour after a visit by its length; None without visits."""
    rates = koper_rates(visits, events)
    steps = [
        Step(float(row["from_minutes"]), row["to_minutes"], row["events_per_hour"], np.nan, row["low"], row["high"], row["n_events"],
             note=f"{row['n_visits']} visits, {row['n_excluded']} more began with a call or ended in an arrest; descriptive only")
        for row in rates.iter_rows(named=True)
    ]  # fmt: skip
    return Curve("koper", "minutes", "events_per_hour", steps) if steps else None


def moments(rows: pl.DataFrame, groups: Iterable[str]) -> tuple[IntArray, IntArray, int]:
    """(place, seconds since 1970, events left out) of events of these groups whose moment is known to six hours: the middle of the window.

    `rows`: place, cat_group, time_known, from_utc, to_utc.
    """
    mine = rows.filter(pl.col("cat_group").is_in(list(groups)))
    begin = pl.col("from_utc").dt.epoch("s")
    end = pl.coalesce(pl.col("to_utc"), "from_utc").dt.epoch("s")
    is_known = pl.col("time_known").is_in(["exact", "window"]) & pl.col("from_utc").is_not_null()
    kept = mine.filter(is_known & (end - begin <= LONGEST_WINDOW_S))
    at = kept.select(at=(begin + (end - begin) // 2)).to_series()
    return kept["place"].to_numpy(), at.to_numpy().astype(np.int64), mine.height - kept.height


def residual(
    place: IntArray, at_s: IntArray, patrols: pl.DataFrame, places: Places, clock: PoliceTime, first: date, last: date
) -> Residual:  # fmt: skip
    """The curve of the treated places over the police days from `first` to `last`.

    `place`, `at_s`: events; `patrols`: hotspot_id, start_utc, end_utc. Raises ValueError without events or patrols.
    """
    number = {name: k for k, name in enumerate(places.names)}
    mine = patrols.drop_nulls(["start_utc", "end_utc"]).filter(
        pl.col("hotspot_id").is_in(list(places.treated))
    )
    if mine.is_empty():
        raise ValueError("no patrol in the window after")
    there = Patrols(
        np.array([number[n] for n in mine["hotspot_id"]], dtype=np.int64),
        mine["start_utc"].dt.epoch("s").to_numpy().astype(np.int64),
        mine["end_utc"].dt.epoch("s").to_numpy().astype(np.int64),
    )
    days = [first + timedelta(days=k) for k in range((last - first).days + 2)]
    starts = np.array([int(clock.day_window(d).start_utc.timestamp()) for d in days])
    edges = np.append((starts[:-1, None] + 3600 * np.arange(0, 24, HOURS_A_STEP)).ravel(), starts[-1])  # fmt: skip
    treated = np.flatnonzero(places.is_treated)
    n_steps = len(edges) - 1
    step = np.searchsorted(edges, at_s, side="right") - 1
    inside = (step >= 0) & (step < n_steps) & np.isin(place, treated)
    row = np.searchsorted(treated, place[inside]) * n_steps + step[inside]
    events = np.bincount(row, minlength=len(treated) * n_steps).astype(np.int64)
    of, at = np.repeat(np.arange(len(treated)), n_steps), np.tile(np.arange(n_steps), len(treated))
    since = since_patrol(there, treated[of], edges[:-1][at], edges[1:][at])
    a_week = 7 * 24 // HOURS_A_STEP
    return residual_curve(events, of, at % a_week, at // a_week, since)
