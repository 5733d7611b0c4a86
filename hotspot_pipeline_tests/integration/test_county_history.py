"""The county's three years of nights with every scripted shock: ledgers, affected weeks, guard and answers are what the simulator's
list of changes says.

Size: HOTSPOTS_VERIFY_COUNTY_VOLUME (1 is a real county) and HOTSPOTS_VERIFY_COUNTY_WEEKS (157 is every night of it).
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from hotspot_pipeline_tests.integration import change_list, county, touched
from hotspot_pipeline_tests.integration.change_list import Rules
from hotspot_pipeline_tests.integration.county_told import (
    MIN_MOVED,
    MOVED_AT_MOST,
    N_DATES,
    N_NIGHTS_LATER,
    Told,
    moments,
)
from hotspot_pipeline_tests.integration.figures import record
from hotspot_pipeline_tests.integration.tellings import KEYS, TABLE

pytestmark = pytest.mark.slow


def test_what_the_gate_turned_away_is_what_is_wrong_in_the_truth(county_told: Told) -> None:
    with county_told.telling.session() as session:
        for feed, key in KEYS.items():
            lives = county_told.lives[feed]
            kinds = (*change_list.REJECTED, change_list.REJECTED_IF_CLOSED)
            wrong = {r for r, dirt in lives.dirt.items() if dirt.intersection(kinds)}
            turned_away = session.frame(
                f"select distinct r.{key} from raw.{TABLE[feed]} r "
                "join validated.rejects j using (extract_id, source_file, line_no) where j.rule not in ('unique_key', 'duplicate_row')"
            )
            assert set(turned_away[key]) == wrong & set(lives.states), feed
            held = session.frame(
                "select e.extract_ts_utc from validated.extract_counts c join raw.extracts e using (extract_id) "
                "where c.status = 'held' and c.feed = $feed",
                {"feed": feed},
            )
            partial = [county.utc_of(n) for n in county_told.ground.nights if n.is_partial]
            assert held["extract_ts_utc"].to_list() == partial
            record(
                "the county as delivered: what is wrong on purpose",
                feed=feed,
                records=len(lives.states),
                records_turned_away=len(wrong),
                lines_unreadable=len(lives.unreadable),
                extracts_held_at_the_gate=held.height,
            )


def test_the_count_ledger_is_exact_every_night(county_told: Told) -> None:
    """It adds up after every run; and it says what the list of changes says, night by night."""
    assert county_told.unbalanced == []
    columns = "live_after, n_new, n_reinstated, n_cancelled, n_transferred, n_merged, n_non_crime, n_missing"
    with county_told.telling.session() as session:
        for feed in KEYS:
            moment_of = moments(session, county_told, TABLE[feed])
            told_by: dict[float, Counter[str]] = {}
            rows = session.frame(
                f"select known_from_utc, {columns} from history.count_ledger where table_name = $t order by 1",
                {"t": TABLE[feed]},
            )
            for row in rows.iter_rows(named=True):
                counts = told_by.setdefault(moment_of[row.pop("known_from_utc")], Counter())
                live = row.pop("live_after")
                counts.update({name: n for name, n in row.items() if n})
                counts["live_after"] = live
            wanted = touched.ledger(county_told.lives[feed], county_told.rules)
            live = 0
            for moment in sorted(told_by):
                counts = wanted.pop(moment, Counter())
                live += counts["n_new"] + counts["n_reinstated"]
                live -= sum(
                    n for name, n in counts.items() if name not in ("n_new", "n_reinstated")
                )
                assert told_by[moment] == Counter({**counts, "live_after": live}), (feed, moment)
            assert not wanted


def test_affected_weeks_are_those_of_the_list_of_changes(county_told: Told) -> None:
    """Cell, police day, week and group of what left and what came, with their numbers, for every delivery."""
    with county_told.telling.session() as session:
        for feed in KEYS:
            lives = county_told.lives[feed]
            n_records, n_new = county_told.touched[feed]
            moment_of = moments(session, county_told, TABLE[feed])
            listed: touched.Touched = Counter()
            listed_new: touched.Touched = Counter()
            rows = session.frame(
                "select known_from_utc, side, week_start, police_day, cell_r9, cat_group, n_records, n_new "
                "from history.affected_weeks where table_name = $t and extract_id not like 'lookup:%'",
                {"t": TABLE[feed]},
            )
            for known, *where, records, new in rows.iter_rows():
                listed[moment_of[known], *where] += records
                listed_new[moment_of[known], *where] += new
            assert listed == n_records, _apart(listed, n_records)
            assert +listed_new == +n_new
            plain, _ = touched.affected(lives, Rules(turns_away=False), county_told.lookups)
            record(
                "the county as delivered: affected weeks against the list of changes",
                feed=feed,
                places_and_days_touched=len(n_records),
                of_the_list_alone=len(plain),
                of_both=len(plain & n_records),
                unexplained=0,
            )


def test_the_new_lookup_touches_the_crimes_that_it_puts_into_another_group(
    county_told: Told,
) -> None:
    """It came a week after the day from which it holds: the crimes recorded in between left one group and came to the other."""
    lives = county_told.lives["crime_extract"]
    wanted = touched.regrouped(lives, county_told.rules, county_told.lookups)
    listed: Counter[Any] = Counter()
    with county_told.telling.session() as session:
        rows = session.frame(
            "select side, week_start, police_day, cell_r9, cat_group, n_records from history.affected_weeks "
            "where extract_id like 'lookup:%'"
        )
    for *where, n_records in rows.iter_rows():
        listed[county_told.rules.new_lookup_from, *where] += n_records
    assert listed == wanted, _apart(listed, wanted)
    assert wanted
    record(
        "the county as delivered: the new lookup",
        crimes_in_another_group=sum(wanted.values()) // 2,
        entries=len(wanted),
        unexplained=0,
    )


def _apart(found: Counter[Any], wanted: Counter[Any]) -> str:
    lines = [f"not expected: {k} {n}" for k, n in sorted((found - wanted).items())[:10]]
    lines += [f"not found: {k} {n}" for k, n in sorted((wanted - found).items())[:10]]
    return "\n".join(lines)


def test_the_guard_holds_the_nights_that_move_too_much(county_told: Told) -> None:
    """Which those are follows from the list of changes. By the guard's own limits none is; by the stricter ones of this
    telling the night of the corrected gazetteer."""
    wanted = set()
    seen = county_told.ground.truth("deliveries").filter(kind="delta")
    for feed in KEYS:
        moved = touched.moved(county_told.lives[feed], county_told.rules)
        for night in county_told.ground.nights[1:]:
            if moved[night.number] < MIN_MOVED:
                continue
            name = county_told.ground.file(feed, "delta", night).name
            (n_seen,) = seen.filter(file=name)["n_rows"]
            if moved[night.number] > MOVED_AT_MOST * n_seen:
                wanted.add((feed, night.number))
    with county_told.telling.session() as session:
        found = {
            (feed, int(moments(session, county_told, TABLE[feed])[known]))
            for feed, known in session.frame(
                "select feed, known_from_utc from history.extracts where is_held"
            ).iter_rows()
        }
        decisions = session.frame(
            "select extract_id, decision, decided_by, because from raw.decisions"
        )
    assert found == wanted
    batch = county_told.ground.profile.shocks["batch_regeocode"]
    if county.VOLUME >= 0.5 and county.N_WEEKS == 157:
        assert ("crime_extract", batch) in found
    assert set(decisions["extract_id"]) == set(county_told.held)
    assert decisions.select("decision", "decided_by", "because").unique().rows() in (
        [],
        [("released", "an analyst", "the gazetteer was corrected")],
    )
    nights = ", ".join(str(n) for _, n in sorted(found))
    record(
        "the county as delivered: a stricter guard",
        nights_held=nights or "none",
        released=len(county_told.held),
    )


def test_as_known_is_the_same_many_nights_later(county_told: Told) -> None:
    assert len(county_told.prints) == N_DATES
    assert len(set(county_told.prints.values())) > N_DATES // 2
    assert county_told.other_prints.pop(len(county_told.ground.nights) - 1) == []
    for later, other in county_told.other_prints.items():
        assert later >= county_told.printed_after + N_NIGHTS_LATER
        assert other == []
    record(
        "the county as delivered: as known",
        dates=N_DATES,
        nights_between=N_NIGHTS_LATER,
        other_answers=0,
    )
