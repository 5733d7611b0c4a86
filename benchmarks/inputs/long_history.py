"""A warehouse with years of nightly deltas behind it, and the files of the nights that follow.

Belongs here: many versions of crime records with the statistics of a county force: five years, one delta a night after a first load,
each record seen two or three times (outcomes as they come), 18 % of them recoded once in class, place, status or flags, 5 % of a night's
new records reported weeks late. Does not belong here: rows of one extract as text (`crime_extract`), what is timed (`races/`).

Rows enter `raw` and `validated` as the gate leaves them: one extract of real rows goes through the pipeline, and the history is that
extract many times over with other numbers and dates, written by SQL. So ten million versions take minutes and not a night.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.inputs.crime_extract import FEED, FILE

CUT_OVER = date(2021, 10, 1)
LAST_NIGHT = date(2026, 6, 1)
N_NEW, N_RECODED, N_OUTCOMES, N_WEEKS = 1_500, 400, 1_600, 40
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


def write_history(session: Any, n_versions: int) -> dict[str, int]:
    """Replaces the one extract that stands in `raw` and `validated` by about `n_versions` rows of a history; returns what was made."""
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
            n_templates=n_templates, n_records=n_records, cut_over=CUT_OVER, last_night=LAST_NIGHT
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
    _write_books(session)
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


def _write_books(session: Any) -> None:
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
        "kind": f"case when s.night = date '{CUT_OVER}' then 'full' else 'delta' end",
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
            cast(hash(extract_id, line_no) >> 1 as bigint) as content_hash, date '{CUT_OVER}' + interval 1 hour as from_order_ts_utc,
            null as to_order_ts_utc
        from raw.crimes where extract_id = '{FEED}-{CUT_OVER:%Y%m%d}'
        """
    )


def write_nights(delivered: Path, folder: Path, n_nights: int, seed: int = 2) -> int:
    """Writes the deltas of the nights after the history, made of the rows of `delivered` (the extract that the history repeats): new
    records, recodes in 40 scattered weeks, outcomes. Returns the rows of one."""
    rng = np.random.default_rng(seed)
    known = pl.read_csv(delivered, infer_schema=False)
    folder.mkdir(parents=True, exist_ok=True)
    weeks = known["committed_from_local"].str.head(10).str.to_date(strict=False).dt.truncate("1w")
    chosen = rng.choice(weeks.drop_nulls().unique().sort().to_numpy(), size=min(N_WEEKS, weeks.n_unique()), replace=False)  # fmt: skip
    in_weeks = known.filter(weeks.is_in(pl.Series(chosen).cast(pl.Date)))
    for n in range(n_nights):
        taken = datetime.combine(LAST_NIGHT, time(2)) + timedelta(days=n + 1)
        recoded = in_weeks[n::n_nights].head(N_RECODED)
        other = known.sample(recoded.height, seed=n)
        kind = pl.Series(rng.choice(3, size=recoded.height, p=[0.45, 0.35, 0.2]))
        mended = recoded.with_columns(
            ho_offence_code=pl.when(kind == 0).then(other["ho_offence_code"]).otherwise("ho_offence_code"),
            easting=pl.when(kind == 1).then(other["easting"]).otherwise("easting"),
            northing=pl.when(kind == 1).then(other["northing"]).otherwise("northing"),
            record_status=pl.when(kind == 2).then(pl.lit("cancelled")).otherwise("record_status"),
            cancel_reason=pl.when(kind == 2).then(pl.lit("C2")).otherwise("cancel_reason"),
        )  # fmt: skip
        settled = known.join(recoded, on="crime_number", how="anti")[n::n_nights].head(N_OUTCOMES)
        settled = settled.with_columns(ho_outcome_code=pl.lit("18"))
        rows = pl.concat([_new_rows(known, taken, n, rng), mended, settled])
        file = folder / f"crime_delta_{taken:%Y%m%dT%H%M}.csv"
        rows.unique("crime_number", keep="first", maintain_order=True).write_csv(file)
    return rows.height


def _new_rows(known: pl.DataFrame, taken: datetime, n: int, rng: np.random.Generator) -> pl.DataFrame:  # fmt: skip
    rows = known.sample(min(N_NEW, known.height), seed=100 + n)
    hours = rng.uniform(3.0, 40.0, rows.height)
    is_late = rng.random(rows.height) < 0.05
    hours = np.where(is_late, hours + 24 * rng.uniform(28.0, 200.0, rows.height), hours)
    begun = [taken - timedelta(seconds=int(3600 * h)) for h in hours]
    stamps = {
        "committed_from_local": begun,
        "reported_ts_local": [taken - timedelta(hours=2)] * rows.height,
        "recorded_ts_local": [taken - timedelta(hours=1)] * rows.height,
        "source_last_modified": [taken - timedelta(hours=1)] * rows.height,
    }
    number = pl.Series([f"24/{n:02}{i:05}/26" for i in range(rows.height)])
    nothing = pl.lit(None, pl.String)
    return rows.with_columns(
        crime_number=number,
        occurrence_id=nothing,
        incident_ref=nothing,
        committed_to_local=nothing,
        outcome_ts_local=nothing,
        ho_outcome_code=nothing,
        record_status=pl.lit("live"),
        cancel_reason=nothing,
        merged_into=nothing,
        **{k: pl.Series(v).dt.strftime("%Y-%m-%d %H:%M:%S") for k, v in stamps.items()},
    )


def delivered_file(home: Path) -> Path:
    return home / "landing" / FEED / FILE
