"""The bulletin over small histories: which figures differ from the last issue, by which records, and that the books hold."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from hotspot_pipeline.published.bulletin import tracing
from hotspot_pipeline.published.bulletin.issuing import TABLES, Circumstances, issue_figures
from hotspot_pipeline.warehouse.session import AuditsFailed
from hotspot_pipeline_tests.sql.conftest import Desk
from hotspot_pipeline_tests.sql.history.made_extracts import (
    CODES,
    MONDAY,
    Nights,
    cell,
    computed,
    crime,
    groups,
    incident,
    on,
    place,
)

Row = dict[str, Any]
WEEK = timedelta(days=7)
NEXT, THIRD = MONDAY + WEEK, MONDAY + 2 * WEEK
HOTSPOTS = {"H-1": [0], "H-2": [3]}
SELECTED = ("VAP", "ROBBERY")
COUNTS = ("n_before", "n_now", "n_new", "n_recoded_in", "n_recoded_out", "n_other_in", "n_other_out")  # fmt: skip
Key = tuple[str, str, str, date]


class Force:
    """Nights that go all the way to an issue. `hotspots`: the places (km east) of each; `window`: first day and the day after the last."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.told = desk, Nights(desk)
        self.hotspots: Mapping[str, Sequence[int]] = HOTSPOTS
        self.window = (date(2026, 1, 1), NEXT)
        self.n_issues = 0
        groups(desk)
        desk._written |= set(TABLES)

    def stand(self, n: int, *records: Row) -> None:
        """Night n tells these records, and everything up to the hotspots is computed."""
        if records:
            self.told.night(n, *records)
        self.told.events()
        computed(self.desk)
        self.desk.session.execute("delete from hexes.hotspots; delete from hexes.hotspot_cells")
        start, end = self.window
        for hotspot, places in self.hotspots.items():
            cells = [cell(x) for x in places]
            n_events = sum(
                e["is_counted"] and e["cell_r9"] in cells and e["cat_group"] in SELECTED and start <= e["event_date"] < end
                for e in self.desk.rows("hexes.events")
            )  # fmt: skip
            self.desk.given("hexes.hotspots", {"hotspot_id": hotspot, "n_events": n_events, "window_from": start, "window_to": end})  # fmt: skip
            self.desk.given("hexes.hotspot_cells", *({"hotspot_id": hotspot, "cell": c} for c in cells))  # fmt: skip

    def issue(self) -> int | None:
        made = Circumstances(9, SELECTED, "run", datetime(2026, 6, 1, 3), {"data to": "x"})
        return issue_figures(self.desk.session, made)

    def night(self, n: int, *records: Row) -> int | None:
        self.stand(n, *records)
        return self.issue()

    def bulletin(self, issue: int) -> dict[Key, Row]:
        rows = [r for r in self.desk.rows("published.recode_bulletin") if r["issue"] == issue]
        return {(r["figure"], r["place"], r["cat_group"], r["period_from"]): r for r in rows}

    def about(self, issue: int) -> Row:
        (row,) = [r for r in self.desk.rows("published.issues") if r["issue"] == issue]
        return row

    def counted(self) -> dict[str, list[Key]]:
        """By record, in plain Python: the figures that it counts in."""
        of_cell = {cell(x): h for h, places in self.hotspots.items() for x in places}
        found: dict[str, list[Key]] = {}
        for e in self.desk.rows("hexes.events"):
            if not e["is_counted"]:
                continue
            name = e["event_id"].split(":")[-1]
            found[name] = [("force_week", "force", e["cat_group"], e["week_start"])]
            hotspot = of_cell.get(e["cell_r9"])
            if hotspot and e["cat_group"] in SELECTED:
                found[name].append(("hotspot_week", hotspot, "ALL", e["week_start"]))
                if self.window[0] <= e["event_date"] < self.window[1]:
                    found[name].append(("hotspot_window", hotspot, "ALL", self.window[0]))
        return found


@pytest.fixture
def force(desk: Desk) -> Iterator[Force]:
    yield Force(desk)


def at(x: int, day: date = date(2026, 1, 9), **more: Any) -> Row:
    return place(x) | on(datetime(day.year, day.month, day.day, 22)) | more


def first_night(force: Force) -> None:
    """Five in hotspot H-1 in the first week, one outside, and one in the next week, which has not ended."""
    told = [crime(f"p{n}") for n in range(1, 6)]
    assert force.night(0, *told, crime("p6", **at(5)), crime("p7", **at(0, date(2026, 1, 14)))) == 1


def test_the_first_issue_compares_with_nothing(force: Force) -> None:
    first_night(force)
    assert force.bulletin(1) == {}
    about = force.about(1)
    assert (about["supersedes"], about["data_to"], about["week_to"]) == (
        None,
        date(2026, 1, 14),
        NEXT,
    )
    assert about["summary"] == "First issue: 6 figures, nothing to compare with."
    issued = {
        (r["figure"], r["place"], r["cat_group"], r["period_from"]): r["n_events"]
        for r in force.desk.rows("published.issued_figures")
    }
    assert issued == {
        ("force_week", "force", "VAP", MONDAY): 6, ("force_week", "force", "VAP", NEXT): 1,
        ("hotspot_week", "H-1", "ALL", MONDAY): 5, ("hotspot_week", "H-1", "ALL", NEXT): 1,
        ("hotspot_window", "H-1", "ALL", date(2026, 1, 1)): 5, ("hotspot_window", "H-2", "ALL", date(2026, 1, 1)): 0}  # fmt: skip


def test_a_night_of_recodes_counted_on_the_fingers(force: Force) -> None:
    first_night(force)
    recoded = (
        crime("p1", ho_offence_code="034/01"),
        crime("p2", record_status="cancelled", cancel_reason="C2"),
        crime("p3", **at(0, date(2026, 1, 13))),
        crime("p4", outcome_code="18"),
        crime("p6", **at(3)),
        crime("q1", **at(5)),
        crime("q2", **at(0, date(2026, 1, 20))),
    )
    assert force.night(1, *recoded) == 2
    found = {key: tuple(row[c] for c in COUNTS) for key, row in force.bulletin(2).items()}
    assert found == {
        # p1, p2 and p3 left it, q1 came
        ("force_week", "force", "VAP", MONDAY): (6, 4, 1, 0, 3, 0, 0),
        ("force_week", "force", "ROBBERY", MONDAY): (0, 1, 0, 1, 0, 0, 0),
        ("force_week", "force", "VAP", NEXT): (1, 2, 0, 1, 0, 0, 0),
        # p1 still counts in the hotspot
        ("hotspot_week", "H-1", "ALL", MONDAY): (5, 3, 0, 0, 2, 0, 0),
        ("hotspot_week", "H-1", "ALL", NEXT): (1, 2, 0, 1, 0, 0, 0),
        ("hotspot_week", "H-2", "ALL", MONDAY): (0, 1, 0, 1, 0, 0, 0),
        ("hotspot_window", "H-1", "ALL", date(2026, 1, 1)): (5, 3, 0, 0, 2, 0, 0),
        ("hotspot_window", "H-2", "ALL", date(2026, 1, 1)): (0, 1, 0, 1, 0, 0, 0)}  # fmt: skip
    said = {key: (row["change"], row["why"]) for key, row in force.bulletin(2).items()}
    assert said["force_week", "force", "VAP", MONDAY] == (
        "recoded", "1 cancelled, 1 re-dated out of it, 1 reclassified out of it, 1 came new")  # fmt: skip
    assert said["force_week", "force", "VAP", NEXT] == ("growing", "1 re-dated into it")
    assert said["hotspot_window", "H-2", "ALL", date(2026, 1, 1)] == ("recoded", "1 moved into it")
    about = force.about(2)
    assert about["summary"] == (
        "6 figures of issue 1 (data to 2026-01-14) changed, 2 hotspot counts among them. 2 figures of weeks that had not ended then went "
        "on filling. 2 figures issued for the first time. 4 records recoded: 1 cancelled, 1 moved (1 into hotspot H-2), 1 re-dated, "
        "1 reclassified. 1 late report, 1 new record of weeks that had not ended."
    )
    assert about["changes"].splitlines() == [
        "2 records came new", "1 record cancelled", "1 record moved", "1 record re-dated", "1 record reclassified",
        "hotspot H-1: 1 cancelled", "hotspot H-2: 1 moved into it"]  # fmt: skip
    assert (about["n_new"], about["n_late"], about["n_recoded"], about["n_other"]) == (2, 1, 4, 0)
    assert about["n_balanced"] == 0


def test_what_stands_as_issued_is_not_issued_again(force: Force) -> None:
    first_night(force)
    before = {table: force.desk.rows(table) for table in TABLES}
    assert force.issue() is None
    assert force.night(1, crime("p4", outcome_code="18")) is None
    # one leaves a figure, another comes into it: the figure stands
    assert force.night(2, crime("p5", record_status="cancelled"), crime("q5")) is None
    assert {table: force.desk.rows(table) for table in TABLES} == before
    # and both are still accounted for when another one leaves it
    assert force.night(3, crime("p4", record_status="non_crime")) == 2
    row = force.bulletin(2)["hotspot_window", "H-1", "ALL", date(2026, 1, 1)]
    assert tuple(row[c] for c in COUNTS) == (5, 4, 1, 0, 2, 0, 0)


def test_no_row_is_overwritten_and_each_says_what_it_replaces(force: Force) -> None:
    first_night(force)
    earlier = force.desk.rows("published.issued_figures")
    force.night(1, crime("p1", record_status="cancelled"))
    force.night(2, crime("q9", **at(5, date(2026, 1, 20))))
    force.night(3, crime("p2", record_status="cancelled"))
    rows = force.desk.rows("published.issued_figures")
    assert [r for r in rows if r["issue"] == 1] == earlier
    chain = [(r["issue"], r["supersedes"], r["n_events"]) for r in rows if (r["figure"], r["period_from"]) == ("hotspot_week", MONDAY)]  # fmt: skip
    assert chain == [(1, None, 5), (2, 1, 4), (4, 2, 3)]
    assert [(r["issue"], r["supersedes"]) for r in force.desk.rows("published.issues")] == [(1, None), (2, 1), (3, 2), (4, 3)]  # fmt: skip


def test_a_figure_that_changes_without_a_recode_says_so(force: Force) -> None:
    first_night(force)
    # recoded, but before the issue that the next one is compared with
    assert force.night(1, crime("p1", ho_offence_code="005/04"), crime("p9", **at(5))) == 2
    force.desk.session.execute("delete from validated.offence_codes")
    groups(force.desk, [c | {"cat_group": "ROBBERY"} if c["cat_group"] == "VAP" else c for c in CODES])  # fmt: skip
    assert force.night(2) == 3
    row = force.bulletin(3)["force_week", "force", "ROBBERY", MONDAY]
    assert (row["change"], row["n_other_in"]) == ("no_record_changed", 7)
    assert row["why"] == "no record changed: 7 in another group by the lookup, into it"
    assert "8 records counted otherwise though no record changed" in force.about(3)["summary"]


def test_a_hotspot_of_other_cells_says_so(force: Force) -> None:
    first_night(force)
    force.hotspots = {"H-1": [0, 5], "H-2": [3]}
    assert force.night(1) == 2
    row = force.bulletin(2)["hotspot_window", "H-1", "ALL", date(2026, 1, 1)]
    assert (row["n_before"], row["n_now"], row["n_other_in"]) == (5, 6, 1)
    assert row["why"] == "no record changed: 1 in other hotspot cells, into it"
    assert {key[0] for key in force.bulletin(2)} == {"hotspot_window", "hotspot_week"}


def test_a_hotspot_that_comes_or_goes_is_no_recode(force: Force) -> None:
    first_night(force)
    force.hotspots = {"H-1": [0], "H-5": [5]}
    assert force.night(1) == 2
    assert (force.bulletin(2), force.about(2)["n_other"], force.about(2)["changes"]) == ({}, 0, "")
    about = force.about(2)
    assert about["summary"].endswith("New hotspots: H-5. Hotspots no longer: H-2.")
    assert (about["n_first"], about["n_no_longer"], about["n_changed"]) == (2, 1, 0)
    # back again, it is a first issue, whatever was issued of it before
    force.hotspots = HOTSPOTS
    force.night(2, crime("q1", **at(3)))
    assert {k for k in force.bulletin(3) if k[1] != "force"} == set()
    assert force.issue() is None


def test_another_selection_window_is_no_recode(force: Force) -> None:
    first_night(force)
    force.window = (date(2026, 1, 1), date(2026, 1, 15))
    assert force.night(1) == 2
    assert force.bulletin(2) == {}
    assert "The selection window is 2026-01-01 to 2026-01-14 now" in force.about(2)["summary"]
    assert force.night(2, crime("p7", record_status="cancelled")) == 3
    row = force.bulletin(3)["hotspot_window", "H-1", "ALL", date(2026, 1, 1)]
    assert (row["n_before"], row["n_now"], row["supersedes"]) == (6, 5, 2)


def test_a_late_report_of_a_week_before_all_others_replaces_a_zero(force: Force) -> None:
    first_night(force)
    force.night(1, crime("q1", **at(5, date(2025, 11, 5))))
    row = force.bulletin(2)["force_week", "force", "VAP", date(2025, 11, 3)]
    assert (row["n_before"], row["n_now"], row["change"], row["why"]) == (
        0,
        1,
        "late",
        "1 came new",
    )


def test_a_withdrawal_takes_back_what_the_delivery_had_brought(force: Force) -> None:
    first_night(force)
    bad = force.told.night(1, crime("p1", record_status="cancelled"), crime("q1", **at(5)))
    assert force.night(2, crime("q2")) == 2
    force.told.withdraw(bad)
    assert force.night(3) == 3
    row = force.bulletin(3)["hotspot_window", "H-1", "ALL", date(2026, 1, 1)]
    assert (row["n_before"], row["n_now"], row["n_recoded_in"], row["why"]) == (5, 6, 1, "1 reinstated")  # fmt: skip
    # in the force one came back and one went: nothing to say
    assert ("force_week", "force", "VAP", MONDAY) not in force.bulletin(3)
    assert force.about(3)["n_balanced"] == 1
    assert "1 record known from withdrawn deliveries only" in force.about(3)["changes"]


def test_what_fails_on_the_way_leaves_nothing_and_the_next_run_issues_it(
    force: Force, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_night(force)
    before = {table: force.desk.rows(table) for table in TABLES}
    force.stand(1, crime("p1", record_status="cancelled"))

    def stop(session: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(tracing, "remember", stop)
        with pytest.raises(KeyboardInterrupt):
            force.issue()
    assert {table: force.desk.rows(table) for table in TABLES} == before
    # a figure that its records do not account for is not issued
    with monkeypatch.context() as patch:
        patch.setattr(tracing, "changed_records", lambda session, known: _none(session))
        with pytest.raises(AuditsFailed, match="bulletin_adds_up"):
            force.issue()
    assert {table: force.desk.rows(table) for table in TABLES} == before
    assert force.issue() == 2


def _none(session: Any) -> Any:
    return session.frame(
        f"select *, false as is_new, null::varchar as exclusion_reason from {tracing.CHANGED} limit 0"
    )


@pytest.mark.parametrize("seed", range(2))
def test_random_nights_against_plain_counting(seed: int, force: Force) -> None:
    """Every row of the bulletin, and no other, from what each record counted in before and after."""
    rng = random.Random(seed)
    weeks = [date(2026, 1, 7) + n * WEEK for n in range(3)]

    def record(n: int) -> Row:
        code = rng.choice(["008/06", "034/01", "053/33"])
        status = rng.choice(["live"] * 4 + ["cancelled"])
        flags = {"flag_da": rng.random() < 0.1}
        return crime(f"r{n}", ho_offence_code=code, record_status=status, **flags, **at(rng.choice([0, 0, 3, 5]), rng.choice(weeks)))  # fmt: skip

    then: dict[str, list[Key]] = {}
    known: set[str] = set()
    known_then: set[str] = set()
    last_to = date.min
    for night in range(4):
        numbers = rng.sample(range(40), 8)
        issue = force.night(night, *(record(n) for n in numbers))
        known |= {f"r{n}" for n in numbers}
        now = force.counted()
        before, after = (Counter(k for ks in side.values() for k in ks) for side in (then, now))
        if issue is None:
            assert before == after
            continue
        differing = {k for k in before | after if before[k] != after[k]}
        week_to = max((k[3] for k in before if k[0] == "force_week"), default=date.min)
        first = {k for k in differing if k[0].endswith("week") and k[3] > week_to}
        expected = {}
        for key in differing - first if issue > 1 else ():
            came = [r for r in now if key in now[r] and key not in then.get(r, [])]
            left = [r for r in then if key in then[r] and key not in now.get(r, [])]
            n_new = sum(r not in known_then for r in came)
            expected[key] = (before[key], after[key], n_new, len(came) - n_new, len(left), 0, 0)
        found = force.bulletin(issue)
        assert {k: tuple(r[c] for c in COUNTS) for k, r in found.items()} == expected
        growing = {k for k in expected if k[0].endswith("week") and k[3] + timedelta(days=6) > last_to}  # fmt: skip
        assert {k for k, r in found.items() if r["change"] == "growing"} >= growing
        then, known_then, last_to = now, set(known), force.about(issue)["data_to"]


def test_incidents_and_events_known_by_month_are_figures_too(force: Force) -> None:
    month = {"committed_time_known": "month", "police_day": None, "week_start": None, "committed_from_local": None,
             "month": date(2026, 1, 1)}  # fmt: skip
    calls = Nights(force.desk, table="asb_incidents")
    calls.night(0, incident("c1"), incident("c2"), name="calls 0")
    force.desk.run("history.asb_current")
    assert force.night(0, crime("p1"), crime("m1", **month), crime("m2", **month)) == 1
    calls.night(1, incident("c1", linked_crime_pid="p1"), name="calls 1")
    force.desk.run("history.asb_current")
    assert force.night(1, crime("m2", record_status="cancelled", **month), crime("m3", ho_offence_code="034/01", **month)) == 2  # fmt: skip
    found = {key: (*(row[c] for c in COUNTS), row["why"]) for key, row in force.bulletin(2).items()}
    january = date(2026, 1, 1)
    assert found == {
        ("force_week", "force", "ASB", MONDAY): (2, 1, 0, 0, 1, 0, 0, "1 recorded as a crime"),
        ("force_month", "force", "VAP", january): (2, 1, 0, 0, 1, 0, 0, "1 cancelled"),
        ("force_month", "force", "ROBBERY", january): (0, 1, 1, 0, 0, 0, 0, "1 came new")}  # fmt: skip
    assert force.about(2)["n_balanced"] == 2
