"""Small random tables that fit their contracts, with values that meet: for running a model where there is no data.

The values come from the contract (types, allowed values, required), from the literals that the model compares a column
with, and otherwise from a handful per column name, so that joins find partners.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import sqlglot
from sqlglot import exp

from hotspot_pipeline.warehouse.contract import TableColumn, TableContract

FIRST_DAY = date(2026, 6, 1)  # a Monday
N_DAYS = 28
_EMPTY_SHARE = 0.2
_KINDS: dict[str, Any] = {
    "VARCHAR": pl.String,
    "BIGINT": pl.Int64,
    "INTEGER": pl.Int32,
    "SMALLINT": pl.Int16,
    "DOUBLE": pl.Float64,
    "BOOLEAN": pl.Boolean,
    "DATE": pl.Date,
    "TIMESTAMP": pl.Datetime("us"),
}


def literals_by_column(sql: str) -> dict[str, list[str]]:
    """The texts that the query compares a column with, by column name."""
    found: dict[str, set[str]] = {}
    for node in sqlglot.parse_one(sql, dialect="duckdb").find_all(
        exp.EQ, exp.NEQ, exp.In, exp.Like
    ):
        others = node.expressions if isinstance(node, exp.In) else [node.expression]
        texts = {o.this.strip("%") for o in others if isinstance(o, exp.Literal) and o.is_string}
        for column in node.this.find_all(exp.Column):
            found.setdefault(column.name, set()).update(texts - {""})
    return {name: sorted(texts) for name, texts in found.items() if texts}


def random_table(
    rng: random.Random, contract: TableContract, literals: Mapping[str, list[str]], n_rows: int
) -> pl.DataFrame:
    """At most `n_rows` rows, one for each value of the grain."""
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for number in range(n_rows):
        row = {c.name: _value(rng, c, literals, n_rows) for c in contract.columns}
        key = tuple(row[name] for name in contract.grain) or (number,)
        rows[key] = row
    schema = {c.name: _kind(c) for c in contract.columns}
    return pl.DataFrame(list(rows.values()), schema=schema, orient="row")


def _value(
    rng: random.Random, column: TableColumn, literals: Mapping[str, list[str]], n_rows: int
) -> Any:
    if not column.required and rng.random() < _EMPTY_SHARE:
        return None
    match column.type.split("(")[0]:
        case "VARCHAR":
            return _text(rng, column, literals, n_rows)
        case "BIGINT" | "INTEGER" | "SMALLINT":
            return rng.randint(0, 4)
        case "DOUBLE":
            return rng.randint(0, 4000) / 4
        case "DECIMAL":
            return Decimal(rng.choice([0, 1, 150, 36500, 36499, 99999])) / 100
        case "BOOLEAN":
            return rng.random() < 0.5
        case "DATE":
            day = FIRST_DAY + timedelta(days=rng.randrange(N_DAYS))
            if column.name == "month":
                return day.replace(day=1)
            return day - timedelta(days=day.weekday()) if column.name == "week_start" else day
        case "TIMESTAMP":
            start = datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day)
            # the ends of days and hours are where engines disagree
            return start + rng.choice(
                [
                    timedelta(days=rng.randrange(N_DAYS)),
                    timedelta(hours=rng.randrange(24 * N_DAYS)),
                    timedelta(seconds=rng.randrange(86400 * N_DAYS)),
                    timedelta(microseconds=rng.randrange(86400_000_000 * N_DAYS)),
                ]
            )
    raise TypeError(f"{column.name}: no values known for {column.type}")


def _text(
    rng: random.Random, column: TableColumn, literals: Mapping[str, list[str]], n_rows: int
) -> str:
    if column.allowed:
        return rng.choice(column.allowed)
    if column.name in literals and rng.random() < 0.7:
        return rng.choice(literals[column.name])
    if column.name.endswith("desc"):
        return rng.choice(["Ünïcode & 'quote'", "", " Hospital ", "A"])
    return f"{column.name} {rng.randint(1, 3 + n_rows // 8)}"


def _kind(column: TableColumn) -> Any:
    if column.type.startswith("DECIMAL"):
        precision, scale = column.type[8:-1].split(",")
        return pl.Decimal(int(precision), int(scale))
    return _KINDS[column.type]
