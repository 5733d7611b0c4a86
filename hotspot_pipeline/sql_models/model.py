"""A SQL model: one SELECT with its contract, checked when definitions load.

A model that names an unknown table, column or parameter, uses a construct outside the portable set, or does not give
exactly its contract's columns is refused with file and line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import OptimizeError, ParseError
from sqlglot.lineage import lineage
from sqlglot.optimizer.qualify import qualify

from hotspot_pipeline.warehouse.contract import Catalog, TableContract

PARAMETERS = ("window_start", "window_end", "known_at")
_DIALECT = "duckdb"

# What was seen to give other values, or nothing, on a second engine.
_NOT_PORTABLE: tuple[tuple[type[exp.Expr], str], ...] = (
    (exp.AtTimeZone, "AT TIME ZONE: local time becomes UTC once, in timebase.py"),
    (exp.DateDiff, "date_diff: subtract dates instead"),
    (exp.TimeToUnix, "epoch(): subtract timestamps in a kernel instead"),
    (exp.DayOfWeekIso, "isodow: timebase.py gives the day of the week"),
    (exp.ArrayAgg, "list() and array_agg(): their order differs between engines"),
    (exp.Lateral, "lateral joins"),
    (exp.Pivot, "pivot"),
)


class ModelError(ValueError):
    """A SQL model that cannot be used; the message starts with file and line."""


@dataclass(frozen=True)
class SqlModel:
    contract: TableContract
    sql: str
    tables: tuple[str, ...]
    parameters: frozenset[str]
    code_version: str
    schema: Mapping[str, Mapping[str, Mapping[str, str]]]

    @property
    def name(self) -> str:
        return self.contract.name

    def bound(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Only the parameters that this model uses; DuckDB refuses one it does not."""
        missing = sorted(p for p in self.parameters if p not in values)
        if missing:
            raise ModelError(f"{self.contract.sql_path}: parameter ${missing[0]} has no value")
        return {p: values[p] for p in sorted(self.parameters)}

    @cached_property
    def column_lineage(self) -> dict[str, tuple[tuple[str, str], ...]]:
        """For each column, the (stage.table, column) pairs it is computed from."""
        roots = lineage(None, self.sql, schema=_plain(self.schema), dialect=_DIALECT)
        assert isinstance(roots, dict)
        found: dict[str, tuple[tuple[str, str], ...]] = {}
        for column, root in roots.items():
            sources = {
                (f"{node.source.db}.{node.source.name}", node.name.split(".")[-1].strip('"'))
                for node in root.walk()
                if isinstance(node.source, exp.Table) and node.source.db
            }
            found[column] = tuple(sorted(sources))
        return found


def load_models(catalog: Catalog) -> dict[str, SqlModel]:
    """Every SQL model of the catalogue, checked against it; raises ModelError."""
    schema = _schema(catalog)
    return {
        c.name: _load(c, c.sql_path, schema) for c in catalog.values() if c.sql_path is not None
    }


def _schema(catalog: Catalog) -> dict[str, dict[str, dict[str, str]]]:
    schema: dict[str, dict[str, dict[str, str]]] = {}
    for contract in catalog.values():
        schema.setdefault(contract.stage, {})[contract.table] = contract.column_types
    return schema


def _plain(schema: Mapping[str, Mapping[str, Mapping[str, str]]]) -> dict[str, object]:
    return {
        stage: {table: dict(cols) for table, cols in tables.items()}
        for stage, tables in schema.items()
    }


def _load(
    contract: TableContract, path: Path, schema: dict[str, dict[str, dict[str, str]]]
) -> SqlModel:
    sql = path.read_text(encoding="utf-8").strip().rstrip(";")
    try:
        statements = [s for s in sqlglot.parse(sql, dialect=_DIALECT) if s is not None]
    except ParseError as error:
        first = error.errors[0]
        raise ModelError(
            f"{path}:{first['line']}: does not parse: {first['description']}"
        ) from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise ModelError(f"{path}:1: a model is exactly one SELECT")
    tree = statements[0]
    parameters = _parameters(tree, path, sql)
    tables = _tables(tree, path, sql, schema)
    _refuse_unportable(tree, path, sql)
    try:
        qualified = qualify(
            tree.copy(), schema=_plain(schema), dialect=_DIALECT, validate_qualify_columns=True
        )
    except OptimizeError as error:
        what = str(error).split(" Line: ")[0]
        raise ModelError(f"{path}:{_line_of_unknown(tree, what, sql)}: {what}") from error
    assert isinstance(qualified, exp.Query)
    given, wanted = list(qualified.named_selects), [c.name for c in contract.columns]
    if sorted(given) != sorted(wanted):
        lacking = [c for c in wanted if c not in given]
        extra = [c for c in given if c not in wanted]
        raise ModelError(
            f"{path}:{_final_select_line(sql)}: columns differ from {contract.path.name}: "
            f"missing {lacking or 'none'}, not in the contract {extra or 'none'}"
        )
    if contract.partition != "none" and not {"window_start", "window_end"} <= parameters:
        raise ModelError(
            f"{path}:1: a {contract.partition} model must use $window_start and $window_end"
        )
    return SqlModel(contract, sql, tables, parameters, _code_version(tree), schema)


def _code_version(tree: exp.Expr) -> str:
    """Of the parsed query, so that a comment or a line break makes nothing stale."""
    canonical = tree.sql(dialect=_DIALECT, comments=False, normalize=True, pretty=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _parameters(tree: exp.Expr, path: Path, sql: str) -> frozenset[str]:
    found = set()
    for node in tree.find_all(exp.Parameter, exp.Placeholder):
        name = str(node.this.name if isinstance(node.this, exp.Expr) else node.this or "?")
        if name not in PARAMETERS:
            raise ModelError(
                f"{path}:{_line(node, sql)}: unknown parameter ${name}; known: {', '.join('$' + p for p in PARAMETERS)}"
            )
        found.add(name)
    return frozenset(found)


def _tables(
    tree: exp.Expr, path: Path, sql: str, schema: Mapping[str, Mapping[str, Any]]
) -> tuple[str, ...]:
    ctes = {cte.alias_or_name for cte in tree.find_all(exp.CTE)}
    found = set()
    for table in tree.find_all(exp.Table):
        if not table.db and table.name in ctes:
            continue
        if not table.db:
            raise ModelError(
                f"{path}:{_line(table, sql)}: table '{table.name}' is neither a CTE nor written stage.table"
            )
        if table.name not in schema.get(table.db, {}):
            raise ModelError(
                f"{path}:{_line(table, sql)}: unknown table {table.db}.{table.name}: no {table.db}/{table.name}.yml"
            )
        found.add(f"{table.db}.{table.name}")
    return tuple(sorted(found))


def _refuse_unportable(tree: exp.Expr, path: Path, sql: str) -> None:
    for kind, why in _NOT_PORTABLE:
        for node in tree.find_all(kind):
            raise ModelError(f"{path}:{_line(node, sql)}: not portable: {why}")
    for call in tree.find_all(exp.Anonymous):
        raise ModelError(
            f"{path}:{_line(call, sql)}: not portable: {call.name}() is not a function sqlglot knows"
        )
    for join in tree.find_all(exp.Join):
        if str(join.args.get("kind") or join.args.get("method") or "").upper() == "ASOF":
            raise ModelError(f"{path}:{_line(join, sql)}: not portable: ASOF join")
    for cast in tree.find_all(exp.Cast):
        if cast.to.this in exp.DataType.UNSIGNED_INTEGER_TYPES:
            raise ModelError(f"{path}:{_line(cast, sql)}: not portable: unsigned integers")


def _line(node: exp.Expr, sql: str) -> int:
    """From the offset: the tokenizer's own line count goes wrong after a $parameter."""
    starts = [int(n.meta["start"]) for n in node.walk() if "start" in n.meta]
    if starts:
        return sql.count("\n", 0, min(starts)) + 1
    return _line(node.parent, sql) if node.parent is not None else 1


def _line_of_unknown(tree: exp.Expr, message: str, sql: str) -> int:
    """The line of the first column that the message names."""
    quoted = message.replace("'", '"').split('"')[1::2]
    for name in quoted:
        for column in tree.find_all(exp.Column):
            if column.name == name or column.sql() == name:
                return _line(column, sql)
    return _final_select_line(sql)


def _final_select_line(sql: str) -> int:
    lines = [n for n, line in enumerate(sql.splitlines(), 1) if line.lower().startswith("select")]
    return lines[-1] if lines else 1
