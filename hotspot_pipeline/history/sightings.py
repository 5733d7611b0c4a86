"""The sightings of a range of records, and their versions as they stand, from what `observations.py` has put ready.

Here: reads of one range at a time. Not here: which records are looked at (`observations.py`), and what follows (`versions.py`).
"""

from __future__ import annotations

import polars as pl

from hotspot_pipeline.history.ledger import columns_read
from hotspot_pipeline.history.observations import SCOPE
from hotspot_pipeline.history.versioned import Versioned
from hotspot_pipeline.warehouse.places import place
from hotspot_pipeline.warehouse.session import Session

# a run counts only in accepted extracts; of a row that the gate turned away first, from the one with which it was accepted
_SIGHTINGS = f"""
    select w.record, {SCOPE.format(alias="w")} as scope, w.order_ts_utc as from_ts, w.order_ts_utc as to_ts, w.ptr, w.row_hash,
        w.kind = 'snapshot' as is_release
    from digest_part w where w.kind <> 'full'
    union all
    select w.record, {SCOPE.format(alias="w")}, f.order_ts_utc, t.order_ts_utc, w.ptr, w.row_hash, false
    from (
        select x.*,
            case when exists (
                select 1 from validated.rejects j
                where j.extract_id = x.extract_id and j.source_file = x.source_file and j.line_no = x.line_no
            ) then greatest(r.from_order_ts_utc, x.order_ts_utc) else r.from_order_ts_utc end as run_from,
            coalesce(r.to_order_ts_utc, timestamp '9999-01-01') as run_to
        from digest_part x
        join raw.full_runs r
            on r.extract_id = x.extract_id and r.source_file = x.source_file and r.line_no = x.line_no
        where x.kind = 'full'
    ) w
    asof join digest_wholes f on f.feed = w.feed and w.run_from <= f.order_ts_utc
    asof join digest_wholes t on t.feed = w.feed and w.run_to >= t.order_ts_utc
    where f.order_ts_utc <= t.order_ts_utc
"""


def read_part(session: Session, part: tuple[int, int]) -> pl.DataFrame:
    """The accepted rows of a range of records as `digest_content` has them, with `record`, `ptr`, `rid`, and feed, feed_no, kind and
    order_ts_utc of the extract with which they were accepted."""
    rows = f"select * from digest_rows where record >= {part[0]} and record < {part[1]}"
    lie = session.between(f"select rid from ({rows})", "v.rid")
    return session.frame(
        f"""
        select v.*, e.feed, e.feed_no, e.kind, e.order_ts_utc, d.record,
            row_number() over (order by e.order_ts_utc, d.record, v.extract_id, v.source_file, v.line_no) as ptr
        from ({rows}) d
        join digest_content v on {place("v", "rid")} = d.rid and {lie}
        join digest_extracts e on e.extract_id = v.accepted_with
        """
    )


def read_now(session: Session, spec: Versioned, changed: pl.DataFrame) -> pl.DataFrame:
    """The versions of the records `changed` (record) as they stand, with what the ledgers read of them, `record` and `rid`, their place in
    the table."""
    columns = ", ".join(columns_read(session, spec))
    named = (
        "record_id in (select record_id from digest_records semi join digest_asked using (record))"
    )
    with session.shelved("digest_asked", changed):
        lie = session.between(f"select rowid from {spec.versions} where {named}")
        return session.frame(
            f"""
            with asked as (select * from digest_records semi join digest_asked using (record))
            select v.*, a.record
            from (select {columns}, rowid as rid from {spec.versions} where {named} and {lie}) v
            join asked a on a.feed = v.feed and a.source_system = v.source_system and a.record_id = v.record_id
            """
        )


def read_sightings(session: Session, part: tuple[int, int]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(sightings, wholes) of the rows in `digest_part`, as `versions.observed_versions` takes them; `is_release` in both says which are of
    a feed that is published again month by month."""
    turned_away = session.frame(
        "select record, order_ts_utc as at from digest_turned_away where record >= $first and record < $end",
        {"first": part[0], "end": part[1]},
    )
    seen = session.frame(_SIGHTINGS)
    return _seen_all_the_same(seen, turned_away), session.frame("select * from digest_scopes")


def _seen_all_the_same(sightings: pl.DataFrame, turned_away: pl.DataFrame) -> pl.DataFrame:
    """The sightings, and one for each record and moment (record, at) of `turned_away` with the content that was last seen: a row that
    breaks a rule says that the record is still in the source."""
    before = turned_away.join(sightings, on="record").filter(pl.col("from_ts") <= pl.col("at"))
    last = (
        before.with_columns(seen_ts=pl.min_horizontal("to_ts", "at"))
        .sort("record", "at", "seen_ts", "ptr")
        .group_by("record", "at", maintain_order=True)
        .last()
        .filter(pl.col("to_ts") < pl.col("at"))
        .with_columns(from_ts="at", to_ts="at")
    )
    return pl.concat([sightings, last.select(sightings.columns)])
