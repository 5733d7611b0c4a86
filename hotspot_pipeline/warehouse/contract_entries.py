"""The entries of a table contract: a column, an audit, a list of names. Not here: the contract as a whole (`contract.py`)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hotspot_pipeline.strict_yaml import flag, mapping, refuse_unknown, text, texts
from hotspot_pipeline.warehouse.audits import Audit

_TYPES = ("VARCHAR", "BIGINT", "INTEGER", "SMALLINT", "DOUBLE", "BOOLEAN", "DATE", "TIMESTAMP")
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")


class TableContractError(ValueError):
    """A table contract that cannot be used; names file, key, value and rule."""


@dataclass(frozen=True)
class TableColumn:
    name: str
    type: str
    description: str = ""
    unit: str = ""
    required: bool = False
    allowed: tuple[str, ...] = ()


def read_column(name: str, given: Any, path: Path) -> TableColumn:
    where = f"{path}: column {name}"
    spec = mapping(given, where, TableContractError)
    refuse_unknown(
        spec, ("type", "description", "unit", "required", "allowed"), where, TableContractError
    )
    kind = str(spec.get("type", ""))
    decimal = _DECIMAL.fullmatch(kind)
    if kind not in _TYPES and not decimal:
        raise TableContractError(
            f"{where}: type '{kind}' is not one of {', '.join(_TYPES)}, DECIMAL(p,s)"
        )
    if decimal and not int(decimal[2]) <= int(decimal[1]) <= 38:
        raise TableContractError(f"{where}: '{kind}': at most 38 digits, of them the decimals")
    allowed = read_list(spec, "allowed", f"{where}: allowed")
    if allowed and kind != "VARCHAR":
        raise TableContractError(f"{where}: 'allowed' is for VARCHAR columns, not {kind}")
    return TableColumn(
        name,
        f"DECIMAL({decimal[1]},{decimal[2]})" if decimal else kind,
        str(spec.get("description") or ""),
        str(spec.get("unit") or ""),
        flag(spec.get("required", False), f"{where}: required", TableContractError),
        allowed,
    )


def read_one(document: Mapping[str, Any], key: str, path: Path) -> str | None:
    value = document.get(key)
    return None if value is None else text(value, f"{path}: {key}", TableContractError)


def read_list(values: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    return texts(values[key], where, TableContractError) if values.get(key) is not None else ()


def read_audits(entries: Any, folder: Path, path: Path) -> Iterator[Audit]:
    if not isinstance(entries, list | tuple):
        raise TableContractError(f"{path}: audits: must be a list of {{name, severity}}")
    for given in entries:
        entry = mapping(given, f"{path}: audits", TableContractError)
        refuse_unknown(
            entry,
            ("name", "severity", "description", "by_group"),
            f"{path}: audits",
            TableContractError,
        )
        if not entry.get("name"):
            raise TableContractError(f"{path}: audits: an audit has no name")
        name = str(entry["name"])
        file = folder / f"{name}.sql"
        if not file.exists():
            raise TableContractError(f"{path}: audit '{name}': no file {file.name} in {folder}")
        severity = entry.get("severity", "error")
        if severity not in ("error", "warn"):
            raise TableContractError(
                f"{path}: audit '{name}': severity '{severity}' is not error or warn"
            )
        query = file.read_text(encoding="utf-8").rstrip().rstrip(";").rstrip()
        by_group = flag(
            entry.get("by_group", False), f"{path}: audit '{name}': by_group", TableContractError
        )
        yield Audit(name, query, severity, str(entry.get("description") or ""), by_group)
