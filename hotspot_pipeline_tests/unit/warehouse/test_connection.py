"""The connection: closed on every path, limited, without extensions, and plain when another program has the file."""

from __future__ import annotations

import os
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from hotspot_pipeline.warehouse.database import Warehouse
from hotspot_pipeline.warehouse.lock import LockHeld
from hotspot_pipeline.warehouse.session import AuditsFailed
from hotspot_pipeline_tests.unit.warehouse.processes import OPEN_FILE, another_process, opens


@pytest.mark.parametrize("wrong", [None, ZeroDivisionError, KeyboardInterrupt, AuditsFailed])
def test_the_file_is_free_again_whatever_happened(
    wrong: type[BaseException] | None, open_warehouse: Any
) -> None:
    """The exception is kept while a second process tries: a lock that lives as long as it does would show."""
    warehouse = open_warehouse()
    kept: BaseException | None = None
    try:
        with warehouse.session() as session:
            session.execute("create schema hexes")
            assert not opens(warehouse.path), "one writer at a time"
            if wrong:
                raise wrong("t", []) if wrong is AuditsFailed else wrong
    except BaseException as error:
        kept = error
    assert type(kept) is (wrong or type(None))
    assert opens(warehouse.path)


def test_a_file_that_another_program_has_open_is_said_plainly(open_warehouse: Any) -> None:
    warehouse = open_warehouse(busy_timeout_s=0.3)
    with warehouse.session():
        pass
    with another_process(OPEN_FILE, str(warehouse.path), "60") as other:
        with pytest.raises(LockHeld) as caught, warehouse.session():
            pass
        assert str(caught.value).startswith(f"{warehouse.path}: opened by ")
        assert f"(process {other.pid})" in str(caught.value)
        assert "open the published copy" in str(caught.value)


def test_it_waits_for_the_other_program_as_long_as_it_may(open_warehouse: Any) -> None:
    warehouse = open_warehouse(busy_timeout_s=30.0)
    with warehouse.session():
        pass
    with (
        another_process(OPEN_FILE, str(warehouse.path), "0.5"),
        warehouse.session() as session,
    ):
        assert session.value("select 1") == 1


def test_a_file_that_is_no_database_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    path.write_text("this is no database", encoding="utf-8")
    with pytest.raises(duckdb.Error, match="not a valid DuckDB"), Warehouse(path, {}).session():
        pass


def test_limits_come_from_the_settings(tmp_path: Path) -> None:
    warehouse = Warehouse(
        tmp_path / "w.duckdb",
        {},
        memory_limit="300MB",
        threads=1,
        temp_directory=tmp_path / "spill",
    )
    with warehouse.session() as session:
        found = {n: session.value(f"select current_setting('{n}')") for n in ("memory_limit", "threads", "temp_directory")}  # fmt: skip
    assert found == {"memory_limit": "286.1 MiB", "threads": 1, "temp_directory": str(tmp_path / "spill")}  # fmt: skip


def test_nothing_is_loaded_or_fetched_at_run_time(open_warehouse: Any) -> None:
    with open_warehouse().session() as session:
        for name in ("autoload_known_extensions", "autoinstall_known_extensions"):
            assert session.value(f"select current_setting('{name}')") is False
        with pytest.raises(duckdb.CatalogException, match="read_xlsx"):
            session.frame("select * from read_xlsx('book.xlsx')")
        loaded = session.frame("select install_mode from duckdb_extensions() where loaded")
        assert set(loaded.get_column("install_mode")) <= {"STATICALLY_LINKED", "NOT_INSTALLED"}


def test_the_zone_of_the_machine_shows_in_no_query(
    open_warehouse: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        with open_warehouse().session() as session:
            assert session.value("select current_setting('TimeZone')") == "UTC"
            local = "select timestamptz '2026-07-01 12:00:00+00'::timestamp"
            assert session.value(local) == datetime(2026, 7, 1, 12)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_readers_cannot_write(open_warehouse: Any) -> None:
    warehouse = open_warehouse()
    with warehouse.session() as session:
        session.execute("create schema hexes")
    with (
        warehouse.session(read_only=True) as session,
        pytest.raises(duckdb.Error, match="read-only"),
    ):
        session.execute("create table hexes.x (a integer)")
    assert os.access(warehouse.path, os.W_OK)
