"""The scripted events of DOMAIN §8.3 that touch records: an audit, a batch re-geocode, a recording rule.

Belongs here: which records they touch, each from a stream of its own. Does not belong here: those that touch files
only (`delivery`), the offence lookup (`delivery.reference`).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.crime.clock import time_column
from hotspot_pipeline.simulator.crime.hazards import change_frame
from hotspot_pipeline.simulator.crime.reclass import GROUPS, code_in
from hotspot_pipeline.simulator.crime.recodes import true_place
from hotspot_pipeline.simulator.force.county import County

AUDIT_RECORDS = 180  # at volume 1
AUDIT_MONTHS_BEFORE = (2, 12)
REGEOCODED_SHARE = 0.06
_IMPROVABLE = ("street", "junction", "postcode", "area_centroid", "default")
CONDUCT_CRIMES = ("195/94", "195/41", "195/12", "008/30", "008/65")
NOT_RECORDED = {"stalking_harassment": 0.35, "public_order": 0.08}


def audit_adds(
    rng: np.random.Generator,
    crimes: pl.DataFrame,
    day: np.datetime64,
    n: int,
    keep: pl.Series,
) -> pl.DataFrame:
    """`crimes` with some records of past months recorded only on `day` (datetime64[D]); never those of `keep`.

    Returns the whole frame. The crime number stays: it was given when the report came in.
    """
    recorded = crimes["recorded_ts_local"].to_numpy()
    latest, earliest = (np.timedelta64(30 * m, "D") for m in AUDIT_MONTHS_BEFORE)
    # half of what there is, in a history too short for months
    latest = np.minimum(latest, (day - recorded.min()) // 2)
    is_old = (recorded < day - latest) & (recorded >= day - earliest)
    is_free = ~crimes["crime_number"].is_in(keep.implode()).to_numpy()
    order = rng.permutation(len(crimes))
    chosen = order[(is_old & is_free)[order]][:n]
    at = day.astype("datetime64[s]") + rng.integers(9 * 3600, 16 * 3600, len(crimes)).astype(
        "timedelta64[s]"
    )
    is_chosen = np.zeros(len(crimes), dtype=bool)
    is_chosen[chosen] = True
    return crimes.with_columns(recorded_ts_local=time_column(np.where(is_chosen, at, recorded)))


def batch_regeocode(
    rng: np.random.Generator,
    crimes: pl.DataFrame,
    geo: pl.DataFrame,
    county: County,
    at: np.datetime64,
) -> tuple[pl.DataFrame, str]:
    """(family `geo` with the batch, name of the town): 6 % of one town's history moves to its true place at once.

    The second town where there is one: the largest would move more than the guard of a nightly run lets through.
    """
    town = min(1, len(county.towns) - 1)
    name = county.towns[town].name
    recorded = crimes["recorded_ts_local"].to_numpy()
    in_town = (county.town[crimes["cell"].to_numpy()] == town) & (recorded < at)
    is_open = in_town & crimes["geocode_quality"].is_in(list(_IMPROVABLE)).to_numpy()
    # A place that was found by then is not found again.
    done = geo.filter(pl.col("changed_ts_local") <= pl.lit(at.astype("datetime64[us]").item()))
    is_open[done["idx"].to_numpy()] = False
    order = rng.permutation(len(crimes))
    chosen = np.sort(order[is_open[order]][: round(REGEOCODED_SHARE * in_town.sum())])
    when = np.full(len(crimes), at.astype("datetime64[s]"))
    batch = change_frame(
        chosen,
        when,
        "batch_regeocoded",
        f"gazetteer of {name} corrected",
        **true_place(crimes[chosen.tolist()]),
    )
    # What would have been found later is known now.
    rest = geo.filter(~pl.col("idx").is_in(batch["idx"].implode()))
    return pl.concat([rest, batch.select(rest.columns)], how="vertical_relaxed"), name


def not_recorded(rng: np.random.Generator, crimes: pl.DataFrame, day: np.datetime64) -> np.ndarray:
    """(n_crimes,) true for records that the rule of `day` keeps out of the books."""
    recorded = crimes["recorded_ts_local"].to_numpy()
    share = np.select(
        [code_in(crimes, CONDUCT_CRIMES), code_in(crimes, GROUPS["PUBLIC_ORDER"])],
        list(NOT_RECORDED.values()),
        0.0,
    )
    return np.asarray((rng.uniform(size=len(crimes)) < share) & (recorded >= day))


def merged_elsewhere(changes: pl.DataFrame, gone: pl.Series) -> pl.DataFrame:
    """Family `status` without merges into crimes (numbers) that are not in the books."""
    return changes.filter(~pl.col("merged_into").is_in(gone.implode()).fill_null(False))
