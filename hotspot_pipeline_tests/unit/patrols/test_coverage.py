"""Reach of visits, days since the last, patrol in hot windows: against counting minute by minute."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from hotspot_pipeline.patrols.coverage import HOUR, days_since, hours_within_reach, in_windows

_VISITS = {"hotspot_id": pl.String, "start_ms": pl.Int64, "end_ms": pl.Int64}
_ROWS = st.lists(st.tuples(st.sampled_from("gh"), st.integers(0, 60), st.integers(1, 9)), max_size=8)  # fmt: skip


def _visits(rows: list[tuple[str, int, int]]) -> pl.DataFrame:
    return pl.DataFrame([(h, s, s + d) for h, s, d in rows], schema=_VISITS, orient="row")


def _spans(*rows: tuple[str, str, int, int]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema={"hotspot_id": pl.String, "span": pl.String, "start_ms": pl.Int64, "end_ms": pl.Int64}, orient="row")  # fmt: skip


def test_three_days_after_a_visit() -> None:
    visits = _visits([("h", 10 * HOUR, HOUR // 4)])
    week = _spans(("h", "w1", 0, 168 * HOUR), ("g", "w1", 0, 168 * HOUR))
    found = hours_within_reach(visits, week)
    assert found.rows() == [
        ("g", "w1", 168 * HOUR, 0),
        ("h", "w1", 168 * HOUR, 72 * HOUR + HOUR // 4),
    ]
    # a visit of the week before reaches into this one
    later = hours_within_reach(visits, _spans(("h", "w2", 80 * HOUR, 248 * HOUR)))
    assert later["reached_ms"].to_list() == [2 * HOUR + HOUR // 4]


@given(_ROWS)
def test_reach_and_days_since_by_counting(rows: list[tuple[str, int, int]]) -> None:
    visits, reach = _visits(rows), 7
    spans = _spans(("h", "a", 5, 30), ("h", "b", 30, 50))
    found = dict(hours_within_reach(visits, spans, reach_ms=reach).select("span", "reached_ms").iter_rows())  # fmt: skip
    reached = {m for h, s, d in rows if h == "h" for m in range(s, s + d + reach)}
    assert found == {"a": len(reached & set(range(5, 30))), "b": len(reached & set(range(30, 50)))}
    at = pl.DataFrame({"hotspot_id": ["h"] * 80, "at_ms": range(80)})
    for _, moment, since in days_since(visits, at).iter_rows():
        ends = [s + d for h, s, d in rows if h == "h" and s <= moment]
        assert since == (max(moment - max(ends), 0) if ends else None)


def test_a_window_has_its_patrol_once_however_many_officers() -> None:
    windows = _spans(("h", "fri", 10, 20), ("h", "sat", 30, 40))
    found = in_windows(_visits([("h", 8, 6), ("h", 12, 4), ("g", 30, 9)]), windows)
    assert found.select("span", "patrolled_ms").rows() == [("fri", 6), ("sat", 0)]
