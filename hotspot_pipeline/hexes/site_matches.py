"""The records that lie in an excluded site or at a default geocode: from the tables of records and registers to the rows of matches.

Of all records, or of some: a match depends on its record and on the registers alone, so after a night only records that changed are
matched again (`history.crimes_current` and `asb_current` say which), unless a register changed. Not here: the geometry (`sites.py`), what
a match means (`hexes.events`).
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping

import polars as pl

from hotspot_pipeline.hexes import sites as geometry
from hotspot_pipeline.warehouse.following import Rows
from hotspot_pipeline.warehouse.session import Session

CRIMES, ASB = "history.crimes_current", "history.asb_current"
SITES, DEFAULTS = "history.excluded_sites_current", "history.default_geocodes_current"
_READ = frozenset({"easting", "northing", "police_day", "month"})


def rows_of(session: Session) -> Rows:
    """How the table is computed. Its code is the text of this module and of the geometry: a change of either computes all of it."""

    def compute(parts: Mapping[str, str]) -> pl.DataFrame:
        return site_matches(session, parts)

    text = inspect.getsource(geometry) + inspect.getsource(inspect.getmodule(site_matches) or site_matches)  # fmt: skip
    code = hashlib.sha256(text.encode()).hexdigest()[:16]
    return Rows(compute, (CRIMES, ASB, SITES, DEFAULTS), code, _READ)


def site_matches(session: Session, tables: Mapping[str, str]) -> pl.DataFrame:
    """The rows of `hexes.site_matches`; `tables` names, for any of the four tables that are read, another to read in its place."""
    read = {name: name for name in (CRIMES, ASB, SITES, DEFAULTS)} | dict(tables)
    points = session.frame(
        f"""
        select extract_id, source_file, line_no, easting, northing,
               coalesce(police_day, month) as day_from, coalesce(police_day, last_day(month)) as day_to
        from {read[CRIMES]} where easting is not null
        union all
        select extract_id, source_file, line_no, easting, northing, police_day, police_day
        from {read[ASB]} where easting is not null
        """
    )
    sites = session.frame(f"select * from {read[SITES]}")
    defaults = session.frame(
        "select geocode_id as site_id, 'default_geocode' as kind, easting, northing, radius_m, "
        f"cast(null as varchar) as polygon_wkt, valid_from, valid_to from {read[DEFAULTS]}"
    )
    return pl.concat(
        [
            _matches(points, sites, "excluded_site"),
            _matches(points, defaults, "default_geocode"),
        ]
    )


def _matches(points: pl.DataFrame, register: pl.DataFrame, reason: str) -> pl.DataFrame:
    hits = geometry.match_sites(points, register, date_from="day_from", date_to="day_to")
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
