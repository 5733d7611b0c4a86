"""The published copy: aggregates only, whole, checked, and never in the way of its readers."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hotspot_pipeline.warehouse.contract import TableContractError
from hotspot_pipeline.warehouse.copies import publish_copy
from hotspot_pipeline.warehouse.database import Warehouse
from hotspot_pipeline_tests.unit.warehouse.processes import another_process

TABLE = """
description: A table. One row per id.
owner: team:analysts
grain: [id]
publish: {publish}
columns: {{id: {{type: BIGINT, required: true}}, name: {{type: VARCHAR}}}}
"""
READER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
count = lambda: connection.execute("select count(*) from hexes.shown").fetchall()[0][0]
assert count() == int(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
print(count(), flush=True)
"""
KILLED = """
import os, signal, sys
from pathlib import Path
from hotspot_pipeline.warehouse import copies
from hotspot_pipeline.warehouse.contract import read_table_contract
from hotspot_pipeline.warehouse.database import Warehouse
contract = read_table_contract(Path(sys.argv[1]), Path("none"))
copies._sha256 = lambda path: os.kill(os.getpid(), signal.SIGKILL)
with Warehouse(Path(sys.argv[2]), {contract.name: contract}).session() as session:
    copies.publish_copy(session, Path(sys.argv[3]), {})
"""


@pytest.fixture
def shown(make_contract: Any) -> Any:
    return make_contract(TABLE.format(publish="true"), name="hexes.shown")


@pytest.fixture
def kept(make_contract: Any) -> Any:
    return make_contract(TABLE.format(publish="false"), name="hexes.kept")


def rows(n: int) -> pl.DataFrame:
    return pl.DataFrame({"id": list(range(n)), "name": ["it's"] * n})


def fill(warehouse: Warehouse, n: int) -> None:
    with warehouse.session() as session:
        for contract in session.catalog.values():
            session.replace_table(contract, rows(n))


def tables_of(path: Path) -> list[str]:
    with Warehouse(path, {}).session(read_only=True) as session:
        return session.frame(
            "select table_schema || '.' || table_name as t from information_schema.tables order by 1"
        )["t"].to_list()


def test_only_what_is_meant_for_readers_is_in_it(
    shown: Any, kept: Any, open_warehouse: Any, tmp_path: Path
) -> None:
    warehouse = open_warehouse(shown, kept)
    fill(warehouse, 3)
    target = tmp_path / "it's published" / "warehouse.duckdb"
    with warehouse.session() as session:
        copy = publish_copy(session, target, {"force": "Fosseshire"})
    assert tables_of(target) == ["hexes.shown"]
    assert copy.n_rows == {"hexes.shown": 3}
    with Warehouse(target, {}).session(read_only=True) as session:
        assert session.frame("select * from hexes.shown").rows() == rows(3).rows()


def test_its_checksum_is_that_of_the_file(shown: Any, open_warehouse: Any, tmp_path: Path) -> None:
    warehouse = open_warehouse(shown)
    fill(warehouse, 3)
    target = tmp_path / "published" / "warehouse.duckdb"
    with warehouse.session() as session:
        copy = publish_copy(session, target, {"force": "Fosseshire"})
    sha256 = hashlib.sha256(target.read_bytes()).hexdigest()
    assert (copy.sha256, copy.n_bytes) == (sha256, target.stat().st_size)
    note = json.loads(target.with_suffix(".json").read_text(encoding="utf-8"))
    assert note == {"force": "Fosseshire", "sha256": sha256, "tables": {"hexes.shown": 3}}
    assert target.stat().st_mode & 0o222 == 0
    assert sorted(p.name for p in target.parent.iterdir()) == ["warehouse.duckdb", "warehouse.json"]


@pytest.mark.parametrize("stage", ["raw", "validated"])
def test_delivered_rows_are_refused_even_if_a_contract_says_otherwise(
    stage: str, shown: Any, open_warehouse: Any, tmp_path: Path
) -> None:
    forged = replace(shown, stage=stage)
    with (
        open_warehouse(forged).session() as session,
        pytest.raises(TableContractError, match=f"not allowed for {stage} tables"),
    ):
        publish_copy(session, tmp_path / "copy.duckdb", {})
    assert not (tmp_path / "copy.duckdb").exists()


def test_a_table_that_was_never_built_is_left_out(
    shown: Any, open_warehouse: Any, tmp_path: Path
) -> None:
    with open_warehouse(shown).session() as session:
        assert publish_copy(session, tmp_path / "copy.duckdb", {}).n_rows == {}


def test_readers_of_the_old_copy_go_on_reading_it(
    shown: Any, open_warehouse: Any, tmp_path: Path
) -> None:
    warehouse = open_warehouse(shown)
    target = tmp_path / "published" / "warehouse.duckdb"
    fill(warehouse, 3)
    with warehouse.session() as session:
        publish_copy(session, target, {})
    with another_process(READER, str(target), "3") as reader:
        fill(warehouse, 5)
        with warehouse.session() as session:
            publish_copy(session, target, {})
        assert reader.stdin and reader.stdout
        reader.stdin.write("again\n")
        reader.stdin.flush()
        assert reader.stdout.readline().strip() == "3"
    with another_process(READER, str(target), "5"):
        pass


def test_killed_half_way_it_leaves_the_old_copy(
    shown: Any, open_warehouse: Any, tmp_path: Path
) -> None:
    warehouse = open_warehouse(shown)
    target = tmp_path / "published" / "warehouse.duckdb"
    fill(warehouse, 3)
    with warehouse.session() as session:
        first = publish_copy(session, target, {})
    fill(warehouse, 5)
    code = [sys.executable, "-c", KILLED, str(shown.path), str(warehouse.path), str(target)]
    done = subprocess.run(code, check=False, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert hashlib.sha256(target.read_bytes()).hexdigest() == first.sha256
    assert tables_of(target) == ["hexes.shown"]
    with warehouse.session() as session:
        assert publish_copy(session, target, {}).n_rows == {"hexes.shown": 5}
    assert sorted(p.name for p in target.parent.iterdir()) == ["warehouse.duckdb", "warehouse.json"]
