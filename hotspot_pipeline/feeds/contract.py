"""The contracts of feeds, read from YAML: those that ship, in `contracts/`, and any other of the same form.

A force that delivers the same content under other names, codes or formats says so in its `force.yml`;
`FeedContract.mapped` lays that over. Nothing here opens a delivered file: `raw/` resolves headers with a contract,
`validated/` types values with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any

from hotspot_pipeline.feeds.checks import build, check_contract
from hotspot_pipeline.feeds.model import (
    COLUMN_TYPES,
    FILE_TABLES,
    RUN_TABLES,
    ColumnType,
    ContractError,
    Delivery,
    Expectation,
    ExtractKind,
    FeedColumn,
    FeedContract,
    HeaderMatch,
    RowRule,
)
from hotspot_pipeline.strict_yaml import mapping, read_mapping

__all__ = [
    "COLUMN_TYPES",
    "FILE_TABLES",
    "RUN_TABLES",
    "ColumnType",
    "ContractError",
    "Delivery",
    "Expectation",
    "ExtractKind",
    "FeedColumn",
    "FeedContract",
    "HeaderMatch",
    "RowRule",
    "coming_contracts",
    "parse_contract",
    "read_contract",
    "shipped_contracts",
]


def parse_contract(document: Mapping[str, Any], where: str) -> FeedContract:
    """A contract from its document; raises ContractError that starts with `where`."""
    values = dict(document)
    for section in ("columns", "delivery"):
        if not values.get(section):
            raise ContractError(f"{where}: section '{section}' is missing")
    columns = tuple(
        build(
            FeedColumn,
            {"name": name, **mapping(spec, f"{where}: column {name}", ContractError)},
            f"{where}: column {name}",
        )
        for name, spec in mapping(values["columns"], f"{where}: columns", ContractError).items()
    )
    values.update(
        columns=columns,
        delivery=build(Delivery, values["delivery"], f"{where}: delivery"),
        rules=_each(RowRule, values.get("rules"), f"{where}: rules"),
        expectations=_each(Expectation, values.get("expectations"), f"{where}: expectations"),
    )
    contract = build(FeedContract, values, where)
    check_contract(contract, where)
    for fault in contract.ambiguities():
        raise ContractError(f"{where}: {fault}")
    return contract


def _each(kind: type, given: Any, where: str) -> tuple[Any, ...]:
    if given is not None and not isinstance(given, list | tuple):
        raise ContractError(f"{where}: must be a list")
    return tuple(build(kind, one, where) for one in given or ())


def read_contract(path: Path) -> FeedContract:
    return parse_contract(read_mapping(path, ContractError), str(path))


@cache
def shipped_contracts() -> Mapping[str, FeedContract]:
    """The contracts that ship with the package and that a stage takes in, by feed name."""
    return {feed: contract for feed, contract in _in_package().items() if contract.table}


@cache
def coming_contracts() -> Mapping[str, FeedContract]:
    """Contracts with an empty `table`, by feed name: it is fixed what is delivered, and no stage takes it in yet."""
    return {feed: contract for feed, contract in _in_package().items() if not contract.table}


@cache
def _in_package() -> Mapping[str, FeedContract]:
    folder = package_files("hotspot_pipeline.feeds") / "contracts"
    contracts = [
        read_contract(Path(str(entry))) for entry in folder.iterdir() if entry.name.endswith(".yml")
    ]
    return {contract.feed: contract for contract in sorted(contracts, key=lambda c: c.feed)}
