"""Versions against a plain reading of the rules: one extract after another, record by record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from typing import NamedTuple

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotspot_pipeline.history.answers import answer_timeline, change_masks
from hotspot_pipeline.history.versions import observed_versions

START = datetime(2025, 1, 6, 2, 30)


def at(day: float) -> datetime:
    return START + timedelta(days=day)


class Sighting(NamedTuple):
    record: int
    scope: int
    first: int
    last: int
    ptr: int
    content: str


Row = tuple[int, int, int, str, bool]
"""record, day, ptr, content, is_missing"""

SCHEMA = {
    "record": pl.Int64,
    "scope": pl.Int64,
    "from_ts": pl.Datetime("us"),
    "to_ts": pl.Datetime("us"),
    "ptr": pl.Int64,
    "row_hash": pl.String,
}


def as_sightings(rows: list[Sighting]) -> pl.DataFrame:
    data = [(s.record, s.scope, at(s.first), at(s.last), s.ptr, s.content) for s in rows]
    return pl.DataFrame(data, schema=SCHEMA, orient="row")


def as_wholes(rows: list[tuple[int, int]]) -> pl.DataFrame:
    schema = {"scope": pl.Int64, "order_ts": pl.Datetime("us")}
    return pl.DataFrame([(scope, at(day)) for scope, day in rows], schema=schema, orient="row")


def versions_of(
    sightings: list[Sighting], wholes: list[tuple[int, int]], n_absences: int = 2
) -> list[Row]:
    found = observed_versions(as_sightings(sightings), as_wholes(wholes), n_absences=n_absences)
    return [
        (record, (moment - START).days, ptr, content, is_missing)
        for record, moment, ptr, content, is_missing in found.rows()
    ]


# The rules again, as a person would apply them with the extracts on the table.


def by_hand(
    seen: dict[tuple[int, int], list[tuple[int, int, str]]],
    wholes: set[tuple[int, int]],
    n_absences: int,
) -> list[Row]:
    """`seen`: (record, day) -> the (ptr, scope, content) that stood in the extract of that day."""
    days = sorted({day for _, day in seen} | {day for _, day in wholes})
    rows: list[Row] = []
    for record in sorted({record for record, _ in seen}):
        state: tuple[int, str] | None = None
        scope, n_absent, is_missing = 0, 0, False
        for day in days:
            if (record, day) in seen:
                ptr, scope, content = max(seen[record, day])
                if state is None or is_missing or state[1] != content:
                    state = (ptr, content)
                    rows.append((record, day, ptr, content, False))
                n_absent, is_missing = 0, False
            elif state is not None and (scope, day) in wholes:
                n_absent += 1
                if n_absent >= n_absences and not is_missing:
                    is_missing = True
                    rows.append((record, day, *state, True))
    return rows


def seen_from(
    sightings: list[Sighting], wholes: set[tuple[int, int]]
) -> dict[tuple[int, int], list[tuple[int, int, str]]]:
    seen: dict[tuple[int, int], list[tuple[int, int, str]]] = {}
    for s in sightings:
        days = {s.first, s.last}
        days |= {day for scope, day in wholes if scope == s.scope and s.first < day < s.last}
        for day in days:
            seen.setdefault((s.record, day), []).append((s.ptr, s.scope, s.content))
    return seen


# Extracts, and the sightings that stand for them.


@dataclass(frozen=True)
class Extract:
    """What came on one day: the rows, and the scopes it holds whole (none: a delta)."""

    day: int
    scopes: tuple[int, ...]
    rows: dict[int, tuple[int, str]]
    """record -> (scope, content)"""


def ptr_of(record: int, content: str) -> int:
    return record * 100 + ord(content)


def sightings_of(extracts: list[Extract]) -> tuple[list[Sighting], list[tuple[int, int]]]:
    """The same content in every whole of its scope from one to another is one run."""
    wholes = [(scope, e.day) for e in extracts for scope in e.scopes]
    sightings: list[Sighting] = []
    open_runs: dict[tuple[int, int, str], tuple[int, int]] = {}
    for e in sorted(extracts, key=lambda e: e.day):
        present = {
            (record, scope, content)
            for record, (scope, content) in e.rows.items()
            if scope in e.scopes
        }
        ended = [key for key in open_runs if key[1] in e.scopes and key not in present]
        sightings.extend(_closed(key, *open_runs.pop(key)) for key in ended)
        for key in present:
            open_runs[key] = (open_runs.get(key, (e.day, e.day))[0], e.day)
        for record, (scope, content) in e.rows.items():
            if scope not in e.scopes:
                sightings.append(
                    Sighting(record, scope, e.day, e.day, ptr_of(record, content), content)
                )
    return sightings + [_closed(key, *run) for key, run in open_runs.items()], wholes


def _closed(key: tuple[int, int, str], first: int, last: int) -> Sighting:
    record, scope, content = key
    return Sighting(record, scope, first, last, ptr_of(record, content), content)


def seen_in(extracts: list[Extract]) -> dict[tuple[int, int], list[tuple[int, int, str]]]:
    return {
        (record, e.day): [(ptr_of(record, content), scope, content)]
        for e in extracts
        for record, (scope, content) in e.rows.items()
    }


@st.composite
def nights(draw: st.DrawFn) -> list[Extract]:
    """Full extracts and deltas of one feed: scope 0 throughout."""
    days = draw(st.lists(st.integers(0, 40), min_size=1, max_size=12, unique=True))
    contents = st.dictionaries(st.integers(1, 8), st.sampled_from("ABC"), max_size=8)
    extracts = []
    for day in days:
        is_full = draw(st.booleans())
        rows = {record: (0, content) for record, content in draw(contents).items()}
        extracts.append(Extract(day, (0,) if is_full else (), rows))
    return extracts


@st.composite
def releases(draw: st.DrawFn) -> list[Extract]:
    """Releases, each whole for some months; a record can be re-dated into another month."""
    days = draw(st.lists(st.integers(0, 40), min_size=1, max_size=12, unique=True))
    extracts = []
    for day in days:
        months = draw(st.sets(st.integers(1, 3), max_size=3))
        where = st.tuples(
            st.sampled_from(sorted(months))
            if months and draw(st.booleans())
            else st.integers(1, 3),
            st.sampled_from("ABC"),
        )
        rows = draw(st.dictionaries(st.integers(1, 8), where, max_size=8))
        extracts.append(Extract(day, tuple(sorted(months)), rows))
    return extracts


histories = st.one_of(nights(), releases())
absences = st.integers(1, 3)


@settings(max_examples=83, deadline=None)
@given(histories, absences, st.randoms(use_true_random=False))
def test_versions_are_those_found_extract_by_extract(extracts, n_absences, random) -> None:
    sightings, wholes = sightings_of(extracts)
    expected = by_hand(seen_in(extracts), set(wholes), n_absences)
    assert versions_of(sightings, wholes, n_absences) == expected
    sightings, wholes = sightings + random.sample(sightings, len(sightings) // 2), wholes * 2
    random.shuffle(sightings)
    random.shuffle(wholes)
    assert versions_of(sightings, wholes, n_absences) == expected


def stored_row(number: int, scope: int, content: str) -> int:
    """A stored row has one scope and one content."""
    return number * 9 + scope * 3 + "ABC".index(content)


any_sightings = st.lists(
    st.builds(
        lambda record, scope, days, content, ptr: Sighting(
            record, scope, min(days), max(days), stored_row(ptr, scope, content), content
        ),
        st.integers(1, 3),
        st.integers(0, 2),
        st.tuples(st.integers(0, 15), st.integers(0, 15))
        | st.integers(0, 15).map(lambda d: (d, d)),
        st.sampled_from("ABC"),
        st.integers(0, 9),
    ),
    max_size=12,
)
any_wholes = st.sets(st.tuples(st.integers(0, 2), st.integers(0, 15)), max_size=25)


@settings(max_examples=83, deadline=None)
@given(any_sightings, any_wholes, absences)
def test_contradicting_sightings_are_settled_moment_by_moment(
    sightings, wholes, n_absences
) -> None:
    """Runs over one another, ends that are no wholes, two contents at one moment."""
    expected = by_hand(seen_from(sightings, wholes), wholes, n_absences)
    assert versions_of(sightings, sorted(wholes), n_absences) == expected


@pytest.mark.parametrize("n_absences", [1, 2, 3])
def test_thousands_of_contradicting_records_at_once(n_absences: int) -> None:
    """Many more shapes than the examples above have, and many records in one call."""
    random = Random(n_absences)
    wholes = {(scope, day) for scope in range(3) for day in range(25) if random.random() < 0.4}
    sightings = []
    for record in range(3000):
        for _ in range(random.randint(1, 7)):
            scope = random.choice([0, 0, 1, 2])
            days = random.choices([day for s, day in wholes if s == scope] + [3, 8, 14, 20], k=2)
            first, last = min(days), random.choice(days) if random.random() < 0.5 else max(days)
            content, last = random.randrange(3), max(first, last)
            ptr = stored_row(random.randrange(6), scope, "ABC"[content])
            sightings.append(Sighting(record, scope, first, last, ptr, "ABC"[content]))
    random.shuffle(sightings)
    expected = by_hand(seen_from(sightings, wholes), wholes, n_absences)
    assert versions_of(sightings, sorted(wholes), n_absences) == expected


@settings(max_examples=33, deadline=None)
@given(histories, absences, st.data())
def test_a_run_split_into_shorter_runs_changes_nothing(extracts, n_absences, data) -> None:
    sightings, wholes = sightings_of(extracts)
    split: list[Sighting] = []
    for s in sightings:
        moments = sorted(
            d for scope, d in set(wholes) if scope == s.scope and s.first <= d <= s.last
        )
        while s.first < s.last and len(moments) > 1 and data.draw(st.booleans()):
            cut = data.draw(st.integers(0, len(moments) - 2))
            split.append(s._replace(last=moments[cut]))
            s = s._replace(first=moments[cut + 1])
            moments = moments[cut + 1 :]
        split.append(s)
    assert versions_of(split, wholes, n_absences) == versions_of(sightings, wholes, n_absences)


@settings(max_examples=33, deadline=None)
@given(histories, absences)
def test_every_state_seen_is_there_and_none_twice_running(extracts, n_absences) -> None:
    sightings, wholes = sightings_of(extracts)
    versions = versions_of(sightings, wholes, n_absences)
    for (record, day), [(_, _, content)] in seen_in(extracts).items():
        state = [v for v in versions if v[0] == record and v[1] <= day][-1]
        assert state[3:] == (content, False)
    for before, after in pairwise(versions):
        assert before[:2] < after[:2]
        assert before[0] != after[0] or before[3:] != after[3:]


@settings(max_examples=33, deadline=None)
@given(histories, absences, st.integers(0, 40))
def test_later_extracts_leave_earlier_versions_alone(extracts, n_absences, day) -> None:
    early = versions_of(*sightings_of([e for e in extracts if e.day <= day]), n_absences)
    everything = versions_of(*sightings_of(extracts), n_absences)
    assert [v for v in everything if v[1] <= day] == early


@settings(max_examples=33, deadline=None)
@given(
    st.dictionaries(
        st.integers(1, 8),
        st.tuples(st.integers(0, 5), st.lists(st.sampled_from("ABC"), min_size=12, max_size=12)),
    )
)
def test_full_and_delta_extracts_of_the_same_changes_agree(lives) -> None:
    fulls, deltas = [], []
    for day in range(12):
        now = {record: c[day] for record, (born, c) in lives.items() if day >= born}
        changed = {
            record: content
            for record, content in now.items()
            if lives[record][0] == day or lives[record][1][day - 1] != content
        }
        fulls.append(Extract(day, (0,), {record: (0, content) for record, content in now.items()}))
        deltas.append(Extract(day, (), {record: (0, c) for record, c in changed.items()}))
    expected = versions_of(*sightings_of(fulls))
    assert versions_of(*sightings_of(deltas)) == expected
    mixed = [full if full.day % 3 == 0 else delta for full, delta in zip(fulls, deltas)]
    assert versions_of(*sightings_of(mixed)) == expected


@settings(max_examples=20, deadline=None)
@given(histories, absences, st.sets(st.integers(1, 8)))
def test_records_stand_for_themselves(extracts, n_absences, chosen) -> None:
    sightings, wholes = sightings_of(extracts)
    some = versions_of([s for s in sightings if s.record in chosen], wholes, n_absences)
    everything = versions_of(sightings, wholes, n_absences)
    assert some == [v for v in everything if v[0] in chosen]


# Cases by name.


def test_edge_case_5_cancel_uncancel_recancel() -> None:
    """Recorded, cancelled, back, cancelled again: four versions, though only two contents."""
    sightings = [
        Sighting(1, 0, 0, 2, 10, "recorded"),
        Sighting(1, 0, 3, 4, 11, "cancelled"),
        Sighting(1, 0, 5, 5, 10, "recorded"),
        Sighting(1, 0, 6, 9, 11, "cancelled"),
    ]
    expected = [
        (1, 0, 10, "recorded", False),
        (1, 3, 11, "cancelled", False),
        (1, 5, 10, "recorded", False),
        (1, 6, 11, "cancelled", False),
    ]
    assert versions_of(sightings, [(0, day) for day in range(10)]) == expected
    assert versions_of([s._replace(last=s.first) for s in sightings], []) == expected


def test_edge_case_7_reclassified_out_of_scope_and_back() -> None:
    """Gone from the extract while out of scope: missing at the second absence, then back."""
    wholes = [(0, day) for day in range(8)]
    sightings = [Sighting(1, 0, 0, 2, 10, "burglary"), Sighting(1, 0, 6, 7, 10, "burglary")]
    expected = [
        (1, 0, 10, "burglary", False),
        (1, 4, 10, "burglary", True),
        (1, 6, 10, "burglary", False),
    ]
    assert versions_of(sightings, wholes) == expected
    masks = observed_versions(as_sightings(sightings), as_wholes(wholes), n_absences=2)
    masks = masks.with_columns(h_class=pl.lit(1, dtype=pl.Int64))
    assert change_masks(masks, ["class"]).to_list() == ["new", "missing", "returned"]


def test_edge_case_7_reclassified_while_away() -> None:
    versions = pl.DataFrame(
        {
            "record": [1, 1, 1],
            "is_missing": [False, True, False],
            "h_class": [1, 1, 2],
            "h_geo": [5, 5, 5],
        }
    )
    masks = change_masks(versions, ["class", "geo"])
    assert masks.to_list() == ["new", "missing", "returned,class"]


def test_edge_case_13_full_extract_missing_two_rows_in_five_deletes_none_at_first() -> None:
    wholes = [(0, day) for day in range(5)]
    kept = [Sighting(r, 0, 0, 4, r, "A") for r in range(40, 100)]
    lost = [
        s for r in range(40) for s in (Sighting(r, 0, 0, 2, r, "A"), Sighting(r, 0, 4, 4, r, "A"))
    ]
    versions = versions_of(kept + lost, wholes)
    assert versions == [(r, 0, r, "A", False) for r in range(100)]
    # Only where the next full extract misses them too are they missing.
    lost = [Sighting(r, 0, 0, 2, r, "A") for r in range(40)]
    versions = versions_of(kept + lost, wholes)
    assert [v[:2] for v in versions if v[4]] == [(r, 4) for r in range(40)]


def test_edge_case_14_same_file_twice_and_day_2_before_day_1() -> None:
    first = [Sighting(1, 0, 1, 1, 10, "A"), Sighting(2, 0, 1, 1, 20, "A")]
    second = [Sighting(1, 0, 2, 2, 11, "B")]
    expected = [(1, 1, 10, "A", False), (1, 2, 11, "B", False), (2, 1, 20, "A", False)]
    assert versions_of(second + first, []) == expected
    assert versions_of(first + second + first + second, []) == expected
    # Delivered again under a later moment, an old file is an old state seen again.
    again = [Sighting(1, 0, 3, 3, 10, "A")]
    assert versions_of(first + second + again, [])[2] == (1, 3, 10, "A", False)


def test_a_delta_inside_a_run_holds_until_the_next_whole() -> None:
    run, wholes = Sighting(1, 0, 0, 6, 10, "A"), [(0, 0), (0, 3), (0, 6)]
    assert versions_of([run, Sighting(1, 0, 4, 4, 11, "B")], wholes) == [
        (1, 0, 10, "A", False),
        (1, 4, 11, "B", False),
        (1, 6, 10, "A", False),
    ]
    assert versions_of([run, Sighting(1, 0, 4, 4, 11, "A")], wholes) == [(1, 0, 10, "A", False)]


def test_a_delta_ends_the_count_of_absences_and_never_adds_to_it() -> None:
    wholes = [(0, day) for day in (0, 2, 4, 6, 8)]
    deltas_of_others = [Sighting(2, 0, day, day, 20, "A") for day in (1, 3, 5, 7)]
    seen = [Sighting(1, 0, 0, 0, 10, "A"), Sighting(1, 0, 3, 3, 10, "A")]
    found = versions_of(seen + deltas_of_others, wholes, n_absences=3)
    assert [v for v in found if v[0] == 1] == [(1, 0, 10, "A", False), (1, 8, 10, "A", True)]
    found = versions_of([seen[0], *deltas_of_others], [(0, 0)], n_absences=1)
    assert [v for v in found if v[0] == 1] == [(1, 0, 10, "A", False)]


def test_a_record_re_dated_into_another_month_is_not_missing_from_the_old_one() -> None:
    wholes = [(3, 0), (3, 10), (4, 10), (3, 20), (4, 20), (4, 30)]
    sightings = [Sighting(1, 3, 0, 0, 10, "A"), Sighting(1, 4, 10, 20, 11, "B")]
    expected = [(1, 0, 10, "A", False), (1, 10, 11, "B", False)]
    assert versions_of(sightings, wholes) == expected
    assert versions_of(sightings, wholes, 1) == [*expected, (1, 30, 11, "B", True)]


def test_records_with_any_code_stay_apart() -> None:
    low, high = -(2**62), 2**62
    sightings = [Sighting(high, 0, 0, 2, 10, "A"), Sighting(low, 0, 1, 1, 11, "A")]
    wholes = [(0, day) for day in range(4)]
    assert versions_of(sightings, wholes) == [
        (low, 1, 11, "A", False),
        (low, 3, 11, "A", True),
        (high, 0, 10, "A", False),
    ]
    near = [Sighting(high + r, 0, r, 3, 10, "A") for r in range(3)]
    assert [v[:2] for v in versions_of(near, wholes)] == [(high + r, r) for r in range(3)]


def test_nothing_seen_gives_no_rows_and_the_same_columns() -> None:
    full = observed_versions(
        as_sightings([Sighting(1, 0, 0, 0, 1, "A")]), as_wholes([(0, 0)]), n_absences=2
    )
    assert full.schema == {
        "record": pl.Int64,
        "observed_ts": pl.Datetime("us"),
        "ptr": pl.Int64,
        "row_hash": pl.String,
        "is_missing": pl.Boolean,
    }
    for wholes in ([], [(0, 0)]):
        empty = observed_versions(as_sightings([]), as_wholes(wholes), n_absences=2)
        assert empty.is_empty()
        assert empty.schema == full.schema


def test_what_cannot_be_is_refused() -> None:
    good = as_sightings([Sighting(1, 0, 0, 3, 1, "A")])
    with pytest.raises(ValueError, match="n_absences is 0"):
        observed_versions(good, as_wholes([]), n_absences=0)
    with pytest.raises(ValueError, match="end before they start"):
        observed_versions(as_sightings([Sighting(1, 0, 3, 0, 1, "A")]), as_wholes([]), n_absences=2)
    with pytest.raises(ValueError, match="row_hash is null in row 0"):
        unhashed = good.with_columns(row_hash=pl.lit(None, dtype=pl.String))
        observed_versions(unhashed, as_wholes([]), n_absences=2)
    with pytest.raises(ValueError, match="wholes: scope is null"):
        unscoped = as_wholes([(0, 0)]).with_columns(scope=pl.lit(None, dtype=pl.Int64))
        observed_versions(good, unscoped, n_absences=2)


# When each version was the answer.


def as_learned(rows: list[tuple[int, int, int]]) -> pl.DataFrame:
    moment = pl.Datetime("us")
    return pl.DataFrame(
        [(record, at(observed), at(learned), f"{record}{observed}{learned}")
         for record, observed, learned in rows],
        schema={"record": pl.Int64, "observed_ts": moment, "learned_ts": moment, "row_hash": pl.String},
        orient="row",
    )  # fmt: skip


learned_rows = st.sets(
    st.tuples(st.integers(1, 4), st.integers(0, 10), st.integers(0, 10)).map(
        lambda r: (r[0], r[1], r[1] + r[2])
    ),
    max_size=20,
)


@settings(max_examples=66, deadline=None)
@given(learned_rows, st.randoms(use_true_random=False))
def test_the_answer_at_every_moment_is_the_latest_state_known_by_then(rows, random) -> None:
    shuffled = sorted(rows)
    random.shuffle(shuffled)
    timeline = answer_timeline(as_learned(shuffled))
    assert timeline.select("record", "observed_ts", "learned_ts", "row_hash").equals(
        as_learned(sorted(rows))
    )
    for day in range(-1, 22):
        answers = timeline.filter(
            pl.col("known_from") <= at(day),
            (pl.col("known_to") > at(day)) | pl.col("known_to").is_null(),
        )
        expected = {}
        for record, observed, learned in sorted(rows):
            if learned <= day:
                expected[record] = f"{record}{observed}{learned}"
        assert dict(answers.select("record", "row_hash").rows()) == expected
        assert answers.height == len(expected)


@settings(max_examples=66, deadline=None)
@given(learned_rows)
def test_the_intervals_tile_without_gap_or_overlap(rows) -> None:
    timeline = answer_timeline(as_learned(sorted(rows)))
    for (record,), life in timeline.group_by("record"):
        assert life["version_no"].to_list() == list(range(1, life.height + 1))
        assert life["version_no"].dtype == pl.Int32
        assert life["known_from"].equals(life["learned_ts"].rename("known_from"))
        held = life.filter(
            pl.col("known_to").is_null() | (pl.col("known_to") > pl.col("known_from"))
        ).sort("known_from")
        assert held["known_from"][0] == life["learned_ts"].min(), record
        assert held["known_to"][:-1].to_list() == held["known_from"][1:].to_list()
        assert held["known_to"][-1] is None
        assert life.filter(pl.col("known_to") < pl.col("known_from")).is_empty()


def test_a_state_that_came_after_its_successor_was_never_the_answer() -> None:
    timeline = answer_timeline(as_learned([(1, 0, 0), (1, 1, 5), (1, 2, 3)]))
    assert timeline["known_to"].to_list() == [at(3), at(5), None]


def test_a_row_found_wrong_is_put_right_at_its_own_moment() -> None:
    timeline = answer_timeline(as_learned([(1, 4, 9), (1, 0, 0), (1, 4, 4)]))
    assert timeline["known_to"].to_list() == [at(4), at(9), None]


def test_a_version_that_is_there_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        answer_timeline(as_learned([(1, 0, 0), (2, 0, 0), (1, 0, 0)]))


def test_no_versions_give_an_empty_timeline() -> None:
    timeline = answer_timeline(as_learned([]))
    assert timeline.is_empty()
    assert timeline.schema["version_no"] == pl.Int32
    assert timeline.schema["known_to"] == pl.Datetime("us")


# What kind of change.

masked_rows = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.booleans(),
        st.sampled_from([None, 1, 2]),
        st.sampled_from([None, 1, 2]),
    ),
    max_size=14,
)


@settings(max_examples=66, deadline=None)
@given(masked_rows)
def test_masks_name_what_differs_from_the_version_before(rows) -> None:
    rows = sorted(rows, key=lambda r: r[0])
    schema = {
        "record": pl.Int64,
        "is_missing": pl.Boolean,
        "h_time": pl.Int64,
        "h_class": pl.Int64,
    }
    masks = change_masks(pl.DataFrame(rows, schema=schema, orient="row"), ["class", "time"])
    assert masks.dtype == pl.String
    expected = []
    for i, (record, is_missing, time, kind) in enumerate(rows):
        if i == 0 or rows[i - 1][0] != record:
            expected.append("new")
            continue
        _, was_missing, old_time, old_kind = rows[i - 1]
        words = ["class"] * (kind != old_kind) + ["time"] * (time != old_time)
        if is_missing and not was_missing:
            expected.append("missing")
        elif was_missing and not is_missing:
            expected.append(",".join(["returned", *words]))
        else:
            expected.append(",".join(words) or "admin")
    assert masks.to_list() == expected


def test_masks_without_groups_and_without_order() -> None:
    frame = pl.DataFrame({"record": [1, 1, 2], "is_missing": [False, False, False]})
    assert change_masks(frame, []).to_list() == ["new", "admin", "new"]
    with pytest.raises(ValueError, match="not sorted"):
        change_masks(frame.reverse(), [])
