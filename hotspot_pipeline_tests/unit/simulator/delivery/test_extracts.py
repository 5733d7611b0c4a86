"""The newest states at a moment, and rows as lines, against a slow reading of the same states."""

from __future__ import annotations

import csv
import io

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot_pipeline.simulator.crime.versions import Versions
from hotspot_pipeline.simulator.delivery.extracts import Register, csv_lines

BEGIN = np.datetime64("2026-03-02T00:00:00")


def register_of(changes: list[tuple[int, int]]) -> Register:
    """States from (second, record), one a second and record."""
    rows = sorted(set(changes))
    at = BEGIN + np.array([second for second, _ in rows], dtype="timedelta64[s]")
    frame = pl.DataFrame({"key": [str(r) for _, r in rows], "state": [f"{s}" for s, _ in rows]})
    return Register.of(Versions(np.array([r for _, r in rows]), at, frame))


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 4)), min_size=1, max_size=30),
    st.lists(st.integers(0, 13), min_size=1, max_size=6).map(sorted),
)
def test_each_night_has_the_newest_states(
    changes: list[tuple[int, int]], nights: list[int]
) -> None:
    register = register_of(changes)
    before = -1
    for night in nights:
        register.advance(BEGIN + np.timedelta64(night, "s"))
        newest = {r: max(s for s, q in changes if q == r and s <= night) for _, r in changes
                  if any(q == r and s <= night for s, q in changes)}  # fmt: skip
        standing = [f"{r},{s}" for r, s in sorted(newest.items())]
        fresh = [f"{r},{s}" for r, s in sorted(newest.items()) if s > before]
        assert register.text(register.standing).split("\n") == ["key,state", *standing, ""]
        assert register.text(register.fresh).split("\n") == ["key,state", *fresh, ""]
        before = night


def test_time_does_not_go_back() -> None:
    register = register_of([(3, 0)])
    register.advance(BEGIN + np.timedelta64(5, "s"))
    with pytest.raises(ValueError, match="lies before"):
        register.advance(BEGIN)


def test_lines_are_csv_and_nulls_are_empty() -> None:
    frame = pl.DataFrame({"a": ['x, "y"', None, "z"], "b": [None, "1", " 2"]})
    lines = csv_lines(frame).to_list()
    read = list(csv.reader(io.StringIO("\n".join(lines)), strict=True))
    assert read == [['x, "y"', ""], ["", "1"], ["z", " 2"]]
    with pytest.raises(ValueError, match="line break"):
        csv_lines(pl.DataFrame({"a": ["two\nlines"]}))
