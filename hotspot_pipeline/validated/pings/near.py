"""Is a point further from the force than so many metres? Asked of millions of points, most of them near each other.

Here: the answer by squares of a kilometre, exact. Not here: what follows from it (`rows.py`), distances themselves
(`geo/boundary.py`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hotspot_pipeline.geo.boundary import Boundary

_SQUARE_M = 1000.0
# half the diagonal: no point of a square is further from its centre
_REACH_M = _SQUARE_M * 0.7072


class NearForce:
    """A square whose centre is well within, or well beyond, answers for all points in it; in the others each is asked."""

    def __init__(self, boundary: Boundary, beyond_m: float) -> None:
        self._boundary, self._beyond_m = boundary, beyond_m

    def is_far(
        self, easting: NDArray[np.float64], northing: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """True where the point is over `beyond_m` metres outside the force. Finite metres, EPSG:27700."""
        squares = np.column_stack([easting // _SQUARE_M, northing // _SQUARE_M])
        distinct, square = np.unique(squares, axis=0, return_inverse=True)
        centre = (distinct + 0.5) * _SQUARE_M
        distance = self._boundary.distance_outside_m(centre[:, 0], centre[:, 1])
        square = square.ravel()
        far: NDArray[np.bool_] = (distance - _REACH_M > self._beyond_m)[square]
        in_doubt = (np.abs(distance - self._beyond_m) <= _REACH_M)[square]
        if in_doubt.any():
            exact = self._boundary.distance_outside_m(easting[in_doubt], northing[in_doubt])
            far[in_doubt] = exact > self._beyond_m
        return far
