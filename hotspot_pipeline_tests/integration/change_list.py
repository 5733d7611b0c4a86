"""What the history of the county must be, by brute force: record by record from the simulator's list of changes.

The list, run backwards from the last full extract, gives the state of every record on every night. What a force comes to know of
that differs by rules, which stand here one by one (`Rules`): rows that the gate turns away, a line that could not be read, nights
that came late, writings of a place or a date that say less. Not here: what a change touches (`touched.py`); anything of the pipeline.
"""

from __future__ import annotations

import csv
import gzip
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from hotspot_pipeline_tests.integration.county import Ground
from hotspot_pipeline_tests.integration.tellings import KEYS, LOUD

BEGINS = {"crime_extract": "recorded_ts_local", "asb_extract": "opened_ts_local"}
# dirt of a record's every state that the gate turns away; of the last kind only the states that have an end are wrong
REJECTED = ("swapped_coordinates", "zero_coordinates", "outside_force", "inverted_window", "future_date",
            "unknown_offence_code")  # fmt: skip
REJECTED_IF_CLOSED = "closed_before_opened"
# a place given as a square of 100 m, and a day without a time: accepted as what they are
SQUARE, DAY_ONLY = "grid_letters", "date_without_time"
UNREADABLE = "wrong_number_of_fields"
State = Mapping[str, str]


@dataclass(frozen=True)
class Rules:
    """`late`: nights that came after `late_after` had been taken; `new_lookup_from`: the first night that met the new lookup;
    `turns_away`: rows that the gate turns away and lines that cannot be read are not known. Without any of it: the list of changes as it
    is."""

    late: frozenset[int] = frozenset()
    late_after: int = -1
    new_lookup_from: int = 0
    turns_away: bool = True


@dataclass(frozen=True)
class Pair:
    """One answer about a record and the next, known from `moment`: the night's number, a half more for late nights."""

    record: str
    moment: float
    before: State | None
    after: State


@dataclass
class Lives:
    """Every record of a feed: its states, from when each stood (local, as text), and what is wrong with it."""

    ground: Ground
    feed: str
    states: dict[str, list[tuple[str, State]]] = field(default_factory=dict)
    dirt: dict[str, set[str]] = field(default_factory=dict)
    unreadable: set[tuple[str, int]] = field(default_factory=set)  # record, night of the delta
    # when anything of a record changed, also what moves no count: the next delta shows the whole record
    delivered: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, ground: Ground, feed: str) -> Lives:
        found = cls(ground, feed)
        key, begins = KEYS[feed], BEGINS[feed]
        wanted = [*LOUD[feed], begins, *(["closed_ts_local"] if feed == "asb_extract" else [])]
        changes: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
        truth = ground.truth("crime_changes" if feed == "crime_extract" else "asb_changes")
        columns = (key, "changed_ts_local", "column", "value_from")
        for record, at, column, value in truth.select(columns).iter_rows():
            found.delivered.setdefault(record, []).append(at)
            if column in wanted:
                changes[record].append((at, column, value or ""))
        with gzip.open(ground.file(feed, "full", ground.nights[-1]), "rt", newline="") as stream:
            for row in csv.DictReader(stream):
                state = {name: row[name] for name in wanted if name in row}
                found.states[row[key]] = _backwards(state, row[begins], changes[row[key]])
        for kind, record, file in (
            ground.truth("dirt").filter(feed=feed).select("kind", "key", "file").iter_rows()
        ):
            if kind == UNREADABLE:
                night = next(n for n in ground.nights if ground.file(feed, "delta", n).name == file)
                found.unreadable.add((record, night.number))
            else:
                found.dirt.setdefault(record, set()).add(kind)
        return found

    def pairs(self, rules: Rules) -> Iterator[Pair]:
        """Every change of what is known, record by record."""
        for record in self.states:
            answer: State | None = None
            newest = -1
            known = sorted(self._known(record, rules), key=lambda k: k[:2])
            for k, (moment, night, state) in enumerate(known):
                # of two that became known together the one observed last is the answer, and never one that is older than it
                is_last = k + 1 == len(known) or known[k + 1][0] > moment
                if night < newest or not is_last:
                    continue
                newest = night
                yield Pair(record, moment, answer, state)
                answer = state

    def _known(self, record: str, rules: Rules) -> Iterator[tuple[float, int, State]]:
        """(moment from which it is known, night that showed it, state)"""
        for night, state in self._observed(record, rules):
            yield (rules.late_after + 0.5 if night in rules.late else night), night, state

    def _observed(self, record: str, rules: Rules) -> Iterator[tuple[int, State]]:
        ats, wholes = self._calendar()
        begins = [(bisect_left(ats, at), state) for at, state in self.states[record]]
        dirt = self.dirt.get(record, set())
        wrong = dirt if rules.turns_away else set()
        for k, (night, state) in enumerate(begins):
            until = begins[k + 1][0] if k + 1 < len(begins) else len(ats)
            if night >= until:
                continue
            fulls = wholes[bisect_left(wholes, night) : bisect_left(wholes, until)]
            if wrong.intersection(REJECTED) or (
                REJECTED_IF_CLOSED in wrong and state["closed_ts_local"]
            ):
                # a row that is turned away says that the record is still there, as it was last seen
                continue
            is_lost = rules.turns_away and (record, night) in self.unreadable
            if not is_lost:
                yield night, _as_written(state, dirt)
            if (
                is_lost or night in rules.late
            ):  # then what is delivered next may be the first to say it
                deltas = {bisect_left(ats, at) for at in self.delivered.get(record, ())}
                next_deltas = [n for n in deltas if night < n < until and (record, n) not in self.unreadable]  # fmt: skip
                if again := [*next_deltas, *fulls]:
                    yield min(again), _as_written(state, dirt)

    def _calendar(self) -> tuple[list[str], list[int]]:
        """When the nights' extracts were taken, and which nights had a full one that the gate accepts."""
        nights = self.ground.nights
        ats = [f"{night.at.item():%Y-%m-%d %H:%M:%S}" for night in nights]
        return ats, [n.number for n in nights if n.is_full and not n.is_partial]


def _backwards(
    state: dict[str, str], begins: str, changes: list[tuple[str, str, str]]
) -> list[tuple[str, State]]:
    """The states of a record, the first first, from its last one and its changes in order of time."""
    found: list[tuple[str, State]] = []
    last_at = ""
    for at, column, value_from in reversed(changes):
        if at != last_at:
            found.append((at, dict(state)))
            last_at = at
        state[column] = value_from
    found.append((begins, state))
    return found[::-1]


def _as_written(state: State, dirt: set[str]) -> State:
    if SQUARE in dirt:
        east, north = _middle_of_square(state)
        state = {**state, "easting": east, "northing": north, "geocode_quality": "area_centroid"}
    if DAY_ONLY in dirt:
        day = state["committed_from_local"][:10]
        state = {**state, "committed_from_local": day, "committed_to_local": ""}
    return state


def _middle_of_square(state: State) -> tuple[str, str]:
    """Of a letter reference of six figures ("SP 319 657"), or of the square of 100 m that a point lies in."""
    text = state["easting"].split()
    if len(text) == 3:
        letters = "ABCDEFGHJKLMNOPQRSTUVWXYZ"
        big, small = (letters.index(c) for c in text[0])
        east = ((big % 5 - 2) * 5 + small % 5) * 1000 + int(text[1])
        north = ((3 - big // 5) * 5 + 4 - small // 5) * 1000 + int(text[2])
    else:
        east, north = int(state["easting"]) // 100, int(state["northing"]) // 100
    return str(east * 100 + 50), str(north * 100 + 50)
