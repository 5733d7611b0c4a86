"""One kind of records brought up to date: every accepted extract that history does not know yet, in one transaction.

Here: which extracts are new, late or withdrawn, which records they touch, and the writing of versions and of the book of
extracts. Not here: how states and answers follow (`versions.py`, `timeline.py`), the ledgers (`ledger.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from hotspot_pipeline.history import observations
from hotspot_pipeline.history.guard import judged
from hotspot_pipeline.history.ledger import n_moved, write_ledgers
from hotspot_pipeline.history.observations import Night
from hotspot_pipeline.history.timeline import Changes, changes
from hotspot_pipeline.history.versioned import GROUPS, QUIET_GROUPS, Versioned
from hotspot_pipeline.history.versions import observed_versions
from hotspot_pipeline.warehouse.session import Session

BOOK = "history.extracts"
# a partial file happens: only the second whole extract without a record says that it is gone; a release is whole for its months
ABSENCES = {"full": 2, "release": 1}
_NEXT = timedelta(microseconds=1)
_NEVER = datetime(9999, 1, 1, tzinfo=UTC).replace(tzinfo=None)


@dataclass(frozen=True)
class FeedNight:
    """A feed's new and withdrawn extracts; `corrected_ts` is from when a late one or a withdrawal is known."""

    feed: str
    new: pl.DataFrame
    withdrawn: pl.DataFrame
    known: pl.DataFrame
    corrected_ts: datetime
    is_first: bool

    @property
    def is_corrected(self) -> bool:
        return not self.withdrawn.is_empty() or bool(self.new["is_late"].any())


def digest(
    session: Session, spec: Versioned, *, run_id: str, now: datetime, say: Callable[[str], None]
) -> list[str]:
    """Returns the ids of the extracts it took in or took back; none when nothing is new."""
    accepted = observations.accepted_extracts(session, spec)
    book = session.frame(
        f"select * from {BOOK} where table_name = $table and withdrawn_known_utc is null",
        {"table": spec.table},
    )
    nights = _nights(accepted, book, session, spec)
    if not nights:
        return []
    observations.stage_rows(session, spec, [_to_look_at(n, accepted) for n in nights])
    found = changes(_observed(session, spec, nights), _standing(session, spec, nights))
    entries = _entries(session, spec, nights, found, run_id, now)
    first = {n.feed for n in nights if n.is_first}
    with session.transaction():
        _write_versions(session, spec, found)
        _stage_answers(session, nights, entries, found)
        write_ledgers(session, spec, run_id)
        _write_book(session, nights, now, judged(entries, n_moved(session), first))
    names = [*entries["extract_id"], *(e for n in nights for e in n.withdrawn["extract_id"])]
    say(
        f"{spec.versions}: {len(names)} extracts: {found.added.height} versions added, {found.closed.height} closed, "
        f"{found.taken_back.height} taken back"
    )
    return names


def _nights(
    accepted: pl.DataFrame, book: pl.DataFrame, session: Session, spec: Versioned
) -> list[FeedNight]:
    new = accepted.join(book, on="extract_id", how="anti")
    gone = book.join(accepted, on="extract_id", how="anti")
    sealed = {
        str(feed): (at, int(n))
        for feed, at, n in session.frame(
            f"select feed, max(greatest(known_from_utc, coalesce(withdrawn_known_utc, known_from_utc))), count(*) "
            f"from {BOOK} where table_name = $table group by 1",
            {"table": spec.table},
        ).iter_rows()
    }
    nights = []
    for feed in sorted({*new["feed"], *gone["feed"]}):
        mine = new.filter(pl.col("feed") == feed)
        until = sealed[feed][0] if feed in sealed else None
        corrected = until + _NEXT if until else mine["order_ts_utc"].min()
        assert isinstance(corrected, datetime)
        late = pl.lit(False) if until is None else pl.col("order_ts_utc") <= until
        mine = mine.with_columns(is_late=late).with_columns(
            learned_ts=pl.when("is_late").then(pl.lit(corrected)).otherwise("order_ts_utc")
        )
        nights.append(
            FeedNight(
                feed, mine, gone.filter(pl.col("feed") == feed), book.filter(pl.col("feed") == feed), corrected,
                is_first=until is None,
            )
        )  # fmt: skip
    return nights


def _to_look_at(night: FeedNight, accepted: pl.DataFrame) -> Night:
    """After a first load, a late or withdrawn extract or a release, everything of the feed."""
    new = night.new
    if night.is_first or night.is_corrected or (new["kind"] == "snapshot").any():
        return Night(night.feed, everything=True)
    since = night.known["order_ts_utc"].max()
    assert isinstance(since, datetime)
    if not (new["kind"] == "full").any():
        return Night(night.feed, everything=False, since=since, absent_since=_NEVER)
    wholes = accepted.filter(
        pl.col("feed") == night.feed, pl.col("kind") == "full", pl.col("order_ts_utc") <= since
    )["order_ts_utc"].to_list()
    if len(wholes) < ABSENCES["full"]:
        return Night(night.feed, everything=True)
    # a record last seen after the whole extract before the last one may be absent for the second time now
    return Night(night.feed, everything=False, since=wholes[-2], absent_since=wholes[-2])


def _observed(session: Session, spec: Versioned, nights: list[FeedNight]) -> pl.DataFrame:
    """Every state of the records, as `timeline.changes` takes it."""
    sightings, wholes = observations.read_sightings(session)
    states = pl.concat(
        [
            observed_versions(
                sightings.filter(pl.col("is_release") == is_release).drop("is_release"),
                wholes.filter(pl.col("is_release") == is_release).drop("is_release"),
                n_absences=n_absences,
            )
            for is_release, n_absences in ((False, ABSENCES["full"]), (True, ABSENCES["release"]))
        ]
    )
    session.stage("digest_states", states.select("ptr").unique())
    facts = session.frame(
        f"""
        select d.ptr, {spec.status} as record_status, {spec.group_hashes("v")}
        from digest_states s
        join digest_rows d on d.ptr = s.ptr
        join {spec.validated} v
            on v.extract_id = d.extract_id and v.source_file = d.source_file and v.line_no = d.line_no
        """
    )
    learned = pl.concat([n.new.select("feed", "order_ts_utc", "learned_ts") for n in nights])
    return (
        states.join(facts, on="ptr", how="left")
        .join(_records(session, nights), on="record", how="left")
        .join(
            learned, left_on=["feed", "observed_ts"], right_on=["feed", "order_ts_utc"], how="left"
        )
        .with_columns(
            record_status=pl.when("is_missing")
            .then(pl.lit("missing_from_source"))
            .otherwise("record_status")
        )
        .drop("feed")
    )


def _records(session: Session, nights: list[FeedNight]) -> pl.DataFrame:
    moments = pl.DataFrame(
        {"feed": [n.feed for n in nights], "corrected_ts": [n.corrected_ts for n in nights]},
        schema={"feed": pl.String, "corrected_ts": pl.Datetime("us")},
    )
    return session.frame("select record, feed from digest_records").join(moments, on="feed")


def _standing(session: Session, spec: Versioned, nights: list[FeedNight]) -> pl.DataFrame:
    rows = session.frame(
        f"""
        select r.record, v.observed_utc as observed_ts, v.row_hash,
            v.record_status in ('missing_from_source', 'withdrawn') as is_missing, v.record_status,
            v.known_from_utc as known_from, v.known_to_utc as known_to, v.version_no, v.change_mask
        from {spec.versions} v
        join digest_records r
            on r.feed = v.feed and r.source_system = v.source_system and r.record_id = v.record_id
        where v.taken_back_utc is null
        """
    )
    return rows.join(_records(session, nights).drop("feed"), on="record", how="left")


def _entries(
    session: Session,
    spec: Versioned,
    nights: list[FeedNight],
    found: Changes,
    run_id: str,
    now: datetime,
) -> pl.DataFrame:
    """A row of the book for each new extract, without what the ledgers count (moved, held)."""
    loud = [g for g in GROUPS if g not in QUIET_GROUPS]
    new = pl.concat([n.new.with_columns(is_first=pl.lit(n.is_first)) for n in nights])
    # what a late extract puts right about states of other extracts is its doing
    late = new.filter("is_late").group_by("feed").agg(late_ts=pl.col("order_ts_utc").min())
    own = new.select("feed", "order_ts_utc", "learned_ts", is_own=pl.lit(True))
    kinds = (
        found.added.filter(
            pl.col("known_to").is_null() | (pl.col("known_to") > pl.col("known_from"))
        )
        .join(_records(session, nights).select("record", "feed"), on="record")
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
    seen = session.frame(
        "select extract_id, n_rows as n_seen from raw.extracts where table_name = $table",
        {"table": spec.table},
    )
    known = session.frame(
        f"select feed, count(distinct (source_system, record_id)) as n_known from {spec.versions} group by 1"
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


_KEY = """r.feed = v.feed and r.source_system = v.source_system and r.record_id = v.record_id
    and c.record = r.record and c.observed_ts = v.observed_utc and c.known_from = v.known_from_utc"""


def _write_versions(session: Session, spec: Versioned, found: Changes) -> None:
    added, gone = (
        found.added.filter(pl.col("ptr").is_not_null() == has_row) for has_row in (True, False)
    )
    contract = session.catalog[spec.versions]
    own = {
        "feed": "r.feed", "source_system": "r.source_system", "record_id": "r.record_id", "version_no": "a.version_no",
        "observed_utc": "a.observed_ts", "known_from_utc": "a.known_from", "known_to_utc": "a.known_to",
        "taken_back_utc": "null", "change_mask": "a.change_mask", "status_before": "a.status_before",
        "record_status": "a.record_status", "observed_extract_id": "x.extract_id",
    }  # fmt: skip
    listed = ", ".join(f"{own.get(c, 'v.' + c)} as {c}" for c in contract.column_types)
    session.stage("digest_added", _columns(added))
    session.execute(
        f"""
        insert into {spec.versions} by name
        select {listed}
        from digest_added a
        join digest_rows r on r.ptr = a.ptr
        join digest_extracts x on x.feed = r.feed and x.order_ts_utc = a.observed_ts
        join {spec.validated} v
            on v.extract_id = r.extract_id and v.source_file = r.source_file and v.line_no = r.line_no
        """
    )
    # of a record that only withdrawn extracts had shown the content last known stays with it
    own["observed_extract_id"] = "v.observed_extract_id"
    listed = ", ".join(f"{own.get(c, 'v.' + c)} as {c}" for c in contract.column_types)
    session.stage("digest_gone", _columns(gone))
    session.execute(
        f"""
        insert into {spec.versions} by name
        select {listed}
        from digest_gone a
        join digest_records r on r.record = a.record
        join {spec.versions} v
            on v.feed = r.feed and v.source_system = r.source_system and v.record_id = r.record_id
            and v.known_to_utc is null and v.taken_back_utc is null and v.observed_utc = a.observed_ts
        """
    )
    session.stage("digest_closed", found.closed)
    session.execute(
        f"update {spec.versions} v set known_to_utc = c.known_to, version_no = c.version_no, change_mask = c.change_mask "
        f"from digest_closed c, digest_records r where {_KEY}"
    )
    session.stage("digest_taken_back", found.taken_back)
    session.execute(
        f"update {spec.versions} v set known_to_utc = c.known_to, taken_back_utc = c.taken_back, version_no = null "
        f"from digest_taken_back c, digest_records r where {_KEY}"
    )


def _columns(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(
        "record", "ptr", "observed_ts", "known_from", "known_to", "version_no", "change_mask", "status_before",
        "record_status",
    )  # fmt: skip


def _stage_answers(
    session: Session, nights: list[FeedNight], entries: pl.DataFrame, found: Changes
) -> None:
    """`digest_answers` and `digest_moments`, which the ledgers work on."""
    is_answer = pl.col("known_to").is_null() | (pl.col("known_to") > pl.col("known_from"))
    session.stage(
        "digest_answers",
        found.added.filter(is_answer).select("record", "observed_ts", "known_from"),
    )
    columns = ("feed", "known_from", "observed_ts", "extract_id", "is_first_load")
    moments = [
        entries.select(
            "feed",
            "extract_id",
            "is_first_load",
            known_from="known_from_utc",
            observed_ts="order_ts_utc",
        ).select(columns)
    ]
    for night in nights:
        causes = [*night.new.filter("is_late")["extract_id"], *night.withdrawn["extract_id"]]
        if causes:
            row = (night.feed, night.corrected_ts, None, causes[0], False)
            moments.append(pl.DataFrame([row], schema=moments[0].schema, orient="row"))
    session.stage("digest_moments", pl.concat(moments))


def _write_book(
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
