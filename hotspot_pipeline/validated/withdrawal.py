"""What a withdrawal takes out of the validated tables, and what it leaves: rows that another accepted extract brought too.

Here: rows, rejects and books of extracts that are withdrawn or that raw no longer has. Not here: which raw rows go
with them (`raw/full_runs.py`), and judging again what was held (`judging.py`).
"""

from __future__ import annotations

from hotspot_pipeline.feeds.contract import RUN_TABLES
from hotspot_pipeline.validated.tables import PATROL_TABLES, PLACE_TABLES
from hotspot_pipeline.warehouse.session import Session

_GONE = (
    "(extract_id in (select extract_id from raw.decisions where decision = 'withdrawn') "
    "or extract_id not in (select extract_id from raw.extracts where status = 'loaded'))"
)
# the first accepted full extract of each run with which a row stands that had passed with one that is gone
_MOVED = """
    create or replace temp table moved_rows as
    with accepted_fulls as (
        select e.extract_id, e.feed, e.order_ts_utc
        from raw.extracts e join validated.extract_counts c on c.extract_id = e.extract_id
        where e.kind = 'full' and c.status = 'accepted'
    ),
    runs as (
        select r.* from raw.full_runs r
        join validated.{table} v
          on v.extract_id = r.extract_id and v.source_file = r.source_file and v.line_no = r.line_no
        where v.accepted_with in (from gone_extracts)
    ),
    spans as (
        select s.feed, s.from_order_ts_utc, s.to_order_ts_utc, min(f.order_ts_utc) as order_ts_utc
        from (select distinct feed, from_order_ts_utc, to_order_ts_utc from runs) s
        join accepted_fulls f on f.feed = s.feed
         and f.order_ts_utc between s.from_order_ts_utc and coalesce(s.to_order_ts_utc, timestamp 'infinity')
        group by all
    ),
    firsts as (
        select r.extract_id, r.source_file, r.line_no, r.feed, min(s.order_ts_utc) as order_ts_utc
        from runs r join spans s on s.feed = r.feed and s.from_order_ts_utc = r.from_order_ts_utc
         and s.to_order_ts_utc is not distinct from r.to_order_ts_utc
        group by all
    )
    select t.extract_id, t.source_file, t.line_no, f.extract_id as accepted_with
    from firsts t join accepted_fulls f on f.feed = t.feed and f.order_ts_utc = t.order_ts_utc
"""
_MOVE = """
    update validated.{table} v set accepted_with = m.accepted_with
    from moved_rows m
    where m.extract_id = v.extract_id and m.source_file = v.source_file and m.line_no = v.line_no
"""
# they came anew with the extract that they have now passed with
_RECOUNT = """
    update validated.extract_counts c set
        n_in = c.n_in + m.n, n_accepted = c.n_accepted + m.n, n_accepted_before = c.n_accepted_before - m.n,
        n_without_location = c.n_without_location + m.n_without_location
    from (
        select m.accepted_with, count(*) as n, count(*) filter (v.lon is null) as n_without_location
        from moved_rows m join validated.{table} v
          on m.extract_id = v.extract_id and m.source_file = v.source_file and m.line_no = v.line_no
        group by m.accepted_with
    ) m
    where m.accepted_with = c.extract_id
"""
# what stands only in held ones is held from now on, where it was counted as passed before
_HOLD = """
    update validated.extract_counts c set
        n_in = c.n_in + least(h.n, c.n_accepted_before), n_held = c.n_held + least(h.n, c.n_accepted_before),
        n_accepted_before = c.n_accepted_before - least(h.n, c.n_accepted_before)
    from (
        select e.extract_id, sum(s.n)::bigint as n
        from (
            select r.feed, r.from_order_ts_utc, r.to_order_ts_utc, count(*) as n
            from raw.full_runs r join validated.{table} v
              on v.extract_id = r.extract_id and v.source_file = r.source_file and v.line_no = r.line_no
            where v.accepted_with in (from gone_extracts)
            group by all
        ) s
        join raw.extracts e on e.feed = s.feed and e.kind = 'full'
         and e.order_ts_utc between s.from_order_ts_utc and coalesce(s.to_order_ts_utc, timestamp 'infinity')
        group by e.extract_id
    ) h
    where h.extract_id = c.extract_id and c.status = 'held'
"""


def purge(session: Session) -> None:
    """Takes withdrawn extracts out, and those that raw no longer has, in one transaction.

    A row that also stands in another full extract, which the gate accepted, stays and has passed with that one.
    """
    with session.transaction():
        for book in ("gate_results", "gate_warnings", "extract_counts"):
            session.execute(f"delete from validated.{book} where {_GONE}")
        for table in (*PLACE_TABLES, *PATROL_TABLES):
            session.execute(f"delete from validated.{table} where {_GONE}")
        for table in RUN_TABLES:
            session.execute(
                "create or replace temp table gone_extracts as select extract_id from ("
                f"select distinct accepted_with as extract_id from validated.{table}) where {_GONE}"
            )
            if session.value("select count(*) from gone_extracts"):
                for step in (_MOVED, _MOVE, _RECOUNT, _HOLD):
                    session.execute(step.format(table=table))
                session.execute("drop table moved_rows")
                session.execute(
                    f"delete from validated.{table} where accepted_with in (from gone_extracts)"
                )
            session.execute("drop table gone_extracts")
        still = " union all ".join(
            f"select extract_id, source_file, line_no from raw.{table} where {_GONE}"
            for table in RUN_TABLES
        )
        session.execute(
            f"delete from validated.rejects where {_GONE} and (extract_id, source_file, line_no) not in "
            f"(select (extract_id, source_file, line_no) from ({still}))"
        )


def adopt_earlier(session: Session) -> None:
    """Rows and counts of extracts that were judged before a row could pass with another extract than its own."""
    for table in RUN_TABLES:
        session.execute(
            f"update validated.{table} set accepted_with = extract_id where accepted_with is null"
        )
    session.execute(
        "update validated.extract_counts set n_accepted_before = 0 where n_accepted_before is null"
    )
