"""Checks that the kernels of this stage make on what they are given.

Only shapes and ranges of arrays and the columns of frames belong here. Whether a delivered row is
plausible is decided at the gate (`validated/`), long before a kernel sees it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


def as_counts(values: npt.ArrayLike, name: str) -> IntArray:
    """Return `values` as a 1-D int64 array of counts.

    Raises ValueError naming the first value that is negative, missing or not a whole number.
    """
    given = np.asarray(values)
    if given.ndim != 1:
        raise ValueError(
            f"{name}: one count per cell is needed, got an array of shape {given.shape}"
        )
    if given.size == 0:
        return np.zeros(0, dtype=np.int64)
    if given.dtype.kind not in "iuf":
        raise ValueError(f"{name}: counts must be numbers, got {given.dtype}")
    bad = ~np.isfinite(given) | (given < 0) | (given != np.floor(given))
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        raise ValueError(f"{name}[{at}] is {given[at]}: counts are whole numbers of 0 or more")
    return given.astype(np.int64)


def as_measure(values: npt.ArrayLike, name: str) -> FloatArray:
    """Return `values` as a 1-D float64 array, refusing NaN and infinity."""
    given = np.asarray(values, dtype=np.float64)
    if given.ndim != 1:
        raise ValueError(
            f"{name}: one value per cell is needed, got an array of shape {given.shape}"
        )
    bad = ~np.isfinite(given)
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        raise ValueError(f"{name}[{at}] is {given[at]}: only finite numbers can be used")
    return given


def as_areas(values: npt.ArrayLike | None, n: int, name: str = "areas_m2") -> FloatArray | None:
    """Return `n` cell areas in square metres, or None where the cells count as equal."""
    if values is None:
        return None
    areas = as_measure(values, name)
    if areas.size != n:
        raise ValueError(f"{name} has {areas.size} values for {n} cells")
    if (areas <= 0).any():
        at = int(np.flatnonzero(areas <= 0)[0])
        raise ValueError(f"{name}[{at}] is {areas[at]}: an area is above 0")
    return areas


def as_pairs(i: npt.ArrayLike, j: npt.ArrayLike, n: int) -> tuple[IntArray, IntArray]:
    """Return the adjacency of `n` cells as index arrays.

    Every neighbouring pair must be there once in each direction, and no cell beside itself: a
    one-way or repeated list would give wrong sums without any sign of it, so it is refused.
    """
    left, right = np.asarray(i, dtype=np.int64), np.asarray(j, dtype=np.int64)
    if left.ndim != 1 or left.shape != right.shape:
        raise ValueError(f"pairs: i and j need one shape, got {left.shape} and {right.shape}")
    if left.size == 0:
        return left, right
    lowest, highest = min(left.min(), right.min()), max(left.max(), right.max())
    if lowest < 0 or highest >= n:
        raise ValueError(f"pairs: indices run from {lowest} to {highest}, but there are {n} cells")
    if (left == right).any():
        at = int(np.flatnonzero(left == right)[0])
        raise ValueError(
            f"pairs[{at}]: cell {left[at]} is listed as its own neighbour; leave it out"
        )
    forward, backward = np.sort(left * n + right), np.sort(right * n + left)
    if (forward[1:] == forward[:-1]).any():
        at = int(forward[1:][forward[1:] == forward[:-1]][0])
        raise ValueError(f"pairs: ({at // n}, {at % n}) is listed twice")
    if not np.array_equal(forward, backward):
        at = int(np.setdiff1d(forward, backward)[0])
        raise ValueError(f"pairs: ({at // n}, {at % n}) is listed, ({at % n}, {at // n}) is not")
    return left, right


def require_columns(frame: pl.DataFrame, columns: Iterable[str], what: str) -> None:
    """Raise ValueError when `frame` lacks one of `columns`, naming what is missing and what is
    there."""
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise ValueError(f"{what}: no column {', '.join(missing)}; the frame has {frame.columns}")


def require_unique(frame: pl.DataFrame, column: str, what: str) -> None:
    """Raise ValueError when a value of `column` is null or stands in more than one row."""
    values = frame.get_column(column)
    if values.null_count():
        raise ValueError(f"{what}: {column} is null in {values.null_count()} rows")
    repeated = values.filter(values.is_duplicated())
    if repeated.len():
        first: Any = repeated[0]
        raise ValueError(f"{what}: {column} {first} stands in more than one row; expected one each")
