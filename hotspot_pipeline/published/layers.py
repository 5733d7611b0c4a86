"""The map layers: cells and hotspots with their figures, for desktop GIS, data frames and browsers.

Here: which files there are. Not here: rows and shapes of a layer (`layer`), how a format is written
(`layer_formats`), pictures (`pictures`).

Three formats of the same rows, hottest first:

- `hotspots.gpkg`, a GeoPackage with the layers `cells` and `hotspots`, EPSG:27700;
- `cells.parquet` and `hotspots.parquet`, GeoParquet 1.1, EPSG:27700 as well: metres, so that areas
  and distances need no projection, and named in the file, since readers otherwise take GeoParquet
  for longitude and latitude;
- `cells.geojson` and `hotspots.geojson`, RFC 7946: EPSG:4326, at most 7 decimals (1 cm).

A cell is called by its hexadecimal text everywhere; its 64-bit number is a column of the GeoParquet
only, where it joins with tables and no program rounds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import polars as pl

from hotspot_pipeline.geo.grid import Grid
from hotspot_pipeline.published import layer_formats
from hotspot_pipeline.published.files import PublishedFile, write_aside
from hotspot_pipeline.published.layer import cell_layer, hotspot_layer


def write_layers(
    out: Path,
    *,
    cells: pl.DataFrame,
    hotspots: pl.DataFrame,
    grid: Grid,
    footer: Mapping[str, str],
    all_cells: bool = False,
) -> list[PublishedFile]:
    """Write the five files into the folder `out` and say what was written.

    `cells` is `hexes.cell_scores` at the resolution of `grid`, `hotspots` is `hexes.hotspots`. Of
    the cells those with an event and those selected are written: a county has some 20,000 cells, and
    seven in eight have neither. `all_cells` writes every one. `footer` travels inside each file. The
    same input gives the same bytes with the same versions of the libraries, the date inside the
    GeoPackage included (it is the window's end).

    Raises ValueError for a missing column, an infinite figure or an outline that is no polygon, and
    TransformError for a shape outside OSTN15's coverage. No file is touched before all layers are
    made; each file is then replaced whole.
    """
    layers = [cell_layer(cells, grid, all_cells=all_cells), hotspot_layer(hotspots)]
    written = [
        write_aside(
            out / "hotspots.gpkg",
            "geopackage",
            partial(layer_formats.write_geopackage, layers=layers, footer=footer),
        )
    ]
    for layer in layers:
        for suffix, kind, write in (
            ("parquet", "geoparquet", layer_formats.write_geoparquet),
            ("geojson", "geojson", layer_formats.write_geojson),
        ):
            path = out / f"{layer.name}.{suffix}"
            written.append(write_aside(path, kind, partial(write, layer=layer, footer=footer)))
    return written
