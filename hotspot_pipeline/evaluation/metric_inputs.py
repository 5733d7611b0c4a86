"""What the weekly metrics are computed from, read from the tables of the other stages.

Here: the queries. Not here: what follows from their rows (`place_weeks`, `patrol_metrics`, `baseline_book`), writing (`assets`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, datetime, timedelta

import polars as pl
import shapely

from hotspot_pipeline.evaluation.place_weeks import WEEK, mondays
from hotspot_pipeline.timebase import PoliceTime, Window, monday_of
from hotspot_pipeline.timebase.calendar import Calendar
from hotspot_pipeline.warehouse.session import Session

PATROLS = (
    "patrols.dose_daily",
    "patrols.compliance",
    "patrols.coverage_weekly",
    "history.patrol_logs_current",
    "history.patrol_plan_versions",
    "history.patrol_places_current",
)
READS = (
    "hexes.hotspots",
    "hexes.hotspot_cells",
    "hexes.cells",
    "hexes.crime_weekly_cuts",
    "hexes.cuts",
    "hexes.crime_monthly",
    "hexes.events",
    "hot_times.windows",
    "history.extracts",
    "history.delay_triangle",
    "history.lookup_versions",
    "history.recodes",
    "history.crimes_current",
    "validated.extract_counts",
    "raw.extracts",
    *PATROLS,
)
WINDOWED = ("hexes.crime_weekly", "hot_times.event_hours")
# the share of a hotspot's ground that a patrolled area must cover to count as patrolled there
_SHARED = 0.1
_LAST_NIGHT = timedelta(hours=6)
_COUNTS = """
    select {place}.hotspot_id, w.week_start, w.cat_group, sum(w.n_events)::bigint as n_events, sum(w.harm_days) as harm_days,
        sum(w.n_with_harm)::bigint as n_with_harm, sum(w.n_serious)::bigint as n_serious {cut}
    from {table} w join {cells} {place} on {place}.cell = w.cell
    group by all order by all
"""
_MONTHS_END = "select cast(max(month) + interval 1 month as date) from hexes.events where time_known = 'month'"
_ENDS = """
    select max(known_from_utc) from history.extracts
    where kind in ('full', 'delta') and withdrawn_known_utc is null and table_name in ('crimes', 'asb_incidents')
"""
_DOSE = """
    select hotspot_id, date_trunc('week', police_day)::date as week_start, sum(patrol_ms)::bigint as patrol_ms,
        sum(officer_ms)::bigint as officer_ms, sum(reactive_ms)::bigint as reactive_ms, sum(funded_patrol_ms)::bigint as funded_patrol_ms,
        sum(core_nte_ms)::bigint as core_nte_ms, sum(n_visits)::bigint as n_visits, sum(n_effective)::bigint as n_effective,
        sum(n_koper)::bigint as n_koper, sum(n_on_foot)::bigint as n_on_foot
    from patrols.dose_daily where zone_kind = 'hotspot' group by all order by all
"""
_LOGS = """
    select hotspot_id, date_trunc('week', police_day)::date as week_start, coalesce(sum(n_arrests), 0)::bigint as arrests,
        coalesce(sum(n_stop_search), 0)::bigint as stop_searches, coalesce(sum(n_stop_search_positive), 0)::bigint as stop_searches_positive,
        coalesce(sum(n_weapons), 0)::bigint as weapons,
        sum(coalesce(n_asb_warnings, 0) + coalesce(n_cpw, 0) + coalesce(n_cpn, 0) + coalesce(n_pspo_fpn, 0) + coalesce(n_s35_dispersal, 0))::bigint as asb_powers,
        sum(coalesce(n_public_interactions, 0) + coalesce(n_business_interactions, 0))::bigint as engagements
    from history.patrol_logs_current group by all order by all
"""
_BANDS = """
    with hours as (
        select w.hotspot_id, (w.start_hour_of_week + k.n) % 168 as hour_of_week
        from hot_times.windows w cross join (select unnest(range(24)) as n) k where k.n < w.n_hours
    ),
    placed as (
        select c.hotspot_id, h.week_start, e.cat_group, h.hour_start_utc, h.hour_of_week, h.weight
        from hot_times.event_hours h join hexes.events e on e.event_id = h.event_id
        join hexes.hotspot_cells c on c.cell = e.cell_r{resolution}
    )
    select p.hotspot_id, p.week_start, p.cat_group, 'hot_windows' as time_band, sum(p.weight)::bigint as weight
    from placed p semi join hours o on o.hotspot_id = p.hotspot_id and o.hour_of_week = p.hour_of_week group by all
    union all
    select p.hotspot_id, p.week_start, p.cat_group, 'core_nte', sum(p.weight)::bigint
    from placed p semi join core_nte_hours n on n.hour_start_utc = p.hour_start_utc group by all
    order by all
"""
_MONTHS = """
    select c.hotspot_id, m.month, m.cat_group, sum(m.n_events)::bigint as n_events, sum(m.harm_days) as harm_days, sum(m.n_with_harm)::bigint as n_with_harm,
        sum(m.n_serious)::bigint as n_serious
    from hexes.crime_monthly m join hexes.hotspot_cells c on c.cell = m.cell group by all order by all
"""
_PLANS = """
    select hotspot_id, min(police_day) as first_day, max(police_day) as last_day
    from history.patrol_plan_versions where window_start_utc is not null group by all order by all
"""


def ensure(session: Session) -> None:
    """A warehouse of before one of these tables may be asked for it."""
    for table in (*READS, *WINDOWED):
        session.ensure(session.catalog[table])


def known_to(session: Session) -> datetime | None:
    """The newest moment to which crimes and incidents are known (UTC, without a zone)."""
    found = session.value(_ENDS)
    assert found is None or isinstance(found, datetime)
    return found


def months_to(session: Session) -> date | None:
    """The day to which months are delivered whole: that of the nightly feeds, and of a source that knows months only the end of its newest."""
    known, ends = known_to(session), session.value(_MONTHS_END)
    assert ends is None or isinstance(ends, date)
    return min((day for day in (known.date() if known else None, ends) if day), default=None)


def is_delivered(window: Window, end: datetime) -> bool:
    """Whether what is known to `end` (UTC, without a zone) holds a window whole, but for the hours of its last night."""
    return window.end_utc.replace(tzinfo=None) - _LAST_NIGHT <= end


def closed_weeks(session: Session, clock: PoliceTime, start: date) -> list[date]:
    """The Mondays of the weeks that the counts reach over, not before `start`; none for a source that knows months only.

    The last is one whose last night was delivered: on Monday 06:05 the newest extracts are a few hours older than the week's end.
    """
    first = session.value("select min(week_start) from hexes.crime_weekly where week_start >= $start", {"start": start})  # fmt: skip
    end = known_to(session)
    if first is None or end is None:
        return []
    last = monday_of(end.date())
    while not is_delivered(clock.week_window(last), end):
        last -= WEEK
    return mondays(first, last)


def counts(session: Session, table: str = "hexes.crime_weekly", cells: str = "hexes.hotspot_cells") -> pl.DataFrame:  # fmt: skip
    """hotspot_id, week_start, cat_group, n_events, harm_days, n_with_harm, n_serious, and for the cuts: cut."""
    cut = ", w.cut" if table.endswith("_cuts") else ""
    return session.frame(_COUNTS.format(table=table, cells=cells, place="c", cut=cut))


def cells_prints(session: Session) -> dict[str, str]:
    """What each hotspot's cells are, in sixteen letters, by hotspot in the order of rank."""
    rows = session.frame(
        "select h.hotspot_id, string_agg(c.cell_id, ',' order by c.cell_id) as cells from hexes.hotspots h join hexes.hotspot_cells c "
        "on c.hotspot_id = h.hotspot_id group by h.hotspot_id, h.hotspot_rank order by h.hotspot_rank, h.hotspot_id"
    )
    return {h: hashlib.sha256(c.encode()).hexdigest()[:16] for h, c in rows.iter_rows()}


def band_weights(session: Session, hours: pl.DataFrame, resolution: int) -> pl.DataFrame:
    """hotspot_id, week_start, cat_group, time_band, weight (10^-12 events). `hours`: hour_start_utc (UTC, without a zone) of the core night."""
    session.stage("core_nte_hours", hours)
    return session.frame(_BANDS.format(resolution=resolution))


def dose(session: Session) -> pl.DataFrame:
    return session.frame(_DOSE)


def logs(session: Session) -> pl.DataFrame:
    return session.frame(_LOGS)


def months(session: Session) -> pl.DataFrame:
    return session.frame(_MONTHS)


def treated(session: Session) -> pl.DataFrame:
    """hotspot_id, first_week, last_week of planned patrols: in the hotspot itself, or in areas of the force's own that cover a tenth of its ground."""
    plans = session.frame(_PLANS)
    hotspots = session.frame("select hotspot_id, polygon_wkt from hexes.hotspots order by 1")
    areas = session.frame("select hotspot_id, polygon_wkt from history.patrol_places_current order by 1")  # fmt: skip
    shapes = {h: shapely.from_wkt(w) for h, w in hotspots.iter_rows()}
    drawn: dict[str, list[shapely.Geometry]] = {}
    for name, wkt in areas.iter_rows():
        drawn.setdefault(name, []).append(shapely.from_wkt(wkt))
    rows = []
    for area, first, last in plans.iter_rows():
        for hotspot, shape in shapes.items():
            shared = max((g.intersection(shape).area for g in drawn.get(area, ())), default=0.0)
            if hotspot == area or shared >= _SHARED * shape.area:
                rows.append({"hotspot_id": hotspot, "first_week": monday_of(first), "last_week": monday_of(last)})  # fmt: skip
    schema = {"hotspot_id": pl.String, "first_week": pl.Date, "last_week": pl.Date}
    found = pl.DataFrame(rows, schema=schema).group_by("hotspot_id")
    return found.agg(pl.col("first_week").min(), pl.col("last_week").max()).sort("hotspot_id")


def holidays(weeks: Sequence[date], calendar: Calendar) -> pl.DataFrame:
    """week_start, n_bank_holidays; none in years that the calendar does not know."""
    known = calendar.holidays.days
    n = [sum(w + timedelta(days=k) in known for k in range(7)) for w in weeks]
    return pl.DataFrame({"week_start": list(weeks), "n_bank_holidays": n}, schema={"week_start": pl.Date, "n_bank_holidays": pl.Int64})  # fmt: skip
