"""Where units really are: nobody in two places, no impossible speed, and a visit is spent where it says."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import shapely

from hotspot_pipeline.simulator.patrol.days import PatrolDay, PatrolForce
from hotspot_pipeline.simulator.patrol.ground import Hexagons
from hotspot_pipeline.simulator.patrol.stops import BASE, FOOT, in_order, make_stops, points_in
from hotspot_pipeline.simulator.patrol.times import utc_seconds
from hotspot_pipeline.simulator.patrol.tracks import (
    MAX_MPS,
    WALK_MPS,
    TrackError,
    Tracks,
    make_tracks,
)


def test_a_track_runs_without_a_gap_from_the_beginning_of_the_duty_to_its_end(
    days: list[PatrolDay],
) -> None:
    for day in days:
        t = day.tracks
        same = t.track[1:] == t.track[:-1]
        for end, begin in ((t.t1, t.t0), (t.x1, t.x0), (t.y1, t.y0)):
            assert np.abs(begin[1:] - end[:-1])[same].max() < 1e-6
        first = np.concatenate([[True], ~same])
        units = [day.units[k] for k in t.track[first] // 2]
        assert np.array_equal(t.t0[first], [u.start for u in units])
        assert np.array_equal(t.t1[np.concatenate([~same, [True]])], [u.end for u in units])


def test_no_unit_drives_faster_than_a_car_can(days: list[PatrolDay]) -> None:
    speeds = np.concatenate([day.tracks.speed for day in days])
    assert speeds.max() < MAX_MPS
    # and most of what is driven is driven as in a county with towns
    driven = speeds[speeds > 3]
    assert 6 < np.median(driven) < 15


def test_a_device_is_on_one_track_at_a_time(days: list[PatrolDay]) -> None:
    spans = sorted(
        (int(d), a, b)
        for day in days
        for d, a, b in zip(day.carried.device, day.carried.start, day.carried.end, strict=True)
    )
    for (device, _, end), (other, start, _) in pairwise(spans):
        assert device != other or end <= start


def test_nobody_is_on_duty_twice_at_once(days: list[PatrolDay]) -> None:
    spans: dict[str, list[tuple[object, object, str]]] = {}
    for day in days:
        for r in day.duties.filter(day.duties["officer"].is_not_null()).iter_rows(named=True):
            spans.setdefault(r["officer"], []).append(
                (r["start_local"], r["end_local"], r["crew_id"])
            )
    for mine in spans.values():
        mine.sort()
        for (_, end, crew), (start, _, other) in pairwise(mine):
            assert end <= start or crew == other  # type: ignore[operator]


def _moments(day: PatrolDay, visit: int, share: np.ndarray) -> np.ndarray:
    start = float(utc_seconds(day.visits["start_local"])[visit])
    seconds = (day.visits["end_local"] - day.visits["start_local"]).dt.total_seconds()[visit]
    return start + share * seconds


def test_a_visit_is_spent_in_the_cell_it_really_was_in_and_a_walk_is_a_walk(
    force: PatrolForce, days: list[PatrolDay]
) -> None:
    share = np.linspace(0, 1, 41)
    n_foot = 0
    for day in days[::3]:
        rows = day.visits
        for visit in range(len(rows)):
            t = _moments(day, visit, share)
            outline = force.ground.cells.corners[force.ground.cell_row[rows["cell"][visit]]]
            polygon = shapely.Polygon(outline).buffer(0.01)
            for track in (2 * day.crew_of[visit], 2 * day.crew_of[visit] + 1):
                on = np.full(len(t), track)
                x, y = day.tracks.at(day.tracks.segments(on, t), t)
                assert shapely.contains_xy(polygon, x, y).all()
            if rows["mode"][visit] == "foot":
                # the car stands, its crew walks
                assert np.ptp(x) < 1e-6
                on = np.full(len(t) - 2, 2 * day.crew_of[visit])
                speed = day.tracks.speed[day.tracks.segments(on, t[1:-1])]
                assert speed.max() <= WALK_MPS + 1e-6
                n_foot += 1
    assert n_foot > 30


def test_a_crew_walks_about_and_does_not_stand(days: list[PatrolDay]) -> None:
    speeds = []
    for day in days:
        for visit in np.flatnonzero((day.visits["kind"] == "full").to_numpy()):
            t = _moments(day, int(visit), np.linspace(0.02, 0.98, 30))
            speeds.append(
                day.tracks.speed[day.tracks.segments(np.full(30, 2 * day.crew_of[visit]), t)].mean()
            )
    # the last leg is slower, so that the crew is back at its car in time
    assert 0.8 * WALK_MPS < np.mean(speeds) < WALK_MPS


def _tracks(force: PatrolForce, x: float, seconds: float) -> Tracks:
    at = force.ground.station[:1]
    stops = in_order(
        make_stops(np.array([0]), np.array([0.0]), np.array([100.0]), at, BASE),
        make_stops(
            np.array([0]),
            np.array([100.0 + seconds]),
            np.array([900.0]),
            at + np.array([[x, 0.0]]),
            BASE,
        ),
    )
    return make_tracks(
        np.random.default_rng(1), force.ground, stops, np.array([True]), np.array([False])
    )[0]


def test_what_cannot_be_driven_is_refused(force: PatrolForce) -> None:
    assert _tracks(force, 4000.0, 100.0).speed.max() <= MAX_MPS * 1.4
    with pytest.raises(TrackError, match="unit 0: 5000 m in 100 s between two stops"):
        _tracks(force, 5000.0, 100.0)
    with pytest.raises(TrackError, match="0 m in -50 s"):
        _tracks(force, 0.0, -50.0)


def test_waypoints_are_spread_evenly_over_a_hexagon() -> None:
    angle = np.pi / 3 * np.arange(6)
    corners = 200 * np.column_stack([np.cos(angle), np.sin(angle)])[None]
    xy = points_in(np.random.default_rng(5), corners, (40_000,), 1.0)[0]
    assert shapely.contains_xy(shapely.Polygon(corners[0]).buffer(1e-6), xy).all()
    # a concentric hexagon of half the size holds a quarter
    inner = shapely.contains_xy(shapely.Polygon(corners[0] / 2), xy).mean()
    assert inner == pytest.approx(0.25, abs=0.01)
    sixths = np.bincount(
        np.floor(np.degrees(np.arctan2(xy[:, 1], xy[:, 0])) % 360 / 60).astype(int), minlength=6
    )
    assert sixths.min() > 0.95 * len(xy) / 6


def test_an_outline_that_is_not_convex_is_refused() -> None:
    dented = shapely.Polygon([(0, 0), (10, 0), (10, 10), (5, 1), (0, 10)])
    with pytest.raises(ValueError, match="place 0: its outline is not convex"):
        Hexagons.of(np.array([dented]))


def test_a_stop_of_no_length_after_another_is_no_fault(force: PatrolForce) -> None:
    at = force.ground.station[:1]
    one = np.array([0])
    stops = in_order(
        make_stops(one, np.array([0.0]), np.array([50.0]), at, BASE),
        make_stops(one, np.array([50.0]), np.array([50.0]), at, FOOT, hexagon=np.array([-1])),
        make_stops(one, np.array([50.0]), np.array([60.0]), at, BASE),
    )
    tracks, _ = make_tracks(
        np.random.default_rng(1), force.ground, stops, np.array([True]), np.array([True])
    )
    assert tracks.speed.max() == 0
