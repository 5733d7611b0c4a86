"""The hexes assets that Python writes: cells, site matches, scores, concentration, accuracy and hotspots.

Thin: read a window from the warehouse, call a kernel, write. The counts themselves are SQL models in
`dbt_like_sql/hexes/`; `refresh.py` beside this file recomputes their changed weeks and days.
"""

from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import Any

import dagster as dg
import numpy as np
import polars as pl

from hotspot_pipeline.geo.boundary import Boundary
from hotspot_pipeline.geo.grid import Grid, GridSpec, make_grid
from hotspot_pipeline.geo.transform import TRANSFORM_ID, to_bng
from hotspot_pipeline.hexes import site_matches
from hotspot_pipeline.hexes.accuracy import accuracy_curve
from hotspot_pipeline.hexes.concentration import concentration_curve, concentration_summary
from hotspot_pipeline.hexes.hotspot_tables import build_hotspots
from hotspot_pipeline.hexes.scoring import SelectionWindow, score_cells, selection_window
from hotspot_pipeline.hexes.signoff import read_selections
from hotspot_pipeline.orchestration.tables import Results, Workshop
from hotspot_pipeline.warehouse.following import replace_followed
from hotspot_pipeline.warehouse.session import Session

RESOLUTIONS = (8, 9, 10)
_EVENTS = """
    select cell_r{resolution} as cell, cat_group, month, event_date, hour_of_week, is_day, harm_days
    from hexes.events
    where is_counted and event_date >= $first_day and event_date < $end_day and cat_group in ({groups})
"""
Compute = Callable[[Session], Mapping[str, pl.DataFrame]]


def build_assets(shop: Workshop) -> list[dg.AssetsDefinition]:
    grid = shop.grid
    return [
        _site_matches(shop),
        _asset(shop, {"hexes.cells": ("hexes.events",)}, lambda session: {"hexes.cells": _cells(shop, session)}),
        _asset(shop, {"hexes.cell_scores": ("hexes.events", "hexes.cells", "history.venues_current")},
               lambda session: {"hexes.cell_scores": _scores(shop, session, grid)}),
        _asset(shop, dict.fromkeys(("hexes.concentration", "hexes.concentration_curve"), ("hexes.cell_scores",)),
               _concentration),
        _asset(shop, {"hexes.prediction_accuracy": ("hexes.events", "hexes.cells", "hexes.cell_scores")},
               lambda session: {"hexes.prediction_accuracy": _accuracy(shop, session)}),
        _asset(shop, dict.fromkeys(("hexes.hotspots", "hexes.hotspot_cells"), ("hexes.cell_scores",)),
               lambda session: _hotspots(shop, session, grid)),
    ]  # fmt: skip


def _asset(
    shop: Workshop, tables: Mapping[str, tuple[str, ...]], compute: Compute
) -> dg.AssetsDefinition:
    """One step that computes one table, or several that belong together, and replaces them."""
    first = next(iter(tables))

    @shop.step(
        first,
        [shop.spec(table, deps=deps, metadata=_grid_facts(shop)) for table, deps in tables.items()],
    )
    def build(context: dg.AssetExecutionContext) -> Results:
        with shop.warehouse(context).session() as session:
            for table, frame in compute(session).items():
                contract = shop.catalog[table]
                rows = _shaped(frame, contract.column_types)
                yield from shop.run_write(table, partial(session.replace_table, contract, rows))

    return build


def _site_matches(shop: Workshop) -> dg.AssetsDefinition:
    table = "hexes.site_matches"
    reads = (site_matches.CRIMES, site_matches.ASB, site_matches.SITES, site_matches.DEFAULTS)

    @shop.step("hexes.site_matches", [shop.spec(table, deps=reads, metadata=_grid_facts(shop))])
    def build(context: dg.AssetExecutionContext) -> Results:
        with shop.warehouse(context).session() as session:
            rows = site_matches.rows_of(session)
            yield from shop.run_write(
                table, partial(replace_followed, session, shop.catalog[table], rows)
            )

    return build


def _grid_facts(shop: Workshop) -> dict[str, Any]:
    return {"transform": TRANSFORM_ID, "grid resolution": shop.force.grid_resolution}


def _shaped(frame: pl.DataFrame, columns: Mapping[str, str]) -> pl.DataFrame:
    """Only the contract's columns; an empty frame without columns becomes an empty table."""
    if not frame.columns:
        return pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
    return frame.select([c for c in columns if c in frame.columns])


def _cells(shop: Workshop, session: Session) -> pl.DataFrame:
    boundary = shop.boundary
    return pl.concat([_cells_at(resolution, boundary, session) for resolution in RESOLUTIONS])


def _cells_at(resolution: int, boundary: Boundary | None, session: Session) -> pl.DataFrame:
    grid = make_grid(GridSpec(resolution=resolution))
    populated = (
        session.frame(
            f"select distinct cell_r{resolution} as cell from hexes.events where is_counted order by 1"
        )
        .get_column("cell")
        .to_numpy()
    )
    covered = grid.cover(boundary.polygon_wgs84) if boundary else np.empty(0, dtype=np.int64)
    cells = np.union1d(covered, populated).astype(np.int64)
    lon, lat = grid.centroids(cells)
    easting, northing = to_bng(lon, lat)
    return pl.DataFrame(
        {
            "resolution": np.full(cells.size, resolution, dtype=np.int16),
            "cell": cells,
            "cell_id": pl.Series(list(grid.to_text(cells)), dtype=pl.String),
            "lon": lon,
            "lat": lat,
            "easting": pl.Series(easting).fill_nan(None),
            "northing": pl.Series(northing).fill_nan(None),
            "area_m2": grid.areas_m2(cells),
            # without a boundary nothing is known to lie outside
            "is_in_force": np.isin(cells, covered) if boundary else np.ones(cells.size, dtype=bool),
        }
    )


def _window(shop: Workshop, session: Session) -> SelectionWindow | None:
    dates = session.frame(
        """
        select min(event_date) as first, max(event_date) as last, coalesce(bool_and(police_day is null), false) as is_monthly
        from hexes.events where is_counted
        """
    )
    first, last, is_monthly = dates.row(0)
    return selection_window(shop.force.hotspots, first, last, is_monthly=is_monthly)


def _events(shop: Workshop, session: Session, first_day: date, end_day: date) -> pl.DataFrame:
    groups = ", ".join(f"'{g}'" for g in shop.force.hotspots.groups)
    sql = _EVENTS.format(resolution=shop.force.grid_resolution, groups=groups)
    return session.frame(sql, {"first_day": first_day, "end_day": end_day})


def _study_cells(shop: Workshop, session: Session) -> pl.DataFrame:
    return session.frame(
        "select cell, cell_id, area_m2, is_in_force from hexes.cells where resolution = $r order by cell",
        {"r": shop.force.grid_resolution},
    )


def _scores(shop: Workshop, session: Session, grid: Grid) -> pl.DataFrame:
    window = _window(shop, session)
    if window is None:
        return pl.DataFrame()
    events = _events(shop, session, window.first_day, window.end_day)
    venues = session.frame("select * from history.venues_current")
    return score_cells(
        events,
        _study_cells(shop, session),
        venues,
        grid=grid,
        window=window,
        rules=shop.force.hotspots,
    )


def _concentration(session: Session) -> dict[str, pl.DataFrame]:
    scores = session.frame("select n_events, window_from, window_to from hexes.cell_scores")
    if scores.is_empty():
        return {"hexes.concentration": pl.DataFrame(), "hexes.concentration_curve": pl.DataFrame()}
    counts = scores.get_column("n_events").to_numpy()
    window = {name: pl.lit(scores.get_column(name)[0]) for name in ("window_from", "window_to")}
    return {
        "hexes.concentration": concentration_summary(counts, counts.size).with_columns(**window),
        "hexes.concentration_curve": concentration_curve(counts, counts.size),
    }


def _accuracy(shop: Workshop, session: Session) -> pl.DataFrame:
    """Ranks on the first three quarters of the window and scores on the last; needs whole months."""
    window = _window(shop, session)
    if window is None or window.n_months < 4:
        return pl.DataFrame()
    months = (
        window.first_day.year * 12
        + window.first_day.month
        - 1
        + window.n_months
        - window.n_months // 4
    )
    split = date(months // 12, months % 12 + 1, 1)
    cells = session.frame(
        "select cell, area_m2 from hexes.cells where resolution = $r order by cell",
        {"r": shop.force.grid_resolution},
    )
    if cells.is_empty():
        return pl.DataFrame()

    def counts(first_day: date, end_day: date) -> Any:
        found = _events(shop, session, first_day, end_day).group_by("cell").len()
        return cells.join(found, on="cell", how="left").get_column("len").fill_null(0).to_numpy()

    top = 4 * shop.force.hotspots.top_k
    ks = sorted(
        {
            k
            for k in (
                *range(1, min(top, cells.height) + 1),
                cells.height // 100,
                cells.height // 20,
            )
            if k >= 1
        }
    )
    curve = accuracy_curve(
        counts(window.first_day, split),
        counts(split, window.end_day),
        areas_m2=cells.get_column("area_m2").to_numpy(),
        ks=ks,
    )
    return curve.with_columns(
        ranked_from=pl.lit(window.first_day),
        ranked_to=pl.lit(split),
        scored_to=pl.lit(window.end_day),
    )


def _hotspots(shop: Workshop, session: Session, grid: Grid) -> dict[str, pl.DataFrame]:
    scores = session.frame("select * from hexes.cell_scores")
    selections = read_selections(shop.force.signoff_file)
    hotspots, members = build_hotspots(
        scores, selections[-1] if selections else None, grid=grid, rules=shop.force.hotspots
    )
    return {"hexes.hotspots": hotspots, "hexes.hotspot_cells": members}
