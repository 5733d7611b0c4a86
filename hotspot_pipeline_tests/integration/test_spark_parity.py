"""Every SQL model gives the same rows in DuckDB and, transpiled, in a local Spark.

The models are to run on a cluster when one machine is not enough; that a model transpiles proves nothing. Skipped where
pyspark (`make verify` installs it) or Java is absent.
"""

from __future__ import annotations

import random
from datetime import date, datetime
from typing import Any

import polars as pl
import pytest

from hotspot_pipeline.settings import PROJECT_ROOT
from hotspot_pipeline.sql_models.model import load_models
from hotspot_pipeline.warehouse.contract import read_catalog
from hotspot_pipeline_tests.integration import spark
from hotspot_pipeline_tests.integration.figures import record
from hotspot_pipeline_tests.integration.test_spark_parity_of_histories import NAMES as OF_HISTORIES
from hotspot_pipeline_tests.integration.tiny_tables import literals_by_column, random_table

pytestmark = [pytest.mark.slow, pytest.mark.spark]

CATALOG = read_catalog(PROJECT_ROOT / "dbt_like_sql")
MODELS = load_models(CATALOG)
SIZES = (0, 3, 12, 40, 40, 120, 120)  # rows a table; the first time every table is empty
VALUES = {
    "window_start": date(2026, 6, 8),
    "window_end": date(2026, 6, 22),
    "known_at": datetime(2026, 6, 20, 12),
}


# those over histories need rows that tell a story, and have a test of their own
@pytest.mark.parametrize("name", [name for name in MODELS if name not in OF_HISTORIES])
def test_model_gives_the_same_rows(name: str, spark_session: Any) -> None:
    model = MODELS[name]
    literals = literals_by_column(model.sql)
    n_rows, different = 0, []
    for seed, size in enumerate(SIZES):
        rng = random.Random(f"{name} {seed}")
        tables = {t: random_table(rng, CATALOG[t], literals, size) for t in model.tables}
        values = model.bound(VALUES)
        ours = spark.in_duckdb(model.sql, tables, CATALOG, values)
        # in another order: which row is the newest must follow from the rows alone
        turned = {t: rows.reverse() for t, rows in tables.items()}
        theirs = spark.in_spark(spark_session, model.sql, turned, CATALOG, values)
        n_rows += ours.total()
        if ours != theirs:
            different.append(_explain(size, ours - theirs, theirs - ours))
    record(
        "SQL models in DuckDB and in Spark",
        model=name,
        sets_of_tables=len(SIZES),
        rows_compared=n_rows,
        equal=not different,
    )
    assert not different, "\n".join(different)
    # or the comparison shows nothing
    assert n_rows > 0


def _explain(size: int, ours: spark.Rows, theirs: spark.Rows) -> str:
    """The first row that only one side has, and where the nearest row of the other differs."""
    text = f"tables of {size} rows: {ours.total()} rows only on one side, {theirs.total()} only on the other"
    if not ours or not theirs:
        return text + f": {next(iter(ours or theirs))}"
    row = next(iter(ours))
    nearest = min(theirs, key=lambda other: sum(a != b for a, b in zip(row, other, strict=True)))
    apart = [
        f"{a[0]}: {a[1]!r} against {b[1]!r}" for a, b in zip(row, nearest, strict=True) if a != b
    ]
    return f"{text}; {'; '.join(apart)}"


@pytest.mark.parametrize("name", MODELS)
def test_model_does_not_depend_on_the_order_of_rows(name: str) -> None:
    model = MODELS[name]
    literals = literals_by_column(model.sql)
    for seed in range(20):
        rng = random.Random(f"{name} order {seed}")
        tables = {t: random_table(rng, CATALOG[t], literals, 40) for t in model.tables}
        turned = {t: rows.reverse() for t, rows in tables.items()}
        values = model.bound(VALUES)
        one = spark.in_duckdb(model.sql, tables, CATALOG, values)
        other = spark.in_duckdb(model.sql, turned, CATALOG, values)
        assert one == other, _explain(40, one - other, other - one)


def test_a_difference_is_seen(spark_session: Any) -> None:
    """The comparison can fail: integer division is one of the things that the engines do not agree on."""
    tables = {"raw.decisions": random_table(random.Random(1), CATALOG["raw.decisions"], {}, 5)}
    assert tables["raw.decisions"].height > 0
    sql = "select cast(2.5 as integer) as n, decided_at_utc from raw.decisions"
    ours = spark.in_duckdb(sql, tables, CATALOG, {})
    theirs = spark.in_spark(spark_session, sql, tables, CATALOG, {})
    assert ours != theirs


def test_tables_fit_their_contracts() -> None:
    for contract in CATALOG.values():
        rows = random_table(random.Random(1), contract, {}, 30)
        assert rows.columns == [c.name for c in contract.columns]
        for column in contract.columns:
            values = rows.get_column(column.name)
            assert not (column.required and values.null_count())
            if column.allowed:
                assert set(values.drop_nulls()) <= set(column.allowed)
        assert isinstance(rows, pl.DataFrame)
        assert rows.unique(contract.grain).height == rows.height
