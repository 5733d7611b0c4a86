"""The tables of hot times that are computed week by week: a week alone is that week among all, and a recode costs its own week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotspot_pipeline.hexes import window_prints
from hotspot_pipeline.hot_times.assets import EVENT_HOURS, EVENT_NIGHTS, kernel_models
from hotspot_pipeline.orchestration.tables import Workshop
from hotspot_pipeline.settings import Settings, parse_force
from hotspot_pipeline.sql_models.assets import refresh_model
from hotspot_pipeline.sql_models.kernel_model import KernelModel
from hotspot_pipeline.timebase import PoliceTime
from hotspot_pipeline.warehouse.contract import TableContract
from hotspot_pipeline.warehouse.session import ASKED
from hotspot_pipeline_tests.sql.conftest import Desk

LONDON = PoliceTime()
FIRST = date(2025, 9, 29)
"""A Monday: the autumn clock change is in the fourth week, the turn of the year in the fourteenth, the spring change in the twenty-sixth."""
N_WEEKS = 27
Event = dict[str, Any]


@pytest.fixture(scope="module")
def kernels(
    tmp_path_factory: pytest.TempPathFactory, catalog: dict[str, TableContract]
) -> list[KernelModel]:
    folder: Path = tmp_path_factory.mktemp("force")
    force = parse_force({}, folder / "small")
    return kernel_models(Workshop.of(Settings(data=folder, forces=(force,)), force, catalog))


def event(number: int, at: timedelta, length: timedelta | None = None, **more: Any) -> Event:
    """An event from `at` after the first Monday 06:00 on the local clock, for real time of `length`."""
    local = datetime.combine(FIRST, datetime.min.time()) + timedelta(hours=6) + at
    start = LONDON.instant(local)
    bare = start.replace(tzinfo=None)
    day = (local - timedelta(hours=6)).date()
    plain = {
        "event_id": f"e{number}", "source": "crime", "is_counted": True, "police_day": day, "event_date": day,
        "week_start": day - timedelta(days=day.weekday()), "month": day.replace(day=1),
        "time_known": "exact" if length is None else "window", "from_utc": bare,
        "to_utc": None if length is None else bare + length,
    }  # fmt: skip
    return plain | more


def stand(desk: Desk, events: Sequence[Event]) -> None:
    """These events and no others."""
    desk.session.execute("delete from hexes.events")
    desk.given("hexes.events", *events)
    desk._written |= {EVENT_HOURS, EVENT_NIGHTS, window_prints.TABLE}


def computed(desk: Desk, models: Sequence[KernelModel]) -> dict[str, list[date]]:
    """Computes what is stale, as a nightly run does, and says which weeks that was."""
    found = {}
    for model in models:
        weeks = window_prints.stale(desk.session, model)

        def note(
            _: tuple[date, ...], model: KernelModel = model, weeks: list[date] = weeks
        ) -> None:
            window_prints.note(desk.session, model, weeks)

        if weeks:
            refresh_model(desk.session, model, {}, note, weeks)
        found[model.name] = weeks
    return found


def rows_of(desk: Desk, model: KernelModel, weeks: Sequence[date]) -> pl.DataFrame:
    desk.session.stage(ASKED, pl.DataFrame({"w": weeks}, schema={"w": pl.Date}))
    return model.rows(desk.session)


def monday(week: int) -> date:
    return FIRST + timedelta(weeks=week)


# --- a week alone is that week among all ---------------------------------------------------------

minutes = st.integers(0, N_WEEKS * 7 * 24 * 60 - 1).map(lambda n: timedelta(minutes=n))
near_changes = st.tuples(
    st.sampled_from(
        [datetime(2025, 10, 26, 1), datetime(2026, 3, 29, 1), datetime(2026, 1, 1), datetime(2025, 10, 27, 6)]
    ),
    st.integers(-90, 90),
).map(lambda t: t[0] + timedelta(minutes=t[1]) - datetime.combine(FIRST, datetime.min.time()) - timedelta(hours=6))  # fmt: skip
lengths = st.none() | st.sampled_from([0, 1, 61, 24 * 60, 24 * 60 + 1, 168 * 60, 168 * 60 + 1]) | st.integers(0, 200 * 60)  # fmt: skip
drawn = st.tuples(
    minutes | near_changes,
    lengths.map(lambda n: None if n is None else timedelta(minutes=n)),
    st.sampled_from(["crime", "asb"]),
    st.sampled_from(["window", "window", "window", "date_only", "unknown"]),
)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    events=st.lists(drawn, min_size=1, max_size=5),
    asked=st.sets(st.integers(0, N_WEEKS - 1), max_size=4),
)
def test_rows_week_by_week_are_the_rows_computed_at_once(
    desk: Desk, kernels: list[KernelModel], events: list[Any], asked: set[int]
) -> None:
    desk.clear()
    stand(
        desk,
        [
            event(n, at, length, source=source, **({} if length is None else {"time_known": known}))
            for n, (at, length, source, known) in enumerate(events)
        ],
    )
    held = desk.session.frame("select distinct week_start from hexes.events")["week_start"]
    every = sorted({*held, monday(-1), monday(N_WEEKS)})
    for model in kernels:
        at_once = rows_of(desk, model, every)
        alone = [rows_of(desk, model, [week]) for week in every]
        key = list(model.contract.grain)
        assert at_once.sort(key).equals(pl.concat(alone).sort(key))
        for week, rows in zip(every, alone, strict=True):
            assert rows["week_start"].unique().to_list() in ([], [week])
        some = [monday(week) for week in sorted(asked)]
        expected = at_once.filter(pl.col("week_start").is_in(some))
        assert rows_of(desk, model, some).sort(key).equals(expected.sort(key))


# --- a recode costs its own week -----------------------------------------------------------------


@pytest.fixture
def settled(desk: Desk, kernels: list[KernelModel]) -> list[Event]:
    """Four events in each of six weeks, all computed."""
    hour = timedelta(hours=1)
    events = [
        event(10 * week + n, timedelta(weeks=week, days=n, hours=15), (None, hour, 10 * hour, 50 * hour)[n])
        for week in range(6)
        for n in range(4)
    ]  # fmt: skip
    stand(desk, events)
    weeks = [monday(week) for week in range(6)]
    assert computed(desk, kernels) == {EVENT_HOURS: weeks, EVENT_NIGHTS: weeks}
    assert computed(desk, kernels) == {EVENT_HOURS: [], EVENT_NIGHTS: []}
    return events


RECODES: dict[str, Event] = {
    "e2": {"from_utc": datetime(2025, 10, 2, 8), "to_utc": datetime(2025, 10, 2, 9)},  # re-dated within its week
    "e12": {"to_utc": datetime(2025, 10, 11, 8)},  # a wider window
    "e22": {"time_known": "date_only"},
    "e32": {"is_counted": False, "exclusion_reason": "not_live"},
}  # fmt: skip
QUIET: Event = {
    "cat_group": "ROBBERY", "cell_r8": 2, "cell_r9": 3, "cell_r10": 4, "extract_id": "later", "location_type": "park",
}  # fmt: skip


def test_a_recode_in_one_week_recomputes_that_week_and_no_other(
    desk: Desk, kernels: list[KernelModel], settled: list[Event]
) -> None:
    events = {e["event_id"]: e for e in settled}
    for week, (number, change) in enumerate(RECODES.items()):
        before = {model.name: desk.rows(model.name) for model in kernels}
        events[number] = events[number] | change
        stand(desk, list(events.values()))
        assert computed(desk, kernels) == {
            EVENT_HOURS: [monday(week)],
            EVENT_NIGHTS: [monday(week)],
        }
        for model in kernels:
            now = desk.rows(model.name)
            assert _of_others(now, week) == _of_others(before[model.name], week)
        assert desk.rows(EVENT_HOURS) != before[EVENT_HOURS]
        assert desk.bad_rows(EVENT_HOURS, "event_hours_sum_to_events") == 0
    assert computed(desk, kernels) == {EVENT_HOURS: [], EVENT_NIGHTS: []}
    for model in kernels:
        columns = list(model.contract.column_types)
        at_once = rows_of(desk, model, [monday(week) for week in range(6)]).select(columns)
        assert desk.rows(model.name) == at_once.sort(model.contract.grain).to_dicts()


def _of_others(rows: Sequence[Event], week: int) -> list[Event]:
    return [row for row in rows if row["week_start"] != monday(week)]


def test_what_moves_between_weeks_costs_both(
    desk: Desk, kernels: list[KernelModel], settled: list[Event]
) -> None:
    moved = event(22, timedelta(weeks=4, days=1), timedelta(hours=3))
    stand(desk, [moved if e["event_id"] == "e22" else e for e in settled])
    both = [monday(2), monday(4)]
    assert computed(desk, kernels) == {EVENT_HOURS: both, EVENT_NIGHTS: both}


def test_what_says_nothing_of_the_time_costs_nothing(
    desk: Desk, kernels: list[KernelModel], settled: list[Event]
) -> None:
    """Reclassified, re-geocoded, delivered again. Who called matters to nights alone: a morning's call may tell of the night before. And
    another definition of the night costs every week of the nights."""
    quiet = [e | QUIET for e in settled]
    stand(desk, quiet)
    assert computed(desk, kernels) == {EVENT_HOURS: [], EVENT_NIGHTS: []}
    stand(desk, [e | {"source": "asb"} if e["event_id"] == "e31" else e for e in quiet])
    assert computed(desk, kernels) == {EVENT_HOURS: [], EVENT_NIGHTS: [monday(3)]}
    hours, nights = kernels
    other = [hours, replace(nights, basis=f"{nights.basis}\nanother night")]
    weeks = [monday(week) for week in range(6)]
    assert computed(desk, other) == {EVENT_HOURS: [], EVENT_NIGHTS: weeks}
