"""A write is whole or not there at all; unchanged rows are no write; columns meet by name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from hotspot_pipeline.warehouse.contract import TableContract
from hotspot_pipeline.warehouse.database import Warehouse
from hotspot_pipeline.warehouse.session import AuditsFailed, Query, Session, Write
from hotspot_pipeline_tests.unit.warehouse.conftest import COUNTS

MONDAY, NEXT, AFTER = date(2026, 1, 5), date(2026, 1, 12), date(2026, 1, 19)
Put = Callable[[Session, TableContract, Any], Write]
WRITES = {
    "replace_table": lambda s, c, rows: s.replace_table(c, rows),
    "replace_window": lambda s, c, rows: s.replace_window(c, rows, MONDAY, AFTER),
    "replace_changed_windows": lambda s, c, rows: s.replace_changed_windows(c, rows),
}
each_write = pytest.mark.parametrize("put", WRITES.values(), ids=WRITES.keys())


def rows(*given: tuple[date, int, int, int]) -> pl.DataFrame:
    names = ("week_start", "cell", "n_events", "n_serious")
    types = (pl.Date, pl.Int64, pl.Int64, pl.Int64)
    return pl.DataFrame(given, schema=dict(zip(names, types, strict=True)), orient="row")


def standing(warehouse: Warehouse, table: str = "hexes.counts") -> list[tuple[Any, ...]]:
    with warehouse.session(read_only=True) as session:
        return session.frame(f"select * from {table} order by all").rows()


def print_of(path: Path) -> tuple[str, int]:
    return hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns


OLD = rows((MONDAY, 1, 10, 0), (NEXT, 1, 20, 0))
NEW = rows((MONDAY, 1, 11, 1), (NEXT, 2, 20, 0))
NEVER_THIRTEEN = {"no_thirteen": "select * from hexes.counts where n_events = 13"}


def audited(severity: str) -> str:
    return COUNTS + f"    audits:\n      - {{name: no_thirteen, severity: {severity}}}\n"


@each_write
def test_the_first_write_creates_the_table_as_its_contract_says(
    put: Put, make_contract: Any, open_warehouse: Any
) -> None:
    contract = make_contract()
    with open_warehouse(contract).session() as session:
        write = put(session, contract, OLD)
        types = session.frame(
            "select column_name, data_type from information_schema.columns where table_schema = 'hexes' order by ordinal_position"
        ).rows()
    assert types == list(contract.column_types.items())
    assert (write.n_rows, write.changed) == (2, True)


@each_write
def test_a_blocking_audit_leaves_the_old_rows_and_says_which_are_bad(
    put: Put, make_contract: Any, open_warehouse: Any
) -> None:
    contract = make_contract(audited("error"), audits=NEVER_THIRTEEN)
    warehouse = open_warehouse(contract)
    with warehouse.session() as session:
        put(session, contract, OLD)
    before, file = standing(warehouse), print_of(warehouse.path)
    with warehouse.session() as session, pytest.raises(AuditsFailed) as caught:
        put(session, contract, rows((MONDAY, 7, 13, 0), (NEXT, 1, 99, 0)))
    assert "hexes.counts: nothing was written, the earlier rows stand" in str(caught.value)
    assert "no_thirteen: 1 bad rows" in str(caught.value)
    assert "cell=7" in str(caught.value)
    assert [a.audit.name for a in caught.value.audits if not a.passed] == ["no_thirteen"]
    assert standing(warehouse) == before == OLD.rows()
    assert print_of(warehouse.path) == file


@each_write
def test_a_blocking_audit_on_the_first_write_leaves_no_table(
    put: Put, make_contract: Any, open_warehouse: Any
) -> None:
    contract = make_contract(audited("error"), audits=NEVER_THIRTEEN)
    with open_warehouse(contract).session() as session:
        with pytest.raises(AuditsFailed):
            put(session, contract, rows((MONDAY, 1, 13, 0)))
        assert not session.exists("hexes.counts")


@each_write
def test_a_warning_audit_commits_and_reports(
    put: Put, make_contract: Any, open_warehouse: Any
) -> None:
    contract = make_contract(audited("warn"), audits=NEVER_THIRTEEN)
    warehouse = open_warehouse(contract)
    with warehouse.session() as session:
        write = put(session, contract, rows((MONDAY, 1, 13, 0)))
    assert [(a.audit.name, a.n_bad_rows) for a in write.audits if not a.passed] == [
        ("no_thirteen", 1)
    ]
    assert standing(warehouse) == [(MONDAY, 1, 13, 0)]


@each_write
@pytest.mark.parametrize(
    "broken",
    [
        Query("select week_start, cell, 'many' as n_events, 0 as n_serious from hexes.counts", {}),
        Query("select * from hexes.not_there", {}),
        Query("select week_start, cell, n_events from hexes.counts", {}),
        Query("select week_start, cell, n_events, 1/0 as n_serious, 3 as more from hexes.counts where", {}),
    ],
    ids=["not a number", "no such table", "a column is missing", "no SQL"],
)  # fmt: skip
def test_a_failing_insert_leaves_the_old_rows(
    put: Put, broken: Query, make_contract: Any, open_warehouse: Any
) -> None:
    contract = make_contract()
    warehouse = open_warehouse(contract)
    with warehouse.session() as session:
        put(session, contract, OLD)
        with pytest.raises(duckdb.Error):
            put(session, contract, broken)
        # and the session goes on: nothing is left half open
        assert put(session, contract, OLD).changed is False
    assert standing(warehouse) == OLD.rows()


@each_write
def test_being_stopped_in_the_middle_leaves_the_old_rows(
    put: Put, make_contract: Any, open_warehouse: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = make_contract()
    warehouse = open_warehouse(contract)
    with warehouse.session() as session:
        put(session, contract, OLD)

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Session, "audit", stopped)  # the new rows are in, nothing is committed
    with warehouse.session() as session, pytest.raises(KeyboardInterrupt):
        put(session, contract, NEW)
    assert standing(warehouse) == OLD.rows()


@each_write
def test_columns_meet_by_name_and_never_by_position(
    put: Put, make_contract: Any, open_warehouse: Any
) -> None:
    contract = make_contract()
    warehouse = open_warehouse(contract)
    swapped = NEW.select("n_serious", "n_events", "cell", "week_start")
    with warehouse.session() as session:
        put(session, contract, swapped)
    assert standing(warehouse) == NEW.rows()
    values = f"(values (date '{MONDAY}', 5, 3, 4)) v(week_start, cell, n_serious, n_events)"
    with warehouse.session() as session:
        put(session, contract, Query(f"select n_serious, n_events, cell, week_start from {values}", {}))  # fmt: skip
    assert (MONDAY, 5, 4, 3) in standing(warehouse)


@each_write
@pytest.mark.parametrize("in_other_order", [False, True])
def test_unchanged_rows_are_no_write(
    put: Put, in_other_order: bool, make_contract: Any, open_warehouse: Any
) -> None:
    contract = make_contract()
    warehouse = open_warehouse(contract)
    with warehouse.session() as session:
        first = put(session, contract, OLD)
    file = print_of(warehouse.path)
    with warehouse.session() as session:
        again = put(session, contract, OLD.reverse() if in_other_order else OLD)
    assert (again.changed, again.windows, again.n_rows) == (False, (), 2)
    assert again.content == first.content
    assert {a.audit.name for a in again.audits} == {a.name for a in contract.all_audits}
    assert print_of(warehouse.path) == file


@each_write
def test_one_changed_value_is_a_write(put: Put, make_contract: Any, open_warehouse: Any) -> None:
    contract = make_contract()
    with open_warehouse(contract).session() as session:
        first = put(session, contract, OLD)
        second = put(session, contract, rows((MONDAY, 1, 10, 0), (NEXT, 1, 20, 1)))
    assert second.changed
    assert second.content != first.content


def test_names_of_columns_do_not_mislead_the_comparison(
    make_contract: Any, open_warehouse: Any
) -> None:
    """A column called as a table alias inside the comparison once hid all others from it."""
    contract = make_contract(
        """
        description: Columns with short names. One row per day.
        owner: team:analysts
        grain: [w]
        time_column: w
        columns: {w: {type: DATE, required: true}, t: {type: BIGINT}, n: {type: BIGINT}, h: {type: BIGINT}}
        """,
        name="hexes.short",
    )

    def one(h: int) -> pl.DataFrame:
        return pl.DataFrame({"w": [MONDAY], "t": [1], "n": [2], "h": [h]})

    with open_warehouse(contract).session() as session:
        session.replace_table(contract, one(3))
        assert session.replace_table(contract, one(4)).changed
        assert session.replace_changed_windows(contract, one(5)).windows == (MONDAY,)
        assert session.replace_window(contract, one(6), MONDAY, NEXT).windows == (MONDAY,)
        assert session.frame("select * from hexes.short").rows() == [(MONDAY, 1, 2, 6)]


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (NEW.drop("cell"), "frame lacks ['cell'] and has too much nothing"),
        (NEW.with_columns(more=1), "frame lacks nothing and has too much ['more']"),
        (NEW.with_columns(pl.col("n_events") + 0.5), "n_events is BIGINT in counts.yml, the frame has Float64"),
    ],
    ids=["column missing", "column too many", "fractions"],
)  # fmt: skip
def test_a_frame_that_is_not_the_contract_is_refused(
    frame: pl.DataFrame, told: str, make_contract: Any, open_warehouse: Any
) -> None:
    contract = make_contract()
    with open_warehouse(contract).session() as session:
        with pytest.raises(ValueError) as caught:
            session.replace_table(contract, frame)
        assert not session.exists("hexes.counts")
    assert str(caught.value).startswith("hexes.counts: ")
    assert told in str(caught.value)


def test_a_transaction_is_whole_or_not_there(make_contract: Any, open_warehouse: Any) -> None:
    contract = make_contract()
    with open_warehouse(contract).session() as session:
        session.ensure(contract)
        with pytest.raises(ZeroDivisionError), session.transaction():
            session.insert(contract, OLD)
            raise ZeroDivisionError
        assert session.value("select count(*) from hexes.counts") == 0
        with session.transaction():
            session.insert(contract, OLD)
        assert session.value("select count(*) from hexes.counts") == 2
