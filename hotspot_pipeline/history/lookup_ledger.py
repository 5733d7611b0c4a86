"""The ledgers of changed lookups: what each change says in words, and the weeks, days, cells and groups of the crimes that it touches.

Here: the rows of `history.recodes`, `affected_weeks` and `lookup_changes` for changes that are not in the book yet, each by the crimes
known just before it. Not here: the changes themselves (`lookups.py`), changes of records (`ledger.py`).
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from hotspot_pipeline.history.effects import effects, wordings
from hotspot_pipeline.history.guard import CHANGED_AT_MOST, MIN_RECORDS
from hotspot_pipeline.history.lookups import ALWAYS, CHANGES, KEY, VERSIONS, plain
from hotspot_pipeline.warehouse.session import Session

FEED = "lookup"
_NOUN = {"offence_codes": "offence", "policeuk_categories": "crime type"}
_COLUMN = {"offence_codes": "ho_offence_code", "policeuk_categories": "policeuk_category"}
# a record's windows; a code has none
_WINDOWS = ("week_before", "week_after", "month_before", "month_after")
_JUST_BEFORE = (
    "v.known_from_utc < $moment and (v.known_to_utc is null or v.known_to_utc >= $moment)"
)
_WAITING = f"""
    select table_name, moment
    from (
        select table_name, known_from_utc as moment from {VERSIONS}
        union
        select table_name, known_to_utc from {VERSIONS} where known_to_utc is not null
    ) c
    where moment > $always
        and not exists (select 1 from {CHANGES} b where b.table_name = c.table_name and b.known_from_utc = c.moment)
    order by moment
"""
# the file that stood before a moment and the one that holds from then on
_FILES = f"""
    select moment, version
    from (
        select known_from_utc as moment, lookup_version as version from {VERSIONS} where table_name = $table
        union
        select known_to_utc, closed_with from {VERSIONS} where table_name = $table and known_to_utc is not null
    )
    where moment <= $moment
    order by moment desc
    limit 2
"""


def write_lookup_ledgers(session: Session, *, run_id: str, now: datetime) -> list[str]:
    """Writes what the changes that wait mean; returns a sentence for each code that changed. After the digest of the records."""
    said: list[str] = []
    for table, moment in session.frame(_WAITING, {"always": ALWAYS}).iter_rows():
        with session.transaction():
            said += _write(session, table, moment, run_id, now)
    return said


def _write(session: Session, table: str, moment: datetime, run_id: str, now: datetime) -> list[str]:
    at = {"moment": moment}
    files = session.frame(_FILES, at | {"table": table}).get_column("version").to_list()
    after, before = files[0], files[1] if len(files) > 1 else None
    name = f"{FEED}:{after}"
    codes = _changed_codes(session, table, moment)
    session.stage("changed_codes", codes.select("code"))
    session.execute(f"create or replace temp table touched_crimes as {_touched(table)}", at)
    counts = session.frame(
        f"""
        select b.{_COLUMN[table]} as code, count(*) as n, count(distinct b.week_start) as n_weeks,
            count(distinct b.month) as n_months
        from touched_crimes group by 1
        """
    )
    recodes = _recodes(codes, counts, table).with_columns(
        known_from_utc=pl.lit(moment),
        extract_id=pl.lit(name),
        why=pl.lit(f"lookup version {before} became {after}"),
    )
    session.insert(session.catalog["history.recodes"], recodes)
    session.execute(
        f"insert into history.affected_weeks by name {_AFFECTED}",
        at | {"name": name, "run": run_id},
    )
    row = session.frame(
        f"""
        select (select count(*) from history.crime_versions v where v.record_status = 'live' and {_JUST_BEFORE}) as n_known,
            count(*) as n_touched, count(distinct b.week_start) as n_weeks
        from touched_crimes
        """,
        at,
    )
    entry = row.with_columns(
        table_name=pl.lit(table),
        known_from_utc=pl.lit(moment),
        extract_id=pl.lit(name),
        version_before=pl.lit(before, pl.String),
        lookup_version=pl.lit(after),
        n_codes=pl.lit(codes.height, pl.Int64),
        share_touched=pl.when(pl.col("n_known") > 0).then(pl.col("n_touched") / pl.col("n_known")),
        is_large=(pl.col("n_known") >= MIN_RECORDS)
        & (pl.col("n_touched") > CHANGED_AT_MOST * pl.col("n_known")),
        digested_at_utc=pl.lit(now),
        run_id=pl.lit(run_id),
    )
    session.insert(session.catalog[CHANGES], entry)
    return recodes.get_column("words").to_list()


def _touched(table: str) -> str:
    """Live crimes `b`, as known just before, that get another group, harm or mark; with their group before and after."""
    return f"""
        select * from (
            select v as b, {effects("b")}, {effects("n")}
            from history.crime_versions v
            semi join changed_codes c on c.code = v.{_COLUMN[table]}
            {wordings("b", "v", "$moment - interval 1 microsecond")}
            {wordings("n", "v", "$moment")}
            where v.record_status = 'live' and {_JUST_BEFORE}
        )
        where b_group <> n_group or b_harm is distinct from n_harm or b_generated <> n_generated
    """


_AFFECTED = """
    select $moment as known_from_utc, $name as extract_id, 'crimes' as table_name, side, b.week_start, b.police_day, b.month,
        coalesce(b.police_day, b.month) as event_date, coalesce(b.cell_r9, 0) as cell_r9,
        case side when 'left' then b_group else n_group end as cat_group, count(*) as n_records, 0::bigint as n_new, $run as run_id
    from touched_crimes cross join (values ('left'), ('came')) sides(side)
    group by all
"""


def _changed_codes(session: Session, table: str, moment: datetime) -> pl.DataFrame:
    """code, was, became, words of each code with a state that began or ended at the moment; a null where it had, or has, none."""
    at = {"table": table, "moment": moment}
    was, became = (
        session.frame(
            f"select code, valid_from, cat_group, cchi_days, change from {VERSIONS} where table_name = $table and {column} = $moment",
            at,
        ).with_columns(text=_state())
        for column in ("known_to_utc", "known_from_utc")
    )
    both = was.join(became, on=KEY, how="full", coalesce=True, suffix="_now").sort(KEY)
    dated = session.frame(
        f"""
        select code, count(distinct valid_from) > 1 as is_dated from {VERSIONS}
        where table_name = $table and known_from_utc <= $moment and (known_to_utc is null or known_to_utc >= $moment)
        group by 1
        """,
        at,
    )
    added = pl.concat_str([pl.col("change_now"), pl.lit(": "), pl.col("text_now")])
    change = (
        pl.when(pl.col("text_now").is_null())
        .then(pl.lit("no longer in the lookup"))
        .when(pl.col("text").is_null())
        .then(added)
        .otherwise("change_now")
    )
    wording = pl.format("wording of {}: ", "valid_from")
    prefix = pl.when("is_dated").then(wording).otherwise(pl.lit(""))
    return (
        both.join(dated, on="code", maintain_order="left")
        .with_columns(words=prefix + change, was=prefix + pl.col("text"))
        .with_columns(became=prefix + pl.col("text_now"))
        .group_by("code", maintain_order=True)
        .agg(pl.col("was", "became", "words").drop_nulls().str.join("; "))
        .with_columns(pl.col("was", "became").replace("", None))
    )


def _state() -> pl.Expr:
    """'VAP, 10 days'; without a weight only the group."""
    harm = pl.when(pl.col("cchi_days").is_not_null()).then(plain(pl.col("cchi_days"), "cchi_days"))
    return pl.concat_str(["cat_group", harm], separator=", ", ignore_nulls=True)


def _recodes(codes: pl.DataFrame, counts: pl.DataFrame, table: str) -> pl.DataFrame:
    """The rows of `history.recodes` but for moment, file and reason. `counts`: code, n, n_weeks, n_months of the crimes touched."""
    rows = codes.join(counts, on="code", how="left", maintain_order="left")
    n = pl.col("n")
    # a feed that knows months only has no weeks
    weeks, months = _counted("n_weeks", "week"), _counted("n_months", "month")
    where = pl.when(pl.col("n_weeks") > 0).then(weeks).otherwise(months)
    crimes = pl.when(n == 1).then(pl.lit("1 live crime")).otherwise(pl.format("{} live crimes", n))
    touched = pl.when(n > 0).then(pl.format("{} in {}", crimes, where))
    return rows.select(
        "was",
        "became",
        table_name=pl.lit(table),
        feed=pl.lit(FEED),
        source_system=pl.lit(FEED),
        record_id="code",
        aspect=pl.lit("lookup"),
        words=pl.format(
            "{} {}: {}; {}", pl.lit(_NOUN[table]), "code", "words",
            touched.fill_null("no live crime is counted otherwise"),
        ),
        **{name: pl.lit(None, pl.Date) for name in _WINDOWS},
    )  # fmt: skip


def _counted(name: str, noun: str) -> pl.Expr:
    n = pl.col(name)
    return pl.when(n == 1).then(pl.lit(f"1 {noun}")).otherwise(pl.format("{} " + f"{noun}s", n))
