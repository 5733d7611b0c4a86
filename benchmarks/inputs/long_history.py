"""A warehouse with years of nightly deltas behind it.

Belongs here: many versions of crime records with the statistics of a county force: five years, one delta a night after a first load,
each record seen two or three times (outcomes as they come), 18 % of them recoded once in class, place, status or flags. Does not
belong here: rows of one extract as text (`crime_extract`), the nights that follow (`later_nights`), what is timed (`races/`).

Rows enter `raw` and `validated` as the gate leaves them: one extract of real rows goes through the pipeline, and the history is that
extract many times over with other numbers and dates, written by SQL. So ten million versions take minutes and not a night.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from benchmarks.inputs.crime_extract import FEED

LAST_NIGHT = date(2026, 6, 1)
N_WEEKS_OF_HISTORY = 270
_BEFORE_THE_FIRST_LOAD = timedelta(weeks=26)
_VERSIONS_A_RECORD = 2.72  # what the draws below give, within a hundredth
_OTHER_TEMPLATE = 7_919  # a prime: the row whose code or place a recoded record takes
# a chance that follows from the record alone: `chance(r, 'x')` in 0 to 999
_MACRO = "create or replace temp macro chance(r, salt) as (hash(r, salt) % 1000)::integer"
_STEPS = """
    create temp table steps as
    with records as (
        select i as r, i % {n_templates} as t, i // {n_templates} as copy, 7 * ((i // {n_templates}) * 37 % 105) as shift_days
        from range({n_records}) x(i)
    ),
    born as (
        select r.*, cast(t.recorded_ts_local as date) - shift_days::integer + 1 as born from records r join template t on t.t = r.t
        where cast(t.recorded_ts_local as date) - shift_days::integer >= date '{begins}'
    ),
    seen as (
        select r, t, copy, shift_days, born as seen_on, 0 as outcome, 0 as recode from born
        union all
        select r, t, copy, shift_days, born + 10 + chance(r, 'first') % 20, 1, 0 from born where chance(r, 'outcomes') >= 100
        union all
        select r, t, copy, shift_days, born + 40 + chance(r, 'second') % 30, 1, 0 from born where chance(r, 'outcomes') >= 450
        union all
        select r, t, copy, shift_days, born + 80 + chance(r, 'third') % 60, 1, 0 from born where chance(r, 'outcomes') >= 800
        union all
        -- the records of the template itself are recoded by the nights that are timed
        select r, t, copy, shift_days, born + 2 + chance(r, 'when') % 60, 0, 1 from born where chance(r, 'recoded') < 180 and copy > 0
    ),
    by_night as (
        select r, t, copy, shift_days, greatest(seen_on, date '{cut_over}') as night, sum(outcome)::integer as outcome, sum(recode)::integer as recode
        from seen where seen_on <= date '{last_night}' group by all
    )
    select r, t, copy, shift_days, night, sum(outcome) over w as n_outcomes, sum(recode) over w > 0 as is_recoded, chance(r, 'what') % 4 as what,
        row_number() over (partition by night order by r) + 1 as line_no
    from by_night window w as (partition by r order by night)
"""
_EXTRACT = "'{feed}-' || strftime(s.night, '%Y%m%d')"
_GEO = ("easting", "northing", "lon", "lat", "coordinate_status", "geocode_quality", "cell_r8", "cell_r9", "cell_r10",
        "is_inside_force", "distance_outside_m")  # fmt: skip
_DATED = (
    "committed_from_local", "committed_to_local", "committed_from_utc", "committed_to_utc", "police_day", "week_start",
    "reported_ts_local", "reported_ts_utc", "recorded_ts_local", "recorded_ts_utc", "outcome_ts_local", "source_last_modified",
)  # fmt: skip


def write_history(
    session: Any, n_versions: int, n_weeks: int = N_WEEKS_OF_HISTORY
) -> dict[str, int]:
    """Replaces the one extract that stands in `raw` and `validated` by a history; returns what was made.

    The history has about `n_versions` rows over five years, of which the last `n_weeks` are kept; the first load has what was
    recorded in the first half year of it.
    """
    begins = LAST_NIGHT - timedelta(weeks=n_weeks)
    cut_over = begins + min(_BEFORE_THE_FIRST_LOAD, timedelta(weeks=n_weeks // 4))
    n_templates = int(session.value("select count(*) from validated.crimes"))
    n_records = round(n_versions / _VERSIONS_A_RECORD)
    session.execute(_MACRO)
    session.execute(
        "create temp table template as select row_number() over (order by line_no) - 1 as t, * from validated.crimes"
    )
    session.execute(
        "create temp table template_raw as select t.t, r.* from template t join raw.crimes r using (extract_id, source_file, line_no)"
    )
    session.execute(
        _STEPS.format(
            n_templates=n_templates,
            n_records=n_records,
            begins=begins,
            cut_over=cut_over,
            last_night=LAST_NIGHT,
        )
    )
    for table in ("raw.crimes", "validated.crimes", "raw.full_runs", "validated.rejects"):
        session.execute(f"delete from {table}")
    months = session.frame("select distinct date_trunc('month', night)::date as m from steps order by 1")["m"]  # fmt: skip
    for month in months:
        in_month = {"month": month}
        for table, columns, template in (
            ("raw.crimes", _raw_columns(session), "template_raw"),
            ("validated.crimes", _validated_columns(session), "template"),
        ):
            session.execute(
                f"""
                insert into {table} by name select {columns}
                from steps s join {template} b on b.t = s.t join {template} o on o.t = (s.t * {_OTHER_TEMPLATE} + 13) % {n_templates}
                where s.night >= $month and s.night < $month + interval 1 month order by s.night, s.line_no
                """,
                in_month,
            )
    _write_books(session, cut_over)
    found = session.frame(
        "select count(*) as versions, count(distinct r) as records, count(distinct r) filter (is_recoded) as recoded, "
        "count(distinct night) as extracts from steps"
    ).row(0, named=True)
    return {
        "versions": found["versions"],
        "records": found["records"],
        "records recoded": found["recoded"],
        "extracts": found["extracts"],
    }


def _raw_columns(session: Any) -> str:
    own = _place_of_row() | {
        "crime_number": "case s.copy when 0 then b.crime_number else '23/' || lpad(s.r::varchar, 8, '0') || '/26' end"
    }
    return _select(session, "raw.crimes", own)


def _validated_columns(session: Any) -> str:
    recoded = {n: f"case when s.is_recoded and s.what = 1 then o.{n} else b.{n} end" for n in _GEO}
    own = {
        **_place_of_row(),
        "accepted_with": _EXTRACT.format(feed=FEED),
        **{n: f"case s.copy when 0 then b.{n} else substr(md5(b.{n} || s.copy), 1, 16) end" for n in ("crime_pid", "occurrence_pid", "incident_pid")},
        **{n: f"b.{n} - to_days(s.shift_days::integer)" for n in _DATED},
        "month": "date_trunc('month', coalesce(b.police_day, b.month) - to_days(s.shift_days::integer))",
        **recoded,
        "ho_offence_code": "case when s.is_recoded and s.what = 0 then o.ho_offence_code else b.ho_offence_code end",
        "record_status": "case when s.is_recoded and s.what = 2 then 'cancelled' else b.record_status end",
        "cancel_reason": "case when s.is_recoded and s.what = 2 then 'C2' else b.cancel_reason end",
        "flag_knife": "case when s.is_recoded and s.what = 3 then not coalesce(b.flag_knife, false) else b.flag_knife end",
        "outcome_code": "case when s.n_outcomes > 0 then (1 + (s.r + 5 * s.n_outcomes) % 22)::varchar else b.outcome_code end",
        "row_hash": "substr(md5(b.row_hash || '-' || s.r || '-' || s.n_outcomes || '-' || s.is_recoded), 1, 16)",
    }  # fmt: skip
    return _select(session, "validated.crimes", own)


def _place_of_row() -> dict[str, str]:
    return {
        "extract_id": _EXTRACT.format(feed=FEED),
        "source_file": "'crime_delta_' || strftime(s.night, '%Y%m%d') || '.csv'",
        "line_no": "s.line_no",
    }


def _select(session: Any, table: str, own: dict[str, str]) -> str:
    columns = session.catalog[table].column_types
    return ", ".join(f'{own.get(c, f"b.{c}")} as "{c}"' for c in columns)


def _write_books(session: Any, cut_over: date) -> None:
    """The extracts with their files, the gate's account, and the runs of the one full extract."""
    template = {
        table: f"(select * from {table} where feed = '{FEED}' limit 1)"
        for table in ("raw.extracts", "raw.extract_files", "validated.extract_counts")
    }
    session.execute(
        "create temp table nights as select night, count(*) as n from steps group by 1 order by 1"
    )
    counts = dict.fromkeys(("n_records", "n_rows", "n_in", "n_accepted"), "s.n") | dict.fromkeys(
        ("n_repeated", "n_unreadable", "n_rejected", "n_held", "n_accepted_before", "n_without_location"), "0"
    )  # fmt: skip
    moment = "s.night::timestamp + interval 1 hour"
    own = {
        **_place_of_row(),
        **counts,
        "path": "'crime_delta_' || strftime(s.night, '%Y%m%d') || '.csv'",
        "line_no": "null",
        "kind": f"case when s.night = date '{cut_over}' then 'full' else 'delta' end",
        **dict.fromkeys(
            ("extract_ts_utc", "order_ts_utc", "received_at_utc", "validated_at_utc"), moment
        ),
        "sha256": "md5(s.night::varchar)",
        "status": "b.status",
    }
    for table, source in template.items():
        session.execute(
            f"create or replace temp table book as select {_select(session, table, own)} from nights s cross join {source} b"
        )
        session.execute(f"delete from {table} where feed = '{FEED}'")
        session.execute(f"insert into {table} by name from book")
    session.execute(
        f"""
        insert into raw.full_runs by name
        select '{FEED}' as feed, 'crimes' as table_name, extract_id, source_file, line_no,
            cast(hash(extract_id, line_no) >> 1 as bigint) as content_hash, date '{cut_over}' + interval 1 hour as from_order_ts_utc,
            null as to_order_ts_utc
        from raw.crimes where extract_id = '{FEED}-{cut_over:%Y%m%d}'
        """
    )
