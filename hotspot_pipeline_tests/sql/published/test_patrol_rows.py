"""Which rows of patrols a sheet is made of: the last day of which anything is known, small cells, stays of patrols only."""

from __future__ import annotations

from datetime import date, datetime

import h3.api.basic_int as h3
import pytest
import shapely

from hotspot_pipeline.geo.area_centres import centre_cells
from hotspot_pipeline.geo.grid import make_grid
from hotspot_pipeline.geo.transform import to_bng
from hotspot_pipeline.published.patrols.rows import PatrolRows, read_rows
from hotspot_pipeline.timebase import PoliceTime
from hotspot_pipeline_tests.sql.conftest import Desk

GRID, CLOCK = make_grid(), PoliceTime()
CELL = h3.latlng_to_cell(52.2852, -1.5201, 9)
MINUTE = 60_000


def rows_of(desk: Desk) -> PatrolRows:
    found = read_rows(desk.session, GRID, CLOCK)
    assert found is not None
    return found


def square(*, east: float = 0.0) -> str:
    lat, lon = h3.cell_to_latlng(CELL)
    x, y = (float(v[0]) for v in to_bng([lon], [lat]))
    return shapely.to_wkt(shapely.box(x - 90 + east, y - 90, x + 90 + east, y + 90))


def test_a_force_without_patrols_has_no_rows(desk: Desk) -> None:
    assert read_rows(desk.session, GRID, CLOCK) is None
    # a day can be computed by name though nothing came: it is still nothing
    desk.given("patrols.dose_daily", {"police_day": date(2026, 6, 10), "presence_ms": 0})
    assert read_rows(desk.session, GRID, CLOCK) is None


def test_a_day_of_which_nothing_is_known_is_not_the_last(desk: Desk) -> None:
    quiet = {"presence_ms": 0, "zone_kind": "hotspot"}
    for day in range(1, 31):
        there = {"presence_ms": 5 * MINUTE} if day == 29 else {}
        desk.given("patrols.dose_daily", {"police_day": date(2026, 6, day), **quiet, **there})
    for week in (date(2026, 6, 22), date(2026, 6, 29), date(2026, 7, 6)):
        desk.given("patrols.coverage_weekly", {"week_start": week, "hotspot_id": "A"})
    found = rows_of(desk)
    assert (found.known_from, found.first_day, found.last_day) == (date(2026, 6, 1), date(2026, 6, 2), date(2026, 6, 29))  # fmt: skip
    assert found.days["police_day"].to_list()[0] == date(2026, 6, 2) and found.days.height == 28
    assert found.coverage["week_start"].to_list() == [date(2026, 6, 22), date(2026, 6, 29)]
    assert found.hotspots == ["A"]


def test_cells_with_fewer_than_three_devices_are_counted_and_not_shown(desk: Desk) -> None:
    for day, n, ms in ((1, 3, 100), (2, 2, 7), (3, 4, 50), (4, 1, 2)):
        desk.given("patrols.cell_minutes", {"police_day": date(2026, 6, day), "cell_r9": CELL, "n_devices": n, "device_ms": ms})  # fmt: skip
    desk.given("patrols.cell_minutes", {"police_day": date(2026, 6, 4), "cell_r9": CELL + 1, "n_devices": 2, "device_ms": 9})  # fmt: skip
    assert rows_of(desk).cells.rows() == [(CELL, 150, 9), (CELL + 1, 0, 9)]


@pytest.mark.parametrize(
    ("visit", "stay", "minutes"),
    [
        ({}, {}, 30),
        ({"is_dose": False}, {}, 0),
        ({"zone_kind": "ring"}, {}, 0),
        ({}, {"officer_pid": None}, 0),
    ],
)
def test_only_officers_patrols_of_the_area_are_time_there(
    desk: Desk, visit: dict[str, object], stay: dict[str, object], minutes: int
) -> None:
    day = {"police_day": date(2026, 6, 10)}
    desk.given("patrols.plan_answers", day)
    desk.given("patrols.visits", {**day, "visit_id": "V", "hotspot_id": "A", "zone_kind": "hotspot", "is_dose": True, **visit})  # fmt: skip
    for device, start, end in (("d1", 0, 20), ("d2", 10, 30)):
        moments = {"patrol_from_utc": datetime(2026, 6, 10, 14, start), "patrol_to_utc": datetime(2026, 6, 10, 14, end)}  # fmt: skip
        desk.given("patrols.dwell", {**day, "visit_id": "V", "device_pid": device, "officer_pid": device, **moments, **stay})  # fmt: skip
    hours = rows_of(desk).hours
    # Wednesday 15:00 by the local clock; two officers at once are one patrol
    expected = [("A", 2 * 24 + 15, minutes * MINUTE)] if minutes else []
    assert hours.rows() == expected


def test_an_area_has_the_windows_of_the_hotspot_around_its_centre(desk: Desk) -> None:
    desk.given("patrols.plan_answers", {"police_day": date(2026, 6, 10)})
    desk.given("hexes.hotspot_cells", {"hotspot_id": "H", "cell": CELL})
    desk.given("hot_times.windows", {"hotspot_id": "H", "window_no": 1, "start_hour_of_week": 116, "n_hours": 6})  # fmt: skip
    long_ago, still = date(2026, 1, 1), None
    for name, east, ends in (("A", 0.0, still), ("B", 5000.0, still), ("C", 0.0, date(2026, 5, 31))):  # fmt: skip
        desk.given("history.patrol_places_current", {"hotspot_id": name, "polygon_wkt": square(east=east), "valid_from": long_ago, "valid_to": ends})  # fmt: skip
    found = rows_of(desk)
    assert found.windows.rows() == [("A", 1, 116, 6), ("C", 1, 116, 6)]
    assert found.areas["hotspot_id"].to_list() == ["A", "B"]
    assert centre_cells(found.areas, GRID).row(0) == ("A", CELL)


def test_where_no_area_is_drawn_hotspots_stand_for_areas(desk: Desk) -> None:
    desk.given("patrols.plan_answers", {"police_day": date(2026, 6, 10)})
    desk.given("hexes.hotspots", {"hotspot_id": "H", "hotspot_rank": 4, "polygon_wkt": square()})
    assert rows_of(desk).areas.rows() == [("H", None, 4, square())]


def test_the_foot_says_what_the_fixes_were_worth_and_as_known_when(desk: Desk) -> None:
    day = {"police_day": date(2026, 6, 10)}
    desk.given("patrols.plan_answers", day)
    desk.given("patrols.fix_account", {**day, "reason": "kept", "n_fixes": 1900}, {**day, "reason": "stuck", "n_fixes": 100})  # fmt: skip
    desk.given("patrols.day_prints", {**day, "computed_at_utc": datetime(2026, 6, 12, 2, 31), "run_id": "0123456789ab"})  # fmt: skip
    assert rows_of(desk).facts == {
        "patrols to": "2026-06-10", "fixes kept": "1,900 of 2,000", "patrols as known at": "2026-06-12 02:31 UTC, run 01234567",
    }  # fmt: skip
