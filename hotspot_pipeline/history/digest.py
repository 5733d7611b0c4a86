"""One kind of records brought up to date: every accepted extract that history does not know yet, in one transaction.

Here: the order of the steps, and what the kernels are given. Not here: which extracts are new or late (`nights.py`), what they showed
(`observations.py`, `sightings.py`), how states and answers follow (`versions.py`, `timeline.py`), what is written (`version_rows.py`, `book.py`, `ledger.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from hotspot_pipeline.history import observations
from hotspot_pipeline.history.book import entries_of, kinds_of, known_records, write_book
from hotspot_pipeline.history.guard import judged
from hotspot_pipeline.history.ledger import close_ledgers, n_moved, open_ledgers, write_ledgers
from hotspot_pipeline.history.nights import ABSENCES, FeedNight, nights_of, to_look_at
from hotspot_pipeline.history.sightings import read_now, read_part, read_sightings
from hotspot_pipeline.history.timeline import changes
from hotspot_pipeline.history.version_rows import write_versions
from hotspot_pipeline.history.versioned import Versioned
from hotspot_pipeline.history.versions import observed_versions
from hotspot_pipeline.warehouse.session import Session

# the rows behind the records that changed, for the tables that follow the versions
_NAMES = "digest_names"
_RECORD = {"feed": pl.String, "source_system": pl.String, "record_id": pl.String}


def changed_records(spec: Versioned) -> str:
    """The temporary table of the records whose versions the last `digest` changed."""
    return f"digest_changed_{spec.table}"


def digest(
    session: Session, spec: Versioned, *, run_id: str, now: datetime, say: Callable[[str], None]
) -> list[str]:
    """Returns the ids of the extracts it took in or took back; none when nothing is new."""
    session.stage(changed_records(spec), pl.DataFrame(schema=_RECORD))
    accepted = observations.accepted_extracts(session, spec)
    nights = nights_of(session, spec, accepted)
    if not nights:
        return []
    looks = [to_look_at(n, accepted) for n in nights]
    first = {n.feed for n in nights if n.is_first}
    # outside of the transaction, within which nothing that is dropped gives its room back
    observations.stage_rows(session, spec, looks)
    with session.transaction():
        known = known_records(session, spec)
        planned = entries_of(session, spec, nights, None, known, run_id, now)
        _stage_moments(session, nights, planned)
        open_ledgers(session)
        session.execute(f"create or replace temp table {_NAMES} (extract_id varchar, source_file varchar, line_no bigint)")  # fmt: skip
        whole = observations.is_whole(looks)
        done = [_slice(session, spec, nights, part, whole) for part in observations.slices(session)]
        entries = entries_of(session, spec, nights, pl.concat([d.kinds for d in done]), known, run_id, now)  # fmt: skip
        session.note_changes(spec.versions, f"select * from {_NAMES}")
        close_ledgers(session, run_id)
        write_book(session, nights, now, judged(entries, n_moved(session), first))
    names = [*entries["extract_id"], *(e for n in nights for e in n.withdrawn["extract_id"])]
    counts = [sum(n) for n in zip(*(d.counts for d in done), strict=True)]
    say(
        f"{spec.versions}: {len(names)} extracts: {counts[0]} versions added, {counts[1]} closed, {counts[2]} taken back"
    )
    return names


@dataclass(frozen=True)
class _Done:
    """What is left to say of some records once they are written: what each extract did to them, and how many versions changed how."""

    kinds: pl.DataFrame
    counts: tuple[int, int, int]


def _slice(
    session: Session,
    spec: Versioned,
    nights: list[FeedNight],
    part: tuple[int, int],
    is_whole: bool,
) -> _Done:
    """The versions of a range of records, and what the ledgers say of them. Each record stands for itself, so memory is needed for a
    part of them only."""
    records = _records(session, nights, part)
    with session.shelved("digest_part", read_part(session, part)):
        found = changes(
            _observed(session, spec, nights, records, part), _standing(session, records, part)
        )
        write_versions(session, spec, found, is_whole=is_whole)
    edits = (found.added, found.closed, found.taken_back)
    changed = pl.concat([e.select("record") for e in edits]).unique()
    with (
        session.shelved("digest_changed", changed),
        session.shelved("digest_now", read_now(session, spec, changed)),
        session.shelved(
            "digest_answers", found.answers.select("record", "observed_ts", "known_from")
        ),
    ):
        session.execute(f"insert into {changed_records(spec)} select feed, source_system, record_id from digest_records semi join digest_changed using (record)")  # fmt: skip
        session.execute(f"insert into {_NAMES} select extract_id, source_file, line_no from digest_now")  # fmt: skip
        write_ledgers(session, spec)
    counts = (found.added.height, found.closed.height, found.taken_back.height)
    return _Done(kinds_of(nights, records, found), counts)


def _observed(
    session: Session,
    spec: Versioned,
    nights: list[FeedNight],
    records: pl.DataFrame,
    part: tuple[int, int],
) -> pl.DataFrame:
    """Every state of the records, as `timeline.changes` takes it."""
    sightings, wholes = read_sightings(session, part)
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
    facts = session.frame(
        f"select ptr, {spec.status} as record_status, {spec.group_hashes('v')} from digest_part v"
    )
    learned = pl.concat([n.new.select("feed", "order_ts_utc", "learned_ts") for n in nights])
    return (
        states.join(facts, on="ptr", how="left")
        .join(records, on="record", how="left")
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


def _records(session: Session, nights: list[FeedNight], part: tuple[int, int]) -> pl.DataFrame:
    """record, feed, corrected_ts of the range of records."""
    moments = pl.DataFrame(
        {"feed": [n.feed for n in nights], "corrected_ts": [n.corrected_ts for n in nights]},
        schema={"feed": pl.String, "corrected_ts": pl.Datetime("us")},
    )
    rows = session.frame(
        "select record, feed from digest_records where record >= $first and record < $end",
        {"first": part[0], "end": part[1]},
    )
    return rows.join(moments, on="feed")


def _standing(session: Session, records: pl.DataFrame, part: tuple[int, int]) -> pl.DataFrame:
    rows = session.frame(
        """
        select r.record, v.observed_utc as observed_ts, v.row_hash,
            v.record_status in ('missing_from_source', 'withdrawn') as is_missing, v.record_status,
            v.known_from_utc as known_from, v.known_to_utc as known_to, v.version_no, v.change_mask
        from digest_versions v
        join digest_records r
            on r.feed = v.feed and r.source_system = v.source_system and r.record_id = v.record_id
        where v.taken_back_utc is null and r.record >= $first and r.record < $end
        """,
        {"first": part[0], "end": part[1]},
    )
    return rows.join(records.drop("feed"), on="record", how="left")


def _stage_moments(session: Session, nights: list[FeedNight], entries: pl.DataFrame) -> None:
    """`digest_moments`: which extract brought what became known when, for the ledgers."""
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
