"""The count ledger against a plain account of random lives: late, missing and withdrawn, taken in over several nights or at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotspot_pipeline_tests.sql.conftest import Desk
from hotspot_pipeline_tests.sql.history.made_extracts import TICK, Nights, crime, groups, night

STATUSES = ("live", "cancelled", "transferred_out", "merged", "non_crime")
REASONS = {"cancelled": "n_cancelled", "transferred_out": "n_transferred", "merged": "n_merged", "non_crime": "n_non_crime",
           "missing_from_source": "n_missing", "withdrawn": "n_withdrawn"}  # fmt: skip


@dataclass(frozen=True)
class Told:
    """Night `day`: which status it tells of each record it holds."""

    day: int
    is_whole: bool
    statuses: tuple[tuple[str, str], ...]

    @property
    def moment(self) -> datetime:
        return night(self.day)


def statuses_from(extracts: Iterable[Told], known: Iterable[str]) -> dict[str, str]:
    """The status of each record by these extracts alone; of one known before that none of them shows: withdrawn."""
    in_order = sorted(extracts, key=lambda e: e.day)
    found = dict.fromkeys(known, "withdrawn")
    for pid in {pid for e in in_order for pid, _ in e.statuses}:
        n_absences = 0
        for extract in in_order:
            status = dict(extract.statuses).get(pid)
            if status:
                found[pid], n_absences = status, 0
            elif extract.is_whole and found.get(pid, "withdrawn") != "withdrawn":
                n_absences += 1
                if n_absences >= 2:
                    found[pid] = "missing_from_source"
    return found


class Account:
    """What was known when, kept by hand."""

    def __init__(self) -> None:
        self.standing: list[Told] = []
        self.statuses: dict[str, str] = {}
        self.sealed: datetime | None = None
        self.moves: dict[datetime, tuple[int, dict[str, int], int]] = {}

    def take(self, new: list[Told], withdrawn: list[Told]) -> None:
        late = [e for e in new if self.sealed and e.moment <= self.sealed]
        self.standing = [e for e in self.standing if e not in withdrawn]
        if late or withdrawn:
            assert self.sealed is not None
            self.standing += late
            self._learn(self.sealed + TICK)
        for extract in sorted((e for e in new if e not in late), key=lambda e: e.day):
            self.standing.append(extract)
            self._learn(extract.moment)

    def _learn(self, moment: datetime) -> None:
        after = statuses_from(self.standing, self.statuses)
        kinds: Counter[str] = Counter()
        for pid, status in after.items():
            was = self.statuses.get(pid)
            if status == "live" and was != "live":
                kinds["n_reinstated" if was else "n_new"] += 1
            elif was == "live" and status != "live":
                kinds[REASONS[status]] += 1
        self.moves[moment] = (_live(self.statuses), dict(kinds), _live(after))
        self.statuses, self.sealed = after, moment


def _live(statuses: dict[str, str]) -> int:
    return sum(status == "live" for status in statuses.values())


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[list[Told], list[Told]]]:
    """Batches: what comes, and what is withdrawn then."""
    n_days = draw(st.integers(3, 9))
    days = draw(st.permutations(range(n_days))) if draw(st.booleans()) else list(range(n_days))
    kind = draw(st.sampled_from(["whole", "deltas", "mixed"]))
    extracts = []
    for day in days:
        is_whole = kind == "whole" or (kind == "mixed" and draw(st.booleans()))
        statuses = draw(
            st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(STATUSES), min_size=1)
        )
        extracts.append(Told(day, is_whole, tuple(sorted(statuses.items()))))
    batches: list[tuple[list[Told], list[Told]]] = []
    taken: list[Told] = []
    while extracts:
        n = draw(st.integers(1, len(extracts)))
        gone = []
        if taken and draw(st.integers(0, 2)) == 0:
            gone = [draw(st.sampled_from(taken))]
        batches.append((extracts[:n], gone))
        taken = [e for e in taken if e not in gone] + extracts[:n]
        extracts = extracts[n:]
    if draw(st.booleans()):
        batches.append(([], [draw(st.sampled_from(taken))]))
    return batches


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])  # fmt: skip
@given(histories())
def test_the_account_of_random_lives(desk: Desk, batches: list[tuple[list[Told], list[Told]]]) -> None:  # fmt: skip
    desk.clear()
    groups(desk)
    told, by_hand = Nights(desk, each=False), Account()
    names: dict[Told, str] = {}
    for new, withdrawn in batches:
        for extract in withdrawn:
            told.withdraw(names[extract])
        for extract in new:
            records = [crime(pid, record_status=status) for pid, status in extract.statuses]
            kind = "full" if extract.is_whole else "delta"
            names[extract] = told.deliver(extract.moment, records, kind=kind)
        told.digest()
        by_hand.take(new, withdrawn)
        # the audits are blocking: a night that does not close stops here
        assert changes(told.moves()) == changes(by_hand.moves)
        assert set(told.moves()) <= set(by_hand.moves)
    now = {pid: r["record_status"] for pid, r in told.current().items()}
    assert now == {pid: s for pid, s in by_hand.statuses.items() if s != "withdrawn"}


def changes(moves: dict[datetime, tuple[int, dict[str, int], int]]) -> dict[datetime, Any]:
    """The moments at which something came or left; at the others nothing may happen."""
    assert all(before == after for before, kinds, after in moves.values() if not kinds)
    return {moment: m for moment, m in moves.items() if m[1]}


def test_a_night_without_changes_has_its_line(desk: Desk) -> None:
    groups(desk)
    told = Nights(desk, whole=True)
    told.night(0, crime("p"), crime("q", record_status="cancelled"))
    told.night(1)
    assert told.moves() == {night(0): (0, {"n_new": 1}, 1), night(1): (1, {}, 1)}


def test_each_feed_and_table_has_an_account_of_its_own(desk: Desk) -> None:
    groups(desk)
    told = Nights(desk)
    told.deliver(night(0), [crime("p")], kind="delta", name="a")
    told.deliver(night(1), [crime("p")], kind="delta", name="b", feed="another_force_system")
    told.deliver(night(2), [crime("p", record_status="merged")], kind="delta", name="c")
    rows = desk.run("history.count_ledger")
    assert [(r["feed"], r["known_from_utc"], r["live_before"], r["live_after"]) for r in rows] == [
        ("another_force_system", night(1), 0, 1),
        ("crime_extract", night(0), 0, 1), ("crime_extract", night(2), 1, 0)]  # fmt: skip


def test_an_account_that_does_not_close_is_noticed(desk: Desk) -> None:
    """A status that no column of the ledger stands for would open it: the audit has to see that."""
    line = {"table_name": "crimes", "known_from_utc": night(0), "live_before": 3, "n_new": 1, "n_reinstated": 1, "n_cancelled": 1,
            "n_transferred": 0, "n_merged": 0, "n_non_crime": 0, "n_missing": 1, "n_withdrawn": 0, "live_after": 3}  # fmt: skip
    desk.given("history.count_ledger", line)
    assert desk.bad_rows("history.count_ledger", "count_ledger_closes") == 0
    for column in line.keys() - {"table_name", "known_from_utc"}:
        desk.session.execute(f"update history.count_ledger set {column} = {column} + 1")
        assert desk.bad_rows("history.count_ledger", "count_ledger_closes") == 1, column
        desk.session.execute(f"update history.count_ledger set {column} = {column} - 1")
