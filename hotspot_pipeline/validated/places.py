"""Where each row lies: one location, its cells, and whether that is in the force.

Belongs here: putting `geo`'s answers beside the rows of an extract. Does not belong here: how a
coordinate is recognised or transformed (`geo`), which rows are turned away for it (`rules_place`).

Many rows share a point (a shop, a map point), so each distinct set of delivered texts is worked out
once. Cells are indexed at every resolution from the coordinates, never taken from a finer cell.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from hotspot_pipeline.geo.boundary import Boundary
from hotspot_pipeline.geo.coordinates import COLUMNS, recognise
from hotspot_pipeline.geo.grid import NO_CELL, GridSpec, make_grid

GREAT_BRITAIN_BNG = (0.0, 0.0, 700_000.0, 1_300_000.0)
"""The box of the National Grid, for a force without a boundary: swaps inside it cannot be seen."""


def cell_column(resolution: int) -> str:
    return f"cell_r{resolution}"


def locate(
    texts: pl.DataFrame, boundary: Boundary | None, resolutions: Sequence[int]
) -> pl.DataFrame:
    """One row for each row of `texts`, whose columns are any of easting, northing, lon and lat as
    text.

    Returns `easting`, `northing` (m, EPSG:27700), `lon`, `lat` (degrees, WGS84),
    `coordinate_status` and `coordinate_note` (see `geo.coordinates`), `cell_r<n>` (Int64) for each
    resolution, all null where there is no location but for the status; `is_inside_force` and
    `distance_outside_m` (0 inside), null without a location or a boundary.
    """
    texts = texts.select(
        pl.col(name) if name in texts.columns else pl.lit(None, dtype=pl.String).alias(name)
        for name in COLUMNS
    )
    points = texts.unique(maintain_order=True)
    located = _locate_each(points, boundary, resolutions)
    if len(points) == len(texts):
        return located
    keys = [f"delivered_{name}" for name in COLUMNS]
    table = pl.concat(
        [points.rename(dict(zip(COLUMNS, keys, strict=True))), located], how="horizontal"
    )
    return texts.join(
        table,
        left_on=COLUMNS,
        right_on=keys,
        how="left",
        nulls_equal=True,
        maintain_order="left",
        suffix="_found",
    ).select(
        pl.col(f"{name}_found").alias(name) if name in COLUMNS else pl.col(name)
        for name in located.columns
    )


def _locate_each(
    points: pl.DataFrame, boundary: Boundary | None, resolutions: Sequence[int]
) -> pl.DataFrame:
    bounds = GREAT_BRITAIN_BNG if boundary is None else boundary.bounds_bng
    located = recognise(points, bounds)
    lon, lat = located["lon"].to_numpy(), located["lat"].to_numpy()
    columns: list[pl.Series] = []
    for resolution in resolutions:
        cells = make_grid(GridSpec(resolution=resolution)).index(lon, lat)
        columns.append(pl.Series(cell_column(resolution), cells, dtype=pl.Int64))
    located = located.with_columns(columns).with_columns(
        pl.when(pl.col(column.name) != NO_CELL).then(pl.col(column.name)) for column in columns
    )
    distance = pl.Series("distance_outside_m", [None], dtype=pl.Float64).new_from_index(
        0, len(points)
    )
    if boundary is not None:
        metres = boundary.distance_outside_m(
            located["easting"].to_numpy(), located["northing"].to_numpy()
        )
        distance = pl.Series("distance_outside_m", metres, nan_to_null=True)
    return located.with_columns(distance, (distance == 0.0).alias("is_inside_force"))
