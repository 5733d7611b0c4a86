"""Full extracts as runs: a row that comes again unchanged is stored once, and `raw.full_runs` says in which extracts it stands.

Here: the order of a feed's extracts, which rows of a full extract are new, the runs that begin, end or are split by
it, and what a withdrawal leaves standing. Not here: which extracts wait (`landing.py`), the reading (`intake.py`), the
books and the transaction (`assets.py`), what the rows mean (`validated/`).

A *run* is a stored row and the moments from and to which every full extract of its feed, in their order, holds it.
What makes two rows the same is their content: all columns of the contract as delivered and the contract's fingerprint,
hashed by DuckDB to 63 bits. Comparable within one DuckDB version: another one stores everything once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from hotspot_pipeline.feeds.contract import FeedContract
from hotspot_pipeline.warehouse import places
from hotspot_pipeline.warehouse.session import Session

WITHDRAWN = "select extract_id from raw.decisions where decision = 'withdrawn'"
# of withdrawn extracts, every row but those that stand in a full extract which is not withdrawn
PURGE = f"""
    with runs as (
        select * from raw.full_runs where extract_id in ({WITHDRAWN})
    ),
    standing as (
        select feed, from_order_ts_utc, coalesce(to_order_ts_utc, timestamp 'infinity') as to_order_ts_utc
        from (select distinct feed, from_order_ts_utc, to_order_ts_utc from runs) s
        where exists (
            select 1 from raw.extracts f
            where f.feed = s.feed and f.kind = 'full' and f.status = 'loaded' and f.extract_id not in ({WITHDRAWN})
              and f.order_ts_utc between s.from_order_ts_utc and coalesce(s.to_order_ts_utc, timestamp 'infinity')
        )
    )
    delete from {{table}} where extract_id in ({WITHDRAWN}) and (extract_id, source_file, line_no) not in (
        select (r.extract_id, r.source_file, r.line_no) from runs r join standing s
          on s.feed = r.feed and s.from_order_ts_utc = r.from_order_ts_utc
         and s.to_order_ts_utc = coalesce(r.to_order_ts_utc, timestamp 'infinity')
    )
"""
# rows are the same on two nights by what was delivered; one that names its record twice in a night is nobody's repeat
_ARRIVING = """
    create or replace temp table arriving_content as
    with content as (
        select row_no, source_file, line_no, record, {content} as content_hash from arriving_rows
    )
    select
        row_no, source_file, line_no, content_hash,
        record is not null
            and record not in (select c.record from content c where c.record is not null group by 1 having count(*) > 1)
            and content_hash not in (select c.content_hash from content c group by 1 having count(*) > 1) as may_repeat
    from content
"""
_COVERING = """
    create or replace temp table covering_runs as
    select rowid as run_id, *
    from raw.full_runs
    where feed = $feed and from_order_ts_utc < $moment and (to_order_ts_utc is null or to_order_ts_utc > $moment)
"""
# a run goes on when its extract was withdrawn, but what went with the extract cannot stand for a row that comes now
_REPEATED = f"""
    create or replace temp table repeated_rows as
    with gone as (
        select c.run_id
        from covering_runs c
        anti join {{table}} t on t.extract_id = c.extract_id and t.source_file = c.source_file and t.line_no = c.line_no
        where c.extract_id in ({WITHDRAWN})
    ),
    -- of equal rows the last one is the one that the gate keeps (check C4)
    last_of_equals as (
        select
            content_hash,
            case when count(*) = 1 then min(run_id)
                 else arg_max(run_id, (from_order_ts_utc, extract_id, source_file, line_no)) end as run_id
        from covering_runs
        where run_id not in (from gone)
        group by content_hash
    )
    select a.row_no, l.run_id
    from arriving_content a
    join last_of_equals l on l.content_hash = a.content_hash
    where a.may_repeat
"""
_BROKEN_OFF = "from covering_runs where run_id not in (select r.run_id from repeated_rows r)"


@dataclass(frozen=True)
class _Place:
    """Where an extract stands among the full extracts of its feed."""

    before: datetime | None
    after: datetime | None


def next_order(session: Session, feed: str, extract_ts_utc: datetime) -> datetime:
    """The moment at which an extract that is booked now stands among its feed's: its own, or right after those that
    have the same. `extract_ts_utc` is UTC without a zone."""
    last = session.value(
        "select max(order_ts_utc) from raw.extracts where feed = $feed and extract_ts_utc = $taken",
        {"feed": feed, "taken": extract_ts_utc},
    )
    return last + timedelta(microseconds=1) if last else extract_ts_utc


def book(
    session: Session,
    contract: FeedContract,
    extract_id: str,
    order_ts_utc: datetime,
    rows: pl.DataFrame,
) -> pl.DataFrame:
    """Writes the runs of a full extract that is not in `raw.extracts` yet; returns those of its rows that are new.

    `rows`: `source_file`, `line_no` and the contract's columns as text. To be called in the transaction that stores
    the rows returned; the others are repeats and stand already.
    """
    place = _place(session, contract.feed, order_ts_utc)
    table = f"raw.{contract.table}"
    with session.lent(
        "arriving_rows", rows.with_columns(_record(contract)).with_row_index("row_no")
    ):
        session.execute(
            _ARRIVING.format(content=_content(contract)), {"fingerprint": contract.fingerprint}
        )
    session.execute(_COVERING, {"feed": contract.feed, "moment": order_ts_utc})
    session.execute(_REPEATED.format(table=table))
    session.execute(
        f"update raw.full_runs r set to_order_ts_utc = $before where {places.place('r')} in (select run_id {_BROKEN_OFF})",
        {"before": place.before},
    )
    if place.after:
        session.execute(
            "insert into raw.full_runs by name select * exclude (run_id) "
            f"replace (cast($after as timestamp) as from_order_ts_utc) {_BROKEN_OFF}",
            {"after": place.after},
        )
    session.execute(
        "insert into raw.full_runs by name select $feed as feed, $table as table_name, $id as extract_id, source_file, "
        "line_no, content_hash, cast($moment as timestamp) as from_order_ts_utc, cast($end as timestamp) as to_order_ts_utc "
        "from arriving_content where row_no not in (select r.row_no from repeated_rows r)",
        {"feed": contract.feed, "table": contract.table, "id": extract_id, "moment": order_ts_utc,
         "end": order_ts_utc if place.after else None},
    )  # fmt: skip
    new = session.frame(
        "select cast(row_no as bigint) as row_no from arriving_content "
        "where row_no not in (select r.row_no from repeated_rows r) order by 1"
    )
    for made in ("arriving_content", "covering_runs", "repeated_rows"):
        session.execute(f"drop table {made}")
    return rows[new.get_column("row_no")]


def adopt_earlier(session: Session, contracts: Iterable[FeedContract]) -> None:
    """Gives extracts that were taken before there were runs their place in the order, and full ones a run for each row."""
    if not session.value("select count(*) from raw.extracts where order_ts_utc is null"):
        return
    with session.transaction():
        session.execute(
            """
            update raw.extracts set n_repeated = 0, order_ts_utc = o.order_ts_utc
            from (
                select extract_id, extract_ts_utc + to_microseconds(row_number() over (
                    partition by feed, extract_ts_utc order by received_at_utc, extract_id) - 1) as order_ts_utc
                from raw.extracts
            ) o
            where o.extract_id = extracts.extract_id and extracts.order_ts_utc is null
            """
        )
        for contract in contracts:
            if contract.stands_in_runs("full"):
                session.execute(
                    f"""
                    insert into raw.full_runs by name
                    select e.feed, e.table_name, e.extract_id, t.source_file, t.line_no,
                           {_content(contract, "e.contract_fingerprint")} as content_hash, e.order_ts_utc as from_order_ts_utc,
                           nullif(e.order_ts_utc, max(e.order_ts_utc) over ()) as to_order_ts_utc
                    from raw.{contract.table} t join raw.extracts e on e.extract_id = t.extract_id
                    where e.feed = $feed and e.kind = 'full' and e.status = 'loaded'
                      and e.extract_id not in (select r.extract_id from raw.full_runs r)
                    """,
                    {"feed": contract.feed},
                )


def _place(session: Session, feed: str, moment: datetime) -> _Place:
    found: Mapping[str, Any] = session.frame(
        "select max(order_ts_utc) filter (order_ts_utc < $moment) as before, "
        "min(order_ts_utc) filter (order_ts_utc > $moment) as after "
        "from raw.extracts where feed = $feed and kind = 'full' and status = 'loaded'",
        {"feed": feed, "moment": moment},
    ).row(0, named=True)
    return _Place(found["before"], found["after"])


def _content(contract: FeedContract, fingerprint: str = "$fingerprint") -> str:
    """SQL of the content of a row, as a BIGINT that is never negative."""
    names = ", ".join(f'"{name}"' for name in contract.column_names)
    return f"cast(hash({fingerprint}, {names}) >> 1 as bigint)"


def _record(contract: FeedContract) -> pl.Expr:
    """Which record a row names, as the gate sees it (stripped, constants for what is empty); null without a key."""
    parts = []
    for name in contract.key:
        part = pl.col(name).str.strip_chars()
        part = pl.when(part != "").then(part)
        parts.append(part.fill_null(pl.lit(contract.constants.get(name), pl.String)))
    # a separator that no reference holds, and its length, so that no two keys look alike
    joined = [pl.concat_str(p.str.len_bytes().cast(pl.String), pl.lit("\x1f"), p) for p in parts]
    return pl.concat_str(joined, separator="\x1f").alias("record")
