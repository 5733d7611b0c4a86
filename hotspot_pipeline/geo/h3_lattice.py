"""Reading the bits of H3 indexes: which are valid, and which are neighbours.

Belongs here: arithmetic on whole arrays of H3 indexes that the h3 binding offers only cell by cell.
Everything else about H3 is in `h3_grid`. Bit layout: https://h3geo.org/docs/core-library/h3Indexing
(4 bits mode at 59, 4 bits resolution at 52, 7 bits base cell at 45, then fifteen 3-bit digits, 7
where unused).
"""

from __future__ import annotations

import h3.api.basic_int as h3
import numpy as np
from numpy.typing import NDArray

from hotspot_pipeline.geo.grid import Cells

# Axial steps (a, b) named by the seven digits of an H3 index; 1 to 6 are the six neighbours.
# Source: https://h3geo.org/docs/core-library/coordsystems (IJK+ with a = i - k, b = j - k).
_STEPS = np.array(
    [[0, 0], [-1, -1], [0, 1], [-1, 0], [1, 0], [0, -1], [1, 1], [0, 0]], dtype=np.int64
)
# The twelve base cells that are pentagons (https://h3geo.org/docs/core-library/restable): their
# lattice has a wedge missing, so the flat arithmetic of `_lattice` does not hold in them.
_PENTAGON_BASE_CELLS = np.array([4, 14, 24, 38, 49, 58, 63, 72, 83, 97, 107, 117])


def is_valid(cells: Cells, resolution: int) -> NDArray[np.bool_]:
    """Mode 1, this resolution, a base cell that exists, digits 0-6 down to it and 7 below."""
    header = (cells >> 52) == ((1 << 7) | resolution)
    base_cell = (cells >> 45) & 127
    valid: NDArray[np.bool_] = header & (base_cell < 122)
    unused = (np.int64(1) << np.int64(3 * (15 - resolution))) - 1
    valid &= (cells & unused) == unused
    for level in range(1, resolution + 1):
        valid &= ((cells >> (3 * (15 - level))) & 7) != 7
    pentagon = valid & np.isin(base_cell, _PENTAGON_BASE_CELLS)
    if pentagon.any():
        # A pentagon's first digit that is not 0 cannot be 1: that wedge does not exist.
        valid[pentagon] = [h3.is_valid_cell(cell) for cell in cells[pentagon].tolist()]
    return valid


def ring_pairs(cells: Cells, resolution: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs (i, j) of neighbouring cells; `cells` sorted and distinct.

    Within one patch (`_lattice`) the digits of an index are a path on a flat lattice, so neighbours
    are found by arithmetic. A cell with six neighbours found has them all. The others lie at the
    rim of the cells given, or on a seam of two patches: only where the data has such a seam are
    they asked of the h3 library.
    """
    n = len(cells)
    if n == 0:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    patch, a, b = _lattice(cells, resolution)
    # One integer for each place: the patch, then the lattice shifted to be non-negative, with a
    # free row on each side so that a step off the edge meets no other cell's number.
    a -= a.min() - 1
    b -= b.min() - 1
    width, height = int(b.max()) + 2, int(a.max()) + 2
    place = (patch * height + a) * width + b
    order = np.argsort(place, kind="stable")
    in_order = place[order]
    left, right = [], []
    for step_a, step_b in _STEPS[1:7].tolist():
        at = np.searchsorted(in_order, in_order + (step_a * width + step_b))
        at[at == n] = 0
        hit = in_order[at] == in_order + (step_a * width + step_b)
        left.append(order[hit])
        right.append(order[at[hit]])
    i, j = np.concatenate(left), np.concatenate(right)
    if (patch == patch[0]).all() and _is_flat(cells[:1])[0]:
        return i, j
    incomplete = np.bincount(i, minlength=n) < 6
    asked_i, asked_j = _ask_library(cells, np.flatnonzero(incomplete))
    keep = ~incomplete[i]
    return np.concatenate([i[keep], asked_i]), np.concatenate([j[keep], asked_j])


def _is_flat(cells: Cells) -> NDArray[np.bool_]:
    return ~np.isin((cells >> 45) & 127, _PENTAGON_BASE_CELLS)


def _lattice(
    cells: Cells, resolution: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Patch and axial coordinates (a, b) of each cell on the flat lattice of its patch.

    Each digit is one step on the lattice of its level; going down a level turns the lattice and
    scales it by √7, one way at odd (Class III) levels and the other at even ones: (a, b) becomes
    (2a + b, 3b - a) or (3a - b, a + 2b). A patch is a base cell; in a pentagon, whose lattice has a
    wedge missing (Shetland lies in one), it is the part under one leading digit.
    """
    a = np.zeros(len(cells), dtype=np.int64)
    b = np.zeros(len(cells), dtype=np.int64)
    leading = np.zeros(len(cells), dtype=np.int64)
    for level in range(1, resolution + 1):
        a, b = (2 * a + b, 3 * b - a) if level % 2 else (3 * a - b, a + 2 * b)
        digit = (cells >> (3 * (15 - level))) & 7
        a += _STEPS[digit, 0]
        b += _STEPS[digit, 1]
        leading = np.where(leading == 0, digit, leading)
    base_cell = (cells >> 45) & 127
    return base_cell * 8 + np.where(_is_flat(cells), 0, leading), a, b


def _ask_library(
    cells: Cells, places: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Neighbour pairs of the cells at `places`, from h3 itself. `cells` sorted."""
    rings = [h3.grid_disk(cell, 1) for cell in cells[places].tolist()]
    lengths = np.fromiter(map(len, rings), dtype=np.int64, count=len(rings))
    around = np.array([cell for ring in rings for cell in ring], dtype=np.int64)
    of = np.repeat(places, lengths)
    at = np.searchsorted(cells, around)
    at[at == len(cells)] = 0
    hit = (cells[at] == around) & (at != of)
    return of[hit], at[hit]
