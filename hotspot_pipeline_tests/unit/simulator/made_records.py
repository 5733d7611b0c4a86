"""First records of a made-up force with the columns that recodes and deliveries need, in bulk and of any size.

Not the simulator's own events: what happens to records and how they are delivered is tested apart from where they come
from. Times of report and recording are drawn by `clock`, as the simulator's are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.crime import clock
from hotspot_pipeline.simulator.crime.kinds import OFFENCE_DESCRIPTIONS

N_CELLS, N_TOWNS = 2000, 3
WEST, SOUTH, CELLS_ACROSS, CELL_M = 430_000, 255_000, 50, 350
_KINDS = {
    # kind: share, codes with their share, share reported on the day
    "violence": (0.38, {"105/01": 0.45, "008/06": 0.38, "008/01": 0.07, "104/23": 0.05, "003/01": 0.05}, 0.68),
    "harassment": (0.15, {"195/94": 0.6, "195/41": 0.4}, 0.60),
    "public_order": (0.15, {"125/11": 0.4, "125/09": 0.3, "125/12": 0.3}, 0.88),
    "damage": (0.12, {"149/00": 0.8, "058/00": 0.2}, 0.85),
    "robbery": (0.10, {"034/01": 1.0}, 0.92),
    "weapons": (0.05, {"008/26": 1.0}, 1.0),
    "shop_theft": (0.05, {"046/00": 1.0}, 0.90),
}  # fmt: skip
_QUALITY = ("uprn", "street", "junction", "postcode", "area_centroid", "default", "none")
_QUALITY_SHARE = (0.60, 0.20, 0.05, 0.10, 0.03, 0.015, 0.005)
_SHIFT_M = np.array([3, 25, 25, 60, 200, 0, 0])
_PLACES = ("street", "dwelling", "retail", "licensed_premises", "police_custody")
_PLACE_SHARE = (0.60, 0.28, 0.05, 0.05, 0.02)
DEFAULT_GEOCODE = (429_000, 254_000)
_FLAGS = {"knife": 0.05, "firearm": 0.002, "alcohol": 0.2, "drugs": 0.03, "da": 0.3, "hate": 0.02, "online": 0.06,
          "business": 0.05}  # fmt: skip


@dataclass(frozen=True, eq=False)
class MadeForce:
    """Stand-ins for what the simulator makes: only the attributes that deliveries read."""

    crimes: pl.DataFrame
    asb: pl.DataFrame
    county: Any
    premises: Any


def made_force(seed: int, start: datetime, n_days: int, n_crimes: int, n_asb: int) -> MadeForce:
    rng = np.random.default_rng([seed, 8])
    default_geocodes = pl.DataFrame(
        {"geocode_id": ["D01"], "easting": [DEFAULT_GEOCODE[0]], "northing": [DEFAULT_GEOCODE[1]], "radius_m": [10],
         "reason": ["headquarters"], "valid_from": ["2020-01-01"], "valid_to": [""]}
    )  # fmt: skip
    venues = pl.DataFrame(
        {"venue_id": ["V1"], "name": ["Bar 1"], "easting": [440_000], "northing": [260_000]}
    )
    sites = pl.DataFrame(
        {"site_id": ["S1"], "kind": ["prison"], "easting": [440_100], "northing": [260_100]}
    )
    crimes = _crimes(rng, np.datetime64(start, "s"), n_days, n_crimes)
    asb = _asb(rng, np.datetime64(start, "s"), n_days, n_asb, crimes)
    return MadeForce(
        crimes,
        asb,
        SimpleNamespace(
            towns=[SimpleNamespace(name=f"Town {k}") for k in range(N_TOWNS)],
            town=np.arange(N_CELLS) % N_TOWNS,
        ),
        SimpleNamespace(venues=venues, excluded_sites=sites, default_geocodes=default_geocodes),
    )


def _crimes(rng: np.random.Generator, start: np.datetime64, n_days: int, n: int) -> pl.DataFrame:
    names = list(_KINDS)
    kind = rng.choice(len(names), n, p=[share for share, _, _ in _KINDS.values()])
    code = np.empty(n, dtype="U6")
    same_day = np.empty(n)
    for k, (_, codes, share) in enumerate(_KINDS.values()):
        mine = kind == k
        code[mine] = rng.choice(list(codes), mine.sum(), p=list(codes.values()))
        same_day[mine] = share
    at = start + rng.integers(0, n_days * 86_400, n).astype("timedelta64[s]")
    begin, end, is_point = clock.windows(rng, clock.skip_missing_hour(at), clock.WINDOWS["vap"])
    reported = np.empty(n, dtype="datetime64[s]")
    for share in np.unique(same_day):
        mine = same_day == share
        reported[mine] = clock.report_times(rng, end[mine], float(share))
    recorded = clock.record_times(rng, reported)
    # few cells hold most of it, so that a crime has others of its kind before it
    cell = np.minimum((N_CELLS * rng.uniform(size=n) ** 4).astype(np.int64), N_CELLS - 1)
    place, located = _places(rng, cell)
    frame = pl.DataFrame(
        {
            "source_system": ["sim"] * n,
            "kind": np.array(names)[kind],
            "cell": cell,
            "ho_offence_code": code,
            "attempt_flag": rng.uniform(size=n) < 0.02,
            "committed_from_local": clock.time_column(begin),
            "committed_to_local": clock.time_column(end),
            "reported_ts_local": clock.time_column(reported),
            "recorded_ts_local": clock.time_column(recorded),
            "location_type": rng.choice(_PLACES, n, p=_PLACE_SHARE),
            "beat_code": np.char.add("B", (cell % 9).astype(str)),
            "lsoa21cd": np.char.add("E0199", (cell % 340).astype(str)),
            **place,
            **located,
            **{f"flag_{name}": _flag(rng, share, n) for name, share in _FLAGS.items()},
        }
    ).with_columns(
        offence_desc=pl.col("ho_offence_code").replace_strict(
            OFFENCE_DESCRIPTIONS, return_dtype=pl.String
        ),
        committed_to_local=pl.when(pl.Series(~is_point)).then(pl.col("committed_to_local")),
    )
    frame = frame.sort(
        "recorded_ts_local", "committed_from_local", "true_easting", maintain_order=True
    )
    number = pl.int_range(pl.len())
    return frame.with_columns(
        idx=number,
        crime_number=pl.format("60/{}/24", number.cast(pl.String).str.zfill(6)),
        occurrence_id=pl.format("OC{}", number),
        incident_ref=pl.when(number % 3 > 0).then(pl.format("L{}", number)),
    )


def _asb(
    rng: np.random.Generator, start: np.datetime64, n_days: int, n: int, crimes: pl.DataFrame
) -> pl.DataFrame:
    opened = np.sort(
        clock.skip_missing_hour(
            start + rng.integers(0, n_days * 86_400, n).astype("timedelta64[s]")
        )
    )
    arrived = clock.skip_missing_hour(opened + rng.integers(120, 7200, n).astype("timedelta64[s]"))
    closed = clock.skip_missing_hour(
        arrived + (900 + rng.lognormal(9.3, 1.3, n)).astype("timedelta64[s]")
    )
    place, located = _places(rng, rng.integers(0, N_CELLS, n))
    number = np.arange(n).astype(str)
    linked = rng.permutation(len(crimes))[: n // 30]
    link = np.full(n, None, dtype=object)
    link[rng.permutation(n)[: len(linked)]] = crimes["crime_number"].to_numpy()[linked]
    return pl.DataFrame(
        {
            "idx": np.arange(n),
            "incident_ref": np.char.add("I", number),
            "opened_ts_local": clock.time_column(opened),
            "closed_ts_local": clock.time_column(closed),
            "opening_code": ["ASB-NUISANCE"] * n,
            "closing_codes": ["ASB-NUISANCE|NOISE"] * n,
            "nsir_category": ["ASB"] * n,
            "nsir_qualifier": ["nuisance"] * n,
            "asb_type": ["noise"] * n,
            "grade": ["priority"] * n,
            "first_arrival_ts_local": clock.time_column(arrived),
            **place,
            **located,
            "linked_crime_number": pl.Series(link.tolist(), dtype=pl.String),
            "duplicate_of": pl.Series([None] * n, dtype=pl.String),
            "partner_source": ["police"] * n,
        }
    ).with_columns(
        first_arrival_ts_local=pl.when(pl.Series(rng.uniform(size=n) < 0.7)).then(
            pl.col("first_arrival_ts_local")
        )
    )


def _places(rng: np.random.Generator, cell: np.ndarray) -> tuple[dict[str, Any], dict[str, Any]]:
    n = len(cell)
    true = {
        "true_easting": WEST + CELL_M * (cell % CELLS_ACROSS) + rng.integers(0, 200, n),
        "true_northing": SOUTH + CELL_M * (cell // CELLS_ACROSS) + rng.integers(0, 200, n),
    }
    quality = rng.choice(len(_QUALITY), n, p=_QUALITY_SHARE)
    columns: dict[str, Any] = {"geocode_quality": np.array(_QUALITY)[quality]}
    for (name, values), default in zip(true.items(), DEFAULT_GEOCODE, strict=True):
        given = values + np.round(rng.standard_normal(n) * _SHIFT_M[quality]).astype(np.int64)
        given = np.where(quality == _QUALITY.index("default"), default, given)
        has_none = pl.Series(quality == _QUALITY.index("none"))
        columns[name.removeprefix("true_")] = pl.select(
            pl.when(~has_none).then(pl.Series(given))
        ).to_series()
    return true, columns


def _flag(rng: np.random.Generator, share: float, n: int) -> pl.Series:
    """True, false, or never filled in."""
    is_true, is_filled = rng.uniform(size=n) < share, rng.uniform(size=n) < 0.6
    return pl.select(pl.when(pl.Series(is_true | is_filled)).then(pl.Series(is_true))).to_series()
