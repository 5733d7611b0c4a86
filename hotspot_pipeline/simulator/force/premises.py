"""Premises of the county: licensed venues, excluded sites, default geocodes, as their feeds deliver
them.

Belongs here: the rows of those three feeds and the positions that events use. Does not belong here:
how the pipeline excludes or links them.

Every name is invented and plain; no real premises.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.force.county import County, Floats, Ints

VALID_FROM = "2020-01-01"
_PUB_NAMES = (
    "The Plough",
    "The Anchor",
    "The Bell",
    "The Wheatsheaf",
    "The Old Mill",
    "The Railway",
)
_VENUE_PLAN = (
    # category, how many, spread around the town centre in metres, name, closing times
    ("pub", 44, 420.0, "", ("23:00", "23:30", "00:00")),
    ("bar", 14, 190.0, "Bar", ("00:00", "01:00", "02:00")),
    ("nightclub", 4, 120.0, "Club", ("03:00", "04:00")),
    ("late_takeaway", 9, 170.0, "Late Kitchen", ("02:00", "03:00", "04:00")),
    ("taxi_rank", 3, 110.0, "Taxi Rank", ("",)),
)
_SITE_PLAN = (
    # kind, name, town, offset from its centre, radius, side of the square outline (0: none); metres
    ("police_custody", "Northbridge custody suite", 0, (260, -120), 50, 0),
    ("police_station", "Ashmere police station", 1, (-180, 140), 50, 0),
    ("hospital", "Northbridge general hospital", 0, (-1450, 700), 60, 260),
    ("prison", "Fosse prison", 2, (2600, 900), 60, 220),
    ("court", "Northbridge court", 0, (420, 260), 50, 0),
    ("school", "Northbridge school 1", 0, (900, 1300), 80, 0),
    ("school", "Northbridge school 2", 0, (-800, -1100), 80, 0),
    ("school", "Ashmere school", 1, (700, 600), 80, 0),
)
_DEFAULT_PLAN = (
    ("Force headquarters", 0, (-2300, 1900)),
    ("Town centroid, no fixed location", 0, (35, 20)),
    ("Motorway junction", 1, (-2400, 1300)),
)
# Where crime is recorded that did not happen in public space, with the share of the noise.
NOISE_SITES = (("police_custody", 0.55), ("hospital", 0.30), ("prison", 0.15))


@dataclass(frozen=True, eq=False)
class Premises:
    """The three feeds as frames, and the number of venues per cell."""

    venues: pl.DataFrame
    excluded_sites: pl.DataFrame
    default_geocodes: pl.DataFrame
    n_venues: Floats

    def site(self, kind: str) -> tuple[int, int]:
        row = self.excluded_sites.row(by_predicate=pl.col("kind") == kind, named=True)
        return row["easting"], row["northing"]


def make_premises(rng: np.random.Generator, county: County) -> Premises:
    venues = _venues(rng, county)
    cell = county.cell_positions(
        venues["easting"].cast(pl.Float64).to_numpy(),
        venues["northing"].cast(pl.Float64).to_numpy(),
    )
    n_venues = np.bincount(cell, minlength=len(county.cells)).astype(np.float64)
    return Premises(venues, _excluded_sites(county), _default_geocodes(county), n_venues)


def _venues(rng: np.random.Generator, county: County) -> pl.DataFrame:
    activity = np.array([town.activity for town in county.towns])
    frames = []
    first = 1
    for category, count, spread_m, label, closing in _VENUE_PLAN:
        town = rng.choice(len(county.towns), count, p=activity / activity.sum())
        easting, northing = _around_towns(rng, county, town, spread_m)
        number = np.arange(first, first + count)
        ends = [closing[k] for k in rng.integers(0, len(closing), count)]
        first += count
        frames.append(
            pl.DataFrame(
                {
                    "venue_id": [f"V{k:04d}" for k in number],
                    "name": [f"{label or _PUB_NAMES[k % len(_PUB_NAMES)]} {k:03d}" for k in number],
                    "category": [category] * count,
                    "easting": easting,
                    "northing": northing,
                    "licence_end_time": ends,
                    # After midnight means an end between 00:01 and 05:59.
                    "late_licence": [
                        "true" if "00:00" < end < "06:00" else "false" for end in ends
                    ],
                    "capacity_band": rng.choice(
                        ["small", "medium", "large"], count, p=[0.5, 0.35, 0.15]
                    ),
                    "valid_from": [VALID_FROM] * count,
                    "valid_to": [
                        "2026-03-31" if end else "" for end in rng.uniform(size=count) < 0.04
                    ],
                    "source": ["licensing register (generated)"] * count,
                },
            )
        )
    return pl.concat(frames)


def _around_towns(
    rng: np.random.Generator, county: County, town: Ints, spread_m: float
) -> tuple[Ints, Ints]:
    """Whole metres around town centres: normal, cut off at three times the spread."""
    centre = np.array([[t.easting, t.northing] for t in county.towns])[town]
    offset = np.clip(rng.normal(0, spread_m, size=centre.shape), -3 * spread_m, 3 * spread_m)
    position = np.round(centre + offset).astype(np.int64)
    return position[:, 0], position[:, 1]


def _excluded_sites(county: County) -> pl.DataFrame:
    rows = []
    for k, (kind, name, town, (dx, dy), radius, side) in enumerate(_SITE_PLAN, start=1):
        e, n = round(county.towns[town].easting) + dx, round(county.towns[town].northing) + dy
        half = side // 2
        corners = ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))
        ring = ", ".join(f"{e + half * x} {n + half * y}" for x, y in corners)
        rows.append((f"S{k:02d}", kind, name, e, n, radius, f"POLYGON (({ring}))" if side else ""))
    names = ["site_id", "kind", "name", "easting", "northing", "radius_m", "polygon_wkt"]
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(
        valid_from=pl.lit(VALID_FROM), valid_to=pl.lit("")
    )


def _default_geocodes(county: County) -> pl.DataFrame:
    rows = [
        (
            f"D{k:02d}",
            round(county.towns[town].easting) + dx,
            round(county.towns[town].northing) + dy,
            10,
            reason,
        )
        for k, (reason, town, (dx, dy)) in enumerate(_DEFAULT_PLAN, start=1)
    ]
    names = ["geocode_id", "easting", "northing", "radius_m", "reason"]
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(
        valid_from=pl.lit(VALID_FROM), valid_to=pl.lit("")
    )
