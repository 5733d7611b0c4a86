"""Row rules about place: usable coordinates, inside the force, readable outlines.

Belongs here: checks C10, C11 and C12 of the domain specification, and outlines (C1). Does not
belong here: recognising a coordinate and its boundary distance (`places`, `geo`), exclusions (the
`hexes` stage).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from hotspot_pipeline.geo.coordinates import TREATMENT
from hotspot_pipeline.validated.broken import broken_rows, no_broken_rows
from hotspot_pipeline.validated.places import GREAT_BRITAIN_BNG
from hotspot_pipeline.validated.rule import Rule, RuleInput
from hotspot_pipeline.validated.typing import LOCATION_COLUMNS

DELIVERED_PLACE = "delivered_place"
"""Column of the rules' frame: the delivered location texts in one, for the value of a reject."""

_QUARANTINED = [status for status, kept in TREATMENT.items() if kept == "quarantine"]
_ABOUT_DEGREES = ["swapped_lon_lat", "metres_in_lon_lat"]


def delivered_place(columns: Sequence[str]) -> pl.Expr:
    """The location as delivered, as one text: `easting=431900, northing=265700`; null if none.

    An expression on the stripped text columns, of which `columns` are there.
    """
    parts = [pl.lit(f"{n}=") + pl.col(n) for n in LOCATION_COLUMNS if n in columns]
    if not parts:
        return pl.lit(None, dtype=pl.String).alias(DELIVERED_PLACE)
    text = pl.concat_str(parts, separator=", ", ignore_nulls=True)
    return pl.when(text != "").then(text).alias(DELIVERED_PLACE)


def _coordinates(given: RuleInput) -> pl.DataFrame:
    status = pl.col("coordinate_status").cast(pl.String)
    return _noted(given, "coordinates", status.is_in(_QUARANTINED))


def _coordinates_in_doubt(given: RuleInput) -> pl.DataFrame:
    status = pl.col("coordinate_status").cast(pl.String)
    is_used = pl.col("lon").is_not_null() & ~status.is_in(_QUARANTINED)
    return _noted(given, "coordinates_in_doubt", is_used & pl.col("coordinate_note").is_not_null())


def _noted(given: RuleInput, rule: str, is_broken: pl.Expr) -> pl.DataFrame:
    about_degrees = pl.col("coordinate_status").cast(pl.String).is_in(_ABOUT_DEGREES)
    in_metres = pl.col(DELIVERED_PLACE).str.contains("easting=|northing=") & ~about_degrees
    return broken_rows(
        given.frame,
        is_broken,
        column=pl.when(in_metres).then(pl.lit("easting")).otherwise(pl.lit("lon")),
        rule=rule,
        message=pl.col("coordinate_note"),
        value=pl.col(DELIVERED_PLACE),
    )


def _outside_force(given: RuleInput) -> pl.DataFrame:
    metres = given.params["beyond_m"]
    return _outside(
        given,
        "outside_force",
        pl.col("distance_outside_m") > metres,
        f"the place is more than {metres:,} m outside the force",
    )


def _near_force(given: RuleInput) -> pl.DataFrame:
    metres = given.params["within_m"]
    distance = pl.col("distance_outside_m")
    return _outside(
        given,
        "near_force",
        (distance > 0) & (distance <= metres),
        f"the place is outside the force, within {metres:,} m of it",
    )


def _outside(given: RuleInput, rule: str, is_broken: pl.Expr, message: str) -> pl.DataFrame:
    return broken_rows(
        given.frame,
        is_broken,
        column=pl.when(pl.col(DELIVERED_PLACE).str.contains("easting=", literal=True))
        .then(pl.lit("easting"))
        .otherwise(pl.lit("lon")),
        rule=rule,
        message=message,
        value=pl.col(DELIVERED_PLACE),
    )


def _has_coordinates(given: RuleInput) -> pl.DataFrame:
    return broken_rows(
        given.frame,
        pl.col("coordinate_status").cast(pl.String) == "missing",
        column="easting",
        rule="has_coordinates",
        message="no location: give easting and northing, or lon and lat",
        value=pl.col(DELIVERED_PLACE),
    )


def _polygon_readable(given: RuleInput) -> pl.DataFrame:
    import shapely

    outlined = given.frame.filter(pl.col("polygon_wkt").is_not_null())
    if outlined.is_empty():
        return no_broken_rows()
    west, south, east, north = GREAT_BRITAIN_BNG
    problems = []
    for text in outlined["polygon_wkt"].to_list():
        shape = shapely.from_wkt(text, on_invalid="ignore")
        problem = None
        if shape is None or shape.geom_type not in ("Polygon", "MultiPolygon") or shape.is_empty:
            problem = "polygon_wkt is not the text (WKT) of a polygon"
        elif not shape.is_valid:
            problem = "polygon_wkt crosses itself: draw the outline again"
        elif not shapely.box(west, south, east, north).covers(shape):
            problem = "polygon_wkt is not in National Grid metres (EPSG:27700)"
        problems.append(problem)
    messages = pl.Series("outline_problem", problems, dtype=pl.String)
    return broken_rows(
        outlined.with_columns(messages),
        pl.col("outline_problem").is_not_null(),
        column="polygon_wkt",
        rule="polygon_readable",
        message=pl.col("outline_problem"),
    )


RULES = {
    "coordinates": Rule(_coordinates),
    "coordinates_in_doubt": Rule(_coordinates_in_doubt),
    "outside_force": Rule(_outside_force, {"beyond_m": 1000}),
    "near_force": Rule(_near_force, {"within_m": 1000}),
    "has_coordinates": Rule(_has_coordinates),
    "polygon_readable": Rule(_polygon_readable, {}, ("polygon_wkt",)),
}
