"""The effect of patrols in a panel of places and periods.

Here: E[y_it] = exp(place_i + period_t + b · patrol_it) by Poisson pseudo-maximum likelihood, with the error that the number
of places allows. Not here: the fit (`ppml`), errors with few places (`few_places`), effects by time since the start
(`event_study`), starts at different times (`staggered`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from hotspot_pipeline.evaluation.design import NotIdentified
from hotspot_pipeline.evaluation.estimate import (
    BoolArray,
    Estimate,
    FourCounts,
    Guard,
    IntArray,
    t_interval,
)
from hotspot_pipeline.evaluation.few_places import randomisation, score_wild_bootstrap
from hotspot_pipeline.evaluation.ppml import fit

ENOUGH_PLACES = 40
# a thousandfold: no patrol does that, but a few events in many places and days can be fitted by it
RUNAWAY = 7.0


@dataclass(frozen=True, eq=False)
class PanelRows:
    """One row a place and period: `events` from 0, `place` and `period` whole numbers from 0, `patrol` whether patrolled.

    All (n_rows,). Raises ValueError for unequal lengths, NotIdentified where all rows or none are patrolled.
    """

    events: IntArray
    place: IntArray
    period: IntArray
    patrol: BoolArray

    def __post_init__(self) -> None:
        if len({len(v) for v in (self.events, self.place, self.period, self.patrol)}) != 1:
            raise ValueError("a panel needs as many places, periods and patrols as counts")
        if not self.patrol.any() or self.patrol.all():
            raise NotIdentified("every row (or none) is patrolled: there is nothing to compare")

    @property
    def is_ever_patrolled(self) -> BoolArray:
        """(n_rows,): whether the row's place is patrolled in any period."""
        return np.asarray(np.isin(self.place, np.unique(self.place[self.patrol])))

    @property
    def sums(self) -> FourCounts:
        """Patrolled places without and with patrol; the others in the periods without any patrol, and with."""
        mine = self.is_ever_patrolled
        later = np.isin(self.period, np.unique(self.period[self.patrol]))
        parts = (mine & ~self.patrol, self.patrol, ~mine & ~later, ~mine & later)
        return FourCounts(*(int(self.events[part].sum()) for part in parts))


def panel_effect(
    rows: PanelRows,
    *,
    redraws: BoolArray | None = None,
    by_lot: bool = False,
    seed: int = 0,
    measure: str = "panel",
    few: Literal["auto", "cluster"] = "auto",
) -> Estimate:
    """The effect of patrolled periods, natural log.

    From 40 places on: clustered error with G/(G-1) and t(G - 1). Under 40: with `redraws` (n_draws, n_rows), other
    assignments that the recorded lot could have given (`redraws`), randomisation inference; otherwise the score wild
    bootstrap. With one period before and one after, the estimate is the rate ratio itself. All starts must fall in one
    period or be drawn day by day: for staggered starts see `staggered`.

    Raises NotIdentified where patrols cannot be told from places and periods, or the events do not bound their effect.
    """
    nuisance = {"place": rows.place, "period": rows.period}
    found = fit(rows.events, nuisance, {"patrol": rows.patrol.astype(np.float64)}, rows.place)
    if found.separated_effects:
        raise NotIdentified(
            f"{measure}: no event in any of {int(rows.patrol.sum())} patrolled rows: the log ratio has no finite value; "
            "report the counts, or the exact interval of `rate_ratio`"
        )
    value, error = float(found.effect[0]), float(found.standard_error()[0])
    if abs(value) > RUNAWAY:
        raise NotIdentified(
            f"{measure}: {int(rows.events.sum())} events do not bound the effect: its log ratio runs off to {value:.1f}"
        )
    mine = rows.is_ever_patrolled
    n_treated = len(np.unique(rows.place[mine]))
    n_control = len(np.unique(rows.place[~mine]))
    df = float(found.n_clusters - 1)
    low, high, p = t_interval(value, error, df)
    inference = f"clustered by {found.n_clusters} places, t({found.n_clusters - 1})"
    if found.n_clusters < ENOUGH_PLACES and few == "auto":
        if redraws is not None:
            again = randomisation(
                rows.events, nuisance, rows.patrol, redraws, rows.place, value, error
            )
        else:
            again = score_wild_bootstrap(
                rows.events, nuisance, rows.patrol.astype(np.float64), rows.place, value, error, seed
            )  # fmt: skip
        low, high, p, inference = again.low, again.high, again.p_value, again.inference
        df = float("inf")
    return Estimate(
        measure, "log_ratio", value, error, df, low, high, p, inference, rows.sums, n_treated, n_control,
        is_causal_design=by_lot or n_control > 0,
        guards=(_separation(found.n_separated, rows, found.is_used), _dispersion(found.dispersion)),
    )  # fmt: skip


def _separation(n: int, rows: PanelRows, is_used: BoolArray) -> Guard:
    if n == 0:
        return Guard("separation", "clear", "every place and period has events")
    n_places = len(np.setdiff1d(rows.place, rows.place[is_used]))
    text = f"{n} rows without any information left out, {n_places} whole places without events among them"
    return Guard("separation", "warning" if n_places else "clear", text)


def _dispersion(phi: float) -> Guard:
    text = f"variance is {phi:.2f} times the mean within places and periods; the error is clustered and allows for it"
    return Guard("dispersion", "clear", text)
