"""The same query over other tables."""

from __future__ import annotations

import duckdb
import pytest

from hotspot_pipeline.sql_models.rebinding import over

QUERY = """
with live as (select c.record_id, c.cell from history.crimes c where c.status = 'live' and c.day >= $window_start)
select live.cell, count(*) as n, max(sites.radius_m) as radius_m
from live left join history.sites on sites.cell = live.cell
group by live.cell
"""


def test_reads_the_other_tables_under_the_same_names() -> None:
    con = duckdb.connect()
    con.execute("create schema history")
    con.execute("create table history.sites as select 7 as cell, 50 as radius_m")
    con.execute(
        "create temp table part as select * from "
        "(values (1, 7, 'live', 3), (2, 7, 'live', 1), (3, 8, 'live', 3), (4, 8, 'merged', 3)) t(record_id, cell, status, day)"
    )
    found = con.execute(
        over(QUERY, {"history.crimes": "part"}) + " order by 1", {"window_start": 2}
    ).fetchall()
    assert found == [(7, 1, 50), (8, 1, None)]
    con.execute("create temp table other as select 8 as cell, 20 as radius_m")
    both = over(QUERY, {"history.crimes": "part", "history.sites": "other"})
    assert con.execute(both + " order by 1", {"window_start": 2}).fetchall() == [
        (7, 1, None),
        (8, 1, 20),
    ]
    con.close()


def test_a_table_that_is_not_read_is_refused() -> None:
    with pytest.raises(ValueError, match=r"does not read history\.events"):
        over(QUERY, {"history.crimes": "part", "history.events": "x"})


def test_a_cte_of_the_same_name_stays() -> None:
    query = (
        "with crimes as (select 1 as a) select a from crimes union all select a from history.crimes"
    )
    con = duckdb.connect()
    con.execute("create temp table other as select 5 as a")
    found = con.execute(over(query, {"history.crimes": "other"})).fetchall()
    assert sorted(found) == [(1,), (5,)]
    con.close()
