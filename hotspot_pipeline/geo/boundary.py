"""The force's boundary: what lies in it, and how far outside the rest lies.

Belongs here: reading a boundary from a GeoJSON or GeoPackage file, and questions about points asked
of it in British National Grid metres. Does not belong here: what follows from the answer (rule C11
of the gate, in `validated`), beats and wards, cells (`grid.cover`).

The file's coordinate system is read, never assumed, and shapes are moved between EPSG:4326 and
EPSG:27700 by OSTN15 (`transform`), the same transform as the points. Distances and areas are plane
ones on the National Grid, within 0.1 % of the ground everywhere in Great Britain.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.geometry.base import BaseGeometry

from hotspot_pipeline.geo.transform import TransformError, to_bng_geometry, to_wgs84_geometry

_BNG_CODES = ("27700",)
# ETRS89 (4258) is taken as WGS84, as in `transform`.
_WGS84_CODES = ("4326", "4258", "CRS84")


class BoundaryError(ValueError):
    """A boundary file cannot be used; the message names the file and what to do next."""


@dataclass(frozen=True, eq=False)
class Boundary:
    """One force's area. `polygon_bng` is EPSG:27700 and `polygon_wgs84` EPSG:4326."""

    polygon_bng: BaseGeometry = field(repr=False)
    polygon_wgs84: BaseGeometry = field(repr=False)
    name: str = "boundary"

    @classmethod
    def read(
        cls, path: str | Path, where: Mapping[str, object] | None = None, name: str | None = None
    ) -> Boundary:
        """Read .geojson, .json, .geojson.gz or .gpkg; several features become one area.

        `where` keeps the features whose properties equal all of these, such as
        {"force": "Warwickshire"}. Invalid shapes (a ring that crosses itself) are repaired.
        Raises BoundaryError where the file cannot be read, has no known coordinate system, or
        leaves no polygon.
        """
        source = Path(path)
        if not source.is_file():
            raise BoundaryError(f"{source}: no such file; check the boundary path in the settings")
        is_geopackage = source.suffix.lower() == ".gpkg"
        shapes, properties, crs = _read_gpkg(source) if is_geopackage else _read_geojson(source)
        chosen = _chosen(source, shapes, properties, where or {})
        area = shapely.union_all(shapely.make_valid(np.array(chosen, dtype=object)))
        polygons = [
            part
            for part in shapely.get_parts(area)
            if part.geom_type in ("Polygon", "MultiPolygon")
        ]
        if not polygons:
            raise BoundaryError(f"{source}: no polygon in it; a boundary must be an area")
        area = shapely.union_all(polygons)
        label = name if name is not None else ", ".join(map(str, (where or {}).values()))
        if _is_one_of(crs, _BNG_CODES):
            return cls(area, to_wgs84_geometry(area), label or source.stem)
        if _is_one_of(crs, _WGS84_CODES):
            try:
                return cls(to_bng_geometry(area), area, label or source.stem)
            except TransformError as error:
                raise BoundaryError(
                    f"{source}: read as {crs}, but {error}. If its numbers are metres, save it with "
                    "its coordinate system named (EPSG:27700)"
                ) from error
        raise BoundaryError(
            f"{source}: coordinate system {crs!r} is not read; save the boundary as EPSG:27700 "
            "(British National Grid) or EPSG:4326 (longitude, latitude)"
        )

    @cached_property
    def area_km2(self) -> float:
        return float(self.polygon_bng.area) / 1e6

    @cached_property
    def bounds_bng(self) -> tuple[float, float, float, float]:
        """(least easting, least northing, greatest easting, greatest northing) in metres."""
        west, south, east, north = self.polygon_bng.bounds
        return float(west), float(south), float(east), float(north)

    def contains(self, easting: ArrayLike, northing: ArrayLike) -> NDArray[np.bool_]:
        """Which points (metres) lie in the area. On the line is inside; NaN is not."""
        x, y = _points(easting, northing)
        west, south, east, north = self.bounds_bng
        with np.errstate(invalid="ignore"):
            inside: NDArray[np.bool_] = (x >= west) & (x <= east) & (y >= south) & (y <= north)
        near = np.flatnonzero(inside)
        inside[near] = shapely.intersects_xy(self._prepared, x[near], y[near])
        return inside

    def distance_outside_m(self, easting: ArrayLike, northing: ArrayLike) -> NDArray[np.float64]:
        """Metres from each point to the area: 0 in it or on its line, NaN for NaN."""
        x, y = _points(easting, northing)
        distance = np.where(np.isfinite(x) & np.isfinite(y), 0.0, np.nan)
        outside = np.flatnonzero(~self.contains(x, y) & (distance == 0.0))
        if outside.size:
            points = shapely.points(x[outside], y[outside])
            (which, _), nearest = self._edges.query_nearest(
                points, return_distance=True, all_matches=False
            )
            distance[outside[which]] = nearest
        return distance

    @cached_property
    def _prepared(self) -> BaseGeometry:
        shapely.prepare(self.polygon_bng)
        return self.polygon_bng

    @cached_property
    def _edges(self) -> shapely.STRtree:
        """Every edge of the outline: a tree answers for a point by looking at a few of them."""
        xy, ring = shapely.get_coordinates(
            shapely.get_rings(shapely.get_parts(self.polygon_bng)), return_index=True
        )
        joined = ring[1:] == ring[:-1]
        edges = np.stack([xy[:-1][joined], xy[1:][joined]], axis=1)
        return shapely.STRtree(shapely.linestrings(edges))


def _points(easting: ArrayLike, northing: ArrayLike) -> tuple[NDArray[np.float64], ...]:
    x = np.atleast_1d(np.asarray(easting, dtype=np.float64))
    y = np.atleast_1d(np.asarray(northing, dtype=np.float64))
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"points must be two arrays of one length, not {x.shape}, {y.shape}")
    return x, y


def _chosen(
    source: Path,
    shapes: list[BaseGeometry | None],
    properties: list[dict[str, Any]],
    where: Mapping[str, object],
) -> list[BaseGeometry]:
    """The shapes whose properties match, or an error that says what the file does hold."""
    matching = [
        place
        for place, values in enumerate(properties)
        if all(key in values and values[key] == wanted for key, wanted in where.items())
    ]
    if not matching:
        held = [{key: values.get(key) for key in where} for values in properties[:20]]
        raise BoundaryError(
            f"{source}: none of {len(properties)} features has {dict(where)}; it holds {held}"
        )
    chosen = [shape for place in matching if (shape := shapes[place]) is not None]
    if not chosen:
        raise BoundaryError(f"{source}: the {len(matching)} chosen features have no shape")
    return chosen


def _read_geojson(
    source: Path,
) -> tuple[list[BaseGeometry | None], list[dict[str, Any]], str]:
    try:
        raw = (
            gzip.decompress(source.read_bytes()) if source.suffix == ".gz" else source.read_bytes()
        )
        document = json.loads(raw.decode("utf-8-sig"))
    except (OSError, EOFError, ValueError) as error:
        raise BoundaryError(
            f"{source}: not readable as GeoJSON ({error}); save it as GeoJSON or GeoPackage"
        ) from error
    kind = document.get("type") if isinstance(document, dict) else None
    if kind == "FeatureCollection":
        features = document.get("features") or []
    elif kind == "Feature":
        features = [document]
    elif kind in ("Polygon", "MultiPolygon"):
        features = [{"geometry": document, "properties": {}}]
    else:
        raise BoundaryError(f"{source}: JSON, but not GeoJSON (its type is {kind!r})")
    try:
        shapes = [
            shapely.from_geojson(json.dumps(feature["geometry"]))
            if feature.get("geometry")
            else None
            for feature in features
        ]
    except (KeyError, AttributeError, shapely.errors.GEOSException) as error:
        raise BoundaryError(f"{source}: a feature's geometry is broken ({error})") from error
    # RFC 7946 fixes longitude and latitude; older files name another system in a "crs" member.
    named = document.get("crs")
    crs = named.get("properties", {}).get("name", "") if isinstance(named, dict) else "EPSG:4326"
    return shapes, [feature.get("properties") or {} for feature in features], str(crs)


def _read_gpkg(source: Path) -> tuple[list[BaseGeometry | None], list[dict[str, Any]], str]:
    # GDAL and pandas come with it: over a second to import, so only when a GeoPackage is read.
    from pyogrio.errors import DataSourceError
    from pyogrio.raw import read

    try:
        meta, _, wkb, columns = read(source)
    except DataSourceError as error:
        raise BoundaryError(f"{source}: not readable as a GeoPackage ({error})") from error
    names = [str(name) for name in meta["fields"]]
    rows = [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
    shapes = list(shapely.from_wkb(wkb))
    return shapes, rows or [{} for _ in shapes], str(meta["crs"])


def _is_one_of(crs: str, codes: tuple[str, ...]) -> bool:
    """Match `EPSG:27700`, `urn:ogc:def:crs:EPSG::27700`, `OGC:CRS84` by their last part."""
    return crs.replace("/", ":").split(":")[-1].strip() in codes
