"""Cells as polygons on the National Grid."""

from __future__ import annotations

import h3.api.basic_int as h3
import numpy as np
import pytest
import shapely

from hotspot_pipeline.geo.grid import GridSpec, make_grid
from hotspot_pipeline.geo.outlines import polygons_bng
from hotspot_pipeline.geo.transform import TransformError, to_bng

CENTRE = h3.latlng_to_cell(52.2852, -1.5201, 9)


def test_corners_are_the_corners_of_the_cell_through_ostn15() -> None:
    cells = np.array(sorted(h3.grid_disk(CENTRE, 3)))
    for cell, polygon in zip(cells.tolist(), polygons_bng(make_grid(), cells), strict=True):
        corners = np.array(h3.cell_to_boundary(cell))
        expected = np.column_stack(to_bng(corners[:, 1], corners[:, 0]))
        found = shapely.get_coordinates(polygon)
        np.testing.assert_array_equal(found[:-1], expected)
        np.testing.assert_array_equal(found[-1], expected[0])


@pytest.mark.parametrize("resolution", [8, 9, 10])
def test_plane_areas_are_the_areas_on_the_ellipsoid(resolution: int) -> None:
    """The National Grid's scale differs from 1 by at most 4 in 10,000, so areas by 8.

    The areas that H3 gives are of a sphere, 0.4 % less here.
    """
    geod = pytest.importorskip("pyproj").Geod(ellps="GRS80")
    grid = make_grid(GridSpec(resolution=resolution))
    cells = np.array(sorted(h3.grid_disk(h3.latlng_to_cell(52.5, -1.5, resolution), 4)))
    in_degrees = shapely.orient_polygons(grid.polygons(cells))
    expected = [geod.geometry_area_perimeter(polygon)[0] for polygon in in_degrees]
    found = shapely.area(polygons_bng(grid, cells))
    np.testing.assert_allclose(found, expected, rtol=1e-3)
    np.testing.assert_allclose(found, grid.areas_m2(cells), rtol=5e-3)


def test_agrees_with_a_projection_library_to_its_two_metres() -> None:
    """pyproj without the OSTN15 grid is up to about 2 m off here; the axes are in their places."""
    pyproj = pytest.importorskip("pyproj")
    project = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:27700", always_xy=True)
    cells = np.array([CENTRE])
    lon, lat = shapely.get_coordinates(make_grid().polygons(cells)).T
    expected = np.column_stack(project.transform(lon, lat))
    found = shapely.get_coordinates(polygons_bng(make_grid(), cells))
    assert np.hypot(*(found - expected).T).max() < 5


def test_order_is_kept_and_nothing_gives_nothing() -> None:
    cells = np.array(sorted(h3.grid_disk(CENTRE, 1)))
    forth, back = polygons_bng(make_grid(), cells), polygons_bng(make_grid(), cells[::-1])
    assert shapely.equals_exact(forth, back[::-1], 0).all()
    assert polygons_bng(make_grid(), []).shape == (0,)


def test_a_cell_outside_the_coverage_is_named() -> None:
    paris = h3.latlng_to_cell(48.85, 2.35, 9)
    with pytest.raises(TransformError, match=f"1 of 2 cells .* the first is {paris:x}"):
        polygons_bng(make_grid(), [CENTRE, paris])
