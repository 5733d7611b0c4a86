"""What of a full extract comes to the gate: the rows that it holds and that have not passed with an earlier one.

Here: reading them from `raw.full_runs` and the raw table. Not here: which rows are stored (`raw/full_runs.py`), the
judgement (`extract.py`) and its books (`judging.py`).
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from hotspot_pipeline.feeds.contract import FeedContract
from hotspot_pipeline.warehouse.session import Session

# what a full extract holds, and of it what is not in the validated table; where a full extract of the same run was
# accepted, that one has turned the row away
_HELD = """
    create or replace temp table rows_of_full as
    select extract_id, source_file, line_no, from_order_ts_utc, coalesce(to_order_ts_utc, timestamp 'infinity') as to_order_ts_utc
    from raw.full_runs
    where feed = $feed and from_order_ts_utc <= $moment and (to_order_ts_utc is null or to_order_ts_utc >= $moment)
"""
_TO_JUDGE = """
    create or replace temp table rows_to_judge as
    with left_over as (
        select r.* from rows_of_full r
        anti join validated.{table} v
          on v.extract_id = r.extract_id and v.source_file = r.source_file and v.line_no = r.line_no
    ),
    judged_before as (
        select s.from_order_ts_utc, s.to_order_ts_utc
        from (select distinct from_order_ts_utc, to_order_ts_utc from left_over) s
        where exists (
            select 1 from raw.extracts e join validated.extract_counts c on c.extract_id = e.extract_id
            where e.feed = $feed and e.kind = 'full' and e.extract_id <> $id and c.status = 'accepted'
              and e.order_ts_utc between s.from_order_ts_utc and s.to_order_ts_utc
        )
    )
    select l.extract_id, l.source_file, l.line_no, j.from_order_ts_utc is not null as is_judged_before
    from left_over l
    left join judged_before j on j.from_order_ts_utc = l.from_order_ts_utc and j.to_order_ts_utc = l.to_order_ts_utc
"""


def rows_of_full(
    session: Session, contract: FeedContract, extract_id: str, order_ts_utc: datetime
) -> tuple[int, pl.DataFrame]:
    """(rows of the extract that are in the validated table already, the other ones, to be judged).

    The frame has `extract_id` (with which a row first came), `source_file`, `line_no`, `is_judged_before` (an accepted
    extract had the row, so that it was turned away) and the contract's columns as text. Later extracts stand last, so
    that of equal keys the gate keeps the newest line.
    """
    session.execute(_HELD, {"feed": contract.feed, "moment": order_ts_utc})
    session.execute(
        _TO_JUDGE.format(table=contract.table), {"feed": contract.feed, "id": extract_id}
    )
    n_before = session.value(
        "select (select count(*) from rows_of_full) - (select count(*) from rows_to_judge)"
    )
    columns = ", ".join(f't."{c}"' for c in contract.column_names)
    rows = session.frame(
        f"select w.extract_id, w.source_file, w.line_no, w.is_judged_before, {columns} "
        f"from rows_to_judge w join raw.{contract.table} t "
        "on t.extract_id = w.extract_id and t.source_file = w.source_file and t.line_no = w.line_no "
        "left join raw.extracts e on e.extract_id = w.extract_id "
        "order by e.order_ts_utc, w.source_file, w.line_no"
    )
    for made in ("rows_of_full", "rows_to_judge"):
        session.execute(f"drop table {made}")
    return int(n_before), rows
