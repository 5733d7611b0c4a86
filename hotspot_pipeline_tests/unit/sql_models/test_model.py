"""A model that cannot run is refused when definitions load, with file and line."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from hotspot_pipeline.sql_models.model import ModelError

FOUR_COLUMNS = "{id: {type: BIGINT}, cell: {type: BIGINT}, day: {type: DATE}, n: {type: BIGINT}}"
WEEKLY = """
time_column: day
partition: weekly
"""
WINDOW = "day >= $window_start and day < $window_end"

# what is wrong: (the query, the line, what is told)
WRONG = {
    "unknown table": ("select id\nfrom raw.events\nwhere id in (select id from raw.evnts)", 3,
                      "unknown table raw.evnts: no raw/evnts.yml"),
    "table of another stage": ("select id\nfrom hexes.events", 2, "unknown table hexes.events"),
    "table without a stage": ("select id\nfrom events", 2, "table 'events' is neither a CTE nor written stage.table"),
    "table of another database": ("select id\nfrom copy.raw.events", 2, "unknown table copy.raw.events"),
    "a file": ("select id\n\nfrom 'rows.parquet'", 3, "is neither a CTE nor written stage.table"),
    "a table function": ("select id\nfrom\n  read_csv('rows.csv')", 3, "is neither a CTE nor written stage.table"),
    "unknown column": ("select\n    id,\n    cel\nfrom raw.events", 3, "Column 'cel' could not be resolved"),
    "unknown column of an alias": ("select\n    e.id\nfrom raw.events e\nwhere e.cel = 1", 4, "cel"),
    "unknown column in a join": ("select e.id\nfrom raw.events e\njoin raw.places p\n    on p.cel = e.cell", 4, "cel"),
    "column that a CTE does not give": ("with k as (\n    select id from raw.events\n)\nselect id\nfrom k\nwhere cell = 1", 6, "cell"),
    "column of both tables": ("select id\nfrom raw.events e\njoin raw.places p on e.cell = p.cell\nwhere\n    name = 'x'", 5, "name"),
    "unknown parameter": ("select id\nfrom raw.events\nwhere known_utc <= $known_at\n  and day = $today", 4,
                          "unknown parameter $today; known: $window_start, $window_end, $known_at"),
    "a parameter without a name": ("select id\nfrom raw.events where id = ?", 2, "unknown parameter $?"),
    "a numbered parameter": ("select id\nfrom raw.events where id = $1", 2, "unknown parameter $1"),
    "a bracket too few": ("select id\nfrom raw.events\nwhere (id = 1", 3, "does not parse: Expecting )"),
    "a bracket too few after parameters": ("select id\nfrom raw.events\nwhere day = $window_start\nand day = $window_end\nand (id = 1\n", 5,
                                           "does not parse: Expecting )"),
    "two words too many": ("select id from\nraw.events e f g", 2, "does not parse"),
    "an open quote": ("select id\nfrom raw.events\nwhere name = 'it\nand id = 1", 3, "a quote or comment that begins here does not end"),
    "an open comment": ("select id\n/* why\nfrom raw.events", 2, "a quote or comment that begins here does not end"),
    "two statements": ("select id from raw.events;\nselect id from raw.events", 2, "a model is exactly one SELECT"),
    "nothing": ("-- to be written", 1, "a model is exactly one SELECT"),
    "insert": ("insert into raw.events\nselect * from raw.events", 1, "a model is exactly one SELECT"),
    "delete": ("delete from raw.events", 1, "a model is exactly one SELECT"),
    "create": ("create table raw.x as select id from raw.events", 1, "a model is exactly one SELECT"),
    "drop": ("drop table raw.events", 1, "a model is exactly one SELECT"),
    "a column missing": ("with k as (select 1 as a)\n\nselect cell\nfrom raw.events", 3,
                         "columns differ from model.yml: missing ['id'], not in the contract ['cell']"),
    "a column too many": ("select id, cell\nfrom raw.events", 1, "missing none, not in the contract ['cell']"),
    "a column twice": ("select id, cell as id\nfrom raw.events", 1, "twice ['id']"),
    "all columns": ("select *\nfrom raw.events", 1, "not in the contract ['cell', 'day',"),
}  # fmt: skip


@pytest.mark.parametrize(("sql", "line", "told"), WRONG.values(), ids=WRONG.keys())
def test_what_cannot_run_is_told_with_file_and_line(
    sql: str, line: int, told: str, load: Any, tmp_path: Path
) -> None:
    with pytest.raises(ModelError) as caught:
        load(sql)
    assert str(caught.value).startswith(f"{tmp_path / 'hexes' / 'model.sql'}:{line}: ")
    assert told in str(caught.value)


def test_lines_before_the_query_count(load: Any) -> None:
    with pytest.raises(ModelError, match=re.escape("model.sql:4: Column 'cel'")):
        load("\n-- ids of cells\n\nselect cel as id from raw.events")


def test_a_model_without_a_contract_column_names_the_last_select(load: Any) -> None:
    with pytest.raises(ModelError, match=r"model\.sql:5: columns differ"):
        load("with k as (\nselect id from raw.events\n)\n\nselect id, id + 1 as next_id from k")


@pytest.mark.parametrize("kept", ["$window_start", "$window_end"])
def test_a_partitioned_model_must_use_its_window(kept: str, load: Any) -> None:
    columns = "{id: {type: BIGINT}, day: {type: DATE, required: true}}"
    sql = f"select id, day\nfrom raw.events\nwhere day >= {kept}"
    with pytest.raises(ModelError, match=r"model\.sql:1: a weekly model must use \$window_start and \$window_end"):  # fmt: skip
        load(sql, columns, more=WEEKLY)
    model = load(f"select id, day from raw.events where {WINDOW}", columns, more=WEEKLY)
    assert model.parameters == {"window_start", "window_end"}


def test_the_tables_it_reads_are_those_it_names(load: Any) -> None:
    sql = """
    with places as (select * from raw.places),
    k as (select e.id, p.cell from raw.events e left join places p on p.cell = e.cell)
    select id from k where exists (select 1 from raw.events x where x.id = k.id)
    """
    model = load(sql)
    assert model.tables == ("raw.events", "raw.places")
    assert model.name == "hexes.model"


def test_only_the_parameters_it_uses_are_bound(load: Any) -> None:
    model = load("select id from raw.events where known_utc <= $known_at")
    values = {"known_at": 1, "window_start": date(2026, 1, 5), "window_end": None}
    assert model.bound(values) == {"known_at": 1}
    with pytest.raises(ModelError, match=r"model\.sql: parameter \$known_at has no value"):
        model.bound({"window_start": 1})


@pytest.mark.parametrize(
    "same",
    [
        "-- a remark\nselect id from raw.events where name = 'Street'",
        "SELECT\n    ID\nFROM raw.events -- here\nWHERE name = 'Street';\n",
        "select id from raw.events /* why */ where name = 'Street'",
    ],
    ids=["comment", "capitals and lines", "comment inside"],
)
def test_writing_it_otherwise_makes_nothing_stale(same: str, load: Any) -> None:
    plain = load("select id from raw.events where name = 'Street'")
    assert load(same).code_version == plain.code_version


@pytest.mark.parametrize(
    "other",
    [
        "select id from raw.events where name = 'street'",
        "select id from raw.events where name <> 'Street'",
        "select id from raw.events where name = 'Street' or true",
        "select distinct id from raw.events where name = 'Street'",
        "select cell as id from raw.events where name = 'Street'",
        "select id from raw.places p join raw.events e using (cell) where e.name = 'Street'",
    ],
)
def test_meaning_something_else_makes_it_stale(other: str, load: Any) -> None:
    plain = load("select id from raw.events where name = 'Street'")
    assert load(other).code_version != plain.code_version


def test_the_code_version_is_the_same_in_every_process(load: Any) -> None:
    model = load("select id from raw.events where name = 'Street'")
    assert re.fullmatch("[0-9a-f]{16}", model.code_version)
    assert load(model.sql).code_version == model.code_version


AUDITS = {
    "unknown table": ("select id\nfrom raw.evnts", 2, "unknown table raw.evnts"),
    "unknown column": ("select id\nfrom raw.events\nwhere cel = 1", 3, "cel"),
    "no SQL": ("select id\nfrom raw.events where (", 2, "does not parse"),
    "two": ("select 1;\nselect 2", 2, "an audit is exactly one SELECT"),
    "a parameter": ("select id\nfrom raw.events where day < $known_at", 2, "unknown parameter $known_at; known: none here"),
}  # fmt: skip


@pytest.mark.parametrize(("sql", "line", "told"), AUDITS.values(), ids=AUDITS.keys())
def test_an_audit_that_cannot_run_is_told_too(
    sql: str, line: int, told: str, load: Any, tmp_path: Path
) -> None:
    with pytest.raises(ModelError) as caught:
        load("select id from raw.events", audits={"adds_up": sql})
    assert str(caught.value).startswith(f"{tmp_path / 'audits' / 'adds_up.sql'}:{line}: ")
    assert told in str(caught.value)
