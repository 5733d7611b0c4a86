"""Which patrolled areas cover a hotspot: patrols bear the area's name, counts the hotspot's.

Here: shared ground. Not here: where areas and hotspots come from (`history`, `hexes`).
"""

from __future__ import annotations

import polars as pl
import shapely

from hotspot_pipeline.warehouse.session import Session

TABLES = ("hexes.hotspots", "history.patrol_places_current", "patrols.compliance", "patrols.coverage_weekly")  # fmt: skip
#: As the weeks of a hotspot that count as patrolled are found.
LEAST_SHARE = 0.1
_HOTSPOTS = "select hotspot_id, polygon_wkt from hexes.hotspots order by 1"
_AREAS = """
    select hotspot_id as area_id, name, polygon_wkt, valid_from from history.patrol_places_current
    order by hotspot_id, valid_from desc nulls last, polygon_wkt
"""
_PATROLLED = """
    select distinct hotspot_id as area_id from patrols.compliance where hotspot_id is not null
    union select hotspot_id from patrols.coverage_weekly order by 1
"""
_FOUND = {"hotspot_id": pl.String, "area_id": pl.String, "name": pl.String, "share_of_hotspot": pl.Float64}  # fmt: skip


def read_areas(session: Session) -> pl.DataFrame:
    """The rows of `published.hotspot_areas`."""
    patrolled = session.frame(_PATROLLED).get_column("area_id").to_list()
    return areas_of(session.frame(_HOTSPOTS), session.frame(_AREAS), patrolled)


def areas_of(hotspots: pl.DataFrame, areas: pl.DataFrame, patrolled: list[str]) -> pl.DataFrame:
    """hotspot_id, area_id, name, share_of_hotspot, sorted.

    `hotspots`: hotspot_id, polygon_wkt; `areas`: area_id, name, polygon_wkt, an area drawn several times with its newest name first: the
    largest share of any drawing counts. An area that is a hotspot's namesake and was not drawn covers all of it, if it is among the
    `patrolled`.
    """
    drawn = [(a, name, shapely.from_wkt(wkt)) for a, name, wkt in areas.select("area_id", "name", "polygon_wkt").iter_rows()]  # fmt: skip
    shares: dict[tuple[str, str], float] = {}
    names: dict[str, str | None] = {}
    for area, name, _ in drawn:
        names.setdefault(area, name)
    for hotspot, wkt in hotspots.select("hotspot_id", "polygon_wkt").iter_rows():
        shape = shapely.from_wkt(wkt)
        for area, _, ground in drawn:
            share = ground.intersection(shape).area / shape.area if shape.area else 0.0
            if share >= LEAST_SHARE or area == hotspot:
                shares[hotspot, area] = max(share, shares.get((hotspot, area), 0.0))
        if hotspot in patrolled and hotspot not in names:
            shares[hotspot, hotspot] = 1.0
    rows = [(h, a, names.get(a), round(min(s, 1.0), 6)) for (h, a), s in sorted(shares.items())]
    return pl.DataFrame(rows, schema=_FOUND, orient="row")
