"""Compiling the few loops that arrays cannot do: numba, with its cache where there is room for one.

Here: the decorator. Not here: the loops (`cleaning_steps`, `zone_raster`, `dwell_pass`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

_P = ParamSpec("_P")
_R = TypeVar("_R")


def compiled(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """The function as machine code, made at its first call and kept for the next process.

    The code is kept beside the source or, where that is read-only, in the user's cache folder; where neither can be
    written it is made anew in every process. It runs without Python's lock, so that threads can share the work.
    """
    try:
        made = numba.njit(function, cache=True, nogil=True)
    except RuntimeError:  # numba found no folder that it may write to
        made = numba.njit(function, nogil=True)
    return cast(Callable[_P, _R], made)
