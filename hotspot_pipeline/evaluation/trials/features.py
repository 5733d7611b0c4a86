"""What places were like before the first patrol: the covariates of matching and of the balance table.

Pure. Here: the columns "family:name" that `matching` takes, from counts before patrols began and from venues. Not here: the matching.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl
import shapely

from hotspot_pipeline.evaluation.estimate import BoolArray, FloatArray
from hotspot_pipeline.evaluation.guards import MAX_SMD, standardised_difference
from hotspot_pipeline.evaluation.matching import Matched

LONGEST = timedelta(days=730)
NEAR_VENUE_M = 100.0
_WEEKEND = (4, 5)  # police days that begin on Friday and Saturday


def window(first_day: date, after_from: date) -> tuple[date, date]:
    """The days that features rest on: up to 24 months before the first patrol, as far as there are counts."""
    last = after_from - timedelta(days=1)
    return max(first_day, after_from - LONGEST), last


def features(
    daily: pl.DataFrame, groups: Sequence[str], n_places: int, first: date, last: date,
    outlines: Sequence[shapely.Geometry], venues: pl.DataFrame,
) -> pl.DataFrame:  # fmt: skip
    """One row a place. `daily`: place, police_day, cat_group, n, n_by_day, n_by_night of the places themselves.

    level: root of the events; trend: root of the second half less root of the first; mix: share of each group but the largest;
    hours: shares by night and on Friday and Saturday, and by night on these; venues: root of those within 100 m, where the force
    delivers venues. A place without events has the mean shares of the others: it says nothing of them.
    """
    mine = daily.filter(pl.col("police_day").is_between(first, last) & pl.col("cat_group").is_in(list(groups)))  # fmt: skip
    half = first + (last - first) / 2
    n = _sums(mine, "n", n_places)
    early = _sums(mine.filter(pl.col("police_day") <= half), "n", n_places)
    found = {"level:events": np.sqrt(n), "trend:halves": np.sqrt(n - early) - np.sqrt(early)}
    by_group = {g: _sums(mine.filter(pl.col("cat_group") == g), "n", n_places) for g in groups}
    largest = max(groups, key=lambda g: (by_group[g].sum(), g))
    found |= {f"mix:{g}": _share(by_group[g], n) for g in groups if g != largest and by_group[g].any()}  # fmt: skip
    is_weekend = (pl.col("police_day").dt.weekday() - 1).is_in(_WEEKEND)
    known = _sums(mine, "n_by_day", n_places) + _sums(mine, "n_by_night", n_places)
    weekend = mine.filter(is_weekend)
    found["hours:night"] = _share(_sums(mine, "n_by_night", n_places), known)
    found["hours:weekend"] = _share(_sums(weekend, "n", n_places), n)
    found["hours:weekend night"] = _share(_sums(weekend, "n_by_night", n_places), known)
    if len(venues):
        points = shapely.points(venues["easting"].to_numpy(), venues["northing"].to_numpy())
        tree = shapely.STRtree(points)
        near = [len(tree.query(o, predicate="dwithin", distance=NEAR_VENUE_M)) for o in outlines]
        found["venues:near"] = np.sqrt(np.array(near, dtype=np.float64))
    return pl.DataFrame(found)


def balance_rows(
    design_id: str, table: pl.DataFrame, is_treated: BoolArray, matched: Matched | None
) -> pl.DataFrame:
    """The rows of `evaluation.balance`: of the places of the trial, with what the candidates were like where controls were matched.

    `table` and `is_treated` hold all candidates; without matching they are the places themselves.
    """
    chosen = np.ones(len(is_treated), bool)
    if matched is not None:
        chosen = np.zeros(len(is_treated), bool)
        chosen[matched.pairs["treated"].to_numpy()] = True
        chosen[matched.pairs["control"].to_numpy()] = True
    rows = []
    for name in table.columns:
        values = table[name].to_numpy().astype(np.float64)
        treated, control = values[chosen & is_treated], values[chosen & ~is_treated]
        of_all = smd = standardised_difference(values, is_treated)
        if matched is not None:
            smd = float(matched.balance.filter(pl.col("feature") == name)["smd_after"][0])
        rows.append(
            (design_id, name, round(float(treated.mean()), 9), round(float(control.mean()), 9), _finite(smd),
             _finite(of_all) if matched is not None else None, bool(abs(smd) < MAX_SMD))
        )  # fmt: skip
    return pl.DataFrame(rows, schema=BALANCE, orient="row")


BALANCE = {"design_id": pl.String, "covariate": pl.String, "mean_treated": pl.Float64, "mean_control": pl.Float64,
           "smd": pl.Float64, "smd_of_candidates": pl.Float64, "is_balanced": pl.Boolean}  # fmt: skip


def _sums(rows: pl.DataFrame, column: str, n_places: int) -> FloatArray:
    values = rows[column].to_numpy().astype(np.float64)
    return np.asarray(np.bincount(rows["place"].to_numpy(), values, minlength=n_places), dtype=np.float64)  # fmt: skip


def _share(part: FloatArray, whole: FloatArray) -> FloatArray:
    known = whole > 0
    found = np.zeros(len(part))
    found[known] = part[known] / whole[known]
    if known.any():
        found[~known] = found[known].mean()
    return found


def _finite(value: float) -> float | None:
    return round(value, 9) if np.isfinite(value) else None
