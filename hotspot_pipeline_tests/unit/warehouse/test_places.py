"""Rows that are read, changed and taken away by their place, in tables from which rows were taken away before."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
from hypothesis import example, given, settings
from hypothesis import strategies as st

import hotspot_pipeline
from hotspot_pipeline.warehouse.places import between, place

_STEPS = st.lists(st.tuples(st.sampled_from("iiuudcr"), st.integers(2, 9)), min_size=3, max_size=20)


def _step(connection: duckdb.DuckDBPyConnection, kind: str, n: int) -> None:
    if kind == "i":
        connection.execute(f"insert into t select i, repeat('x', i::int % 17), case when i % 3 > 0 then 'b' || i end from range({n * n * n * 5}) r(i)")  # fmt: skip
    elif kind == "u":
        connection.execute(f"update t set n = n + 1 where hash(rowid) % {n} = 0")
    elif kind == "d":
        connection.execute(f"delete from t where hash(rowid) % {n} = 0")
    else:
        connection.execute("commit" if kind == "c" else "rollback")
        connection.execute("begin")


@settings(max_examples=60, deadline=None)
@given(steps=_STEPS, one_in=st.integers(2, 11))
# rows that were taken away for good, and new ones of the transaction: with a plain join DuckDB 2.0.0 ends the process
@example(steps=[("i", 9), ("c", 2), ("d", 3), ("c", 2), ("i", 2)], one_in=5)
def test_rows_are_found_changed_and_taken_away_by_their_place(
    steps: list[tuple[str, int]], one_in: int
) -> None:
    with duckdb.connect() as connection:
        connection.execute("create table t (n bigint, a varchar, b varchar); begin")
        for kind, n in steps:
            _step(connection, kind, n)
        named = f"hash(n, b) % {one_in} = 0"
        connection.execute(f"create temp table want as select *, rowid as rid from t where {named}")

        def rows(sql: str) -> list[tuple[object, ...]]:
            return connection.execute(f"select * from ({sql}) order by all").fetchall()

        want = rows("select * from want")
        n_before = len(rows("select * from t"))
        lie = between(connection, "select rid from want")
        found = (
            f"select t.*, t.rowid as rid from t join want w on w.rid = {place('t')} where t.{lie}"
        )
        assert rows(found) == want
        connection.execute(f"update t set a = 'marked' from want w where {place('t')} = w.rid")
        assert rows("select rowid from t where a = 'marked'") == rows("select rid from want")
        connection.execute(f"delete from t where {place('t')} in (select rid from want)")
        assert rows("select * from t where a = 'marked'") == []
        assert rows("select count(*) from t") == [(n_before - len(want),)]


def test_no_place_lies_between_none() -> None:
    with duckdb.connect() as connection:
        connection.execute("create table t as select 1 as n")
        nowhere = between(connection, "select rowid from t where n = 2")
        assert connection.execute(f"select * from t where {nowhere}").fetchall() == []


def test_nothing_is_joined_on_a_bare_rowid() -> None:
    """`places.place` says why."""
    bare = re.compile(r"rowid\s*(=|in\b)|=\s*\w*\.?rowid|using \(rowid", re.IGNORECASE)
    package = Path(hotspot_pipeline.__file__).parent
    files = [f for f in package.rglob("*.py") if f.name != "places.py"]
    assert len(files) > 100
    assert [f.name for f in files if bare.search(f.read_text(encoding="utf-8"))] == []
