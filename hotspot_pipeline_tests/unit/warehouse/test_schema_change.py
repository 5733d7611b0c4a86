"""Added columns are taken over by themselves, in the transaction of the write; anything else is refused with the way out."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from hotspot_pipeline.warehouse.session import AuditsFailed, SchemaChangeRefused

HEAD = """
description: Cells. One row per cell.
owner: team:analysts
grain: [cell]
columns:
  cell: {type: BIGINT, required: true}
"""
FIRST = HEAD + "  name: {type: VARCHAR}\n"
# the new column stands between the old ones; in the file it will stand last
WIDER = HEAD + '  area_m2: {type: "DECIMAL(12, 2)", unit: m²}\n  name: {type: VARCHAR}\n'
ROWS = pl.DataFrame({"cell": [1, 2], "name": ["a", "b"]})
WIDER_ROWS = ROWS.with_columns(area_m2=pl.lit(None, pl.Float64))


def columns(session: Any) -> list[tuple[str, str]]:
    return session.frame(
        "select column_name, data_type from information_schema.columns where table_name = 'cells' order by ordinal_position"
    ).rows()


@pytest.mark.parametrize("how", ["replace_table", "insert"])
def test_an_added_column_is_taken_over(how: str, make_contract: Any, open_warehouse: Any) -> None:
    first = make_contract(FIRST, name="hexes.cells")
    with open_warehouse(first).session() as session:
        session.replace_table(first, ROWS)
    wider = make_contract(WIDER, name="hexes.cells")
    with open_warehouse(wider).session() as session:
        if how == "insert":
            assert session.ensure(wider) is True
            session.insert(wider, pl.DataFrame({"area_m2": [7.25], "name": ["c"], "cell": [3]}))
        else:
            rows = pl.DataFrame({"cell": [3], "name": ["c"], "area_m2": [7.25]})
            session.replace_table(wider, pl.concat([WIDER_ROWS, rows], how="diagonal"))
        assert columns(session) == [("cell", "BIGINT"), ("name", "VARCHAR"), ("area_m2", "DECIMAL(12,2)")]  # fmt: skip
        assert session.frame("select cell, name, area_m2::varchar from hexes.cells order by 1").rows() == [
            (1, "a", None), (2, "b", None), (3, "c", "7.25")]  # fmt: skip
        assert session.ensure(wider) is False


def test_unchanged_rows_stay_unchanged_after_a_column_was_added(
    make_contract: Any, open_warehouse: Any
) -> None:
    first = make_contract(FIRST, name="hexes.cells")
    with open_warehouse(first).session() as session:
        session.replace_table(first, ROWS)
    wider = make_contract(WIDER, name="hexes.cells")
    with open_warehouse(wider).session() as session:
        write = session.replace_table(wider, WIDER_ROWS)
        assert write.changed is False
        assert len(columns(session)) == 3, "the column is there although no row changed"
        filled = WIDER_ROWS.with_columns(area_m2=pl.Series([1.5, None]))
        assert session.replace_table(wider, filled).changed is True
        assert session.replace_table(wider, filled).changed is False


def test_a_failed_audit_takes_the_added_column_back(
    make_contract: Any, open_warehouse: Any
) -> None:
    first = make_contract(FIRST, name="hexes.cells")
    with open_warehouse(first).session() as session:
        session.replace_table(first, ROWS)
    wider = make_contract(WIDER, name="hexes.cells")
    with open_warehouse(wider).session() as session:
        with pytest.raises(AuditsFailed, match="grain_is_unique"):
            session.replace_table(wider, pl.concat([WIDER_ROWS, WIDER_ROWS]))
        assert columns(session) == [("cell", "BIGINT"), ("name", "VARCHAR")]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (HEAD + "  title: {type: VARCHAR}\n", "column name is gone from the contract"),
        (HEAD + "  name: {type: BIGINT}\n", "column name is VARCHAR in the table, BIGINT in the contract"),
        (HEAD, "column name is gone from the contract"),
    ],
    ids=["renamed", "retyped", "removed"],
)  # fmt: skip
def test_any_other_change_is_refused_with_the_way_out(
    changed: str, told: str, make_contract: Any, open_warehouse: Any
) -> None:
    first = make_contract(FIRST, name="hexes.cells")
    with open_warehouse(first).session() as session:
        session.replace_table(first, ROWS)
    other = make_contract(changed, name="hexes.cells")
    rows = pl.DataFrame({c.name: [1] for c in other.columns})
    with open_warehouse(other).session() as session:
        with pytest.raises(SchemaChangeRefused) as caught:
            session.replace_table(other, rows)
        assert session.frame("select * from hexes.cells order by 1").rows() == ROWS.rows()
    assert str(caught.value).startswith("hexes.cells: " + told)
    assert "cells.yml" in str(caught.value)
    assert str(caught.value).endswith("hotspots run --rebuild hexes.cells")


def test_a_raw_table_is_never_sent_to_a_rebuild(make_contract: Any, open_warehouse: Any) -> None:
    first = make_contract(FIRST, name="raw.cells")
    with open_warehouse(first).session() as session:
        session.ensure(first)
        other = make_contract(HEAD, name="raw.cells")
        with pytest.raises(SchemaChangeRefused) as caught:
            session.ensure(other)
    assert "--rebuild" not in str(caught.value)
    assert "leave the old column in the contract" in str(caught.value)


def test_every_type_of_a_contract_reads_back_as_itself(
    make_contract: Any, open_warehouse: Any
) -> None:
    """Or the second run would take its own table for a changed one."""
    kinds = ["VARCHAR", "BIGINT", "INTEGER", "SMALLINT", "DOUBLE", "BOOLEAN", "DATE", "TIMESTAMP",
             "DECIMAL(14,2)", "DECIMAL(9, 4)", "DECIMAL(38,0)"]  # fmt: skip
    text = HEAD + "".join(f'  c{n}: {{type: "{kind}"}}\n' for n, kind in enumerate(kinds))
    contract = make_contract(text, name="hexes.kinds")
    with open_warehouse(contract).session() as session:
        assert session.ensure(contract) is True
        assert session.ensure(contract) is False


def test_a_table_of_an_attached_file_is_not_ours(make_contract: Any, open_warehouse: Any) -> None:
    contract = make_contract(FIRST, name="hexes.cells")
    with open_warehouse(contract).session() as session:
        session.execute("attach ':memory:' as other")
        session.execute("create schema other.hexes")
        session.execute("create table other.hexes.cells (cell varchar)")
        assert not session.exists("hexes.cells")
        assert session.ensure(contract) is True
        assert session.exists("hexes.cells")
