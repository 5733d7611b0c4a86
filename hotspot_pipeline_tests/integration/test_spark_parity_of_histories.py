"""Models that follow records over months give the same rows in DuckDB and, transpiled, in a local Spark.

On random lives instead of random rows (`test_spark_parity.py`): rows without a story have no week that settles. Skipped
where pyspark (`make verify` installs it) or Java is absent.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import duckdb
import pytest

from hotspot_pipeline.settings import PROJECT_ROOT
from hotspot_pipeline.sql_models.model import load_models
from hotspot_pipeline.warehouse.contract import read_catalog
from hotspot_pipeline.warehouse.session import Session
from hotspot_pipeline_tests.integration import spark
from hotspot_pipeline_tests.integration.figures import record
from hotspot_pipeline_tests.sql.conftest import Desk
from hotspot_pipeline_tests.sql.history.made_versions import give_histories

pytestmark = [pytest.mark.slow, pytest.mark.spark]

# in the order in which they need each other
NAMES = ("history.delay_triangle", "history.completeness", "history.measured_rates")
KNOWN_AT = (datetime(2026, 5, 3, 12), datetime(2026, 12, 1))


def test_models_over_histories_give_the_same_rows(spark_session: Any) -> None:
    catalog = read_catalog(PROJECT_ROOT / "dbt_like_sql")
    models = load_models(catalog)
    with duckdb.connect() as connection:
        warehouse = Session(connection, catalog)
        for contract in catalog.values():
            warehouse.ensure(contract)
        desk = Desk(warehouse, models)
        give_histories(desk)
        for known_at in KNOWN_AT:
            for name in NAMES:
                model = models[name]
                tables = {t: warehouse.frame(f"select * from {t}") for t in model.tables}
                values = model.bound({"known_at": known_at})
                ours = spark.in_duckdb(model.sql, tables, catalog, values)
                # in another order: the values must follow from the rows alone
                turned = {t: rows.reverse() for t, rows in tables.items()}
                theirs = spark.in_spark(spark_session, model.sql, turned, catalog, values)
                record(
                    "SQL models in DuckDB and in Spark",
                    model=f"{name}, known at {known_at:%Y-%m-%d}",
                    sets_of_tables=1,
                    rows_compared=ours.total(),
                    equal=ours == theirs,
                )
                assert ours == theirs, (list(ours - theirs)[:1], list(theirs - ours)[:1])
                # or the comparison shows nothing
                assert ours.total() > 0
                desk.run(name, known_at=known_at)
