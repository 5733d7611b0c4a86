"""The ledgers of what became known: recodes in words, and the weeks, days, cells and groups that they touch.

Here: each new answer beside the one before it. Not here: which answers there are (`timeline.py`), how a change reads (`words.py`),
the count ledger (a SQL model). Works on temporary tables of the digest: `digest_answers` (record, observed_ts, known_from of the new
answers), `digest_now` (the versions of their records as they stand now, with `rid` and `record`), `digest_moments` (feed, known_from, observed_ts, extract_id, is_first_load; without observed_ts
the extract that corrected something).

Groups are those of the lookups as they were known with the answer, or after the newest change of a lookup that the ledgers tell of already
(`lookup_ledger.py`): so the entries of a cell, day and group add up to what is counted there.
"""

from __future__ import annotations

import polars as pl

from hotspot_pipeline.history.effects import effects, wordings
from hotspot_pipeline.history.lookups import told_until
from hotspot_pipeline.history.versioned import CRIMES, GROUPS, QUIET_GROUPS, Versioned
from hotspot_pipeline.history.words import WORDINGS
from hotspot_pipeline.warehouse.contract import ROW_NAME
from hotspot_pipeline.warehouse.session import Session

_NOT_SEEN = "('missing_from_source', 'withdrawn')"


# each new answer `n` beside the answer `b` that ended when it began
_PAIRED = (
    "digest_pairs p join digest_now n on n.rid = p.n_rid left join digest_now b on b.rid = p.b_rid"
)


def columns_read(session: Session, spec: Versioned) -> list[str]:
    """Those of the versions' columns that the ledgers mention, and the name of the row."""
    text = " ".join((*ROW_NAME, _pairs(spec), _recodes(spec), _affected(spec)))
    return session.catalog[spec.versions].mentioned_in(text)


def open_ledgers(session: Session) -> None:
    session.execute(
        "create or replace temp table digest_affected as select * exclude (run_id) from history.affected_weeks limit 0"
    )
    session.execute(
        "create or replace temp table digest_moved (extract_id varchar, n_moved bigint)"
    )


def write_ledgers(session: Session, spec: Versioned) -> None:
    """Adds to `history.recodes` what the new answers of some records change, and keeps where they touch the figures."""
    told = {"told": told_until(session)} if spec is CRIMES else {}
    with session.shelved("digest_pairs", session.frame(_pairs(spec), told)):
        session.execute(f"insert into history.recodes by name {_recodes(spec)}")
        session.execute(f"insert into digest_affected by name {_affected(spec)}")
        session.execute(
            f"insert into digest_moved select p.extract_id, count(*) from {_PAIRED} "
            "where p.is_known_before and n.cell_r9 is distinct from b.cell_r9 group by 1"
        )


def close_ledgers(session: Session, run_id: str) -> None:
    """Adds to `history.affected_weeks` what was kept, of all records together."""
    session.execute(
        """
        insert into history.affected_weeks by name
        select * exclude (n_records, n_new), sum(n_records)::bigint as n_records, sum(n_new)::bigint as n_new, $run as run_id
        from digest_affected group by all
        """,
        {"run": run_id},
    )


def n_moved(session: Session) -> pl.DataFrame:
    """extract_id, n_moved: records that changed their cell, by the extract with which that became known."""
    return session.frame(
        "select extract_id, sum(n_moved)::bigint as n_moved from digest_moved group by 1"
    )


def _pairs(spec: Versioned) -> str:
    """The places of each new answer and of the one before it, their groups, and what differs; `is_loud` where a count may change."""
    differs = ", ".join(
        f"hash({_listed('b', spec.groups[g])}) <> hash({_listed('n', spec.groups[g])}) as is_{g}"
        for g in GROUPS
    )
    loud = " or ".join(f"is_{g}" for g in GROUPS if g not in QUIET_GROUPS)
    if spec is CRIMES:
        groups = ", ".join(map(effects, "bn"))
        spans = "".join(wordings(r, r, "greatest(n.known_from_utc, $told)") for r in "bn")
    else:
        groups, spans = "'ASB' as b_group, 'ASB' as n_group", ""
    return f"""
        select *, not is_known_before or is_turned or {loud} as is_loud
        from (
            select b.rid as b_rid, n.rid as n_rid, b.record_id is not null as is_known_before, b.record_status <> n.record_status as is_turned, {groups}, {differs},
                coalesce(m.extract_id, k.extract_id) as extract_id, coalesce(m.is_first_load, false) as is_first_load
            from digest_answers a
            join digest_now n
                on n.record = a.record and n.observed_utc = a.observed_ts and n.known_from_utc = a.known_from
            left join digest_now b
                on b.record = a.record and b.known_to_utc = a.known_from and b.known_from_utc < b.known_to_utc
            left join digest_moments m
                on m.feed = n.feed and m.known_from = n.known_from_utc and m.observed_ts = n.observed_utc
            left join digest_moments k
                on k.feed = n.feed and k.known_from = n.known_from_utc and k.observed_ts is null
            {spans}
        )
        -- a first load changes nothing: of millions of its records none is needed
        where is_known_before or not is_first_load
    """


def _recodes(spec: Versioned) -> str:
    common = f"""
        '{spec.table}' as table_name, n.feed, n.source_system, n.record_id, n.known_from_utc, p.extract_id,
        b.week_start as week_before, n.week_start as week_after, b.month as month_before, n.month as month_after
    """
    parts = [
        f"select {common}, '{aspect}' as aspect, {w.was} as was, {w.became} as became, {w.words} as words, {w.why} as why "
        f"from {_PAIRED} where p.is_known_before and p.is_{aspect} "
        f"and b.record_status not in {_NOT_SEEN} and n.record_status not in {_NOT_SEEN}"
        for aspect, w in WORDINGS[spec.table].items()
    ]
    parts.append(
        f"""
        select {common},
            case n.record_status when 'missing_from_source' then 'missing' when 'withdrawn' then 'withdrawn' else 'returned' end,
            b.record_status, n.record_status,
            case n.record_status when 'missing_from_source' then 'no longer in the source' when 'withdrawn' then 'no longer known'
                else 'in the source again' end,
            case n.record_status when 'missing_from_source' then 'absent from whole extracts'
                when 'withdrawn' then 'only withdrawn extracts had shown it' end
        from {_PAIRED}
        where p.is_known_before and p.is_turned
            and (b.record_status in {_NOT_SEEN} or n.record_status in {_NOT_SEEN})
        """
    )
    return "\nunion all by name\n".join(parts[:-1]) + "\nunion all\n" + parts[-1]


def _affected(spec: Versioned) -> str:
    """{{old, new}} x (cell, police day, group): a state that counts in nothing touches nothing."""
    sides = [
        f"""
        select p.extract_id as known_with, n.known_from_utc, '{side}' as side, {row}.week_start, {row}.police_day, {row}.month,
            coalesce({row}.police_day, {row}.month) as event_date, coalesce({row}.cell_r9, 0) as cell_r9, p.{row}_group as cat_group, not p.is_known_before as is_new
        from {_PAIRED}
        where p.is_loud and not p.is_first_load and {row}.record_status = 'live'
        """
        for side, row in (("left", "b"), ("came", "n"))
    ]
    return f"""
        select known_from_utc, known_with as extract_id, '{spec.table}' as table_name, side, week_start, police_day, month,
            event_date, cell_r9, cat_group, count(*) as n_records, sum(is_new::bigint)::bigint as n_new
        from ({" union all ".join(sides)})
        group by all
    """


def _listed(alias: str, columns: tuple[str, ...]) -> str:
    return ", ".join(f"{alias}.{c}" for c in columns)
