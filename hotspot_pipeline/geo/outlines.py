"""The outlines of cells in metres: what maps, layers and joins with other polygons are made of.

Belongs here: a grid's polygons moved to British National Grid. Does not belong here: the polygons
in degrees (`grid.polygons`), the transform (`transform`), joining cells to one outline (`hexes`).
"""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from hotspot_pipeline.geo.grid import Grid
from hotspot_pipeline.geo.transform import TransformError, to_bng


def polygons_bng(grid: Grid, cells: ArrayLike) -> NDArray[np.object_]:
    """The cells as shapely polygons in EPSG:27700, every corner through OSTN15, in the order given.

    Corners are to the millimetre. Raises TransformError where a corner lies outside OSTN15's
    coverage: a polygon with a hole in its coordinates would be neither drawn nor joined.
    """
    ids = np.atleast_1d(np.asarray(cells))
    shapes = grid.polygons(ids)
    lon, lat = shapely.get_coordinates(shapes).T
    easting, northing = to_bng(lon, lat)
    lost = np.isnan(easting)
    if lost.any():
        _, owner = shapely.get_coordinates(shapes, return_index=True)
        outside = np.unique(owner[lost])
        raise TransformError(
            f"{outside.size} of {ids.size} cells reach outside OSTN15's coverage, the first is "
            f"{grid.to_text(ids[outside[:1]])[0]}. Cells of a British force do not: look for events "
            "with wrong coordinates there"
        )
    moved: NDArray[np.object_] = shapely.set_coordinates(
        shapes.copy(), np.column_stack([easting, northing])
    )
    return moved
