"""How a layer is written: GeoPackage, GeoParquet, GeoJSON.

Here: formats, their metadata and what makes their bytes repeatable. Not here: what is in a layer
(`layer`), putting the file in place (`files`).

The coordinate system is only labelled here, from the EPSG register inside `pyproj`: no network, and
no coordinate goes through it (they come from OSTN15 in `geo.transform`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import shapely

from hotspot_pipeline.geo.transform import BNG_CRS
from hotspot_pipeline.published.layer import Layer
from hotspot_pipeline.published.plain_values import cell_as_text, iso_dates

if TYPE_CHECKING:
    import pyarrow as pa

_GDAL_DATE = "OGR_CURRENT_DATE"


def write_geopackage(path: Path, layers: Sequence[Layer], footer: Mapping[str, str]) -> int:
    """All layers in one file, EPSG:27700; the number of features.

    The date of its last change, which the format demands, is the end of the counted window, so that
    the same rows give the same bytes.
    """
    from pyogrio.raw import write_arrow

    with _gdal_date(_window_end(layers)):
        for layer in layers:
            rows = cell_as_text(layer.rows).with_columns(pl.selectors.decimal().cast(pl.Float64))
            write_arrow(
                _with_shapes(rows, layer),
                path,
                layer=layer.name,
                driver="GPKG",
                geometry_name="geometry",
                geometry_type=layer.geometry_type,
                crs=_crs().to_wkt(),
                dataset_metadata=dict(footer),
                layer_metadata={"DESCRIPTION": layer.description},
                layer_options={"GEOMETRY_NAME": "geometry", "DESCRIPTION": layer.description},
            )
    return sum(layer.rows.height for layer in layers)


def write_geoparquet(path: Path, layer: Layer, footer: Mapping[str, str]) -> int:
    """GeoParquet 1.1 with the coordinate system as PROJJSON; the number of rows.

    Written here and not by way of a data frame, so that no type changes: dates, decimals and
    unknown truth values stay what they are in the table.
    """
    import pyarrow.parquet as pq

    about_geometry: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": [layer.geometry_type],
        "crs": _crs().to_json_dict(),
        "edges": "planar",
        "orientation": "counterclockwise",
    }
    if layer.rows.height:
        about_geometry["bbox"] = shapely.total_bounds(layer.shapes_bng).tolist()
    geo = {
        "version": "1.1.0",
        "primary_column": "geometry",
        "columns": {"geometry": about_geometry},
    }
    about = {"geo": json.dumps(geo), "footer": json.dumps(dict(footer), ensure_ascii=False)}
    table = _with_shapes(layer.rows, layer).replace_schema_metadata(about)
    pq.write_table(table, path)
    return layer.rows.height


def write_geojson(path: Path, layer: Layer, footer: Mapping[str, str]) -> int:
    """RFC 7946, one feature a line; the number of features.

    Numbers have at most 7 decimals, decimals become numbers, dates text; null is null. The footer is
    a member of the collection, which readers that do not know it skip.
    """
    exact = cell_as_text(layer.rows).with_columns(pl.selectors.decimal().cast(pl.Float64))
    rows = iso_dates(exact.with_columns(pl.selectors.float().round(7)))
    head = {
        "type": "FeatureCollection",
        "name": layer.name,
        "description": layer.description,
        "footer": dict(footer),
    }
    opened = json.dumps(head, ensure_ascii=False)[:-1]
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(f'{opened}, "features": [')
        between = "\n"
        for shape, properties in zip(layer.shapes_wgs84, rows.iter_rows(named=True), strict=True):
            feature = {
                "type": "Feature",
                "id": properties[layer.id_column],
                "properties": properties,
                "geometry": _geometry(shape),
            }
            stream.write(between + json.dumps(feature, ensure_ascii=False, allow_nan=False))
            between = ",\n"
        stream.write("\n]}\n")
    return rows.height


def _geometry(shape: Any) -> dict[str, Any]:
    parts = [[_ring(p.exterior), *map(_ring, p.interiors)] for p in shapely.get_parts(shape)]
    if shape.geom_type == "Polygon":
        return {"type": "Polygon", "coordinates": parts[0]}
    return {"type": "MultiPolygon", "coordinates": parts}


def _ring(ring: Any) -> list[list[float]]:
    corners: list[list[float]] = shapely.get_coordinates(ring).tolist()
    return corners


def _with_shapes(rows: pl.DataFrame, layer: Layer) -> pa.Table:
    import pyarrow as pa

    shapes = pa.array(shapely.to_wkb(layer.shapes_bng).tolist(), pa.binary())
    # The oldest Arrow layout is the one that every reader of these formats knows.
    table = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
    return table.append_column("geometry", shapes)


def _crs() -> Any:
    from pyproj import CRS

    return CRS.from_user_input(BNG_CRS)


def _window_end(layers: Sequence[Layer]) -> str:
    ends = [
        end
        for layer in layers
        if "window_to" in layer.rows.columns
        for end in layer.rows.get_column("window_to").drop_nulls().unique().to_list()
    ]
    return f"{max(ends) if ends else '1970-01-01'}T00:00:00.000Z"


@contextmanager
def _gdal_date(moment: str) -> Iterator[None]:
    """What GDAL takes for now, instead of the clock; it is a setting of the process."""
    from pyogrio import get_gdal_config_option, set_gdal_config_options

    before = get_gdal_config_option(_GDAL_DATE)
    set_gdal_config_options({_GDAL_DATE: moment})
    try:
        yield
    finally:
        set_gdal_config_options({_GDAL_DATE: before})
