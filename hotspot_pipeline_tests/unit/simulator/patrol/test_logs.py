"""The patrol log: who logs, how times are rounded, how often something is found."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from hotspot_pipeline.simulator.patrol.logs import LOG_COLUMNS, RATES, make_logs
from hotspot_pipeline.simulator.trial.frames import PLAN, VISITS

N = 6000
START = datetime(2026, 6, 1, 14, 3, 17)


def _visits(n: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "visit_id": range(1, n + 1), "plan_id": [f"PL{k}" for k in range(n)], "place": [k % 4 for k in range(n)],
            "cell": [0] * n, "police_day": [START.date()] * n,
            "start_local": [START + timedelta(seconds=37 * k % 3000) for k in range(n)],
            "end_local": [START + timedelta(seconds=37 * k % 3000 + 930) for k in range(n)],
            "kind": ["abandoned" if k % 20 == 0 else "full" for k in range(n)], "mode": ["foot"] * n,
            "n_officers": [2] * n, "crew": [0] * n,
        },
        schema=VISITS,
    )  # fmt: skip


def _plan(n: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "plan_id": [f"PL{k}" for k in range(n)], "plan_version": [1] * n, "place": [k % 4 for k in range(n)],
            "police_day": [START.date()] * n, "window_start_local": [START] * n,
            "window_end_local": [START + timedelta(hours=2)] * n, "min_minutes": [15] * n, "officers": [2] * n,
            "mode": ["foot"] * n, "priority": [1] * n, "team": ["HSP1"] * n, "randomised": [False] * n, "arm": ["na"] * n,
            "issued_ts_local": [START - timedelta(days=1)] * n,
        },
        schema=PLAN,
    )  # fmt: skip


@pytest.fixture(scope="module")
def logs() -> pl.DataFrame:
    frames = []
    for seed in range(3):
        rows, counts = make_logs(
            np.random.default_rng(seed),
            _visits(N),
            ["PC 1000|PC 1001"] * N,
            _plan(2 * N),
            ["A", "B", "C", "D"],
        )
        assert counts["logged"] + counts["not_logged"] == N
        assert counts["logged"] == rows["visit_id"].is_not_null().sum()
        assert counts["log_only"] == rows["visit_id"].is_null().sum()
        frames.append(rows)
    return pl.concat(frames)


def test_most_visits_are_logged_and_some_that_were_not_made_are_too(logs: pl.DataFrame) -> None:
    made = logs["visit_id"].is_not_null()
    assert made.sum() / (3 * N) == pytest.approx(0.85, abs=0.01)
    assert (~made).sum() / (3 * N) == pytest.approx(0.05, abs=0.006)
    invented = logs.filter(~made)["plan_id"].drop_nulls()
    assert invented.str.slice(2).cast(pl.Int64).min() >= N  # type: ignore[operator]
    assert logs["plan_id"].null_count() / len(logs) == pytest.approx(0.04, abs=0.006)
    assert logs["hotspot_id"].value_counts()["count"].min() > len(logs) / 5  # type: ignore[operator]


def test_times_are_rounded_to_five_minutes_and_last_at_least_five(logs: pl.DataFrame) -> None:
    for column in ("start_local", "end_local"):
        assert (logs[column].dt.minute() % 5 == 0).all()
        assert (logs[column].dt.second() == 0).all()
    visits = _visits(N)
    first = logs.filter(pl.col("visit_id").is_not_null()).join(visits, on="visit_id")
    off = (first["start_local"] - first["start_local_right"]).dt.total_seconds()
    assert off.abs().max() <= 150
    assert ((logs["end_local"] - logs["start_local"]).dt.total_minutes() >= 5).all()
    assert (logs["submitted_local"] > logs["end_local"]).all()


def test_counts_come_at_their_rates_an_officer_and_hour(logs: pl.DataFrame) -> None:
    made = logs.filter(pl.col("visit_id").is_not_null())
    hours = len(made) * 930 / 3600 * 2
    for name, rate in RATES.items():
        expected = rate * hours
        assert made[name].sum() == pytest.approx(expected, abs=4 * np.sqrt(expected) + 1), name
        assert logs.filter(pl.col("visit_id").is_null())[name].sum() == 0
    searches = made["n_stop_search"].sum()
    assert made["n_stop_search_positive"].sum() == pytest.approx(
        0.27 * searches, abs=4 * np.sqrt(0.2 * searches)
    )
    assert (made["n_stop_search_positive"] <= made["n_stop_search"]).all()
    # the rates that forces have published: DOMAIN §4.4
    assert 0.85 <= 100 * RATES["n_arrests"] <= 1.3
    assert 1.8 <= 100 * RATES["n_stop_search"] <= 2.6


def test_what_was_done_agrees_with_the_counts_and_only_the_abandoned_have_a_reason(
    logs: pl.DataFrame,
) -> None:
    assert logs["activity"].str.contains("high_vis_walk").all()
    assert (logs["activity"].str.contains("arrest") == (logs["n_arrests"] > 0)).all()
    assert (logs["activity"].str.contains("asb_power") >= (logs["n_cpw"] > 0)).all()
    kinds = logs.join(_visits(N).select("visit_id", "kind"), on="visit_id", how="left")
    assert (
        kinds["abandoned_reason"].is_not_null()
        == (kinds["kind"] == "abandoned").fill_null(value=False)
    ).all()
    assert set(LOG_COLUMNS) - {"log_id"} <= set(logs.columns)


def test_a_day_without_visits_has_no_logs() -> None:
    rows, counts = make_logs(
        np.random.default_rng(1), _visits(0), [], _plan(5), ["A", "B", "C", "D"]
    )
    assert rows.is_empty()
    assert counts["log_only"] == 0
