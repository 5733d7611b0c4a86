"""Counts and harm per cell and period: three resolutions, day and night, and nothing outside the window."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from hotspot_pipeline_tests.sql.conftest import Desk, picked

MONDAY = date(2026, 1, 5)
EVENT: Mapping[str, Any] = {
    "is_counted": True, "cat_group": "VAP", "police_day": MONDAY, "week_start": MONDAY, "month": date(2026, 1, 1),
    "cell_r8": 8, "cell_r9": 9, "cell_r10": 10,
}  # fmt: skip
# model: its time column, the window that holds MONDAY, the step to the next
PERIODS = {
    "hexes.crime_weekly": ("week_start", (MONDAY, MONDAY + timedelta(days=7))),
    "hexes.crime_daily": ("police_day", (MONDAY, MONDAY + timedelta(days=1))),
    "hexes.crime_monthly": ("month", None),
}
each_period = pytest.mark.parametrize("model", PERIODS)


def events(desk: Desk, *changes: Mapping[str, Any]) -> None:
    desk.given("hexes.events", *({**EVENT, "event_id": f"e{n}", **c} for n, c in enumerate(changes)))  # fmt: skip


def run(desk: Desk, model: str) -> list[dict[str, Any]]:
    return desk.run(model, window=PERIODS[model][1])


@each_period
def test_an_event_counts_once_at_every_resolution(model: str, desk: Desk) -> None:
    events(desk, {}, {"cell_r10": 11}, {"cell_r9": 90, "cell_r10": 100})
    rows = run(desk, model)
    assert picked(rows, "resolution", "cell", "n_events") == [
        (8, 8, 3), (9, 9, 2), (9, 90, 1), (10, 10, 1), (10, 11, 1), (10, 100, 1)]  # fmt: skip
    assert {r[PERIODS[model][0]] for r in rows} == {EVENT[PERIODS[model][0]]}


@each_period
def test_harm_is_summed_over_those_that_have_a_weight(model: str, desk: Desk) -> None:
    events(
        desk,
        {"harm_days": Decimal("365.00")},
        {"harm_days": Decimal("364.99")},
        {"harm_days": Decimal("0.01")},
        {"harm_days": None},
    )
    [row] = [r for r in run(desk, model) if r["resolution"] == 9]
    assert (row["harm_days"], row["n_with_harm"], row["n_serious"], row["n_events"]) == (Decimal("730.00"), 3, 1, 4)  # fmt: skip


@each_period
def test_without_any_weight_harm_is_nought_and_says_so(model: str, desk: Desk) -> None:
    events(desk, {"harm_days": None})
    [row] = [r for r in run(desk, model) if r["resolution"] == 9]
    assert (row["harm_days"], row["n_with_harm"], row["n_serious"]) == (Decimal(0), 0, 0)


@each_period
def test_day_and_night_are_counted_where_they_are_known(model: str, desk: Desk) -> None:
    events(desk, {"is_day": True}, {"is_day": False}, {"is_day": False}, {"is_day": None})
    [row] = [r for r in run(desk, model) if r["resolution"] == 9]
    assert (row["n_by_day"], row["n_by_night"], row["n_events"]) == (1, 2, 4)


@each_period
def test_groups_are_apart_and_police_generated_ones_are_marked(model: str, desk: Desk) -> None:
    events(desk, {}, {"cat_group": "WEAPONS", "is_police_generated": True}, {"cat_group": "WEAPONS"})  # fmt: skip
    rows = [r for r in run(desk, model) if r["resolution"] == 9]
    assert picked(rows, "cat_group", "n_events", "n_police_generated") == [("VAP", 1, 0), ("WEAPONS", 2, 1)]  # fmt: skip


@each_period
def test_what_is_not_counted_is_not_there(model: str, desk: Desk) -> None:
    events(desk, {"is_counted": False, "exclusion_reason": "domestic"})
    assert run(desk, model) == []


@pytest.mark.parametrize("model", ["hexes.crime_weekly", "hexes.crime_daily"])
def test_only_the_window_is_there_and_its_end_is_not_in_it(model: str, desk: Desk) -> None:
    column, window = PERIODS[model]
    assert window is not None
    start, end = window
    before = start - (end - start)
    events(desk, {column: before, "event_id": "a"}, {column: start, "event_id": "b"}, {column: end, "event_id": "c"})  # fmt: skip
    assert {r[column] for r in run(desk, model)} == {start}
    assert desk.run(model, window=(before, end)) and {r[column] for r in desk.rows(model)} == {before, start}  # fmt: skip


@pytest.mark.parametrize("model", ["hexes.crime_weekly", "hexes.crime_daily"])
def test_a_feed_of_months_gives_neither_weeks_nor_days(model: str, desk: Desk) -> None:
    events(desk, {"police_day": None, "week_start": None, "time_known": "month"})
    assert run(desk, model) == []


def test_a_feed_of_months_gives_months(desk: Desk) -> None:
    events(desk, {"police_day": None, "week_start": None, "time_known": "month", "is_day": None})
    rows = desk.run("hexes.crime_monthly")
    assert picked(rows, "resolution", "n_events", "n_by_day", "n_by_night") == [(8, 1, 0, 0), (9, 1, 0, 0), (10, 1, 0, 0)]  # fmt: skip
