from __future__ import annotations

import statistics
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot_pipeline.hexes.persistence import (
    RESULT_SCHEMA,
    binomial_p,
    persistence,
    window_months,
)

START = date(2025, 1, 1)


def monthly_frame(table: dict[int, list[int]], start: date = START) -> pl.DataFrame:
    """Long frame of the months with events; a cell maps to its counts per month."""
    n_months = len(next(iter(table.values())))
    months = window_months(start, n_months)
    rows = [
        (cell, months[at], n) for cell, row in table.items() for at, n in enumerate(row) if n > 0
    ]
    schema = {"cell": pl.Int64, "month": pl.Date, "n_events": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def run(table: dict[int, list[int]], **options: Any) -> dict[int, dict[str, Any]]:
    settings: dict[str, Any] = {"window_start": START, "n_months": 12, "k": 1, **options}
    frame = persistence(monthly_frame(table, settings["window_start"]), **settings)
    assert dict(frame.schema) == RESULT_SCHEMA
    return {row["cell"]: row for row in frame.rows(named=True)}


def test_window_months() -> None:
    months = window_months(date(2023, 7, 1), 12)
    assert (months[0], months[6], months[-1]) == (
        date(2023, 7, 1),
        date(2024, 1, 1),
        date(2024, 7, 1),
    )
    assert len(months) == 13
    assert window_months(date(2023, 12, 1), 6)[1] == date(2024, 1, 1)


def test_by_hand() -> None:
    steady, burst = [3] * 12, [0] * 5 + [30] + [0] * 6
    rows = run({1: steady, 2: burst})
    assert rows[1]["months_active"] == rows[1]["months_above_threshold"] == 12
    assert rows[1]["coefficient_of_variation"] == 0
    assert rows[1]["n_quarters_in_top_k"] == 3
    assert rows[1]["is_persistent"]
    assert rows[1]["trajectory"] == "persistent"
    assert (rows[2]["months_active"], rows[2]["n_quarters_in_top_k"]) == (1, 1)
    assert not rows[2]["is_persistent"]
    assert rows[2]["coefficient_of_variation"] == pytest.approx(
        statistics.stdev(burst) / statistics.mean(burst)
    )
    assert (rows[2]["n_first_half"], rows[2]["n_second_half"]) == (30, 0)
    assert rows[2]["trajectory"] == "fading"


@pytest.mark.parametrize(
    ("row", "trajectory"),
    [
        ([0] * 6 + [4] * 6, "emerging"),
        ([4] * 6 + [0] * 6, "fading"),
        ([1, 2] * 6, "sporadic"),
        ([0] * 11 + [1], "sporadic"),
        ([4] * 12, "persistent"),
        ([9] * 6 + [3] * 6, "fading"),
    ],
)
def test_trajectories(row: list[int], trajectory: str) -> None:
    leader = [20] * 12
    assert run({1: row, 2: leader})[1]["trajectory"] == trajectory


def test_persistent_through_either_rule() -> None:
    # Above 2 in exactly six months, never on top of a quarter: the months decide.
    months_only = run({1: [3, 0] * 6, 2: [9] * 12})
    assert months_only[1]["n_quarters_in_top_k"] == 0
    assert months_only[1]["is_persistent"]
    assert not run({1: [3, 0] * 5 + [2, 0], 2: [9] * 12})[1]["is_persistent"]
    # One event in three quarters of four, alone in the county: the quarters decide.
    quarters_only = run({1: [1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0]})
    assert quarters_only[1]["n_quarters_in_top_k"] == 3
    assert quarters_only[1]["is_persistent"]
    assert not run({1: [1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]})[1]["is_persistent"]


def test_two_years_need_six_quarters_or_twelve_months() -> None:
    quiet, busy = [0, 0, 0], [1, 0, 0]
    assert run({1: busy * 6 + quiet * 2}, n_months=24)[1]["is_persistent"]
    assert not run({1: busy * 5 + quiet * 3}, n_months=24)[1]["is_persistent"]


def test_ties_of_a_quarter_go_to_harm_then_to_the_lower_cell() -> None:
    frame = monthly_frame({7: [2] * 12, 3: [2] * 12})
    options: dict[str, Any] = {"window_start": START, "n_months": 12, "k": 1}
    plain = persistence(frame, **options)
    assert plain.select("cell", "n_quarters_in_top_k").rows() == [(3, 4), (7, 0)]
    harm = frame.with_columns(
        harm_days=pl.when(pl.col("cell") == 7).then(5).cast(pl.Decimal(18, 4))
    )
    with_harm = persistence(harm, **options)
    assert with_harm.select("cell", "n_quarters_in_top_k").rows() == [(3, 0), (7, 4)]


def test_halves_are_weighed_by_their_days() -> None:
    # 181 and 184 days: 600 events, 300 in each half, are a little many for the first half.
    row = run({1: [50] * 12})[1]
    expected = binomial_p(np.array([300]), np.array([600]), 184 / 365)[0]
    assert row["p_change"] == pytest.approx(expected)
    assert row["p_change"] != pytest.approx(binomial_p(np.array([300]), np.array([600]), 0.5)[0])


@given(st.integers(0, 60), st.integers(0, 60), st.floats(0.05, 0.95))
def test_binomial_p_is_twice_the_smaller_exact_tail(n_a: int, n_b: int, share: float) -> None:
    from scipy.stats import binomtest

    n = n_a + n_b
    got = binomial_p(np.array([n_a]), np.array([n]), share)[0]
    if n == 0:
        assert got == 1
        return
    tails = [binomtest(n_a, n, share, alternative=side).pvalue for side in ("less", "greater")]
    assert got == pytest.approx(min(1.0, 2 * min(tails)), rel=1e-6)


tables = st.dictionaries(
    st.integers(1, 50),
    st.lists(st.integers(0, 4), min_size=12, max_size=12),
    min_size=1,
    max_size=8,
)


@given(tables, st.integers(1, 4), st.randoms(use_true_random=False))
def test_against_a_plain_recount(table: dict[int, list[int]], k: int, random: Any) -> None:
    frame = monthly_frame(table)
    order = list(range(frame.height))
    random.shuffle(order)
    got = persistence(frame[order], window_start=START, n_months=12, k=k)
    populated = {cell: row for cell, row in table.items() if sum(row) > 0}
    assert got.get_column("cell").to_list() == sorted(populated)
    n_top = dict.fromkeys(populated, 0)
    for quarter in range(4):
        sums = {cell: sum(row[3 * quarter : 3 * quarter + 3]) for cell, row in populated.items()}
        best = sorted((c for c in sums if sums[c] > 0), key=lambda c: (-sums[c], c))[:k]
        for cell in best:
            n_top[cell] += 1
    for row in got.rows(named=True):
        counts = populated[row["cell"]]
        n_above = sum(n > 2 for n in counts)
        assert row["n_events"] == sum(counts)
        assert row["months_active"] == sum(n > 0 for n in counts)
        assert row["months_above_threshold"] == n_above
        assert row["n_quarters_in_top_k"] == n_top[row["cell"]]
        assert row["is_persistent"] == (n_top[row["cell"]] >= 3 or n_above >= 6)
        assert row["n_first_half"] == sum(counts[:6])
        assert row["coefficient_of_variation"] == pytest.approx(
            statistics.stdev(counts) / statistics.mean(counts)
        )


def test_rows_outside_the_window_do_not_count_and_categories_add_up() -> None:
    frame = pl.DataFrame(
        {
            "cell": [1, 1, 1, 1],
            "month": [date(2024, 12, 1), date(2025, 1, 1), date(2025, 1, 1), date(2026, 1, 1)],
            "n_events": [50, 2, 1, 70],
        }
    )
    got = persistence(frame, window_start=START, n_months=12, k=1).row(0, named=True)
    assert (got["n_events"], got["months_above_threshold"]) == (3, 1)


def test_no_events_in_the_window_give_an_empty_frame() -> None:
    frame = monthly_frame({1: [1] * 12})
    got = persistence(frame, window_start=date(2020, 1, 1), n_months=12, k=1)
    assert got.is_empty()
    assert dict(got.schema) == RESULT_SCHEMA


def test_real_year_has_the_same_totals(warwickshire_events: pl.DataFrame) -> None:
    monthly = (
        warwickshire_events.with_columns(pl.col("month").str.to_date("%Y-%m"))
        .group_by("cell", "month")
        .agg(n_events=pl.len().cast(pl.Int64))
    )
    got = persistence(monthly, window_start=START, n_months=12, k=18)
    assert got.get_column("n_events").sum() == warwickshire_events.height
    assert got.get_column("n_quarters_in_top_k").sum() == 4 * 18
    assert set(got.get_column("trajectory")) == {"emerging", "persistent", "fading", "sporadic"}


def test_wrong_input_is_refused() -> None:
    frame = monthly_frame({1: [1] * 12})
    with pytest.raises(ValueError, match="begins on the 1st"):
        persistence(frame, window_start=date(2025, 1, 2), n_months=12, k=1)
    with pytest.raises(ValueError, match="n_months is 10"):
        persistence(frame, window_start=START, n_months=10, k=1)
    late = frame.with_columns(pl.col("month") + pl.duration(days=3))
    negative = frame.with_columns(n_events=pl.lit(-1))
    with pytest.raises(ValueError, match="first day of the month"):
        persistence(late, window_start=START, n_months=12, k=1)
    with pytest.raises(ValueError, match="n_events is -1 for cell 1"):
        persistence(negative, window_start=START, n_months=12, k=1)
    with pytest.raises(ValueError, match="k is 0"):
        persistence(frame, window_start=START, n_months=12, k=0)
