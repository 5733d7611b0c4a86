"""A small force around Leamington Spa with every column of the tables that are published."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import h3.api.basic_int as h3
import numpy as np
import polars as pl
import shapely
import yaml
from shapely.geometry.base import BaseGeometry

from hotspot_pipeline.geo.grid import Grid, GridSpec, make_grid
from hotspot_pipeline.geo.outlines import polygons_bng

PROJECT = Path(__file__).resolve().parents[3]
CONTRACTS = PROJECT / "dbt_like_sql" / "hexes"
DATA = PROJECT.parent / "shared" / "data"

_TYPES: dict[str, Any] = {
    "BIGINT": pl.Int64,
    "SMALLINT": pl.Int16,
    "VARCHAR": pl.String,
    "DOUBLE": pl.Float64,
    "BOOLEAN": pl.Boolean,
    "DATE": pl.Date,
}


def contract_schema(table: str) -> dict[str, Any]:
    """The polars types of a table's contract, so that these tests see what the warehouse gives."""
    columns = yaml.safe_load((CONTRACTS / f"{table}.yml").read_text())["columns"]
    schema = {}
    for name, column in columns.items():
        decimal = re.fullmatch(r"DECIMAL\((\d+),\s*(\d+)\)", column["type"])
        schema[name] = (
            pl.Decimal(int(decimal[1]), int(decimal[2])) if decimal else _TYPES[column["type"]]
        )
    return schema


def filled(table: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows of a table; a required column that is not given gets a plain value, another one null."""
    schema = contract_schema(table)
    columns = yaml.safe_load((CONTRACTS / f"{table}.yml").read_text())["columns"]
    plain = {pl.Int64: 0, pl.String: "text", pl.Float64: 0.5, pl.Boolean: False, pl.Date: WINDOW[0]}
    return pl.DataFrame(
        [
            {
                name: row.get(name, plain.get(dtype) if columns[name].get("required") else None)
                for name, dtype in schema.items()
            }
            for row in rows
        ],
        schema=schema,
    )


WINDOW = (date(2025, 1, 1), date(2026, 1, 1))
FOOTER = {"data to": "2025-12-31", "records delivered": "1,310", "licence": "Zoë & Co © “free”"}


@dataclass(frozen=True)
class SmallForce:
    cells: pl.DataFrame
    hotspots: pl.DataFrame
    grid: Grid
    boundary: BaseGeometry
    footer: dict[str, str]

    @property
    def busy(self) -> pl.DataFrame:
        return self.cells.filter(pl.col("n_events") > 0)


def make_force(
    n_rings: int, hotspot_cells: list[list[int]], seed: int = 7, resolution: int = 9
) -> SmallForce:
    """Cells in a disc with heavy-tailed counts; hotspots of the cells at these places of the disc."""
    grid = make_grid(GridSpec(resolution=resolution))
    centre = h3.latlng_to_cell(52.2852, -1.5201, resolution)
    disc = [cell for ring in range(n_rings + 1) for cell in sorted(h3.grid_ring(centre, ring))]
    rng = np.random.default_rng(seed)
    counts = rng.poisson(rng.gamma(0.3, 12.0, size=len(disc)))
    members = [place for places in hotspot_cells for place in places]
    counts[members] += np.arange(30 + len(members), 30, -1)
    areas = grid.areas_m2(np.array(disc))
    order = {cell: at + 1 for at, cell in enumerate(np.argsort(-counts, kind="stable").tolist())}
    cells = filled(
        "cell_scores",
        [
            {
                "cell": cell,
                "cell_id": f"{cell:x}",
                "window_from": WINDOW[0],
                "window_to": WINDOW[1],
                "is_in_force": True,
                "area_m2": float(areas[at]),
                "n_events": int(counts[at]),
                "harm_days": Decimal(int(counts[at]) * 110) / 100 if counts[at] else None,
                "events_per_km2": float(counts[at] / areas[at] * 1e6),
                "gistar_z": float(counts[at]) / 7,
                "rank_by_count": order[at],
                "is_selected": at in members,
                "is_persistent": None if at % 3 == 0 else at % 3 == 1,
                "trajectory": "persistent",
            }
            for at, cell in enumerate(disc)
        ],
    )
    hotspots = filled(
        "hotspots",
        [
            _hotspot(rank, [disc[at] for at in places], counts[places], grid)
            for rank, places in enumerate(hotspot_cells, 1)
        ],
    )
    outline = shapely.union_all(polygons_bng(grid, np.array(disc)), grid_size=0.001)
    return SmallForce(cells, hotspots, grid, outline, dict(FOOTER))


def _hotspot(rank: int, cells: list[int], counts: Any, grid: Grid) -> dict[str, Any]:
    shape = shapely.union_all(polygons_bng(grid, np.array(cells)), grid_size=0.001)
    lon, lat = grid.centroids(np.array(cells))
    return {
        "hotspot_id": f"H-{rank:03d}",
        "status": "signed" if rank == 1 else "proposed",
        "hotspot_version": date(2026, 2, 3) if rank == 1 else None,
        "signed_by": "A. Analyst" if rank == 1 else None,
        "hotspot_rank": rank,
        "n_cells": len(cells),
        "n_events": int(counts.sum()),
        "harm_days": Decimal(int(counts.sum())) / 4,
        "is_borderline": rank % 2 == 0,
        "lon": float(lon.mean()),
        "lat": float(lat.mean()),
        "area_m2": float(grid.areas_m2(np.array(cells)).sum()),
        # clockwise, so that turning it round is the writer's work
        "polygon_wkt": shapely.to_wkt(
            shapely.normalize(shapely.reverse(shapely.orient_polygons(shape))), rounding_precision=3
        ),
        "reason": f'rank {rank}: née “Parade”, 5 < 6 & "more"',
        "window_from": WINDOW[0],
        "window_to": WINDOW[1],
    }
