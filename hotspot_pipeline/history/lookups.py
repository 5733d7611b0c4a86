"""What was known when of the lookups: a changed row of the offence codes or the public crime types is a recode with its own moment.

Here: the states that a new file adds and closes, in words, and from when they are known. Not here: reading the files
(`validated/lookups.py`), which crimes a change touches (`lookup_ledger.py`), the wording of a day (`history.offence_span_versions`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from hotspot_pipeline.warehouse.session import Session

VERSIONS, CHANGES = "history.lookup_versions", "history.lookup_changes"
# the first state of a lookup: nothing else was known before
ALWAYS = datetime(1900, 1, 1, tzinfo=UTC).replace(tzinfo=None)
KEY = ("code", "valid_from")
_NEXT = timedelta(microseconds=1)
# the columns that make a state, and how a change of each reads
_LABELS = {
    "cat_group": "group",
    "cchi_days": "harm",
    "police_generated": "police-generated",
    "ho_class_code": "class",
    "prc_group": "recorded crime group",
    "prc_subgroup": "recorded crime subgroup",
    "valid_to": "last day",
}
VALUES = tuple(_LABELS)
_ROWS = {
    "offence_codes": """
        select ho_offence_code as code, valid_from, valid_to, ho_class_code, prc_group, prc_subgroup, cat_group, police_generated,
            cchi_days
        from validated.offence_codes
    """,
    "policeuk_categories": f"""
        select policeuk_category as code, date '{ALWAYS:%Y-%m-%d}' as valid_from, null::date as valid_to, null::varchar as ho_class_code,
            null::varchar as prc_group, null::varchar as prc_subgroup, cat_group, police_generated, cchi_days
        from validated.policeuk_categories
    """,
}
LOOKUPS = tuple(_ROWS)


@dataclass(frozen=True)
class Taken:
    """A lookup whose rows are others than before, and how many states the new file added and closed."""

    table: str
    version: str
    known_from: datetime
    n_added: int
    n_closed: int


def new_states(
    standing: pl.DataFrame, offered: pl.DataFrame, *, is_first: bool
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Compares the rows of a file with the states that stand; returns (states to add, with `change`; keys of those to close).

    `offered`: code, valid_from and VALUES, one row a key. `standing`: the same with known_to_utc, every state ever known.
    A row that is equal in VALUES (null equals null) is neither added nor closed, whatever file it comes from.
    """
    open_ = standing.filter(pl.col("known_to_utc").is_null()).drop("known_to_utc")
    state = [*KEY, *VALUES]
    closed = open_.join(offered, on=state, how="anti", nulls_equal=True).select(KEY)
    before = standing.select(KEY).unique().with_columns(was_known=True)
    added = (
        offered.join(open_, on=state, how="anti", nulls_equal=True)
        .join(open_.with_columns(is_open=True), on=KEY, how="left", suffix="_was")
        .join(before, on=KEY, how="left")
    )
    differences = [_difference(name, label) for name, label in _LABELS.items()]
    change = (
        pl.when(is_first)
        .then(pl.lit("known from the start"))
        .when(pl.col("is_open").is_null())
        .then(
            pl.when(pl.col("was_known").is_null())
            .then(pl.lit("added"))
            .otherwise(pl.lit("back in the lookup"))
        )
        .otherwise(pl.concat_str(differences, separator=", ", ignore_nulls=True))
    )
    return added.select(*state, change=change), closed


def take_in(session: Session, *, run_id: str) -> list[Taken]:
    """Adds what the validated lookups say otherwise than before to `history.lookup_versions`, in one transaction.

    What was known up to the newest moment of `history.extracts` is sealed: a change is known from right after it. Each lookup
    has a moment of its own, so that a change is one of one lookup.
    """
    taken = []
    with session.transaction():
        for table in LOOKUPS:
            found = _take_in(session, table, run_id)
            if found:
                taken.append(found)
    return taken


def told_until(session: Session) -> datetime:
    """The newest change that the ledgers tell of; ALWAYS where they tell of none."""
    newest = session.value(f"select max(known_from_utc) from {CHANGES}")
    return newest if isinstance(newest, datetime) else ALWAYS


def _take_in(session: Session, table: str, run_id: str) -> Taken | None:
    columns = ", ".join([*KEY, *VALUES])
    offered = session.frame(f"select {columns} from ({_ROWS[table]})")
    standing = session.frame(
        f"select {columns}, known_to_utc from {VERSIONS} where table_name = $table",
        {"table": table},
    )
    is_first = standing.is_empty()
    added, closed = new_states(standing, offered, is_first=is_first)
    if added.is_empty() and closed.is_empty():
        return None
    moment = ALWAYS if is_first else _next_moment(session, run_id)
    version = session.value(f"select max(lookup_version) from validated.{table}") or "no rows"
    with session.lent("closed_states", closed):
        session.execute(
            f"""
            update {VERSIONS} v set known_to_utc = $moment, closed_with = $version
            from closed_states c
            where v.table_name = $table and v.known_to_utc is null and c.code = v.code and c.valid_from = v.valid_from
            """,
            {"moment": moment, "version": version, "table": table},
        )
    rows = added.with_columns(
        table_name=pl.lit(table),
        lookup_version=pl.lit(version),
        known_from_utc=pl.lit(moment),
        known_to_utc=pl.lit(None, pl.Datetime("us")),
        closed_with=pl.lit(None, pl.String),
    )
    session.insert(session.catalog[VERSIONS], rows)
    return Taken(table, version, moment, added.height, closed.height)


def _next_moment(session: Session, run_id: str) -> datetime:
    """Right after everything that is known; where nothing is, right after ALWAYS.

    While the book of a table is written anew it is empty: then what earlier runs had read counts as known.
    """
    newest = session.value(
        f"""
        select max(moment) from (
            select max(greatest(known_from_utc, withdrawn_known_utc)) as moment from history.extracts
            union all
            select max(greatest(known_from_utc, known_to_utc)) from {VERSIONS}
            union all
            select max(order_ts_utc) from raw.extracts
            where status = 'loaded' and table_name in ('crimes', 'asb_incidents') and run_id <> $run
                and table_name not in (select b.table_name from history.extracts b)
        )
        """,
        {"run": run_id},
    )
    assert isinstance(newest, datetime)
    return newest + _NEXT


def _difference(name: str, label: str) -> pl.Expr:
    """'harm 10 became 20 days'; null where the column is the same."""
    was, now = pl.col(f"{name}_was"), pl.col(name)
    words = pl.format("{} {} became {}", pl.lit(label), plain(was, name), plain(now, name))
    return pl.when(was.ne_missing(now)).then(words)


def plain(value: pl.Expr, name: str) -> pl.Expr:
    """A value as people write it: harm without idle noughts, yes and no, 'none' where there is none."""
    if name == "cchi_days":
        text = value.cast(pl.String).str.strip_chars_end("0").str.strip_chars_end(".") + " days"
    elif name == "police_generated":
        text = pl.when(value).then(pl.lit("yes")).when(~value).then(pl.lit("no"))
    else:
        text = value.cast(pl.String)
    return text.fill_null("none")
