"""Full extracts at the gate: what has passed passes once, what was held or turned away comes up again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from hotspot_pipeline.geo.boundary import Boundary
from hotspot_pipeline.timebase import PoliceTime
from hotspot_pipeline.validated import withdrawal
from hotspot_pipeline.validated.judging import BOOKS, Gate
from hotspot_pipeline.validated.report import ExtractReport, render_report
from hotspot_pipeline.warehouse.contract import TableContract
from hotspot_pipeline_tests.unit.raw.nights_of_fulls import (
    FEED,
    FeedOfFulls,
    Row,
    feed_of_fulls,
    incident,
)
from hotspot_pipeline_tests.unit.validated.conftest import KEY

D = [datetime(2026, 6, day, 2) for day in range(12, 20)]
A, B, C = incident("A"), incident("B"), incident("C")
A2, B2 = incident("A", "fireworks"), incident("B", "fireworks")
COUNTS = "n_in, n_accepted, n_accepted_before, n_rejected, n_held"


def bad(ref: str) -> Row:
    return incident(ref, opened_ts_local="1940-01-01 10:00:00")


def many(n: int, prefix: str = "N", **more: Any) -> list[Row]:
    return [incident(f"{prefix}{number}", easting=str(431_000 + 10 * number), **more) for number in range(n)]  # fmt: skip


class GatedFeed:
    def __init__(self, feed: FeedOfFulls) -> None:
        self.feed = feed
        self.boundary: Boundary | None = None

    def night(self, day: int, *rows: Row, name: str = "", **more: Any) -> ExtractReport:
        self.feed.take(name or f"e{day}", D[day], *rows, **more)
        (report,) = self.judge()
        return report

    def judge(self) -> list[ExtractReport]:
        withdrawal.purge(self.feed.session)
        gate = Gate(
            self.feed.session,
            {FEED: self.feed.contract},
            police_time=PoliceTime(),
            pseudonym_key=KEY,
            boundary=self.boundary,
            lookups={},
        )
        return gate.judge_waiting(lambda text: None)

    def withdraw(self, name: str) -> list[ExtractReport]:
        self.feed.withdraw(name)
        return self.judge()

    def counts(self) -> dict[str, tuple[Any, ...]]:
        rows = self.feed.rows(f"select extract_id, {COUNTS} from validated.extract_counts")
        return {name: tuple(counts) for name, *counts in rows}

    def accepted(self) -> list[tuple[Any, ...]]:
        """(extract, line, passed with, what) of every validated row."""
        return self.feed.rows(
            "select extract_id, line_no, accepted_with, asb_type from validated.asb_incidents order by 1, 2"
        )


@pytest.fixture
def gated(catalog: dict[str, TableContract], tmp_path: Path) -> Iterator[GatedFeed]:
    with feed_of_fulls(catalog, tmp_path) as found:
        yield GatedFeed(found)
        assert found.faults() == []


def test_five_identical_nights_are_one_copy(gated: GatedFeed) -> None:
    reports = [gated.night(day, A, B, C) for day in range(5)]
    assert gated.accepted() == [("e0", n, "e0", "noise") for n in (2, 3, 4)]
    assert gated.counts() == {"e0": (3, 3, 0, 0, 0)} | {
        f"e{n}": (0, 0, 3, 0, 0) for n in (1, 2, 3, 4)
    }
    # nothing new is no fault: the night brought its rows
    assert all(outcome.passed for report in reports for outcome in report.outcomes)
    assert "3 further rows passed the gate with an earlier extract" in render_report(reports[1:2])


def test_only_what_is_new_is_judged(gated: GatedFeed) -> None:
    gated.night(0, A, B)
    gated.night(1, A, B2, C)
    assert gated.counts()["e1"] == (2, 2, 1, 0, 0)
    assert gated.accepted() == [
        ("e0", 2, "e0", "noise"), ("e0", 3, "e0", "noise"), ("e1", 3, "e1", "fireworks"), ("e1", 4, "e1", "noise")]  # fmt: skip


def test_rows_of_one_record_meet_at_the_gate_though_one_of_them_stands(gated: GatedFeed) -> None:
    gated.night(0, A, B)
    report = gated.night(1, A, A2, B)
    assert gated.counts()["e1"] == (2, 1, 1, 1, 0)
    assert report.rejects["rule"].to_list() == ["unique_key"]
    assert gated.accepted()[-1] == ("e1", 3, "e1", "fireworks")


def test_what_was_held_passes_with_the_next_extract_that_holds_it(gated: GatedFeed) -> None:
    gated.night(0, *many(100))
    changed = many(60, asb_type="fireworks")
    assert gated.night(1, *changed).status == "held"
    assert gated.counts()["e1"] == (60, 0, 0, 0, 60)
    assert gated.night(2, *changed, *many(100)[60:]).status == "accepted"
    assert gated.counts()["e2"] == (100, 100, 0, 0, 0)
    passed = gated.feed.rows(
        "select extract_id, accepted_with, count(*)::int from validated.asb_incidents group by all order by all"
    )
    # e1 lacked the last forty, so they came back as new rows
    assert passed == [("e0", "e0", 100), ("e1", "e2", 60), ("e2", "e2", 40)]
    # released after all, it has nothing more to give
    gated.feed.decide("e1", "released")
    gated.judge()
    assert gated.counts()["e1"] == (0, 0, 60, 0, 0)


def test_a_row_turned_away_again_is_one_reject_and_counted_each_night(gated: GatedFeed) -> None:
    for day in range(3):
        gated.night(day, A, bad("B"))
    assert {c[3] for c in gated.counts().values()} == {1}
    assert gated.feed.rows("select extract_id, line_no, rule from validated.rejects") == [("e0", 3, "before_1950")]  # fmt: skip


def test_rejects_of_last_night_do_not_hold_a_night_that_brings_nothing_new(
    gated: GatedFeed,
) -> None:
    rows = [*many(1000), *(bad(f"X{n}") for n in range(45))]
    assert gated.night(0, *rows).status == "accepted"
    report = gated.night(1, *rows)
    assert (report.status, report.counts["n_rejected"]) == ("accepted", 45)
    more = [bad(f"Y{n}") for n in range(60)]
    assert gated.night(2, *rows, *more).status == "held"


def test_a_night_held_for_its_rejects_does_not_pass_by_coming_again(gated: GatedFeed) -> None:
    gated.night(0, *many(100))
    broken = [*many(50), *(bad(f"N{n}") for n in range(50, 100))]
    assert gated.night(1, *broken).status == "held"
    assert gated.night(2, *broken[::-1]).status == "held"


def test_a_row_turned_away_yesterday_passes_once_its_fault_is_mended(
    gated: GatedFeed, boundary: Boundary
) -> None:
    far = incident("F", easting="500000")
    gated.boundary = boundary
    gated.night(0, A, far)
    assert gated.counts()["e0"] == (2, 1, 0, 1, 0)
    gated.boundary = None
    gated.night(1, A, far)
    assert gated.counts()["e1"] == (1, 1, 1, 0, 0)
    assert gated.accepted()[-1] == ("e0", 3, "e1", "noise")
    assert gated.feed.rows("select rule from validated.rejects") == [("outside_force",)]


def test_another_rule_makes_another_reject(gated: GatedFeed, boundary: Boundary) -> None:
    far_and_shut = incident("F", easting="500000", closed_ts_local="2026-06-09 10:00:00")
    gated.night(0, far_and_shut)
    gated.boundary = boundary
    gated.feed.session.execute("update validated.rejects set rule = 'an_older_rule'")
    gated.night(1, far_and_shut)
    assert len(gated.feed.rows("select distinct rule from validated.rejects")) == 2


def test_the_size_of_a_night_is_what_was_read(gated: GatedFeed) -> None:
    gated.night(0, *many(200))
    assert gated.night(1, *many(199), C).status == "accepted"
    report = gated.night(2, *many(150), C)
    volume = report.outcomes[-1]
    assert (report.status, volume.n_rows, volume.observed) == ("held", 151, 0.755)


def test_a_withdrawn_night_leaves_what_the_next_one_holds(gated: GatedFeed) -> None:
    gated.night(0, A, B, bad("X"), bad("Y"))
    gated.night(1, A, B2, bad("X"), bad("Z"))
    gated.withdraw("e0")
    assert gated.accepted() == [("e0", 2, "e1", "noise"), ("e1", 3, "e1", "fireworks")]
    assert gated.counts() == {"e1": (4, 2, 0, 2, 0)}
    rejects = gated.feed.rows("select extract_id, line_no from validated.rejects order by 1")
    assert rejects == [("e0", 4), ("e1", 5)]
    gated.withdraw("e1")
    assert gated.accepted() == []
    assert gated.feed.rows("select * from validated.rejects") == []


def test_a_row_goes_on_to_the_heir_of_its_heir(gated: GatedFeed) -> None:
    gated.night(0, A, B)
    gated.night(1, A, B)
    gated.withdraw("e0")
    gated.night(2, A, C)
    gated.night(3, A, C)
    gated.withdraw("e1")
    assert gated.accepted() == [("e0", 2, "e2", "noise"), ("e2", 3, "e2", "noise")]
    assert gated.counts() == {"e2": (2, 2, 0, 0, 0), "e3": (0, 0, 2, 0, 0)}
    gated.withdraw("e2")
    assert gated.accepted() == [("e0", 2, "e3", "noise"), ("e2", 3, "e3", "noise")]


def test_what_only_a_held_night_still_holds_is_held_too(gated: GatedFeed) -> None:
    gated.night(0, *many(100))
    gated.night(1, *many(60))
    assert gated.counts()["e1"] == (0, 0, 60, 0, 0)
    gated.withdraw("e0")
    assert gated.accepted() == []
    assert gated.feed.n_stored() == 60
    assert gated.counts() == {"e1": (60, 0, 0, 0, 60)}
    gated.feed.decide("e1", "released")
    gated.judge()
    assert {(row[0], row[2]) for row in gated.accepted()} == {("e0", "e1")}
    assert len(gated.accepted()) == 60


def test_deltas_between_are_judged_whole_and_leave_with_their_extract(gated: GatedFeed) -> None:
    gated.night(0, A, B)
    gated.night(1, A2, kind="delta", name="d1")
    gated.night(2, A, B)
    assert gated.counts()["d1"] == (1, 1, 0, 0, 0)
    gated.withdraw("d1")
    assert {row[0] for row in gated.accepted()} == {"e0"}


def test_judged_anew_from_raw_the_table_is_the_same(gated: GatedFeed) -> None:
    gated.night(0, A, B, C, bad("X"))
    gated.night(1, A, B2, C, bad("X"))
    gated.night(2, A, B2, C, bad("Y"))
    gated.night(3, A2, B2, C, bad("Y"))
    gated.withdraw("e1")
    assert len(gated.accepted()) == 5
    rejects = "select extract_id, line_no, rule from validated.rejects order by all"
    before = (gated.accepted(), gated.counts(), gated.feed.rows(rejects))
    for table in ("validated.asb_incidents", *BOOKS):
        gated.feed.session.execute(f"delete from {table}")
    gated.judge()
    assert (gated.accepted(), gated.counts(), gated.feed.rows(rejects)) == before


def test_rows_judged_before_there_were_runs_have_passed_with_their_own_extract(
    gated: GatedFeed,
) -> None:
    gated.night(0, A, B)
    gated.feed.session.execute("update validated.asb_incidents set accepted_with = null")
    gated.feed.session.execute("update validated.extract_counts set n_accepted_before = null")
    withdrawal.adopt_earlier(gated.feed.session)
    assert {row[2] for row in gated.accepted()} == {"e0"}
    assert gated.counts()["e0"] == (2, 2, 0, 0, 0)
