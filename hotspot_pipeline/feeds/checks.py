"""Is a feed contract usable? Values brought to the type of their field, and rules over the whole contract."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from functools import cache
from typing import Any, TypeVar, get_args, get_origin
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hotspot_pipeline.feeds.model import ContractError, Delivery, FeedContract
from hotspot_pipeline.strict_yaml import flag, mapping, refuse_unknown, text, texts

_T = TypeVar("_T")


def build(kind: type[_T], given: Any, where: str) -> _T:
    """A dataclass from YAML. Raises ContractError for an unknown key, a missing one, or a value of the wrong kind."""
    values = mapping(given, where, ContractError)
    known = fields(kind)  # type: ignore[arg-type]
    refuse_unknown(values, [f.name for f in known], where, ContractError)
    for one in known:
        needed = one.default is MISSING and one.default_factory is MISSING
        if needed and values.get(one.name) is None:
            raise ContractError(f"{where}: '{one.name}' is missing")
    return kind(**{k: coerced(kind, k, v, f"{where}: {k}") for k, v in values.items()})


@cache
def _types(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def coerced(kind: type, name: str, value: Any, where: str) -> Any:
    """`value` as the field `name` of the dataclass `kind` holds it."""
    wanted = _types(kind)[name]
    if get_origin(wanted) is typing.Literal:
        if value not in get_args(wanted):
            raise ContractError(
                f"{where}: '{value}' is not one of {', '.join(map(str, get_args(wanted)))}"
            )
        return value
    if wanted == tuple[str, ...]:
        return texts(value, where, ContractError)
    if wanted is bool:
        return flag(value, where, ContractError)
    if wanted is int:
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ContractError(f"{where}: '{value}' is not a whole number of 1 or more")
        return value
    if wanted is str:
        return text(value, where, ContractError)
    if wanted == str | None:
        return None if value is None else text(value, where, ContractError)
    if wanted == Mapping[str, str]:
        return {
            k: text(v, f"{where}.{k}", ContractError)
            for k, v in mapping(value, where, ContractError).items()
        }
    if wanted == Mapping[str, Any]:
        return mapping(value, where, ContractError)
    return value  # made by `build` already


def check_contract(contract: FeedContract, where: str) -> None:
    """What no single key shows."""
    _check_delivery(contract.delivery, where)
    names = set(contract.column_names)
    times = [name for name in (contract.pseudonym_time, contract.pseudonym_until) if name]
    named = (("key", contract.key), ("constants", contract.constants), ("pseudonym_time", times))
    for what, used in named:
        for name in used:
            if name not in names:
                raise ContractError(
                    f"{where}: {what}: no column '{name}'; known: {', '.join(contract.column_names)}"
                )
    if contract.is_sealed and contract.delivery.group != "file":
        raise ContractError(
            f"{where}: delivery: group '{contract.delivery.group}': a feed with pseudonym_time is taken file by file"
        )
    for column in contract.columns:
        wrong = sorted(
            v for v in column.codes.values() if column.allowed and v not in column.allowed
        )
        if wrong:
            raise ContractError(
                f"{where}: column {column.name}: code '{wrong[0]}' is not one of {', '.join(column.allowed)}"
            )
    if contract.time_zone != "force":
        try:
            ZoneInfo(contract.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ContractError(
                f"{where}: time_zone '{contract.time_zone}' is neither 'force' nor a time zone name such as Europe/London"
            ) from error
    _once((f"{r.rule} ({r.action})" for r in contract.rules), f"{where}: rules")
    _once((e.name for e in contract.expectations), f"{where}: expectations")


def _check_delivery(delivery: Delivery, where: str) -> None:
    for key, pattern in (("name_pattern", delivery.name_pattern), ("members", delivery.members)):
        try:
            re.compile(pattern)
        except re.error as error:
            raise ContractError(
                f"{where}: {key}: pattern '{pattern}' is not a regular expression: {error}"
            ) from error
    if len(delivery.delimiter) != 1:
        raise ContractError(
            f"{where}: delimiter: '{delivery.delimiter}' is not one character (a tab is \"\\t\" in double quotes)"
        )
    for encoding in delivery.encodings:
        try:
            "".encode(encoding)
        except LookupError as error:
            raise ContractError(f"{where}: encodings: '{encoding}' is not known") from error
    if not delivery.files:
        raise ContractError(f"{where}: files: no pattern, so no file would ever be taken")


def _once(names: Iterable[str], where: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ContractError(f"{where}: '{name}' is there twice")
        seen.add(name)
