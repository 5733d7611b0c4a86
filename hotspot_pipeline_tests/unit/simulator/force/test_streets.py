"""The street network: whole, of streets' lengths, and the nearest street against brute force."""

from __future__ import annotations

import numpy as np
import pytest

from hotspot_pipeline.simulator.force.streets import ARTERIAL, LANE, STREET, Streets, make_streets
from hotspot_pipeline_tests.unit.simulator.force.conftest import Ground


@pytest.fixture
def streets(any_ground: Ground) -> Streets:
    return make_streets(any_ground.streams, any_ground.county)


def test_every_node_can_be_reached_from_every_other(streets: Streets) -> None:
    beside: list[list[int]] = [[] for _ in streets.easting]
    for a, b in zip(streets.start.tolist(), streets.end.tolist(), strict=True):
        beside[a].append(b)
        beside[b].append(a)
    seen, waiting = {0}, [0]
    while waiting:
        for node in beside[waiting.pop()]:
            if node not in seen:
                seen.add(node)
                waiting.append(node)
    assert len(seen) == len(streets.easting)


def test_edges_are_distinct_and_as_long_as_they_say(streets: Streets) -> None:
    assert (streets.start < streets.end).all()
    pairs = set(zip(streets.start.tolist(), streets.end.tolist(), strict=True))
    assert len(pairs) == len(streets.start)
    east = streets.easting[streets.end] - streets.easting[streets.start]
    north = streets.northing[streets.end] - streets.northing[streets.start]
    np.testing.assert_allclose(streets.length_m, np.hypot(east, north))
    assert streets.length_m.min() > 0 and streets.length_m.max() < 700
    assert set(streets.kind.tolist()) == {STREET, LANE, ARTERIAL}


def test_towns_and_villages_are_on_the_network(any_ground: Ground, streets: Streets) -> None:
    for place in (*any_ground.county.towns, *any_ground.county.villages):
        away = np.hypot(streets.easting - place.easting, streets.northing - place.northing)
        assert away.min() < 150
    # streets are where people live: nine in ten residents have one within 150 m of their address
    county = any_ground.county
    rng = np.random.default_rng(1)
    cell = rng.choice(len(county.cells), 2000, p=county.population / county.population.sum())
    e, n = county.place_easting[cell, 0], county.place_northing[cell, 0]
    edge, _ = streets.nearest_street(e, n)
    assert np.mean(_distance(streets, edge, e, n) < 150) > 0.9


def _distance(streets: Streets, edge: np.ndarray, e: np.ndarray, n: np.ndarray) -> np.ndarray:
    """From each point to its edge, by the foot of the perpendicular."""
    a, b = streets.start[edge], streets.end[edge]
    ux, uy = streets.easting[b] - streets.easting[a], streets.northing[b] - streets.northing[a]
    dx, dy = e - streets.easting[a], n - streets.northing[a]
    t = np.clip((dx * ux + dy * uy) / (ux**2 + uy**2), 0, 1)
    return np.hypot(dx - t * ux, dy - t * uy)


def test_nearest_street_is_the_nearest(any_ground: Ground, streets: Streets) -> None:
    county = any_ground.county
    rng = np.random.default_rng(7)
    cell = rng.integers(0, len(county.cells), 60)
    e, n = county.place_easting[cell, 1], county.place_northing[cell, 1]
    edge, bearing = streets.nearest_street(e, n)
    found = _distance(streets, edge, e, n)
    every = np.arange(len(streets.start))
    for k in range(len(e)):
        assert found[k] == pytest.approx(_distance(streets, every, e[k], n[k]).min(), abs=1e-6)
    assert ((bearing >= 0) & (bearing < np.pi)).all()
    # a shift along the bearing stays on the street's line
    a, b = streets.start[edge], streets.end[edge]
    ux, uy = streets.easting[b] - streets.easting[a], streets.northing[b] - streets.northing[a]
    np.testing.assert_allclose(np.sin(bearing) * uy - np.cos(bearing) * ux, 0, atol=1e-6)


def test_of_streets_that_meet_the_first_is_taken() -> None:
    cross = Streets(
        easting=np.array([0.0, 100.0, 0.0]),
        northing=np.array([0.0, 0.0, 100.0]),
        start=np.array([0, 0]),
        end=np.array([1, 2]),
        length_m=np.array([100.0, 100.0]),
        kind=np.array([STREET, STREET]),
    )
    edge, bearing = cross.nearest_street(np.array([-30.0, 50.0, 5.0]), np.array([-30.0, 5.0, 50.0]))
    assert edge.tolist() == [0, 0, 1]
    np.testing.assert_allclose(bearing, [np.pi / 2, np.pi / 2, 0])
