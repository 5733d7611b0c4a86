"""Contracts of tables: every mistake is told with file, key, value and rule."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml

from hotspot_pipeline.warehouse.contract import (
    TableContract,
    TableContractError,
    read_catalog,
    read_table_contract,
)

GOOD = """
description: >
  Events per week.
  One row per week and cell.
owner: team:analysts
grain: [week_start, cell]
time_column: week_start
partition: weekly
publish: true
columns:
  week_start: {type: DATE, required: true, description: "Monday, 06:00"}
  cell: {type: BIGINT, required: true}
  kind: {type: VARCHAR, allowed: [a, "b's"], unit: kinds}
  harm_days: {type: "DECIMAL(14, 2)"}
audits:
  - {name: sums_up, severity: warn, description: "Counts, summed"}
"""


def write(tmp_path: Path, text: str, name: str = "hexes/counts.yml") -> Path:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "audits").mkdir(exist_ok=True)
    (tmp_path / "audits" / "sums_up.sql").write_text("select 1;\n", encoding="utf-8")
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def read(tmp_path: Path, text: str, name: str = "hexes/counts.yml") -> TableContract:
    return read_table_contract(write(tmp_path, text, name), tmp_path / "audits")


def test_a_contract_reads_as_it_is_written(tmp_path: Path) -> None:
    contract = read(tmp_path, GOOD)
    assert contract.name == "hexes.counts"
    assert contract.description == "Events per week. One row per week and cell."
    assert contract.grain == ("week_start", "cell")
    assert (contract.time_column, contract.partition, contract.publish) == ("week_start", "weekly", True)  # fmt: skip
    assert contract.column_types == {"week_start": "DATE", "cell": "BIGINT", "kind": "VARCHAR", "harm_days": "DECIMAL(14,2)"}  # fmt: skip
    kind = contract.columns[2]
    assert (kind.allowed, kind.unit, kind.required) == (("a", "b's"), "kinds", False)
    assert [(a.name, a.severity, a.sql) for a in contract.audits] == [("sums_up", "warn", "select 1")]  # fmt: skip
    assert contract.sql_path is None
    (tmp_path / "hexes" / "counts.sql").write_text("select 1", encoding="utf-8")
    assert read(tmp_path, GOOD).sql_path == tmp_path / "hexes" / "counts.sql"


MISTAKES = {
    "not YAML": ("grain: [week_start, cell]", "grain: [week_start", "counts.yml:7:12: not valid YAML"),
    "a tab": ("grain: [week_start, cell]", "\tgrain: [cell]", "not valid YAML"),
    "a list": (GOOD, "- description\n- grain\n", "must be a mapping (key: value lines), not a list"),
    "nothing": (GOOD, "", "'description' is missing"),
    "no description": ("description: >\n  Events per week.\n  One row per week and cell.\n", "", "'description' is missing"),
    "no owner": ("owner: team:analysts\n", "", "'owner' is missing"),
    "no columns": (GOOD[GOOD.index("columns:"):], "", "'columns' is missing"),
    "owner is nobody": ("team:analysts", "analysts", "owner 'analysts' is neither team:<name> nor an e-mail"),
    "audited by nothing": ("partition: weekly", "partition: weekly\naudited_by: [street]", "'street' is not a column"),
    "follows without names": ("partition: weekly\n", "follows: [hexes.other]\n", "a table that follows others has extract_id, source_file, line_no"),
    "by_group": ("severity: warn", "severity: warn, by_group: 1", "by_group"),
    "unknown key": ("publish: true", "published: true", "unknown key 'published'; known: audited_by, audits, columns"),
    "key twice": ("publish: true", "publish: true\npublish: false", "key 'publish' stands here a second time"),
    "column twice": ("  cell: {type: BIGINT, required: true}\n", "  cell: {type: BIGINT}\n  cell: {type: DATE}\n",
                     "counts.yml:13:3: not valid YAML: key 'cell' stands here a second time"),
    "comma in a description": ('"Monday, 06:00"', "Monday, the first day",
                               "column week_start: unknown key 'the first day' (a text that holds a comma"),
    "comma in a type": ('"DECIMAL(14, 2)"', "DECIMAL(14, 2)", "column harm_days: unknown key '2)' (a text that holds a comma"),
    "colon in a description": ('"Monday, 06:00"', "Monday: the first", "not valid YAML"),
    "unknown type": ("type: BIGINT", "type: INT64", "column cell: type 'INT64' is not one of VARCHAR, BIGINT"),
    "type in small letters": ("type: BIGINT", "type: bigint", "type 'bigint' is not one of"),
    "no type": ("{type: BIGINT, required: true}", "{required: true}", "column cell: type '' is not one of"),
    "decimal without digits": ('"DECIMAL(14, 2)"', "DECIMAL", "type 'DECIMAL' is not one of"),
    "decimal too long": ('"DECIMAL(14, 2)"', '"DECIMAL(39,2)"', "column harm_days: 'DECIMAL(39,2)': at most 38 digits"),
    "decimals longer than digits": ('"DECIMAL(14, 2)"', '"DECIMAL(2,3)"', "'DECIMAL(2,3)': at most 38 digits"),
    "column without a mapping": ("{type: BIGINT, required: true}", "BIGINT", "column cell: must be a mapping"),
    "column with an unknown key": ("{type: BIGINT, required: true}", "{type: BIGINT, nullable: false}",
                                   "column cell: unknown key 'nullable'; known: allowed, description, required, type, unit"),
    "required is a text": ("{type: BIGINT, required: true}", '{type: BIGINT, required: "no"}',
                           "column cell: required: 'no' is not true or false"),
    "publish is a text": ("publish: true", "publish: sometimes", "publish: 'sometimes' is not true or false"),
    "allowed reads as true": ("allowed: [a, \"b's\"]", "allowed: [yes, no]", "column kind: allowed: YAML reads this as true"),
    "allowed on a number": ("cell: {type: BIGINT", "cell: {allowed: [1], type: BIGINT", "'allowed' is for VARCHAR columns, not BIGINT"),
    "column name": ("  cell:", "  Cell:", "'Cell': small letters, digits and underscores only"),
    "column name is yes": ("  kind:", "  yes:", "columns: key True: YAML reads this as true"),
    "grain is no column": ("[week_start, cell]", "[week_start, hex]", "'hex' is not a column"),
    "time column is no column": ("time_column: week_start", "time_column: week", "'week' is not a column"),
    "partition unknown": ("partition: weekly", "partition: monthly", "partition 'monthly' is not one of none, daily, weekly"),
    "partition without time": ("time_column: week_start\n", "", "a weekly table needs a time_column"),
    "time is no date": ("week_start: {type: DATE", "week_start: {type: TIMESTAMP", "time_column 'week_start' of a weekly table is a required DATE"),
    "time may be empty": ("week_start: {type: DATE, required: true,", "week_start: {type: DATE,", "is a required DATE"),
    "audits is a mapping": ("  - {name: sums_up, severity: warn, description: \"Counts, summed\"}", "  name: sums_up", "audits: must be a list"),
    "audit without a name": ("{name: sums_up, ", "{", "audits: an audit has no name"),
    "audit is a text": ("{name: sums_up, severity: warn, description: \"Counts, summed\"}", "sums_up", "audits: must be a mapping"),
    "audit has no file": ("name: sums_up", "name: adds_up", "audit 'adds_up': no file adds_up.sql in "),
    "audit severity": ("severity: warn", "severity: fatal", "audit 'sums_up': severity 'fatal' is not error or warn"),
    "audit key": ("severity: warn", "level: warn", "audits: unknown key 'level'"),
    "audit twice": ("audits:\n", "audits:\n  - {name: sums_up}\n", "audit 'sums_up' is there twice"),
    "published rows of people": ("  cell:", "  crime_pid: {type: VARCHAR}\n  cell:",
                                 "publish: true is not allowed: column crime_pid says that its rows are single records"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "told"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_told_with_file_key_value_and_rule(
    old: str, new: str, told: str, tmp_path: Path
) -> None:
    assert old in GOOD
    with pytest.raises(TableContractError) as caught:
        read(tmp_path, GOOD.replace(old, new))
    assert str(caught.value).startswith(str(tmp_path / "hexes" / "counts.yml"))
    assert told in str(caught.value)


@pytest.mark.parametrize("stage", ["raw", "validated"])
def test_delivered_tables_are_never_published(stage: str, tmp_path: Path) -> None:
    with pytest.raises(TableContractError, match=f"publish: true is not allowed: {stage} tables"):
        read(tmp_path, GOOD, f"{stage}/counts.yml")


def test_a_file_in_another_encoding_is_told(tmp_path: Path) -> None:
    path = write(tmp_path, "")
    path.write_bytes(GOOD.replace("kinds", "m²").encode("latin-1"))
    with pytest.raises(TableContractError, match=r"counts\.yml: not UTF-8 \(byte \d+\)"):
        read_table_contract(path, tmp_path / "audits")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("hexes/lonely.sql", "lonely.sql: no contract lonely.yml beside it"),
        ("hexagons/counts.yml", "'hexagons' is no stage; known: raw, validated"),
        ("hexes/other.yaml", "other.yaml: a table contract ends in .yml"),
    ],
)
def test_a_file_that_nothing_would_read_is_told(name: str, told: str, tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    stray = tmp_path / name
    stray.parent.mkdir(exist_ok=True)
    stray.write_text(GOOD, encoding="utf-8")
    with pytest.raises(TableContractError) as caught:
        read_catalog(tmp_path)
    assert told in str(caught.value)


def test_an_empty_folder_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(TableContractError, match="set HOTSPOTS_SQL to the dbt_like_sql folder"):
        read_catalog(tmp_path / "nowhere")


def test_the_real_contracts_say_what_one_row_is(catalog: dict[str, TableContract]) -> None:
    assert len(catalog) >= 41
    for contract in catalog.values():
        assert contract.description.rstrip(".").rpartition(". ")[2].startswith("One row per "), contract.path  # fmt: skip
        assert contract.grain, contract.path
        required = {c.name for c in contract.columns if c.required}
        assert set(contract.grain) <= required, f"{contract.path}: a part of the grain may be empty"


def test_every_audit_file_is_used(catalog: dict[str, TableContract], project_root: Path) -> None:
    files = {p.stem for p in (project_root / "dbt_like_sql" / "audits").glob("*.sql")}
    assert files == {a.name for c in catalog.values() for a in c.audits}


def test_published_tables_hold_no_single_record(catalog: dict[str, TableContract]) -> None:
    published = {c.name for c in catalog.values() if c.publish}
    assert "hexes.crime_weekly" in published
    assert not {n for n in published if n.startswith(("raw.", "validated."))}
    assert not published & {"hexes.events", "history.crimes_current", "history.asb_current", "hexes.site_matches"}  # fmt: skip
    for name in published:
        columns: Any = catalog[name].column_types
        assert not [c for c in columns if c.endswith("_pid") or c in ("line_no", "row_hash", "event_id")]  # fmt: skip


def test_every_column_says_what_it_means(catalog: dict[str, TableContract]) -> None:
    silent = [
        f"{name}.{column.name}"
        for name, contract in catalog.items()
        for column in contract.columns
        if not column.description
    ]
    assert silent == []


def test_common_meanings_are_for_columns_that_need_them(project_root: Path) -> None:
    """An entry that no column takes has been left behind by a column that is gone or speaks for itself."""
    folder = project_root / "dbt_like_sql"
    common = yaml.safe_load((folder / "columns.yml").read_text(encoding="utf-8"))
    needed = {
        column.name
        for path in folder.glob("*/*.yml")
        for column in read_table_contract(path, folder / "audits").columns
        if not column.description
    }
    assert set(common) == needed
