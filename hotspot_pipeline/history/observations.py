"""What the accepted extracts showed, read from the warehouse: sightings of records, and the extracts that were whole.

Here: which records a night can have touched, and what they are looked at in. Not here: the sightings of a part of them
(`sightings.py`), what follows from these (`versions.py`), and what is written (`digest.py`).

Works in temporary tables of the session: `digest_extracts` and `digest_wholes` (the accepted extracts), `digest_turned_away`, `digest_touched` and
`digest_records` (the records to look at, with the integer `record` of the kernels), `digest_content` (their accepted rows) and
`digest_rows` (which row is of which record). A night looks at a few thousand records of millions: the large tables are read once for them,
only what is compared, and every later step works on the few. Where all are looked at, they are read part by part as frames (`digest_part`): a temporary table
that is dropped within a transaction would keep its room until the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from hotspot_pipeline.history.versioned import Versioned
from hotspot_pipeline.warehouse.session import Session

# accepted at the gate, and neither refused nor withdrawn
_ACCEPTED = """
    select e.extract_id, e.feed, e.kind, e.order_ts_utc, dense_rank() over (order by e.feed) as feed_no
    from raw.extracts e
    join validated.extract_counts c on c.extract_id = e.extract_id and c.status = 'accepted'
    where e.table_name = $table and e.status = 'loaded'
      and e.extract_id not in (select d.extract_id from raw.decisions d where d.decision = 'withdrawn')
    order by e.feed, e.order_ts_utc
"""
# a public feed gives some rows no number, and several rows the same: they are counted off, in an order that an outcome does not
# change, so that the second of two is the second in the next release too
_NUMBERED = """
    select v.*, v.name_of_row || case when v.copy_no > 1 then '#' || v.copy_no else '' end as record_id
    from (
        select r.*, e.feed, e.feed_no, e.kind, e.order_ts_utc, coalesce(r.{pid}, 'row:' || r.row_hash) as name_of_row,
            row_number() over (
                partition by r.extract_id, coalesce(r.{pid}, 'row:' || r.row_hash)
                order by r.month, {steady}, r.row_hash, r.source_file, r.line_no
            ) as copy_no
        from digest_content r join digest_extracts e on e.extract_id = r.accepted_with
        where e.kind = 'snapshot'
    ) v
"""
_KEYED = """
    select r.*, e.feed, e.feed_no, e.kind, e.order_ts_utc, r.{pid} as record_id
    from digest_content r join digest_extracts e on e.extract_id = r.accepted_with
    where e.kind <> 'snapshot'
"""
# the records of which a new extract shows something, or of which a whole one fails to show something
_TOUCHED = """
    select distinct e.feed, v.source_system, v.{pid} as record_id
    from {validated} v join digest_extracts e on e.extract_id = v.accepted_with
    where e.kind = 'delta' and e.feed = $feed and e.order_ts_utc > $since
    union
    select distinct r.feed, v.source_system, v.{pid}
    from raw.full_runs r join {validated} v
        on v.extract_id = r.extract_id and v.source_file = r.source_file and v.line_no = r.line_no
    where r.feed = $feed and (r.from_order_ts_utc > $since or r.to_order_ts_utc >= $absent_since)
    union
    select distinct r.feed, v.source_system, v.{pid}
    from validated.rejects j
    join raw.full_runs r
        on r.extract_id = j.extract_id and r.source_file = j.source_file and r.line_no = j.line_no
    join {validated} v on v.{pid} = j.record_pid
    where r.feed = $feed and (r.from_order_ts_utc > $since or r.to_order_ts_utc >= $absent_since)
"""
# whole extracts in which a record stands with a row that the gate turned away: the record is there, what is said of it is not known
_TURNED_AWAY = """
    select distinct d.record, f.order_ts_utc
    from validated.rejects j
    join raw.full_runs r
        on r.extract_id = j.extract_id and r.source_file = j.source_file and r.line_no = j.line_no
    join digest_records d on d.feed = r.feed and d.record_id = j.record_pid
    join digest_wholes f
        on f.feed = r.feed and f.order_ts_utc between r.from_order_ts_utc and coalesce(r.to_order_ts_utc, timestamp '9999-01-01')
"""
# frames and ledgers of this many rows take one to two gigabytes
ROWS_AT_A_TIME = 500_000
# what the kernels compare; content is read once it is known what changed
_OF_ROWS = (
    "extract_id",
    "source_file",
    "line_no",
    "accepted_with",
    "source_system",
    "month",
    "row_hash",
)
_OF_VERSIONS = """feed, source_system, record_id, observed_utc, row_hash, record_status, known_from_utc, known_to_utc,
    taken_back_utc, version_no, change_mask"""
# a number for each feed, and within a feed of releases for each month
SCOPE = """({alias}.feed_no * 100000
        + case when {alias}.kind = 'snapshot' then year({alias}.month) * 12 + month({alias}.month) else 0 end)"""
# of all records, for a month may have been published without any of those that are looked at together
_SCOPES = f"""
    select distinct {SCOPE.format(alias="w")} as scope, w.order_ts_utc as order_ts, true as is_release
    from digest_found w where w.kind = 'snapshot'
    union
    select f.feed_no * 100000, f.order_ts_utc, false from digest_wholes f
    order by 1, 2
"""


@dataclass(frozen=True)
class LookAt:
    """What of a feed has to be looked at: everything, or the records that extracts after `since` show, and those that whole
    extracts have not shown since `absent_since`."""

    feed: str
    everything: bool
    since: datetime | None = None
    absent_since: datetime | None = None


def accepted_extracts(session: Session, spec: Versioned) -> pl.DataFrame:
    """extract_id, feed, kind, order_ts_utc of every extract that history is built from, oldest first in each feed."""
    session.execute(
        f"create or replace temp table digest_extracts as {_ACCEPTED}", {"table": spec.table}
    )
    session.execute(
        "create or replace temp table digest_wholes as "
        "select feed, feed_no, order_ts_utc from digest_extracts where kind = 'full' order by 1, 2"
    )
    return session.frame("select * from digest_extracts order by feed, order_ts_utc")


def is_whole(looks: Sequence[LookAt]) -> bool:
    """Whether the tables are read as a whole, with all that they hold."""
    return any(look.everything for look in looks)


def stage_rows(session: Session, spec: Versioned, looks: Sequence[LookAt]) -> None:
    """Fills `digest_rows` with every accepted row of the records that are to be looked at."""
    names = {"validated": spec.validated, "pid": spec.pid, "steady": spec.steady("r")}
    session.execute(
        "create or replace temp table digest_touched (feed varchar, source_system varchar, record_id varchar)"
    )
    for look in looks:
        if not look.everything:
            session.execute(
                f"insert into digest_touched {_TOUCHED.format(**names)}",
                {"feed": look.feed, "since": look.since, "absent_since": look.absent_since},
            )
    if is_whole(looks):
        stage_part(session, "digest_content", spec.validated, None)
    else:
        compared = ", ".join(dict.fromkeys((*_OF_ROWS, spec.pid, *spec.compared)))
        touched = f"{spec.pid} in (select record_id from digest_touched)"
        stage_part(session, "digest_content", spec.validated, touched, compared)
    parts = []
    for look in looks:
        if look.everything:
            parts += [
                f"select * from ({query.format(**names)}) q where q.feed = '{look.feed}'"
                for query in (_KEYED, _NUMBERED)
            ]
        else:
            parts.append(
                f"select q.* from ({_KEYED.format(**names)}) q semi join digest_touched t "
                f"on t.feed = q.feed and t.source_system = q.source_system and t.record_id = q.record_id "
                f"where q.feed = '{look.feed}'"
            )
    columns = "feed, feed_no, source_system, record_id, month, kind, order_ts_utc, rid"
    union = "\nunion all\n".join(f"select {columns} from ({part})" for part in parts)
    everything = ", ".join(f"'{n.feed}'" for n in looks if n.everything) or "null"
    session.execute(f"create or replace temp table digest_found as {union}")
    session.execute(f"create or replace temp table digest_scopes as {_SCOPES}")
    # numbered as they came, so that a range of them lies together in the tables
    session.execute(
        f"""
        create or replace temp table digest_records as
        select feed, source_system, record_id, row_number() over (order by min(rid), feed, source_system, record_id) as record
        from (
            select feed, source_system, record_id, rid from digest_found
            union all
            select feed, source_system, record_id, null from {spec.versions} where feed in ({everything})
        )
        group by feed, source_system, record_id
        """
    )
    session.execute(
        """
        create or replace temp table digest_rows as
        select r.record, f.rid
        from digest_found f
        join digest_records r
            on r.feed = f.feed and r.source_system = f.source_system and r.record_id = f.record_id
        """
    )
    session.execute("drop table digest_found")
    session.execute(f"create or replace temp table digest_turned_away as {_TURNED_AWAY}")
    stage_versions(session, spec, looks)


def stage_versions(session: Session, spec: Versioned, looks: Sequence[LookAt]) -> None:
    """`digest_versions`: what the kernels compare of the versions of the records to look at, with `rid`, their place in the table."""
    few = None if is_whole(looks) else "record_id in (select record_id from digest_records)"
    stage_part(session, "digest_versions", spec.versions, few, _OF_VERSIONS)


def stage_part(
    session: Session, name: str, table: str, few: str | None, columns: str = "*"
) -> None:
    """A view `name` of the table's rows with their `rid`: of the few that the condition names, copied, or of all of them."""
    source = f"select {columns}, rowid as rid from {table}"
    if few is not None:
        # first where they lie, from one column; then their columns, from there
        lie = session.between(f"select rowid from {table} where {few}")
        session.execute(
            f"create or replace temp table {name}_few as {source} where {few} and {lie}"
        )
        source = f"select * from {name}_few"
    session.execute(f"create or replace temp view {name} as {source}")


def slices(session: Session) -> list[tuple[int, int]]:
    """The records to look at, as ranges [first, end) of about `ROWS_AT_A_TIME` rows each; one where there are few."""
    n_rows = int(session.value("select count(*) from digest_rows"))
    n_records = int(session.value("select count(*) from digest_records"))
    step = max(1, -(-n_records // max(1, -(-n_rows // ROWS_AT_A_TIME))))
    return [(first, first + step) for first in range(1, max(n_records, 1) + 1, step)]
