"""A force's section of `force.yml` laid over the contract of a feed: its own names, codes, formats and constants.

Every complaint names the file, the feed, the key and the rule, when definitions load and not when files come.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hotspot_pipeline.feeds.checks import check_contract, coerced
from hotspot_pipeline.feeds.model import (
    ContractError,
    Delivery,
    Expectation,
    FeedColumn,
    FeedContract,
)
from hotspot_pipeline.strict_yaml import mapping as as_mapping
from hotspot_pipeline.strict_yaml import refuse_unknown, text, texts

# what a force's mapping may say about deliveries, and about the contract as a whole
_DELIVERY_KEYS = ("files", "kind", "name_pattern", "delimiter", "encodings", "sheet", "members")
_CONTRACT_KEYS = (
    "timestamp_formats", "date_formats", "true_values", "false_values", "time_zone", "retention_months",
)  # fmt: skip
# `landing` is the settings' business
_SECTIONS = ("columns", "codes", "constants", "expectations", "landing")
# what any expectation may be told besides what it is told already
_THRESHOLDS = {"min_value", "max_value", "mostly"}


def lay_over(contract: FeedContract, mapping: Mapping[str, Any], source: str) -> FeedContract:
    """Keys of `mapping`: `columns` ({ours: theirs or [theirs…]}), `codes` ({column: {theirs: ours}}), `constants`
    ({column: value}), `expectations` ({name: {kwarg: value} or off}), `files`, `kind`, `name_pattern`, `delimiter`,
    `encodings`, `sheet`, `members`, `timestamp_formats`, `date_formats`, `true_values`, `false_values`, `time_zone`,
    `retention_months`.
    """
    where = f"{source}: feed {contract.feed}"
    refuse_unknown(mapping, (*_DELIVERY_KEYS, *_CONTRACT_KEYS, *_SECTIONS), where, ContractError)
    columns = {column.name: column for column in contract.columns}
    for ours, theirs in _section(mapping, "columns", where).items():
        column = _known(columns, ours, f"{where}: columns")
        names = texts(theirs, f"{where}: columns.{ours}", ContractError)
        aliases = dict.fromkeys((*names, column.name, *column.aliases))
        columns[ours] = replace(column, aliases=tuple(aliases))
    for ours, given in _section(mapping, "codes", where).items():
        columns[ours] = _coded(_known(columns, ours, f"{where}: codes"), given, where)
    constants = {
        _known(columns, name, f"{where}: constants").name: _constant(
            value, f"{where}: constants.{name}"
        )
        for name, value in _section(mapping, "constants", where).items()
    }
    mapped = replace(
        contract,
        columns=tuple(columns.values()),
        constants={**contract.constants, **constants},
        delivery=replace(contract.delivery, **_taken(Delivery, mapping, _DELIVERY_KEYS, where)),
        expectations=_adjusted(contract, _section(mapping, "expectations", where), where),
        **_taken(FeedContract, mapping, _CONTRACT_KEYS, where),
    )
    check_contract(mapped, where)
    return mapped


def _section(mapping: Mapping[str, Any], key: str, where: str) -> dict[str, Any]:
    return as_mapping(mapping.get(key), f"{where}: {key}", ContractError)


def _taken(
    kind: type, mapping: Mapping[str, Any], keys: tuple[str, ...], where: str
) -> dict[str, Any]:
    return {k: coerced(kind, k, mapping[k], f"{where}: {k}") for k in keys if k in mapping}


def _known(columns: Mapping[str, FeedColumn], name: str, where: str) -> FeedColumn:
    if name not in columns:
        raise ContractError(f"{where}: no column '{name}'; known: {', '.join(columns)}")
    return columns[name]


def _coded(column: FeedColumn, given: Any, where: str) -> FeedColumn:
    at = f"{where}: codes.{column.name}"
    codes = {
        theirs: text(ours, f"{at}.{theirs}", ContractError)
        for theirs, ours in as_mapping(given, at, ContractError).items()
    }
    wrong = sorted(v for v in codes.values() if column.allowed and v not in column.allowed)
    if wrong:
        raise ContractError(f"{at}: code '{wrong[0]}' is not one of {', '.join(column.allowed)}")
    return replace(column, codes={**column.codes, **codes})


def _constant(value: Any, where: str) -> str:
    if isinstance(value, bool):  # a flag that is the same in every row
        return str(value).lower()
    return text(value, where, ContractError)


def _adjusted(
    contract: FeedContract, changes: Mapping[str, Any], where: str
) -> tuple[Expectation, ...]:
    by_name = {e.name: e for e in contract.expectations}
    for name, change in changes.items():
        if name not in by_name:
            raise ContractError(
                f"{where}: expectations: no expectation '{name}'; known: {', '.join(by_name)}"
            )
        if change == "off" or change is False:  # YAML reads a bare off as false
            del by_name[name]
            continue
        at = f"{where}: expectations.{name}"
        if not isinstance(change, Mapping):
            raise ContractError(
                f"{at}: '{change}' is neither off nor a mapping such as max_value: 0.1"
            )
        now = by_name[name]
        refuse_unknown(change, {*now.kwargs, *_THRESHOLDS}, at, ContractError)
        by_name[name] = replace(now, kwargs={**now.kwargs, **change})
    return tuple(by_name.values())
