"""Attendances after an assault at the emergency department, as a hospital shares them (DOMAIN §5.8, §8.6).

Belongs here: which assaults are treated, half of them unknown to the police, and what reception takes down. Does not belong
here: the events of the police's records (`crime`), files (`feeds`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hotspot_pipeline.simulator.crime.clock import (
    SHAPES,
    Times,
    event_times,
    skip_missing_hour,
    time_column,
)
from hotspot_pipeline.simulator.force.county import County, Floats, Ints
from hotspot_pipeline.simulator.force.premises import Premises
from hotspot_pipeline.simulator.profiles import Profile
from hotspot_pipeline.simulator.surveys.answers import Texts, pick

PER_YEAR = 1400  # at volume 1
KNOWN_TO_POLICE = 0.50
USABLE_LOCATION = 0.60
# which of the police's events bring somebody to hospital: weight of an event of each kind
TREATED_KINDS = {"violence": 1.0, "violence_home": 0.6, "robbery": 0.8}
HOME_SHARE_UNKNOWN = 0.22  # of the attendances that the police do not know of
SITE = "FSH01"
_AFTER_H, _AFTER_SPREAD, _AFTER_MAX_H = 1.3, 0.9, 72.0
ASSAULT_AFTER_ARRIVAL, NO_ASSAULT_TIME, NO_METHOD = 0.01, 0.03, 0.02
STREET_ERROR_M = 25.0
_VENUE_M, _NEAR_M = 60.0, 250.0
_LICENSED_AT_VENUE = 0.65
_METHODS = {
    "fist": 0.40, "body_part": 0.10, "foot": 0.08, "head": 0.04, "glass": 0.04, "bottle": 0.05, "knife": 0.06, "blunt": 0.07,
    "firearm": 0.002, "other": 0.058, "unknown": 0.10,
}  # fmt: skip
_ELSEWHERE = {"street": 0.70, "transport": 0.08, "work": 0.09, "school": 0.04, "other": 0.09}
_OTHER_METHODS = ("pushed downstairs", "hit by vehicle door", "spray", "dog set on patient")
_VAGUE = ("", "in town", "on way home", "not known", "street")
ED_COLUMNS = (
    "attendance_id", "site_code", "arrival_ts_local", "assault_ts_local", "assault_method", "method_other",
    "assault_location_type", "location_text", "easting", "northing", "geocode_quality",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Assaults:
    """What happened, in no order: the police's event or -1, moment, cell, place, whether at home."""

    event_id: Ints
    at: Times
    cell: Ints
    easting: Floats
    northing: Floats
    is_home: NDArray[np.bool_]


def make_attendances(
    rng: np.random.Generator,
    profile: Profile,
    county: County,
    premises: Premises,
    events: pl.DataFrame | None,
    until: datetime,
) -> pl.DataFrame:
    """`ED_COLUMNS` in order of arrival, which is before `until`; and of the truth `event_id` (null where the police do not
    know of it), `true_arrival_local`, `true_assault_local`, `true_cell`, `true_easting`, `true_northing`, `is_usable` and `is_after_arrival`.

    `events` are those the police will record: `event_id`, `kind`, `at_local`, `cell` (position in County.cells),
    `true_easting`, `true_northing`. Without them no attendance is linked.
    """
    start, end = np.datetime64(profile.start_local, "s"), np.datetime64(until, "s")
    years = (end - start).astype(np.int64) / (365.25 * 86_400)
    n = int(rng.poisson(PER_YEAR * profile.volume * years))
    known = None
    if events is not None:
        known = events.filter(pl.col("kind").is_in(list(TREATED_KINDS))).sort("event_id")
    assaults = _assaults(rng, profile, county, known, n)
    after_h = np.minimum(_AFTER_H * np.exp(_AFTER_SPREAD * rng.standard_normal(n)), _AFTER_MAX_H)
    arrival = skip_missing_hour(
        assaults.at + np.round(after_h * 3600).astype(np.int64).astype("timedelta64[s]")
    )
    arrival = np.maximum(arrival, assaults.at)
    place = _place(rng, county, premises, assaults)
    hour = np.timedelta64(1, "h")
    told = assaults.at.astype("datetime64[h]").astype("datetime64[s]")
    came = arrival.astype("datetime64[h]").astype("datetime64[s]")
    wrong = rng.uniform(size=n) < ASSAULT_AFTER_ARRIVAL
    told = np.where(
        wrong, skip_missing_hour(np.asarray(came + hour * rng.integers(1, 12, n))), told
    )
    method = pick(rng, n, _METHODS)
    what_else = np.array(_OTHER_METHODS)[rng.integers(0, len(_OTHER_METHODS), n)]
    frame = pl.DataFrame(
        {
            "arrival_ts_local": time_column(came),
            "assault_ts_local": time_column(told),
            "assault_method": method,
            "method_other": np.where(method == "other", what_else, ""),
            "event_id": assaults.event_id,
            "true_arrival_local": time_column(arrival),
            "true_assault_local": time_column(assaults.at),
            "true_cell": assaults.cell,
            "true_easting": assaults.easting,
            "true_northing": assaults.northing,
        }
    ).hstack(place)
    frame = frame.with_columns(
        pl.when(pl.Series(rng.uniform(size=n) >= NO_ASSAULT_TIME)).then("assault_ts_local"),
        assault_method=pl.when(pl.Series(rng.uniform(size=n) >= NO_METHOD))
        .then("assault_method")
        .otherwise(pl.lit("")),
        event_id=pl.when(pl.col("event_id") >= 0).then("event_id"),
    )
    frame = (
        frame.with_row_index("drawn")
        .sort("true_arrival_local", "drawn")
        .filter(pl.col("true_arrival_local") < until)
    )
    number = pl.format("ED{}", pl.int_range(1, pl.len() + 1).cast(pl.String).str.zfill(6))
    return frame.with_columns(
        number.alias("attendance_id"),
        site_code=pl.lit(SITE),
        is_after_arrival=(pl.col("assault_ts_local") > pl.col("arrival_ts_local")).fill_null(False),
    ).select(
        *ED_COLUMNS, "event_id", "true_arrival_local", "true_assault_local", "true_cell", "true_easting", "true_northing",
        "is_usable", "is_after_arrival",
    )  # fmt: skip


def _assaults(
    rng: np.random.Generator, profile: Profile, county: County, known: pl.DataFrame | None, n: int
) -> _Assaults:
    if known is None or known.is_empty():
        return _unlinked(rng, profile, county, n)
    at = known["at_local"].to_numpy().astype("datetime64[s]")
    kind = known["kind"]
    weight = kind.replace_strict(
        list(TREATED_KINDS), list(TREATED_KINDS.values()), return_dtype=pl.Float64
    ).to_numpy()
    n_known = min(int(rng.binomial(n, KNOWN_TO_POLICE)), len(known) // 2)
    seen = rng.choice(len(known), n_known, replace=False, p=weight / weight.sum())
    # the others happen where such events happen, at the same hour of the week in another week
    is_home = (kind == "violence_home").to_numpy()
    at_home = rng.uniform(size=n - n_known) < HOME_SHARE_UNKNOWN
    like = np.where(
        at_home,
        _like(rng, weight * is_home, n - n_known),
        _like(rng, weight * ~is_home, n - n_known),
    )
    week = np.timedelta64(7, "D").astype("timedelta64[s]")
    start = np.datetime64(profile.start_local, "s")
    moved = (at[like] - start + week * rng.integers(0, profile.n_weeks, n - n_known)) % (
        week * profile.n_weeks
    )
    position = np.concatenate([seen, like])
    return _Assaults(
        event_id=np.concatenate([known["event_id"].to_numpy()[seen], np.full(n - n_known, -1)]),
        at=np.concatenate([at[seen], skip_missing_hour(np.asarray(start + moved))]),
        cell=known["cell"].to_numpy()[position],
        easting=known["true_easting"].cast(pl.Float64).to_numpy()[position],
        northing=known["true_northing"].cast(pl.Float64).to_numpy()[position],
        is_home=is_home[position],
    )


def _like(rng: np.random.Generator, weight: Floats, n: int) -> Ints:
    """Positions drawn in proportion to `weight`; in proportion to nothing where all weights are 0."""
    even = weight if weight.sum() > 0 else np.ones_like(weight)
    return rng.choice(len(even), n, p=even / even.sum())


def _unlinked(rng: np.random.Generator, profile: Profile, county: County, n: int) -> _Assaults:
    activity = np.array([town.activity for town in county.towns])
    town = rng.choice(len(county.towns), n, p=activity / activity.sum())
    centre = np.array([[t.easting, t.northing] for t in county.towns])[town]
    offset = np.clip(rng.normal(0, 350.0, centre.shape), -1000, 1000)
    week = rng.integers(0, profile.n_weeks, n)
    at = event_times(rng, np.datetime64(profile.start_local, "s"), week, SHAPES["night_centre"])
    easting, northing = np.round(centre + offset).T
    cell = county.cell_positions(easting, northing)
    return _Assaults(
        np.full(n, -1), at, cell, easting, northing, rng.uniform(size=n) < HOME_SHARE_UNKNOWN
    )


def _place(
    rng: np.random.Generator, county: County, premises: Premises, assaults: _Assaults
) -> pl.DataFrame:
    """What reception takes down of the place, and the coordinates where the hospital's analyst found it."""
    n = len(assaults.at)
    venue_e, venue_n = (
        premises.venues[c].cast(pl.Float64).to_numpy() for c in ("easting", "northing")
    )
    names = premises.venues["name"].to_numpy().astype(str)
    away = np.hypot(assaults.easting[:, None] - venue_e, assaults.northing[:, None] - venue_n)
    nearest = away.argmin(axis=1)
    distance = away[np.arange(n), nearest]
    is_licensed = (
        ~assaults.is_home & (distance <= _VENUE_M) & (rng.uniform(size=n) < _LICENSED_AT_VENUE)
    )
    kind = np.select(
        [assaults.is_home, is_licensed], ["home", "licensed"], pick(rng, n, _ELSEWHERE)
    )
    # a dwelling is never shared, so of the other places more are usable than of all
    share = min(1.0, USABLE_LOCATION * n / max(int((~assaults.is_home).sum()), 1))
    is_usable = ~assaults.is_home & (rng.uniform(size=n) < share)
    error = STREET_ERROR_M * rng.standard_normal((2, n))
    easting = np.where(is_licensed, venue_e[nearest], np.round(assaults.easting + error[0]))
    northing = np.where(is_licensed, venue_n[nearest], np.round(assaults.northing + error[1]))
    town = np.array([t.name for t in county.towns])[county.town[assaults.cell]]
    return pl.DataFrame(
        {
            "assault_location_type": kind,
            "location_text": _location_text(
                rng, kind, is_usable, is_licensed, distance, names[nearest], town
            ),
            "easting": easting.astype(np.int64),
            "northing": northing.astype(np.int64),
            "geocode_quality": np.where(is_licensed, "building", "street"),
            "is_usable": is_usable,
        }
    ).with_columns(
        pl.when("is_usable").then(pl.col("easting")),
        pl.when("is_usable").then(pl.col("northing")),
        geocode_quality=pl.when("is_usable").then("geocode_quality").otherwise(pl.lit("none")),
    )


def _location_text(
    rng: np.random.Generator, kind: Texts, is_usable: NDArray[np.bool_], is_licensed: NDArray[np.bool_], distance: Floats,
    venue: Texts, town: Texts,
) -> pl.Series:  # fmt: skip
    n = len(kind)
    vague = np.array(_VAGUE)[rng.integers(0, len(_VAGUE), n)]
    frame = pl.DataFrame({"kind": kind, "venue": venue, "town": town, "vague": vague})
    usable, licensed, near = (pl.Series(x) for x in (is_usable, is_licensed, distance <= _NEAR_M))
    text = (
        pl.when(usable & licensed).then("venue")
        .when(usable & near).then(pl.format("outside {}", "venue"))
        .when(usable).then(pl.format("{}, {}", "kind", "town"))
        .when(pl.col("kind") == "home").then(pl.lit("home"))
        .when(licensed).then(pl.lit("pub"))
        .otherwise("vague")
    )  # fmt: skip
    return frame.select(text.alias("location_text")).to_series()
