"""Fields of hexagons for the kernels of the hexes stage: discs made here, and the real county."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h3.api.basic_int as h3
import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
import shapely
import shapely.geometry
from hypothesis import settings

# Imports and a busy machine make single examples slow; how fast a kernel is belongs to benchmarks/.
if settings.default is None or settings.default.deadline is not None:
    settings.register_profile("no_deadline", deadline=None)
    settings.load_profile("no_deadline")

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
AREAS = DATA / "boundaries" / "force_areas_warwickshire_leicestershire_derived.geojson"
POLICE_UK = DATA / "police_uk" / "2025_release_2026-07"


@dataclass(frozen=True)
class HexField:
    """Cells in ascending order, their events, and neighbours as positions in both directions."""

    cells: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    i: npt.NDArray[np.int64]
    j: npt.NDArray[np.int64]


def _pairs_of(cells: list[int]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Neighbouring positions found cell by cell with the h3 library: slow, and plainly right."""
    position = {cell: at for at, cell in enumerate(cells)}
    found = [
        (at, position[other])
        for cell, at in position.items()
        for other in h3.grid_disk(cell, 1)
        if other != cell and other in position
    ]
    both = np.array(found, dtype=np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _disc(n_rings: int, counts_from: np.random.Generator) -> HexField:
    """A disc of res-9 cells in Leamington Spa with heavy-tailed counts."""
    cells = sorted(h3.grid_disk(h3.latlng_to_cell(52.2852, -1.5201, 9), n_rings))
    rate = counts_from.gamma(0.3, 5.0, size=len(cells))
    return HexField(np.array(cells), counts_from.poisson(rate), *_pairs_of(cells))


def _cells_of_force(name: str) -> set[int]:
    """Res-9 cells whose centre lies in the area of a force."""
    if not AREAS.exists():
        pytest.skip(f"public test data not found: {AREAS}")
    shapes = {
        feature["properties"]["force"]: shapely.make_valid(
            shapely.geometry.shape(feature["geometry"])
        )
        for feature in json.loads(AREAS.read_text())["features"]
    }
    polygons = [p for p in shapely.get_parts(shapes[name]) if p.geom_type == "Polygon"]
    return {cell for p in polygons for cell in h3.geo_to_cells(p.__geo_interface__, 9)}


@pytest.fixture(scope="session")
def warwickshire_events() -> pl.DataFrame:
    """Located rows of 2025: month ("2025-01"), category, lon, lat, cell (res 9)."""
    files = sorted(POLICE_UK.glob("2025-*-warwickshire-street.csv.gz"))
    if not files:
        pytest.skip(f"public test data not found: {POLICE_UK}")
    months = [pl.read_csv(gzip.decompress(path.read_bytes())) for path in files]
    rows = pl.concat(month.cast({"Context": pl.String}) for month in months)
    located = rows.select(
        month="Month", category="Crime type", lon="Longitude", lat="Latitude"
    ).drop_nulls(["lon", "lat"])
    cells = [h3.latlng_to_cell(lat, lon, 9) for lon, lat in located.select("lon", "lat").rows()]
    return located.with_columns(cell=pl.Series(cells, dtype=pl.Int64))


@pytest.fixture(scope="session")
def warwickshire(warwickshire_events: pl.DataFrame) -> HexField:
    """All res-9 cells of the county, and those outside it that hold a delivered event."""
    n_events = dict(warwickshire_events.group_by("cell").len().rows())
    cells = sorted(_cells_of_force("Warwickshire") | set(n_events))
    counts = np.array([n_events.get(cell, 0) for cell in cells], dtype=np.int64)
    return HexField(np.array(cells), counts, *_pairs_of(cells))


@pytest.fixture(scope="session")
def find_pairs() -> Callable[[list[int]], Any]:
    return _pairs_of


@pytest.fixture(scope="session")
def make_disc() -> Callable[[int, np.random.Generator], HexField]:
    return _disc


@pytest.fixture(scope="session")
def cells_of_two_counties() -> list[int]:
    """Every res-9 cell of Warwickshire and Leicestershire."""
    return sorted(_cells_of_force("Warwickshire") | _cells_of_force("Leicestershire"))
