"""Effects by time since the start: leads that should be nothing, lags that show when an effect comes and goes.

Here: the event study of a panel, with a common or with each place's own start. Not here: one number for it all (`panel`),
the hours after one patrol (`residual`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from hotspot_pipeline.evaluation.design import NotIdentified
from hotspot_pipeline.evaluation.estimate import Guard, IntArray, joint_p, t_interval
from hotspot_pipeline.evaluation.ppml import fit

N_LEADS = 4
NEVER = -1
PRE_TREND_P = 0.05


@dataclass(frozen=True, eq=False)
class EventStudy:
    """`curve`: one row a lead or lag (relative_period, log_ratio, standard_error, low, high, n_events), leads from -4 to
    -1; `pre_trend_p`: all leads are nothing (`joint_p`); `reference`: what everything is compared with.
    """

    curve: pl.DataFrame
    pre_trend_p: float
    reference: str

    @property
    def pre_trend(self) -> Guard:
        text = f"leads are nothing: p = {self.pre_trend_p:.3f}"
        if self.pre_trend_p < PRE_TREND_P:
            return Guard(
                "pre_trend",
                "forbids",
                f"{text}; the arms were already moving apart before patrols began",
            )
        return Guard(
            "pre_trend", "clear", f"{text}; a test that finds nothing may also have little power"
        )


def event_study(
    events: IntArray,
    place: IntArray,
    period: IntArray,
    start: IntArray,
    *,
    n_leads: int = N_LEADS,
    n_lags: int = 12,
) -> EventStudy:
    """`events`, `place`, `period` (n_rows,), `start` (n_rows,) the first patrolled period of the row's place or NEVER.

    E[y] = exp(place + period + effect of the period relative to the start); the reference is everything earlier than
    lead -`n_leads`, and the places never patrolled. The last lag holds all later periods. Clustered by place, t(G - 1).
    With starts at different times lags of one place are compared with other patrolled ones: read `staggered` for the effect.

    Raises ValueError where no period is earlier than the leads, NotIdentified where leads hold no event or places are too few for them.
    """
    ever = start != NEVER
    relative = np.where(ever, period - start, -n_leads - 1)
    if not (ever & (relative < -n_leads)).any():
        raise ValueError(
            f"event_study: no period earlier than lead -{n_leads}: there is nothing to compare leads with"
        )
    codes = np.clip(relative, -n_leads - 1, n_lags) + n_leads
    n_levels = n_leads + n_lags + 1
    found = fit(events, {"place": place, "period": period}, {"relative": codes}, place)
    errors = found.standard_error()
    rows = []
    for level in range(int(codes.max()) + 1):
        value, error = float(found.effect[level]), float(errors[level])
        low, high, _ = t_interval(value, error, found.n_clusters - 1)
        n = int(events[codes == level].sum())
        rows.append((level - n_leads, value, error, low, high, n))
    names = ("relative_period", "log_ratio", "standard_error", "low", "high")
    curve = pl.DataFrame(
        rows[:n_levels],
        schema={**dict.fromkeys(names, pl.Float64), "relative_period": pl.Int64, "n_events": pl.Int64},
        orient="row",
    )  # fmt: skip
    leads = np.array([k for k in range(n_leads) if np.isfinite(found.effect[k])], dtype=np.int64)
    p = joint_p(found.effect[leads], found.covariance[np.ix_(leads, leads)], found.n_clusters)
    if not np.isfinite(p):
        raise NotIdentified(f"event_study: {len(leads)} of the {n_leads} periods before the start hold events, in {found.n_clusters} places: leads cannot be tested")  # fmt: skip
    return EventStudy(
        curve, p, f"periods earlier than {n_leads} before the start, and places never patrolled"
    )
