"""The records that count otherwise than at the last issue, and what is known about why: reading them.

Not here: which reason is given for each (`reasons.py`).
"""

from __future__ import annotations

import polars as pl

from hotspot_pipeline.published.bulletin.figures import NOW
from hotspot_pipeline.warehouse.session import Session

CHANGED = "bulletin_changed"  # temporary table: the records that count otherwise, then and now
RECORD = ("feed", "source_system", "record_id")
_SAME = " and ".join(f"{{a}}.{c} = {{b}}.{c}" for c in RECORD)
_COUNTS_FOR = ("cat_group", "event_date", "week_start", "hotspot_id")


def _same(a: str, b: str) -> str:
    return _SAME.format(a=a, b=b)


def stage_changed(session: Session) -> None:
    """The temporary table `CHANGED`; after `figures.stage_counted`."""
    then = ", ".join(f"t.{c} as {c}_then" for c in _COUNTS_FOR)
    now = ", ".join(f"n.{c} as {c}_now" for c in _COUNTS_FOR)
    session.execute(
        f"""
        create or replace temp table {CHANGED} as
        select {", ".join(f"coalesce(t.{c}, n.{c}) as {c}" for c in RECORD)}, {then}, {now}
        from published.issued_events t
        full join {NOW} n on {_same("n", "t")}
        where {" or ".join(f"t.{c} is distinct from n.{c}" for c in _COUNTS_FOR)}
        """
    )


def changed_records(session: Session, known_before: pl.DataFrame) -> pl.DataFrame:
    """The records of `CHANGED` with is_new (not known at the last issue) and, where not counted now, the exclusion_reason.

    `known_before`: feed, known_to_utc. exclusion_reason is null for a record that is no event any more. Without anything known before
    there is nothing to account for, and no record is given.
    """
    session.stage("bulletin_known", known_before)
    return session.frame(
        f"""
        with versions as (
            {_versions("feed, source_system, record_id, known_from_utc, known_to_utc, extract_id, source_file, line_no")}
        ),
        beginnings as (
            select {", ".join(RECORD)}, min(known_from_utc) as first_known_utc from versions group by all
        ),
        exclusions as (
            select {", ".join(f"v.{c}" for c in RECORD)}, e.exclusion_reason
            from versions v
            join hexes.events e
                on e.extract_id = v.extract_id and e.source_file = v.source_file and e.line_no = v.line_no
            where v.known_to_utc is null and not e.is_counted
        )
        select c.*, coalesce(b.first_known_utc > coalesce(k.known_to_utc, timestamp '1900-01-01'), false) as is_new,
            x.exclusion_reason
        from {CHANGED} c
        left join beginnings b on {_same("b", "c")}
        left join exclusions x on {_same("x", "c")}
        left join bulletin_known k on k.feed = c.feed
        where exists (from bulletin_known)
        order by {", ".join(f"c.{c}" for c in RECORD)}
        """
    )


def recodes_since(session: Session) -> pl.DataFrame:
    """RECORD, known_from_utc, aspect and words of what was recoded since the last issue in those records; after `changed_records`.

    An outcome moves no count and is left out.
    """
    return session.frame(
        f"""
        select {", ".join(f"r.{c}" for c in RECORD)}, r.known_from_utc, r.aspect, r.words
        from history.recodes r
        semi join {CHANGED} c on {_same("c", "r")}
        left join bulletin_known k on k.feed = r.feed
        where r.aspect <> 'outcome' and r.known_from_utc > coalesce(k.known_to_utc, timestamp '1900-01-01')
        """
    )


def remember(session: Session) -> None:
    """What records count for becomes what they counted for at the last issue: exactly those of `CHANGED` are written."""
    session.execute(
        f"delete from published.issued_events t using {CHANGED} c where {_same('c', 't')}"
    )
    session.execute(
        f"insert into published.issued_events by name select n.* from {NOW} n semi join {CHANGED} c on {_same('c', 'n')}"
    )


def _versions(columns: str) -> str:
    """The versions of those records, crimes and incidents."""
    return " union all ".join(
        f"select {columns} from history.{table} v semi join {CHANGED} c on {_same('c', 'v')}"
        for table in ("crime_versions", "asb_versions")
    )
