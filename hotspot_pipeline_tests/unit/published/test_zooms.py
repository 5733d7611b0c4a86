"""Which parts of a force are enlarged."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotspot_pipeline.published.zooms import Extent, around, choose_zooms, grid_square

WIDTH, HEIGHT, MARGIN = 5000.0, 3500.0, 200.0


def boxes_at(points: list[tuple[float, float]], side: float = 300.0) -> np.ndarray:
    return np.array([(x, y, x + side, y + side) for x, y in points]).reshape(-1, 4)


def zooms_of(boxes: np.ndarray, n_events: list[int], most: int = 4) -> list[Extent]:
    return choose_zooms(
        boxes,
        np.array(n_events, dtype=np.int64),
        width_m=WIDTH,
        height_m=HEIGHT,
        margin_m=MARGIN,
        most=most,
    )


def most_in_one_window(boxes: np.ndarray) -> int:
    """Brute force: any set of hotspots fits one window if their common box does."""
    for size in range(len(boxes), 0, -1):
        for group in itertools.combinations(boxes, size):
            low, high = np.min(group, axis=0)[:2], np.max(group, axis=0)[2:]
            if (high - low <= [WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN]).all():
                return size
    return 0


points = st.lists(
    st.tuples(st.integers(0, 12000).map(float), st.integers(0, 12000).map(float)),
    min_size=1,
    max_size=8,
)


@settings(deadline=None, max_examples=60)
@given(points)
def test_windows_hold_the_most_hotspots_and_are_never_empty(
    places: list[tuple[float, float]],
) -> None:
    boxes = boxes_at(places)
    windows = zooms_of(boxes, list(range(1, len(places) + 1)))
    assert 1 <= len(windows) <= 4
    assert windows[0].holds(boxes).sum() >= most_in_one_window(boxes)
    unseen = np.ones(len(boxes), dtype=bool)
    for window in windows:
        assert window.width_m == pytest.approx(WIDTH)
        assert window.height_m == pytest.approx(HEIGHT)
        inner = window.grown(1e-6 - MARGIN)
        assert (unseen & inner.holds(boxes)).any()
        unseen &= ~window.holds(boxes)
    assert len(windows) == 4 or not unseen.any()


def test_of_equal_groups_the_one_with_more_events_comes_first() -> None:
    boxes = boxes_at([(0, 0), (500, 0), (50_000, 0), (50_500, 0), (90_000, 0)])
    windows = zooms_of(boxes, [5, 5, 8, 8, 99])
    assert [window.holds(boxes).tolist() for window in windows] == [
        [False, False, True, True, False],
        [True, True, False, False, False],
        [False, False, False, False, True],
    ]


def test_a_window_is_centred_on_its_hotspots() -> None:
    (window,) = zooms_of(boxes_at([(1000, 2000), (3000, 2500)]), [1, 1])
    assert window.centre == (2150, 2400)


def test_a_hotspot_larger_than_a_window_is_in_none() -> None:
    assert zooms_of(np.array([[0, 0, WIDTH, 100]]), [50]) == []
    assert zooms_of(np.empty((0, 4)), []) == []


def test_many_hotspots() -> None:
    rng = np.random.default_rng(1)
    boxes = boxes_at([tuple(p) for p in rng.uniform(0, 60_000, size=(600, 2))])
    windows = zooms_of(boxes, rng.integers(1, 500, 600).tolist())
    held = [int(w.holds(boxes).sum()) for w in windows]
    assert len(windows) == 4
    assert min(held) >= 3


def test_extents() -> None:
    extent = Extent(0, 0, 100, 50)
    assert extent.widened(4.0) == Extent(-50, 0, 150, 50)
    assert extent.widened(1.0) == Extent(0, -25, 100, 75)
    assert around((10, 20), 4, 2) == Extent(8, 19, 12, 21)
    assert Extent(0, 0, 10, 10).grown(1) == Extent(-1, -1, 11, 11)


@pytest.mark.parametrize(
    ("easting", "northing", "square"),
    [
        (431912, 265734, "SP 31 65"),
        # Ordnance Survey's worked example and the corners of the grid
        (651409.903, 313177.270, "TG 51 13"),
        (0, 0, "SV 00 00"),
        (438710.908, 114792.25, "SU 38 14"),
        (395999.668, 1138728.951, "HT 95 38"),
        (-5, 200_000, ""),
        (800_000, 200_000, ""),
    ],
)
def test_grid_squares(easting: float, northing: float, square: str) -> None:
    assert grid_square(easting, northing) == square


def test_a_further_window_shows_other_ground() -> None:
    """A cluster fills the first window; two hotspots beside it, at opposite corners, would show it all again."""
    cluster = [[x, y, x + 300, y + 300] for x in (2000, 4500) for y in (2000, 3500)]
    beside = [[1200, 4300, 1500, 4600], [5600, 1500, 5900, 1800]]
    boxes = np.array([*cluster, *beside], dtype=float)
    windows = choose_zooms(
        boxes, np.array([9, 9, 9, 9, 5, 4]), width_m=5000, height_m=3500, margin_m=200
    )
    assert len(windows) >= 2
    for n, window in enumerate(windows):
        for earlier in windows[:n]:
            across = min(window.east, earlier.east) - max(window.west, earlier.west)
            along = min(window.north, earlier.north) - max(window.south, earlier.south)
            assert max(0, across) * max(0, along) <= 0.4 * 5000 * 3500 + 1
        assert window.holds(boxes).any()
