"""Where: the true address of an event, and the coordinates with which it is put on record.

Belongs here: addresses within cells, geocode quality and its error (DOMAIN §8.2). Does not belong
here: which cell an event falls in (`crimes`, `asb`), coordinates that are wrong on purpose
(`dirt`).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.force.county import County, Floats, Ints
from hotspot_pipeline.simulator.force.streets import Streets

NO_COORDINATE = np.iinfo(np.int64).min
_QUALITY = ("uprn", "street", "junction", "postcode", "area_centroid", "default", "none")
_SHARE = np.array([0.60, 0.20, 0.05, 0.10, 0.03, 0.015, 0.005])
_SIGMA_M = np.array([3.0, 25.0, 25.0, 60.0, 400.0, 0.0, 0.0])
_ALONG = (_QUALITY.index("street"), _QUALITY.index("junction"))
_FAR = 10_000_000  # beyond every northing
# No honest geocode may leave the force by a kilometre: that is what `dirt` is for.
_LARGEST_SHIFT_M = 450.0


def pick_cells(rng: np.random.Generator, weights: Floats, n: int) -> tuple[Ints, Ints]:
    """(cell position, week) of n events, from weights (n_cells, n_weeks)."""
    cumulative = np.cumsum(weights.ravel())
    flat = np.searchsorted(cumulative, rng.uniform(size=n) * cumulative[-1], side="right")
    flat = np.minimum(flat, weights.size - 1)
    return flat // weights.shape[1], flat % weights.shape[1]


def true_places(rng: np.random.Generator, county: County, cell: Ints) -> tuple[Ints, Ints]:
    """The address (whole metres) of each event within its cell."""
    place = (rng.uniform(size=len(cell))[:, None] > county.place_cumulative[cell]).sum(axis=1)
    place = np.minimum(place, county.place_cumulative.shape[1] - 1)
    return (
        county.place_easting[cell, place].astype(np.int64),
        county.place_northing[cell, place].astype(np.int64),
    )


def geocode(
    rng: np.random.Generator,
    easting: Ints,
    northing: Ints,
    default_geocodes: pl.DataFrame,
    streets: Streets | None = None,
) -> tuple[Ints, Ints, pl.Series]:
    """Easting, northing (NO_COORDINATE where none) and quality as recorded for true addresses.

    With `streets`, what is known by its street lies somewhere along it.
    """
    n = len(easting)
    quality = rng.choice(len(_QUALITY), n, p=_SHARE / _SHARE.sum())
    shift = rng.standard_normal((n, 2)) * _SIGMA_M[quality][:, None]
    if streets is not None:
        along = np.flatnonzero(np.isin(quality, _ALONG))
        # many events share an address
        address, mine = np.unique(easting[along] * _FAR + northing[along], return_inverse=True)
        _, bearing = streets.nearest_street(*(v.astype(np.float64) for v in divmod(address, _FAR)))
        bearing = bearing[mine]
        shift[along] = shift[along, :1] * np.column_stack([np.sin(bearing), np.cos(bearing)])
    shift = np.clip(shift, -_LARGEST_SHIFT_M, _LARGEST_SHIFT_M)
    east = np.round(easting + shift[:, 0]).astype(np.int64)
    north = np.round(northing + shift[:, 1]).astype(np.int64)
    is_area = quality == _QUALITY.index("area_centroid")
    east, north = (np.where(is_area, (v + 50) // 100 * 100, v) for v in (east, north))
    default = rng.choice(len(default_geocodes), n, p=_default_shares(len(default_geocodes)))
    is_default = quality == _QUALITY.index("default")
    east = np.where(is_default, default_geocodes["easting"].to_numpy()[default], east)
    north = np.where(is_default, default_geocodes["northing"].to_numpy()[default], north)
    has_none = quality == _QUALITY.index("none")
    east, north = (np.where(has_none, NO_COORDINATE, v) for v in (east, north))
    return east, north, pl.Series(_QUALITY).gather(quality)


def coordinate_column(values: Ints) -> pl.Series:
    """Int64 with null where there is no coordinate."""
    return pl.Series(values, dtype=pl.Int64).replace({NO_COORDINATE: None})


def _default_shares(n: int) -> Floats:
    """The first default point takes most, as force headquarters do."""
    share = 0.5 ** np.arange(n)
    return np.asarray(share / share.sum())
