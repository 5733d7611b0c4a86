"""Scattered windows in one query: the same rows as one query per window, and nothing else is let through."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotspot_pipeline.sql_models.model import SqlModel, load_models
from hotspot_pipeline.sql_models.windows import for_asked_windows
from hotspot_pipeline.warehouse.contract import TableContract
from hotspot_pipeline.warehouse.session import ASKED, Session

FIRST = date(2026, 1, 5)
STEPS = {"hexes.crime_weekly": 7, "hexes.crime_daily": 1}
EVENTS = "hexes.events"


@pytest.fixture(scope="module")
def models(catalog: dict[str, TableContract]) -> dict[str, SqlModel]:
    return load_models(catalog)


@pytest.fixture(scope="module")
def session(catalog: dict[str, TableContract]) -> Iterator[Session]:
    with duckdb.connect() as connection:
        found = Session(connection, catalog)
        found.ensure(catalog[EVENTS])
        yield found


# day, cell, group, by police, by day, harm in hundredths, counted
event = st.tuples(
    st.none() | st.integers(0, 27),
    st.integers(1, 3),
    st.sampled_from(["VAP", "ASB"]),
    st.booleans(),
    st.none() | st.booleans(),
    st.none() | st.sampled_from([1, 36_499, 36_500, 146_000]),
    st.booleans(),
)


def write(session: Session, events: list[tuple[Any, ...]]) -> None:
    session.execute(f"delete from {EVENTS}")
    if not events:
        return
    rows = []
    for n, (day, cell, group, by_police, by_day, harm, is_counted) in enumerate(events):
        police_day = None if day is None else FIRST + timedelta(days=day)
        named = {
            "event_id": str(n), "source": "crime", "extract_id": "e", "source_file": "f", "line_no": n, "feed": "x",
            "cat_group": group, "is_police_generated": by_police, "time_known": "exact" if police_day else "month",
            "harm_days": None if harm is None else Decimal(harm) / 100, "police_day": police_day,
            "week_start": None if police_day is None else police_day - timedelta(days=police_day.weekday()),
            "month": date(2026, 1, 1), "event_date": police_day or date(2026, 1, 1), "is_day": by_day,
            "cell_r8": cell // 2, "cell_r9": cell, "cell_r10": cell * 10, "is_counted": is_counted,
        }  # fmt: skip
        rows.append({c: named.get(c) for c in session.catalog[EVENTS].column_types})
    session.insert(session.catalog[EVENTS], pl.DataFrame(rows, infer_schema_length=None))


@pytest.mark.parametrize("name", STEPS)
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(event, max_size=25), asked=st.sets(st.integers(-1, 28), max_size=6))
def test_scattered_windows_are_the_windows_one_by_one(
    name: str, session: Session, models: dict[str, SqlModel], events: list[Any], asked: set[int]
) -> None:
    model, step = models[name], STEPS[name]
    windows = sorted({FIRST + timedelta(days=n // step * step) for n in asked})
    write(session, events)
    session.stage(ASKED, pl.DataFrame({"w": windows}, schema={"w": pl.Date}))
    assert model.asked_sql is not None
    found = session.frame(model.asked_sql).rows()
    one_by_one = [
        row
        for start in windows
        for row in session.frame(
            model.sql, {"window_start": start, "window_end": start + timedelta(days=step)}
        ).rows()
    ]
    assert sorted(found) == sorted(one_by_one)
    column = session.frame(model.sql, {"window_start": FIRST, "window_end": FIRST}).columns.index(
        model.contract.time_column or ""
    )
    assert {row[column] for row in found} <= set(windows)


@pytest.mark.parametrize("name", STEPS)
def test_the_real_models_are_asked_for_windows_and_nothing_else(
    name: str, models: dict[str, SqlModel]
) -> None:
    asked = models[name].asked_sql or ""
    assert ASKED in asked and "window_" not in asked
    assert models["hexes.crime_monthly"].asked_sql is None


def test_a_window_that_is_asked_for_twice_counts_once(
    session: Session, models: dict[str, SqlModel]
) -> None:
    write(session, [(0, 1, "VAP", False, True, 1, True)])
    session.stage(ASKED, pl.DataFrame({"w": [FIRST, FIRST]}))
    sql = models["hexes.crime_weekly"].asked_sql
    assert session.frame(str(sql)).get_column("n_events").to_list() == [1, 1, 1]


def run(session: Session, sql: str, days: list[int]) -> list[int]:
    windows = [FIRST + timedelta(days=d) for d in days]
    session.stage(ASKED, pl.DataFrame({"w": windows}, schema={"w": pl.Date}))
    return sorted(r[0] for r in session.frame(for_asked_windows(sql, "police_day")).rows())


PAIR = "police_day >= $window_start and police_day < $window_end"
FITTING = {
    "alone": f"select line_no from {EVENTS} where {PAIR}",
    "after another condition": f"select line_no from {EVENTS} where is_counted and {PAIR}",
    "apart from each other": f"select line_no from {EVENTS} where police_day >= $window_start and is_counted and police_day < $window_end",
    "in brackets": f"select line_no from {EVENTS} where (({PAIR})) and is_counted",
    "the end first": f"select line_no from {EVENTS} where police_day < $window_end and police_day >= $window_start",
    "with an alias": f"select e.line_no from {EVENTS} e where e.police_day >= $window_start and e.police_day < $window_end",
    "in two places": f"with a as (select line_no from {EVENTS} where {PAIR}), b as (select line_no from {EVENTS} where {PAIR}) "
                     "select a.line_no from a join b on a.line_no = b.line_no",
}  # fmt: skip


@pytest.mark.parametrize("case", FITTING)
def test_the_pair_of_comparisons_wherever_it_stands(case: str, session: Session) -> None:
    write(session, [(day, 1, "VAP", False, True, 1, True) for day in range(10)])
    assert run(session, FITTING[case], [1, 4, 7]) == [1, 4, 7]
    assert run(session, FITTING[case], []) == []
    assert run(session, FITTING[case], [30]) == []


def test_other_parameters_stay(session: Session) -> None:
    sql = for_asked_windows(
        f"select line_no from {EVENTS} where {PAIR} and line_no < $known_at", "police_day"
    )
    assert "$known_at" in sql and "window_" not in sql


REFUSED = {
    "only the start": "select 1 from t where d >= $window_start",
    "only the end": "select 1 from t where d < $window_end",
    "the end in it": "select 1 from t where d >= $window_start and d <= $window_end",
    "the start not in it": "select 1 from t where d > $window_start and d < $window_end",
    "between": "select 1 from t where d between $window_start and $window_end",
    "the wrong way round": "select 1 from t where d >= $window_end and d < $window_start",
    "the parameter first": "select 1 from t where $window_start <= d and $window_end > d",
    "two columns for one pair": "select 1 from t where a >= $window_start and b < $window_end",
    "two tables for one pair": "select 1 from t join u on t.k = u.k where t.d >= $window_start and u.d < $window_end",
    "a shifted start": "select 1 from t where d >= $window_start - interval 7 day and d < $window_end",
    "shown too": "select $window_start as s from t where d >= $window_start and d < $window_end",
    "in a computation": "select date_diff('day', $window_start, d) from t where d >= $window_start and d < $window_end",
    "equal": "select 1 from t where d = $window_start",
    "joined by or": "select 1 from t where d >= $window_start or d < $window_end",
    "turned round": "select 1 from t where not (d >= $window_start and d < $window_end)",
    "in two places, half each": "with a as (select d from t where d >= $window_start), b as (select d from t where d < $window_end) select 1 from a join b on a.d = b.d",
    "in a case": "select 1 from t where case when d >= $window_start and d < $window_end then true end",
    "on an expression": "select 1 from t where d + 1 >= $window_start and d + 1 < $window_end",
    "of another column": "select 1 from t where e >= $window_start and e < $window_end",
    "one start too many": "select 1 from t where d >= $window_start and d >= $window_start and d < $window_end",
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_any_other_use_is_refused(case: str) -> None:
    with pytest.raises(ValueError, match="may stand only as"):
        for_asked_windows(REFUSED[case], "d")
