"""Compiling the few loops that arrays cannot do: numba, with its cache where there is room for one.

Here: the decorator. Not here: the loops (`possible_steps`, `device_order`, `zone_raster`, `dwell_pass` and what it calls).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

import numba

_P = ParamSpec("_P")
_R = TypeVar("_R")


def compiled(function: Callable[_P, _R], inline: str = "never") -> Callable[_P, _R]:
    """The function as machine code, made at its first call and kept for the next process.

    The code is kept beside the source or, where that is read-only, in the user's cache folder; where neither can be
    written it is made anew in every process. It runs without Python's lock, so that threads can share the work.
    """
    try:
        made = numba.njit(function, cache=True, nogil=True, inline=inline)
        # numba looks at the function's own file only, and would go on using code that has an old callee or constant in it
        kept = made._cache._cache_file
        if not hasattr(kept, "_source_stamp"):
            raise RuntimeError("this numba keeps its cache in another way")
        kept._source_stamp = sources()
    except (
        RuntimeError,
        AttributeError,
    ):  # no folder that may be written to, or no way to say what the code depends on
        made = numba.njit(function, nogil=True, inline=inline)
    return cast(Callable[_P, _R], made)


def inlined(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """The same for what a loop asks at every turn: a part of who calls it, for each array of a call costs eight nanoseconds of counting."""
    return compiled(function, "always")


@cache
def sources() -> str:
    """A hash of every module here that holds compiled code."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        content = path.read_bytes()
        if b"@compiled" in content or b"@inlined" in content:
            digest.update(path.name.encode() + b"\0" + content)
    return digest.hexdigest()
