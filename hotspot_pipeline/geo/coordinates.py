"""How a row's coordinates were delivered, recognised on raw text, and the one location they give.

Belongs here: telling a good pair from a missing, zero, swapped, misplaced, rounded or contradictory
one (rule C12 of the domain specification), for whole columns at once. Does not belong here: sending
a row to the rejects (`validated` does, by `TREATMENT`), whether a good point lies in the force
(`boundary`, rule C11), letter references (`grid_reference`).

What becomes of each status is in `TREATMENT`:

- **use**: the location is the delivered one. `pairs_disagree` is used and flagged: where both pairs
  come, easting and northing are the record and longitude and latitude derived from it, often in
  another datum or left at 0, and turning crimes away over a derived column loses more than it saves;
- **use_as_area_centroid**: used, but the geocode quality becomes `area_centroid`: the coordinates
  name a square of 100 m or more, not a place;
- **no_location**: an accepted row without a location (counted, not mapped);
- **quarantine**: the row is turned away for someone to look at. The location is null: a guess at
  what was meant is never used.

Swaps are judged by the force's own box: a pair is swapped if as delivered it lies outside and
exchanged it lies inside. In a force whose box crosses the line easting = northing some swaps cannot
be told from good points.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hotspot_pipeline.geo import grid_reference
from hotspot_pipeline.geo.transform import to_bng, to_wgs84

Treatment = Literal["use", "use_as_area_centroid", "no_location", "quarantine"]

_STATUSES: dict[str, tuple[Treatment, str | None]] = {
    "ok": ("use", None),
    "grid_reference": ("use", "delivered as a letter reference of the National Grid"),
    "pairs_disagree": (
        "use",
        "longitude and latitude are faulty or over 25 m from easting and northing, which are used",
    ),
    "rounded_100m": (
        "use_as_area_centroid",
        "easting and northing both end in 00: rounded to 100 m",
    ),
    "grid_reference_coarse": (
        "use_as_area_centroid",
        "letter reference of six figures or fewer; the middle of its square is used",
    ),
    "missing": ("no_location", "no coordinates delivered"),
    "incomplete": ("quarantine", "one half of a coordinate pair is blank"),
    "unreadable": ("quarantine", "a coordinate is neither a number nor a letter reference"),
    "zero": ("quarantine", "both coordinates are 0"),
    "swapped_easting_northing": (
        "quarantine",
        "outside the force as delivered, inside it with easting and northing exchanged",
    ),
    "swapped_lon_lat": (
        "quarantine",
        "outside the force as delivered, inside it with longitude and latitude exchanged",
    ),
    "degrees_in_easting_northing": (
        "quarantine",
        "easting and northing hold degrees, not metres",
    ),
    "metres_in_lon_lat": ("quarantine", "longitude and latitude hold metres, not degrees"),
    "outside_grid": ("quarantine", "outside the British National Grid"),
}
COORDINATE_STATUSES = tuple(_STATUSES)
TREATMENT: dict[str, Treatment] = {status: kept for status, (kept, _) in _STATUSES.items()}
STATUS_DTYPE = pl.Enum(COORDINATE_STATUSES)

COLUMNS = ("easting", "northing", "lon", "lat")
_CODE = {status: code for code, status in enumerate(COORDINATE_STATUSES)}
_MISSING = _CODE["missing"]  # the codes before it are usable locations, those after it faults
_BLANKS = ["", "NULL", "NONE", "NAN", "NA", "N/A", "-"]
_THOUSANDS = r"^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$"
_AGREEMENT_M = 25.0
_DIAGONAL = 2**0.5

Bounds = tuple[float, float, float, float]
Floats = NDArray[np.float64]
Codes = NDArray[np.int8]


def recognise(frame: pl.DataFrame, bounds_bng: Bounds, margin_m: float = 5_000.0) -> pl.DataFrame:
    """One location and one status for each row of delivered coordinates.

    `frame` has the text columns `easting`, `northing`, `lon`, `lat`, and `grid_reference` for
    letter references in a column of their own; any may be absent, others are ignored. `bounds_bng`
    is the force's box in metres (least easting and northing, greatest easting and northing), grown
    here by `margin_m`; it decides swaps and nothing else.

    Returns, in the same order, `easting`, `northing` (m, EPSG:27700), `lon`, `lat` (degrees, WGS84),
    `coordinate_status` (`COORDINATE_STATUSES`) and `coordinate_note` (one fixed sentence for each
    status, without the coordinates, so it may be shown anywhere). Where both pairs come, easting
    and northing decide and longitude and latitude are derived from them, so that a row has one
    location: the second pair can only bring the status `pairs_disagree` (beyond 25 m, plus the
    diagonal of the square that a rounded pair or a letter reference names).
    """
    names = (*COLUMNS, "grid_reference")
    texts = frame.with_columns(_text(frame, name) for name in names).select(names)
    texts = texts.with_columns(
        easting=pl.when(pl.col("northing").is_null())
        .then(pl.coalesce("easting", "grid_reference"))
        .otherwise("easting")
    )
    numbers = texts.select(_number(pl.col(name)).alias(name) for name in COLUMNS)
    easting, northing, lon, lat = (numbers[name].to_numpy(writable=True) for name in COLUMNS)
    square_m = _read_letter_references(texts, easting, northing)
    west, south, east, north = bounds_bng
    box = (west - margin_m, south - margin_m, east + margin_m, north + margin_m)

    en_code = _shared_faults(texts["easting"], texts["northing"], easting, northing)
    derived_lon, derived_lat = _judge_metres(en_code, easting, northing, square_m, box)
    ll_code = _shared_faults(texts["lon"], texts["lat"], lon, lat)
    derived_e, derived_n = _judge_degrees(ll_code, lon, lat, box)

    code = np.where(en_code == _MISSING, ll_code, en_code)
    apart_m = np.hypot(easting - derived_e, northing - derived_n)
    side_m = np.where(en_code == _CODE["rounded_100m"], 100.0, square_m)
    agree = apart_m <= _AGREEMENT_M + side_m * _DIAGONAL  # False for NaN: a faulty second pair
    code[(en_code < _MISSING) & (ll_code != _MISSING) & ~agree] = _CODE["pairs_disagree"]

    from_metres = en_code < _MISSING
    usable = code < _MISSING
    location = {
        "easting": np.where(from_metres, easting, derived_e),
        "northing": np.where(from_metres, northing, derived_n),
        "lon": np.where(from_metres, derived_lon, lon),
        "lat": np.where(from_metres, derived_lat, lat),
    }
    statuses = pl.Series(COORDINATE_STATUSES, dtype=STATUS_DTYPE).gather(code)
    notes = pl.Series([note for _, note in _STATUSES.values()], dtype=pl.String).gather(code)
    return pl.DataFrame(
        {
            **{
                name: pl.Series(np.where(usable, values, np.nan), nan_to_null=True)
                for name, values in location.items()
            },
            "coordinate_status": statuses,
            "coordinate_note": notes,
        }
    )


def _text(frame: pl.DataFrame, name: str) -> pl.Expr:
    """A delivered column as trimmed upper-case text, null where it is blank or absent."""
    if name not in frame.columns:
        return pl.lit(None, dtype=pl.String).alias(name)
    text = pl.col(name).cast(pl.String).str.strip_chars().str.to_uppercase()
    return pl.when(~text.is_in(_BLANKS)).then(text).alias(name)


def _number(text: pl.Expr) -> pl.Expr:
    """Float64 of "431912", "431,912.5" or " -1.53 "; null where it is not a number."""
    plain = text.str.replace_all(",", "", literal=True)
    return (
        pl.when(text.str.contains(_THOUSANDS))
        .then(plain)
        .otherwise(text)
        .cast(pl.Float64, strict=False)
    )


def _read_letter_references(texts: pl.DataFrame, easting: Floats, northing: Floats) -> Floats:
    """Fill in the rows that hold letter references; returns their squares' sides (m), else 0."""
    square_m = np.zeros(len(easting))
    letters = pl.any_horizontal(
        pl.col(name).str.contains(grid_reference.LOOKS_LIKE_ONE).fill_null(False)
        for name in ("easting", "northing")
    )
    rows = texts.select(letters.arg_true()).to_series().to_numpy()
    if len(rows):
        found = grid_reference.parse(texts["easting"][rows], texts["northing"][rows])
        easting[rows] = found["easting"].to_numpy()
        northing[rows] = found["northing"].to_numpy()
        square_m[rows] = found["square_m"].fill_null(0).to_numpy()
    return square_m


def _shared_faults(text_x: pl.Series, text_y: pl.Series, x: Floats, y: Floats) -> Codes:
    """The faults any pair can have: missing, unreadable, incomplete, zero; else ok."""
    has_x, has_y = text_x.is_not_null().to_numpy(), text_y.is_not_null().to_numpy()
    good_x, good_y = np.isfinite(x), np.isfinite(y)
    code = np.full(len(x), _CODE["ok"], dtype=np.int8)
    code[(x == 0) & (y == 0)] = _CODE["zero"]
    # A whole letter reference fills both numbers from one text, so numbers count as halves too.
    code[~(good_x & good_y)] = _CODE["incomplete"]
    code[(has_x & ~good_x) | (has_y & ~good_y)] = _CODE["unreadable"]
    code[~(has_x | has_y)] = _MISSING
    return code


def _judge_metres(
    code: Codes, easting: Floats, northing: Floats, square_m: Floats, box: Bounds
) -> tuple[Floats, Floats]:
    """Set the codes of easting and northing pairs still ok; returns longitude and latitude."""
    lon, lat = np.full(len(code), np.nan), np.full(len(code), np.nan)
    rows = np.flatnonzero(code == _CODE["ok"])
    e, n, side = easting[rows], northing[rows], square_m[rows]
    lon[rows], lat[rows] = to_wgs84(e, n)
    number = side == 0
    found = np.full(len(rows), _CODE["ok"], dtype=np.int8)
    found[number & (e % 100 == 0) & (n % 100 == 0)] = _CODE["rounded_100m"]
    found[side > 0] = _CODE["grid_reference"]
    found[side >= 100] = _CODE["grid_reference_coarse"]
    found[np.isnan(lon[rows])] = _CODE["outside_grid"]
    swapped = number & ~_inside(box, e, n) & _inside(box, n, e)
    found[swapped] = _CODE["swapped_easting_northing"]
    found[number & (np.abs(e) <= 180) & (np.abs(n) <= 180)] = _CODE["degrees_in_easting_northing"]
    code[rows] = found
    return lon, lat


def _judge_degrees(code: Codes, lon: Floats, lat: Floats, box: Bounds) -> tuple[Floats, Floats]:
    """Set the codes of longitude and latitude pairs still ok; returns easting and northing."""
    easting, northing = np.full(len(code), np.nan), np.full(len(code), np.nan)
    rows = np.flatnonzero(code == _CODE["ok"])
    x, y = lon[rows], lat[rows]
    e, n = to_bng(x, y)
    easting[rows], northing[rows] = e, n
    found = np.full(len(rows), _CODE["ok"], dtype=np.int8)
    found[np.isnan(e)] = _CODE["outside_grid"]
    found[(np.abs(x) > 1_000) & (np.abs(y) > 1_000)] = _CODE["metres_in_lon_lat"]
    outside = np.flatnonzero(~_inside(box, e, n))
    exchanged = _inside(box, *to_bng(y[outside], x[outside]))
    found[outside[exchanged]] = _CODE["swapped_lon_lat"]
    code[rows] = found
    return easting, northing


def _inside(box: Bounds, easting: Floats, northing: Floats) -> NDArray[np.bool_]:
    west, south, east, north = box
    inside: NDArray[np.bool_] = (
        (easting >= west) & (easting <= east) & (northing >= south) & (northing <= north)
    )
    return inside
