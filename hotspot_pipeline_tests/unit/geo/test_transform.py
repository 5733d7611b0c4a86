"""The transform against Ordnance Survey's published points, and the proof that nothing stands in."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
import shapely
from convertbng import cutil
from hypothesis import given, settings
from hypothesis import strategies as st

import hotspot_pipeline.geo
from hotspot_pipeline.geo import transform

# Ordnance Survey, OSTN15/OSGM15 developer pack, TestInput and TestOutput ETRStoOSGB, all forty
# points of Great Britain and the Isle of Man: latitude, longitude (8 decimals), easting, northing.
# Contains OS data (c) Crown copyright and database rights, Ordnance Survey 2016.
CONTROL_POINTS = [
    (49.92226394, -6.29977752, 91492.146, 11318.804),
    (49.96006138, -5.20304610, 170370.718, 11572.405),
    (50.43885826, -4.10864564, 250359.811, 62016.569),
    (50.57563665, -1.29782277, 449816.371, 75335.861),
    (50.93127938, -1.45051434, 438710.920, 114792.250),
    (51.40078220, -3.55128349, 292184.870, 168003.465),
    (51.37447026, 1.44454730, 639821.835, 169565.858),
    (51.42754743, -2.54407618, 362269.991, 169978.690),
    (51.48936565, -0.11992557, 530624.974, 178388.464),
    (51.85890896, -4.30852477, 241124.584, 220332.641),
    (51.89436637, 0.89724327, 599445.590, 225722.826),
    (52.25529382, -2.15458614, 389544.190, 261912.153),
    (52.25160951, -0.91248957, 474335.969, 262047.755),
    (52.75136687, 0.40153547, 562180.547, 319784.995),
    (52.96219109, -1.19747656, 454002.834, 340834.943),
    (53.34480280, -2.64049321, 357455.843, 383290.436),
    (53.41628516, -4.28918070, 247958.971, 393492.909),
    (53.41630925, -4.28917793, 247959.241, 393495.583),
    (53.77911026, -3.04045491, 331534.564, 431920.794),
    (53.80021520, -1.66379168, 422242.186, 433818.701),
    (54.08666318, -4.63452168, 227778.330, 468847.388),
    (54.11685144, -0.07773133, 525745.670, 470703.214),
    (54.32919541, -4.38849118, 244780.636, 495254.887),
    (54.89542340, -2.93827741, 339921.145, 556034.761),
    (54.97912274, -1.61657685, 424639.355, 565012.703),
    (55.85399953, -4.29649016, 256340.925, 664697.269),
    (55.92478266, -3.29479219, 319188.434, 670947.534),
    (57.00606696, -5.82836692, 167634.202, 797067.144),
    (57.13902519, -2.04856031, 397160.491, 805349.736),
    (57.48625001, -4.21926399, 267056.768, 846176.972),
    (57.81351838, -8.57854456, 9587.909, 899448.996),
    (58.21262247, -7.59255561, 71713.132, 938516.404),
    (58.51560361, -6.26091456, 151968.652, 966483.780),
    (58.58120461, -3.72631022, 299721.891, 967202.992),
    (59.03743871, -3.21454001, 330398.323, 1017347.016),
    (59.09335035, -4.41757675, 261596.778, 1025447.602),
    (59.09671617, -5.82799340, 180862.461, 1029604.114),
    (59.53470794, -1.62516966, 421300.525, 1072147.239),
    (59.85409914, -1.27486910, 440725.073, 1107878.448),
    (60.13308092, -2.07382823, 395999.668, 1138728.951),
]


def test_all_published_control_points_to_the_grid() -> None:
    lat, lon, easting, northing = np.array(CONTROL_POINTS).T
    found_e, found_n = transform.to_bng(lon, lat)
    # The published degrees are rounded to 8 decimals here, which is up to 0.8 mm.
    assert np.abs(found_e - easting).max() <= 0.002
    assert np.abs(found_n - northing).max() <= 0.002


def test_all_published_control_points_to_degrees() -> None:
    lat, lon, easting, northing = np.array(CONTROL_POINTS).T
    found_lon, found_lat = transform.to_wgs84(easting, northing)
    # The library states 6e-8 degrees (4 mm) at St Kilda and 1e-8 on the mainland.
    assert np.abs(found_lon - lon).max() <= 7e-8
    assert np.abs(found_lat - lat).max() <= 7e-8
    mainland = easting > 90_000
    assert np.abs(found_lon - lon)[mainland].max() <= 2e-8


def test_the_worked_example_of_the_user_guide() -> None:
    # Transformations and OSGM15 user guide, annex A: Caister water tower.
    easting, northing = transform.to_bng([1.716073972], [52.658007833])
    assert easting.tolist() == [651409.804]
    assert northing.tolist() == [313177.450]


def test_outside_coverage_is_nan_in_both() -> None:
    # The two points of the developer pack that must fail, Paris, metres as degrees, NaN, infinity.
    lon = [4.850973, 2.375291, 2.35, 431_000.0, np.nan, np.inf, -1.5]
    lat = [53.347031, 56.17531, 48.85, 265_000.0, 52.0, 52.0, np.nan]
    easting, northing = transform.to_bng(lon, lat)
    assert np.isnan(easting).all()
    assert np.isnan(northing).all()
    back_lon, back_lat = transform.to_wgs84([1e6, -5.0, np.nan, 0.0], [1e5, 5.0, 3.0, 0.0])
    assert np.isnan(back_lon).all()
    assert np.isnan(back_lat).all()


def test_one_bad_point_leaves_the_others() -> None:
    easting, _ = transform.to_bng([1.716073972, np.nan, 1.716073972], [52.658007833] * 3)
    assert np.isnan(easting).tolist() == [False, True, False]
    assert easting[2] == 651409.804


def test_no_points_and_unequal_lengths() -> None:
    easting, northing = transform.to_bng([], [])
    assert len(easting) == len(northing) == 0
    with pytest.raises(ValueError, match="one length"):
        transform.to_bng([1.0, 2.0], [52.0])


@given(
    st.floats(350_000, 530_000, allow_nan=False),
    st.floats(180_000, 400_000, allow_nan=False),
)
@settings(max_examples=200)
def test_there_and_back_is_within_two_millimetres(easting: float, northing: float) -> None:
    lon, lat = transform.to_wgs84([easting], [northing])
    back_e, back_n = transform.to_bng(lon, lat)
    assert abs(back_e[0] - easting) <= 0.002
    assert abs(back_n[0] - northing) <= 0.002


def test_geometries_keep_their_shape_and_move_with_their_points() -> None:
    outer = shapely.box(430_000, 265_000, 431_000, 266_000)
    shape = shapely.MultiPolygon(
        [outer.difference(shapely.box(430_200, 265_200, 430_400, 265_400))]
    )
    there = transform.to_wgs84_geometry(shape)
    assert shapely.get_num_interior_rings(there.geoms[0]) == 1
    back = transform.to_bng_geometry(there)
    moved = shapely.get_coordinates(back) - shapely.get_coordinates(shape)
    assert np.abs(moved).max() <= 0.002


def test_a_geometry_outside_coverage_is_an_error_not_a_nan() -> None:
    with pytest.raises(transform.TransformError, match=r"1 of 3 vertices .* EPSG:4326"):
        transform.to_bng_geometry(shapely.LineString([(-1.5, 52), (-1.4, 52), (2.35, 48.85)]))


@pytest.mark.parametrize("wrong", ["two metres off", "nan", "back two metres off"])
def test_a_different_transform_cannot_stand_in(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library without the OSTN15 grid is 2 m off: it must stop the run, each time it is asked."""
    real = cutil

    class Other:
        @staticmethod
        def convert_to_osgb36(lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            easting, northing = real.convert_to_osgb36(lon, lat)
            shift = {"two metres off": 2.0, "nan": np.nan}.get(wrong, 0.0)
            return easting + shift, northing

        @staticmethod
        def convert_osgb36_to_ll(e: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            lon, lat = real.convert_osgb36_to_ll(e, n)
            return lon, lat + (2e-5 if wrong == "back two metres off" else 0.0)

    monkeypatch.setattr(transform, "cutil", Other)
    transform._prove_ostn15.cache_clear()
    try:
        for _ in range(2):
            with pytest.raises(transform.TransformError, match="control points"):
                transform.to_bng([-1.5], [52.2])
            with pytest.raises(transform.TransformError, match="control points"):
                transform.to_wgs84([431_000.0], [265_000.0])
    finally:
        transform._prove_ostn15.cache_clear()


def test_no_other_transform_is_reachable_from_this_package() -> None:
    folder = Path(hotspot_pipeline.geo.__file__).parent
    sources = sorted(folder.glob("*.py"))
    assert len(sources) > 5
    for source in sources:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            named: list[str] = []
            if isinstance(node, ast.Import):
                named = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                named = [node.module or ""]
            elif isinstance(node, ast.Attribute):
                named = [node.attr]
            for name in named:
                assert not name.startswith("pyproj"), f"{source}: {name}"
                assert name != "to_crs", f"{source}: {name}"


def test_lineage_names_transform_and_library() -> None:
    assert transform.TRANSFORM_ID.startswith("OSTN15 (convertbng 2.")
