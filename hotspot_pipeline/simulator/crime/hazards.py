"""How often a record changes in each respect, and how long after it was recorded (DOMAIN §1.5, §8.3).

Belongs here: the numbers, the lag they are drawn from, the frame of a family's changes. Does not belong here: what a
record changes to (`recodes`, `reclass`, `standing`).

Every hazard is cumulative by 90 days. A lag has no end, so the share of records that ever change is a little larger:
`for_ever` says by how much. All lags have a median of 7 days; how wide they are follows the tails of DOMAIN §1.5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.crime.clock import Times, skip_missing_hour, time_column
from hotspot_pipeline.simulator.force.county import Floats

HORIZON_DAYS = 90.0
MEDIAN_LAG_DAYS = 7.0
_DAY_S = 86_400.0
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Lag:
    """A lognormal lag in days."""

    median_days: float
    sigma: float

    @classmethod
    def reaching(cls, days: float, share: float, median_days: float = MEDIAN_LAG_DAYS) -> Lag:
        """The lag of which this share is at most so many days."""
        return cls(median_days, math.log(days / median_days) / _NORMAL.inv_cdf(share))

    def share_by(self, days: float) -> float:
        """Share of lags of at most so many days."""
        return _NORMAL.cdf(math.log(days / self.median_days) / self.sigma) if days > 0 else 0.0

    def for_ever(self, by_horizon: float) -> float:
        """The share that ever changes, where this share does by 90 days."""
        return by_horizon / self.share_by(HORIZON_DAYS)

    def share_by_after(self, first: Lag, days: float) -> float:
        """Share of which a lag like `first` and then this one take at most so many days together."""
        grid = [(k + 0.5) / 400 for k in range(400)]
        spent = (first.median_days * math.exp(first.sigma * _NORMAL.inv_cdf(p)) for p in grid)
        return sum(self.share_by(days - s) for s in spent) / len(grid)

    def after(self, rng: np.random.Generator, moment: Times) -> Times:
        """A moment of change for each moment, local, at least a minute later; draws one number for each."""
        days = self.median_days * np.exp(self.sigma * rng.standard_normal(len(moment)))
        seconds = np.floor(60 + days * _DAY_S).astype("timedelta64[s]")
        later = skip_missing_hour(moment.astype("datetime64[s]") + seconds)
        return np.maximum(moment.astype("datetime64[s]") + np.timedelta64(60, "s"), later)


RECLASS = {"VAP": 0.08, "PUBLIC_ORDER": 0.05, "CRIM_DAMAGE": 0.02, "ROBBERY": 0.04}
RECLASS_BACK = 0.06  # of those reclassified: the first class was right after all (DOMAIN §10.7)
CANCEL, CANCEL_ROBBERY = 0.03, 0.06
TRANSFER, MERGE, UNCANCEL = 0.007, 0.008, 0.002
RECANCEL = 0.15  # of those un-cancelled
REGEOCODE, REDATE, FLAGS = 0.04, 0.04, 0.04
OUTCOME_EVER = 0.70

RECLASS_LAG = Lag.reaching(28, 0.85)
CANCEL_LAGS = {
    # C2: additional information. C4, C5: recorded in error, self-defence.
    "C2": Lag.reaching(180, 0.975),
    "C4": Lag.reaching(30, 0.95),
    "C5": Lag.reaching(30, 0.95),
}
UNCANCEL_LAG = Lag.reaching(365, 0.99)
TRANSFER_LAG = Lag.reaching(60, 0.95)
MERGE_LAG = Lag.reaching(30, 0.95)
REGEOCODE_LAG = Lag.reaching(60, 0.95)
REDATE_LAG = Lag.reaching(14, 0.95)
FLAGS_LAG = Lag.reaching(60, 0.95)
OUTCOME_LAG = Lag(25.0, 1.2)


def drawn(rng: np.random.Generator, share: Floats | float, n: int) -> np.ndarray:
    """(n,) true with these probabilities; always draws n numbers, so that later draws stay as they were."""
    return np.asarray(rng.uniform(size=n) < share)


def change_frame(
    idx: np.ndarray,
    changed: Times,
    event: str,
    why: str | np.ndarray,
    **columns: np.ndarray | pl.Series,
) -> pl.DataFrame:
    """Changes of the crimes `idx`, a frame of one family; `changed` has an entry for every crime."""
    reasons = np.full(len(idx), why) if isinstance(why, str) else why
    return pl.DataFrame(
        {
            "idx": pl.Series(idx, dtype=pl.Int64),
            "changed_ts_local": time_column(changed[idx]),
            "event": pl.Series([event], dtype=pl.String).new_from_index(0, len(idx)),
            "why": pl.Series(reasons.tolist(), dtype=pl.String),
            **columns,
        }
    )
