"""Labels that cover neither each other nor what they name."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hotspot_pipeline.published.label_places import place_labels

SIZE, CLEARANCE = np.array([24.0, 16.0]), 8.0
PAGE = np.array([0.0, 0.0, 1000.0, 1000.0])
NO_WALLS = np.empty((0, 4))


def placed(points: list[tuple[float, float]], walls: np.ndarray = NO_WALLS) -> np.ndarray:
    array = np.array(points, dtype=float).reshape(-1, 2)
    sizes = np.tile(SIZE, (len(array), 1))
    return place_labels(array, sizes, walls, PAGE, clearance=CLEARANCE)


def overlap(a: np.ndarray, size_a: np.ndarray, b: np.ndarray, size_b: np.ndarray) -> bool:
    return bool((np.abs(a - b) < (size_a + size_b) / 2 - 1e-6).all())


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=30, unique=True)
)
def test_labels_of_places_apart_are_free(squares: list[tuple[int, int]]) -> None:
    points = [(100.0 * x, 100.0 * y) for x, y in squares]
    centres = placed(points)
    for a, b in itertools.combinations(centres, 2):
        assert not overlap(a, SIZE, b, SIZE)
    for centre, point in itertools.product(centres, np.array(points)):
        beyond = np.clip(np.abs(centre - point) - SIZE / 2, 0, None)
        assert np.hypot(*beyond) > CLEARANCE - 1e-6
    np.testing.assert_array_less(np.hypot(*(centres - np.array(points)).T), 40)


def test_a_cluster_spreads() -> None:
    points = [(500.0 + 3 * at, 500.0) for at in range(8)]
    centres = placed(points)
    assert not any(overlap(a, SIZE, b, SIZE) for a, b in itertools.combinations(centres, 2))


def test_a_label_does_not_cover_the_place_beside_it() -> None:
    points = np.array([(500.0, 500.0), (520.0, 514.0)])
    centres = placed([tuple(point) for point in points])
    ring = np.array([2 * CLEARANCE, 2 * CLEARANCE])
    assert not overlap(centres[0], SIZE, points[1], ring)


def test_labels_stay_on_the_map_and_off_the_walls() -> None:
    corner = placed([(999.0, 999.0)])[0]
    assert (corner + SIZE / 2 <= 1000).all()
    wall = np.array([[500.0, 500.0, 700.0, 700.0]])
    beside = placed([(490.0, 490.0)], wall)[0]
    assert not overlap(beside, SIZE, np.array([600.0, 600.0]), np.array([200.0, 200.0]))


def test_the_upper_right_is_taken_first() -> None:
    (centre,) = placed([(500.0, 500.0)])
    assert (centre > 500).all()


def test_no_place_gives_no_label() -> None:
    assert placed([]).shape == (0, 2)
