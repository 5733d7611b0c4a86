"""SQL models on two engines: in DuckDB as they are written, and in a local Spark after transpilation by sqlglot.

Here: binding the parameters, transpiling, running, and rows as plain values that can be compared. Not here: the tables
(`tiny_tables.py`), which models are run (`test_spark_parity.py`).
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import sqlglot
from sqlglot import exp
from sqlglot.optimizer.qualify import qualify

from hotspot_pipeline.warehouse.contract import TableContract

Tables = Mapping[str, pl.DataFrame]
Values = Mapping[str, date | datetime]
Rows = Counter[tuple[Any, ...]]


def in_duckdb(
    sql: str, tables: Tables, contracts: Mapping[str, TableContract], values: Values
) -> Rows:
    """The rows of the query as they are, with its parameters bound by the engine."""
    connection = duckdb.connect()
    try:
        for name, rows in tables.items():
            connection.execute(f"create schema if not exists {contracts[name].stage}")
            connection.execute(contracts[name].create_sql())
            connection.register("offered", rows)
            connection.execute(f"insert into {name} by name from offered")
            connection.unregister("offered")
        named = {k: v for k, v in values.items() if f"${k}" in sql}
        result = connection.execute(sql, named)
        columns = [d[0] for d in result.description]
        return _rows(columns, result.fetchall())
    finally:
        connection.close()


def in_spark(
    session: Any, sql: str, tables: Tables, contracts: Mapping[str, TableContract], values: Values
) -> Rows:
    """The rows of the transpiled query; `session` is a SparkSession whose time zone is UTC."""
    for name, rows in tables.items():
        frame = session.createDataFrame(rows.rows(), schema=_spark_schema(contracts[name]))
        frame.createOrReplaceTempView(_view(name))
    found = session.sql(transpiled(sql, contracts, values))
    return _rows(found.columns, [tuple(row) for row in found.collect()])


def transpiled(sql: str, contracts: Mapping[str, TableContract], values: Values) -> str:
    """Spark SQL; a parameter becomes a literal, stage.table the view stage__table, and every star its columns."""
    schema: dict[str, Any] = {}
    for contract in contracts.values():
        schema.setdefault(contract.stage, {})[contract.table] = dict(contract.column_types)

    def bound(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Parameter | exp.Placeholder):
            name = str(node.this.name if isinstance(node.this, exp.Expr) else node.this)
            return sqlglot.parse_one(_literal(values[name]), dialect="duckdb")
        return node

    def renamed(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Table) and node.db:
            table = exp.to_table(_view(f"{node.db}.{node.name}"))
            return exp.alias_(table, node.alias_or_name, table=True)
        return node

    tree = sqlglot.parse_one(sql, dialect="duckdb").transform(bound)
    # a star beside QUALIFY would carry the row number out of the subquery that Spark needs for it
    tree = qualify(tree, schema=schema, dialect="duckdb")
    return tree.transform(renamed).sql(dialect="spark")


def spark_session(folder: Path) -> Any:
    """A Spark of two threads in this process, without network and without a metastore."""
    from pyspark.sql import SparkSession

    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    session = (
        SparkSession.builder.master("local[2]")
        .appName("models on a second engine")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.default.parallelism", "2")
        .config("spark.sql.warehouse.dir", str(folder / "warehouse"))
        .config(
            "spark.driver.extraJavaOptions", f"-Dderby.system.home={folder} -Duser.timezone=UTC"
        )
        .config("spark.driver.memory", "1g")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    return session


def _spark_schema(contract: TableContract) -> Any:
    from pyspark.sql import types as t

    kinds = {
        "VARCHAR": t.StringType(),
        "BIGINT": t.LongType(),
        "INTEGER": t.IntegerType(),
        "SMALLINT": t.ShortType(),
        "DOUBLE": t.DoubleType(),
        "BOOLEAN": t.BooleanType(),
        "DATE": t.DateType(),
        "TIMESTAMP": t.TimestampNTZType(),
    }

    def kind(text: str) -> Any:
        decimal = re.fullmatch(r"DECIMAL\((\d+),\s*(\d+)\)", text)
        return t.DecimalType(int(decimal[1]), int(decimal[2])) if decimal else kinds[text]

    return t.StructType([t.StructField(c.name, kind(c.type)) for c in contract.columns])


def _view(table: str) -> str:
    return table.replace(".", "__")


def _literal(value: date | datetime) -> str:
    if isinstance(value, datetime):
        return f"cast('{value:%Y-%m-%d %H:%M:%S}' as timestamp)"
    return f"cast('{value:%Y-%m-%d}' as date)"


def _rows(columns: list[str], rows: list[tuple[Any, ...]]) -> Rows:
    """As a multiset, columns by name; a number is compared as a number, whatever its type."""
    order = sorted(range(len(columns)), key=lambda i: columns[i])
    assert len(set(columns)) == len(columns), columns
    return Counter(tuple((columns[i], _plain(row[i])) for i in order) for row in rows)


def _plain(value: Any) -> Any:
    match value:
        case bool() | None | str():
            return value
        case int() | Decimal():
            return Decimal(value).normalize() + 0
        case float():
            # two engines may add in another order: the last bits are not compared
            return ("about", float(f"{value:.12g}"))
        case datetime():
            return value.isoformat()
        case date():
            return value.isoformat()
    raise TypeError(f"{value!r}: no plain value known for {type(value).__name__}")
