"""Premises of the county: licensed venues, excluded sites, default geocodes, as their feeds deliver them.

Belongs here: the rows of those three feeds and the positions that events use (DOMAIN §8.1). Does not belong here: how
the pipeline excludes or links them.

Every name is invented and plain; no real premises.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.force.county import County, Floats, Ints
from hotspot_pipeline.simulator.force.fields import largest_remainder
from hotspot_pipeline.simulator.profiles import Profile
from hotspot_pipeline.simulator.streams import Streams

VALID_FROM = "2020-01-01"
_ENDED = "2026-03-31"
_PUB_NAMES = (
    "The Plough",
    "The Anchor",
    "The Bell",
    "The Wheatsheaf",
    "The Old Mill",
    "The Railway",
)


@dataclass(frozen=True, slots=True)
class _Trade:
    """One category of venue: how many of 180 (DOMAIN §8.1), how many of them in town centres, how far around one."""

    category: str
    of_180: int
    in_centre: float
    spread_m: float
    label: str
    closing: tuple[str, ...]


_TRADES = (
    _Trade("pub", 110, 0.60, 260.0, "", ("23:00", "23:30", "00:00")),
    _Trade("bar", 35, 1.0, 140.0, "Bar", ("00:00", "01:00", "02:00")),
    _Trade("nightclub", 12, 1.0, 100.0, "Club", ("03:00", "04:00")),
    _Trade("late_takeaway", 23, 0.85, 140.0, "Late Kitchen", ("02:00", "03:00", "04:00")),
)
_TOWN_POWER = 1.15  # a large town draws people from the small ones
_ENDED_SHARE = 0.04

_SITE_PLAN = (
    # kind, name after the town's, town, where from its centre in radii (east, north), radius, side of the square
    # outline (0: none) in metres; custody is put beside the busiest cell instead
    ("police_custody", "custody suite", 0, (0.0, 0.0), 50, 0),
    ("police_station", "police station", 1, (-0.10, 0.08), 50, 0),
    ("police_station", "police station", 2, (0.12, 0.06), 50, 0),
    ("hospital", "general hospital", 0, (-0.45, 0.25), 60, 260),
    ("prison", "prison", 2, (1.10, 0.60), 60, 220),
    ("court", "court", 0, (0.16, 0.10), 50, 0),
)
_SCHOOL_RADIUS_M = 80
_DEFAULT_PLAN = (
    ("Force headquarters", 0, (-0.65, 0.60)),
    ("Town centroid, no fixed location", 0, None),
    ("Motorway junction", 1, (-1.15, 0.60)),
)
_DEFAULT_RADIUS_M = 10
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
        """Easting and northing of the one site of this kind; raises polars' TooManyRowsReturnedError for several."""
        row = self.excluded_sites.row(by_predicate=pl.col("kind") == kind, named=True)
        return row["easting"], row["northing"]


def make_premises(streams: Streams, county: County, profile: Profile) -> Premises:
    """Venues, sites and default geocodes of one force; the same seed and profile, the same rows."""
    venues, cell = _venues(streams("venues"), county, profile.n_venues)
    n_venues = np.bincount(cell, minlength=len(county.cells)).astype(np.float64)
    sites = _excluded_sites(streams("sites"), county, n_venues, profile.n_schools)
    return Premises(venues, sites, _default_geocodes(county), n_venues)


def _venues(rng: np.random.Generator, county: County, n_venues: int) -> tuple[pl.DataFrame, Ints]:
    """The rows and the position of each one's cell."""
    counts = largest_remainder(np.array([t.of_180 for t in _TRADES], dtype=np.float64), n_venues)
    draw = np.array([town.activity for town in county.towns]) ** _TOWN_POWER
    frames, cells = [], []
    first = 1
    for trade, count in zip(_TRADES, counts.tolist(), strict=True):
        n_centre = round(trade.in_centre * count)
        town = rng.choice(len(county.towns), n_centre, p=draw / draw.sum())
        positions = (
            _in_centres(rng, county, town, trade.spread_m),
            _where_people_live(rng, county, count - n_centre),
        )
        easting, northing = np.concatenate(positions, axis=1)
        ends = [trade.closing[k] for k in rng.integers(0, len(trade.closing), count)]
        number = range(first, first + count)
        first += count
        cells.append(county.cell_positions(easting.astype(float), northing.astype(float)))
        frames.append(
            pl.DataFrame(
                {
                    "venue_id": [f"V{k:04d}" for k in number],
                    "name": [
                        f"{trade.label or _PUB_NAMES[k % len(_PUB_NAMES)]} {k:03d}" for k in number
                    ],
                    "category": [trade.category] * count,
                    "easting": easting,
                    "northing": northing,
                    "licence_end_time": ends,
                    # After midnight means an end between 00:01 and 05:59.
                    "late_licence": ["true" if "00:00" < t < "06:00" else "false" for t in ends],
                    "capacity_band": rng.choice(
                        ["small", "medium", "large"], count, p=[0.5, 0.35, 0.15]
                    ),
                    "valid_from": [VALID_FROM] * count,
                    "valid_to": [
                        _ENDED if ended else "" for ended in rng.uniform(size=count) < _ENDED_SHARE
                    ],
                    "source": ["licensing register (generated)"] * count,
                },
            )
        )
    return pl.concat(frames), np.concatenate(cells)


def _in_centres(rng: np.random.Generator, county: County, town: Ints, spread_m: float) -> Ints:
    """(2, n) whole metres around town centres: normal, cut off at twice the spread, narrower in small towns."""
    centre = np.array([[t.easting, t.northing] for t in county.towns])[town]
    spread = spread_m * np.array([t.activity for t in county.towns])[town] ** 0.3
    offset = np.clip(rng.normal(size=centre.shape), -2, 2) * spread[:, None]
    return np.asarray(np.round(centre + offset).astype(np.int64).T)


def _where_people_live(rng: np.random.Generator, county: County, n: int) -> Ints:
    """(2, n) whole metres: suburbs and villages by residents, at an address of the cell."""
    cell = rng.choice(len(county.cells), n, p=county.population / county.population.sum())
    easting, northing = county.place_easting[cell, 0], county.place_northing[cell, 0]
    return np.stack([easting, northing]).astype(np.int64)


def _excluded_sites(
    rng: np.random.Generator, county: County, n_venues: Floats, n_schools: int
) -> pl.DataFrame:
    taken: list[int] = []
    rows = []
    for kind, name, town_number, (east, north), radius, side in _SITE_PLAN:
        town = county.towns[town_number % len(county.towns)]
        if kind == "police_custody":
            cell = _beside_busiest(county, n_venues)
            taken.append(int(n_venues.argmax()))
        else:
            wanted_e = town.easting + east * town.radius_m
            wanted_n = town.northing + north * town.radius_m
            cell = _nearest_free(county, wanted_e, wanted_n, taken)
        taken.append(cell)
        rows.append((kind, f"{town.name} {name}", cell, radius, side))
    weight = county.population.copy()
    weight[taken] = 0
    schools = rng.choice(len(weight), n_schools, replace=False, p=weight / weight.sum())
    names = [county.towns[k].name for k in county.town[schools]]
    rows += [
        ("school", f"{name} school {k}", int(cell), _SCHOOL_RADIUS_M, 0)
        for k, (name, cell) in enumerate(zip(names, schools, strict=True), start=1)
    ]
    return pl.DataFrame(
        [
            (f"S{k:02d}", kind, name, *_centre(county, cell), radius, _square(county, cell, side))
            for k, (kind, name, cell, radius, side) in enumerate(rows, start=1)
        ],
        schema=["site_id", "kind", "name", "easting", "northing", "radius_m", "polygon_wkt"],
        orient="row",
    ).with_columns(valid_from=pl.lit(VALID_FROM), valid_to=pl.lit(""))


def _beside_busiest(county: County, n_venues: Floats) -> int:
    """The cell next to that with most venues which has fewest itself: custody next to a town-centre hotspot."""
    i, j = county.pairs
    beside = j[i == int(n_venues.argmax())]
    return int(beside[n_venues[beside].argmin()])


def _nearest_free(county: County, easting: float, northing: float, taken: list[int]) -> int:
    away = np.hypot(county.easting - easting, county.northing - northing)
    away[taken] = np.inf
    return int(away.argmin())


def _centre(county: County, cell: int) -> tuple[int, int]:
    return round(float(county.easting[cell])), round(float(county.northing[cell]))


def _square(county: County, cell: int, side: int) -> str:
    """A square outline of `side` metres around the cell's centre, as WKT; nothing where there is none."""
    if not side:
        return ""
    e, n = _centre(county, cell)
    half = side // 2
    corners = ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))
    return f"POLYGON (({', '.join(f'{e + half * x} {n + half * y}' for x, y in corners)}))"


def _default_geocodes(county: County) -> pl.DataFrame:
    rows = []
    for k, (reason, town_number, where) in enumerate(_DEFAULT_PLAN, start=1):
        town = county.towns[town_number % len(county.towns)]
        if where is None:
            e, n = round(town.easting) + 35, round(town.northing) + 20
        else:
            cell = _nearest_free(
                county,
                town.easting + where[0] * town.radius_m,
                town.northing + where[1] * town.radius_m,
                [],
            )
            e, n = _centre(county, cell)
            e, n = e + 60, n - 40  # a site may stand at the centre
        rows.append((f"D{k:02d}", e, n, _DEFAULT_RADIUS_M, reason))
    return pl.DataFrame(
        rows, schema=["geocode_id", "easting", "northing", "radius_m", "reason"], orient="row"
    ).with_columns(valid_from=pl.lit(VALID_FROM), valid_to=pl.lit(""))
