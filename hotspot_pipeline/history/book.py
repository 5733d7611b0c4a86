"""The book of extracts: what each showed and changed. Its rows and their writing; not here: whether one is held (`guard.py`)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import polars as pl

from hotspot_pipeline.history.nights import BOOK, FeedNight
from hotspot_pipeline.history.timeline import Changes
from hotspot_pipeline.history.versioned import GROUPS, QUIET_GROUPS, Versioned
from hotspot_pipeline.warehouse.session import Session

_KINDS: dict[str, pl.DataType | type[pl.DataType]] = {
    "feed": pl.String, "order_ts_utc": pl.Datetime("us"), "n_new": pl.UInt32, "n_missing": pl.UInt32, "n_changed": pl.UInt32,
}  # fmt: skip


def known_records(session: Session, spec: Versioned) -> pl.DataFrame:
    """feed, n_known: records that have versions. Each has exactly one answer of today (audits crime_answers_tile, asb_answers_tile)."""
    return session.frame(
        f"select feed, count(*) as n_known from {spec.versions} where known_to_utc is null group by 1"
    )


def kinds_of(nights: list[FeedNight], records: pl.DataFrame, found: Changes) -> pl.DataFrame:
    """feed, order_ts_utc, n_new, n_missing, n_changed: what each extract did to these records (record, feed)."""
    loud = [g for g in GROUPS if g not in QUIET_GROUPS]
    new = pl.concat([n.new for n in nights])
    # what a late extract puts right about states of other extracts is its doing
    late = new.filter("is_late").group_by("feed").agg(late_ts=pl.col("order_ts_utc").min())
    own = new.select("feed", "order_ts_utc", "learned_ts", is_own=pl.lit(True))
    return (
        found.answers.join(records.select("record", "feed"), on="record")
        .join(
            own,
            left_on=["feed", "observed_ts", "known_from"],
            right_on=["feed", "order_ts_utc", "learned_ts"],
            how="left",
        )
        .join(late, on="feed", how="left")
        .with_columns(order_ts_utc=pl.when("is_own").then("observed_ts").otherwise("late_ts"))
        .group_by("feed", "order_ts_utc")
        .agg(
            n_new=(pl.col("change_mask") == "new").sum(),
            n_missing=(pl.col("record_status") == "missing_from_source").sum(),
            n_changed=pl.col("change_mask").str.contains_any([*loud, "missing", "returned"]).sum(),
        )
    )


def entries_of(
    session: Session,
    spec: Versioned,
    nights: list[FeedNight],
    kinds: pl.DataFrame | None,
    known: pl.DataFrame,
    run_id: str,
    now: datetime,
) -> pl.DataFrame:
    """A row of the book for each new extract, without what the ledgers count (moved, held). `kinds`: of `kinds_of`, any number of them
    one below the other, or None while nothing is counted yet; `known`: `known_records` before the night."""
    new = pl.concat([n.new.with_columns(is_first=pl.lit(n.is_first)) for n in nights])
    kinds = pl.DataFrame(schema=_KINDS) if kinds is None else kinds
    kinds = kinds.group_by("feed", "order_ts_utc").sum()
    seen = session.frame(
        "select extract_id, n_rows as n_seen from raw.extracts where table_name = $table",
        {"table": spec.table},
    )
    entries = (
        new.join(kinds, on=["feed", "order_ts_utc"], how="left")
        .join(seen, on="extract_id", how="left")
        .join(known, on="feed", how="left")
        .with_columns(
            pl.col("n_new", "n_missing", "n_changed", "n_known").fill_null(0).cast(pl.Int64)
        )
        .sort("feed", "learned_ts", "order_ts_utc")
    )
    before = pl.col("n_new").cum_sum().over("feed") - pl.col("n_new") + pl.col("n_known")
    is_first = pl.col("is_first") & (pl.int_range(pl.len()).over("feed") == 0)
    return entries.select(
        "extract_id",
        "feed",
        pl.lit(spec.table).alias("table_name"),
        "kind",
        "order_ts_utc",
        known_from_utc="learned_ts",
        withdrawn_known_utc=pl.lit(None, pl.Datetime("us")),
        withdrawn_at_utc=pl.lit(None, pl.Datetime("us")),
        is_first_load=is_first,
        is_late="is_late",
        n_seen="n_seen",
        n_new="n_new",
        n_changed="n_changed",
        n_moved=pl.lit(0, pl.Int64),
        n_missing="n_missing",
        n_standing=before,
        share_changed=pl.lit(None, pl.Float64),
        share_moved=pl.lit(None, pl.Float64),
        is_held=pl.lit(False),
        digested_at_utc=pl.lit(now),
        run_id=pl.lit(run_id),
    )


def write_book(
    session: Session, nights: list[FeedNight], now: datetime, entries: pl.DataFrame
) -> None:
    for night in nights:
        gone: dict[str, Any] = {
            "ids": night.withdrawn["extract_id"].to_list(),
            "at": night.corrected_ts,
            "now": now,
        }
        session.execute(
            f"update {BOOK} set withdrawn_known_utc = $at, withdrawn_at_utc = $now where extract_id in (select unnest($ids::varchar[]))",
            gone,
        )
    session.insert(session.catalog[BOOK], entries)
