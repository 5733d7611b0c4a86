"""Logs beside visits: the two rules, officers, and that nothing is matched twice or lost."""

from __future__ import annotations

from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from hotspot_pipeline.patrols.log_matching import match
from hotspot_pipeline.patrols.rules import MINUTE

_SCHEMA: dict[str, Any] = {"hotspot_id": pl.String, "start_ms": pl.Int64, "end_ms": pl.Int64, "officers": pl.List(pl.String)}  # fmt: skip


def _frame(name: str, rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    listed = [(i, h, s * MINUTE, None if e is None else e * MINUTE, o) for i, h, s, e, o in rows]
    return pl.DataFrame(listed, schema={name: pl.String, **_SCHEMA}, orient="row")


def _matched(logs: list[tuple[Any, ...]], visits: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    found = match(_frame("log_id", logs), _frame("visit_id", visits))
    return found.select("evidence", "log_id", "visit_id").rows()


def test_half_of_the_shorter_or_a_quarter_of_an_hour() -> None:
    visit = ("v", "h", 100, 120, ["o1"])
    assert _matched([("l", "h", 110, 130, ["o1"])], [visit]) == [("both", "l", "v")]
    assert _matched([("l", "h", 115, 160, ["o1"])], [visit]) == [
        ("both", "l", "v")
    ]  # begins 15 later
    assert _matched([("l", "h", 116, 160, ["o1"])], [visit]) == [("log_only", "l", None), ("gps_only", None, "v")]  # fmt: skip
    assert _matched([("l", "h", 60, 110, ["o1"])], [visit]) == [
        ("both", "l", "v")
    ]  # half of the visit
    assert _matched([("l", "h", 60, 109, ["o1"])], [visit])[0] == ("log_only", "l", None)
    assert _matched([("l", "h", 112, None, ["o1"])], [visit]) == [("both", "l", "v")]


def test_place_and_officer_must_agree() -> None:
    visit = ("v", "h", 100, 120, ["o1", "o2"])
    assert _matched([("l", "other", 100, 120, ["o1"])], [visit])[0] == ("log_only", "l", None)
    assert _matched([("l", "h", 100, 120, ["o3"])], [visit])[0] == ("log_only", "l", None)
    assert _matched([("l", "h", 100, 120, ["o2", "o3"])], [visit]) == [("both", "l", "v")]
    assert _matched([("l", "h", 100, 120, [])], [visit]) == [("both", "l", "v")]
    assert _matched([("l", "h", 100, 120, None)], [visit]) == [("both", "l", "v")]


def test_the_closest_pair_is_taken_first() -> None:
    logs = [("l1", "h", 100, 120, ["o"]), ("l2", "h", 112, 125, ["o"])]
    visits = [("v1", "h", 101, 119, ["o"]), ("v2", "h", 126, 140, ["o"])]
    assert _matched(logs, visits) == [("both", "l1", "v1"), ("both", "l2", "v2")]


def test_without_either_there_is_nothing() -> None:
    assert _matched([], []) == []
    assert _matched([], [("v", "h", 0, 1, [])]) == [("gps_only", None, "v")]


_ROW = st.tuples(st.sampled_from("gh"), st.integers(0, 90), st.integers(1, 30), st.sampled_from([[], ["a"], ["b"], ["a", "b"]]))  # fmt: skip


@given(st.lists(_ROW, max_size=7), st.lists(_ROW, max_size=7), st.randoms())
def test_each_comes_once_and_the_order_does_not_matter(
    logs: list[Any], visits: list[Any], random: Any
) -> None:
    a = [(f"l{n}", h, s, s + d, o) for n, (h, s, d, o) in enumerate(logs)]
    b = [(f"v{n}", h, s, s + d, o) for n, (h, s, d, o) in enumerate(visits)]
    found = _matched(a, b)
    assert sorted(r[1] for r in found if r[1]) == sorted(x[0] for x in a)
    assert sorted(r[2] for r in found if r[2]) == sorted(x[0] for x in b)
    assert all((r[0] == "both") == (r[1] is not None and r[2] is not None) for r in found)
    random.shuffle(a)
    random.shuffle(b)
    assert _matched(a, b) == found
