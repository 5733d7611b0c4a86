"""The ASB incident log of the demo force (DOMAIN §1.3).

Belongs here: incidents with their true times and places, duplicates, links to crimes, log numbers.
Does not belong here: the feed's text of one night (`extracts`), errors on purpose (`dirt`).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.crime import clock
from hotspot_pipeline.simulator.crime.events import Moments
from hotspot_pipeline.simulator.crime.locations import (
    coordinate_column,
    geocode,
    true_places,
)
from hotspot_pipeline.simulator.force.county import County
from hotspot_pipeline.simulator.force.premises import Premises

DUPLICATE_SHARE, LINKED_SHARE = 0.04, 0.03
CRIME_CALL_SHARE = 0.65  # crimes that began as a call and so have a log number
_TYPES = {
    # asb_type: share, qualifier
    "rowdy_inconsiderate": (0.42, "nuisance"),
    "rowdy_nuisance_neighbours": (0.14, "personal"),
    "vehicle_nuisance": (0.12, "nuisance"),
    "noise": (0.08, "nuisance"),
    "street_drinking": (0.05, "nuisance"),
    "begging_vagrancy": (0.04, "nuisance"),
    "nuisance_communications": (0.04, "personal"),
    "littering_drugs_paraphernalia": (0.03, "environmental"),
    "trespass": (0.02, "nuisance"),
    "vehicle_abandoned": (0.02, "environmental"),
    "fireworks": (0.02, "nuisance"),
    "animal_problems": (0.01, "environmental"),
    "prostitution_related": (0.01, "nuisance"),
}
_GRADES = {
    "emergency": 0.14,
    "priority": 0.42,
    "scheduled": 0.26,
    "resolved_without_deployment": 0.18,
}
_PARTNERS = {"police": 0.88, "council": 0.07, "housing": 0.04, "btp": 0.01}


def potential_asb(
    rng: np.random.Generator, county: County, premises: Premises, moments: Moments
) -> pl.DataFrame:
    """One row an incident in no order, with its true address and the location that is put on record."""
    true_e, true_n = true_places(rng, county, moments.cell)
    easting, northing, quality = geocode(
        rng, true_e, true_n, premises.default_geocodes, county.streets
    )
    at = clock.time_column(moments.at)
    n = len(moments)
    return pl.DataFrame(
        {
            "event_id": moments.event_id,
            "kind": pl.repeat("asb", n, eager=True),
            "group": pl.repeat("asb", n, eager=True),
            "at_local": at,
            "recorded_ts_local": at,
            "cell": moments.cell,
            "true_easting": true_e,
            "true_northing": true_n,
            "easting": coordinate_column(easting),
            "northing": coordinate_column(northing),
            "geocode_quality": quality,
            "is_deterrable": np.full(n, True),
        }
    )


def register_asb(
    rng: np.random.Generator,
    county: County,
    premises: Premises,
    incidents: pl.DataFrame,
    crimes: pl.DataFrame,
) -> pl.DataFrame:
    """The incident log in order of opening, without log numbers (`number_logs` adds them).

    `incidents` are those that happened; some of `crimes` began as one, and some are called in twice.
    """
    own = incidents.select(
        "event_id",
        "true_easting",
        "true_northing",
        "easting",
        "northing",
        "geocode_quality",
        opened_ts_local="at_local",
        linked_crime_number=pl.lit(None, pl.String),
    )
    both = pl.concat(
        [own, _became_crimes(rng, county, premises, crimes, len(own))], how="diagonal_relaxed"
    )
    both = both.with_columns(event=pl.int_range(pl.len()))
    calls = pl.concat([both, _repeat_calls(rng, county, premises, both)], how="diagonal_relaxed")
    return _described(rng, calls.sort("opened_ts_local", "event", maintain_order=True))


def number_logs(
    rng: np.random.Generator, asb: pl.DataFrame, crimes: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Both frames with `incident_ref`: call number of the day and date, as NNNN-DDMMYYYY.

    An incident that became a crime and that crime share one log; a repeat call names the first
    call.
    """
    has_call = rng.uniform(size=len(crimes)) < CRIME_CALL_SHARE
    linked = asb["linked_crime_number"].drop_nulls().implode()
    calls = crimes.filter(pl.Series(has_call) & ~pl.col("crime_number").is_in(linked))
    both = pl.concat(
        [
            asb.select(at="opened_ts_local", row="idx", is_crime=pl.lit(False)),
            calls.select(at="reported_ts_local", row="idx", is_crime=pl.lit(True)),
        ]
    ).sort("at", "is_crime", "row")
    gap = pl.Series(rng.integers(0, 6, len(both)))
    both = both.with_columns(
        number=pl.int_range(pl.len()).over(pl.col("at").dt.date()) * 6 + gap + 1
    ).select(
        "row",
        "is_crime",
        incident_ref=pl.format(
            "{}-{}",
            pl.col("number").cast(pl.String).str.zfill(4),
            pl.col("at").dt.strftime("%d%m%Y"),
        ),
    )
    own = both.filter(~pl.col("is_crime")).select(idx="row", incident_ref="incident_ref")
    asb = asb.join(own, on="idx", how="left", maintain_order="left")
    first = asb.filter(pl.col("is_first")).select("event", duplicate_of="incident_ref")
    asb = asb.join(first, on="event", how="left", maintain_order="left").with_columns(
        duplicate_of=pl.when(~pl.col("is_first")).then(pl.col("duplicate_of"))
    )
    shared = asb.filter(pl.col("linked_crime_number").is_not_null() & pl.col("is_first")).select(
        crime_number="linked_crime_number", shared_ref="incident_ref"
    )
    called = both.filter(pl.col("is_crime")).select(idx="row", incident_ref="incident_ref")
    crimes = (
        crimes.join(called, on="idx", how="left", maintain_order="left")
        .join(shared, on="crime_number", how="left", maintain_order="left")
        .with_columns(incident_ref=pl.coalesce("shared_ref", "incident_ref"))
        .drop("shared_ref")
    )
    return asb, crimes


def _became_crimes(
    rng: np.random.Generator, county: County, premises: Premises, crimes: pl.DataFrame, n_own: int
) -> pl.DataFrame:
    """Incidents that were closed as a crime: same place, opened when that crime was reported."""
    candidates = crimes.filter(pl.col("kind").is_in(["public_order", "damage"]))
    n = min(round(LINKED_SHARE * n_own), len(candidates))
    chosen = candidates[np.sort(rng.choice(len(candidates), n, replace=False))]
    rows = chosen.select(
        event_id="event_id",
        opened_ts_local="reported_ts_local",
        true_easting="true_easting",
        true_northing="true_northing",
        linked_crime_number="crime_number",
    )
    return _located(rng, county, premises, rows)


def _repeat_calls(
    rng: np.random.Generator, county: County, premises: Premises, incidents: pl.DataFrame
) -> pl.DataFrame:
    """Further calls about the same event within half an hour and some 60 m."""
    n = round(DUPLICATE_SHARE * len(incidents))
    again = incidents[np.sort(rng.choice(len(incidents), n, replace=False))]
    later = rng.integers(60, 1800, n).astype("timedelta64[s]")
    shift = np.clip(np.round(rng.normal(0, 60, size=(n, 2))), -80, 80).astype(np.int64)
    rows = again.with_columns(
        opened_ts_local=clock.time_column(
            clock.skip_missing_hour(again["opened_ts_local"].to_numpy() + later)
        ),
        true_easting=pl.Series(again["true_easting"].to_numpy() + shift[:, 0]),
        true_northing=pl.Series(again["true_northing"].to_numpy() + shift[:, 1]),
        linked_crime_number=pl.lit(None, pl.String),
    )
    return _located(rng, county, premises, rows)


def _located(
    rng: np.random.Generator, county: County, premises: Premises, rows: pl.DataFrame
) -> pl.DataFrame:
    easting, northing, quality = geocode(
        rng,
        rows["true_easting"].to_numpy(),
        rows["true_northing"].to_numpy(),
        premises.default_geocodes,
        county.streets,
    )
    return rows.with_columns(
        easting=coordinate_column(easting),
        northing=coordinate_column(northing),
        geocode_quality=quality,
    )


def _described(rng: np.random.Generator, calls: pl.DataFrame) -> pl.DataFrame:
    n = len(calls)
    opened = calls["opened_ts_local"].to_numpy()
    share = np.array([share for share, _ in _TYPES.values()])
    which = rng.choice(len(_TYPES), n, p=share / share.sum())
    kind = np.array(list(_TYPES))[which]
    qualifier = np.array([q for _, q in _TYPES.values()])[which]
    grade = rng.choice(list(_GRADES), n, p=list(_GRADES.values()))
    arrival_s = (
        np.where(grade == "emergency", rng.exponential(600, n), rng.exponential(5400, n)) + 120
    )
    arrival = opened + arrival_s.astype(np.int64).astype("timedelta64[s]")
    is_attended = (grade != "resolved_without_deployment") & (rng.uniform(size=n) < 0.8)
    open_s = 900 + rng.lognormal(np.log(3 * 3600), 1.3, n)
    closed = np.where(is_attended, arrival, opened) + open_s.astype(np.int64).astype(
        "timedelta64[s]"
    )
    opening = np.where(
        rng.uniform(size=n) < 0.9, np.char.add("ASB-", np.char.upper(qualifier)), "DISTURBANCE"
    )
    return calls.with_columns(
        idx=pl.int_range(pl.len()),
        is_first=pl.int_range(pl.len()).over("event") == 0,
        closed_ts_local=clock.time_column(clock.skip_missing_hour(closed)),
        opening_code=pl.Series(opening),
        closing_codes=pl.Series(
            [f"ASB-{q.upper()}|{k.upper()}" for q, k in zip(qualifier, kind, strict=True)]
        ),
        nsir_category=pl.lit("ASB"),
        nsir_qualifier=pl.Series(qualifier),
        asb_type=pl.Series(kind),
        grade=pl.Series(grade),
        first_arrival_ts_local=pl.when(pl.Series(is_attended)).then(
            clock.time_column(clock.skip_missing_hour(arrival))
        ),
        partner_source=pl.Series(rng.choice(list(_PARTNERS), n, p=list(_PARTNERS.values()))),
    )
