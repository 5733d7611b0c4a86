"""Boundaries from made-up files, from both file formats, and from the real force area."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from hotspot_pipeline.geo.boundary import Boundary, BoundaryError
from hotspot_pipeline.geo.transform import to_bng, to_wgs84_geometry

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"
FORCES = SHARED / "boundaries" / "force_areas_warwickshire_leicestershire_derived.geojson"
POLICE_UK = SHARED / "police_uk" / "2025_release_2026-07"
needs_shared = pytest.mark.skipif(
    not FORCES.is_file(), reason="real public data is not beside this project"
)

# A 4 km square with a 1 km hole, and an island of 1 km: the shapes a real force has.
MAINLAND = shapely.box(430_000, 265_000, 434_000, 269_000)
HOLE = shapely.box(431_000, 266_000, 432_000, 267_000)
ISLAND = shapely.box(436_000, 265_000, 437_000, 266_000)


def feature(shape: shapely.Geometry | None, **properties: object) -> dict[str, object]:
    geometry = None if shape is None else json.loads(shapely.to_geojson(shape))
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def collection(*features: dict[str, object], crs: str | None = None) -> dict[str, object]:
    document: dict[str, object] = {"type": "FeatureCollection", "features": list(features)}
    if crs is not None:
        document["crs"] = {"type": "name", "properties": {"name": crs}}
    return document


def write(path: Path, document: object) -> Path:
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


@pytest.fixture
def force(tmp_path: Path) -> Boundary:
    document = collection(
        feature(MAINLAND.difference(HOLE), force="Fosseshire"),
        feature(ISLAND, force="Fosseshire"),
        feature(shapely.box(440_000, 265_000, 450_000, 275_000), force="Elsewhere"),
        crs="urn:ogc:def:crs:EPSG::27700",
    )
    return Boundary.read(write(tmp_path / "forces.geojson", document), {"force": "Fosseshire"})


def test_several_features_become_one_area(force: Boundary) -> None:
    assert force.name == "Fosseshire"
    assert force.area_km2 == pytest.approx(16 - 1 + 1)
    assert force.bounds_bng == (430_000, 265_000, 437_000, 269_000)
    west, south, east, north = force.polygon_wgs84.bounds
    assert -1.6 < west < east < -1.4
    assert 52.2 < south < north < 52.4


def test_points_inside_outside_in_the_hole_and_on_the_line(force: Boundary) -> None:
    points = {
        "inside": (430_500, 265_500, True, 0.0),
        "on the island": (436_500, 265_500, True, 0.0),
        "in the hole": (431_500, 266_500, False, 500.0),
        "between": (435_000, 265_500, False, 1_000.0),
        "off the corner": (429_700, 264_600, False, 500.0),
        "on an edge": (430_000, 266_000, True, 0.0),
        "on a corner": (434_000, 269_000, True, 0.0),
        "on the hole's edge": (431_000, 266_500, True, 0.0),
        "a millimetre outside": (429_999.999, 266_000, False, 0.001),
        "far away": (130_000, 265_000, False, 300_000.0),
    }
    x, y, inside, distance = (np.array(v, dtype=float) for v in zip(*points.values(), strict=True))
    assert force.contains(x, y).tolist() == inside.astype(bool).tolist()
    assert force.distance_outside_m(x, y) == pytest.approx(distance, abs=1e-6)


def test_points_without_location_are_neither_in_nor_out(force: Boundary) -> None:
    x, y = np.array([np.nan, 430_500, np.inf]), np.array([265_500, np.nan, 265_500])
    assert force.contains(x, y).tolist() == [False, False, False]
    assert np.isnan(force.distance_outside_m(x, y)).all()
    assert force.distance_outside_m([], []).size == 0
    with pytest.raises(ValueError, match="one length"):
        force.contains([1.0, 2.0], [1.0])


@given(
    st.lists(
        st.tuples(st.floats(425_000, 442_000), st.floats(260_000, 274_000)), min_size=1, max_size=40
    )
)
def test_distance_equals_plane_geometry_one_by_one(points: list[tuple[float, float]]) -> None:
    area = shapely.union_all([MAINLAND.difference(HOLE), ISLAND])
    boundary = Boundary(area, to_wgs84_geometry(area))
    x, y = np.array(points).T
    expected = [area.distance(shapely.Point(point)) for point in points]
    assert boundary.distance_outside_m(x, y) == pytest.approx(expected, abs=1e-6)
    assert boundary.contains(x, y).tolist() == [distance == 0 for distance in expected]


def test_geopackage_and_both_coordinate_systems_give_one_area(
    tmp_path: Path, force: Boundary
) -> None:
    import geopandas

    frame = geopandas.GeoDataFrame(
        {"force": ["Fosseshire", "Fosseshire", "Elsewhere"], "beats": [3, 1, 2]},
        geometry=[MAINLAND.difference(HOLE), ISLAND, shapely.box(0, 0, 1, 1)],
        crs="EPSG:27700",
    )
    frame.to_file(tmp_path / "forces.gpkg", driver="GPKG")
    from_gpkg = Boundary.read(tmp_path / "forces.gpkg", {"force": "Fosseshire"})
    assert from_gpkg.area_km2 == force.area_km2
    assert from_gpkg.bounds_bng == force.bounds_bng

    document = collection(feature(force.polygon_wgs84, beats=4))
    compressed = tmp_path / "fosseshire.geojson.gz"
    compressed.write_bytes(gzip.compress(json.dumps(document).encode()))
    from_degrees = Boundary.read(compressed, {"beats": 4}, name="Fosseshire Police")
    assert from_degrees.name == "Fosseshire Police"
    assert from_degrees.area_km2 == pytest.approx(16, rel=1e-6)
    assert from_degrees.bounds_bng == pytest.approx(force.bounds_bng, abs=0.002)


def test_a_shape_that_crosses_itself_is_repaired(tmp_path: Path) -> None:
    bow_tie = shapely.Polygon(
        [(430_000, 265_000), (432_000, 267_000), (432_000, 265_000), (430_000, 267_000)]
    )
    document = collection(feature(bow_tie), crs="EPSG:27700")
    boundary = Boundary.read(write(tmp_path / "bow.geojson", document))
    assert boundary.polygon_bng.is_valid
    assert boundary.area_km2 == pytest.approx(2)


@pytest.mark.parametrize(
    ("document", "where", "message"),
    [
        (collection(feature(MAINLAND, force="A"), crs="EPSG:27700"), {"force": "B"}, "'A'"),
        (collection(feature(MAINLAND), crs="EPSG:27700"), {"force": "B"}, "none of 1"),
        (collection(feature(MAINLAND), crs="EPSG:3857"), None, "EPSG:3857"),
        (collection(feature(None), crs="EPSG:27700"), None, "no shape"),
        (collection(), None, "none of 0"),
        (collection(feature(shapely.Point(1, 2))), None, "no polygon"),
        ({"type": "Topology"}, None, "Topology"),
        ([1, 2], None, "not GeoJSON"),
        (collection({"type": "Feature", "geometry": {"type": "Polygon"}}), None, "broken"),
    ],
)
def test_unusable_files_say_why(
    tmp_path: Path, document: object, where: dict[str, object] | None, message: str
) -> None:
    path = write(tmp_path / "bad.geojson", document)
    with pytest.raises(BoundaryError, match=message) as raised:
        Boundary.read(path, where)
    assert str(path) in str(raised.value)


def test_files_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    with pytest.raises(BoundaryError, match="no such file"):
        Boundary.read(tmp_path / "none.geojson")
    for name in ("cut.geojson", "cut.geojson.gz", "cut.gpkg"):
        (tmp_path / name).write_bytes(b'{"type": "FeatureColl')
        with pytest.raises(BoundaryError, match="not readable"):
            Boundary.read(tmp_path / name)


def test_metres_read_as_degrees_are_an_error(tmp_path: Path) -> None:
    """A National Grid file without its "crs" member would else become an empty quarter of the sea."""
    path = write(tmp_path / "no_crs.geojson", collection(feature(MAINLAND)))
    with pytest.raises(BoundaryError, match="EPSG:27700"):
        Boundary.read(path)


@needs_shared
def test_the_area_of_warwickshire() -> None:
    boundary = Boundary.read(FORCES, {"force": "Warwickshire"})
    assert boundary.area_km2 == pytest.approx(1_977.6, abs=0.05)
    assert Boundary.read(FORCES, {"force": "Leicestershire"}).area_km2 == pytest.approx(
        2_551.0, abs=0.05
    )
    with pytest.raises(BoundaryError, match="Leicestershire"):
        Boundary.read(FORCES, {"force": "Fosseshire"})


@needs_shared
def test_published_crimes_of_warwickshire_outside_the_force() -> None:
    files = sorted(POLICE_UK.glob("*warwickshire-street.csv.gz"))
    frame = pl.concat([pl.read_csv(path, infer_schema_length=0) for path in files])
    lon = frame["Longitude"].cast(pl.Float64).to_numpy()
    lat = frame["Latitude"].cast(pl.Float64).to_numpy()
    easting, northing = to_bng(lon, lat)
    boundary = Boundary.read(FORCES, {"force": "Warwickshire"})
    distance = boundary.distance_outside_m(easting, northing)
    assert frame.height == 51_198
    assert np.isnan(distance).sum() == 168
    assert (distance > 0).sum() == 670
    assert (distance > 1_000).sum() == 410
    inside = boundary.contains(easting, northing)
    assert (inside == (distance == 0)).all()
    # Independent: the library's own plane distance, for the points outside.
    outside = np.flatnonzero(distance > 0)
    expected = shapely.distance(
        boundary.polygon_bng, shapely.points(easting[outside], northing[outside])
    )
    assert distance[outside] == pytest.approx(expected, abs=1e-6)
