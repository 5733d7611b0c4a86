"""The records that lie in an excluded site or at a default geocode, from the tables of a session.

Here: which records and registers are read. Not here: the geometry (`sites.py`), what a match means (`events.sql`).
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from hotspot_pipeline.hexes.sites import match_sites
from hotspot_pipeline.warehouse.session import Session

CRIMES, INCIDENTS = "history.crimes_current", "history.asb_current"
SITES, GEOCODES = "history.excluded_sites_current", "history.default_geocodes_current"


def site_matches(session: Session, tables: Mapping[str, str] | None = None) -> pl.DataFrame:
    """The rows of `hexes.site_matches`. `tables` names, for any of the four tables that are read, another to read in its place."""
    read = {name: name for name in (CRIMES, INCIDENTS, SITES, GEOCODES)} | dict(tables or {})
    points = session.frame(
        f"""
        select extract_id, source_file, line_no, easting, northing,
               coalesce(police_day, month) as day_from, coalesce(police_day, last_day(month)) as day_to
        from {read[CRIMES]} where easting is not null
        union all
        select extract_id, source_file, line_no, easting, northing, police_day, police_day
        from {read[INCIDENTS]} where easting is not null
        """
    )
    sites = session.frame(f"select * from {read[SITES]}")
    defaults = session.frame(
        "select geocode_id as site_id, 'default_geocode' as kind, easting, northing, radius_m, "
        f"cast(null as varchar) as polygon_wkt, valid_from, valid_to from {read[GEOCODES]}"
    )
    return pl.concat(
        [
            _matches(points, sites, "excluded_site"),
            _matches(points, defaults, "default_geocode"),
        ]
    )


def _matches(points: pl.DataFrame, register: pl.DataFrame, reason: str) -> pl.DataFrame:
    hits = match_sites(points, register, date_from="day_from", date_to="day_to")
    keys = points.select("extract_id", "source_file", "line_no").with_row_index("row")
    return hits.join(keys.cast({"row": pl.Int64}), on="row").select(
        "extract_id",
        "source_file",
        "line_no",
        pl.lit(reason).alias("match_reason"),
        "site_id",
        pl.col("kind").alias("site_kind"),
        "distance_m",
    )
