"""British National Grid to and from longitude/latitude, by one pinned transform: OSTN15.

Belongs here: the transform, its name for lineage and the proof that it is the one at work. Does not
belong here: deciding which columns of a row hold which coordinates (`coordinates`), cells (`grid`).

The transform is Ordnance Survey's OSTN15, built into `convertbng`: no grid file to install, no
network, and no other way in. Another transform would move points without a word: a projection
library that lacks the OSTN15 grid is 2 m off, which puts about 1 % of points into another res-9
cell. So nothing here falls back: before the first conversion the library is held against Ordnance
Survey's published control points, and a result that is off by more than 2 mm raises
`TransformError`.

OSTN15 relates the National Grid to ETRS89. Receivers and files say WGS84; the two are treated as
equal here, as Ordnance Survey advises for mapping. They drift apart by about 2.5 cm a year and
differed by less than 1 m in 2025, far below the error of any geocode.

Results are rounded by the library: eastings and northings to 1 mm, degrees to 8 decimals (1 mm).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib.metadata import version

import numpy as np
import shapely
from convertbng import cutil
from numpy.typing import ArrayLike, NDArray
from shapely.geometry.base import BaseGeometry

TRANSFORM_ID = f"OSTN15 (convertbng {version('convertbng')})"
"""Which transform made the coordinates of a row: for lineage, and to be compared between runs."""

BNG_CRS = "EPSG:27700"
WGS84_CRS = "EPSG:4326"

# Ordnance Survey, OSTN15/OSGM15 developer pack, test points TP01 (Scilly), TP12 (Droitwich) and
# TP40 (Foula): longitude, latitude, easting, northing. The full comparison is in the tests.
_CONTROL_POINTS = np.array(
    [
        [-6.29977752014, 49.92226393730, 91492.146, 11318.804],
        [-2.15458614387, 52.25529381630, 389544.190, 261912.153],
        [-2.07382822798, 60.13308091660, 395999.668, 1138728.951],
    ]
)
_CONTROL_TOLERANCE_M = 0.002
_CONTROL_TOLERANCE_DEGREES = 5e-8

Floats = NDArray[np.float64]
_Convert = Callable[[ArrayLike, ArrayLike], tuple[Floats, Floats]]


class TransformError(RuntimeError):
    """The coordinate transform at work is not OSTN15, or a shape lies outside its coverage."""


def to_bng(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """Easting and northing (metres, EPSG:27700) of WGS84 degrees.

    Arrays of one length in, two float64 arrays of that length out; NaN in both outside OSTN15's
    coverage (the box of degrees around Great Britain and the Isle of Man, sea included) and for
    NaN or infinity.
    """
    _prove_ostn15()
    eastings, northings = cutil.convert_to_osgb36(*_pair(lon, lat))
    return eastings, northings


def to_wgs84(easting: ArrayLike, northing: ArrayLike) -> tuple[Floats, Floats]:
    """Longitude and latitude (WGS84 degrees) of British National Grid metres.

    Arrays of one length in, two float64 arrays of that length out; NaN in both outside the grid's
    700 by 1,250 km of OSTN15 (its far corners, all sea, have no way back) and for NaN or infinity.
    """
    _prove_ostn15()
    lon, lat = cutil.convert_osgb36_to_ll(*_pair(easting, northing))
    return lon, lat


def to_bng_geometry(geometry: BaseGeometry) -> BaseGeometry:
    """A shapely geometry from EPSG:4326 to EPSG:27700, vertex by vertex."""
    return _transform_geometry(geometry, to_bng, "EPSG:4326 to EPSG:27700")


def to_wgs84_geometry(geometry: BaseGeometry) -> BaseGeometry:
    """A shapely geometry from EPSG:27700 to EPSG:4326, vertex by vertex."""
    return _transform_geometry(geometry, to_wgs84, "EPSG:27700 to EPSG:4326")


def _transform_geometry(geometry: BaseGeometry, convert: _Convert, direction: str) -> BaseGeometry:
    def each_vertex(xy: Floats) -> Floats:
        x, y = convert(xy[:, 0], xy[:, 1])
        lost = np.flatnonzero(np.isnan(x))
        if lost.size:
            raise TransformError(
                f"{lost.size} of {len(xy)} vertices lie outside OSTN15's coverage when going from "
                f"{direction}; the first is ({xy[lost[0], 0]}, {xy[lost[0], 1]}). Check the "
                "coordinate system of the shape, and clip it to Great Britain"
            )
        return np.column_stack([x, y])

    return shapely.transform(geometry, each_vertex)


def _pair(first: ArrayLike, second: ArrayLike) -> tuple[Floats, Floats]:
    x = np.atleast_1d(np.asarray(first, dtype=np.float64))
    y = np.atleast_1d(np.asarray(second, dtype=np.float64))
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"coordinates must be two arrays of one length, not {x.shape}, {y.shape}")
    return x, y


@lru_cache(maxsize=1)
def _prove_ostn15() -> None:
    """Hold the library against published points once; a failure is not cached, so it repeats."""
    lon, lat, easting, northing = _CONTROL_POINTS.T.copy()
    found_e, found_n = cutil.convert_to_osgb36(lon, lat)
    found_lon, found_lat = cutil.convert_osgb36_to_ll(easting, northing)
    off_m = np.hypot(found_e - easting, found_n - northing)
    off_degrees = np.maximum(np.abs(found_lon - lon), np.abs(found_lat - lat))
    # Written so that NaN fails too.
    if not ((off_m < _CONTROL_TOLERANCE_M) & (off_degrees < _CONTROL_TOLERANCE_DEGREES)).all():
        raise TransformError(
            f"{TRANSFORM_ID} does not reproduce Ordnance Survey's published control points (off by "
            f"up to {np.max(off_m):.3f} m and {np.max(off_degrees):.1e} degrees). Coordinates "
            "would be moved, so nothing was converted. Reinstall convertbng from the lock file"
        )
