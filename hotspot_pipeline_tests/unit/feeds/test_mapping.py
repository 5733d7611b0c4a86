"""A force's own names, codes and formats laid over a contract; whatever it says wrongly is told at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hotspot_pipeline.feeds.contract import ContractError, FeedContract
from hotspot_pipeline.feeds.of_force import contracts_of
from hotspot_pipeline.settings import Force

Mapped = Callable[[str], FeedContract]


def test_own_names_come_before_ours_and_ours_before_the_usual_ones(mapped: Mapped) -> None:
    contract = mapped("columns: {ref: [URN, 'Call No.'], grade: Priority}")
    assert contract.column("ref").header_names == ("URN", "Call No.", "ref", "log number")
    assert contract.column("grade").header_names == ("Priority", "grade")
    assert contract.column("opened").header_names == ("opened", "call_time")


def test_codes_are_added_to_those_that_are_there(mapped: Mapped) -> None:
    contract = mapped("codes: {status: {C: closed, 1: open}, grade: {I: immediate}}")
    assert contract.column("status").codes == {"o": "open", "C": "closed", "1": "open"}
    assert contract.column("grade").codes == {"I": "immediate"}


def test_constants_formats_and_delivery_are_taken(mapped: Mapped) -> None:
    contract = mapped(
        """
        constants: {system: storm, grade: 2, status: true}
        timestamp_formats: "%d.%m.%Y %H:%M"
        date_formats: ["%d.%m.%Y"]
        true_values: [J]
        files: "*.txt"
        kind: full
        delimiter: "\\t"
        encodings: [windows-1252]
        sheet: Calls
        time_zone: Europe/Dublin
        retention_months: 6
        landing: ../drop
        """
    )
    assert contract.constants == {"system": "storm", "grade": "2", "status": "true"}
    assert (contract.timestamp_formats, contract.date_formats) == (("%d.%m.%Y %H:%M",), ("%d.%m.%Y",))  # fmt: skip
    assert (contract.true_values, contract.time_zone, contract.retention_months) == (("J",), "Europe/Dublin", 6)  # fmt: skip
    delivery = contract.delivery
    assert (delivery.files, delivery.kind, delivery.delimiter) == (("*.txt",), "full", "\t")
    assert (delivery.encodings, delivery.sheet) == (("windows-1252",), "Calls")
    assert delivery.name_pattern == r"(?P<timestamp>\d{8})", "what is not mentioned stays"


@pytest.mark.parametrize("word", ["off", "'off'", "false"])
def test_an_expectation_can_be_switched_off(word: str, mapped: Mapped) -> None:
    contract = mapped(f"expectations: {{share: {word}}}")
    assert [e.name for e in contract.expectations] == ["has_rows"]


def test_a_threshold_can_be_changed_and_the_rest_stays(mapped: Mapped) -> None:
    contract = mapped("expectations: {share: {max_value: 0.5, min_value: 0.1}}")
    share = next(e for e in contract.expectations if e.name == "share")
    assert share.kwargs == {"column": "is_x", "max_value": 0.5, "min_value": 0.1}
    assert share.severity == "error"


def test_nothing_said_changes_nothing(mapped: Mapped, small: FeedContract) -> None:
    assert mapped("") == small
    assert mapped("columns:\ncodes:\nconstants:\nexpectations:") == small


MISTAKES = {
    "unknown key": ("colums: {}", "unknown key 'colums'; known: codes, columns, constants"),
    "rules": ("rules: []", "unknown key 'rules'"),
    "key": ("key: [ref]", "unknown key 'key'"),
    "group": ("group: release", "unknown key 'group'"),
    "column": ("columns: {reference: URN}", "columns: no column 'reference'; known: system, ref"),
    "columns as a list": ("columns: [ref]", "columns: must be a mapping"),
    "a name that reads as true": ("columns: {ref: [yes]}", "columns.ref: YAML reads this as true"),
    "no name": ("columns: {ref: }", "columns.ref: must be a text, not nothing"),
    "code of no column": ("codes: {state: {a: b}}", "codes: no column 'state'"),
    "code not allowed": ("codes: {status: {C: cleared}}", "codes.status: code 'cleared' is not one of open, closed"),
    "code that reads as false": ("codes: {status: {NO: closed}}", "codes.status: key False: YAML reads this as false"),
    "codes as a text": ("codes: {status: C}", "codes.status: must be a mapping"),
    "constant of no column": ("constants: {source: x}", "constants: no column 'source'"),
    "constant as a list": ("constants: {grade: [1]}", "constants.grade: must be a text"),
    "expectation": ("expectations: {shares: off}", "expectations: no expectation 'shares'; known: has_rows, share"),
    "expectation as true": ("expectations: {share: true}", "expectations.share: 'True' is neither off nor a mapping"),
    "expectation as nought": ("expectations: {share: 0}", "expectations.share: '0' is neither off nor a mapping"),
    "threshold misspelt": ("expectations: {share: {maxvalue: 1}}", "expectations.share: unknown key 'maxvalue'; known: column, max_value"),
    "kind": ("kind: nightly", "kind: 'nightly' is not one of full, delta, snapshot"),
    "pattern": ("name_pattern: '['", "name_pattern: pattern '[' is not a regular expression"),
    "delimiter": ("delimiter: tab", "delimiter: 'tab' is not one character"),
    "encoding": ("encodings: ansi-9", "encodings: 'ansi-9' is not known"),
    "time zone": ("time_zone: GB time", "time_zone 'GB time' is neither 'force' nor a time zone name"),
    "retention": ("retention_months: 1.5", "retention_months: '1.5' is not a whole number of 1 or more"),
    "files": ("files: []", "files: no pattern"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "told"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_names_file_feed_key_value_and_rule(text: str, told: str, mapped: Mapped) -> None:
    with pytest.raises(ContractError) as caught:
        mapped(text)
    assert str(caught.value).startswith("force.yml: feed calls: ")
    assert told in str(caught.value)


def test_the_contracts_of_a_force_are_those_it_delivers(tmp_path: Path) -> None:
    def force(**feeds: dict[str, Any]) -> Force:
        return Force("fosseshire", "Fosseshire", tmp_path, feeds=feeds)

    contracts = contracts_of(force(venues={}, crime_extract={"columns": {"crime_number": "URN"}}))
    assert list(contracts) == ["venues", "crime_extract"]
    assert contracts["crime_extract"].column("crime_number").header_names[0] == "URN"
    with pytest.raises(ContractError) as caught:
        contracts_of(force(crimes={}))
    assert str(caught.value).startswith(f"{tmp_path / 'force.yml'}: no feed 'crimes'; known: asb_extract, crime_extract")  # fmt: skip
    with pytest.raises(ContractError) as caught:
        contracts_of(force(venues={"kinds": "full"}))
    assert str(caught.value).startswith(f"{tmp_path / 'force.yml'}: feed venues: unknown key 'kinds'")  # fmt: skip
