"""What treated places are compared with: controls that are named, or matched, and how alike they were before.

Here: candidates, the match, the balance table. Not here: the features (`features`), the matching itself (`evaluation.matching`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from hotspot_pipeline.evaluation.estimate import Guard
from hotspot_pipeline.evaluation.matching import match
from hotspot_pipeline.evaluation.trials import reading
from hotspot_pipeline.evaluation.trials.answers import balance_guard
from hotspot_pipeline.evaluation.trials.features import balance_rows, features, window
from hotspot_pipeline.evaluation.trials.findings import Findings, Force
from hotspot_pipeline.evaluation.trials.places import Places, candidates, core_cells
from hotspot_pipeline.geo.outlines import polygons_bng

LEAST_DISTANCE_M = 300.0  # of matched controls from treated places, where no ring asks for more


def compared(force: Force, found: Findings, centres: pl.DataFrame) -> tuple[Places, Guard | None]:
    """The places with their controls, matched where the file asks for it, and the guard of their balance where no lot decided."""
    trial, places = found.trial, found.places
    if trial.arm_scheme == "none":
        return places, None
    registered, groups = trial.registered, trial.registered.outcome_groups
    assert force.first_day is not None
    first, last = window(force.first_day, registered.after_from)
    venues = reading.venues(force.session)
    pool, matched = places, None
    if trial.arm_scheme == "matched":
        pool = _with_candidates(force, places, registered.rings_m, centres, first, last, groups)
    daily, _ = reading.counts(force.session, pool.cells, force.resolution, first, last)
    table = features(daily, groups, len(pool.names), first, last, pool.outlines, venues)
    if trial.arm_scheme == "matched":
        matched = match(table, pool.is_treated)
        chosen = np.concatenate([matched.pairs["treated"], matched.pairs["control"]])
        places = Places(
            tuple(pool.names[k] for k in chosen), tuple(pool.outlines[k] for k in chosen), pool.is_treated[chosen],
            _renumbered(pool.cells, chosen), pool.starts,
        )  # fmt: skip
    found.balance = balance_rows(trial.design_id, table, pool.is_treated, matched)
    if trial.is_by_lot:
        return places, None
    smd = found.balance["smd"].fill_null(np.inf).to_numpy()
    return places, matched.guard if matched else balance_guard(
        smd, found.balance["covariate"].to_list()
    )


def _with_candidates(
    force: Force, places: Places, rings_m: Sequence[int], centres: pl.DataFrame, first: date, last: date, groups: Sequence[str]
) -> Places:  # fmt: skip
    """The treated places with every cell that could be a control: far enough away, and with a quarter of the events of the least busy one."""
    daily, _ = reading.counts(force.session, places.cells, force.resolution, first, last)
    mine = daily.filter(pl.col("cat_group").is_in(list(groups)))
    n = np.bincount(mine["place"].to_numpy(), mine["n"].to_numpy(), minlength=len(places.names))
    least = max(1, int(n.min()) // 4)
    busy = reading.busy_cells(force.session, force.resolution, first, last, groups, least)
    cells = candidates(places, centres, busy, float(max([LEAST_DISTANCE_M, *rings_m])))
    if len(cells) < len(places.names):
        raise ValueError(f"{len(cells)} cells with {least} events or more lie {LEAST_DISTANCE_M:.0f} m from every patrolled place: too few to match {len(places.names)} controls")  # fmt: skip
    names = tuple(str(t) for t in force.grid.to_text(np.array(cells)))
    shapes = tuple(polygons_bng(force.grid, cells))
    known = {name: [cell] for name, cell in zip(names, cells, strict=True)}
    more = core_cells(names, shapes, known, centres).with_columns(place=pl.col("place") + len(places.names))  # fmt: skip
    return Places(
        (*places.names, *names), (*places.outlines, *shapes), np.append(places.is_treated, np.zeros(len(names), bool)),
        pl.concat([places.cells, more]), places.starts,
    )  # fmt: skip


def _renumbered(cells: pl.DataFrame, chosen: np.ndarray) -> pl.DataFrame:
    number = {int(old): new for new, old in enumerate(chosen)}
    kept = cells.filter(pl.col("place").is_in(list(number)))
    return kept.with_columns(place=pl.col("place").replace_strict(number, return_dtype=pl.Int64)).sort("place", "cell")  # fmt: skip
