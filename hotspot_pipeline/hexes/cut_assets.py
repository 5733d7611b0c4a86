"""The assets of the weekly cuts: each night the figures of the weeks whose first issue or settled cut fell due, kept for good.

Thin: which cuts are due (`cuts.py`), their figures (`as_known.py`), both written in one transaction. What stands is never written again.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

import dagster as dg
import polars as pl

from hotspot_pipeline.hexes.as_known import weekly_as_known
from hotspot_pipeline.hexes.cuts import Cut, due_cuts
from hotspot_pipeline.orchestration.tables import Results, Workshop
from hotspot_pipeline.sql_models.model import SqlModel
from hotspot_pipeline.warehouse.session import Session
from hotspot_pipeline.warehouse.standing import Standing

BOOK = "hexes.cuts"
FIGURES = "hexes.crime_weekly_cuts"
_DEPS = (
    "history.extracts",
    "history.crime_versions",
    "history.asb_versions",
    "history.offence_spans",
    "history.policeuk_categories_current",
    "history.excluded_sites_current",
    "history.default_geocodes_current",
)
_DELIVERIES = """
    select feed, known_from_utc from history.extracts
    where kind in ('full', 'delta') and not is_late and withdrawn_known_utc is null order by all
"""


_BOOK_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "week_start": pl.Date,
    "cut": pl.String,
    "known_at_utc": pl.Datetime("us"),
    "note": pl.String,
    "taken_at_utc": pl.Datetime("us"),
    "run_id": pl.String,
}


def build_cuts(shop: Workshop, models: Mapping[str, SqlModel]) -> dg.AssetsDefinition:
    """The book of cuts and their figures; `models` are all SQL models of the house."""
    tables = (BOOK, FIGURES)

    @shop.step("hexes.cuts", [shop.spec(table, deps=_DEPS, kinds=("sql",)) for table in tables])
    def cuts(context: dg.AssetExecutionContext) -> Results:
        with shop.warehouse(context).session() as session:
            standing = Standing(session, tables, appended=[FIGURES])
            due = _due(shop, session)
            for cut in due:
                _take(session, models, cut, context.run_id)
                context.log.info(
                    f"{cut.cut} of the week of {cut.week_start}: "
                    + (
                        f"as known at {cut.known_at:%Y-%m-%d %H:%M} UTC"
                        if cut.known_at
                        else cut.why
                    )
                )
            facts = {
                "cuts taken": len(due),
                "taken": ", ".join(f"{c.week_start} {c.cut}" for c in due[:40]) or "none was due",
            }
            for write in standing.writes():
                yield shop.result(write, facts)

    return cuts


def _due(shop: Workshop, session: Session) -> list[Cut]:
    deliveries: dict[str, list[datetime]] = {}
    for feed, moment in session.frame(_DELIVERIES).iter_rows():
        deliveries.setdefault(feed, []).append(moment)
    taken = {*session.frame(f"select week_start, cut from {BOOK}").iter_rows()}
    return due_cuts(deliveries, taken, shop.police_time)


def _take(session: Session, models: Mapping[str, SqlModel], cut: Cut, run_id: str) -> None:
    book = {
        "week_start": cut.week_start,
        "cut": cut.cut,
        "known_at_utc": cut.known_at,
        "note": cut.why or None,
        "taken_at_utc": datetime.now(UTC).replace(tzinfo=None),
        "run_id": run_id,
    }
    figures = None
    if cut.known_at is not None:
        figures = weekly_as_known(session, models, [cut.week_start], cut.known_at)
    with session.transaction():
        if figures is not None:
            rows = figures.with_columns(cut=pl.lit(cut.cut))
            session.insert(session.catalog[FIGURES], rows)
        session.insert(session.catalog[BOOK], pl.DataFrame([book], schema=_BOOK_SCHEMA))
