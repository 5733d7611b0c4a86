from __future__ import annotations

from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot_pipeline.hexes.ranking import rank_cells, select_top

rows_of_cells = st.lists(
    st.tuples(
        st.integers(1, 10**6),
        st.integers(0, 5),
        st.one_of(st.none(), st.integers(0, 4).map(lambda n: Decimal(n) / 2)),
    ),
    min_size=1,
    max_size=25,
    unique_by=lambda row: row[0],
)


def frame_of(rows: list[Any]) -> pl.DataFrame:
    schema: Any = {"cell": pl.Int64, "n_events": pl.Int64, "harm_days": pl.Decimal(18, 4)}
    return pl.DataFrame(rows, schema=schema, orient="row")


@given(rows_of_cells)
def test_ranks_follow_the_documented_order(rows: list[Any]) -> None:
    ranked = rank_cells(frame_of(rows))
    minus_harm = {cell: -harm if harm is not None else Decimal(1) for cell, _, harm in rows}
    by_count = sorted(rows, key=lambda r: (-r[1], minus_harm[r[0]], r[0]))
    assert ranked.get_column("cell").to_list() == [row[0] for row in by_count]
    assert ranked.get_column("rank_by_count").to_list() == list(range(1, len(rows) + 1))

    known = [row for row in rows if row[2] is not None]
    by_harm = sorted(known, key=lambda r: (minus_harm[r[0]], -r[1], r[0]))
    harm_rank = {row[0]: at for at, row in enumerate(by_harm, 1)}
    count_rank = {row[0]: at for at, row in enumerate(by_count, 1)}
    score = {cell: (count_rank[cell] + harm_rank[cell]) / 2 for cell in harm_rank}
    by_composite = sorted(score, key=lambda c: (score[c], count_rank[c]))
    composite_rank = {cell: at for at, cell in enumerate(by_composite, 1)}
    for row in ranked.rows(named=True):
        assert row["rank_by_harm"] == harm_rank.get(row["cell"])
        assert row["composite_score"] == score.get(row["cell"])
        assert row["rank_by_composite"] == composite_rank.get(row["cell"])


@given(rows_of_cells, st.randoms(use_true_random=False))
def test_order_of_rows_changes_nothing(rows: list[Any], random: Any) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert rank_cells(frame_of(rows)).equals(rank_cells(frame_of(shuffled)))


def test_other_columns_pass_through() -> None:
    frame = frame_of([(1, 2, Decimal(1)), (2, 5, Decimal(9))]).with_columns(
        n_events_365_days=pl.Series([0, 1]), harm_days_capped=pl.Series([1.0, 3.0])
    )
    ranked = rank_cells(frame)
    assert ranked.get_column("n_events_365_days").to_list() == [1, 0]
    assert ranked.get_column("harm_days_capped").to_list() == [3.0, 1.0]


def test_float_harm_ranks_like_decimal_harm() -> None:
    rows = [(cell, cell % 3, Decimal(cell % 4)) for cell in range(1, 30)]
    exact = rank_cells(frame_of(rows))
    floats = rank_cells(frame_of(rows).cast({"harm_days": pl.Float64}))
    assert exact.drop("harm_days").equals(floats.drop("harm_days"))


def test_selection_takes_the_top_and_leaves_places_under_the_threshold_empty() -> None:
    ranked = rank_cells(frame_of([(1, 9, None), (2, 5, None), (3, 5, None), (4, 0, None)]))
    chosen = select_top(ranked, 2)
    assert chosen.filter("is_selected").get_column("cell").to_list() == [1, 2]
    assert select_top(ranked, 3, min_events=6).get_column("is_selected").sum() == 1
    assert select_top(ranked, 4).get_column("is_selected").sum() == 3


def test_selection_by_another_basis() -> None:
    ranked = rank_cells(frame_of([(1, 9, Decimal(1)), (2, 5, Decimal(900)), (3, 4, None)]))
    by_harm = select_top(ranked, 1, by="harm")
    assert by_harm.filter("is_selected").get_column("cell").to_list() == [2]
    assert select_top(ranked, 3, by="composite").get_column("is_selected").to_list() == [
        True,
        True,
        False,
    ]


def test_wrong_input_is_refused() -> None:
    good = frame_of([(1, 9, None), (2, 5, None)])
    with pytest.raises(ValueError, match="no column harm_days"):
        rank_cells(good.drop("harm_days"))
    with pytest.raises(ValueError, match="cell 1 stands in more than one row"):
        rank_cells(frame_of([(1, 9, None), (1, 5, None)]))
    with pytest.raises(ValueError, match="n_events is null in 1 rows"):
        rank_cells(frame_of([(1, None, None)]))
    ranked = rank_cells(good)
    with pytest.raises(ValueError, match="k is 0"):
        select_top(ranked, 0)
    with pytest.raises(ValueError, match="min_events is 0"):
        select_top(ranked, 1, min_events=0)
    with pytest.raises(ValueError, match="by is 'gistar'"):
        select_top(ranked, 1, by="gistar")  # type: ignore[arg-type]
