"""Answers once given never change, whatever arrives later, in whatever order, and however much is withdrawn."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from hotspot_pipeline.history.timeline import changes
from hotspot_pipeline.history.versioned import GROUPS
from hotspot_pipeline.history.versions import observed_versions

T0 = datetime(2026, 1, 1, 2)
TICK = timedelta(microseconds=1)
RECORDS = (1, 2, 3)
STATES = ("live a", "live b", "cancelled c", "merged d")
VERSIONS = {
    "record": pl.Int64, "observed_ts": pl.Datetime("us"), "row_hash": pl.String, "is_missing": pl.Boolean,
    "record_status": pl.String, "known_from": pl.Datetime("us"), "known_to": pl.Datetime("us"), "version_no": pl.Int32,
    "change_mask": pl.String, "status_before": pl.String, "taken_back": pl.Datetime("us"),
}  # fmt: skip
KEY = ["record", "observed_ts", "known_from"]


@dataclass(frozen=True)
class Extract:
    """Taken on `day`; whole or not; `content` says which state each record it holds is in."""

    day: int
    is_whole: bool
    content: dict[int, str]

    @property
    def order_ts(self) -> datetime:
        return T0 + timedelta(days=self.day)


@dataclass
class Book:
    """The versions as a table, kept by `changes` alone, as the digest keeps them in the warehouse."""

    rows: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=VERSIONS))
    extracts: list[Extract] = field(default_factory=list)
    sealed: datetime | None = None

    def digest(self, new: list[Extract], withdrawn: list[Extract]) -> None:
        corrected = self.sealed + TICK if self.sealed else min(e.order_ts for e in new)
        learned = {
            e.order_ts: e.order_ts if self.sealed is None or e.order_ts > self.sealed else corrected
            for e in new
        }
        self.extracts = [e for e in self.extracts if e not in withdrawn] + new
        found = changes(
            self._observed(learned, corrected),
            self.rows.filter(pl.col("taken_back").is_null())
            .drop("taken_back", "status_before")
            .with_columns(corrected_ts=pl.lit(corrected)),
        )
        closed = found.closed.rename(
            {c: f"new_{c}" for c in ("known_to", "version_no", "change_mask")}
        )
        kept = self.rows.join(closed, on=KEY, how="left")
        for column in ("known_to", "version_no", "change_mask"):
            kept = kept.with_columns(pl.coalesce(f"new_{column}", column).alias(column)).drop(
                f"new_{column}"
            )
        gone = found.taken_back.rename({"known_to": "new_known_to", "taken_back": "new_taken_back"})
        kept = kept.join(gone, on=KEY, how="left").with_columns(
            known_to=pl.coalesce("new_known_to", "known_to"),
            taken_back=pl.coalesce("new_taken_back", "taken_back"),
        )
        added = found.added.with_columns(taken_back=pl.lit(None, pl.Datetime("us")))
        self.rows = pl.concat([kept.select(*VERSIONS), added.select(*VERSIONS)])
        moments = [*learned.values(), *([corrected] if withdrawn else [])]
        self.sealed = max([*moments, *([self.sealed] if self.sealed else [])])

    def _observed(self, learned: dict[datetime, datetime], corrected: datetime) -> pl.DataFrame:
        seen = sightings(self.extracts)
        wholes = pl.DataFrame(
            {"scope": 0, "order_ts": e.order_ts} for e in self.extracts if e.is_whole
        )
        wholes = (
            wholes.cast({"scope": pl.Int64})
            if wholes.height
            else pl.DataFrame(schema={"scope": pl.Int64, "order_ts": pl.Datetime("us")})
        )
        states = observed_versions(seen, wholes, n_absences=2)
        known = pl.DataFrame(
            {"observed_ts": list(learned), "learned_ts": list(learned.values())},
            schema={"observed_ts": pl.Datetime("us"), "learned_ts": pl.Datetime("us")},
        )
        return states.join(known, on="observed_ts", how="left").with_columns(
            pl.when("is_missing")
            .then(pl.lit("missing_from_source"))
            .otherwise(pl.col("row_hash").str.split(" ").list.first())
            .alias("record_status"),
            *(
                pl.col("row_hash").map_elements(number, pl.Int64).alias(f"h_{g}")
                for g in GROUPS[:1]
            ),
            *(pl.lit(0, pl.Int64).alias(f"h_{g}") for g in GROUPS[1:]),
            corrected_ts=pl.lit(corrected),
        )

    def answers(self, at: datetime) -> list[tuple[object, ...]]:
        """What the book says of every record at a moment, with where that came from."""
        is_answer = (pl.col("known_from") <= at) & (
            pl.col("known_to").is_null() | (pl.col("known_to") > at)
        )
        return (
            self.rows.filter(is_answer)
            .select("record", "row_hash", "record_status", "observed_ts")
            .sort("record")
            .rows()
        )


def number(text: str) -> int:
    return zlib.crc32(text.encode())


def sightings(extracts: list[Extract]) -> pl.DataFrame:
    """Each row of each extract by itself: runs of one."""
    rows = [
        (record, 0, e.order_ts, e.order_ts, n, state)
        for n, e in enumerate(sorted(extracts, key=lambda e: e.day))
        for record, state in e.content.items()
    ]
    schema = {
        "record": pl.Int64, "scope": pl.Int64, "from_ts": pl.Datetime("us"), "to_ts": pl.Datetime("us"),
        "ptr": pl.Int64, "row_hash": pl.String,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


extracts = st.builds(
    lambda day, is_whole, content: Extract(day, is_whole, content),
    st.integers(0, 14),
    st.booleans(),
    st.dictionaries(st.sampled_from(RECORDS), st.sampled_from(STATES), max_size=3),
)


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[list[Extract], list[Extract]]]:
    """Batches of (new extracts, withdrawn extracts): any order of arrival, one extract a day."""
    every = draw(st.lists(extracts, min_size=1, max_size=9, unique_by=lambda e: e.day))
    batches: list[tuple[list[Extract], list[Extract]]] = []
    there: list[Extract] = []
    while every:
        size = draw(st.integers(1, len(every)))
        new, every = every[:size], every[size:]
        gone = draw(st.lists(st.sampled_from(there), max_size=1, unique_by=id)) if there else []
        there = [e for e in there if e not in gone] + new
        batches.append((new, gone))
    return batches


@settings(max_examples=20, deadline=None)
@given(histories())
def test_an_answer_once_given_never_changes(
    history: list[tuple[list[Extract], list[Extract]]],
) -> None:
    book = Book()
    given_before: dict[datetime, list[tuple[object, ...]]] = {}
    for new, gone in history:
        book.digest(new, gone)
        for moment, answer in given_before.items():
            assert book.answers(moment) == answer, moment
        assert book.sealed
        moments = {*book.rows["known_from"], *book.rows["known_to"].drop_nulls(), book.sealed}
        for moment in moments:
            for asked in (moment, moment - TICK):
                if asked <= book.sealed:
                    given_before.setdefault(asked, book.answers(asked))


@settings(max_examples=20, deadline=None)
@given(histories())
def test_the_standing_sequence_is_that_of_deliveries_in_order(
    history: list[tuple[list[Extract], list[Extract]]],
) -> None:
    book = Book()
    for new, gone in history:
        book.digest(new, gone)
    straight = Book()
    straight.digest(sorted(book.extracts, key=lambda e: e.day), []) if book.extracts else None
    columns = ["record", "version_no", "observed_ts", "row_hash", "is_missing", "change_mask"]

    def sequence(found: Book) -> list[tuple[object, ...]]:
        stands = found.rows.filter(
            pl.col("taken_back").is_null(), pl.col("record_status") != "withdrawn"
        )
        return stands.select(columns).sort(columns).rows()

    withdrawn = book.rows.filter(
        pl.col("record_status") == "withdrawn", pl.col("taken_back").is_null()
    )["record"].to_list()
    # the withdrawal itself is a version more in the records that it emptied
    mine = [row for row in sequence(book) if row[0] not in withdrawn]
    assert mine == [row for row in sequence(straight) if row[0] not in withdrawn]


@settings(max_examples=20, deadline=None)
@given(histories())
def test_answers_tile_and_turn_into_each_other(
    history: list[tuple[list[Extract], list[Extract]]],
) -> None:
    book = Book()
    for new, gone in history:
        book.digest(new, gone)
        answers = book.rows.filter(
            pl.col("known_to").is_null() | (pl.col("known_to") > pl.col("known_from"))
        )
        for (_record,), mine in answers.sort(KEY).group_by("record", maintain_order=True):
            mine = mine.sort("known_from")
            assert mine["known_to"].to_list() == [*mine["known_from"].to_list()[1:], None]
            assert mine["status_before"].to_list() == [
                None,
                *mine["record_status"].to_list()[:-1],
            ]
        assert book.rows.select(KEY).is_unique().all()


@settings(max_examples=20, deadline=None)
@given(histories())
def test_today_s_answer_is_the_state_observed_last(
    history: list[tuple[list[Extract], list[Extract]]],
) -> None:
    book = Book()
    for new, gone in history:
        book.digest(new, gone)
        states = book._observed({}, T0)
        last = {r["record"]: (r["row_hash"], r["is_missing"]) for r in states.iter_rows(named=True)}
        today = book.rows.filter(pl.col("known_to").is_null())
        found = {
            r["record"]: (r["row_hash"], r["is_missing"])
            for r in today.iter_rows(named=True)
            if r["record_status"] != "withdrawn"
        }
        assert found == last
        assert set(today["record"]) == set(book.rows["record"])
