"""Which extracts of a feed are new, late or withdrawn, from when each is known, and how far back one has to look for them.

What was known up to the newest extract is sealed: what comes late, and what is withdrawn, is known from the moment right after. Not here:
what the extracts show (`observations.py`), what follows (`timeline.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from hotspot_pipeline.history.observations import LookAt
from hotspot_pipeline.history.versioned import Versioned
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


def nights_of(session: Session, spec: Versioned, accepted: pl.DataFrame) -> list[FeedNight]:
    """The feeds that have something new or withdrawn; `accepted` as `observations.accepted_extracts` gives it."""
    book = session.frame(
        f"select * from {BOOK} where table_name = $table and withdrawn_known_utc is null",
        {"table": spec.table},
    )
    new = accepted.join(book, on="extract_id", how="anti")
    gone = book.join(accepted, on="extract_id", how="anti")
    sealed = dict(
        session.frame(
            f"select feed, max(greatest(known_from_utc, withdrawn_known_utc)) from {BOOK} where table_name = $table group by 1",
            {"table": spec.table},
        ).iter_rows()
    )
    nights = []
    for feed in sorted({*new["feed"], *gone["feed"]}):
        mine = new.filter(pl.col("feed") == feed)
        until = sealed.get(feed)
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


def to_look_at(night: FeedNight, accepted: pl.DataFrame) -> LookAt:
    """After a first load, a late or withdrawn extract or a release, everything of the feed."""
    new = night.new
    if night.is_first or night.is_corrected or (new["kind"] == "snapshot").any():
        return LookAt(night.feed, everything=True)
    since = night.known["order_ts_utc"].max()
    assert isinstance(since, datetime)
    if not (new["kind"] == "full").any():
        return LookAt(night.feed, everything=False, since=since, absent_since=_NEVER)
    wholes = accepted.filter(
        pl.col("feed") == night.feed, pl.col("kind") == "full", pl.col("order_ts_utc") <= since
    )["order_ts_utc"].to_list()
    if len(wholes) < ABSENCES["full"]:
        return LookAt(night.feed, everything=True)
    # a record last seen after the whole extract before the last one may be absent for the second time now
    return LookAt(night.feed, everything=False, since=wholes[-2], absent_since=wholes[-2])
