"""Full extracts as runs: what stands is stored once, and every extract can still be told row for row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotspot_pipeline.raw import full_runs
from hotspot_pipeline.warehouse.contract import TableContract
from hotspot_pipeline_tests.unit.raw.nights_of_fulls import (
    FEED,
    FeedOfFulls,
    feed_of_fulls,
    incident,
    nights,
)

JUNE = [datetime(2026, 6, 1) + timedelta(days=n - 1) for n in range(31)]


@pytest.fixture
def feed(catalog: dict[str, TableContract], tmp_path: Path) -> Iterator[FeedOfFulls]:
    with feed_of_fulls(catalog, tmp_path) as found:
        yield found
        assert found.faults() == []


A, B, C = incident("A"), incident("B"), incident("C")
A2, B2 = incident("A", "fireworks"), incident("B", "fireworks")


def test_five_identical_nights_are_one_copy(feed: FeedOfFulls) -> None:
    repeated = [feed.take(name, at, *rows).extract["n_repeated"] for name, at, rows in nights(5, [A, B, C])]  # fmt: skip
    assert repeated == [0, 3, 3, 3, 3]
    assert feed.n_stored() == 3
    assert feed.runs() == [("e1", n, 1, None) for n in (2, 3, 4)]
    assert {r[0] for r in feed.rows("select n_rows from raw.extracts")} == {3}
    assert all(feed.held_by(f"e{n}") == feed.delivered["e1"] for n in range(1, 6))


def test_what_changes_is_stored_and_what_is_gone_ends(feed: FeedOfFulls) -> None:
    feed.take("e1", JUNE[1], A, B)
    feed.take("e2", JUNE[2], A2, C)
    assert feed.runs() == [("e1", 2, 1, 1), ("e1", 3, 1, 1), ("e2", 2, 2, None), ("e2", 3, 2, None)]
    # changed back and come back: a new row, for the old one does not stand any more
    feed.take("e3", JUNE[3], A, B)
    assert feed.n_stored() == 6
    assert feed.held_by("e2") == feed.delivered["e2"]


def test_a_night_that_arrives_late_splits_what_it_does_not_hold(feed: FeedOfFulls) -> None:
    feed.take("e1", JUNE[1], A, B)
    feed.take("e3", JUNE[3], A, B)
    account = feed.take("e2", JUNE[2], A, B2)
    assert account.extract["n_repeated"] == 1
    assert feed.runs() == [("e1", 2, 1, None), ("e1", 3, 1, 1), ("e2", 3, 2, 2), ("e1", 3, 3, None)]
    for name in ("e1", "e2", "e3"):
        assert feed.held_by(name) == feed.delivered[name]
    # and the newest one goes on from the third night
    assert feed.take("e4", JUNE[4], A, B).extract["n_repeated"] == 2


def test_a_night_before_the_first_is_stored_for_itself(feed: FeedOfFulls) -> None:
    feed.take("e2", JUNE[2], A)
    feed.take("e1", JUNE[1], A)
    assert feed.runs() == [("e1", 2, 1, 1), ("e2", 2, 2, None)]


def test_a_night_sent_again_comes_right_after_the_first_sending(feed: FeedOfFulls) -> None:
    feed.take("first", JUNE[1], A, B)
    feed.take("delta", JUNE[1], C, kind="delta")
    feed.take("next", JUNE[2], A, B)
    feed.take("again", JUNE[1], A, C)
    order = dict(feed.rows("select extract_id, order_ts_utc from raw.extracts"))
    steps = [timedelta(microseconds=n) for n in range(3)]
    assert [order[n] - JUNE[1] for n in ("first", "delta", "again")] == steps
    assert order["next"] == JUNE[2]
    for name in ("first", "next", "again"):
        assert feed.held_by(name) == feed.delivered[name]


def test_a_refused_extract_has_its_place_and_no_runs(feed: FeedOfFulls) -> None:
    feed.take("e1", JUNE[1], A)
    feed.take("bad", JUNE[2], status="refused", reason="empty")
    assert feed.take("e3", JUNE[3], A).extract["n_repeated"] == 1
    assert feed.runs() == [("e1", 2, 1, None)]
    # taken at last under another contract: it is booked once and stands where it belongs
    feed.take("bad", JUNE[2], B)
    assert feed.held_by("bad") == feed.delivered["bad"]


def test_rows_that_name_one_record_twice_are_always_stored(feed: FeedOfFulls) -> None:
    feed.take("e1", JUNE[1], A, A2, B)
    feed.take("e2", JUNE[2], A, A2, B)
    assert feed.rows("select extract_id, line_no from raw.asb_incidents order by 1, 2") == [
        ("e1", 2), ("e1", 3), ("e1", 4), ("e2", 2), ("e2", 3)]  # fmt: skip
    # once it is named once again, it repeats the row that said the same
    feed.take("e3", JUNE[3], A2, B)
    assert ("e2", 3, 2, None) in feed.runs()
    assert feed.n_stored() == 5


def test_of_two_equal_rows_the_last_one_goes_on(feed: FeedOfFulls) -> None:
    feed.take("e1", JUNE[1], A, A)
    feed.take("e2", JUNE[2], A)
    assert feed.runs() == [("e1", 2, 1, 1), ("e1", 3, 1, None)]


def test_records_are_told_apart_as_the_gate_does(feed: FeedOfFulls) -> None:
    feed.take("e1", JUNE[1], A, B)
    account = feed.take("e2", JUNE[2], A, incident(" A "), incident("B", source_system=""))
    # stripped they are one record; an empty system is the contract's constant, so that B is another one
    assert account.extract["n_repeated"] == 0
    assert feed.n_stored() == 5


def test_rows_without_a_key_are_always_stored(feed: FeedOfFulls) -> None:
    for name, at, rows in nights(3, [incident(None), incident(" "), A]):
        feed.take(name, at, *rows)
    assert feed.n_stored() == 3 * 2 + 1


def test_an_empty_value_is_not_a_missing_one(feed: FeedOfFulls) -> None:
    feed.take("e1", JUNE[1], incident("A", grade=None))
    assert feed.take("e2", JUNE[2], incident("A", grade="")).extract["n_repeated"] == 0


def test_values_in_other_columns_are_other_content(feed: FeedOfFulls) -> None:
    feed.take("e1", JUNE[1], incident("A", easting="1", northing="2"))
    swapped = feed.take("e2", JUNE[2], incident("A", easting="2", northing="1"))
    assert swapped.extract["n_repeated"] == 0


def test_a_new_mapping_stores_everything_anew(feed: FeedOfFulls) -> None:
    feed.take("e1", JUNE[1], A, B)
    again = feed.take("e2", JUNE[2], A, B, contract={"retention_months": 12})
    assert again.extract["n_repeated"] == 0
    assert feed.held_by("e1") == feed.held_by("e2")


def test_deltas_make_no_runs(feed: FeedOfFulls) -> None:
    feed.take("e1", JUNE[1], A, B)
    feed.take("d2", JUNE[2], A2, kind="delta")
    assert feed.take("e3", JUNE[3], A, B).extract["n_repeated"] == 2
    assert feed.n_stored() == 3


def test_a_withdrawn_extract_leaves_the_rows_that_others_hold(feed: FeedOfFulls) -> None:
    feed.take("e1", JUNE[1], A, B)
    feed.take("d1", JUNE[1], C, kind="delta")
    feed.take("e2", JUNE[2], A, B2)
    feed.withdraw("e1")
    feed.withdraw("d1")
    assert feed.rows("select extract_id, incident_ref from raw.asb_incidents order by 1, 2") == [("e1", "A"), ("e2", "B")]  # fmt: skip
    assert feed.held_by("e2") == feed.delivered["e2"]
    feed.withdraw("e2")
    assert feed.n_stored() == 0


def test_what_went_with_a_withdrawn_extract_is_stored_when_it_comes_again(
    feed: FeedOfFulls,
) -> None:
    feed.take("e1", JUNE[1], A)
    feed.take("e2", JUNE[2], A, B)
    feed.withdraw("e2")
    assert feed.n_stored() == 1
    assert feed.take("e3", JUNE[3], A, B).extract["n_repeated"] == 1
    assert feed.held_by("e3") == feed.delivered["e3"]


def test_extracts_of_before_get_their_place_and_their_runs(feed: FeedOfFulls) -> None:
    feed.take("e1", JUNE[1], A, B)
    feed.take("e2", JUNE[2], A2, B2)
    before = feed.runs()
    # as an earlier version left it
    feed.session.execute("delete from raw.full_runs")
    feed.session.execute("update raw.extracts set order_ts_utc = null, n_repeated = null")
    for _ in range(2):
        full_runs.adopt_earlier(feed.session, [feed.contract])
    assert feed.runs() == before
    assert feed.take("e3", JUNE[3], A2, B2).extract["n_repeated"] == 2


# ---------- any sequence of nights against a plain account of it


@dataclass
class Told:
    """Which stored row stands in which full extracts, as sets: no runs, no SQL."""

    stands: dict[tuple[str, int], set[datetime]] = field(default_factory=dict)
    says: dict[tuple[str, int], tuple[Any, ...]] = field(default_factory=dict)
    order: dict[str, datetime] = field(default_factory=dict)
    withdrawn: set[str] = field(default_factory=set)

    def take(self, name: str, taken: datetime, rows: list[tuple[Any, ...]]) -> None:
        while taken in self.order.values():
            taken += timedelta(microseconds=1)
        fulls = sorted(self.order.values())
        before = max((f for f in fulls if f < taken), default=None)
        after = min((f for f in fulls if f > taken), default=None)
        self.order[name] = taken
        around = {f for f in (before, after) if f}
        covering = [r for r, at in self.stands.items() if before and around <= at and not self.is_gone(r)]  # fmt: skip
        refs = Counter(r[0] for r in rows)
        for line, row in enumerate(rows, 2):
            same = [r for r in covering if self.says[r] == row]
            if row[0] is not None and refs[row[0]] == 1 and same:
                self.stands[max(same, key=lambda r: (self.run_start(r, before), *r))].add(taken)
            else:
                self.stands[name, line], self.says[name, line] = {taken}, row

    def run_start(self, row: tuple[str, int], at: datetime | None) -> datetime:
        earlier = sorted((f for f in self.order.values() if at and f <= at), reverse=True)
        start = earlier[0]
        for moment in earlier:
            if moment not in self.stands[row]:
                break
            start = moment
        return start

    def is_gone(self, row: tuple[str, int]) -> bool:
        gone = {self.order[name] for name in self.withdrawn}
        return row[0] in self.withdrawn and self.stands[row] <= gone

    def n_stored(self) -> int:
        return sum(not self.is_gone(row) for row in self.stands)


rows_of_a_night = st.lists(
    st.tuples(st.sampled_from(["A", "B", "C", None]), st.sampled_from(["x", "y"])), max_size=6
)
night = st.tuples(st.integers(1, 6), rows_of_a_night)
withdrawal = st.integers(0, 5)


@settings(max_examples=26, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(night | withdrawal, min_size=1, max_size=9))
def test_any_nights_in_any_order(steps: list[Any], shared_feed: FeedOfFulls) -> None:
    feed, told = shared_feed, Told()
    for table in ("raw.extracts", "raw.extract_files", "raw.decisions", "raw.full_runs", "raw.asb_incidents"):  # fmt: skip
        feed.session.execute(f"delete from {table}")
    for number, step in enumerate(steps):
        names = list(told.order)
        if isinstance(step, int):
            standing = [name for name in names if name not in told.withdrawn]
            if standing:
                name = standing[step % len(standing)]
                told.withdrawn.add(name)
                feed.withdraw(name)
        else:
            day, rows = step
            feed.take(f"e{number}", JUNE[day], *[incident(ref, kind) for ref, kind in rows])
            told.take(f"e{number}", JUNE[day], rows)
        for name in set(told.order) - told.withdrawn:
            assert feed.held_by(name) == feed.delivered[name], name
        assert feed.n_stored() == told.n_stored()
    assert feed.faults() == []


@pytest.fixture(scope="module")
def shared_feed(
    catalog: dict[str, TableContract], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FeedOfFulls]:
    with feed_of_fulls(catalog, tmp_path_factory.mktemp(FEED)) as found:
        yield found
