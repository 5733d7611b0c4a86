"""Unions and common parts of stretches against sets of milliseconds."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from hotspot_pipeline.patrols.spans import shared, union_ms, united

_SPAN = st.tuples(st.sampled_from("ab"), st.integers(0, 30), st.integers(-2, 12))
_SPANS = st.lists(_SPAN, max_size=12)


def _frame(spans: list[tuple[str, int, int]]) -> pl.DataFrame:
    return pl.DataFrame(
        [(who, start, start + length) for who, start, length in spans],
        schema={"who": pl.String, "start_ms": pl.Int64, "end_ms": pl.Int64},
        orient="row",
    )


def _moments(frame: pl.DataFrame, who: str) -> set[int]:
    rows = frame.filter(pl.col("who") == who).select("start_ms", "end_ms").iter_rows()
    return {m for start, end in rows for m in range(start, end)}


@given(_SPANS)
def test_the_union_is_that_of_sets(spans: list[tuple[str, int, int]]) -> None:
    frame = _frame(spans)
    joined = united(frame, ["who"])
    lengths = dict(union_ms(frame, ["who"], "ms").iter_rows())
    for who in "ab":
        assert _moments(joined, who) == _moments(frame, who)
        assert lengths.get(who, 0) == len(_moments(frame, who))
    after = joined.with_columns(next_ms=pl.col("start_ms").shift(-1).over("who")).drop_nulls()
    assert (after["next_ms"] > after["end_ms"]).all()


@given(_SPANS, _SPANS)
def test_the_common_part_is_that_of_sets(
    left: list[tuple[str, int, int]], right: list[tuple[str, int, int]]
) -> None:
    a, b = _frame(left), _frame(right)
    for who in "ab":
        assert _moments(shared(a, b, ["who"]), who) == _moments(a, who) & _moments(b, who)


def test_of_all_together() -> None:
    frame = _frame([("a", 0, 10), ("b", 5, 10), ("b", 20, 1)])
    assert united(frame, []).rows() == [(0, 15), (20, 21)]
    assert union_ms(frame, [], "ms").rows() == [(16,)]
