"""Visits: who was in which zone from when to when, how, for how long, and how surely.

Here: from stays of devices to visits of parties. Not here: stays (`dwell`), dose by day (`dose`), the plan they are held against.

Together the devices of a party say more than each: it came between the last fix of any of them outside and the first inside, and left
likewise. So `patrol_ms` begins and ends in the middle of those two (`patrol_from_ms`, `patrol_to_ms` of a stay); the union of each device's
own middles would be too long by a third of their interval. Bounds are taken together in the same way.

A **party** is a crew; an officer on no crew; or a car without an officer, which is seen but is nobody on patrol. A **visit** is what
a party's stays in one zone make where they lie no more than `merge_gap_ms` apart and the party was not at base in between. So an officer
with two devices counts once, and a double-crewed quarter of an hour is 15 minutes of patrol and 30 of officers.

Lengths of a visit, all in ms: `patrol_ms` (union of the stays as above, the headline), `officer_ms` (sum over officers of each one's union),
`interpolated_ms`, `first_to_last_ms`, and between which bounds the truth lies: `lower_ms`, `upper_ms`. `uncertainty_ms` is what the ping
rate alone leaves open: entry and exit fall anywhere between two fixes, so each has the variance of a uniform law, pause² / 12.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from hotspot_pipeline.patrols.duty_spans import duty_spans
from hotspot_pipeline.patrols.dwell import Dwell
from hotspot_pipeline.patrols.intervals import joined, runs, total, within
from hotspot_pipeline.patrols.party_stays import PARTY, clipped, taken_together, with_bounds
from hotspot_pipeline.patrols.rules import VisitRules
from hotspot_pipeline.patrols.visit_kinds import with_kinds

_ON_DUTY = {
    "officer": pl.String, "crew": pl.String, "deployment": pl.String, "mode_planned": pl.String, "device_type": pl.String,
}  # fmt: skip
_LENGTHS = [
    "patrol_ms",
    "officer_ms",
    "interpolated_ms",
    "first_to_last_ms",
    "lower_ms",
    "upper_ms",
]


@dataclass(frozen=True)
class Visits:
    """- `visits`: one row each, by zone, start and party: visit (its number), zone, party, is_crewed (False: a car without an
      officer), crew, start_ms, end_ms, the lengths above, n_officers, n_devices, n_stays, n_fixes, deployment, mode, visit_class,
      is_funded, is_reactive, is_dose (an officer's, not reactive, not in a parked car);
    - `presence`: the stays they are made of: visit, zone, party, device, duty, officer, start_ms, end_ms (each device's own),
      patrol_from_ms, patrol_to_ms (taken together);
    - `passes`: party, zone, device, start_ms, end_ms of interpolated ways through a zone that belong to no visit.
    """

    visits: pl.DataFrame
    presence: pl.DataFrame
    passes: pl.DataFrame


def make_visits(found: Dwell, duties: pl.DataFrame, rules: VisitRules | None = None) -> Visits:
    """`duties`: see `duty_spans`; officer, crew, deployment, mode_planned, device_type as far as known. Time outside every duty is
    left out."""
    rules = rules or VisitRules()
    spans = _parties(duties)
    stays = clipped(within(with_bounds(found), spans, "device"))
    at_base = joined(
        within(found.at_base, spans, "device").select("party", "start_ms", "end_ms"), ["party"]
    )
    presence = _numbered(taken_together(stays), at_base, rules)
    crossings = within(found.crossings, spans, "device").select(
        *PARTY, "device", "start_ms", "end_ms"
    )
    visits = _visits(presence)
    of_visit, passes = _assigned(crossings, visits)
    patrol = _spans_of(presence, "patrol_from_ms", "patrol_to_ms")
    # bounds have to hold the estimate as well, whose exit buffer may reach further out than the noise
    upper = pl.concat([_spans_of(presence, "before_ms", "after_ms"), patrol])
    sure = _spans_of(presence, "first_sure_ms", "last_sure_ms")
    inside = _spans_of(presence, "first_inside_ms", "last_inside_ms")
    officers = presence.filter(pl.col("officer").is_not_null())
    for measured in (
        total(patrol, ["visit"], "patrol_ms"),
        total(officers, ["visit", "officer"], "officer_ms").group_by("visit").agg(pl.col("officer_ms").sum()),
        total(of_visit, ["visit"], "interpolated_ms"),
        total(inside, ["visit"], "first_to_last_ms"),
        total(sure, ["visit"], "lower_ms"),
        total(upper, ["visit"], "upper_ms"),
    ):  # fmt: skip
        visits = visits.join(measured, on="visit", how="left", maintain_order="left")
    visits = with_kinds(visits.with_columns(pl.col(_LENGTHS).fill_null(0)), rules)
    kept = (
        "visit",
        "zone",
        "party",
        "device",
        "duty",
        "officer",
        "start_ms",
        "end_ms",
        "patrol_from_ms",
        "patrol_to_ms",
    )
    return Visits(visits, presence.select(kept), passes)


def _parties(duties: pl.DataFrame) -> pl.DataFrame:
    """Spans of devices with the party of each and what the duty says."""
    lacking = [pl.lit(None, t).alias(n) for n, t in _ON_DUTY.items() if n not in duties.columns]
    told = duties.with_columns(lacking).select(pl.col(n).cast(t) for n, t in _ON_DUTY.items())
    spans = duty_spans(duties)
    is_crewed = pl.col("officer").is_not_null()
    return pl.concat([spans, told[spans.get_column("duty")]], how="horizontal").with_columns(
        is_crewed=is_crewed,
        party=pl.when(is_crewed & pl.col("crew").is_not_null())
        .then(pl.format("crew {}", "crew"))
        .when(is_crewed)
        .then(pl.format("officer {}", "officer"))
        .otherwise(pl.format("device {}", "device")),
    )


def _spans_of(presence: pl.DataFrame, start: str, end: str) -> pl.DataFrame:
    """visit, start_ms, end_ms of those stays that have both moments in order."""
    return presence.filter(pl.col(end) >= pl.col(start)).select("visit", start_ms=start, end_ms=end)


def _numbered(stays: pl.DataFrame, at_base: pl.DataFrame, rules: VisitRules) -> pl.DataFrame:
    """Stays with the number of the visit they belong to; numbers follow zone, start and party."""
    ordered = runs(stays, PARTY, rules.merge_gap_ms).with_row_index("at")
    base = at_base.sort("start_ms").select("party", base_from_ms="start_ms", base_to_ms="end_ms")
    last_base = (
        ordered.select("at", "party", "start_ms")
        .sort("start_ms")
        .join_asof(
            base, left_on="start_ms", right_on="base_from_ms", by="party", allow_exact_matches=False, check_sortedness=False
        )
        .sort("at")
        .get_column("base_to_ms")
    )  # fmt: skip
    is_new = (pl.col("run") != pl.col("run").shift(1)).fill_null(True)
    was_at_base = (pl.col("base_to_ms") > pl.col("reached_ms")).fill_null(False)
    visit = (is_new | was_at_base).cum_sum()
    numbered = ordered.with_columns(last_base.alias("base_to_ms")).with_columns(key=visit)
    firsts = numbered.group_by("key", *PARTY).agg(pl.col("start_ms").min())
    number = firsts.sort("zone", "start_ms", "party").with_row_index("visit").select("key", "visit")
    return numbered.join(number, on="key").drop("key", "at", "run", "reached_ms", "base_to_ms").sort(
        "visit", "start_ms", "device", "duty"
    )  # fmt: skip


def _visits(presence: pl.DataFrame) -> pl.DataFrame:
    entry = pl.col("entry_pause_ms").sort_by("start_ms").first()
    leaving = pl.col("exit_pause_ms").sort_by("end_ms").last()
    counts = ("n_fixes", "n_speeds", "n_still", "n_foot", "n_brisk", "n_cycle")
    return presence.group_by("visit").agg(
        pl.col("zone").first(),
        pl.col("party").first(),
        pl.col("is_crewed").first(),
        pl.col("crew").first(),
        pl.col("start_ms").min(),
        pl.col("end_ms").max(),
        n_officers=pl.col("officer").drop_nulls().n_unique(),
        n_devices=pl.col("device").n_unique(),
        n_stays=pl.len(),
        deployment=pl.col("deployment").drop_nulls().min(),
        mode_planned=pl.col("mode_planned").drop_nulls().min(),
        is_vehicle=(pl.col("device_type") == "vehicle").all().fill_null(False) | ~pl.col("is_crewed").all(),
        first_scene_ms=pl.col("first_scene_ms").min(),
        last_scene_ms=pl.col("last_scene_ms").max(),
        uncertainty_ms=(((entry.fill_null(0) ** 2 + leaving.fill_null(0) ** 2) / 12).sqrt().round()).cast(pl.Int64),
        **{name: pl.col(name).sum() for name in counts},
    ).sort("visit")  # fmt: skip


def _assigned(crossings: pl.DataFrame, visits: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(crossings with the first visit that they overlap, crossings with none)."""
    rows = crossings.with_row_index("row")
    found = _touching(rows, visits).group_by("row").agg(pl.col("visit").min())
    both = rows.join(found, on="row", how="left", maintain_order="left").drop("row")
    passes = both.filter(pl.col("visit").is_null()).drop("visit").sort(*PARTY, "start_ms", "device")
    return both.filter(pl.col("visit").is_not_null()), passes


def _touching(intervals: pl.DataFrame, visits: pl.DataFrame) -> pl.DataFrame:
    """Each interval with the visit of the same party and zone that it overlaps, once for each such visit."""
    spans = visits.select("visit", *PARTY, since="start_ms", until="end_ms")
    return (
        intervals.join(spans, on=PARTY)
        .filter(pl.col("start_ms") <= pl.col("until"), pl.col("since") <= pl.col("end_ms"))
        .drop(*PARTY, "since", "until", "device", strict=False)
    )
