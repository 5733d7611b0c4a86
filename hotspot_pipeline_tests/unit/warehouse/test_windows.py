"""Windows: exactly those that differ are replaced, as a dictionary of windows would do it."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotspot_pipeline.warehouse.contract import TableColumn, TableContract
from hotspot_pipeline.warehouse.session import Query, Session

FIRST = date(2026, 1, 5)
Rows = list[tuple[int, int, int | None]]

# no grain: the same row may stand there twice, and the comparison must count it
DAYS = TableContract(
    stage="hexes",
    table="days",
    description="Values per day. One row per value.",
    grain=(),
    columns=(
        TableColumn("value", "BIGINT"),
        TableColumn("day", "DATE", required=True),
        TableColumn("cell", "BIGINT", required=True),
    ),
    owner="team:analysts",
    path=Path("days.yml"),
    time_column="day",
    partition="daily",
)
one_row = st.tuples(st.integers(0, 5), st.integers(0, 2), st.none() | st.integers(0, 2))
some_rows = st.lists(one_row, max_size=12)


def day(n: int) -> date:
    return FIRST + timedelta(days=n)


def frame(rows: Rows) -> pl.DataFrame:
    return pl.DataFrame(
        {"day": [day(d) for d, _, _ in rows], "cell": [c for _, c, _ in rows], "value": [v for _, _, v in rows]},
        schema={"day": pl.Date, "cell": pl.Int64, "value": pl.Int64},
    )  # fmt: skip


def by_day(rows: Rows) -> dict[date, Counter[tuple[int, int | None]]]:
    found: dict[date, Counter[tuple[int, int | None]]] = {}
    for d, c, v in rows:
        found.setdefault(day(d), Counter())[(c, v)] += 1
    return found


def standing(session: Session) -> dict[date, Counter[tuple[int, int | None]]]:
    found: dict[date, Counter[tuple[int, int | None]]] = {}
    for d, c, v in session.frame("select day, cell, value from hexes.days").rows():
        found.setdefault(d, Counter())[(c, v)] += 1
    return found


@settings(max_examples=50)
@given(deliveries=st.lists(some_rows, min_size=1, max_size=4))
def test_replace_changed_windows_is_what_a_dictionary_does(deliveries: list[Rows]) -> None:
    expected: dict[date, Counter[tuple[int, int | None]]] = {}
    with duckdb.connect() as connection:
        session = Session(connection, {})
        for rows in deliveries:
            incoming = by_day(rows)
            differing = sorted(
                d for d in {*expected, *incoming} if expected.get(d) != incoming.get(d)
            )
            write = session.replace_changed_windows(DAYS, frame(rows))
            expected = incoming
            assert standing(session) == expected
            assert list(write.windows) == differing
            assert write.changed == bool(differing)
            assert write.n_rows == len(rows)


@settings(max_examples=50)
@given(before=some_rows, rows=some_rows, start=st.integers(0, 5), length=st.integers(1, 4))
def test_replace_window_is_what_a_dictionary_does(
    before: Rows, rows: Rows, start: int, length: int
) -> None:
    inside = [r for r in rows if start <= r[0] < start + length]
    old, new = by_day(before), by_day(inside)
    window = [day(n) for n in range(start, start + length)]
    with duckdb.connect() as connection:
        session = Session(connection, {})
        session.replace_table(DAYS, frame(before))
        write = session.replace_window(DAYS, frame(inside), day(start), day(start + length))
        expected = {d: c for d, c in old.items() if d not in window} | new
        assert standing(session) == expected
        assert list(write.windows) == [d for d in window if old.get(d) != new.get(d)]
        assert write.n_rows == sum(c.total() for c in expected.values())


def test_an_empty_window_takes_its_rows_away_and_is_reported() -> None:
    with duckdb.connect() as connection:
        session = Session(connection, {})
        session.replace_table(DAYS, frame([(0, 1, 1), (1, 1, 1)]))
        write = session.replace_window(DAYS, frame([]), day(1), day(2))
        assert (write.windows, write.n_rows) == ((day(1),), 1)


@pytest.mark.parametrize("stray", [(-1, 1, 1), (2, 1, 1)], ids=["before", "at the open end"])
def test_rows_outside_the_window_are_refused_and_not_dropped(stray: tuple[int, int, int]) -> None:
    with duckdb.connect() as connection:
        session = Session(connection, {})
        session.replace_table(DAYS, frame([(0, 1, 1)]))
        with pytest.raises(ValueError, match="hexes.days: 1 incoming rows lie outside 2026-01-05 to 2026-01-07"):  # fmt: skip
            session.replace_window(DAYS, frame([(1, 1, 1), stray]), day(0), day(2))
        assert standing(session) == by_day([(0, 1, 1)])


@pytest.mark.parametrize("how", ["window", "changed"])
def test_rows_without_a_date_are_refused(how: str) -> None:
    undated = frame([(0, 1, 1)]).with_columns(day=pl.lit(None, pl.Date))
    with duckdb.connect() as connection:
        session = Session(connection, {})
        session.ensure(DAYS)
        with pytest.raises(ValueError, match="incoming rows"):
            if how == "window":
                session.replace_window(DAYS, undated, day(0), day(2))
            else:
                session.replace_changed_windows(DAYS, undated)
        assert standing(session) == {}


def test_a_window_may_begin_before_the_first_partition() -> None:
    """Old events that are reported late belong to old windows, whether Dagster shows them or not."""
    old = frame([(0, 1, 1)]).with_columns(day=pl.lit(date(1987, 3, 2)))
    with duckdb.connect() as connection:
        session = Session(connection, {})
        session.replace_table(DAYS, frame([(0, 2, 2)]))
        write = session.replace_window(DAYS, old, date(1987, 3, 1), day(0))
        assert write.windows == (date(1987, 3, 2),)
        assert sorted(standing(session)) == [date(1987, 3, 2), day(0)]


@pytest.mark.parametrize(
    ("start", "end", "told"),
    [
        (day(0), day(0), "the window 2026-01-05 to 2026-01-05 is empty"),
        (day(7), day(0), "is empty"),
        (day(1), day(8), "not made of whole weeks from Monday to Monday"),
        (day(0), day(8), "not made of whole weeks"),
    ],
)
def test_a_window_that_is_none_is_refused(start: date, end: date, told: str, make_contract: Any) -> None:  # fmt: skip
    weekly = make_contract()
    with duckdb.connect() as connection, pytest.raises(ValueError, match=told):
        Session(connection, {}).replace_window(weekly, Query("select 1", {}), start, end)


def test_a_table_without_a_time_column_has_no_windows(make_contract: Any) -> None:
    plain = make_contract(
        """
        description: Cells. One row per cell.
        owner: team:analysts
        grain: [cell]
        columns: {cell: {type: BIGINT}}
        """,
        name="hexes.plain",
    )
    rows = pl.DataFrame({"cell": [1]})
    with duckdb.connect() as connection:
        session = Session(connection, {})
        with pytest.raises(ValueError, match="hexes.plain: no time_column in plain.yml"):
            session.replace_window(plain, rows, day(0), day(1))
        with pytest.raises(ValueError, match="hexes.plain: no time_column in plain.yml"):
            session.replace_changed_windows(plain, rows)


def test_a_query_takes_its_parameters_and_may_end_in_a_comment() -> None:
    sql = "select cast($start as date) as day, $cell as cell, cast(null as bigint) as value -- one row"
    with duckdb.connect() as connection:
        session = Session(connection, {})
        query = Query(sql, {"start": day(3), "cell": 8})
        assert session.replace_changed_windows(DAYS, query).windows == (day(3),)
        assert standing(session) == by_day([(3, 8, None)])
