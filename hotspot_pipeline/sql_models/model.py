"""A SQL model: one SELECT with its contract, checked when definitions load.

A model that names an unknown table, column or parameter, uses a construct outside the portable set, or does not give
exactly its contract's columns is refused with file and line. So is an audit that does not fit the tables.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import OptimizeError, ParseError, TokenError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from hotspot_pipeline.sql_models.lineage import Lineage, columns_behind
from hotspot_pipeline.sql_models.portable import not_portable, rounding_casts
from hotspot_pipeline.sql_models.positions import (
    DIALECT,
    final_select_line,
    line_of,
    parse_fault,
    resolve_fault,
)
from hotspot_pipeline.sql_models.windows import for_asked_windows
from hotspot_pipeline.warehouse.contract import Catalog, TableContract

PARAMETERS = ("window_start", "window_end", "known_at")


class ModelError(ValueError):
    """A SQL model that cannot be used; the message starts with file and line."""


@dataclass(frozen=True)
class SqlModel:
    """`column_lineage`: for each column, the (stage.table, column) pairs it is computed from. `asked_sql` is a windowed model's
    query for scattered windows (`windows.py`); `names` are all column names it mentions."""

    contract: TableContract
    sql: str
    tables: tuple[str, ...]
    parameters: frozenset[str]
    code_version: str
    column_lineage: Lineage
    asked_sql: str | None
    names: frozenset[str]

    @property
    def name(self) -> str:
        return self.contract.name

    def bound(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Only the parameters that this model uses; DuckDB refuses one it does not."""
        missing = sorted(p for p in self.parameters if p not in values)
        if missing:
            raise ModelError(f"{self.contract.sql_path}: parameter ${missing[0]} has no value")
        return {p: values[p] for p in sorted(self.parameters)}


# the contracts that were loaded last, and their models; contracts are read anew when a file is another
_loaded: tuple[tuple[TableContract, ...], dict[str, SqlModel]] = ((), {})


def load_models(catalog: Catalog) -> dict[str, SqlModel]:
    """Every SQL model of the catalogue, checked against it, and so are all audits; raises ModelError. Those of the very same contracts
    are not checked twice."""
    global _loaded
    contracts = tuple(catalog.values())
    known, models = _loaded
    if len(known) != len(contracts) or any(
        a is not b for a, b in zip(known, contracts, strict=True)
    ):
        schema = _schema(catalog)
        _check_audits(catalog, schema)
        models = {
            c.name: _load(c, c.sql_path, catalog, schema)
            for c in contracts
            if c.sql_path is not None
        }
        _loaded = contracts, models
    return dict(models)


def _schema(catalog: Catalog) -> MappingSchema:
    tables: dict[str, Any] = {}
    for contract in catalog.values():
        tables.setdefault(contract.stage, {})[contract.table] = contract.column_types
    return MappingSchema(tables, dialect=DIALECT)


def _load(contract: TableContract, path: Path, catalog: Catalog, schema: MappingSchema) -> SqlModel:
    sql = path.read_text(encoding="utf-8-sig").rstrip().rstrip(";").rstrip()
    tree = _parsed(sql, path, "a model")
    parameters = _parameters(tree, path, sql, PARAMETERS)
    tables = _tables(tree, path, sql, catalog)
    for node, why in not_portable(tree):
        raise ModelError(f"{path}:{line_of(node, sql)}: not portable: {why}")
    qualified = _qualified(tree, path, sql, schema)
    given, wanted = list(qualified.named_selects), [c.name for c in contract.columns]
    if sorted(given) != sorted(wanted):
        lacking = [c for c in wanted if c not in given]
        extra = [c for c in given if c not in wanted]
        twice = sorted({c for c in given if given.count(c) > 1})
        raise ModelError(
            f"{path}:{final_select_line(sql)}: columns differ from {contract.path.name}: missing {lacking or 'none'}, "
            f"not in the contract {extra or 'none'}" + (f", twice {twice}" if twice else "")
        )
    unread = [t for t in contract.follows if t not in tables]
    if unread:
        raise ModelError(f"{contract.path}: follows {unread[0]}, which {path.name} does not read")
    if contract.partition != "none" and not {"window_start", "window_end"} <= parameters:
        raise ModelError(
            f"{path}:1: a {contract.partition} model must use $window_start and $window_end"
        )
    if any(cast.to.is_type(*exp.DataType.INTEGER_TYPES) for cast in qualified.find_all(exp.Cast)):
        typed = annotate_types(qualified.copy(), schema=schema, dialect=DIALECT)
        for cast, why in rounding_casts(typed):
            raise ModelError(f"{path}:{line_of(cast, sql)}: not portable: {why}")
    asked_sql = None
    if contract.partition != "none":
        try:
            asked_sql = for_asked_windows(sql, contract.time_column or "")
        except ValueError as error:
            raise ModelError(f"{path}:1: {error}") from error
    return SqlModel(
        contract,
        sql,
        tables,
        parameters,
        _code_version(tree),
        columns_behind(qualified, schema),
        asked_sql,
        frozenset(column.name for column in tree.find_all(exp.Column)),
    )


def _check_audits(catalog: Catalog, schema: MappingSchema) -> None:
    """An audit is one SELECT without parameters over known tables and columns."""
    for contract in catalog.values():
        for audit in contract.audits:
            path = contract.path.parent.parent / "audits" / f"{audit.name}.sql"
            tree = _parsed(audit.sql, path, "an audit")
            _parameters(tree, path, audit.sql, ())
            _tables(tree, path, audit.sql, catalog)
            _qualified(tree, path, audit.sql, schema)


def _parsed(sql: str, path: Path, what: str) -> exp.Query:
    try:
        statements = [s for s in sqlglot.parse(sql, dialect=DIALECT) if s is not None]
    except (ParseError, TokenError) as error:
        line, why = parse_fault(error, sql)
        raise ModelError(f"{path}:{line}: does not parse: {why}") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        line = line_of(statements[1], sql) if len(statements) > 1 else 1
        raise ModelError(f"{path}:{line}: {what} is exactly one SELECT")
    return statements[0]


def _qualified(tree: exp.Query, path: Path, sql: str, schema: MappingSchema) -> exp.Query:
    """A copy in which every column names its table and every star is spelled out."""
    try:
        qualified = qualify(
            tree.copy(), schema=schema, dialect=DIALECT, validate_qualify_columns=True
        )
    except OptimizeError as error:
        line, why = resolve_fault(error, tree, sql)
        raise ModelError(f"{path}:{line}: {why}") from error
    assert isinstance(qualified, exp.Query)
    return qualified


def _code_version(tree: exp.Expr) -> str:
    """Of the parsed query, so that a comment or a line break makes nothing stale."""
    canonical = tree.sql(dialect=DIALECT, comments=False, normalize=True, pretty=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _parameters(tree: exp.Expr, path: Path, sql: str, known: tuple[str, ...]) -> frozenset[str]:
    found = set()
    for node in tree.find_all(exp.Parameter, exp.Placeholder):
        name = str(node.this.name if isinstance(node.this, exp.Expr) else node.this or "?")
        if name not in known:
            listed = ", ".join("$" + p for p in known) or "none here"
            raise ModelError(
                f"{path}:{line_of(node, sql)}: unknown parameter ${name}; known: {listed}"
            )
        found.add(name)
    return frozenset(found)


def _tables(tree: exp.Expr, path: Path, sql: str, catalog: Catalog) -> tuple[str, ...]:
    ctes = {cte.alias_or_name for cte in tree.find_all(exp.CTE)}
    found = set()
    for table in tree.find_all(exp.Table):
        name = table.sql(dialect=DIALECT, comments=False).partition(" ")[0]
        if not table.db and table.name in ctes:
            continue
        if not table.db:
            raise ModelError(
                f"{path}:{line_of(table, sql)}: table '{name}' is neither a CTE nor written stage.table"
            )
        if table.catalog or f"{table.db}.{table.name}" not in catalog:
            raise ModelError(
                f"{path}:{line_of(table, sql)}: unknown table {name}: no {table.db}/{table.name}.yml"
            )
        found.add(f"{table.db}.{table.name}")
    return tuple(sorted(found))
