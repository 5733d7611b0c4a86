"""How long a patrol is remembered: the residual-deterrence curve.

Here: E[y] = exp(place + hour of week + week + effect of the time since the last patrol left), in steps of six hours and in
days 0 to 6, with what is needed to believe it or not. Not here: lags (`lags`), the minutes after one visit (`koper`).

Assigned patrols are the primary ones: what is delivered is cut when demand spikes, so delivered lags are confounded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from hotspot_pipeline.evaluation.estimate import FloatArray, Guard, IntArray, joint_p, t_interval
from hotspot_pipeline.evaluation.lags import Since
from hotspot_pipeline.evaluation.ppml import Fit, fit

BIN_H, N_DAYS = 6, 7
N_BINS = N_DAYS * 24 // BIN_H
DURING = N_BINS  # code of stretches that a patrol overlaps
CLEAN_FROM_H = N_DAYS * 24
# with fewer events the comparison alone has a standard error of 0.13 or more, as large as the effects in question
MIN_CLEAN_EVENTS, MIN_CLEAN_SHARE = 60, 0.02
LEAD_DAYS = 3
PLACEBO_P = 0.05
_SCHEMA = {"log_ratio": pl.Float64, "standard_error": pl.Float64, "low": pl.Float64, "high": pl.Float64,
           "n_events": pl.Int64, "expected_without": pl.Float64}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Residual:
    """`by_bin` (lag_from_h, …), `by_day` (lag_day, …), `leads` (days_before, …): log_ratio, standard_error, low, high,
    n_events, expected_without; empty where `not_estimable` says why not.

    `leads_p`: placebo, all leads are nothing. `n_clean_events`, `clean_share` (of the treated places' time): what everything is
    compared with, seven days and more since the last patrol. `naive_log_ratio`: patrolled days' stretches after a departure
    against all others, with no account of place, hour or week: what a dashboard would show.
    """

    by_bin: pl.DataFrame
    by_day: pl.DataFrame
    leads: pl.DataFrame
    leads_p: float
    n_clean_events: int
    clean_share: float
    naive_log_ratio: float
    dispersion: float
    n_places: int
    not_estimable: str | None

    @property
    def guards(self) -> tuple[Guard, ...]:
        """Whether the curve may be read as what patrols leave behind."""
        if self.not_estimable is not None:
            return (Guard("clean_comparison", "forbids", self.not_estimable),)
        text = f"placebo leads are nothing: p = {self.leads_p:.3f}"
        return (
            Guard(
                "clean_comparison",
                "clear",
                f"{self.n_clean_events} events in {100 * self.clean_share:.1f} % of the time are seven days and more after a patrol",
            ),
            Guard("placebo_leads", "clear", text)
            if self.leads_p >= PLACEBO_P
            else Guard(
                "placebo_leads", "forbids", f"{text} does not hold: patrols went where crime was"
            ),
        )


def residual_curve(
    events: IntArray,
    place: IntArray,
    hour_of_week: IntArray,
    week: IntArray,
    since: Since,
    *,
    has_patrols: IntArray | None = None,
) -> Residual:
    """`events` (n_rows,) of stretches of six hours (or less) of the patrol period; codes from 0; `since` of the same rows.

    `has_patrols` (n_rows,) 1 for places that are ever patrolled; others help with hours and weeks only. All by default.
    Clustered by place, t(G - 1). The day's figure is log(events / expected without), over its four steps, its error with
    those weights taken as given. Placebo leads come from a second fit with lags and leads: hours until the next patrol, up to
    three days, against longer; a schedule by lot must show nothing there.
    """
    mine = np.ones(len(events), bool) if has_patrols is None else has_patrols.astype(bool)
    lag = lag_codes(since, mine)
    clean = mine & (lag == -1)
    n_clean, share = int(events[clean].sum()), float(clean.sum() / max(mine.sum(), 1))
    naive = _naive(events, mine, lag)
    n_places = len(np.unique(place[mine]))
    nuisance = {"place": place, "week": week, "hour": hour_of_week}
    reason = _too_thin(n_clean, share)
    if reason is not None:
        empty = pl.DataFrame(schema=_SCHEMA)
        phi = fit(events, nuisance, {}, place).dispersion
        return Residual(empty, empty, empty, np.nan, n_clean, share, naive, phi, n_places, reason)
    found = fit(events, nuisance, {"lag": lag}, place)
    by_bin = _groups(found, events, lag, {k * BIN_H: [k] for k in range(N_BINS)}, "lag_from_h")
    by_day = _groups(
        found, events, lag, {d: [*range(4 * d, 4 * d + 4)] for d in range(N_DAYS)}, "lag_day"
    )
    lead = np.where(mine & ~since.is_during, np.floor(since.hours_until / 24), LEAD_DAYS)
    leads = np.where(lead < LEAD_DAYS, lead, -1).astype(np.int64)
    both = fit(events, nuisance, {"lead": leads, "lag": lag}, place)
    before = _groups(both, events, leads, {d + 1: [d] for d in range(LEAD_DAYS)}, "days_before")
    return Residual(
        by_bin, by_day, before, _joint_p(both, LEAD_DAYS), n_clean, share, naive, found.dispersion, n_places, None,
    )  # fmt: skip


def lag_codes(since: Since, mine: np.ndarray | None = None) -> IntArray:
    """(n_rows,): 0 to 27 steps of six hours since departure, 28 where a patrol overlaps, -1 from seven days on."""
    steps = np.floor(np.minimum(since.hours_since, CLEAN_FROM_H) / BIN_H)
    code = np.where(since.is_during, DURING, np.where(steps < N_BINS, steps, -1)).astype(np.int64)
    return code if mine is None else np.where(mine, code, -1)


def _too_thin(n_clean: int, share: float) -> str | None:
    if n_clean >= MIN_CLEAN_EVENTS and share >= MIN_CLEAN_SHARE:
        return None
    return (
        f"not estimable: {n_clean} events at lag >= 7 ({100 * share:.1f} % of the time); "
        "only patrol-free spells of a week or so, by lot, can show how long a patrol is remembered"
    )


def _naive(events: IntArray, mine: np.ndarray, lag: IntArray) -> float:
    """log of events per stretch within a day of a departure against all other stretches of the treated places."""
    near = mine & (lag >= 0) & (lag < 24 // BIN_H)
    far = mine & ~near & (lag != DURING)
    if not events[near].any() or not events[far].any():
        return float("nan")
    return float(np.log(events[near].mean() / events[far].mean()))


def _groups(
    found: Fit, events: IntArray, code: IntArray, groups: dict[int, list[int]], name: str
) -> pl.DataFrame:
    """One row a group of levels of the first effect factor: log(events / expected without)."""
    n_levels = max(max(levels) for levels in groups.values()) + 1
    effect = np.full(n_levels, np.nan)
    known = min(n_levels, len(found.effect))
    effect[:known] = found.effect[:known]
    n_events = np.bincount(code[code >= 0], events[code >= 0], minlength=n_levels)[:n_levels]
    expected = n_events / np.exp(effect)
    rows = []
    for group, levels in groups.items():
        at = np.array([k for k in levels if np.isfinite(effect[k])], dtype=np.int64)
        if not len(at):
            rows.append((group, np.nan, np.nan, -np.inf, np.inf, 0, np.nan))
            continue
        value = float(np.log(n_events[at].sum() / expected[at].sum()))
        weight: FloatArray = expected[at] / expected[at].sum()
        error = float(np.sqrt(weight @ found.covariance[np.ix_(at, at)] @ weight))
        low, high, _ = t_interval(value, error, found.n_clusters - 1)
        rows.append(
            (group, value, error, low, high, int(n_events[at].sum()), float(expected[at].sum()))
        )
    return pl.DataFrame(rows, schema={name: pl.Int64, **_SCHEMA}, orient="row")


def _joint_p(found: Fit, n: int) -> float:
    at = np.array([k for k in range(n) if np.isfinite(found.effect[k])], dtype=np.int64)
    return joint_p(found.effect[at], found.covariance[np.ix_(at, at)], found.n_clusters)
