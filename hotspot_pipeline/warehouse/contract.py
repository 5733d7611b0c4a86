"""The contract of a table: its grain, columns with types and units, time column, owner and audits.

A contract is a `.yml` in `dbt_like_sql/<stage>/<table>.yml`; the same file creates the table, drives its checks and
documents it. Where a `.sql` stands beside it the table is a SQL model, otherwise a Python kernel writes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

STAGES = ("raw", "validated", "history", "hexes", "hot_times", "patrols", "evaluation", "published")
Partition = Literal["none", "daily", "weekly"]
Severity = Literal["error", "warn"]
_TYPES = (
    "VARCHAR",
    "BIGINT",
    "INTEGER",
    "SMALLINT",
    "DOUBLE",
    "DECIMAL",
    "BOOLEAN",
    "DATE",
    "TIMESTAMP",
)


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


@dataclass(frozen=True)
class Audit:
    """A query that returns the bad rows. `error` keeps yesterday's rows and blocks; `warn` reports."""

    name: str
    sql: str
    severity: Severity
    description: str


@dataclass(frozen=True)
class TableContract:
    stage: str
    table: str
    description: str
    grain: tuple[str, ...]
    columns: tuple[TableColumn, ...]
    owner: str
    path: Path
    sql_path: Path | None = None
    time_column: str | None = None
    partition: Partition = "none"
    publish: bool = False
    audits: tuple[Audit, ...] = field(default=())

    @property
    def name(self) -> str:
        return f"{self.stage}.{self.table}"

    @property
    def column_types(self) -> dict[str, str]:
        return {column.name: column.type for column in self.columns}

    def create_sql(self, name: str | None = None) -> str:
        columns = ", ".join(f'"{c.name}" {c.type}' for c in self.columns)
        return f"create table {name or self.name} ({columns})"

    @property
    def all_audits(self) -> tuple[Audit, ...]:
        """The audits that follow from the contract itself, then the named ones."""
        found: list[Audit] = []
        if self.grain:
            keys = ", ".join(f'"{k}"' for k in self.grain)
            found.append(
                Audit(
                    "grain_is_unique",
                    f"select {keys}, count(*) as n_rows from {self.name} group by {keys} having count(*) > 1",
                    "error",
                    f"One row per {', '.join(self.grain)}.",
                )
            )
        required = [c.name for c in self.columns if c.required]
        if required:
            empty = " or ".join(f'"{c}" is null' for c in required)
            found.append(
                Audit(
                    "required_columns_present",
                    f"select * from {self.name} where {empty}",
                    "error",
                    f"Never empty: {', '.join(required)}.",
                )
            )
        for column in self.columns:
            if column.allowed:
                values = ", ".join("'" + v.replace("'", "''") + "'" for v in column.allowed)
                found.append(
                    Audit(
                        f"{column.name}_is_known",
                        f'select * from {self.name} where "{column.name}" not in ({values})',
                        "error",
                        f"{column.name} is one of {', '.join(column.allowed)}.",
                    )
                )
        doubles = [c.name for c in self.columns if c.type == "DOUBLE"]
        if doubles:
            # 1/0 is inf in DuckDB, not null: an unguarded ratio shows here
            broken = " or ".join(f'not isfinite("{c}")' for c in doubles)
            found.append(
                Audit(
                    "numbers_are_finite",
                    f"select * from {self.name} where {broken}",
                    "error",
                    f"No infinity and no NaN in {', '.join(doubles)}.",
                )
            )
        return (*found, *self.audits)


Catalog = Mapping[str, TableContract]


def read_catalog(folder: Path) -> dict[str, TableContract]:
    """Every table contract below `folder`, by `stage.table`."""
    contracts: dict[str, TableContract] = {}
    for stage in STAGES:
        for path in sorted((folder / stage).glob("*.yml")):
            contract = read_table_contract(path, folder / "audits")
            contracts[contract.name] = contract
        orphans = {p.stem for p in (folder / stage).glob("*.sql")} - {
            p.stem for p in (folder / stage).glob("*.yml")
        }
        if orphans:
            name = min(orphans)
            raise TableContractError(
                f"{folder / stage / name}.sql: no contract {name}.yml beside it"
            )
    if not contracts:
        raise TableContractError(
            f"{folder}: no table contracts found; set HOTSPOTS_SQL to the dbt_like_sql folder"
        )
    return contracts


def read_table_contract(path: Path, audits_folder: Path) -> TableContract:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise TableContractError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(document, Mapping):
        raise TableContractError(
            f"{path}: a table contract is a mapping with description, grain and columns"
        )
    known = {
        "description",
        "grain",
        "columns",
        "owner",
        "time_column",
        "partition",
        "publish",
        "audits",
    }
    _refuse_unknown(document, known, f"{path}")
    for key in ("description", "columns", "owner"):
        if key not in document:
            raise TableContractError(f"{path}: '{key}' is missing")
    columns = tuple(_column(name, spec or {}, path) for name, spec in document["columns"].items())
    names = {c.name for c in columns}
    time_column = document.get("time_column")
    partition = document.get("partition", "none")
    for name in (*document.get("grain", ()), *([time_column] if time_column else [])):
        if name not in names:
            raise TableContractError(f"{path}: '{name}' in grain or time_column is not a column")
    if partition not in ("none", "daily", "weekly"):
        raise TableContractError(
            f"{path}: partition '{partition}' is not one of none, daily, weekly"
        )
    if partition != "none" and not time_column:
        raise TableContractError(f"{path}: a {partition} table needs a time_column")
    sql_path = path.with_suffix(".sql")
    return TableContract(
        stage=path.parent.name,
        table=path.stem,
        description=" ".join(str(document["description"]).split()),
        grain=tuple(document.get("grain", ())),
        columns=columns,
        owner=str(document["owner"]),
        path=path,
        sql_path=sql_path if sql_path.exists() else None,
        time_column=time_column,
        partition=partition,
        publish=bool(document.get("publish", False)),
        audits=tuple(_audits(document.get("audits", ()), audits_folder, path)),
    )


def _column(name: str, spec: Mapping[str, Any], path: Path) -> TableColumn:
    _refuse_unknown(
        spec, {"type", "description", "unit", "required", "allowed"}, f"{path}: column {name}"
    )
    kind = str(spec.get("type", ""))
    if kind.split("(")[0] not in _TYPES:
        raise TableContractError(
            f"{path}: column {name}: type '{kind}' is not one of {', '.join(_TYPES)}"
        )
    return TableColumn(
        name,
        kind,
        str(spec.get("description", "")),
        str(spec.get("unit", "")),
        bool(spec.get("required", False)),
        tuple(str(v) for v in spec.get("allowed", ())),
    )


def _audits(entries: Iterable[Any], folder: Path, path: Path) -> Iterable[Audit]:
    for entry in entries:
        _refuse_unknown(entry, {"name", "severity", "description"}, f"{path}: audit")
        file = folder / f"{entry['name']}.sql"
        if not file.exists():
            raise TableContractError(
                f"{path}: audit '{entry['name']}': no file {file.name} in {folder}"
            )
        severity = entry.get("severity", "error")
        if severity not in ("error", "warn"):
            raise TableContractError(
                f"{path}: audit '{entry['name']}': severity '{severity}' is not error or warn"
            )
        yield Audit(
            str(entry["name"]),
            file.read_text(encoding="utf-8").strip().rstrip(";"),
            severity,
            str(entry.get("description", "")),
        )


def _refuse_unknown(values: Mapping[str, Any], known: set[str], where: str) -> None:
    unknown = sorted(set(values) - known)
    if unknown:
        raise TableContractError(
            f"{where}: unknown key '{unknown[0]}'; known: {', '.join(sorted(known))}"
        )
