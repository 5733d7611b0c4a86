"""Machine code is kept where it can be, made anew where it cannot, and never that of older sources."""

from __future__ import annotations

from typing import Any

import numba
import pytest

from hotspot_pipeline.patrols import compiled as module
from hotspot_pipeline.patrols.geometry import squared_distance


def double(x: int) -> int:
    return 2 * x


def test_the_cache_is_stamped_with_all_compiled_sources() -> None:
    dispatcher: Any = squared_distance
    assert dispatcher._cache._cache_file._source_stamp == module.sources()
    assert len(module.sources()) == 64


def test_where_nothing_can_be_written_code_is_made_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = numba.njit

    def read_only(function: Any, **options: Any) -> Any:
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return made(function, **options)

    monkeypatch.setattr(module.numba, "njit", read_only)
    assert module.compiled(double)(21) == 42
