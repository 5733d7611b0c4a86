"""Controls that are like the treated places in everything known before.

Here: one-to-one matching without replacement, and the balance it reached. Not here: the features' computation (tables), the
estimate on the matched places (`rate_ratio`, `panel`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.optimize import linear_sum_assignment

from hotspot_pipeline.evaluation.estimate import BoolArray, FloatArray, Guard
from hotspot_pipeline.evaluation.guards import MAX_SMD, standardised_difference

# how large a part of the distance each family of features makes up; level and trend first (judgement)
FAMILIES = {"level": 1.0, "trend": 1.0, "mix": 0.5, "hours": 0.5, "venues": 0.5}


@dataclass(frozen=True, eq=False)
class Matched:
    """`pairs`: treated, control (positions), distance. `balance`: feature, smd_before, smd_after, variance_ratio,
    is_balanced. `unmatched`: treated positions that no control within the caliper was left for."""

    pairs: pl.DataFrame
    balance: pl.DataFrame
    unmatched: tuple[int, ...]

    @property
    def guard(self) -> Guard:
        bad = self.balance.filter(~pl.col("is_balanced"))
        left = f"; {len(self.unmatched)} treated places found no control" if self.unmatched else ""
        if len(bad):
            names = ", ".join(
                f"{f} {s:+.2f}" for f, s in bad.select("feature", "smd_after").iter_rows()
            )
            return Guard(
                "balance",
                "warning",
                f"arms still differ (standardised mean differences from {MAX_SMD} on): {names}{left}",
            )
        return Guard(
            "balance",
            "warning" if left else "clear",
            f"all {len(self.balance)} features within {MAX_SMD} standard deviations{left}",
        )


def match(features: pl.DataFrame, is_treated: BoolArray, caliper: float | None = None) -> Matched:
    """Optimal one-to-one matching (Rosenbaum 1989, JASA 84) on scaled distances.

    `features`: one row a place, numeric columns "family:name" with the families of `FAMILIES`: level (root of 24 months'
    events), trend (change between its halves), mix (shares by group), hours (shares of the week's blocks), venues. Columns
    are divided by their pooled standard deviation and each family weighs as `FAMILIES` says, however many columns it has.
    `caliper`: pairs further apart than this are given up. Nothing after the first patrol may be in a feature.

    Raises ValueError for unknown families, missing values, or fewer controls than treated places.
    """
    x = _scaled(features, is_treated)
    treated, control = np.flatnonzero(is_treated), np.flatnonzero(~is_treated)
    if len(control) < len(treated):
        raise ValueError(f"match: {len(control)} candidates for {len(treated)} treated places")
    apart = np.sqrt(((x[treated][:, None, :] - x[control][None, :, :]) ** 2).sum(axis=2))
    rows, columns = linear_sum_assignment(apart**2)
    distance = apart[rows, columns]
    near = np.ones(len(rows), bool) if caliper is None else distance <= caliper
    pairs = pl.DataFrame(
        {
            "treated": treated[rows[near]],
            "control": control[columns[near]],
            "distance": distance[near],
        }
    )
    chosen = np.zeros(len(is_treated), bool)
    chosen[pairs["treated"].to_numpy()] = chosen[pairs["control"].to_numpy()] = True
    return Matched(
        pairs, balance(features, is_treated, chosen), tuple(int(k) for k in treated[rows[~near]])
    )


def balance(features: pl.DataFrame, is_treated: BoolArray, chosen: BoolArray) -> pl.DataFrame:
    """Standardised mean differences of all places and of the chosen ones, and the ratio of the variances of the latter.

    Both are divided by the spread of all places, so that a smaller pool cannot look better by being more varied (Stuart
    2010, Statistical Science 25). Balanced: under 0.1.
    """
    rows = []
    for name in features.columns:
        values = features[name].to_numpy().astype(np.float64)
        before = standardised_difference(values, is_treated)
        all_apart = values[is_treated].mean() - values[~is_treated].mean()
        t, c = values[chosen & is_treated], values[chosen & ~is_treated]
        apart = float(t.mean() - c.mean()) if len(t) and len(c) else np.nan
        spread = (
            all_apart / before
            if before not in (0.0, np.inf, -np.inf)
            else _spread(values, is_treated)
        )
        after = (
            0.0
            if apart == 0
            else apart / spread
            if spread > 0
            else float(np.copysign(np.inf, apart))
        )
        ratio = float(t.var(ddof=1) / c.var(ddof=1)) if len(t) > 1 and c.var(ddof=1) > 0 else np.nan
        rows.append((name, before, after, ratio, bool(abs(after) < MAX_SMD)))
    schema = {"feature": pl.String, "smd_before": pl.Float64, "smd_after": pl.Float64,
              "variance_ratio": pl.Float64, "is_balanced": pl.Boolean}  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def _spread(values: FloatArray, t: BoolArray) -> float:
    return float(np.sqrt((values[t].var(ddof=1) + values[~t].var(ddof=1)) / 2))


def _scaled(features: pl.DataFrame, is_treated: BoolArray) -> FloatArray:
    families = [name.split(":")[0] for name in features.columns]
    if unknown := sorted(set(families) - set(FAMILIES)):
        raise ValueError(f"match: feature family {unknown[0]!r} is none of {', '.join(FAMILIES)}")
    x = features.to_numpy().astype(np.float64)
    if not np.isfinite(x).all():
        row, column = np.argwhere(~np.isfinite(x))[0]
        raise ValueError(
            f"match: {features.columns[column]} of place {row} is missing; leave the place out or complete it"
        )
    for k, family in enumerate(families):
        spread = _spread(x[:, k], is_treated)
        weight = FAMILIES[family] / families.count(family)
        x[:, k] = (x[:, k] - x[:, k].mean()) / spread * np.sqrt(weight) if spread > 0 else 0.0
    return x
