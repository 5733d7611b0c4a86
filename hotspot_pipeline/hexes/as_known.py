"""Weekly figures as they were known at a moment: the models that count today, over what was known then.

Records, lookups, sites and default geocodes are all taken as of the moment; the grid and the models are today's. Not here: which
moments are kept (`cuts.py`), how a record's states and their times follow (history).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import polars as pl

from hotspot_pipeline.hexes.site_matches import ASB, CRIMES, DEFAULTS, SITES, site_matches
from hotspot_pipeline.sql_models.model import SqlModel
from hotspot_pipeline.sql_models.rebinding import over
from hotspot_pipeline.warehouse.session import ASKED, Session

EVENTS = "hexes.events"
WEEKLY = "hexes.crime_weekly"
MATCHES = "hexes.site_matches"


def weekly_as_known(
    session: Session, models: Mapping[str, SqlModel], weeks: Sequence[date], known_at: datetime
) -> pl.DataFrame:
    """The rows of `hexes.crime_weekly` for the `weeks` (Mondays) as they were known at `known_at` (UTC, without a zone).

    A week that had no counted event then gives no rows. The answer for a moment up to the newest extract never changes
    (docs/adr/0014); nothing is known before the first extract, so every week is empty there.
    """
    session.stage(ASKED, pl.DataFrame({"w": weeks}, schema={"w": pl.Date}))
    known = {
        table: _stage(session, models[table], known_at)
        for table in {*models[EVENTS].tables, CRIMES, ASB, SITES, DEFAULTS}
        if table in models and "known_at" in models[table].parameters
    }
    session.stage("known_site_matches", site_matches(session, known))
    read = {table: known[table] for table in models[EVENTS].tables if table in known}
    events = over(models[EVENTS].sql, {**read, MATCHES: "known_site_matches"})
    session.execute(f"create or replace temp table known_events as {events}")
    weekly = models[WEEKLY].asked_sql
    assert weekly is not None
    return session.frame(over(weekly, {EVENTS: "known_events"}))


def _stage(session: Session, model: SqlModel, known_at: datetime) -> str:
    """The model as of the moment, in a temporary table; of records only those of the asked weeks."""
    name = f"known_{model.contract.table}"
    asked = f"where week_start in (select w from {ASKED})"
    session.execute(
        f"create or replace temp table {name} as select * from (\n{model.sql}\n) "
        + (asked if "week_start" in model.contract.column_types else ""),
        {"known_at": known_at},
    )
    return name
