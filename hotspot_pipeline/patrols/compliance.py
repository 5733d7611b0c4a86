"""Shares of planned visits that were made, of planned minutes that were delivered, and how far a trial kept to its lot.

Here: counting answers. Not here: the answers (`slots`), the interval (`proportions`).

Compliance is yes / (yes + no). Unknown items stand apart, and the bounds that they leave stand beside it: yes / N, as if none of
them had been made, and (yes + unknown) / N, as if all had. The band is what the rate of fixes leaves open. Items issued after their
window began are counted and not judged.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from hotspot_pipeline.patrols.proportions import design_effect, wilson
from hotspot_pipeline.patrols.rules import MINUTE
from hotspot_pipeline.patrols.slots import NO, UNKNOWN, YES

_YES, _NO, _UNKNOWN = (pl.col("answer") == a for a in (YES, NO, UNKNOWN))
_OPEN = pl.col("is_indeterminate")
_ALL = "everything"


def compliance(slots: pl.DataFrame, by: Sequence[str], place: str = "hotspot_id") -> pl.DataFrame:
    """One row a group of `by` (one row in all without), sorted. `slots` as `slots.judge` gives them.

    n_asked, n_issued_late (the others are judged), n_yes, n_no, n_unknown, n_indeterminate, n_delivered; compliance with its Wilson interval
    (compliance_low, compliance_high; widened by `deff` for items of one `place`); at_least and at_most, the bounds that unknown items leave;
    band_low and band_high, the shares that the rate of fixes leaves open; delivery (share of items with any patrol); planned_ms, delivered_ms; dose_compliance = Σ min(delivered, planned) / Σ planned, so that too much here does not make up for too little there.
    A share of nothing is null.
    """
    keys = list(by) or [_ALL]
    judged = slots.with_columns(
        is_judged=~pl.col("is_issued_late"),
        planned_ms=pl.col("min_minutes").cast(pl.Int64) * MINUTE,
        **({} if by else {_ALL: pl.lit(0)}),
    )
    in_time = pl.col("is_judged")
    counted = judged.group_by(keys).agg(
        n_asked=pl.len().cast(pl.Int64),
        n_issued_late=_count(~in_time),
        n_yes=_count(in_time & _YES),
        n_no=_count(in_time & _NO),
        n_unknown=_count(in_time & _UNKNOWN),
        n_indeterminate=_count(in_time & _OPEN),
        n_open_yes=_count(in_time & _OPEN & _YES),
        n_open_no=_count(in_time & _OPEN & _NO),
        n_delivered=_count(in_time & (pl.col("delivered_ms") > 0)),
        planned_ms=pl.col("planned_ms").filter(in_time).sum(),
        delivered_ms=pl.col("delivered_ms").filter(in_time).sum(),
        kept_ms=pl.min_horizontal("delivered_ms", "planned_ms").filter(in_time).sum(),
    )
    found = counted.join(_design_effects(judged, keys, place), on=keys).sort(keys)
    known = (found["n_yes"] + found["n_no"]).to_numpy()
    low, high = wilson(found["n_yes"].to_numpy(), known, deff=found["deff"].to_numpy())
    n_known = pl.col("n_yes") + pl.col("n_no")
    n_judged = pl.col("n_asked") - pl.col("n_issued_late")
    return found.with_columns(
        compliance=_share(pl.col("n_yes"), n_known),
        compliance_low=pl.Series(low).fill_nan(None),
        compliance_high=pl.Series(high).fill_nan(None),
        at_least=_share(pl.col("n_yes"), n_judged),
        at_most=_share(pl.col("n_yes") + pl.col("n_unknown"), n_judged),
        band_low=_share(pl.col("n_yes") - pl.col("n_open_yes"), n_known),
        band_high=_share(pl.col("n_yes") + pl.col("n_open_no"), n_known),
        delivery=_share(pl.col("n_delivered"), n_judged),
        dose_compliance=_share(pl.col("kept_ms"), pl.col("planned_ms")),
    ).drop("n_open_yes", "n_open_no", "kept_ms", *([] if by else [_ALL]))


def fidelity(days: pl.DataFrame, *, contaminated_over_ms: int = 5 * MINUTE) -> pl.DataFrame:
    """How far a trial kept to its lot: one row with n_treat_days, n_treat_patrolled, treat_patrolled, n_control_days, n_contaminated,
    contaminated, each share with its Wilson interval widened for days of one place.

    `days`: hotspot_id, police_day, arm (treat or control), n_effective (patrol visits of 10 minutes or more), presence_ms (officers of any kind, calls
    left out); only days decided by lot. A control day with more than `contaminated_over_ms` is contaminated (DOMAIN §4.7).
    """
    found: dict[str, float | int | None] = {}
    tests = {
        "treat": ("treat_days", "patrolled", pl.col("n_effective") > 0),
        "control": ("control_days", "contaminated", pl.col("presence_ms") > contaminated_over_ms),
    }
    for arm, (n_name, name, test) in tests.items():
        mine = days.filter(pl.col("arm") == arm)
        places = mine.group_by("hotspot_id").agg(n=pl.len(), yes=_count(test)).sort("hotspot_id")
        yes, n = int(places["yes"].sum()), mine.height
        deff = design_effect(places["yes"].to_numpy(), places["n"].to_numpy())
        low, high = wilson(yes, n, deff=deff)
        shares = (yes / n, float(low), float(high)) if n else (None, None, None)
        found |= {f"n_{n_name}": n, f"n_{name}": yes}
        found |= dict(zip((name, f"{name}_low", f"{name}_high"), shares, strict=True))
    return pl.DataFrame([found], schema_overrides={k: pl.Float64 for k in found if k[:2] != "n_"})


def _design_effects(judged: pl.DataFrame, keys: Sequence[str], place: str) -> pl.DataFrame:
    """deff by group, of judged answers that are known."""
    answered = judged.filter(pl.col("is_judged") & (_YES | _NO))
    places = answered.group_by({*keys, place}).agg(n=pl.len(), yes=_count(_YES))
    groups = judged.select(keys).unique()
    found = [
        {
            **group,
            "deff": design_effect(mine["yes"].to_numpy(), mine["n"].to_numpy()),
        }
        for group in groups.iter_rows(named=True)
        for mine in [
            places.join(
                pl.DataFrame([group], schema=groups.schema), on=keys, nulls_equal=True, how="semi"
            )
        ]
    ]
    return pl.DataFrame(found, schema={**groups.schema, "deff": pl.Float64})


def _count(condition: pl.Expr) -> pl.Expr:
    return condition.sum().cast(pl.Int64)


def _share(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    return pl.when(whole > 0).then(part / whole)
