"""Starts at different times: each cohort against places not patrolled yet, never against places already patrolled.

Here: effects by cohort and period, and their mean. Not here: one common start (`panel`, `event_study`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from hotspot_pipeline.evaluation.design import NotIdentified
from hotspot_pipeline.evaluation.estimate import Estimate, FourCounts, IntArray, t_interval
from hotspot_pipeline.evaluation.event_study import NEVER
from hotspot_pipeline.evaluation.ppml import fit


@dataclass(frozen=True, eq=False)
class Staggered:
    """`overall`: the mean effect; `cells`: one row a cohort and period (cohort, period, log_ratio, standard_error,
    n_events, expected_without)."""

    overall: Estimate
    cells: pl.DataFrame


def staggered(events: IntArray, place: IntArray, period: IntArray, start: IntArray) -> Staggered:
    """Wooldridge (2023, Econometrics Journal 26): Poisson with cohort x period effects for all patrolled cells.

    All (n_rows,); `start` is the first patrolled period of the row's place, or NEVER. A plain place and period model would
    compare late starters with early ones whose effect may still grow, and can turn a sign round. Since every
    patrolled cohort and period has an effect of its own, the others are fitted on unpatrolled rows alone.

    The overall effect is log(sum of events / sum of events expected without), over patrolled cells; its error takes the
    weights (shares of the expected events) as given. Clustered by place, t(G - 1). Raises NotIdentified where
    no place is unpatrolled in some period after the last start.
    """
    patrolled = (start != NEVER) & (period >= start)
    if not patrolled.any():
        raise NotIdentified("staggered: no patrolled row")
    lonely = np.setdiff1d(period, period[~patrolled])
    if len(lonely):
        raise NotIdentified(
            f"staggered: every place is patrolled in period {int(lonely[0])}: leave such periods out, or add controls"
        )
    pairs, code = np.unique(np.stack([start, period])[:, patrolled], axis=1, return_inverse=True)
    cell = np.full(len(events), -1)
    cell[patrolled] = code
    found = fit(events, {"place": place, "period": period}, {"cell": cell}, place)
    n_events = np.bincount(code, events[patrolled], minlength=pairs.shape[1])
    with np.errstate(invalid="ignore"):
        expected = n_events / np.exp(found.effect)
    is_finite = np.isfinite(found.effect)
    weight = np.where(is_finite, expected, 0.0)
    weight = weight / weight.sum()
    value = float(np.log(n_events[is_finite].sum() / expected[is_finite].sum()))
    covariance = np.where(np.isfinite(found.covariance), found.covariance, 0.0)
    error = float(np.sqrt(weight @ covariance @ weight))
    df = found.n_clusters - 1
    low, high, p = t_interval(value, error, df)
    ever = start != NEVER
    counts = FourCounts(
        int(events[ever & ~patrolled].sum()),
        int(events[patrolled].sum()),
        int(events[~ever & (period < start[ever].min())].sum()),
        int(events[~ever & (period >= start[ever].min())].sum()),
    )
    notes = (
        ()
        if is_finite.all()
        else (
            f"{int((~is_finite).sum())} of {len(is_finite)} cohort periods have no event and are left out of the mean",
        )
    )
    overall = Estimate(
        "staggered", "log_ratio", value, error, df, low, high, p,
        f"clustered by {found.n_clusters} places, t({df})", counts,
        len(np.unique(place[ever])), len(np.unique(place[~ever])), is_causal_design=True, notes=notes,
    )  # fmt: skip
    cells = pl.DataFrame(
        {
            "cohort": pairs[0],
            "period": pairs[1],
            "log_ratio": found.effect,
            "standard_error": found.standard_error(),
            "n_events": n_events.astype(np.int64),
            "expected_without": expected,
        }
    )
    return Staggered(overall, cells)
