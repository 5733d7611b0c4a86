"""Where a column comes from, read from the query: through CTEs, joins, unions and windows."""

from __future__ import annotations

from typing import Any

import pytest

from hotspot_pipeline.sql_models.model import SqlModel, load_models
from hotspot_pipeline.warehouse.contract import TableContract

AB = "{a: {type: BIGINT}, b: {type: VARCHAR}}"


def behind(model: SqlModel, column: str) -> list[str]:
    return [f"{table}.{name}" for table, name in model.column_lineage[column]]


CASES = {
    "a rename": ("select id as a, name as b from raw.events", ["raw.events.id"], ["raw.events.name"]),
    "an expression": ("select id + cell * 2 as a, lower(name) || 'x' as b from raw.events",
                      ["raw.events.cell", "raw.events.id"], ["raw.events.name"]),
    "through CTEs": ("with k as (select id + cell as x, name from raw.events), m as (select x as y, name as n from k)\n"
                     "select y as a, n as b from m", ["raw.events.cell", "raw.events.id"], ["raw.events.name"]),
    "a star in a CTE": ("with k as (select * from raw.events) select id as a, name as b from k",
                        ["raw.events.id"], ["raw.events.name"]),
    "a join": ("select e.id as a, p.name as b from raw.events e left join raw.places p on p.cell = e.cell",
               ["raw.events.id"], ["raw.places.name"]),
    "using": ("select cell as a, p.name as b from raw.events e join raw.places p using (cell)",
              ["raw.events.cell", "raw.places.cell"], ["raw.places.name"]),
    "either of two": ("select coalesce(e.cell, p.cell) as a, p.name as b from raw.events e full join raw.places p on p.cell = e.cell",
                      ["raw.events.cell", "raw.places.cell"], ["raw.places.name"]),
    "a union, by position": ("with u as (select id as x, name as y from raw.events union all select cell, 'none' from raw.places)\n"
                             "select x as a, y as b from u", ["raw.events.id", "raw.places.cell"], ["raw.events.name"]),
    "a union at the end": ("select id as a, name as b from raw.events union all select cell, name from raw.places",
                           ["raw.events.id", "raw.places.cell"], ["raw.events.name", "raw.places.name"]),
    "qualify decides rows, not values": ("select id as a, name as b from raw.events\n"
                                         "qualify row_number() over (partition by cell order by day desc) = 1",
                                         ["raw.events.id"], ["raw.events.name"]),
    "a window does": ("select row_number() over (partition by cell order by day) as a, name as b from raw.events",
                      ["raw.events.cell", "raw.events.day"], ["raw.events.name"]),
    "sums": ("select sum(case when harm > 365 then 1 else 0 end) as a, name as b from raw.events group by name",
             ["raw.events.harm"], ["raw.events.name"]),
    "counting rows": ("select count(*) as a, 'all' as b from raw.events", [], []),
    "a parameter": ("select id as a, case when known_utc < $known_at then 'old' end as b from raw.events",
                    ["raw.events.id"], ["raw.events.known_utc"]),
    "a derived table": ("select d.x as a, d.n as b from (select max(id) as x, name as n from raw.events group by name) d",
                        ["raw.events.id"], ["raw.events.name"]),
    "a scalar query": ("select (select max(p.cell) from raw.places p) as a, name as b from raw.events",
                       ["raw.places.cell"], ["raw.events.name"]),
    "one table twice": ("select x.id as a, y.name as b from raw.events x join raw.events y on x.id = y.cell",
                        ["raw.events.id"], ["raw.events.name"]),
}  # fmt: skip


@pytest.mark.parametrize(("sql", "a", "b"), CASES.values(), ids=CASES.keys())
def test_columns_come_from(sql: str, a: list[str], b: list[str], load: Any) -> None:
    model = load(sql, AB)
    assert list(model.column_lineage) == ["a", "b"]
    assert behind(model, "a") == a
    assert behind(model, "b") == b


@pytest.fixture(scope="module")
def real(catalog: dict[str, TableContract]) -> dict[str, SqlModel]:
    return load_models(catalog)


def test_real_lineage_names_only_columns_that_are_there(
    real: dict[str, SqlModel], catalog: dict[str, TableContract]
) -> None:
    for model in real.values():
        assert set(model.column_lineage) == set(model.contract.column_types)
        for column, sources in model.column_lineage.items():
            for table, name in sources:
                assert table in model.tables, f"{model.name}.{column}"
                assert name in catalog[table].column_types, f"{model.name}.{column}: {table}.{name}"


def test_real_lineage_in_known_places(real: dict[str, SqlModel]) -> None:
    weekly, events = real["hexes.crime_weekly"], real["hexes.events"]
    assert behind(weekly, "harm_days") == ["hexes.events.harm_days"]
    assert behind(weekly, "cell") == ["hexes.events.cell_r10", "hexes.events.cell_r8", "hexes.events.cell_r9"]  # fmt: skip
    assert behind(weekly, "n_events") == []
    assert behind(events, "harm_days") == ["history.offence_spans.cchi_days", "history.policeuk_categories_current.cchi_days"]  # fmt: skip
    assert "hexes.site_matches.site_kind" in behind(events, "exclusion_reason")
    assert behind(events, "site_id") == ["hexes.site_matches.site_id"]
    assert behind(real["history.crimes_current"], "feed") == ["history.crime_versions.feed"]
