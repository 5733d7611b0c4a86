from __future__ import annotations

from datetime import date
from typing import Any

import h3.api.basic_int as h3
import numpy as np
import polars as pl
import pytest
import shapely

from hotspot_pipeline.hexes.venues import (
    REASON_NO_HOURS,
    REASON_NO_USABLE_HOUR,
    VENUE_SCHEMA,
    nte_linked,
    venues_near_cells,
)

DAY = date(2025, 6, 15)
#: Two squares of 300 m side by side; the venues of each test stand in or near them.
SQUARES = np.array([shapely.box(0, 0, 300, 300), shapely.box(300, 0, 600, 300)], dtype=object)


def venues(*rows: tuple[float | None, float | None, bool | None], **fields: Any) -> pl.DataFrame:
    schema = {"easting": pl.Float64, "northing": pl.Float64, "late_licence": pl.Boolean}
    frame = pl.DataFrame(list(rows), schema=schema, orient="row")
    return frame.with_row_index("venue_id").with_columns(
        valid_from=pl.lit(fields.get("valid_from"), dtype=pl.Date),
        valid_to=pl.lit(fields.get("valid_to"), dtype=pl.Date),
    )


def near(*rows: tuple[float | None, float | None, bool | None], **fields: Any) -> pl.DataFrame:
    frame = venues_near_cells([1, 2], SQUARES, venues(*rows, **fields), on_day=DAY)
    assert dict(frame.schema) == VENUE_SCHEMA
    return frame


def test_by_hand() -> None:
    frame = near((100, 100, False), (200, 100, None), (350, 100, True))
    assert frame.rows() == [(1, 2, 1, 1, 50.0, True), (2, 1, 1, 1, 0.0, True)]


def test_late_within_100_m_is_not_yet_a_link() -> None:
    frame = near((100, 380, True))
    assert frame.row(0) == (1, 0, 1, 0, 80.0, False)
    assert frame.row(1)[1:4] == (0, 0, 0)
    assert frame.row(1)[4] == pytest.approx(np.hypot(200, 80))
    assert near((100, 350, True)).row(0) == (1, 0, 1, 1, 50.0, True)


def test_two_venues_that_are_not_late_link_and_one_does_not() -> None:
    assert near((10, 10, False), (20, 10, False)).get_column("has_nte_venues").to_list() == [
        True,
        False,
    ]
    assert not near((10, 10, False)).get_column("has_nte_venues").any()


def test_a_venue_on_the_common_edge_is_counted_once() -> None:
    assert near((300, 100, False)).get_column("n_venues_in_cell").to_list() == [1, 0]


def test_unknown_licence_is_not_late_and_no_place_is_nowhere() -> None:
    frame = near((100, 100, None), (None, 100, True), (100, float("nan"), True))
    assert frame.row(0) == (1, 1, 0, 0, None, False)
    empty = near()
    assert empty.get_column("dist_nearest_late_m").null_count() == 2
    assert empty.get_column("n_venues_in_cell").to_list() == [0, 0]


@pytest.mark.parametrize(
    ("valid_from", "valid_to", "counts"),
    [
        (DAY, DAY, True),
        (None, None, True),
        (date(2025, 6, 16), None, False),
        (None, date(2025, 6, 14), False),
    ],
)
def test_only_venues_valid_on_the_day(
    valid_from: date | None, valid_to: date | None, counts: bool
) -> None:
    frame = near((100, 100, True), valid_from=valid_from, valid_to=valid_to)
    assert frame.get_column("n_venues_in_cell")[0] == int(counts)
    assert frame.get_column("n_late_within_100m")[0] == int(counts)


def test_hexagons_against_every_pair() -> None:
    from convertbng.cutil import convert_to_osgb36

    rng = np.random.default_rng(2)
    cells = sorted(h3.grid_disk(h3.latlng_to_cell(52.2852, -1.5201, 9), 6))
    shapes = []
    for cell in cells:
        lat, lon = zip(*h3.cell_to_boundary(cell), strict=True)
        shapes.append(shapely.Polygon(zip(*convert_to_osgb36(list(lon), list(lat)), strict=True)))
    polygons = np.array(shapes, dtype=object)
    west, south, east, north = shapely.total_bounds(polygons)
    xy = np.column_stack([rng.uniform(west, east, 150), rng.uniform(south, north, 150)])
    late = rng.random(150) < 0.2
    rows = [(x, y, bool(flag)) for (x, y), flag in zip(xy.tolist(), late, strict=True)]
    frame = venues_near_cells(cells, polygons, venues(*rows), on_day=DAY)
    spots = [shapely.Point(p) for p in xy.tolist()]
    for at, row in enumerate(frame.rows(named=True)):
        apart = [polygons[at].distance(spot) for spot in spots]
        late_apart = [d for d, flag in zip(apart, late, strict=True) if flag]
        assert row["cell"] == cells[at]
        assert row["n_venues_in_cell"] == sum(d == 0 for d in apart)
        assert row["n_late_within_100m"] == sum(d <= 100 for d in late_apart)
        assert row["n_late_within_50m"] == sum(d <= 50 for d in late_apart)
        assert row["dist_nearest_late_m"] == pytest.approx(min(late_apart))
        assert row["has_nte_venues"] == (
            sum(d == 0 for d in apart) >= 2 or sum(d <= 50 for d in late_apart) >= 1
        )
    assert frame.get_column("n_venues_in_cell").sum() > 100


def hours(*rows: tuple[int, float, float]) -> pl.DataFrame:
    names = ["cell", "n_events_with_hour", "n_events_wide_nte"]
    return pl.DataFrame(list(rows), schema=names, orient="row").cast({"cell": pl.Int64})


def around(*has_venues: bool) -> pl.DataFrame:
    return pl.DataFrame({"cell": range(1, len(has_venues) + 1), "has_nte_venues": has_venues})


def test_a_month_only_feed_gives_null_and_says_why() -> None:
    frame = nte_linked(around(True, False), None)
    assert frame.get_column("nte_linked").null_count() == 2
    assert frame.get_column("share_wide_nte").null_count() == 2
    assert frame.get_column("nte_linked_reason").unique().to_list() == [REASON_NO_HOURS]


def test_linked_needs_the_venues_and_the_hours() -> None:
    near_cells = around(True, True, False, True, True, False)
    frame = nte_linked(near_cells, hours((1, 10, 4), (2, 10, 3), (3, 10, 9), (4, 0, 0)))
    assert frame.get_column("cell").to_list() == [1, 2, 3, 4, 5, 6]
    assert frame.get_column("nte_linked").to_list() == [True, False, False, None, None, False]
    assert frame.get_column("share_wide_nte").to_list() == [0.4, 0.3, 0.9, None, None, None]
    reason = REASON_NO_USABLE_HOUR
    assert frame.get_column("nte_linked_reason").to_list() == [
        None,
        None,
        None,
        reason,
        reason,
        None,
    ]


@pytest.mark.parametrize("n", [5, 10, 15, 35, 105, 10_005])
def test_exactly_forty_percent_is_enough(n: int) -> None:
    table = hours((1, n, n * 2 // 5), (2, n, n * 2 // 5 - 1))
    assert nte_linked(around(True, True), table).get_column("nte_linked").to_list() == [True, False]


def test_aoristic_weights_will_do() -> None:
    table = hours((1, 2.5, 1.25))
    assert nte_linked(around(True), table).row(0) == (1, 0.5, True, None)
    strict = nte_linked(around(True), table, min_wide_nte_percent=60)
    assert strict.get_column("nte_linked").to_list() == [False]


def test_wrong_input_is_refused() -> None:
    with pytest.raises(ValueError, match="cell 1 has 6 events in the wide night out of 5"):
        nte_linked(around(True), hours((1, 5, 6)))
    with pytest.raises(ValueError, match="cell 1 stands in more than one row"):
        nte_linked(around(True), hours((1, 5, 3), (1, 2, 1)))
    with pytest.raises(ValueError, match="cells and polygons need one shape"):
        venues_near_cells([1], SQUARES, venues(), on_day=DAY)
    twice = pl.concat([venues((1, 1, True))] * 2)
    with pytest.raises(ValueError, match="venue_id 0 stands in more than one row"):
        venues_near_cells([1, 2], SQUARES, twice, on_day=DAY)
