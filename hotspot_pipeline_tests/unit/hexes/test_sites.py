from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
import shapely

from hotspot_pipeline.hexes.sites import MATCH_SCHEMA, match_sites, nearest_match

DAY = date(2025, 6, 15)
SQUARE = "POLYGON ((1000 1000, 1100 1000, 1100 1100, 1000 1100, 1000 1000))"


def points(*places: tuple[float | None, float | None], days: Any = None) -> pl.DataFrame:
    eastings, northings = zip(*places, strict=True)
    frame = pl.DataFrame(
        {"easting": eastings, "northing": northings},
        schema={"easting": pl.Float64, "northing": pl.Float64},
    )
    return frame.with_columns(event_day=pl.Series(days or [DAY] * len(places), dtype=pl.Date))


def site(site_id: str, **fields: Any) -> dict[str, Any]:
    return {
        "site_id": site_id,
        "kind": "police_custody",
        "easting": 0.0,
        "northing": 0.0,
        "radius_m": 50.0,
        "polygon_wkt": None,
        "valid_from": None,
        "valid_to": None,
        **fields,
    }


def sites(*rows: dict[str, Any]) -> pl.DataFrame:
    schema = {
        "site_id": pl.String,
        "kind": pl.String,
        "easting": pl.Float64,
        "northing": pl.Float64,
        "radius_m": pl.Float64,
        "polygon_wkt": pl.String,
        "valid_from": pl.Date,
        "valid_to": pl.Date,
    }
    return pl.DataFrame(list(rows), schema=schema)


def match(where: pl.DataFrame, *rows: dict[str, Any]) -> list[tuple[Any, ...]]:
    frame = match_sites(where, sites(*rows), date_from="event_day")
    assert dict(frame.schema) == MATCH_SCHEMA
    return frame.select("row", "site_id", "distance_m").rows()


def test_around_a_point_the_edge_counts() -> None:
    where = points((0, 0), (30, 40), (50, 0.001), (-50, 0), (35.4, 35.4))
    assert match(where, site("S1")) == [(0, "S1", 0), (1, "S1", 50), (3, "S1", 50)]


def test_a_radius_of_zero_is_the_exact_coordinate() -> None:
    where = points((437_000.3, 265_000.7), (437_000.3, 265_000.8))
    exact = site("G1", easting=437_000.3, northing=265_000.7, radius_m=0.0)
    assert match(where, exact) == [(0, "G1", 0)]


def test_around_a_polygon() -> None:
    where = points((1050, 1050), (1150, 1050), (1151, 1050), (1140, 1140), (0, 0))
    found = match(where, site("S1", polygon_wkt=SQUARE))
    assert found == [(0, "S1", 0), (1, "S1", 50)]
    # The corner is 56.6 m away, though within 50 m in easting and in northing.
    wide = match(where, site("S1", polygon_wkt=SQUARE, radius_m=57.0))
    assert [row for row, *_ in wide] == [0, 1, 2, 3]
    assert wide[3][2] == pytest.approx(40 * 2**0.5)
    inside_only = match(where, site("S1", polygon_wkt=SQUARE, radius_m=None, easting=None))
    assert [row for row, *_ in inside_only] == [0]


def test_a_hole_is_outside() -> None:
    ring = (
        "POLYGON ((0 0, 300 0, 300 300, 0 300, 0 0), (100 100, 200 100, 200 200, 100 200, 100 100))"
    )
    where = points((150, 150), (50, 50))
    assert match(where, site("S1", polygon_wkt=ring, radius_m=49.0)) == [(1, "S1", 0)]


def test_nearest_then_lowest_id() -> None:
    where = points((10, 0))
    found = match_sites(
        where,
        sites(
            site("far", easting=-20.0),
            site("b", easting=20.0, kind="hospital"),
            site("a", easting=0.0),
        ),
        date_from="event_day",
    )
    assert found.get_column("site_id").to_list() == ["a", "b", "far"]
    assert nearest_match(found).rows() == [(0, "a", "police_custody", 10.0)]


@pytest.mark.parametrize(
    ("valid_from", "valid_to", "is_match"),
    [
        (None, None, True),
        (DAY, None, True),
        (None, DAY, True),
        (DAY, DAY, True),
        (date(2025, 6, 16), None, False),
        (None, date(2025, 6, 14), False),
    ],
)
def test_validity_includes_both_days(
    valid_from: date | None, valid_to: date | None, is_match: bool
) -> None:
    found = match(points((0, 0)), site("S1", valid_from=valid_from, valid_to=valid_to))
    assert bool(found) == is_match


def test_a_month_matches_when_part_of_it_is_valid() -> None:
    where = points((0, 0), (0, 0), (0, 0)).with_columns(
        event_day=pl.Series([date(2025, 5, 1), date(2025, 6, 1), None]),
        last_day=pl.Series([date(2025, 5, 31), date(2025, 6, 30), None]),
    )
    closed = sites(site("S1", valid_to=date(2025, 5, 1), valid_from=date(2025, 4, 1)))
    found = match_sites(where, closed, date_from="event_day", date_to="last_day")
    # The event of unknown day is not ruled out.
    assert found.get_column("row").to_list() == [0, 2]
    opened = sites(site("S1", valid_from=date(2025, 6, 30)))
    found = match_sites(where, opened, date_from="event_day", date_to="last_day")
    assert found.get_column("row").to_list() == [1, 2]


def test_points_without_coordinates_match_nothing() -> None:
    where = points((None, 0), (0, None), (float("nan"), 0), (0, 0))
    assert [row for row, *_ in match(where, site("S1"))] == [3]
    assert match(points((None, None)), site("S1")) == []


def test_no_sites_and_no_points() -> None:
    assert match(points((0, 0))) == []
    assert match(points((0, 0)).clear(), site("S1")) == []


def test_integer_and_decimal_coordinates() -> None:
    where = points((30, 40)).cast({"easting": pl.Int32, "northing": pl.Int32})
    register = sites(site("S1")).cast({"radius_m": pl.Decimal(10, 2), "easting": pl.Decimal(10, 2)})
    found = match_sites(where, register.drop("polygon_wkt"), date_from="event_day")
    assert found.get_column("distance_m").to_list() == [50]


def test_against_every_pair() -> None:
    rng = np.random.default_rng(1)
    n = 3_000
    xy = rng.uniform(0, 5_000, size=(n, 2))
    days = [date(2025, int(m), 1) for m in rng.integers(1, 13, n)]
    where = points(*map(tuple, xy.tolist()), days=days)
    rows = []
    for at in range(40):
        x, y = rng.uniform(0, 5_000, 2)
        fields: dict[str, Any] = {"easting": x, "northing": y, "radius_m": rng.uniform(0, 400)}
        if at % 3 == 0:
            blob = shapely.Point(x, y).buffer(rng.uniform(50, 300), quad_segs=2)
            fields |= {"polygon_wkt": blob.wkt, "radius_m": 50.0 if at % 2 else None}
        if at % 4 == 0:
            fields["valid_from"] = date(2025, 4, 1)
        if at % 5 == 0:
            fields["valid_to"] = date(2025, 9, 1)
        rows.append(site(f"S{at}", **fields))
    expected = []
    for row, ((x, y), day) in enumerate(zip(xy.tolist(), days, strict=True)):
        for fields in rows:
            if (fields["valid_from"] or day) > day or (fields["valid_to"] or day) < day:
                continue
            if fields["polygon_wkt"]:
                apart = shapely.from_wkt(fields["polygon_wkt"]).distance(shapely.Point(x, y))
            else:
                apart = float(np.hypot(x - fields["easting"], y - fields["northing"]))
            if apart <= (fields["radius_m"] or 0):
                expected.append((row, fields["site_id"], apart))
    assert len(expected) > 500
    found = match(where, *rows)
    expected.sort(key=lambda r: (r[0], r[2], r[1]))
    assert [r[:2] for r in found] == [r[:2] for r in expected]
    assert [r[2] for r in found] == pytest.approx([r[2] for r in expected], abs=1e-9)
    # The order of the register changes nothing.
    assert match(where, *reversed(rows)) == found


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"easting": None}, "site S1: neither a polygon nor an easting and northing"),
        ({"radius_m": None}, "site S1: radius_m is nan"),
        ({"radius_m": -5.0}, "site S1: radius_m is -5.0"),
        ({"polygon_wkt": "POLYGON ((0 0, 1"}, "site S1: polygon_wkt .* cannot be read"),
        ({"polygon_wkt": "POINT (1 2)"}, "site S1: polygon_wkt is a Point"),
        (
            {"polygon_wkt": "POLYGON ((0 0, 9 9, 9 0, 0 9, 0 0))"},
            "site S1: polygon_wkt is not a valid polygon: Self-intersection",
        ),
    ],
)
def test_an_unusable_site_is_named(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        match(points((0, 0)), site("S1", **fields))


def test_a_site_listed_twice_and_a_missing_column_are_refused() -> None:
    with pytest.raises(ValueError, match="site_id S1 stands in more than one row"):
        match(points((0, 0)), site("S1"), site("S1"))
    with pytest.raises(ValueError, match="points: no column event_day"):
        match_sites(points((0, 0)).drop("event_day"), sites(), date_from="event_day")
