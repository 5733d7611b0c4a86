"""Frames put aside within a transaction: read as they were, and gone afterwards, on disk and in memory."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from hotspot_pipeline.warehouse.database import Warehouse
from hotspot_pipeline.warehouse.shelf import clear, shelved

ROWS = pl.DataFrame(
    {
        "n": [1, None, 2**62],
        "small": pl.Series([1, 2, 3], dtype=pl.UInt32),
        "text": ["a", "", None],
        "share": [0.1, float("inf"), None],
        "harm": [Decimal("1.50"), None, Decimal("-0.01")],
        "day": [date(2026, 1, 5), None, date(1999, 12, 31)],
        "at": [datetime(2026, 10, 25, 1, 30, 0, 1), None, datetime(1970, 1, 1)],
        "is_on": [True, False, None],
    }
)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path / "w.duckdb", {}, temp_directory=tmp_path / "spill's")


def test_a_frame_comes_back_as_it_was(warehouse: Warehouse) -> None:
    with warehouse.session() as session, session.shelved("kept", ROWS):
        assert_frame_equal(session.frame("select * from kept order by small"), ROWS)
        with session.shelved("none", ROWS.clear()):
            assert_frame_equal(session.frame("select * from none"), ROWS.clear())


def test_files_are_gone_when_the_statements_are_done_and_when_they_fail(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    folder = tmp_path / "spill's"
    with warehouse.session() as session:
        with session.transaction(), session.shelved("kept", ROWS):
            assert len(list(folder.glob("shelved-*"))) == 1
        with pytest.raises(duckdb.Error), session.transaction(), session.shelved("kept", ROWS):
            session.execute("select no_such_column from kept")
        assert not list(folder.glob("shelved-*"))
        assert session.value("select count(*) from duckdb_views() where view_name = 'kept'") == 0


def test_one_transaction_takes_many_frames_in_the_memory_of_one(tmp_path: Path) -> None:
    many = pl.DataFrame({"n": pl.int_range(300_000, eager=True), "text": ["x" * 100] * 300_000})
    used = []
    with duckdb.connect() as connection:
        connection.execute("begin")
        for _ in range(6):
            with shelved(connection, tmp_path, "kept", many):
                connection.execute("create temp table if not exists sums as select sum(n) as s from kept")  # fmt: skip
                connection.execute("insert into sums select sum(n) from kept")
            row = connection.execute("select sum(memory_usage_bytes) from duckdb_memory()").fetchall()  # fmt: skip
            used.append(row[0][0])
        connection.execute("commit")
    # a dropped temporary table of this size keeps over 30 MB each time
    assert used[-1] - used[0] < 10_000_000
    assert not list(tmp_path.iterdir())


def test_opening_for_writing_clears_what_a_killed_run_left(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    left = tmp_path / "spill's" / "shelved-x.parquet"
    with warehouse.session() as session:
        session.execute("create table t (n int)")
    left.parent.mkdir(exist_ok=True)
    left.touch()
    (left.parent / "another.file").touch()
    with warehouse.session(read_only=True):
        assert left.exists()
    with warehouse.session():
        assert [p.name for p in left.parent.iterdir()] == ["another.file"]
    clear(tmp_path / "nowhere")
