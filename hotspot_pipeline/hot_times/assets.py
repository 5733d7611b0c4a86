"""The hot-times assets: the hours of the events, how well times are known, profiles of the week and patrol windows.

Thin: which tables, what is read, which kernel is called. The weeks of `hot_times.event_hours` and `event_nights` are kept right with those
of the hexes (`hexes/refresh.py`), each from its own events.
"""

from functools import partial
from typing import Any

import dagster as dg
import polars as pl

from hotspot_pipeline.hot_times import aoristic, night_link, time_cases
from hotspot_pipeline.hot_times.tables import TABLES, Weeks, hot_time_tables
from hotspot_pipeline.orchestration.tables import Results, Workshop
from hotspot_pipeline.sql_models.kernel_model import KernelModel
from hotspot_pipeline.timebase import PoliceTime, calendar, local_hours, night_time
from hotspot_pipeline.timebase.calendar import Calendar, in_words
from hotspot_pipeline.warehouse.session import Session

EVENT_HOURS = "hot_times.event_hours"
EVENT_NIGHTS = "hot_times.event_nights"
CASES = "hot_times.time_cases"
_TIMES = ("event_id", "time_known", "from_utc", "to_utc")
_DEPS = (
    "hexes.refreshed_windows",
    "hexes.events",
    "hexes.hotspots",
    "hexes.hotspot_cells",
    "hexes.cell_scores",
)
_ROWS = """
    select c.hotspot_id as place, h.event_id, h.hour_start_utc, h.hour_of_week, h.weight, h.temporal_quality, e.cat_group
    from hot_times.event_hours h
    join hexes.events e on e.event_id = h.event_id
    left join hexes.hotspot_cells c on c.cell = e.cell_r{resolution}
    where h.hour_start_utc >= $start and h.hour_start_utc < $end and e.cat_group in ({groups})
"""
_PLACES = """
    with shops as (
        select c.hotspot_id, avg(case when e.location_type = 'retail' then 1.0 else 0.0 end) as share_retail
        from hexes.hotspot_cells c
        join hexes.events e on e.cell_r{resolution} = c.cell
        where e.is_counted and e.event_date >= $first_day and e.event_date < $end_day and e.cat_group in ({groups})
            and e.location_type is not null and e.location_type <> 'unknown'
        group by 1
    )
    select h.hotspot_id as place, sum(s.n_venues_in_cell)::bigint as n_venues, min(s.dist_nearest_late_m) as dist_nearest_late_m,
        any_value(r.share_retail) as share_retail
    from hexes.hotspots h
    join hexes.hotspot_cells c on c.hotspot_id = h.hotspot_id
    left join hexes.cell_scores s on s.cell = c.cell
    left join shops r on r.hotspot_id = h.hotspot_id
    group by h.hotspot_id, h.hotspot_rank
    order by h.hotspot_rank, h.hotspot_id
"""


def kernel_models(shop: Workshop) -> list[KernelModel]:
    """The windowed tables that kernels of this stage compute."""
    clock, days = shop.police_time, _calendar(shop)
    return [
        KernelModel(
            shop.catalog[EVENT_HOURS],
            _TIMES,
            partial(_event_hours, clock),
            (aoristic, time_cases, local_hours),
        ),
        KernelModel(
            shop.catalog[EVENT_NIGHTS],
            (*_TIMES, "source"),
            partial(_event_nights, clock, days),
            (aoristic, time_cases, local_hours, night_link, night_time, calendar),
            basis=days.version,
        ),
    ]


def build_assets(shop: Workshop) -> list[dg.AssetsDefinition]:
    @shop.step(
        "hot_times.time_cases", [shop.spec(CASES, deps=("hexes.events",), kinds=("polars",))]
    )
    def cases(context: dg.AssetExecutionContext) -> Results:
        with shop.warehouse(context).session() as session:
            events = session.frame(
                "select source, cat_group, is_counted, time_known, from_utc, to_utc from hexes.events"
            )
            rows = _cases(events)
            facts = {
                f"events: {case}": n
                for case, n in rows.filter("is_counted")
                .group_by("time_case")
                .agg(pl.col("n_events").sum())
                .sort("time_case")
                .iter_rows()
            }
            yield from shop.run_write(
                CASES, partial(session.replace_table, shop.catalog[CASES], rows), facts
            )

    @shop.step(
        "hot_times.profiles", [shop.spec(table, deps=_DEPS, kinds=("polars",)) for table in TABLES]
    )
    def profiles(context: dg.AssetExecutionContext) -> Results:
        days = _calendar(shop)
        with shop.warehouse(context).session() as session:
            weeks = _weeks(shop, session, days)
            found = hot_time_tables(weeks, shop.force.hot_times) if weeks else {}
            facts = _facts(weeks, days)
            for table in TABLES:
                contract = shop.catalog[table]
                rows = found.get(table, pl.DataFrame())
                if not rows.columns:
                    rows = pl.DataFrame(schema=dict.fromkeys(contract.column_types, pl.String))
                yield from shop.run_write(
                    table, partial(session.replace_table, contract, rows), facts
                )

    return [cases, profiles]


def _calendar(shop: Workshop) -> Calendar:
    return Calendar.read(shop.police_time, shop.settings.reference, dict(shop.force.reference))


def _event_hours(clock: PoliceTime, events: pl.DataFrame) -> pl.DataFrame:
    rows = aoristic.event_hours(events, clock, keys=("event_id", "week_start"))
    return rows.with_columns(
        pl.col("temporal_quality").cast(pl.String), pl.col("hour_of_week").cast(pl.Int16)
    )


def _event_nights(clock: PoliceTime, days: Calendar, events: pl.DataFrame) -> pl.DataFrame:
    rows = aoristic.event_hours(events, clock, keys=("event_id", "week_start", "source"))
    late = time_cases.is_reported_late(pl.col("source"), pl.col("hour_of_week")).first()
    own = rows.group_by("event_id").agg(pl.col("week_start").first(), is_reported_late=late)
    return night_link.event_nights(days.nights_of(rows)).join(own, on="event_id")


def _cases(events: pl.DataFrame) -> pl.DataFrame:
    case = time_cases.time_case(pl.col("time_known"), pl.col("from_utc"), pl.col("to_utc"))
    keys = ("source", "cat_group", "is_counted", "time_case")
    return (
        events.with_columns(time_case=case.cast(pl.String))
        .group_by(keys)
        .agg(n_events=pl.len().cast(pl.Int64))
        .sort(keys)
    )


def _weeks(shop: Workshop, session: Session, days: Calendar) -> Weeks | None:
    """The selection window's hours, or None where there is no window."""
    window = session.frame("select window_from, window_to from hexes.cell_scores limit 1").rows()
    if not window or not session.exists(EVENT_HOURS):
        return None
    first_day, end_day = window[0]
    span = shop.police_time.window(first_day, end_day)
    names = {
        "resolution": shop.force.grid_resolution,
        "groups": ", ".join(f"'{g}'" for g in shop.force.hotspots.groups),
    }
    moments = {
        "start": span.start_utc.replace(tzinfo=None),
        "end": span.end_utc.replace(tzinfo=None),
    }
    return Weeks(
        session.frame(_ROWS.format(**names), moments),
        days.hours(first_day, end_day),
        session.frame(_PLACES.format(**names), {"first_day": first_day, "end_day": end_day}),
    )


def _facts(weeks: Weeks | None, days: Calendar) -> dict[str, Any]:
    if weeks is None or weeks.rows.is_empty():
        return {"hot times": "refused: no counted event of the selection window has a usable hour"}
    ordinary = weeks.hours.get_column("is_ordinary")
    return {
        "events with hours": weeks.rows.get_column("event_id").n_unique(),
        "hours left out (special days)": int((~ordinary).sum()),
        "night-time economy": in_words(days.nights),
    }
