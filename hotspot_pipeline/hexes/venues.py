"""Night-time economy around a cell: venues inside, late venues near, and whether the cell's events
are linked to them.

Only counts and distances leave this module, never names of premises. The hours of the events come
from the tables of the stage; the definitions of night-time hours belong to settings and
`hot_times`.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import shapely

from hotspot_pipeline.hexes.checks import IntArray, require_columns, require_unique

LATE_WITHIN_M = 100.0
LINK_WITHIN_M = 50.0
MIN_VENUES = 2
MIN_LATE_VENUES = 1
MIN_WIDE_NTE_PERCENT = 40

REASON_NO_HOURS = "the feed has no hours: month-only events cannot be linked to night venues"
REASON_NO_USABLE_HOUR = "no event of the cell has a usable hour"

VENUE_SCHEMA = {
    "cell": pl.Int64,
    "n_venues_in_cell": pl.Int64,
    "n_late_within_100m": pl.Int64,
    "n_late_within_50m": pl.Int64,
    "dist_nearest_late_m": pl.Float64,
    "has_nte_venues": pl.Boolean,
}


def venues_near_cells(
    cells: npt.ArrayLike, polygons: npt.NDArray[Any], venues: pl.DataFrame, *, on_day: date
) -> pl.DataFrame:
    """Return one row per cell, in the order given, with the columns of `VENUE_SCHEMA`.

    `polygons` is an array of shapely polygons of the cells in EPSG:27700. `venues` has venue_id
    (unique), easting, northing (EPSG:27700, metres), late_licence (open after 00:00), valid_from
    and valid_to. Venues count when they are valid on `on_day` (both days included, null is open).
    An unknown late_licence is not late; a venue without coordinates is nowhere.

    - n_venues_in_cell: venues inside the polygon; one exactly on an edge belongs to one cell only,
      the first in the list.
    - n_late_within_100m, n_late_within_50m: late venues in the cell or at most that far from its
      edge.
    - dist_nearest_late_m: metres from the cell (0 when inside) to the nearest late venue; null
      where there is none at all.
    - has_nte_venues: at least 2 venues in the cell, or at least 1 late venue in it or within 50 m.
    """
    ids = np.asarray(cells, dtype=np.int64)
    shapes = np.asarray(polygons, dtype=object)
    if ids.ndim != 1 or ids.shape != shapes.shape:
        raise ValueError(f"cells and polygons need one shape, got {ids.shape} and {shapes.shape}")
    columns = ("venue_id", "easting", "northing", "late_licence", "valid_from", "valid_to")
    require_columns(venues, columns, "venues")
    require_unique(venues, "venue_id", "venues")
    located = _open_and_located(venues, on_day)
    points = _points(located)
    late_points = _points(located.filter(pl.col("late_licence").fill_null(value=False)))
    n_late_near = _n_within(shapes, late_points, LINK_WITHIN_M)
    n_inside = _n_inside(shapes, points)
    return pl.DataFrame(
        {
            "cell": ids,
            "n_venues_in_cell": n_inside,
            "n_late_within_100m": _n_within(shapes, late_points, LATE_WITHIN_M),
            "n_late_within_50m": n_late_near,
            "dist_nearest_late_m": _metres_to_nearest(shapes, late_points),
            "has_nte_venues": (n_inside >= MIN_VENUES) | (n_late_near >= MIN_LATE_VENUES),
        },
        schema=VENUE_SCHEMA,
    )


def nte_linked(
    near: pl.DataFrame,
    hours: pl.DataFrame | None,
    *,
    min_wide_nte_percent: int = MIN_WIDE_NTE_PERCENT,
) -> pl.DataFrame:
    """Return one row per cell of `near`, in its order: cell, share_wide_nte, nte_linked,
    nte_linked_reason.

    `near` comes from `venues_near_cells` (cell, has_nte_venues). `hours` has `cell` (unique),
    `n_events_with_hour` and `n_events_wide_nte`, those of them between 18:00 and 06:00 local time
    (weights of aoristic windows will do), and is None when the feed has no hours.

    A cell is linked when it has the venues and at least `min_wide_nte_percent` % of its events with
    an hour fall into the wide night. Without hours in the feed every cell is null, with the reason;
    otherwise a cell without the venues is not linked, whatever its hours, and a cell with venues
    but no event with a usable hour is null, with the reason.
    """
    require_columns(near, ("cell", "has_nte_venues"), "venues near cells")
    require_unique(near, "cell", "venues near cells")
    if hours is None:
        return near.select(
            "cell",
            share_wide_nte=pl.lit(None, dtype=pl.Float64),
            nte_linked=pl.lit(None, dtype=pl.Boolean),
            nte_linked_reason=pl.lit(REASON_NO_HOURS),
        )
    require_columns(hours, ("cell", "n_events_with_hour", "n_events_wide_nte"), "event hours")
    require_unique(hours, "cell", "event hours")
    n_known, n_wide = pl.col("n_events_with_hour"), pl.col("n_events_wide_nte")
    wrong = hours.filter((n_wide < 0) | (n_wide > n_known))
    if wrong.height:
        row = wrong.row(0, named=True)
        raise ValueError(
            f"event hours: cell {row['cell']} has {row['n_events_wide_nte']} events in the wide "
            f"night out of {row['n_events_with_hour']} with an hour"
        )
    has_hours = n_known.fill_null(0) > 0
    at_night = 100 * n_wide >= min_wide_nte_percent * n_known
    has_venues = pl.col("has_nte_venues")
    return near.join(hours, on="cell", how="left", maintain_order="left").select(
        "cell",
        share_wide_nte=pl.when(has_hours).then(n_wide / n_known),
        nte_linked=pl.when(~has_venues).then(pl.lit(value=False)).when(has_hours).then(at_night),
        nte_linked_reason=pl.when(has_venues & ~has_hours).then(pl.lit(REASON_NO_USABLE_HOUR)),
    )


def _open_and_located(venues: pl.DataFrame, on_day: date) -> pl.DataFrame:
    begun = (pl.col("valid_from") <= on_day).fill_null(value=True)
    not_ended = (pl.col("valid_to") >= on_day).fill_null(value=True)
    metres = [pl.col(name).cast(pl.Float64).fill_nan(None) for name in ("easting", "northing")]
    open_then = venues.filter(begun & not_ended).with_columns(metres)
    return open_then.drop_nulls(["easting", "northing"])


def _points(venues: pl.DataFrame) -> npt.NDArray[Any]:
    points: npt.NDArray[Any] = shapely.points(
        venues.get_column("easting").to_numpy(), venues.get_column("northing").to_numpy()
    )
    return points


def _n_inside(shapes: npt.NDArray[Any], points: npt.NDArray[Any]) -> IntArray:
    """Points in each shape; a point on a shared edge is counted for the first of the shapes."""
    point_no, shape_no = shapely.STRtree(shapes).query(points, predicate="intersects")
    order = np.lexsort((shape_no, point_no))
    _, first = np.unique(point_no[order], return_index=True)
    return np.bincount(shape_no[order][first], minlength=shapes.size)


def _n_within(shapes: npt.NDArray[Any], points: npt.NDArray[Any], metres: float) -> IntArray:
    """Points inside each shape or at most `metres` from its edge."""
    _, shape_no = shapely.STRtree(shapes).query(points, predicate="dwithin", distance=metres)
    return np.bincount(shape_no, minlength=shapes.size)


def _metres_to_nearest(shapes: npt.NDArray[Any], points: npt.NDArray[Any]) -> pl.Series:
    """Metres from each shape to the nearest point, null when there are no points."""
    if points.size == 0 or shapes.size == 0:
        return pl.Series([None] * shapes.size, dtype=pl.Float64)
    nearest = shapely.STRtree(points).nearest(shapes)
    return pl.Series(shapely.distance(shapes, points[nearest]))
