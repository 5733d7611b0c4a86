"""Feed contracts: those that ship fit the raw tables, and a wrong one is told with key, value and rule."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hotspot_pipeline.feeds.contract import (
    COLUMN_TYPES,
    FILE_TABLES,
    ContractError,
    FeedContract,
    coming_contracts,
    parse_contract,
    read_contract,
    shipped_contracts,
)
from hotspot_pipeline.warehouse.contract import TableContract
from hotspot_pipeline_tests.unit.feeds.conftest import SMALL

SHIPPED = shipped_contracts()
ROW_PLACE = {"extract_id", "source_file", "line_no"}
each_feed = pytest.mark.parametrize("feed", SHIPPED)


def test_the_feeds_that_ship() -> None:
    assert set(SHIPPED) == {
        "police_uk_street", "crime_extract", "asb_extract", "venues", "excluded_sites", "default_geocodes",
        "gps_pings", "duties", "patrol_plan", "patrol_logs", "patrol_places",
    }  # fmt: skip


def test_a_contract_without_a_table_is_coming_and_no_force_can_ask_for_it(
    tmp_path: Path, catalog: dict[str, TableContract]
) -> None:
    from hotspot_pipeline.feeds.of_force import contracts_of
    from hotspot_pipeline.settings import Force

    coming = coming_contracts()
    assert {"survey_responses", "qr_feedback", "ed_attendances"} <= set(coming)
    assert not set(coming) & set(SHIPPED)
    for feed, contract in coming.items():
        assert contract.table == ""
        assert contract.feed == feed
        assert f"raw.{feed}" not in catalog, (
            f"{feed}: the table is there, so the contract can name it"
        )
        for column in contract.columns:
            assert bool(column.allowed) == (column.type == "code"), f"{feed}.{column.name}"
        with pytest.raises(
            ContractError, match=f"no feed '{feed}'; known: asb_extract, crime_extract"
        ):
            contracts_of(Force("f", "F", tmp_path, feeds={feed: {}}))


@pytest.mark.parametrize("table", sorted({c.table for c in SHIPPED.values()} - set(FILE_TABLES)))
def test_a_raw_table_has_exactly_the_columns_of_its_feeds(
    table: str, catalog: dict[str, TableContract]
) -> None:
    feeds = [c for c in SHIPPED.values() if c.table == table]
    columns = catalog[f"raw.{table}"].column_types
    assert set(columns) - ROW_PLACE == {name for c in feeds for name in c.column_names}
    assert {kind for name, kind in columns.items() if name not in ROW_PLACE} == {"VARCHAR"}


@each_feed
def test_a_shipped_contract_is_sound(feed: str, catalog: dict[str, TableContract]) -> None:
    contract = SHIPPED[feed]
    # what stands in files has its ledgers in tables
    tables = ["validated.ping_days"] if contract.table in FILE_TABLES else [f"raw.{contract.table}", f"validated.{contract.table}"]  # fmt: skip
    assert set(tables) <= set(catalog)
    assert contract.key or contract.delivery.kind == "snapshot", "without a key nothing can be kept up to date"  # fmt: skip
    for column in contract.columns:
        assert column.type in COLUMN_TYPES
        assert bool(column.allowed) == (column.type == "code"), f"{feed}.{column.name}"
    for name in contract.key:
        assert contract.column(name).has_value, f"{feed}: key column {name} may be empty"
    assert list(contract.ambiguities()) == []


@each_feed
def test_the_rules_and_expectations_of_a_shipped_contract_are_those_of_the_gate(feed: str) -> None:
    from hotspot_pipeline.validated.rules import RULES

    for rule in SHIPPED[feed].rules:
        assert rule.rule in RULES, f"{feed}: {rule.rule}"
    gx: Any = pytest.importorskip("great_expectations.expectations")
    for expectation in SHIPPED[feed].expectations:
        assert hasattr(gx, expectation.expectation), f"{feed}: {expectation.expectation}"


def test_crime_references_are_identifiers_where_people_stand_behind_them() -> None:
    for feed, names in {"crime_extract": {"crime_number", "occurrence_id", "incident_ref", "merged_into"},
                        "asb_extract": {"incident_ref", "linked_crime_number", "duplicate_of"}}.items():  # fmt: skip
        assert {c.name for c in SHIPPED[feed].columns if c.identifier} == names


def without(*path: str) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        for key in path[:-1]:
            document = document[key]
        del document[path[-1]]

    return change


def having(value: Any, *path: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: Any) -> None:
        for key in path[:-1]:
            document = document[key]
        document[path[-1]] = value

    return change


MISTAKES: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "no columns": (without("columns"), "section 'columns' is missing"),
    "no delivery": (without("delivery"), "section 'delivery' is missing"),
    "no table": (without("table"), "'table' is missing"),
    "no description": (having(None, "description"), "'description' is missing"),
    "unknown key": (having(1, "retention"), "unknown key 'retention'; known: columns, constants"),
    "no files": (without("delivery", "files"), "delivery: 'files' is missing"),
    "empty files": (having([], "delivery", "files"), "files: no pattern, so no file would ever be taken"),
    "kind": (having("daily", "delivery", "kind"), "delivery: kind: 'daily' is not one of full, delta, snapshot"),
    "group": (having("day", "delivery", "group"), "delivery: group: 'day' is not one of file, release"),
    "delivery key": (having("x", "delivery", "folder"), "delivery: unknown key 'folder'"),
    "pattern": (having("(?P<timestamp>", "delivery", "name_pattern"), "name_pattern: pattern '(?P<timestamp>' is not a regular expression"),
    "members": (having("[", "delivery", "members"), "members: pattern '[' is not a regular expression"),
    "delimiter": (having(";;", "delivery", "delimiter"), "delimiter: ';;' is not one character"),
    "encoding": (having(["utf-9"], "delivery", "encodings"), "encodings: 'utf-9' is not known"),
    "columns is a list": (having(["ref"], "columns"), "columns: must be a mapping"),
    "column is a text": (having("text", "columns", "ref"), "column ref: must be a mapping"),
    "column type": (having({"type": "string"}, "columns", "ref"), "column ref: type: 'string' is not one of text, code"),
    "column without a type": (having({}, "columns", "ref"), "column ref: 'type' is missing"),
    "column key": (having({"type": "text", "alias": "x"}, "columns", "ref"), "column ref: unknown key 'alias'"),
    "column flag": (having({"type": "text", "in_header": "yes"}, "columns", "ref"), "column ref: in_header: 'yes' is not true or false"),
    "alias that reads as true": (having({"type": "text", "aliases": [True]}, "columns", "ref"), "column ref: aliases: YAML reads this as true"),
    "code outside the allowed": (having({"type": "code", "allowed": ["a"], "codes": {"x": "b"}}, "columns", "ref"),
                                 "column ref: code 'b' is not one of a"),
    "one header name for two": (having({"type": "text", "aliases": ["Log-Number"]}, "columns", "grade"),
                                "header name 'Log-Number' means ref and grade"),
    "key is no column": (having(["reference"], "key"), "key: no column 'reference'; known: system, ref"),
    "constant is no column": (having({"force": "x"}, "constants"), "constants: no column 'force'"),
    "time zone": (having("London", "time_zone"), "time_zone 'London' is neither 'force' nor a time zone name"),
    "precision": (having("hour", "time_precision"), "time_precision: 'hour' is not one of second, month, none"),
    "retention": (having(0, "retention_months"), "retention_months: '0' is not a whole number of 1 or more"),
    "retention as text": (having("13 months", "retention_months"), "retention_months: '13 months' is not a whole number"),
    "rules is a mapping": (having({"rule": "x"}, "rules"), "rules: must be a list"),
    "rule without an action": (having([{"rule": "unique_key"}], "rules"), "rules: 'action' is missing"),
    "rule action": (having([{"rule": "unique_key", "action": "drop"}], "rules"), "rules: action: 'drop' is not one of reject, warn"),
    "rule twice": (having([{"rule": "a", "action": "warn"}, {"rule": "a", "action": "warn"}], "rules"), "rules: 'a (warn)' is there twice"),
    "expectation severity": (having("fatal", "expectations", 0, "severity"), "expectations: severity: 'fatal' is not one of error, warn"),
    "expectation twice": (having("share", "expectations", 0, "name"), "expectations: 'share' is there twice"),
    "true values read as true": (having([True], "true_values"), "true_values: YAML reads this as true"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "told"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_told_with_key_value_and_rule(
    change: Callable[[dict[str, Any]], None], told: str, document: dict[str, Any]
) -> None:
    change(document)
    with pytest.raises(ContractError) as caught:
        parse_contract(document, "calls.yml")
    assert str(caught.value).startswith("calls.yml: ")
    assert told in str(caught.value)


def test_the_file_is_named_in_full(tmp_path: Path) -> None:
    path = tmp_path / "calls.yml"
    path.write_text(SMALL.replace("kind: delta", "kind: daily"), encoding="utf-8")
    with pytest.raises(ContractError, match="^" + str(path)):
        read_contract(path)
    path.write_text(SMALL.replace("table: asb", "feed: calls\ntable: asb"), encoding="utf-8")
    with pytest.raises(ContractError, match=r"calls\.yml:3:1: not valid YAML: key 'feed' stands here a second time"):  # fmt: skip
        read_contract(path)


def test_a_single_text_is_a_list_of_one(document: dict[str, Any]) -> None:
    document["delivery"]["files"] = "*.csv"
    document["key"] = "ref"
    contract = parse_contract(document, "calls.yml")
    assert (contract.delivery.files, contract.key) == (("*.csv",), ("ref",))


def test_the_fingerprint_changes_with_what_decides_how_a_file_is_read(
    document: dict[str, Any], small: FeedContract
) -> None:
    assert parse_contract(document, "elsewhere.yml").fingerprint == small.fingerprint
    document["columns"]["grade"]["aliases"] = ["priority"]
    assert parse_contract(document, "calls.yml").fingerprint != small.fingerprint
    assert small.mapped({"delimiter": ";"}).fingerprint != small.fingerprint
    assert small.mapped({}).fingerprint == small.fingerprint


def test_an_unknown_column_names_those_that_are_known(small: FeedContract) -> None:
    assert small.column("ref").identifier
    with pytest.raises(ContractError, match="feed calls: no column 'reference'; known: system, ref, opened"):  # fmt: skip
        small.column("reference")
