"""The crimes of the demo force as they are first recorded, with the truth behind each record.

Belongs here: filling the canonical columns (DOMAIN §1.2). Does not
belong here: what happens to a record later (`recodes`), the feed's text (`extracts`), errors on
purpose (`dirt`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.crime import clock
from hotspot_pipeline.simulator.crime.events import Moments
from hotspot_pipeline.simulator.crime.kinds import (
    DETERRABLE_KINDS,
    NOT_PUBLIC,
    OFFENCE_DESCRIPTIONS,
    SITE_NOISE_SHARE,
    CrimeKind,
)
from hotspot_pipeline.simulator.crime.locations import coordinate_column, geocode, true_places
from hotspot_pipeline.simulator.force.county import County, Ints
from hotspot_pipeline.simulator.force.premises import NOISE_SITES, Premises
from hotspot_pipeline.simulator.streams import Streams

DATE_ONLY_SHARE = 0.03


def potential_crimes(
    streams: Streams,
    kinds: Sequence[CrimeKind],
    county: County,
    premises: Premises,
    moments: Mapping[str, Moments],
    name: str = "records",
) -> pl.DataFrame:
    """One row an event in no order, as it would first be recorded, with `true_*` columns that are never delivered.

    `moments` has the events of each kind; a kind's rows depend on no other kind.
    """
    return pl.concat(
        [
            _one_kind(streams(name, kind.name), kind, county, premises, moments[kind.name])
            for kind in kinds
        ]
    )


def register_crimes(county: County, crimes: pl.DataFrame) -> pl.DataFrame:
    """The crimes that happened, in order of recording, with their numbers, beats and wording."""
    crimes = crimes.sort("recorded_ts_local", "at_local", "event_id", maintain_order=True)
    cell = crimes["cell"].to_numpy()
    return _numbered(crimes).with_columns(
        beat_code=pl.Series(county.areas.beat_code(cell)),
        lsoa21cd=pl.Series(county.areas.lsoa_code(cell)),
        offence_desc=pl.col("ho_offence_code").replace_strict(
            OFFENCE_DESCRIPTIONS, return_dtype=pl.String
        ),
    )


def _one_kind(
    rng: np.random.Generator,
    kind: CrimeKind,
    county: County,
    premises: Premises,
    moments: Moments,
) -> pl.DataFrame:
    n, cell, at = len(moments), moments.cell, moments.at
    begin, end, is_point = clock.windows(rng, at, clock.WINDOWS[kind.window])
    reported = clock.report_times(rng, end, kind.same_day)
    recorded = clock.record_times(rng, reported)
    place_type = _choice(rng, kind.places, n)
    true_e, true_n = true_places(rng, county, cell)
    true_e, true_n, place_type = _at_noise_sites(rng, kind, premises, true_e, true_n, place_type)
    easting, northing, quality = geocode(
        rng, true_e, true_n, premises.default_geocodes, county.streets
    )
    is_date_only = rng.uniform(size=n) < DATE_ONLY_SHARE
    day = begin.astype("datetime64[D]").astype("datetime64[s]")
    last_minute = day + np.timedelta64(86_340, "s")
    frame = pl.DataFrame(
        {
            "event_id": moments.event_id,
            "kind": pl.repeat(kind.name, n, eager=True),
            "group": pl.repeat(kind.group, n, eager=True),
            "at_local": clock.time_column(at),
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
    ).with_columns(
        is_deterrable=(pl.col("kind").is_in(DETERRABLE_KINDS))
        & ~pl.col("location_type").is_in(NOT_PUBLIC)
        & ~pl.col("flag_da").fill_null(False)
        & ~pl.col("flag_online").fill_null(False)
    )


def _at_noise_sites(
    rng: np.random.Generator,
    kind: CrimeKind,
    premises: Premises,
    easting: Ints,
    northing: Ints,
    place_type: pl.Series,
) -> tuple[Ints, Ints, pl.Series]:
    """Some violence is recorded at custody, hospital or prison: noise that exclusions remove."""
    if kind.name != "violence":
        return easting, northing, place_type
    drawn = rng.uniform(size=len(easting)) < SITE_NOISE_SHARE
    which = rng.choice(len(NOISE_SITES), len(easting), p=[share for _, share in NOISE_SITES])
    for k, (site_kind, _) in enumerate(NOISE_SITES):
        here = drawn & (which == k)
        site_e, site_n = premises.site(site_kind)
        easting, northing = np.where(here, site_e, easting), np.where(here, site_n, northing)
        place_type = place_type.set(pl.Series(here), site_kind)
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


def _choice(rng: np.random.Generator, shares: Mapping[str, float], n: int) -> pl.Series:
    p = np.array(list(shares.values()))
    return pl.Series(list(shares)).gather(rng.choice(len(p), n, p=p / p.sum()))
