"""Map layers, read back by other programs and by hand."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas
import h3.api.basic_int as h3
import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
import shapely
from polars.testing import assert_frame_equal

from hotspot_pipeline.geo.h3_grid import H3Grid
from hotspot_pipeline.geo.transform import TransformError, to_bng
from hotspot_pipeline.published.layers import write_layers
from hotspot_pipeline_tests.unit.published.made_force import FOOTER, SmallForce

Rings = Iterator[list[list[float]]]


@pytest.fixture(scope="module")
def out(small_force: SmallForce, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("layers")
    write(folder, small_force)
    return folder


def write(folder: Path, force: SmallForce, **changed: Any) -> list[Any]:
    parts: dict[str, Any] = {
        "cells": force.cells,
        "hotspots": force.hotspots,
        "grid": force.grid,
        "footer": force.footer,
    }
    return write_layers(folder, **(parts | changed))


def features(path: Path) -> list[dict[str, Any]]:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)["features"]


def rings(geometry: dict[str, Any]) -> Rings:
    """(ring, is it an exterior one) of a GeoJSON geometry."""
    parts = geometry["coordinates"]
    for part in [parts] if geometry["type"] == "Polygon" else parts:
        for at, ring in enumerate(part):
            yield ring, at == 0


def twice_area(ring: list[list[float]]) -> float:
    """Positive where the corners run counter-clockwise (shoelace formula)."""
    near = [(x - ring[0][0], y - ring[0][1]) for x, y in ring]
    return sum(a * d - c * b for (a, b), (c, d) in pairwise(near))


def plain(value: Any) -> Any:
    """A table's value as JSON holds it."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return round(value, 7)
    return float(value) if isinstance(value, Decimal) else value


# --- which rows and files -----------------------------------------------------------------------


def test_the_files_and_what_is_said_of_them(small_force: SmallForce, tmp_path: Path) -> None:
    n_cells, n_hotspots = small_force.busy.height, small_force.hotspots.height
    written = write(tmp_path, small_force)
    assert [(f.name, f.kind, f.n_rows) for f in written] == [
        ("hotspots.gpkg", "geopackage", n_cells + n_hotspots),
        ("cells.parquet", "geoparquet", n_cells),
        ("cells.geojson", "geojson", n_cells),
        ("hotspots.parquet", "geoparquet", n_hotspots),
        ("hotspots.geojson", "geojson", n_hotspots),
    ]
    assert all(f.n_bytes == f.path.stat().st_size for f in written)
    assert {p.name for p in tmp_path.iterdir()} == {f.name for f in written}


def test_cells_with_events_or_selected_are_written_busiest_first(
    small_force: SmallForce, tmp_path: Path
) -> None:
    quiet = small_force.cells.filter(pl.col("n_events") == 0).row(0, named=True)["cell_id"]
    cells = small_force.cells.with_columns(
        is_selected=pl.col("is_selected") | (pl.col("cell_id") == quiet)
    )
    write(tmp_path, small_force, cells=cells)
    ids = [f["id"] for f in features(tmp_path / "cells.geojson")]
    wanted = cells.filter((pl.col("n_events") > 0) | (pl.col("cell_id") == quiet))
    assert ids == wanted.sort("rank_by_count").get_column("cell_id").to_list()
    assert small_force.busy.height < small_force.cells.height


def test_every_cell_can_be_written(small_force: SmallForce, tmp_path: Path) -> None:
    write(tmp_path, small_force, all_cells=True)
    assert len(features(tmp_path / "cells.geojson")) == small_force.cells.height
    assert len(geopandas.read_parquet(tmp_path / "cells.parquet")) == small_force.cells.height


# --- values -------------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", ["cells", "hotspots"])
def test_geojson_holds_the_values_of_the_table(
    out: Path, small_force: SmallForce, layer: str
) -> None:
    table = small_force.busy.drop("cell").sort("rank_by_count")
    if layer == "hotspots":
        table = small_force.hotspots.drop("polygon_wkt").sort("hotspot_rank")
    found = [f["properties"] for f in features(out / f"{layer}.geojson")]
    assert found == [{k: plain(v) for k, v in row.items()} for row in table.iter_rows(named=True)]


@pytest.mark.parametrize("layer", ["cells", "hotspots"])
def test_geopackage_holds_the_values_of_the_table(
    out: Path, small_force: SmallForce, layer: str
) -> None:
    table = small_force.busy.drop("cell").sort("rank_by_count")
    if layer == "hotspots":
        table = small_force.hotspots.drop("polygon_wkt").sort("hotspot_rank")
    with sqlite3.connect(out / "hotspots.gpkg") as database:
        names = ", ".join(f'"{name}"' for name in table.columns)
        rows = database.execute(f'select {names} from "{layer}" order by fid').fetchall()
    expected = [
        tuple(
            v.isoformat() if isinstance(v, date) else float(v) if isinstance(v, Decimal) else v
            for v in row
        )
        for row in table.iter_rows()
    ]
    assert rows == expected


@pytest.mark.parametrize("layer", ["cells", "hotspots"])
def test_geoparquet_holds_the_table_itself(out: Path, small_force: SmallForce, layer: str) -> None:
    table = small_force.busy.sort("rank_by_count")
    if layer == "hotspots":
        table = small_force.hotspots.drop("polygon_wkt").sort("hotspot_rank")
    assert_frame_equal(pl.read_parquet(out / f"{layer}.parquet").drop("geometry"), table)


def test_the_three_formats_show_the_same_shapes_to_a_centimetre(
    out: Path, small_force: SmallForce
) -> None:
    for layer in ("cells", "hotspots"):
        package = geopandas.read_file(out / "hotspots.gpkg", layer=layer).geometry
        parquet = geopandas.read_parquet(out / f"{layer}.parquet").geometry
        degrees = geopandas.read_file(out / f"{layer}.geojson").geometry
        assert [shape.wkb for shape in package] == [shape.wkb for shape in parquet]
        moved = shapely.transform(
            np.array(degrees), lambda xy: np.column_stack(to_bng(xy[:, 0], xy[:, 1]))
        )
        apart = [a.hausdorff_distance(b) for a, b in zip(moved, parquet, strict=True)]
        assert max(apart) < 0.015


# --- where --------------------------------------------------------------------------------------


def test_coordinate_systems(out: Path) -> None:
    for layer in ("cells", "hotspots"):
        assert geopandas.read_file(out / "hotspots.gpkg", layer=layer).crs.to_epsg() == 27700
        assert geopandas.read_parquet(out / f"{layer}.parquet").crs.to_epsg() == 27700
        assert geopandas.read_file(out / f"{layer}.geojson").crs.to_epsg() == 4326


def test_cells_in_degrees_are_the_cells_of_h3(out: Path) -> None:
    for feature in features(out / "cells.geojson"):
        corners = [(lon, lat) for lat, lon in h3.cell_to_boundary(int(feature["id"], 16))]
        expected = shapely.Polygon(np.round(corners, 7))
        assert shapely.Polygon(feature["geometry"]["coordinates"][0]).equals(expected)


def test_hotspots_in_metres_are_their_outlines(out: Path, small_force: SmallForce) -> None:
    found = geopandas.read_parquet(out / "hotspots.parquet")
    outlines = small_force.hotspots.sort("hotspot_rank").get_column("polygon_wkt").to_list()
    assert all(
        shape.equals(shapely.from_wkt(text))
        for shape, text in zip(found.geometry, outlines, strict=True)
    )
    assert set(found.geometry.geom_type) == {"MultiPolygon"}
    assert max(len(shape.geoms) for shape in found.geometry) == 2


def test_winding_and_decimals_of_rfc_7946(out: Path) -> None:
    for layer in ("cells", "hotspots"):
        text = (out / f"{layer}.geojson").read_text(encoding="utf-8")
        assert not re.search(r"\d\.\d{8}", text)
        for feature in features(out / f"{layer}.geojson"):
            for ring, is_exterior in rings(feature["geometry"]):
                assert ring[0] == ring[-1]
                assert len(ring) >= 4
                assert (twice_area(ring) > 0) == is_exterior
                assert all(-8 < lon < 2 and 49 < lat < 61 for lon, lat in ring)


def test_cells_of_a_grid_that_winds_the_other_way_are_turned(
    small_force: SmallForce, tmp_path: Path
) -> None:
    class Backwards(H3Grid):
        def polygons(self, cells: Any) -> Any:
            return shapely.reverse(super().polygons(cells))

    write(tmp_path, small_force, grid=Backwards(small_force.grid.spec))
    for feature in features(tmp_path / "cells.geojson"):
        assert all(twice_area(ring) > 0 for ring, _ in rings(feature["geometry"]))
    assert all(
        s.exterior.is_ccw for s in geopandas.read_parquet(tmp_path / "cells.parquet").geometry
    )


def test_a_hole_runs_clockwise(small_force: SmallForce, tmp_path: Path) -> None:
    ring = "POLYGON ((430000 260000, 430000 261000, 431000 261000, 431000 260000, 430000 260000), "
    hole = "(430400 260400, 430400 260600, 430600 260600, 430600 260400, 430400 260400))"
    one = small_force.hotspots.head(1).with_columns(polygon_wkt=pl.lit(ring + hole))
    write(tmp_path, small_force, hotspots=one)
    (feature,) = features(tmp_path / "hotspots.geojson")
    signs = [twice_area(ring) > 0 for ring, _ in rings(feature["geometry"])]
    assert signs == [True, False]
    (shape,) = geopandas.read_parquet(tmp_path / "hotspots.parquet").geometry
    assert shape.area == 1_000_000 - 40_000
    assert shape.geoms[0].exterior.is_ccw
    assert not shape.geoms[0].interiors[0].is_ccw


# --- ids ----------------------------------------------------------------------------------------


def test_cell_ids_are_text_and_the_number_is_nowhere(out: Path, small_force: SmallForce) -> None:
    numbers = small_force.busy.get_column("cell").to_list()
    text = (out / "cells.geojson").read_text(encoding="utf-8")
    assert not any(str(number) in text for number in numbers)
    for feature in features(out / "cells.geojson"):
        assert feature["id"] == feature["properties"]["cell_id"]
        assert re.fullmatch("[0-9a-f]{15}", feature["id"])
    package = geopandas.read_file(out / "hotspots.gpkg", layer="cells")
    assert "cell" not in package.columns
    assert set(package["cell_id"]) == {f"{number:x}" for number in numbers}


def test_the_number_joins_in_geoparquet(out: Path, small_force: SmallForce) -> None:
    found = pl.read_parquet(out / "cells.parquet")
    assert found.schema["cell"] == pl.Int64
    assert set(found.get_column("cell")) == set(small_force.busy.get_column("cell"))


# --- what travels with the files ----------------------------------------------------------------


def test_geoparquet_metadata(out: Path) -> None:
    for layer, kind in (("cells", "Polygon"), ("hotspots", "MultiPolygon")):
        metadata = pq.read_schema(out / f"{layer}.parquet").metadata
        geo = json.loads(metadata[b"geo"])
        column = geo["columns"][geo["primary_column"]]
        assert geo["version"] == "1.1.0"
        assert column["encoding"] == "WKB"
        assert column["geometry_types"] == [kind]
        assert column["crs"]["id"] == {"authority": "EPSG", "code": 27700}
        assert column["orientation"] == "counterclockwise"
        shapes = geopandas.read_parquet(out / f"{layer}.parquet").geometry
        assert column["bbox"] == shapes.total_bounds.tolist()
        parts = [part for shape in shapes for part in shapely.get_parts(shape)]
        assert all(part.exterior.is_ccw for part in parts)


def test_the_footer_is_in_every_file(out: Path) -> None:
    from pyogrio import read_info

    assert read_info(out / "hotspots.gpkg", layer="cells")["dataset_metadata"] == FOOTER
    for layer in ("cells", "hotspots"):
        metadata = pq.read_schema(out / f"{layer}.parquet").metadata
        assert json.loads(metadata[b"footer"]) == FOOTER
        assert json.loads((out / f"{layer}.geojson").read_text("utf-8"))["footer"] == FOOTER


# --- nothing, and what cannot be written ---------------------------------------------------------


def test_a_force_without_events_has_valid_empty_layers(
    small_force: SmallForce, tmp_path: Path
) -> None:
    quiet = small_force.cells.with_columns(n_events=pl.lit(0, pl.Int64), is_selected=False)
    for folder, cells in (("none", small_force.cells.clear()), ("zero", quiet)):
        out = tmp_path / folder
        written = write(out, small_force, cells=cells, hotspots=small_force.hotspots.clear())
        assert [f.n_rows for f in written] == [0] * 5
        for layer, table in (("cells", small_force.cells), ("hotspots", small_force.hotspots)):
            package = geopandas.read_file(out / "hotspots.gpkg", layer=layer)
            parquet = geopandas.read_parquet(out / f"{layer}.parquet")
            geojson = geopandas.read_file(out / f"{layer}.geojson")
            assert len(package) == len(parquet) == len(geojson) == 0
            assert package.crs.to_epsg() == parquet.crs.to_epsg() == 27700
            columns = set(table.columns) - {"polygon_wkt"} | {"geometry"}
            assert set(parquet.columns) == columns
            assert set(package.columns) == columns - {"cell"}
            assert features(out / f"{layer}.geojson") == []


def test_not_a_number_is_null(small_force: SmallForce, tmp_path: Path) -> None:
    cells = small_force.cells.with_columns(gistar_z=pl.lit(float("nan")))
    write(tmp_path, small_force, cells=cells)
    assert {f["properties"]["gistar_z"] for f in features(tmp_path / "cells.geojson")} == {None}
    assert pl.read_parquet(tmp_path / "cells.parquet")["gistar_z"].null_count() > 0


def test_infinity_is_refused_with_its_cell(small_force: SmallForce, tmp_path: Path) -> None:
    cell_id = small_force.busy.row(3, named=True)["cell_id"]
    cells = small_force.cells.with_columns(
        events_per_km2=pl.when(pl.col("cell_id") == cell_id)
        .then(float("inf"))
        .otherwise(pl.col("events_per_km2"))
    )
    with pytest.raises(ValueError, match=f"cell_scores: events_per_km2 is inf .* {cell_id} "):
        write(tmp_path, small_force, cells=cells)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["POINT (430000 260000)", "rubbish", "POLYGON EMPTY", ""])
def test_an_outline_that_is_no_polygon_is_refused_and_old_files_stand(
    small_force: SmallForce, tmp_path: Path, text: str
) -> None:
    before = {f.name: f.sha256 for f in write(tmp_path, small_force)}
    broken = small_force.hotspots.with_columns(
        polygon_wkt=pl.when(pl.col("hotspot_id") == "H-002")
        .then(pl.lit(text))
        .otherwise(pl.col("polygon_wkt"))
    )
    with pytest.raises(ValueError, match="polygon_wkt of H-002 is no polygon"):
        write(tmp_path, small_force, hotspots=broken, cells=small_force.cells.head(3))
    assert {p.name for p in tmp_path.iterdir()} == set(before)
    assert len(features(tmp_path / "cells.geojson")) == small_force.busy.height


def test_an_outline_outside_the_coverage_is_refused(
    small_force: SmallForce, tmp_path: Path
) -> None:
    off = small_force.hotspots.with_columns(
        polygon_wkt=pl.lit("POLYGON ((9e6 0, 9e6 9, 9000009 9, 9e6 0))")
    )
    with pytest.raises(TransformError, match="outside OSTN15's coverage"):
        write(tmp_path, small_force, hotspots=off)


def test_a_missing_column_is_named(small_force: SmallForce, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cell_scores: no column rank_by_count; it has cell, "):
        write(tmp_path, small_force, cells=small_force.cells.drop("rank_by_count"))


# --- again --------------------------------------------------------------------------------------


def test_the_same_rows_in_any_order_give_the_same_bytes(
    small_force: SmallForce, tmp_path: Path
) -> None:
    first = write(tmp_path / "a", small_force)
    again = write(
        tmp_path / "b",
        small_force,
        cells=small_force.cells.sample(fraction=1, shuffle=True, seed=5),
        hotspots=small_force.hotspots.reverse(),
    )
    assert [f.sha256 for f in first] == [f.sha256 for f in again]


def test_the_geopackage_is_dated_by_its_window_and_not_by_the_clock(
    out: Path, small_force: SmallForce, tmp_path: Path
) -> None:
    from pyogrio import get_gdal_config_option, set_gdal_config_options

    def dates(path: Path) -> set[str]:
        with sqlite3.connect(path) as database:
            query = "select last_change from gpkg_contents union select timestamp from gpkg_metadata_reference"
            return {row[0] for row in database.execute(query)}

    assert dates(out / "hotspots.gpkg") == {"2026-01-01T00:00:00.000Z"}
    assert get_gdal_config_option("OGR_CURRENT_DATE") is None
    set_gdal_config_options({"OGR_CURRENT_DATE": "2001-02-03T00:00:00.000Z"})
    try:
        write(tmp_path, small_force)
        assert get_gdal_config_option("OGR_CURRENT_DATE") == "2001-02-03T00:00:00.000Z"
    finally:
        set_gdal_config_options({"OGR_CURRENT_DATE": None})
    assert dates(tmp_path / "hotspots.gpkg") == {"2026-01-01T00:00:00.000Z"}


@pytest.mark.usefixtures("no_network")
def test_no_network_is_needed(small_force: SmallForce, tmp_path: Path) -> None:
    assert len(write(tmp_path, small_force)) == 5
