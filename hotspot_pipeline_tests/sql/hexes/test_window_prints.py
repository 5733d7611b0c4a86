"""Exactly the windows whose counted events are others now are computed again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotspot_pipeline.hexes import window_prints
from hotspot_pipeline.sql_models.assets import refresh_model
from hotspot_pipeline_tests.sql.conftest import Desk
from hotspot_pipeline_tests.sql.history.made_extracts import computed

MONDAY = date(2026, 1, 5)
WEEKLY, DAILY = "hexes.crime_weekly", "hexes.crime_daily"
DAY, WEEK = timedelta(days=1), timedelta(days=7)
Event = dict[str, Any]


def event(day: int = 0, **more: Any) -> Event:
    police_day = MONDAY + day * DAY
    plain = {
        "is_counted": True, "cat_group": "VAP", "police_day": police_day, "week_start": police_day - police_day.weekday() * DAY,
        "month": police_day.replace(day=1), "event_date": police_day, "cell_r8": 8, "cell_r9": 9, "cell_r10": 10,
        "harm_days": Decimal("10.00"), "is_day": True,
    }  # fmt: skip
    return plain | more


def stand(desk: Desk, events: Sequence[Event]) -> None:
    """These events and no others."""
    desk.session.execute("delete from hexes.events")
    desk.given("hexes.events", *({"event_id": f"e{n}", **e} for n, e in enumerate(events)))


def after(
    desk: Desk, before: Sequence[Event], now: Sequence[Event]
) -> tuple[list[date], list[date]]:
    """The weeks and days that are computed when the events change so."""
    stand(desk, before)
    computed(desk)
    stand(desk, now)
    found = computed(desk)
    assert computed(desk) == {WEEKLY: [], DAILY: []}, "what was just computed is not stale"
    return found[WEEKLY], found[DAILY]


def test_at_first_every_window_with_counted_events_is_stale(desk: Desk) -> None:
    stand(desk, [event(0), event(2), event(8), event(15, is_counted=False)])
    assert computed(desk) == {
        WEEKLY: [MONDAY, MONDAY + WEEK], DAILY: [MONDAY, MONDAY + 2 * DAY, MONDAY + 8 * DAY]}  # fmt: skip
    assert {r["week_start"] for r in desk.rows(WEEKLY)} == {MONDAY, MONDAY + WEEK}


def test_nothing_is_stale_where_nothing_is(desk: Desk) -> None:
    assert computed(desk) == {WEEKLY: [], DAILY: []}


CHANGES: dict[str, Event] = {
    "group": {"cat_group": "ROBBERY"},
    "fine cell": {"cell_r10": 11},
    "cell": {"cell_r9": 90},
    "coarse cell": {"cell_r8": 80},
    "harm": {"harm_days": Decimal("10.01")},
    "no harm": {"harm_days": None},
    "by night": {"is_day": False},
    "hour not known": {"is_day": None},
    "by the police": {"is_police_generated": True},
    "not counted any more": {"is_counted": False, "exclusion_reason": "domestic"},
}
QUIET: dict[str, Event] = {
    "the row that holds it": {"extract_id": "other", "source_file": "other", "line_no": 77},
    "its id": {"event_id": "other"},
    "a metre within the cell": {"easting": 5.0, "northing": 6.0},
    "the hour of the week": {"hour_of_week": 30},
    "precision of the time": {"time_known": "window"},
    "a site that excludes nothing": {"site_id": "s1"},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_counts_makes_its_window_stale(change: str, desk: Desk) -> None:
    others = [event(0), event(1), event(9)]
    weeks, days = after(desk, [*others, event(3)], [*others, event(3, **CHANGES[change])])
    assert (weeks, days) == ([MONDAY], [MONDAY + 3 * DAY])


@pytest.mark.parametrize("change", QUIET)
def test_a_change_that_counts_nowhere_makes_none_stale(change: str, desk: Desk) -> None:
    others = [event(0), event(1), event(9)]
    assert after(desk, [event(3), *others], [*others, event(3, **QUIET[change])]) == ([], [])


def test_an_excluded_event_never_makes_a_window_stale(desk: Desk) -> None:
    out = {"is_counted": False, "exclusion_reason": "online"}
    assert after(desk, [event(0), event(3, **out)], [event(0), event(9, cat_group="ASB", **out)]) == ([], [])  # fmt: skip


def test_an_event_that_moves_touches_where_it_was_and_where_it_is(desk: Desk) -> None:
    weeks, days = after(desk, [event(0), event(1)], [event(0), event(15)])
    assert weeks == [MONDAY, MONDAY + 2 * WEEK]
    assert days == [MONDAY + DAY, MONDAY + 15 * DAY]


def test_an_event_that_moves_within_its_week_leaves_the_week_alone(desk: Desk) -> None:
    weeks, days = after(desk, [event(0), event(1)], [event(0), event(4)])
    assert (weeks, days) == ([], [MONDAY + DAY, MONDAY + 4 * DAY])


def test_two_events_that_change_places_in_the_table_change_nothing(desk: Desk) -> None:
    one, two = event(0, cell_r9=1), event(1, cell_r9=2)
    assert after(desk, [one, two], [two, one]) == ([], [])


def test_one_event_more_of_the_same_is_noticed(desk: Desk) -> None:
    weeks, days = after(desk, [event(0), event(7)], [event(0), event(0), event(7)])
    assert (weeks, days) == ([MONDAY], [MONDAY])


def test_a_window_that_loses_its_last_event_is_emptied(desk: Desk) -> None:
    weeks, days = after(desk, [event(0), event(9)], [event(0)])
    assert (weeks, days) == ([MONDAY + WEEK], [MONDAY + 9 * DAY])
    assert {r["week_start"] for r in desk.rows(WEEKLY)} == {MONDAY}
    assert {r["window_start"] for r in desk.rows(window_prints.TABLE)} == {MONDAY}


def test_all_events_gone(desk: Desk) -> None:
    weeks, days = after(desk, [event(0), event(9)], [])
    assert (weeks, days) == ([MONDAY, MONDAY + WEEK], [MONDAY, MONDAY + 9 * DAY])
    assert desk.rows(WEEKLY) == desk.rows(DAILY) == desk.rows(window_prints.TABLE) == []


def test_an_event_that_loses_its_day_is_in_no_window(desk: Desk) -> None:
    undated = event(3, police_day=None, week_start=None, time_known="month")
    weeks, days = after(desk, [event(0), event(3)], [event(0), undated])
    assert (weeks, days) == ([MONDAY], [MONDAY + 3 * DAY])


@pytest.mark.parametrize("cells", ["true", "resolution = 9"])
def test_rows_deleted_by_hand_come_back(cells: str, desk: Desk) -> None:
    stand(desk, [event(0), event(9), event(15)])
    computed(desk)
    before = desk.rows(WEEKLY)
    week = MONDAY + WEEK
    desk.session.execute(f"delete from {WEEKLY} where week_start = date '{week}' and {cells}")
    assert computed(desk) == {WEEKLY: [week], DAILY: []}
    assert desk.rows(WEEKLY) == before


def test_rows_put_in_by_hand_go(desk: Desk) -> None:
    stand(desk, [event(0), event(9)])
    computed(desk)
    before = desk.rows(DAILY)
    ghost, known = MONDAY + 30 * DAY, MONDAY + 9 * DAY
    desk.given(
        DAILY,
        {"police_day": ghost, "resolution": 9},
        {"police_day": known, "resolution": 9, "cell": 5},
    )
    assert computed(desk) == {WEEKLY: [], DAILY: [known, ghost]}
    assert desk.rows(DAILY) == before


def test_another_query_makes_every_window_stale(desk: Desk) -> None:
    stand(desk, [event(0), event(9)])
    computed(desk)
    changed = replace(desk.models[WEEKLY], code_version="another")
    assert window_prints.stale(desk.session, changed) == [MONDAY, MONDAY + WEEK]
    assert window_prints.stale(desk.session, desk.models[DAILY]) == []


def test_the_prints_of_one_table_say_nothing_of_another(desk: Desk) -> None:
    stand(desk, [event(0)])
    computed(desk)
    desk.session.execute(f"delete from {window_prints.TABLE} where table_name = '{WEEKLY}'")
    assert computed(desk) == {WEEKLY: [MONDAY], DAILY: []}


def test_only_the_windows_that_were_computed_are_noted(desk: Desk) -> None:
    stand(desk, [event(0), event(9), event(16)])
    model, session = desk.models[WEEKLY], desk.session
    mine = [MONDAY, MONDAY + 2 * WEEK]
    desk._written |= {WEEKLY, window_prints.TABLE}
    refresh_model(session, model, {}, lambda _: window_prints.note(session, model, mine), mine)
    assert window_prints.known(session, model) == set(mine)
    assert window_prints.stale(session, model) == [MONDAY + WEEK]
    window_prints.note(session, model, [])
    assert window_prints.known(session, model) == set(mine)


def test_what_reads_more_than_events_is_refused(desk: Desk) -> None:
    with pytest.raises(ValueError, match="a window is refreshed from hexes.events alone"):
        window_prints.stale(desk.session, desk.models["hexes.events"])


events = st.lists(
    st.builds(
        event,
        st.integers(0, 20),
        cell_r9=st.integers(1, 3),
        cat_group=st.sampled_from(["VAP", "ASB"]),
        harm_days=st.sampled_from([None, Decimal("1.00"), Decimal("2.00")]),
        is_day=st.sampled_from([None, True, False]),
        is_counted=st.booleans(),
        easting=st.sampled_from([1.0, 2.0]),
    ),
    max_size=12,
)  # fmt: skip
READ = ("cell_r8", "cell_r9", "cell_r10", "cat_group", "is_police_generated", "is_day", "harm_days")


def by_window(events: Sequence[Event], column: str) -> dict[date, Counter[tuple[Any, ...]]]:
    found: dict[date, Counter[tuple[Any, ...]]] = {}
    for e in events:
        if e["is_counted"]:
            found.setdefault(e[column], Counter())[tuple(e.get(c) for c in READ)] += 1
    return found


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=events, kept=st.lists(st.booleans(), min_size=12, max_size=12), more=events)
def test_exactly_the_windows_whose_events_differ(
    desk: Desk, before: list[Event], kept: list[bool], more: list[Event]
) -> None:
    desk.clear()
    now = [e for e, keep in zip(before, kept, strict=False) if keep] + more[:3]
    found = after(desk, before, now)
    for column, windows in zip(("week_start", "police_day"), found, strict=True):
        was, became = by_window(before, column), by_window(now, column)
        assert windows == sorted(w for w in was.keys() | became.keys() if was.get(w) != became.get(w))  # fmt: skip
    for name, column in ((WEEKLY, "week_start"), (DAILY, "police_day")):
        rows = desk.rows(name)
        refresh_model(desk.session, desk.models[name], {})
        assert desk.rows(name) == rows, "computed from nothing it is the same"
        assert {r[column] for r in rows} == set(by_window(now, column))
