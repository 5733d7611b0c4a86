"""Which events lie in an excluded site or at a default geocode.

Finds the matches only. What a match means (leave out, report apart, keep with a flag) depends on
the kind of site, the offence and the type of location, and is decided where events are counted; the
registers come through the gate.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import shapely

from hotspot_pipeline.hexes.checks import FloatArray, IntArray, require_columns, require_unique

_SITE_COLUMNS = ("site_id", "kind", "easting", "northing", "radius_m", "valid_from", "valid_to")

MATCH_SCHEMA = {
    "row": pl.Int64,
    "site_id": pl.String,
    "kind": pl.String,
    "distance_m": pl.Float64,
}


def match_sites(
    points: pl.DataFrame,
    sites: pl.DataFrame,
    *,
    date_from: str,
    date_to: str | None = None,
) -> pl.DataFrame:
    """Return one row per point and site that it lies in: row, site_id, kind, distance_m; nearest
    first, then site_id.

    `points` has `easting`, `northing` (EPSG:27700, metres; null or NaN matches nothing) and the day
    of the event in column `date_from`, up to the day in `date_to` (the same column when not given;
    for a month-only feed, the last of the month). `row` is the position in `points`.

    `sites` has site_id (unique), kind, easting, northing, radius_m, valid_from, valid_to, and
    optionally `polygon_wkt` (EPSG:27700). With a polygon a point matches up to `radius_m` (null: 0)
    from the polygon, and `distance_m` is 0 inside; without one, up to `radius_m` from the point of
    the site. Both limits include their edge.

    Both validity days are included; null is open. A site matches when any day of the event's span
    is valid, so a month-only event is matched in a month that was valid in part. A missing event
    day is open too: unknown does not rule a site out.

    Raises ValueError naming the site when it has no usable extent or an unreadable polygon.
    """
    end = date_to or date_from
    require_columns(points, ("easting", "northing", date_from, end), "points")
    require_columns(sites, _SITE_COLUMNS, "sites")
    require_unique(sites, "site_id", "sites")
    shapes, radius_m = _site_shapes(sites)
    easting, northing = _metres(points, "easting"), _metres(points, "northing")
    located = np.flatnonzero(np.isfinite(easting) & np.isfinite(northing))
    if located.size == 0 or sites.is_empty():
        return pl.DataFrame(schema=MATCH_SCHEMA)
    located_points = shapely.points(easting[located], northing[located])
    point_no, site_no = _near_envelopes(located_points, shapes, radius_m)
    distance_m = shapely.distance(located_points[point_no], shapes[site_no])
    inside = distance_m <= radius_m[site_no]
    rows: IntArray = located[point_no[inside]]
    register_rows: IntArray = site_no[inside]
    # Rows are picked by position: a join over all the events would cost more than the geometry.
    events = points.select(first_day=pl.col(date_from), last_day=pl.col(end))[rows]
    register = sites.select("site_id", "kind", "valid_from", "valid_to")[register_rows]
    begins = (pl.col("valid_from") <= pl.col("last_day")).fill_null(value=True)
    ends = (pl.col("valid_to") >= pl.col("first_day")).fill_null(value=True)
    return (
        pl.concat([events, register], how="horizontal")
        .with_columns(row=pl.Series(rows), distance_m=pl.Series(distance_m[inside]))
        .filter(begins & ends)
        .sort("row", "distance_m", "site_id")
        .select(pl.col(name).cast(dtype) for name, dtype in MATCH_SCHEMA.items())
    )


def nearest_match(matches: pl.DataFrame) -> pl.DataFrame:
    """Return the nearest match of each point (of equally near ones, the lowest site_id), by row."""
    require_columns(matches, MATCH_SCHEMA, "matches")
    return matches.sort("row", "distance_m", "site_id").unique(
        "row", keep="first", maintain_order=True
    )


def _metres(frame: pl.DataFrame, column: str) -> FloatArray:
    """A column as float64 metres, null as NaN."""
    values: FloatArray = frame.get_column(column).cast(pl.Float64).to_numpy()
    return values


def _site_shapes(sites: pl.DataFrame) -> tuple[Any, FloatArray]:
    """The polygon or point of every site, and the distance in metres around it that still belongs
    to it."""
    radius_m = _metres(sites, "radius_m").copy()
    shapes = shapely.points(_metres(sites, "easting"), _metres(sites, "northing"))
    polygons = (
        sites.get_column("polygon_wkt").to_list()
        if "polygon_wkt" in sites.columns
        else [None] * sites.height
    )
    for at, (site_id, wkt) in enumerate(zip(sites.get_column("site_id"), polygons, strict=True)):
        if wkt:
            shapes[at] = _polygon(site_id, wkt)
            radius_m[at] = 0.0 if np.isnan(radius_m[at]) else radius_m[at]
        elif not np.isfinite(shapely.get_coordinates(shapes[at])).all() or shapes[at].is_empty:
            raise ValueError(f"site {site_id}: neither a polygon nor an easting and northing")
        if not np.isfinite(radius_m[at]) or radius_m[at] < 0:
            raise ValueError(f"site {site_id}: radius_m is {radius_m[at]}; give metres, 0 or more")
    shapely.prepare(shapes)
    return shapes, radius_m


def _polygon(site_id: str, wkt: str) -> Any:
    try:
        shape = shapely.from_wkt(wkt)
    except shapely.errors.GEOSException as error:
        raise ValueError(
            f"site {site_id}: polygon_wkt {wkt[:60]!r} cannot be read: {error}"
        ) from None
    if shape.is_empty or shape.geom_type not in ("Polygon", "MultiPolygon"):
        raise ValueError(f"site {site_id}: polygon_wkt is a {shape.geom_type}; a polygon is needed")
    if not shape.is_valid:
        reason = shapely.is_valid_reason(shape)
        raise ValueError(f"site {site_id}: polygon_wkt is not a valid polygon: {reason}")
    return shape


def _near_envelopes(points: Any, shapes: Any, radius_m: FloatArray) -> tuple[IntArray, IntArray]:
    """Pairs (point, site) whose point lies in the site's bounding box grown by its radius."""
    # A millimetre more, so that rounding never loses a point on the edge: the distance decides.
    grow = radius_m + 0.001
    west, south, east, north = shapely.bounds(shapes).T
    boxes = shapely.box(west - grow, south - grow, east + grow, north + grow)
    point_no, site_no = shapely.STRtree(boxes).query(points)
    return point_no, site_no
