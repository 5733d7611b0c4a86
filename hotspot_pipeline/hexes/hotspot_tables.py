"""From scored cells and the sign-off record to the hotspots: proposed ones from the ranking, signed ones as signed.

Merging and stable ids are `merging.py`; reading the record is `signoff.py`. A signed hotspot keeps the cells a
person fixed, whatever the ranking says today; its figures are today's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import shapely

from hotspot_pipeline.geo.grid import Grid
from hotspot_pipeline.geo.outlines import polygons_bng
from hotspot_pipeline.geo.transform import to_wgs84
from hotspot_pipeline.hexes.merging import match_to_signed, merged_hotspots
from hotspot_pipeline.hexes.signoff import Selection
from hotspot_pipeline.settings import HotspotRules

_CELL_SCHEMA = {
    "hotspot_id": pl.String,
    "cell": pl.Int64,
    "cell_id": pl.String,
    "member_no": pl.Int64,
    "status": pl.String,
}


def build_hotspots(
    scores: pl.DataFrame, selection: Selection | None, *, grid: Grid, rules: HotspotRules
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(`hexes.hotspots`, `hexes.hotspot_cells`).

    `scores` is `hexes.cell_scores`. Without a sign-off every hotspot is proposed; with one, the signed ones stand and a
    candidate that shares no cell with them is proposed beside them.
    """
    signed = _signed_cells(selection, grid)
    members = pl.concat([signed, _proposed_cells(scores, signed, selection, grid, rules)])
    if members.is_empty() or scores.is_empty():
        return pl.DataFrame(), members
    figures = _figures(members, scores).join(_outlines(members, grid), on="hotspot_id")
    reasons = _reasons(selection)
    hotspots = figures.with_columns(
        hotspot_rank=pl.struct(pl.col("n_events").neg(), "best_rank", "hotspot_id")
        .rank("ordinal")
        .cast(pl.Int64),
        hotspot_version=_when_signed(pl.lit(selection.version if selection else None, pl.Date)),
        signed_by=_when_signed(pl.lit(selection.signed_by if selection else None, pl.String)),
        signed_because=_when_signed(pl.lit(selection.because if selection else None, pl.String)),
        window_from=pl.lit(scores.get_column("window_from")[0]),
        window_to=pl.lit(scores.get_column("window_to")[0]),
    ).with_columns(
        reason=pl.when(pl.col("hotspot_id").is_in(list(reasons)))
        .then(pl.col("hotspot_id").replace_strict(reasons, default=None, return_dtype=pl.String))
        .otherwise(
            pl.format(
                "rank {} of all cells by count: {} events in the window",
                pl.col("best_rank"),
                pl.col("n_events"),
            )
        )
    )
    return hotspots.drop("best_rank").sort("hotspot_rank"), members.sort("hotspot_id", "member_no")


def _when_signed(value: pl.Expr) -> pl.Expr:
    return pl.when(pl.col("status") == "signed").then(value)


def _signed_cells(selection: Selection | None, grid: Grid) -> pl.DataFrame:
    rows = [
        {
            "hotspot_id": h.hotspot_id,
            "cell": int(cell),
            "cell_id": cell_id,
            "member_no": number,
            "status": "signed",
        }
        for h in (selection.hotspots if selection else ())
        for number, (cell, cell_id) in enumerate(
            zip(grid.from_text(list(h.cell_ids)), h.cell_ids, strict=True), 1
        )
    ]
    return pl.DataFrame(rows, schema=_CELL_SCHEMA)


def _proposed_cells(
    scores: pl.DataFrame,
    signed: pl.DataFrame,
    selection: Selection | None,
    grid: Grid,
    rules: HotspotRules,
) -> pl.DataFrame:
    chosen = scores.filter("is_selected").select("cell", rank=pl.col("rank_by_count"))
    if chosen.is_empty():
        return pl.DataFrame(schema=_CELL_SCHEMA)
    i, j = grid.neighbours(chosen.get_column("cell").to_numpy())
    merged = merged_hotspots(chosen, i, j, max_cells=rules.max_cells)
    retired = [h.hotspot_id for h in selection.dropped] if selection else []
    matched = match_to_signed(merged, signed.select("hotspot_id", "cell"), reserved_ids=retired)
    refused = grid.from_text(
        [c for h in (selection.dropped if selection else ()) for c in h.cell_ids]
    )
    taken = signed.get_column("cell").to_list() + [int(c) for c in refused]
    # a candidate that overlaps a signed or dropped hotspot is that hotspot, or was refused: not proposed again
    overlaps = (
        matched.filter(pl.col("cell").is_in(taken)).get_column("hotspot_id").unique().to_list()
    )
    new = matched.filter(~pl.col("hotspot_id").is_in(overlaps))
    return new.select(
        "hotspot_id",
        "cell",
        pl.Series(
            "cell_id", list(grid.to_text(new.get_column("cell").to_numpy())), dtype=pl.String
        ),
        pl.col("member_no").cast(pl.Int64),
        status=pl.lit("proposed"),
    )


def _figures(members: pl.DataFrame, scores: pl.DataFrame) -> pl.DataFrame:
    joined = members.join(scores, on="cell", how="left")
    return joined.group_by("hotspot_id", "status").agg(
        n_cells=pl.len().cast(pl.Int64),
        n_events=pl.col("n_events").sum(),
        harm_days=pl.when(pl.col("harm_days").count() > 0).then(pl.col("harm_days").sum()),
        n_serious=pl.col("n_serious").sum(),
        p_top_k=pl.col("p_top_k").max(),
        is_borderline=(pl.col("p_top_k").max() < 0.5).fill_null(value=True),
        is_persistent=pl.col("is_persistent").any(ignore_nulls=False),
        trajectory=pl.col("trajectory").sort_by("rank_by_count").first(),
        nte_linked=pl.col("nte_linked").any(ignore_nulls=False),
        best_rank=pl.col("rank_by_count").min(),
        area_m2=pl.col("area_m2").sum(),
    )


def _outlines(members: pl.DataFrame, grid: Grid) -> pl.DataFrame:
    """Outline and centroid of each hotspot in EPSG:27700, the centroid in degrees too."""
    rows: list[dict[str, Any]] = []
    for (hotspot_id,), group in members.group_by("hotspot_id", maintain_order=True):
        # cells share edges to within rounding: a millimetre closes the seams
        shape = shapely.union_all(
            polygons_bng(grid, group.get_column("cell").to_numpy()), grid_size=0.001
        )
        centre = shape.centroid
        lon, lat = to_wgs84(np.array([centre.x]), np.array([centre.y]))
        wkt = shapely.to_wkt(shapely.normalize(shape), rounding_precision=3)
        rows.append(
            {
                "hotspot_id": hotspot_id,
                "polygon_wkt": wkt,
                "lon": float(lon[0]),
                "lat": float(lat[0]),
            }
        )
    return pl.DataFrame(rows)


def _reasons(selection: Selection | None) -> dict[str, str]:
    return {h.hotspot_id: h.reason for h in selection.hotspots if h.reason} if selection else {}
