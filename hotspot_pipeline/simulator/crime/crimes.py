"""The crimes of the demo force as they are first recorded, with the truth behind each record.

Belongs here: drawing events kind by kind and filling the canonical columns (DOMAIN §1.2). Does not
belong here: what happens to a record later (`recodes`), the feed's text (`extracts`), errors on
purpose (`dirt`).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.crime import clock
from hotspot_pipeline.simulator.crime.kinds import KINDS, OFFENCE_DESCRIPTIONS, CrimeKind
from hotspot_pipeline.simulator.crime.locations import (
    coordinate_column,
    geocode,
    pick_cells,
    true_places,
)
from hotspot_pipeline.simulator.force.county import County, Floats, Ints
from hotspot_pipeline.simulator.force.premises import NOISE_SITES, Premises
from hotspot_pipeline.simulator.force.risk import make_surfaces
from hotspot_pipeline.simulator.streams import Streams

# Share of violence recorded at custody, hospital or prison (DOMAIN §8.2).
SITE_NOISE_SHARE = 0.04
DATE_ONLY_SHARE = 0.03
_WEEKLY_DISPERSION = 6.0  # gamma shape of the cell-week noise: negative binomial k


def risk_surfaces(streams: Streams, county: County, premises: Premises) -> dict[str, Floats]:
    """Those of `force.risk`, and `night` for what happens where people go out."""
    surfaces = make_surfaces(streams, county, premises)
    return {**surfaces, "night": surfaces["vap"]}


def weekly_weights(rng: np.random.Generator, surface: Floats, n_weeks: int) -> Floats:
    """(n_cells, n_weeks): the surface with gamma noise per cell and week (dispersion k = 6)."""
    noise = rng.gamma(_WEEKLY_DISPERSION, 1 / _WEEKLY_DISPERSION, size=(len(surface), n_weeks))
    return np.asarray(surface[:, None] * noise)


def make_crimes(
    rng: np.random.Generator,
    county: County,
    premises: Premises,
    surfaces: Mapping[str, Floats],
    start: np.datetime64,
    n_weeks: int,
) -> pl.DataFrame:
    """One row a crime in order of recording, with `true_*` columns that are never delivered."""
    weights = {name: weekly_weights(rng, surface, n_weeks) for name, surface in surfaces.items()}
    frames = [
        _one_kind(rng, kind, county, premises, weights[kind.surface], start, n_weeks)
        for kind in KINDS
    ]
    crimes = pl.concat(frames).sort(
        "recorded_ts_local", "true_ts_local", "true_easting", maintain_order=True
    )
    return _numbered(crimes).with_columns(
        beat_code=_beats(county, crimes["cell"].to_numpy()),
        lsoa21cd=_lsoa(county, crimes["cell"].to_numpy()),
        offence_desc=pl.col("ho_offence_code").replace_strict(
            OFFENCE_DESCRIPTIONS, return_dtype=pl.String
        ),
    )


def _one_kind(
    rng: np.random.Generator,
    kind: CrimeKind,
    county: County,
    premises: Premises,
    weights: Floats,
    start: np.datetime64,
    n_weeks: int,
) -> pl.DataFrame:
    n = int(rng.poisson(kind.per_26_weeks * n_weeks / 26))
    cell, week = pick_cells(rng, weights, n)
    at = _moments(rng, kind, premises.n_venues[cell] > 0, start, week)
    begin, end, is_point = clock.windows(rng, at, clock.WINDOWS[kind.window])
    reported = clock.report_times(rng, end, kind.same_day)
    recorded = clock.record_times(rng, reported)
    place_type = _choice(rng, kind.places, n)
    true_e, true_n = true_places(rng, county, cell)
    true_e, true_n, place_type = _at_noise_sites(rng, kind, premises, true_e, true_n, place_type)
    easting, northing, quality = geocode(rng, true_e, true_n, premises.default_geocodes)
    is_date_only = rng.uniform(size=n) < DATE_ONLY_SHARE
    day = begin.astype("datetime64[D]").astype("datetime64[s]")
    last_minute = day + np.timedelta64(86_340, "s")
    frame = pl.DataFrame(
        {
            "kind": np.full(n, kind.name),
            "ho_offence_code": _choice(rng, kind.codes, n),
            "attempt_flag": rng.uniform(size=n) < 0.02,
            "committed_from_local": clock.time_column(np.where(is_date_only, day, begin)),
            "committed_to_local": clock.time_column(np.where(is_date_only, last_minute, end)),
            "reported_ts_local": clock.time_column(
                np.where(is_date_only, np.maximum(reported, last_minute), reported)
            ),
            "recorded_ts_local": clock.time_column(
                np.where(is_date_only, np.maximum(recorded, last_minute), recorded)
            ),
            "geocode_quality": quality,
            "location_type": place_type,
            "cell": cell,
            "true_easting": true_e,
            "true_northing": true_n,
            "true_ts_local": clock.time_column(at),
        }
    )
    return frame.with_columns(
        # Half of the point events leave the end of the window empty, half repeat its start.
        committed_to_local=pl.when(
            pl.Series(is_point & ~is_date_only & (rng.uniform(size=n) < 0.5))
        )
        .then(None)
        .otherwise(pl.col("committed_to_local")),
        easting=coordinate_column(easting),
        northing=coordinate_column(northing),
        **_flags(rng, kind, n),
    )


def _moments(
    rng: np.random.Generator,
    kind: CrimeKind,
    is_centre: np.ndarray,
    start: np.datetime64,
    week: Ints,
) -> clock.Times:
    if kind.shape != "night":
        return clock.event_times(rng, start, week, clock.SHAPES[kind.shape])
    centre = clock.event_times(rng, start, week, clock.SHAPES["night_centre"])
    elsewhere = clock.event_times(rng, start, week, clock.SHAPES["night_elsewhere"])
    return np.where(is_centre, centre, elsewhere)


def _at_noise_sites(
    rng: np.random.Generator,
    kind: CrimeKind,
    premises: Premises,
    easting: Ints,
    northing: Ints,
    place_type: np.ndarray,
) -> tuple[Ints, Ints, np.ndarray]:
    """Some violence is recorded at custody, hospital or prison: noise that exclusions remove."""
    if kind.name != "violence":
        return easting, northing, place_type
    # The share is of all violence, homes included, and this kind is two thirds of it.
    drawn = rng.uniform(size=len(easting)) < SITE_NOISE_SHARE * 1.5
    which = rng.choice(len(NOISE_SITES), len(easting), p=[share for _, share in NOISE_SITES])
    for k, (site_kind, _) in enumerate(NOISE_SITES):
        here = drawn & (which == k)
        site_e, site_n = premises.site(site_kind)
        easting, northing = np.where(here, site_e, easting), np.where(here, site_n, northing)
        place_type = np.where(here, site_kind, place_type)
    return easting, northing, place_type


def _flags(rng: np.random.Generator, kind: CrimeKind, n: int) -> dict[str, pl.Series]:
    """Flags are true, false or, for two fifths of the rows, never filled in: null is not false."""
    share = {
        "flag_knife": 0.75
        if kind.name == "weapons"
        else 0.03
        if kind.name in ("violence", "robbery")
        else 0.0,
        "flag_firearm": 0.002,
        "flag_alcohol": kind.alcohol,
        "flag_drugs": 0.9 if kind.name == "drugs" else 0.03,
        "flag_da": kind.da,
        "flag_hate": 0.02,
        "flag_online": kind.online,
        "flag_business": 0.8 if kind.name in ("shop_theft",) else 0.05,
    }
    flags = {}
    for name, p in share.items():
        is_true = rng.uniform(size=n) < p
        is_filled = is_true | (rng.uniform(size=n) < 0.6)
        flags[name] = pl.select(pl.when(pl.Series(is_filled)).then(pl.Series(is_true))).to_series()
    return flags


def _numbered(crimes: pl.DataFrame) -> pl.DataFrame:
    """Crime and occurrence numbers in order of recording; the sequence starts again each year."""
    year = pl.col("recorded_ts_local").dt.year()
    first_of_year = pl.when(year == year.min()).then(38_200).otherwise(0)
    sequence = pl.int_range(pl.len()).over(year) + 1 + first_of_year
    return crimes.with_columns(
        idx=pl.int_range(pl.len()),
        crime_number=pl.format(
            "60/{}/{}",
            sequence.cast(pl.String).str.zfill(5),
            (year % 100).cast(pl.String).str.zfill(2),
        ),
        occurrence_id=pl.format("OC{}{}", year, (sequence * 2 + 7).cast(pl.String).str.zfill(6)),
        source_system=pl.lit("sim"),
    )


def _beats(county: County, cell: Ints) -> pl.Series:
    """Three beats a town, by direction from its centre."""
    town = county.town[cell]
    centre = np.array([[t.easting, t.northing] for t in county.towns])[town]
    angle = np.arctan2(county.northing[cell] - centre[:, 1], county.easting[cell] - centre[:, 0])
    third = np.floor((angle + np.pi) / (2 * np.pi) * 3).astype(np.int64).clip(0, 2) + 1
    letters = np.array([t.beat_letter for t in county.towns])[town]
    return pl.Series([f"{letter}{k}" for letter, k in zip(letters, third, strict=True)])


def _lsoa(county: County, cell: Ints) -> pl.Series:
    # E0199… is outside the range of real LSOA codes.
    return pl.Series([f"E0199{k:04d}" for k in county.lsoa[cell]])


def _choice(rng: np.random.Generator, shares: Mapping[str, float], n: int) -> np.ndarray:
    p = np.array(list(shares.values()))
    return np.array(list(shares))[rng.choice(len(p), n, p=p / p.sum())]
