"""Only what gives the same values on a second engine gets into a model."""

from __future__ import annotations

import re
from typing import Any

import pytest

from hotspot_pipeline.sql_models.model import ModelError

DAY = "{id: {type: DATE}}"
# the expression in line 3 of a model, and what is said about it
EXPRESSIONS = {
    "at time zone": ("known_utc at time zone 'Europe/London'", "AT TIME ZONE: local time becomes UTC once, in timebase.py"),
    "timezone()": ("timezone('Europe/London', known_utc)", "timezone() is not a function that every engine has"),
    "date_diff": ("date_diff('day', day, day)", "date_diff: subtract dates instead"),
    "datediff": ("datediff('day', day, day)", "date_diff"),
    "date_sub": ("date_sub('day', day, day)", "date_sub() is not a function"),
    "epoch of a moment": ("epoch(known_utc)", "epoch(): subtract timestamps in a kernel instead"),
    "isodow": ("isodow(day)", "isodow: timebase.py gives the day of the week"),
    "extract isodow": ("extract(isodow from day)", "extract(isodow): timebase.py"),
    "date_part isodow": ("date_part('isodow', day)", "date_part() is not a function"),
    "list": ("list(cell order by id)", "list() and array_agg(): their order differs between engines"),
    "array_agg": ("array_agg(cell)", "list() and array_agg()"),
    "string_agg": ("string_agg(name, ',')", "string_agg(): its order differs"),
    "unsigned": ("cast(cell as ubigint)", "unsigned integers"),
    "unsigned short form": ("cell::uint8", "type uint8"),
    "huge integer": ("cast(cell as hugeint)", "type INT128"),
    "single float": ("cast(cell as float)", "type REAL"),
    "list type": ("cast(cell as bigint[])", "type BIGINT[]"),
    "zoned timestamp": ("cast(known_utc as timestamptz)", "type TIMESTAMPTZ"),
    "try_cast": ("try_cast(name as bigint)", "try_cast: values are typed once, at the gate"),
    "double to whole": ("cast(harm as bigint)", "DOUBLE to BIGINT: engines round it differently"),
    "decimal to whole": ("cast(days as integer)", "DECIMAL to INT: engines round it differently"),
    "quotient to whole": ("cast(cell / 2 as bigint)", "DOUBLE to BIGINT: engines round it differently"),
    "today": ("current_date", "today's date: what is known when is $known_at"),
    "now": ("now()", "now() is not a function"),
    "current_timestamp": ("current_timestamp", "the present time"),
    "random": ("random()", "random(): other values in every run"),
    "a function of one engine": ("hash(cell)", "hash() is not a function that every engine has"),
    "a function not compared": ("median(cell)", "Median (MEDIAN(cell)) is not in sql_models/portable.py"),
    "subscript": ("[1, 2][1]", "is not in sql_models/portable.py"),
    "struct": ("{'a': 1}", "is not in sql_models/portable.py"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "told"), EXPRESSIONS.values(), ids=EXPRESSIONS.keys())
def test_an_expression_outside_the_set_is_told_with_its_line(text: str, told: str, load: Any) -> None:  # fmt: skip
    with pytest.raises(ModelError) as caught:
        load(f"select\n    1 as id,\n    {text} as cell\nfrom raw.events", "{id: {type: BIGINT}, cell: {type: BIGINT}}")  # fmt: skip
    assert re.search(r"model\.sql:3: not portable: ", str(caught.value)), str(caught.value)
    assert told in str(caught.value)


QUERIES = {
    "asof join": ("select e.id from raw.events e\nasof join raw.places p\n    on e.cell >= p.cell", "ASOF join"),
    "positional join": ("select e.id from raw.events e\npositional join raw.places p", "POSITIONAL join"),
    "semi join": ("select e.id from raw.events e\nsemi join raw.places p on e.cell = p.cell", "SEMI join"),
    "natural join": ("select id from raw.events e\nnatural join raw.places p", "NATURAL join"),
    "lateral": ("select e.id from raw.events e,\nlateral (select 1 as one) l", "lateral joins"),
    "pivot": ("select id from raw.events\npivot (count(*) for name in ('a', 'b'))", "pivot"),
    "limit": ("select id from raw.events\nlimit 5", "limit: without a total order it takes other rows"),
    "sample": ("select id from raw.events\nusing sample 5", "samples: other rows in every run"),
    "distinct on": ("select distinct on (cell) id from raw.events", "distinct on: rank the rows"),
    "star except": ("with k as (select * exclude (cell) from raw.events)\nselect id from k", "star with exceptions"),
    "star replace": ("with k as (select * replace (1 as cell) from raw.events)\nselect id from k", "star with exceptions"),
}  # fmt: skip


@pytest.mark.parametrize(("sql", "told"), QUERIES.values(), ids=QUERIES.keys())
def test_a_construct_outside_the_set_is_told(sql: str, told: str, load: Any) -> None:
    with pytest.raises(ModelError, match=r"model\.sql:\d: not portable: ") as caught:
        load(sql)
    assert told in str(caught.value)


def test_the_line_is_that_of_the_construct_even_after_parameters(load: Any) -> None:
    sql = "select id\nfrom raw.events\nwhere\n    day >= $window_start\n    and day < $window_end\n    and isodow(day) = 1"
    with pytest.raises(ModelError, match=r"model\.sql:6: not portable: isodow"):
        load(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "select id from raw.events qualify row_number() over (partition by cell order by id) = 1",
        "select cell as id from raw.events group by all having count(*) > 1",
        "select id from raw.events where date_trunc('week', day) = $window_start",
        "select id from raw.events where known_utc <= $known_at and day < last_day(day)",
        "select count(*) filter (where name = 'a') as id from raw.events",
        "select cast(floor(harm) as bigint) as id from raw.events",
        "select cast(name as bigint) as id from raw.events",
        "select cast(id as smallint) as id from raw.events",
        "select lag(id) over (order by id rows between 1 preceding and current row) as id from raw.events",
        "select id from raw.events union all select cell from raw.places",
        "select id from raw.events except select cell from raw.places",
        "select id from raw.events where cell not in (select cell from raw.places)",
        "select id from raw.events full join raw.places using (cell)",
        "select id from raw.events where extract(month from day) = 1 and day + interval 1 day > day",
        "select count(distinct cell) as id from raw.events",
        "select coalesce(sum(id) / nullif(count(*), 0), 0) as id from raw.events",
    ],
)
def test_what_was_compared_is_let_through(sql: str, load: Any) -> None:
    assert load(sql).name == "hexes.model"
