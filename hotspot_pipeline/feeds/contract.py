"""The contract of one feed, and a force's mapping laid over it.

A contract is a YAML file in `contracts/`. A force that delivers the same content under other names,
codes or formats says so in its `force.yml`; `FeedContract.mapped` merges the two. Nothing here opens a
delivered file: `raw/` resolves headers with it, `validated/` types values with it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml

ColumnType = Literal[
    "text", "code", "codes", "integer", "decimal", "boolean", "timestamp", "date", "time", "month"
]
COLUMN_TYPES: tuple[str, ...] = ColumnType.__args__  # type: ignore[attr-defined]
_T = TypeVar("_T")
# what a force's mapping may say about deliveries, and about the contract as a whole
_DELIVERY_KEYS = ("files", "kind", "name_pattern", "delimiter", "encodings", "sheet", "members")
_CONTRACT_KEYS = (
    "timestamp_formats", "date_formats", "true_values", "false_values", "time_zone", "retention_months",
)  # fmt: skip
ExtractKind = Literal["full", "delta", "snapshot"]


class ContractError(ValueError):
    """A feed contract or a force's mapping that cannot be used; names file, key, value and rule."""


@dataclass(frozen=True)
class FeedColumn:
    """One column as we want it; `aliases` are header names under which forces deliver it.

    `in_header` columns must exist in the delivered header; `has_value` columns must not be empty in a row.
    `identifier` values are pseudonymised on the way into `validated` and masked in rejects.
    """

    name: str
    type: ColumnType
    description: str = ""
    aliases: tuple[str, ...] = ()
    in_header: bool = False
    has_value: bool = False
    identifier: bool = False
    codes: Mapping[str, str] = field(default_factory=dict)
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Delivery:
    """How files of the feed are named, grouped into extracts and dated.

    `name_pattern` is searched in the path below the landing folder; its groups `kind`, `timestamp` and
    `release` are used when present. `group` says what one extract is: a `file`, or all files of a `release`.
    """

    files: tuple[str, ...]
    kind: ExtractKind
    group: Literal["file", "release"] = "file"
    name_pattern: str = ""
    timestamp_formats: tuple[str, ...] = ("%Y%m%dT%H%M%S", "%Y%m%dT%H%M", "%Y%m%d")
    members: str = ""
    delimiter: str = ","
    encodings: tuple[str, ...] = ("utf-8", "windows-1252")
    sheet: str | None = None


@dataclass(frozen=True)
class RowRule:
    """A rule of `validated/rules`: `reject` sends the row to `validated.rejects`, `warn` only counts it."""

    rule: str
    action: Literal["reject", "warn"]
    check: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Expectation:
    """A great-expectations expectation on the extract's frame; `error` holds the extract, `warn` reports."""

    name: str
    expectation: str
    severity: Literal["error", "warn"]
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    check: str = ""


@dataclass(frozen=True)
class FeedContract:
    feed: str
    table: str
    description: str
    delivery: Delivery
    columns: tuple[FeedColumn, ...]
    key: tuple[str, ...] = ()
    time_zone: str = "force"
    time_precision: Literal["second", "month", "none"] = "second"
    retention_months: int = 13
    timestamp_formats: tuple[str, ...] = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")
    date_formats: tuple[str, ...] = ("%Y-%m-%d",)
    true_values: tuple[str, ...] = ("1", "true", "t", "y", "yes")
    false_values: tuple[str, ...] = ("0", "false", "f", "n", "no")
    constants: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[RowRule, ...] = ()
    expectations: tuple[Expectation, ...] = ()
    licence: str = ""

    def column(self, name: str) -> FeedColumn:
        for column in self.columns:
            if column.name == name:
                return column
        raise ContractError(
            f"feed {self.feed}: no column '{name}'; known: {', '.join(self.column_names)}"
        )

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def fingerprint(self) -> str:
        """Changes when anything that decides how a file is read or typed changes (16 hex digits)."""
        text = json.dumps(asdict(self), sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def mapped(self, mapping: Mapping[str, Any], source: str = "force.yml") -> FeedContract:
        """The contract with a force's own names, codes, formats and constants laid over it.

        `mapping` is the feed's section of `force.yml`; its keys: `columns` ({ours: theirs or [theirs…]}), `codes`
        ({column: {theirs: ours}}), `timestamp_formats`, `date_formats`, `constants`, `files`, `kind`, `name_pattern`,
        `delimiter`, `encodings`, `sheet`, `time_zone`, `expectations` ({name: {kwarg: value} or 'off'}).
        """
        known = {
            *_DELIVERY_KEYS,
            *_CONTRACT_KEYS,
            "columns",
            "codes",
            "constants",
            "expectations",
            "landing",
        }
        unknown = sorted(set(mapping) - known)
        if unknown:
            raise ContractError(
                f"{source}: feed {self.feed}: unknown key '{unknown[0]}'; known: {', '.join(sorted(known))}"
            )
        columns = {column.name: column for column in self.columns}
        for ours, theirs in (mapping.get("columns") or {}).items():
            names = tuple(theirs) if isinstance(theirs, list) else (str(theirs),)
            columns[ours] = replace(self.column(ours), aliases=(*names, *columns[ours].aliases))
        for ours, codes in (mapping.get("codes") or {}).items():
            column = self.column(ours)
            merged = {**columns[ours].codes, **{str(k): str(v) for k, v in codes.items()}}
            wrong = sorted(v for v in merged.values() if column.allowed and v not in column.allowed)
            if wrong:
                raise ContractError(
                    f"{source}: feed {self.feed}: column {ours}: code '{wrong[0]}' is not one of {', '.join(column.allowed)}"
                )
            columns[ours] = replace(columns[ours], codes=merged)
        constants = {
            **self.constants,
            **{k: str(v) for k, v in (mapping.get("constants") or {}).items()},
        }
        for name in constants:
            self.column(name)
        taken = {k: tuple(v) if isinstance(v, list) else v for k, v in mapping.items()}
        how: dict[str, Any] = {k: taken[k] for k in _DELIVERY_KEYS if k in taken}
        own: dict[str, Any] = {k: taken[k] for k in _CONTRACT_KEYS if k in taken}
        delivery = replace(self.delivery, **how)
        _check_delivery(delivery, f"{source}: feed {self.feed}")
        adjusted = _adjusted(
            self.expectations, mapping.get("expectations") or {}, f"{source}: feed {self.feed}"
        )
        return replace(
            self,
            columns=tuple(columns.values()),
            constants=constants,
            delivery=delivery,
            expectations=adjusted,
            **own,
        )

    def resolve_header(self, header: Sequence[str]) -> HeaderMatch:
        """Which delivered header name feeds which of our columns (case, spaces and punctuation do not matter)."""
        delivered = {_fold(name): name for name in header}
        found: dict[str, str] = {}
        for column in self.columns:
            # a force's own alias comes first: it was written for exactly this file
            for candidate in (*column.aliases, column.name):
                if _fold(candidate) in delivered:
                    found[column.name] = delivered[_fold(candidate)]
                    break
        missing = tuple(
            c.name
            for c in self.columns
            if c.in_header and c.name not in found and c.name not in self.constants
        )
        extra = tuple(name for name in header if name not in set(found.values()))
        return HeaderMatch(found, missing, extra)


@dataclass(frozen=True)
class HeaderMatch:
    """`found`: our name -> delivered name; `missing`: required and absent; `extra`: delivered and not taken."""

    found: Mapping[str, str]
    missing: tuple[str, ...]
    extra: tuple[str, ...]


def _fold(name: str) -> str:
    return re.sub(r"[^0-9a-z]+", "", name.casefold())


def _adjusted(
    expectations: Iterable[Expectation], changes: Mapping[str, Any], where: str
) -> tuple[Expectation, ...]:
    by_name = {e.name: e for e in expectations}
    for name, change in changes.items():
        if name not in by_name:
            raise ContractError(f"{where}: no expectation '{name}'; known: {', '.join(by_name)}")
        if change in ("off", False):
            del by_name[name]
        else:
            by_name[name] = replace(by_name[name], kwargs={**by_name[name].kwargs, **change})
    return tuple(by_name.values())


def _check_delivery(delivery: Delivery, where: str) -> None:
    for pattern in (delivery.name_pattern, delivery.members):
        try:
            re.compile(pattern)
        except re.error as error:
            raise ContractError(
                f"{where}: pattern '{pattern}' is not a regular expression: {error}"
            ) from error
    if delivery.kind not in ("full", "delta", "snapshot"):
        raise ContractError(f"{where}: kind '{delivery.kind}' is not one of full, delta, snapshot")


def _build(kind: type[_T], values: Mapping[str, Any], where: str) -> _T:
    """A dataclass from YAML: lists become tuples, unknown keys are an error that names the file."""
    known = set(kind.__dataclass_fields__)  # type: ignore[attr-defined]
    unknown = sorted(set(values) - known)
    if unknown:
        raise ContractError(
            f"{where}: unknown key '{unknown[0]}'; known: {', '.join(sorted(known))}"
        )
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


def parse_contract(document: Mapping[str, Any], where: str) -> FeedContract:
    values = dict(document)
    try:
        columns = tuple(
            _build(FeedColumn, {"name": name, **(spec or {})}, f"{where}: column {name}")
            for name, spec in values.pop("columns").items()
        )
        delivery = _build(Delivery, values.pop("delivery"), f"{where}: delivery")
    except KeyError as error:
        raise ContractError(f"{where}: section {error} is missing") from error
    for column in columns:
        if column.type not in COLUMN_TYPES:
            raise ContractError(
                f"{where}: column {column.name}: type '{column.type}' is not one of {', '.join(COLUMN_TYPES)}"
            )
    rules = tuple(_build(RowRule, r, f"{where}: rule") for r in values.pop("rules", []))
    expectations = tuple(
        _build(Expectation, e, f"{where}: expectation") for e in values.pop("expectations", [])
    )
    contract = _build(
        FeedContract,
        {
            **values,
            "columns": columns,
            "delivery": delivery,
            "rules": rules,
            "expectations": expectations,
        },
        where,
    )
    _check_delivery(delivery, where)
    for name in (*contract.key, *contract.constants):
        contract.column(name)
    return contract


def read_contract(path: Path) -> FeedContract:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ContractError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(document, Mapping):
        raise ContractError(
            f"{path}: a feed contract is a mapping with feed, table, delivery and columns"
        )
    return parse_contract(document, path.name)


@cache
def shipped_contracts() -> Mapping[str, FeedContract]:
    """The contracts that ship with the package, by feed name."""
    folder = package_files("hotspot_pipeline.feeds") / "contracts"
    contracts = [
        read_contract(Path(str(entry))) for entry in folder.iterdir() if entry.name.endswith(".yml")
    ]
    return {contract.feed: contract for contract in sorted(contracts, key=lambda c: c.feed)}
