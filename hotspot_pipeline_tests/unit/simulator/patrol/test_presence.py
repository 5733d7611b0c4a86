"""Presence is exact: held against shapely, segment by segment and as a whole."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from hotspot_pipeline.simulator.patrol.calibration import CONTROL_MINUTES, TREATED_MINUTES
from hotspot_pipeline.simulator.patrol.days import PatrolDay, PatrolForce
from hotspot_pipeline.simulator.patrol.ground import Hexagons
from hotspot_pipeline.simulator.patrol.presence import stays_in
from hotspot_pipeline.simulator.patrol.tracks import Tracks
from hotspot_pipeline_tests.unit.simulator.patrol.made_patrols import (
    SEEDS,
    Delivered,
    days_of,
    force_of,
)

ANGLE = np.pi / 3 * np.arange(6)
HEXAGON = 100 * np.column_stack([np.cos(ANGLE), np.sin(ANGLE)])
metres = st.integers(-200, 200).map(float)


def path(points: list[tuple[float, float]], seconds: float = 60.0) -> Tracks:
    xy = np.array(points)
    n = len(points) - 1
    t = seconds * np.arange(n + 1)
    return Tracks(
        np.zeros(n, np.int64),
        t[:-1],
        t[1:],
        xy[:-1, 0],
        xy[:-1, 1],
        xy[1:, 0],
        xy[1:, 1],
        np.zeros(n, np.int64),
        0.0,
    )


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(metres, metres), min_size=2, max_size=8))
def test_minutes_inside_are_those_of_the_part_of_the_way_that_lies_inside(
    points: list[tuple[float, float]],
) -> None:
    hexagon = shapely.Polygon(HEXAGON)
    expected = 0.0
    for a, b in pairwise(points):
        if a == b:
            expected += float(hexagon.contains(shapely.Point(a)))
        else:
            way = shapely.LineString([a, b])
            expected += way.intersection(hexagon).length / way.length
    found = stays_in(path(points), Hexagons(HEXAGON[None]))
    assert found.minutes().sum() == pytest.approx(expected, abs=1e-6)
    assert (found.enter[1:] > found.leave[:-1]).all()


def test_the_moment_of_crossing_is_exact() -> None:
    # the flat sides of this hexagon lie at y = ±86.6; 400 m in 400 s from y = -200
    found = stays_in(path([(0.0, -200.0), (0.0, 200.0)], 400.0), Hexagons(HEXAGON[None]))
    half = 100 * np.sqrt(3) / 2
    assert found.enter == pytest.approx([200 - half], abs=1e-6)
    assert found.leave == pytest.approx([200 + half], abs=1e-6)


def test_one_stay_over_many_segments_is_one_and_a_second_visit_is_two() -> None:
    there_and_back = [(0.0, -200.0), (0.0, 0.0), (10.0, 10.0), (0.0, -200.0), (0.0, 0.0)]
    found = stays_in(path(there_and_back), Hexagons(HEXAGON[None]))
    assert len(found) == 2


def test_presence_of_whole_days_agrees_with_positions_asked_for_each_second(
    force: PatrolForce, days: list[PatrolDay]
) -> None:
    for day in days[::10]:
        outlines = [shapely.Polygon(c) for c in force.ground.places.corners]
        for track in np.unique(day.stays.track)[:4]:
            mine = day.tracks.track == track
            t = np.arange(day.tracks.t0[mine][0], day.tracks.t1[mine][-1], 1.0) + 0.5
            x, y = day.tracks.at(day.tracks.segments(np.full(len(t), track), t), t)
            for place, outline in enumerate(outlines):
                stays = (day.stays.track == track) & (day.stays.place == place)
                seconds = 60 * day.stays.minutes()[stays].sum()
                # each crossing is off by up to half a second
                assert shapely.contains_xy(outline, x, y).sum() == pytest.approx(
                    seconds, abs=float(2 * stays.sum() + 1)
                )


def test_a_visit_lasts_in_the_place_as_long_as_it_says_but_for_driving_in_and_out(
    delivered: Delivered,
) -> None:
    visits = delivered.truth.visits.with_columns(
        stated=(pl.col("end_local") - pl.col("start_local")).dt.total_seconds() / 60
    )
    there = visits.filter(pl.col("kind") != "wrong_cell")
    over = (there["minutes_in_place"] - there["stated"]).to_numpy()
    assert over.min() > -1e-6
    assert over.max() < 4.01  # two minutes on either side at most are looked at
    assert np.median(over) < 1.0
    wrong = visits.filter(pl.col("kind") == "wrong_cell")
    assert len(wrong) > 5
    assert wrong["minutes_in_place"].median() == 0


def test_presence_of_devices_is_that_of_their_units(delivered: Delivered) -> None:
    truth = delivered.truth
    key = ["police_day", "crew_id", "place"]
    units = truth.stays.group_by(*key, "carrier").agg(pl.col("minutes").sum())
    car = pl.col("device_type") == "vehicle"
    joined = truth.presence.with_columns(
        carrier=pl.when(car).then(pl.lit("car")).otherwise(pl.lit("officers"))
    ).join(units, on=[*key, "carrier"], how="left")
    assert joined["minutes_right"].null_count() == 0
    assert (joined["minutes"] - joined["minutes_right"]).abs().max() < 1e-9  # type: ignore[operator]
    # nothing outside the patrol days but the morning after the last
    last = delivered.made.profile.end_local.date()
    assert truth.presence["police_day"].max() <= last  # type: ignore[operator]
    assert truth.presence.filter(pl.col("police_day") == last)["minutes"].sum() < 120


def test_background_minutes_in_places_are_as_asked_for() -> None:
    n_days, n_places = 0, 0
    total = {True: 0.0, False: 0.0}
    n_calls = 0.0
    for seed in SEEDS:
        force = force_of(seed)
        n_calls += force.n_days * force.calls.sum()
        n_days += force.n_days
        n_places = int(force.ground.is_treated.sum())
        for day in days_of(seed):
            of_background = np.isin([u.kind for u in day.units], ["response", "npt"])[
                day.stays.track // 2
            ]
            officers = day.stays.track % 2 == 0
            for arm in (True, False):
                mine = of_background & officers & (force.ground.is_treated[day.stays.place] == arm)
                total[arm] += day.stays.minutes()[mine].sum()
    # a compound Poisson sum: calls of 2 to 14 minutes
    relative = 1.2 / np.sqrt(n_calls)
    assert total[True] / n_days / n_places == pytest.approx(
        TREATED_MINUTES, rel=3 * relative + 0.03
    )
    assert total[False] / n_days / n_places == pytest.approx(
        CONTROL_MINUTES, rel=6 * relative + 0.03
    )


def test_neighbourhood_officers_stay_out_of_places(
    force: PatrolForce, days: list[PatrolDay]
) -> None:
    minutes = 0.0
    for day in days:
        npt = np.array([u.kind == "npt" for u in day.units])[day.stays.track // 2]
        minutes += day.stays.minutes()[npt].sum()
    assert minutes / len(days) / len(force.ground.place_xy) < 0.5  # on their way
