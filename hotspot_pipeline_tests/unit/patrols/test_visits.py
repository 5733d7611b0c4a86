"""Visits and dose: whose they are, how long, of which kind; the odd cases by their numbers."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotspot_pipeline.geo.grid import make_grid
from hotspot_pipeline.patrols.cell_minutes import cell_spans, cells_of
from hotspot_pipeline.patrols.cleaning import clean
from hotspot_pipeline.patrols.dose import dose_daily
from hotspot_pipeline.patrols.dwell import dwell
from hotspot_pipeline.patrols.visits import Visits, make_visits
from hotspot_pipeline.patrols.zones import Zones, make_zones
from hotspot_pipeline.timebase import PoliceTime
from hotspot_pipeline_tests.unit.patrols.made_tracks import (
    EAST,
    MINUTE,
    NORTH,
    box,
    duties,
    fixes,
    one_zone,
    steady,
    track,
    walk,
)

HOUR = 60 * MINUTE
ZONE = one_zone(box(50))
DAY = (0, 24 * HOUR)
STAY = [-500, *[0] * 15, 500]  # a quarter of an hour


def visits_of(frame: pl.DataFrame, told: pl.DataFrame, zones: Zones = ZONE) -> Visits:
    cleaned = clean(frame, told)
    return make_visits(dwell(cleaned.fixes, zones), told)


def minutes(found: Visits, name: str = "patrol_ms") -> list[float]:
    return [ms / MINUTE for ms in found.visits[name].to_list()]


def officer(device: int, crew: str | None = "C1", kind: str = "handheld", deployment: str = "hotspot_funded", who: str | None = None) -> tuple[object, ...]:  # fmt: skip
    return (device, who or f"PC {device}", crew, *DAY, deployment, kind)


def test_a_double_crewed_quarter_of_an_hour() -> None:
    rows = steady(0, 0, MINUTE, STAY) + steady(1, 0, MINUTE, STAY)
    found = visits_of(fixes(rows), duties(officer(0), officer(1)))
    visit = found.visits.row(0, named=True)
    assert found.visits.height == 1
    assert (visit["patrol_ms"], visit["officer_ms"]) == (15 * MINUTE, 30 * MINUTE)
    assert (visit["interpolated_ms"], visit["first_to_last_ms"]) == (
        14 * MINUTE + 12_000,
        14 * MINUTE,
    )
    assert visit["lower_ms"] <= 14 * MINUTE + 12_000 <= visit["upper_ms"] == 16 * MINUTE
    assert visit["uncertainty_ms"] == round(60_000 / 6**0.5)
    assert (visit["mode"], visit["visit_class"], visit["is_funded"], visit["is_dose"]) == ("foot", "koper", True, True)  # fmt: skip


def test_case_21_two_officers_staggered() -> None:
    """Union and sum: 15 minutes each, the second ten minutes later, make 25 of patrol and 30 of officers."""
    rows = steady(0, 0, MINUTE, STAY) + steady(1, 10 * MINUTE, MINUTE, STAY)
    found = visits_of(fixes(rows), duties(officer(0), officer(1)))
    assert minutes(found) == [25] and minutes(found, "officer_ms") == [30]
    apart = visits_of(fixes(rows), duties(officer(0, None), officer(1, None)))
    assert minutes(apart) == [15, 15]
    for each in (found, apart):
        day = dose_daily(each, PoliceTime()).row(0, named=True)
        assert (day["patrol_ms"], day["officer_ms"]) == (25 * MINUTE, 30 * MINUTE)


def test_devices_that_report_in_turn_are_taken_together() -> None:
    """Fixes of two officers every 300 s, half an interval apart: it was entered between 2:30 and 5:00."""
    rows = steady(0, 0, 5 * MINUTE, [-500, 0, 0, 0, 500]) + steady(1, 150_000, 5 * MINUTE, [-500, 0, 0, 500])  # fmt: skip
    found = visits_of(fixes(rows), duties(officer(0), officer(1)))
    visit = found.visits.row(0, named=True)
    assert visit["patrol_ms"] == 12 * MINUTE + 30_000  # from 3:45 to 16:15
    assert visit["upper_ms"] == 15 * MINUTE  # from 2:30 to 17:30
    assert visit["lower_ms"] == 10 * MINUTE


def test_case_20_a_visit_across_midnight_week_and_into_another_hotspot() -> None:
    zones = make_zones(["A", "B"], ["hotspot", "hotspot"], [box(50), box(50, 100.0)])
    sunday = (
        int(datetime(2026, 3, 29, 22, 50, tzinfo=UTC).timestamp()) * 1000
    )  # 23:50 in summer time
    places = [-500, *[0] * 20, *[100] * 10, 500]
    told = duties((0, "PC 0", None, sunday, sunday + 10 * HOUR, "npt", "handheld"))
    found = visits_of(fixes(steady(0, sunday, MINUTE, places)), told, zones)
    assert minutes(found) == [20, 10]  # one a hotspot, neither ended by midnight
    days = dose_daily(found, PoliceTime())
    assert days["police_day"].to_list() == [date(2026, 3, 29)] * 2
    # and across 06:00 on Monday, where police day and week begin
    monday = int(datetime(2026, 3, 30, 4, 50, tzinfo=UTC).timestamp()) * 1000
    told = duties((0, "PC 0", None, monday, monday + 10 * HOUR, "npt", "handheld"))
    found = visits_of(fixes(steady(0, monday, MINUTE, places)), told, zones)
    assert minutes(found) == [20, 10]
    days = dose_daily(found, PoliceTime()).filter(pl.col("zone") == 0)
    assert days.select("police_day", "patrol_ms", "n_visits").rows() == [
        (date(2026, 3, 29), 9 * MINUTE + 30_000, 1),
        (date(2026, 3, 30), 10 * MINUTE + 30_000, 0),
    ]


def test_case_22_a_vehicle_parked_overnight_is_no_patrol() -> None:
    rows = steady(0, 0, MINUTE, [-5000, *[0] * 540, -5000])
    alone = visits_of(fixes(rows), duties((0, None, "C1", *DAY, "ops_support", "vehicle")))
    assert alone.visits.select("mode", "is_crewed", "is_dose", "officer_ms").rows() == [
        ("static_vehicle", False, False, 0)
    ]
    assert dose_daily(alone, PoliceTime()).is_empty()
    told = visits_of(fixes(rows), duties(officer(0, kind="vehicle")))
    assert told.visits.select("mode", "is_crewed", "is_dose").rows() == [("static_vehicle", True, False)]  # fmt: skip
    assert dose_daily(told, PoliceTime())["patrol_ms"].sum() == 0


def test_case_23_a_response_run_passes_through() -> None:
    """At 20 m/s, a fix every five seconds; and one that stops at a scene for twelve minutes is presence, not dose."""
    run = steady(0, 0, 5_000, [-1000 + 100 * k for k in range(21)])
    status = [5] * len(run)
    found = visits_of(fixes(run, status_code=status), duties(officer(0, kind="vehicle", deployment="response")))  # fmt: skip
    assert found.visits.select("mode", "visit_class", "is_funded").rows() == [("vehicle", "pass_through", False)]  # fmt: skip
    scene = steady(0, 0, MINUTE, [-1000, *[0] * 12, 1000])
    called = visits_of(fixes(scene, status_code=[5, *[6] * 12, 2]), duties(officer(0, deployment="response")))  # fmt: skip
    assert called.visits.select("is_reactive", "is_dose").rows() == [(True, False)]
    day = dose_daily(called, PoliceTime()).row(0, named=True)
    assert (day["patrol_ms"], day["reactive_ms"], day["presence_ms"]) == (0, 12 * MINUTE, 12 * MINUTE)  # fmt: skip


def test_case_24_a_device_handed_over_and_an_officer_with_two_devices() -> None:
    rows = steady(0, 0, MINUTE, [-500, *[0] * 30, 500])
    over = duties((0, "PC 1", None, 0, 16 * MINUTE, "npt", "handheld"), (0, "PC 2", None, 10 * MINUTE, DAY[1], "npt", "handheld"))  # fmt: skip
    handed = visits_of(fixes(rows), over)
    assert handed.visits.select("party", "patrol_ms").rows() == [
        ("officer PC 1", 9 * MINUTE + 30_000),  # until the colleague booked on
        ("officer PC 2", 20 * MINUTE + 30_000),
    ]
    assert dose_daily(handed, PoliceTime())["officer_ms"].to_list() == [30 * MINUTE]
    # the tracker is left in the car, in the zone, while the officer walks elsewhere
    two = duties(officer(0, None, who="PC 9"), officer(1, None, "tracker", who="PC 9"))
    split = fixes(steady(0, 0, MINUTE, [900, 901] * 15) + steady(1, 0, MINUTE, [0] * 30), device_type=["handheld"] * 30 + ["tracker"] * 30)  # fmt: skip
    assert visits_of(split, two).visits.is_empty()
    both = fixes(steady(0, 0, MINUTE, STAY) + steady(1, 0, MINUTE, STAY))
    twice = visits_of(both, two)
    assert minutes(twice) == minutes(twice, "officer_ms") == [15]


def test_visits_merge_over_a_doorway_but_not_over_a_base_visit() -> None:
    places = [-500, *[0] * 10, 80, 80, *[0] * 10, -500]
    doorway = visits_of(fixes(steady(0, 0, MINUTE, places)), duties(officer(0)))
    assert minutes(doorway) == [20] and doorway.visits["n_stays"].to_list() == [2]
    far = [-500, *[0] * 10, *[80] * 4, *[0] * 10, -500]
    assert minutes(visits_of(fixes(steady(0, 0, MINUTE, far)), duties(officer(0)))) == [10, 10]
    station = clean(fixes(steady(0, 0, MINUTE, places)), duties(officer(0)), [box(5, 100.0)])
    assert station.n_at_base == 2
    assert minutes(make_visits(dwell(station.fixes, ZONE), duties(officer(0)))) == [10, 10]


def test_a_way_through_without_a_fix_belongs_to_no_visit() -> None:
    found = visits_of(fixes(steady(0, 0, MINUTE, [-600, 600])), duties(officer(0)))
    assert found.visits.is_empty()
    assert found.passes.select("party", "start_ms", "end_ms").rows() == [("crew C1", 27_500, 32_500)]  # fmt: skip


@pytest.mark.parametrize(
    ("speeds", "mode"),
    [
        ([1.0] * 15, "foot"), ([1.0] * 11 + [9.0] * 4, "vehicle"), ([2.5] * 12 + [9.0] * 3, "foot"),
        ([5.0] * 15, "cycle"), ([0.0] * 10 + [9.0] * 5, "vehicle"), ([None] * 15, "foot"),
    ],
)  # fmt: skip
def test_modes_by_median_and_quartile(speeds: list[float | None], mode: str) -> None:
    frame = fixes(steady(0, 0, MINUTE, STAY), speed_mps=[9.0, *speeds, 9.0])
    # without speeds the way between fixes tells: one step in, then none
    found = visits_of(frame, duties(officer(0)))
    assert found.visits["mode"].to_list() == [mode]


@pytest.mark.parametrize(("n", "of_class"), [(2, "pass_through"), (3, "short"), (10, "koper"), (16, "koper"), (17, "standard"), (30, "standard"), (31, "extended")])  # fmt: skip
def test_classes(n: int, of_class: str) -> None:
    found = visits_of(fixes(steady(0, 0, MINUTE, [-500, *[0] * n, 500])), duties(officer(0)))
    assert minutes(found) == [n] and found.visits["visit_class"].to_list() == [of_class]


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), n_devices=st.integers(1, 5))
def test_union_is_no_more_than_the_sum_and_bounds_hold_it(seed: int, n_devices: int) -> None:
    rng = np.random.default_rng(seed)
    zones = make_zones(["A", "B"], ["hotspot", "control"], [box(120, EAST, NORTH), box(120, EAST + 240, NORTH)])  # fmt: skip
    frame = pl.concat(track(d, *walk(rng, 80, 60_000, 2.0)) for d in range(n_devices))
    crews = [None if rng.random() < 0.3 else f"C{rng.integers(0, 2)}" for _ in range(n_devices)]
    told = duties(*(officer(d, c) for d, c in enumerate(crews)))
    found = make_visits(dwell(frame, zones), told)
    v = found.visits
    assert (v["patrol_ms"] <= v["officer_ms"]).all()
    assert (v["lower_ms"] <= v["upper_ms"]).all() and (v["patrol_ms"] <= v["upper_ms"]).all()
    assert (v["end_ms"] - v["start_ms"] >= v["patrol_ms"]).all()
    days = dose_daily(found, PoliceTime())
    assert (days["patrol_ms"] <= days["officer_ms"]).all()
    by_zone = v.group_by("zone").agg(pl.col("officer_ms").sum()).sort("zone")
    assert days.group_by("zone").agg(pl.col("officer_ms").sum()).sort("zone").equals(by_zone)


def test_cells_share_out_all_known_time() -> None:
    frame = pl.concat(track(d, *walk(np.random.default_rng(d), 300, 60_000, 4.0)) for d in range(3))
    cleaned = clean(frame).fixes
    found = dwell(cleaned, ZONE)
    cells = cell_spans(cleaned, cells_of(cleaned, make_grid()), found.devices)
    known = cells.group_by("device").agg((pl.col("end_ms") - pl.col("start_ms")).sum()).sort("device")  # fmt: skip
    assert known["end_ms"].to_list() == found.devices["covered_ms"].to_list()
    assert cells["cell"].n_unique() > 5
