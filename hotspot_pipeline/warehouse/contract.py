"""The contract of a table: its grain, columns with types and units, time column, owner and audits.

A contract is a `.yml` in `dbt_like_sql/<stage>/<table>.yml`; the same file creates the table, drives its checks and
documents it. Where a `.sql` stands beside it the table is a SQL model, otherwise a Python kernel writes it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from hotspot_pipeline.strict_yaml import flag, mapping, read_mapping, refuse_unknown, text
from hotspot_pipeline.warehouse.audits import Audit, Severity, derived_audits
from hotspot_pipeline.warehouse.contract_entries import (
    TableColumn,
    TableContractError,
    read_audits,
    read_column,
    read_list,
    read_one,
)

__all__ = [
    "STAGES",
    "Audit",
    "Catalog",
    "Partition",
    "Severity",
    "TableColumn",
    "TableContract",
    "TableContractError",
    "read_catalog",
    "read_table_contract",
]

STAGES = ("raw", "validated", "history", "hexes", "hot_times", "patrols", "evaluation", "published")
COLUMN_MEANINGS = "columns.yml"
Partition = Literal["none", "daily", "weekly"]
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_OWNER = re.compile(r"team:[\w-]+|[\w.+-]+@[\w.-]+")
# what only rows about single events or records have
_ROW_LEVEL = re.compile(r".*_pid|row_hash|line_no|event_id")
_KEYS = (
    "description", "grain", "columns", "owner", "time_column", "partition", "publish", "audits", "follows", "audited_by",
)  # fmt: skip
# what names a delivered row, and with it the rows that are computed from it
ROW_NAME = ("extract_id", "source_file", "line_no")


@dataclass(frozen=True)
class TableContract:
    """`follows`: tables by whose changed rows it is computed, row name by row name (`increments.py`). `audited_by`: columns whose
    groups are audited where a night wrote to them, and in turn (`auditing.py`)."""

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
    follows: tuple[str, ...] = ()
    audited_by: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.stage}.{self.table}"

    @property
    def column_types(self) -> dict[str, str]:
        return {column.name: column.type for column in self.columns}

    def mentioned_in(self, text: str) -> list[str]:
        """The columns whose names occur in statements: all that these read of the table, and perhaps some more."""
        return [name for name in self.column_types if name in text]

    def create_sql(self, name: str | None = None) -> str:
        columns = ", ".join(f'"{c.name}" {c.type}' for c in self.columns)
        return f"create table {name or self.name} ({columns})"

    @property
    def all_audits(self) -> tuple[Audit, ...]:
        """The audits that follow from the contract itself, then the named ones."""
        return (*derived_audits(self.name, self.grain, self.columns), *self.audits)


Catalog = Mapping[str, TableContract]


# folder -> the state of its files when they were read, and what they said
_READ: dict[Path, tuple[frozenset[tuple[str, int, int]], dict[str, TableContract]]] = {}


def read_catalog(folder: Path) -> dict[str, TableContract]:
    """Every table contract below `folder`, by `stage.table`; the files are read again when one of them is another.

    A column that says nothing of itself means what `columns.yml` says of its name.
    """
    files = [p for pattern in ("*", "*/*") for p in folder.glob(pattern) if p.is_file()]
    stats = [(p, p.stat()) for p in files]
    state = frozenset((str(p), s.st_mtime_ns, s.st_size) for p, s in stats)
    if folder not in _READ or _READ[folder][0] != state:
        _READ[folder] = (state, _read(folder))
    return dict(_READ[folder][1])


def _read(folder: Path) -> dict[str, TableContract]:
    contracts: dict[str, TableContract] = {}
    common = _common_meanings(folder / COLUMN_MEANINGS)
    for path in sorted(folder.glob("*/*")):
        if path.suffix not in (".yml", ".yaml", ".sql"):
            continue
        if path.parent.name not in (*STAGES, "audits"):
            raise TableContractError(
                f"{path}: '{path.parent.name}' is no stage; known: {', '.join(STAGES)}, audits"
            )
        if path.suffix == ".yaml":
            raise TableContractError(f"{path}: a table contract ends in .yml")
        is_model = path.suffix == ".sql" and path.parent.name != "audits"
        if is_model and not path.with_suffix(".yml").exists():
            raise TableContractError(f"{path}: no contract {path.stem}.yml beside it")
    for stage in STAGES:
        for path in sorted((folder / stage).glob("*.yml")):
            contract = read_table_contract(path, folder / "audits")
            columns = tuple(
                replace(c, description=c.description or common.get(c.name, ""))
                for c in contract.columns
            )
            contracts[contract.name] = replace(contract, columns=columns)
    if not contracts:
        raise TableContractError(
            f"{folder}: no table contracts found; set HOTSPOTS_SQL to the dbt_like_sql folder"
        )
    return contracts


def _common_meanings(path: Path) -> dict[str, str]:
    """What columns mean by name, where most tables mean the same."""
    if not path.exists():
        return {}
    listed = read_mapping(path, TableContractError)
    return {
        name: text(meaning, f"{path}: {name}", TableContractError)
        for name, meaning in listed.items()
    }


def read_table_contract(path: Path, audits_folder: Path) -> TableContract:
    document = read_mapping(path, TableContractError)
    refuse_unknown(document, _KEYS, f"{path}", TableContractError)
    for key in ("description", "columns", "owner"):
        if not document.get(key):
            raise TableContractError(f"{path}: '{key}' is missing")
    listed = mapping(document["columns"], f"{path}: columns", TableContractError)
    columns = tuple(read_column(name, spec, path) for name, spec in listed.items())
    sql_path = path.with_suffix(".sql")
    contract = TableContract(
        stage=path.parent.name,
        table=path.stem,
        description=" ".join(
            text(document["description"], f"{path}: description", TableContractError).split()
        ),
        grain=read_list(document, "grain", f"{path}: grain"),
        columns=columns,
        owner=text(document["owner"], f"{path}: owner", TableContractError),
        path=path,
        sql_path=sql_path if sql_path.exists() else None,
        time_column=read_one(document, "time_column", path),
        partition=read_one(document, "partition", path) or "none",  # type: ignore[arg-type]
        publish=flag(document.get("publish", False), f"{path}: publish", TableContractError),
        audits=tuple(read_audits(document.get("audits") or (), audits_folder, path)),
        follows=read_list(document, "follows", f"{path}: follows"),
        audited_by=read_list(document, "audited_by", f"{path}: audited_by"),
    )
    _check(contract)
    return contract


def _check(contract: TableContract) -> None:
    """What no single key shows."""
    path = contract.path
    by_name = {c.name: c for c in contract.columns}
    for name in (contract.table, *by_name):
        if not _NAME.fullmatch(name):
            raise TableContractError(
                f"{path}: '{name}': small letters, digits and underscores only, a letter first"
            )
    time_column = [contract.time_column] if contract.time_column else []
    row_name = ROW_NAME if contract.follows else ()
    for name in (*contract.grain, *time_column, *contract.audited_by, *row_name):
        if name not in by_name:
            raise TableContractError(
                f"{path}: '{name}' is not a column: grain, time_column and audited_by name columns, and a table that follows "
                f"others has {', '.join(ROW_NAME)}"
            )
    if contract.follows and contract.partition != "none":
        raise TableContractError(
            f"{path}: follows: a {contract.partition} table is written by windows"
        )
    if contract.partition not in ("none", "daily", "weekly"):
        raise TableContractError(
            f"{path}: partition '{contract.partition}' is not one of none, daily, weekly"
        )
    if contract.partition != "none":
        if not contract.time_column:
            raise TableContractError(f"{path}: a {contract.partition} table needs a time_column")
        column = by_name[contract.time_column]
        if column.type != "DATE" or not column.required:
            raise TableContractError(
                f"{path}: time_column '{column.name}' of a {contract.partition} table is a required DATE: "
                "a row without it would belong to no window"
            )
    if not _OWNER.fullmatch(contract.owner):
        raise TableContractError(
            f"{path}: owner '{contract.owner}' is neither team:<name> nor an e-mail address"
        )
    names = [a.name for a in contract.all_audits]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise TableContractError(f"{path}: audit '{twice[0]}' is there twice")
    if contract.publish:
        rows = [c.name for c in contract.columns if _ROW_LEVEL.fullmatch(c.name)]
        if contract.stage in ("raw", "validated") or rows:
            why = f"column {rows[0]} says that" if rows else f"{contract.stage} tables mean that"
            raise TableContractError(
                f"{path}: publish: true is not allowed: {why} its rows are single records; "
                "the published copy holds aggregates only"
            )
