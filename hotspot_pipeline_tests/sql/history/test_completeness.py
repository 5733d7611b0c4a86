"""How complete a week is after so many days: sums over settled weeks, and the weekly extremes."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import date, timedelta
from typing import Any

import pytest

from hotspot_pipeline_tests.sql.conftest import Desk, picked

MODEL, TRIANGLE = "history.completeness", "history.delay_triangle"
WEEK = date(2026, 1, 5)


def week(number: int, known: dict[int, int], **more: Any) -> list[dict[str, Any]]:
    """The rows of one week: lag to records known."""
    return [
        {"table_name": "crimes", "feed": "niche", "cat_group": "VAP", "week_start": WEEK + timedelta(days=7 * number), "lag_days": lag,
         "n_known": n, **more}
        for lag, n in known.items()
    ]  # fmt: skip


def by_lag(rows: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    return {r["lag_days"]: r for r in rows}


def test_two_weeks_worked_out(desk: Desk) -> None:
    """The example of docs/methods.md."""
    desk.given(TRIANGLE, *week(0, {1: 45, 28: 49, 90: 50}), *week(1, {1: 38, 28: 41, 90: 40}))
    rows = by_lag(desk.run(MODEL))
    first = rows[1]
    assert (first["n_weeks"], first["n_known"], first["n_settled"]) == (2, 83, 90)
    assert first["mean_share"] == pytest.approx(0.9222222)
    assert first["nowcast_factor"] == pytest.approx(1.0843373)
    assert (first["smallest_share"], first["largest_share"]) == (0.9, 0.95)
    assert 40 * first["nowcast_factor"] == pytest.approx(43.373494)
    # more had left than came
    assert (rows[28]["mean_share"], rows[28]["largest_share"]) == (1.0, 1.025)
    assert rows[90]["mean_share"] == rows[90]["nowcast_factor"] == 1.0


def test_figures_are_provisional_before_day_28(desk: Desk) -> None:
    desk.given(TRIANGLE, *week(0, dict.fromkeys((1, 7, 14, 28, 56, 90), 30)))
    assert picked(desk.run(MODEL), "lag_days", "is_provisional") == [
        (1, True), (7, True), (14, True), (28, False), (56, False), (90, False)]  # fmt: skip


def test_a_week_that_is_not_settled_says_nothing(desk: Desk) -> None:
    desk.given(TRIANGLE, *week(0, {1: 45, 90: 50}), *week(1, {1: 1, 28: 40, 56: 40}))
    rows = desk.run(MODEL)
    assert picked(rows, "lag_days", "n_weeks", "n_known", "n_settled") == [(1, 1, 45, 50), (90, 1, 50, 50)]  # fmt: skip


def test_a_small_week_counts_in_the_sums_and_not_in_the_extremes(desk: Desk) -> None:
    desk.given(TRIANGLE, *week(0, {1: 18, 90: 20}), *week(1, {1: 1, 90: 19}))
    row = by_lag(desk.run(MODEL))[1]
    assert (row["n_weeks"], row["n_weeks_with_share"], row["n_known"], row["n_settled"]) == (2, 1, 19, 39)  # fmt: skip
    assert row["smallest_share"] == row["largest_share"] == 0.9
    desk.clear()
    desk.given(TRIANGLE, *week(1, {1: 1, 90: 19}))
    row = by_lag(desk.run(MODEL))[1]
    assert (row["smallest_share"], row["largest_share"], row["n_weeks_with_share"]) == (None, None, 0)  # fmt: skip
    assert row["nowcast_factor"] == 19


def test_nothing_known_or_nothing_settled_gives_no_ratio(desk: Desk) -> None:
    desk.given(TRIANGLE, *week(0, {1: 0, 7: 3, 90: 0}), *week(0, {1: 0, 90: 5}, cat_group="ROBBERY"))  # fmt: skip
    rows = {(r["cat_group"], r["lag_days"]): (r["mean_share"], r["nowcast_factor"]) for r in desk.run(MODEL)}  # fmt: skip
    assert rows == {
        ("VAP", 1): (None, None), ("VAP", 7): (None, 0.0), ("VAP", 90): (None, None),
        ("ROBBERY", 1): (0.0, None), ("ROBBERY", 90): (1.0, 1.0)}  # fmt: skip


def test_groups_and_tables_stay_apart_and_feeds_add_up(desk: Desk) -> None:
    desk.given(
        TRIANGLE,
        *week(0, {1: 10, 90: 20}),
        *week(0, {1: 20, 90: 20}, feed="athena"),
        *week(0, {1: 30, 90: 40}, cat_group="ROBBERY"),
        *week(0, {1: 50, 90: 50}, cat_group="ASB", table_name="asb_incidents"),
    )
    rows = [r for r in desk.run(MODEL) if r["lag_days"] == 1]
    assert picked(rows, "table_name", "cat_group", "n_weeks", "mean_share", "smallest_share") == [
        ("asb_incidents", "ASB", 1, 1.0, 1.0), ("crimes", "ROBBERY", 1, 0.75, 0.75), ("crimes", "VAP", 2, 0.75, 0.5)]  # fmt: skip


def test_random_triangles_added_up_one_by_one(desk: Desk) -> None:
    rng = random.Random(11)
    rows = [
        row
        for feed in ("niche", "athena")
        for group in ("VAP", "ROBBERY")
        for n in range(60)
        for row in week(
            n,
            {
                lag: rng.randint(0, 40)
                for lag in (1, 7, 14, 28, 56, 90)[: rng.choice([6, 6, 6, 4, 1])]
            },
            feed=feed,
            cat_group=group,
        )
    ]
    desk.given(TRIANGLE, *rows)
    settled = {(r["feed"], r["cat_group"], r["week_start"]): r["n_known"] for r in rows if r["lag_days"] == 90}  # fmt: skip
    weeks: dict[tuple[str, int], list[tuple[int, int]]] = defaultdict(list)
    for r in rows:
        end = settled.get((r["feed"], r["cat_group"], r["week_start"]))
        if end is not None:
            weeks[r["cat_group"], r["lag_days"]].append((r["n_known"], end))
    found = desk.run(MODEL)
    assert {(r["cat_group"], r["lag_days"]) for r in found} == set(weeks)
    for r in found:
        pairs = weeks[r["cat_group"], r["lag_days"]]
        known, end = (sum(column) for column in zip(*pairs, strict=True))
        shares = [k / e for k, e in pairs if e >= 20]
        assert (r["n_weeks"], r["n_known"], r["n_settled"], r["n_weeks_with_share"]) == (len(pairs), known, end, len(shares))  # fmt: skip
        assert (r["mean_share"], r["nowcast_factor"]) == pytest.approx((known / end, end / known))
        assert (r["smallest_share"], r["largest_share"]) == pytest.approx(
            (min(shares), max(shares))
        )
