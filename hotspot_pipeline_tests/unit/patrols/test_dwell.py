"""Time in zones: worked examples, the compiled pass against plain loops and shapely, and what must hold for any fixes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from hotspot_pipeline.patrols.dwell import Dwell, dwell
from hotspot_pipeline.patrols.intervals import cut
from hotspot_pipeline.patrols.rules import DwellRules
from hotspot_pipeline.patrols.zone_raster import make_raster
from hotspot_pipeline.patrols.zones import make_zones
from hotspot_pipeline_tests.unit.patrols.made_tracks import (
    EAST,
    MINUTE,
    NORTH,
    box,
    fixes,
    honeycomb,
    one_zone,
    steady,
    track,
    walk,
)
from hotspot_pipeline_tests.unit.patrols.slow_road import slow_dwell


def spans(
    frame: pl.DataFrame, start: str = "start_ms", end: str = "end_ms"
) -> list[tuple[int, int]]:
    return list(frame.select(start, end).iter_rows())


def length(frame: pl.DataFrame) -> int:
    return int((frame["end_ms"] - frame["start_ms"]).sum())


def frames(found: Dwell) -> list[pl.DataFrame]:
    return [found.stays, found.possible, found.crossings, found.covered, found.at_base, found.devices]  # fmt: skip


def test_interpolated_enters_and_leaves_at_the_boundary() -> None:
    seconds = [(0, 0, 0), (6, 6, 0), (10, 10, 0), (20, 10, 10), (30, 0, 10)]
    found = dwell(
        fixes([(0, s * 1000, x, y) for s, x, y in seconds]), one_zone(shapely.box(5, -5, 7, 8))
    )
    assert spans(found.crossings) == [(5_000, 7_000)]


def test_three_definitions_of_sixteen_fixes_a_minute_apart() -> None:
    found = dwell(fixes(steady(0, 0, MINUTE, [-500, *[0] * 16, 500])), one_zone(box(50)))
    assert length(found.stays) == 16 * MINUTE
    assert spans(found.stays, "first_inside_ms", "last_inside_ms") == [(MINUTE, 16 * MINUTE)]
    assert length(found.crossings) == 15 * MINUTE + 12_000
    assert spans(found.possible) == [(0, 17 * MINUTE)]


def test_a_way_through_without_a_fix_inside_is_interpolated_only() -> None:
    found = dwell(fixes(steady(0, 0, MINUTE, [-3000, 3000])), one_zone(box(50)))
    assert found.stays.is_empty()
    assert spans(found.crossings) == [(29_500, 30_500)]


def test_the_exit_buffer_keeps_a_stay_but_begins_none() -> None:
    places = [-500, 60, 0, 60, 69, 71, 60, 500]
    found = dwell(fixes(steady(0, 0, MINUTE, places)), one_zone(box(50)))
    assert spans(found.stays) == [(90_000, 4 * MINUTE + 30_000)]
    assert found.stays["n_fixes"].to_list() == [3]


def test_case_25_a_gap_inside_a_visit_and_a_fix_only_at_entry() -> None:
    """Of a gap of 20 minutes half the longest gap counts on either side; a single fix owns no more either."""
    rows = steady(0, 0, MINUTE, [-500, 0, 0]) + steady(0, 22 * MINUTE, MINUTE, [0, 0, 500])
    found = dwell(fixes(rows), one_zone(box(50)))
    assert spans(found.stays) == [(30_000, 2 * MINUTE + 150_000), (22 * MINUTE - 150_000, 23 * MINUTE + 30_000)]  # fmt: skip
    assert found.devices["gap_ms"].to_list() == [15 * MINUTE]
    assert spans(found.possible) == [(0, 24 * MINUTE)]  # it may have been there all the time
    assert length(found.crossings) == 2 * (MINUTE + 6_000)
    only = dwell(fixes([(0, 0, -500, 0), (0, MINUTE, 0, 0)]), one_zone(box(50)))
    assert spans(only.stays) == [(30_000, MINUTE)]
    lone = dwell(fixes([(0, 0, -500, 0), (0, 20 * MINUTE, 0, 0), (0, 40 * MINUTE, 500, 0)]), one_zone(box(50)))  # fmt: skip
    assert (
        length(lone.stays) == 600_000
    )  # the median pause is 20 minutes, so the longest gap is ten


def test_the_longest_gap_follows_a_slow_device() -> None:
    rows = steady(0, 0, MINUTE, [0] * 5) + steady(1, 0, 3 * MINUTE, [0] * 5) + steady(2, 0, 9 * MINUTE, [0] * 5)  # fmt: skip
    gaps = dwell(fixes(rows), one_zone(box(50))).devices["max_gap_ms"].to_list()
    assert gaps == [300_000, 450_000, 600_000]


def test_a_poor_fix_proves_life_and_moves_nothing() -> None:
    places = [-500, 0, 900, 0, 500, 0, 900]
    poor = [False, False, True, False, False, True, False]
    found = dwell(fixes(steady(0, 0, MINUTE, places), is_poor=poor), one_zone(box(50)))
    assert spans(found.stays) == [(30_000, 3 * MINUTE + 30_000)]
    # straight from good fix to good fix
    assert length(found.crossings) == 6_000 + 2 * MINUTE + 6_000


def test_case_26_at_base_is_in_no_zone() -> None:
    base = [False, False, True, True, False]
    found = dwell(fixes(steady(0, 0, MINUTE, [0, 0, 0, 0, 0]), is_at_base=base), one_zone(box(50)))
    assert spans(found.stays) == [(0, 90_000), (3 * MINUTE + 30_000, 4 * MINUTE)]
    assert spans(found.at_base) == [(90_000, 3 * MINUTE + 30_000)]
    assert length(found.crossings) == 3 * MINUTE  # all but the way from base to base


def test_a_merged_hotspot_is_one_zone_and_its_inner_edges_are_none() -> None:
    cells = [c for k, c in enumerate(honeycomb(3, 3, 100.0)) if k != 4]  # with a hole
    zones = make_zones(["H"] * 8, ["hotspot"] * 8, cells)
    whole = shapely.union_all(cells, grid_size=0.001)
    assert sum(zones.shapes.edge_zone == 0) == len(shapely.get_coordinates(whole)) - 2
    t, x, y = walk(np.random.default_rng(4), 3_000, 10_000, 4.0, EAST + 150, NORTH + 170)
    slow = slow_dwell(t, x, y, whole, DwellRules(), 300_000, cells=cells)
    assert slow.nearest_call_m > 1e-3 and len(slow.stays) > 10
    found = dwell(track(0, t, x, y), zones)
    assert spans(found.stays) == slow.stays
    assert length(found.crossings) == pytest.approx(slow.crossed_ms, abs=2 * len(slow.stays) + 2)


def test_an_outline_that_is_not_convex_is_measured_as_it_is_drawn() -> None:
    drawn = shapely.Polygon([(0, 0), (400, 0), (400, 300), (200, 60), (0, 300)])
    t, x, y = walk(np.random.default_rng(5), 2_000, 20_000, 2.0, 200.0, 100.0)
    slow = slow_dwell(t, x, y, drawn, DwellRules(), 300_000)
    found = dwell(track(0, t, x, y), one_zone(drawn))
    assert spans(found.stays) == slow.stays and len(slow.stays) > 3
    assert length(found.crossings) == pytest.approx(slow.crossed_ms, abs=2 * found.crossings.height)


@settings(max_examples=12)
@given(
    seed=st.integers(0, 2**32 - 1),
    every_s=st.sampled_from([5, 30, 60, 200, 400]),
    speed=st.sampled_from([0.0, 1.2, 6.0, 15.0]),
    sigma=st.sampled_from([4.0, 8.0, 15.0]),
    buffer=st.sampled_from([0.0, 20.0, 25.0]),
)
def test_the_fast_road_is_the_slow_one(
    seed: int, every_s: int, speed: float, sigma: float, buffer: float
) -> None:
    """Stays, bounds and interpolated time in single cells and merged ones, poor and base fixes and gaps among them."""
    rng = np.random.default_rng(seed)
    cells = honeycomb(3, 4, 150.0)
    names = ["A", "A", "B", "C", "A", "C", "C", "D", "E", "E", "F", "F"]
    zones = make_zones(names, ["hotspot"] * 12, cells)
    rules = DwellRules(sigma_m=sigma, exit_buffer_m=buffer)
    t, x, y = walk(rng, 150, every_s * 1000, speed, EAST + 300, NORTH + 300)
    t += np.cumsum(np.where(rng.random(150) < 0.03, rng.integers(200_000, 2_000_000, 150), 0))
    poor, at_base = rng.random(150) < 0.05, rng.random(150) < 0.03
    given_ = track(0, t, x, y).with_columns(is_poor=pl.Series(poor), is_at_base=pl.Series(at_base))
    found = dwell(given_.sample(fraction=1, shuffle=True, seed=seed % 1000), zones, rules)
    gap = int(found.devices["max_gap_ms"][0])
    for z, name in enumerate(zones.zone_id):
        parts = [c for c, n in zip(cells, names) if n == name]
        whole = shapely.union_all(parts, grid_size=0.001)
        slow = slow_dwell(t, x, y, whole, rules, gap, poor, at_base, parts)
        if slow.nearest_call_m < 2e-3:
            continue  # outlines are joined on a grid of a millimetre
        mine = [frame.filter(pl.col("zone") == z) for frame in frames(found)[:3]]
        assert spans(mine[0]) == slow.stays
        assert spans(mine[0], "first_inside_ms", "last_inside_ms") == slow.inside
        assert (
            spans(mine[0].drop_nulls("first_sure_ms"), "first_sure_ms", "last_sure_ms") == slow.sure
        )
        assert spans(mine[1]) == slow.possible
        assert length(mine[2]) == pytest.approx(slow.crossed_ms, abs=mine[2].height + 1)


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), every_s=st.sampled_from([5, 60, 300]), n=st.integers(1, 400))
def test_time_is_conserved(seed: int, every_s: int, n: int) -> None:
    """Inside + outside + gaps = span: the cells of a whole plane share out each device's known time, by both definitions."""
    rng = np.random.default_rng(seed)
    cells = honeycomb(9, 9, 120.0)
    middle = EAST + 720.0, NORTH + 900.0
    zones = make_zones([f"{k:03d}" for k in range(81)], ["control"] * 81, cells)
    t, x, y = walk(rng, n, every_s * 1000, 600 / (every_s * max(1, n)) ** 0.5 / 60, *middle)
    x, y = np.clip(x, middle[0] - 500, middle[0] + 500), np.clip(y, middle[1] - 500, middle[1] + 500)  # fmt: skip
    t += np.cumsum(np.where(rng.random(n) < 0.05, rng.integers(0, 3_000_000, n), 0))
    found = dwell(track(0, t, x, y), zones, DwellRules(exit_buffer_m=0.0))
    whole = found.devices.row(0, named=True)
    assert whole["covered_ms"] + whole["gap_ms"] == t[-1] - t[0]
    assert length(found.covered) == whole["covered_ms"]
    assert length(found.stays) == whole["covered_ms"]
    pauses = np.diff(t)
    joined = int(pauses[pauses <= whole["max_gap_ms"]].sum())
    assert abs(length(found.crossings) - joined) <= found.crossings.height + 1


@settings(max_examples=10)
@given(seed=st.integers(0, 2**32 - 1))
def test_order_of_arrival_changes_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    zones = make_zones(list("ABCD"), ["ring"] * 4, honeycomb(2, 2, 200.0))
    given_ = pl.concat(track(d, *walk(rng, 60, 60_000, 3.0)) for d in (3, 0, 7))
    twice = given_.with_columns(fix_ms=pl.col("fix_ms") // 60_000 * 60_000)  # moments that repeat
    shuffled = twice.sample(fraction=1, shuffle=True, seed=int(seed % 10_000))
    for a, b in zip(frames(dwell(twice, zones)), frames(dwell(shuffled, zones, n_threads=1))):
        assert a.equals(b)


@settings(max_examples=10)
@given(
    seed=st.integers(0, 2**32 - 1),
    cuts=st.lists(st.integers(0, 180), max_size=6),
    n=st.integers(1, 3),
)
def test_how_a_frame_lies_in_memory_changes_nothing(seed: int, cuts: list[int], n: int) -> None:
    """In pieces of any size, of one row and of none, with all that fixes may say."""
    rng = np.random.default_rng(seed)
    zones = make_zones(list("ABCD"), ["ring"] * 4, honeycomb(2, 2, 200.0))
    told = pl.concat(track(d, *walk(rng, 60, 60_000, 3.0)) for d in (3, 0, 7)).with_columns(
        sigma_m=pl.Series(rng.uniform(3, 20, 180), dtype=pl.Float32),
        speed_mps=pl.Series(rng.uniform(0, 9, 180), dtype=pl.Float32),
        is_poor=pl.Series(rng.random(180) < 0.1),
        is_at_scene=pl.Series(rng.random(180) < 0.1),
    )
    shuffled = told.sample(fraction=1, shuffle=True, seed=int(seed % 10_000))
    edges = [0, *sorted(cuts), 180]
    pieces = pl.concat([shuffled[a:b] for a, b in pairwise(edges)], rechunk=False)
    for a, b in zip(
        frames(dwell(told, zones, n_threads=1)), frames(dwell(pieces, zones, n_threads=n))
    ):
        assert a.equals(b)


def test_more_stays_than_there_was_room_for_at_first() -> None:
    n = 20_000
    places = np.where(np.arange(n) % 2 == 0, 0.0, 200.0)
    found = dwell(fixes(steady(0, 0, 10_000, places.tolist())), one_zone(box(100.0)))
    assert found.stays.height == n // 2 == found.possible.height
    assert found.stays["start_ms"].n_unique() == n // 2
    assert length(found.stays) == 10_000 * n // 2 - 10_000 // 2


@settings(max_examples=30)
@given(x=st.floats(-400, 900), y=st.floats(-400, 900), reach=st.sampled_from([20.0, 40.0, 70.0]))
def test_no_point_is_further_from_an_outline_than_its_pixel_says(x: float, y: float, reach: float) -> None:  # fmt: skip
    cells = honeycomb(3, 3, 150.0)
    zones = make_zones(list("AABBACCCA"), ["hotspot"] * 9, cells)
    raster = make_raster(zones.shapes, reach)
    c, r = (EAST + x - raster.x0) / raster.pixel_m, (NORTH + y - raster.y0) / raster.pixel_m
    if not (0 <= c < raster.n_columns and 0 <= r < raster.n_rows):
        return
    slot = raster.slot[int(r) * raster.n_columns + int(c)]
    off = np.hypot(c - int(c) - 0.5, r - int(r) - 0.5) * raster.pixel_m
    listed = range(raster.first[slot], raster.first[slot + 1]) if slot >= 0 else []
    point = shapely.Point(EAST + x, NORTH + y)
    for entry in listed:
        name = zones.zone_id[raster.entry_zone[entry]]
        whole = shapely.union_all([c for c, n in zip(cells, "AABBACCCA") if n == name], grid_size=0.001)  # fmt: skip
        away = shapely.distance(whole.boundary, point) * (-1 if whole.contains(point) else 1)
        middle = float(raster.middle[entry])
        # what is deeper inside than the raster reaches is known to be that deep at least
        assert away <= middle + off + 0.02
        assert away >= middle - off - 0.02 or middle <= -reach


@settings(max_examples=10)
@given(seed=st.integers(0, 2**32 - 1), at=st.floats(0.05, 0.95))
def test_splitting_a_day_and_joining_it_again_changes_nothing(seed: int, at: float) -> None:
    """Each part is computed from the fixes of all duties that touch it, and cut; pieces join to the same minutes in every zone."""
    rng = np.random.default_rng(seed)
    zones = make_zones(list("ABCD"), ["ring"] * 4, honeycomb(2, 2, 200.0))
    early, across, late = (track(d, *walk(rng, 80, 60_000, 3.0)) for d in range(3))
    across = across.with_columns(pl.col("fix_ms") + 2_000_000)
    late = late.with_columns(pl.col("fix_ms") + 2_000_000 + int(early["fix_ms"].max()))
    moment = int(2_000_000 + at * 2_000_000)
    whole = dwell(pl.concat([early, across, late]), zones)
    days = [
        dwell(pl.concat([t for t in (early, across, late) if wanted(t["fix_ms"])]), zones)
        for wanted in (lambda s: s.min() <= moment, lambda s: s.max() >= moment)
    ]
    for name in ("stays", "crossings", "covered", "possible"):
        by = ["device", "zone"] if name != "covered" else ["device"]
        kept = [cut(getattr(day, name), [moment], "day").filter(pl.col("day") == k) for k, day in enumerate(days)]  # fmt: skip
        sums = [
            frame.filter(pl.col("end_ms") > pl.col("start_ms"))
            .group_by(by)
            .agg((pl.col("end_ms") - pl.col("start_ms")).sum())
            .sort(by)
            for frame in (getattr(whole, name), pl.concat(kept))
        ]
        assert sums[0].equals(sums[1]), name


@pytest.mark.parametrize("n", [0, 1])
def test_an_empty_day_and_a_day_of_one_fix(n: int) -> None:
    found = dwell(fixes([(5, 1000, 0.0, 0.0)][:n]), one_zone(box(50)))
    assert spans(found.stays) == [(1000, 1000)][:n]
    assert found.devices["covered_ms"].to_list() == [0][:n]
    nowhere = dwell(fixes([(5, 1000, 0.0, 0.0)][:n]), make_zones([], [], []))
    assert nowhere.stays.is_empty() and nowhere.devices.height == n


def test_ways_far_outside_every_zone_end() -> None:
    rows = steady(0, 0, MINUTE, [(-9e5, 9e5), (9e5, 9e5), (9e5, -9e5), (0, 0), (-9e5, -9e5)])
    found = dwell(fixes(rows), one_zone(box(50)))
    assert spans(found.stays) == [(150_000, 210_000)]


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (fixes([(0, 0, 0.0, 0.0)]).drop("northing"), "no column northing"),
        (fixes([(0, 0, 0.0, 0.0)]).with_columns(easting=pl.lit(None, pl.Float64)), "nulls in easting"),
        (fixes([(0, 0, float("nan"), 0.0)]), "easting of row 0 is nan"),
        (fixes([(-1, 0, 0.0, 0.0)]), "device -1"),
    ],
)  # fmt: skip
def test_what_cannot_be_measured_is_refused(frame: pl.DataFrame, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        dwell(frame, one_zone(box(50)))


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ((["A"], ["place"], [box(1)]), "'place' is none of"),
        ((["A", "A"], ["ring", "control"], [box(1), box(1, 9)]), "both ring and control"),
        ((["A"], ["ring"], [shapely.Point(0, 0)]), "a polygon is needed"),
        ((["A"], ["ring"], [shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])]), "not valid"),
        ((["A"], [], [box(1)]), "one of each"),
    ],
)
def test_odd_zones_are_refused(rows: tuple[list[str], list[str], list[object]], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        make_zones(*rows)
