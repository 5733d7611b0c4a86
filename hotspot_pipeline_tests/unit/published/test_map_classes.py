"""Classes of counts and their shades."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot_pipeline.published.map_classes import (
    N_CLASSES,
    class_of,
    labels,
    lower_bounds,
    shades,
)


@pytest.mark.parametrize(
    ("highest", "expected"),
    [
        (1, ["1"]),
        (2, ["1", "2"]),
        (3, ["1", "2", "3"]),
        (5, ["1", "2", "3", "4", "5"]),
        (10, ["1", "2", "3–4", "5–6", "7–10"]),
        (419, ["1–2", "3–9", "10–29", "30–149", "150–419"]),
        (12000, ["1–6", "7–49", "50–299", "300–1,999", "2,000–12,000"]),
    ],
)
def test_classes_for_people(highest: int, expected: list[str]) -> None:
    assert labels(lower_bounds(highest), highest) == expected


@given(st.integers(1, 10**7))
def test_every_count_has_one_class_whose_label_holds_it(highest: int) -> None:
    bounds = lower_bounds(highest)
    assert bounds[0] == 1
    assert bounds == sorted(set(bounds))
    assert len(bounds) <= N_CLASSES
    spans = []
    for label in labels(bounds, highest):
        ends = [int(end.replace(",", "")) for end in label.split("–")]
        spans.append((ends[0], ends[-1]))
    assert spans[0][0] == 1
    assert spans[-1][1] == highest
    assert all(high + 1 == low for (_, high), (low, _) in pairwise(spans))
    counts = np.unique(np.array([1, highest, *bounds, *(b - 1 for b in bounds[1:])]))
    for count, found in zip(counts.tolist(), class_of(counts, bounds).tolist(), strict=True):
        assert spans[found][0] <= count <= spans[found][1]


@given(st.integers(200, 10**7))
def test_classes_grow_by_nearly_equal_ratios(highest: int) -> None:
    bounds = [*lower_bounds(highest), highest]
    steps = np.diff(np.log(bounds)) / np.log(highest)
    assert len(steps) == N_CLASSES
    # a bound is moved by at most the square root of 2 to a round number
    assert np.abs(steps - 1 / N_CLASSES).max() <= 2 * np.log(2**0.5) / np.log(highest) + 1e-9


def test_no_class_without_events() -> None:
    with pytest.raises(ValueError, match="an event"):
        lower_bounds(0)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_shades_darken_in_grey_print(n: int) -> None:
    colours = np.array(shades(n))[:, :3]
    assert len(colours) == n
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    lightness = 116 * np.cbrt(linear @ [0.2126, 0.7152, 0.0722]) - 16
    assert (np.diff(lightness) < -12).all()
    assert lightness[0] < 95
