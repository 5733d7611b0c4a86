"""Counts of both cuts against sums by hand; cells of places and rings on a made grid."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from hotspot_pipeline.evaluation.trials.counts import Counts, made
from hotspot_pipeline.evaluation.trials.estimates import last_settled_day
from hotspot_pipeline.evaluation.trials.features import features
from hotspot_pipeline.evaluation.trials.lot_days import days_by_lot
from hotspot_pipeline.evaluation.trials.places import candidates, places_of, with_rings
from hotspot_pipeline_tests.unit.evaluation.trials.test_files import CHOSEN
from hotspot_pipeline_tests.unit.evaluation.trials.test_files import made as trial_of

MONDAY = date(2026, 1, 5)
GROUPS = ("ASB", "VAP")


def day(n: int) -> date:
    return MONDAY + timedelta(days=n)


def counts(days: np.ndarray, settled: dict[int, int]) -> Counts:
    """One place and group from counts by day, and settled counts by week where those were taken."""
    daily = pl.DataFrame({"place": 0, "police_day": [day(k) for k in range(len(days))], "cat_group": "ASB", "n": days})  # fmt: skip
    weeks = pl.DataFrame(
        [(0, day(7 * w), "ASB", n) for w, n in settled.items()],
        schema={"place": pl.Int64, "week_start": pl.Date, "cat_group": pl.String, "n": pl.Int64}, orient="row",
    )  # fmt: skip
    return made(daily, weeks, [day(7 * w) for w in settled], GROUPS, 1, MONDAY, day(len(days) - 1))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_windows_take_whole_weeks_from_the_cut_and_odd_days_from_now(data: Any) -> None:
    days = np.array(data.draw(st.lists(st.integers(0, 5), min_size=28, max_size=28)))
    settled = data.draw(st.dictionaries(st.integers(0, 3), st.integers(100, 200)))
    first = data.draw(st.integers(0, 27))
    last = data.draw(st.integers(first, 27))
    found = counts(days, settled)
    wanted, k = 0, first
    while k <= last:
        if k % 7 == 0 and k + 6 <= last:
            wanted += settled.get(k // 7, int(days[k : k + 7].sum()))
            k += 7
        else:
            wanted += int(days[k])
            k += 1
    assert found.window("settled", day(first), day(last)).tolist() == [wanted]
    assert found.window("latest", day(first), day(last)).tolist() == [int(days[first : last + 1].sum())]  # fmt: skip


def test_weeks_cut_by_a_window_are_no_whole_weeks() -> None:
    found = counts(np.ones(28, np.int64), {1: 50})
    assert found.whole_weeks(day(1), day(27)).tolist() == [1, 2, 3]
    assert found.whole_weeks(day(0), day(26)).tolist() == [0, 1, 2]
    assert found.whole_weeks(day(1), day(6)).tolist() == []
    assert found.by_week("settled").tolist() == [[7, 50, 7, 7]]
    assert found.outcome(["VAP"]).by_week("settled").tolist() == [[0, 0, 7 * 0, 0]]
    with pytest.raises(ValueError, match="outside the counted days"):
        found.window("latest", day(-1), day(3))


@pytest.mark.parametrize("ends", range(14))
def test_the_last_settled_day_is_the_newest_sunday_that_is_old_enough(ends: int) -> None:
    data_to = day(ends)
    found = last_settled_day(data_to)
    assert found.weekday() == 6
    # the week is over for 28 days when the day after data_to begins, and the next one is not
    assert 28 <= (data_to - found).days < 35


def square(x: float, y: float, size: float = 100) -> shapely.Polygon:
    return shapely.box(x, y, x + size, y + size)


# cells are squares of 100 m, their centres at 50, 150, …; the id tells where: 100 · column + row
CENTRES = pl.DataFrame([(100 * i + j, 100.0 * i + 50, 100.0 * j + 50) for i in range(20) for j in range(5)], schema=("cell", "easting", "northing"), orient="row")  # fmt: skip
AREAS = {"a": square(200, 200), "b": square(1500, 200, 200), "tiny": square(903, 203, 20)}


def test_cells_of_areas_and_rings_without_overlaps() -> None:
    trial = trial_of(**CHOSEN, treated=["a"], controls=["b", "tiny"])
    places = with_rings(places_of(trial, AREAS, {}, CENTRES, []), [60], CENTRES)
    cells = {name: places.cells.filter((pl.col("zone") == 0) & (pl.col("place") == k))["cell"].to_list() for k, name in enumerate(places.names)}  # fmt: skip
    assert cells == {"a": [202], "b": [1502, 1503, 1602, 1603], "tiny": [902]}
    ring = {k: sorted(places.cells.filter((pl.col("zone") == 1) & (pl.col("place") == k))["cell"]) for k in (0, 1)}  # fmt: skip
    assert ring[0] == [102, 201, 203, 302]
    assert ring[1] == [1402, 1403, 1501, 1504, 1601, 1604, 1702, 1703]
    assert places.n_removed == {1: 0} and places.treated == ("a",)


def test_a_ring_of_a_neighbour_belongs_to_nobody() -> None:
    areas = {"a": square(200, 200), "b": square(400, 200)}
    trial = trial_of(**CHOSEN, treated=["a"], controls=["b"])
    places = with_rings(places_of(trial, areas, {}, CENTRES, []), [60], CENTRES)
    assert 302 not in places.cells.filter(pl.col("zone") == 1)["cell"].to_list()
    assert places.n_removed == {1: 1}
    assert with_rings(places, [10], CENTRES).n_removed == {}


def test_places_are_named_or_said_to_be_unknown() -> None:
    planned = trial_of(**CHOSEN, treated="planned", controls="others")
    assert places_of(planned, AREAS, {}, CENTRES, ["b"]).names == ("b", "a", "tiny")
    with pytest.raises(ValueError, match="no plan sends a patrol"):
        places_of(planned, AREAS, {}, CENTRES, [])
    with pytest.raises(
        ValueError, match="c is no patrol area and no hotspot; areas are a, b, tiny"
    ):
        places_of(trial_of(**CHOSEN, treated=["a"], controls=["c"]), AREAS, {}, CENTRES, [])
    with pytest.raises(ValueError, match="share the cell"):
        places_of(trial_of(**CHOSEN, treated=["a"], controls=["x"]), {**AREAS, "x": square(210, 210, 90)}, {}, CENTRES, [])  # fmt: skip


def test_candidates_keep_their_distance() -> None:
    places = places_of(
        trial_of(**CHOSEN, treated=["a"], controls="matched"), AREAS, {}, CENTRES, []
    )
    assert candidates(places, CENTRES, [302, 402, 602, 1502], 260) == [602, 1502]


def test_features_by_hand() -> None:
    rows = [(0, day(0), "ASB", 9, 3, 6), (0, day(11), "VAP", 7, 7, 0), (1, day(1), "ASB", 4, 4, 0)]
    daily = pl.DataFrame(rows, schema=("place", "police_day", "cat_group", "n", "n_by_day", "n_by_night"), orient="row")  # fmt: skip
    venues = pl.DataFrame({"easting": [250.0, 390.0, 5000.0], "northing": [250.0, 250.0, 0.0]})
    found = features(daily, GROUPS, 3, day(0), day(13), [AREAS["a"], AREAS["b"], AREAS["tiny"]], venues)  # fmt: skip
    assert found["level:events"].to_list() == [4, 2, 0]
    assert found["trend:halves"].to_list() == pytest.approx([7**0.5 - 3, -2, 0])
    # the third has no event: the mean of the others says nothing of it
    assert found["mix:VAP"].to_list() == pytest.approx([7 / 16, 0, 7 / 32])
    assert found["hours:night"].to_list() == pytest.approx([6 / 16, 0, 3 / 16])
    # day 11 is a Friday
    assert found["hours:weekend"].to_list() == pytest.approx([7 / 16, 0, 7 / 32])
    assert found["venues:near"].to_list() == pytest.approx([2**0.5, 0, 0])


def test_days_by_lot_are_those_of_the_plan() -> None:
    trial = trial_of(**CHOSEN, treated=["a", "tiny"], controls=["b"])
    places = places_of(trial, AREAS, {}, CENTRES, [])
    plan = pl.DataFrame(
        [("a", day(0), True, "treat"), ("a", day(0), True, "treat"), ("a", day(1), True, "control"), ("a", day(2), False, "na"),
         ("tiny", day(0), True, "treat"), ("tiny", day(0), True, "control"), ("tiny", day(3), True, "control"), ("b", day(0), True, "treat"),
         ("a", day(9), True, "treat")],
        schema=("hotspot_id", "police_day", "is_randomised", "arm"), orient="row",
    )  # fmt: skip
    minutes = pl.DataFrame({"hotspot_id": ["a", "a"], "police_day": [day(0), day(7)], "patrol_ms": [900_000, 1]})  # fmt: skip
    found = days_by_lot(plan, minutes, places, day(0), day(7))
    assert found is not None and found.patrol_minutes is not None
    assert list(zip(found.place, found.police_day.tolist(), found.assigned, found.patrol_minutes, strict=True)) == [
        (0, day(0), True, 15.0), (0, day(1), False, 0.0), (1, day(3), False, 0.0)
    ]  # fmt: skip
    assert found.n_unclear == 1
    bare = days_by_lot(plan, minutes.clear(), places, day(0), day(7))
    assert bare is not None and bare.patrol_minutes is None
    assert (
        days_by_lot(plan.filter(~pl.col("is_randomised")), minutes, places, day(0), day(7)) is None
    )
