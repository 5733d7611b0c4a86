"""Counts by hotspot and week against pandas, rings by hand, and what the rows of a week say."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from hotspot_pipeline.evaluation.nowcast import completeness, nowcast
from hotspot_pipeline.evaluation.nowcast_rows import completeness_by_lag, nowcast_rows
from hotspot_pipeline.evaluation.patrol_metrics import effort, outputs
from hotspot_pipeline.evaluation.place_weeks import (
    band_metrics,
    count_metrics,
    dense,
    mondays,
    nearest_hotspot,
    with_sums,
)

MONDAY = date(2024, 1, 1)
HOTSPOTS, GROUPS = ["a", "b", "c"], ["ASB", "VAP"]


def sparse(seed: int, n_weeks: int) -> pl.DataFrame:
    """Counts of two of three hotspots, without the rows that are zero."""
    rng = np.random.default_rng(seed)
    rows = [
        {"hotspot_id": h, "week_start": w, "cat_group": g, "n_events": n, "harm_days": 2 * n, "n_with_harm": n // 2, "n_serious": n // 3}
        for h in "ab" for w in mondays(MONDAY, MONDAY + timedelta(weeks=n_weeks - 1)) for g in GROUPS if (n := int(rng.poisson(1.2)))
    ]  # fmt: skip
    schema = {"hotspot_id": pl.String, "week_start": pl.Date, "cat_group": pl.String, "n_events": pl.Int64, "harm_days": pl.Int64, "n_with_harm": pl.Int64, "n_serious": pl.Int64}  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), n_weeks=st.integers(1, 60), n_lost=st.integers(0, 5))
def test_sums_are_those_of_pandas(seed: int, n_weeks: int, n_lost: int) -> None:
    weeks = mondays(MONDAY, MONDAY + timedelta(weeks=n_weeks - 1))
    counts = sparse(seed, n_weeks)
    taken = [w for k, w in enumerate(weeks) if (k * 7 + seed) % 11 >= n_lost]
    found = with_sums(dense(counts, HOTSPOTS, weeks, GROUPS), taken)
    assert found.height == len(HOTSPOTS) * (len(GROUPS) + 1) * len(taken)
    wide = counts.to_pandas().pivot_table(index="week_start", columns=["hotspot_id", "cat_group"], values="n_events", aggfunc="sum")  # fmt: skip
    wide.index = pd.DatetimeIndex(wide.index)
    for h in HOTSPOTS:
        parts = {g: (wide[(h, g)] if (h, g) in wide.columns else pd.Series(dtype=float)).reindex(pd.DatetimeIndex(weeks)).fillna(0) for g in GROUPS}  # fmt: skip
        parts["ALL"] = parts["ASB"] + parts["VAP"]
        for group, series in parts.items():
            known = series.where(series.index.isin(pd.DatetimeIndex(taken)))
            mine = found.filter((pl.col("hotspot_id") == h) & (pl.col("cat_group") == group))
            at = pd.DatetimeIndex(mine["week_start"].to_list())
            for n in (4, 13, 52):
                wanted = known.rolling(n, min_periods=n).sum().loc[at]
                assert mine[f"sum_{n}"].cast(pl.Float64).fill_null(-1).to_list() == wanted.fillna(-1).tolist()  # fmt: skip
            assert mine["year_before"].cast(pl.Float64).fill_null(-1).to_list() == known.shift(52).loc[at].fillna(-1).tolist()  # fmt: skip


def test_what_is_provisional_and_what_a_harm_rests_on() -> None:
    weeks = mondays(MONDAY, MONDAY + timedelta(weeks=5))
    counts = with_sums(dense(sparse(1, 6), ["a"], weeks, GROUPS), weeks)
    # the first week ended 28 days before this day, the second 21
    data_to = MONDAY + timedelta(weeks=5)
    rows = count_metrics(counts, "latest", data_to)
    young = rows.group_by("week_start").agg(pl.col("is_provisional").all()).sort("week_start")
    assert young["is_provisional"].to_list() == [False, True, True, True, True, True]
    assert count_metrics(counts, "first_issue", data_to)["is_provisional"].all()
    assert not count_metrics(counts, "settled", data_to)["is_provisional"].any()
    harm = rows.filter(pl.col("metric") == "harm_days").join(counts, on=("hotspot_id", "week_start", "cat_group"))  # fmt: skip
    said = harm.filter(pl.col("label").is_not_null())
    assert said.height == counts.filter(pl.col("n_with_harm") < pl.col("n_events")).height > 0
    row = said.row(0, named=True)
    assert row["label"] == f"{row['n_with_harm']} of {row['n_events']} events have a weight"


def test_a_ring_cell_goes_to_the_touching_hotspot_of_the_best_rank() -> None:
    # a row of cells 10 11 12 13 14: hotspots at 11 (rank 2) and 13 (rank 1); 12 touches both
    cells = [10, 11, 12, 13, 14]
    left, right = [0, 1, 1, 2, 2, 3, 3, 4], [1, 0, 2, 1, 3, 2, 4, 3]
    hotspots = pl.DataFrame({"hotspot_id": ["second", "first"], "hotspot_rank": [2, 1], "cell": [11, 13]})  # fmt: skip
    found = nearest_hotspot(cells, left, right, hotspots)
    assert dict(found.iter_rows()) == {10: "second", 12: "first", 14: "first"}


def test_bands_hold_shares_of_events_and_zeros() -> None:
    weeks = [MONDAY]
    counts = dense(sparse(1, 1), ["a"], weeks, GROUPS)
    weights = pl.DataFrame(
        {"hotspot_id": "a", "week_start": MONDAY, "cat_group": ["ASB", "VAP"], "time_band": "core_nte", "weight": [250_000_000_000, 10**12]}
    )  # fmt: skip
    rows = band_metrics(weights, counts, ["hot_windows", "core_nte"], MONDAY)
    found = {(g, b): v for g, b, v in rows.select("cat_group", "time_band", "value").iter_rows()}
    assert found == {
        ("ASB", "core_nte"): 0.25, ("VAP", "core_nte"): 1.0, ("ALL", "core_nte"): 1.25,
        ("ASB", "hot_windows"): 0, ("VAP", "hot_windows"): 0, ("ALL", "hot_windows"): 0,
    }  # fmt: skip


def test_a_share_of_nothing_has_no_row_and_minutes_are_minutes() -> None:
    dose = pl.DataFrame(
        {"hotspot_id": ["a", "b"], "week_start": MONDAY, "patrol_ms": [90_000, 0], "officer_ms": [180_000, 0], "reactive_ms": [0, 60_000],
         "funded_patrol_ms": [45_000, 0], "core_nte_ms": [30_000, 0], "n_visits": [4, 0], "n_effective": [3, 0], "n_koper": [1, 0], "n_on_foot": [2, 0]}
    )  # fmt: skip
    rows = effort(dose)
    found = {(h, m): v for h, m, v in rows.select("hotspot_id", "metric", "value").iter_rows()}
    assert found["a", "patrol_minutes"] == 1.5 and found["a", "officer_minutes"] == 3.0
    assert found["a", "share_patrol_funded"] == found["a", "share_visits_on_foot"] == 0.5
    assert abs(found["a", "share_patrol_core_nte"] - 1 / 3) < 1e-15
    assert found["b", "patrol_minutes"] == 0 and found["b", "reactive_minutes"] == 1
    assert not [m for h, m in found if h == "b" and m.startswith("share")]


def test_weeks_without_a_log_are_weeks_of_nothing_logged() -> None:
    weeks = mondays(MONDAY, MONDAY + timedelta(weeks=2))
    logged = {"hotspot_id": ["a", "b"], "week_start": [weeks[0], weeks[2]], "arrests": [2, 0], "stop_searches": [1, 1], "stop_searches_positive": 0, "weapons": 0, "asb_powers": 0, "engagements": [5, 6]}  # fmt: skip
    rows = outputs(pl.DataFrame(logged), weeks).filter(pl.col("metric") == "arrests")
    assert rows.height == 6 and rows["value"].sum() == 2
    assert "not impact" in rows["label"][0]


def test_young_weeks_get_the_nowcast_of_the_kernel() -> None:
    rng = np.random.default_rng(4)
    weeks = mondays(MONDAY, MONDAY + timedelta(weeks=29))
    rows = []
    for w in weeks:
        settled = int(rng.poisson(60)) + 1
        known = int(rng.binomial(settled, 0.8))
        rows += [(group, w, lag, n) for group, share in (("ASB", 1), ("VAP", 2)) for lag, n in ((7, known * share), (90, settled * share))]  # fmt: skip
    triangle = pl.DataFrame(rows, schema=["cat_group", "week_start", "lag_days", "n_known"], orient="row")  # fmt: skip
    of = completeness_by_lag(triangle)
    asb = triangle.filter(pl.col("cat_group") == "ASB").sort("week_start")
    by_hand = completeness(*(asb.filter(pl.col("lag_days") == lag)["n_known"].to_numpy() for lag in (7, 90)))  # fmt: skip
    assert of["ASB", 7] == by_hand and set(of) == {("ASB", 7), ("VAP", 7), ("ALL", 7)}
    assert abs(of["ALL", 7].share - 0.8) < 0.03
    # one week is ten days old, the other two
    old, new = date(2024, 9, 2), date(2024, 9, 9)
    counts = pl.DataFrame({"hotspot_id": "a", "week_start": [old, new], "cat_group": "ASB", "n_events": [8, 3]})  # fmt: skip
    found = nowcast_rows(counts, of, date(2024, 9, 19))
    assert set(found["week_start"]) == {old}
    of_force = found.filter((pl.col("metric") == "completeness") & (pl.col("cat_group") == "ASB"))
    assert of_force["value"][0] == of["ASB", 7].share and of_force["hotspot_id"][0] == "FORCE"
    [(value, low, high)] = found.filter(pl.col("hotspot_id") == "a").select("value", "lower", "upper").iter_rows()  # fmt: skip
    one = nowcast(8, of["ASB", 7])
    assert (value, low, high) == (one.expected, one.low, one.high)


def test_without_settled_weeks_nothing_is_foretold() -> None:
    schema = {"cat_group": pl.String, "week_start": pl.Date, "lag_days": pl.Int64, "n_known": pl.Int64}  # fmt: skip
    assert completeness_by_lag(pl.DataFrame(schema=schema)) == {}
