"""What the effects are computed from, read from the tables of the other stages.

Here: the queries. Not here: what follows from their rows (`places`, `counts`, `estimates`, `curves`), writing (`assets`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl
import shapely

from hotspot_pipeline.evaluation import metric_inputs
from hotspot_pipeline.timebase import PoliceTime
from hotspot_pipeline.warehouse.session import Session

READS = (
    "hexes.cells",
    "hexes.hotspots",
    "hexes.hotspot_cells",
    "hexes.events",
    "hexes.cuts",
    "hexes.crime_weekly_cuts",
    "history.patrol_places_current",
    "history.patrol_plan_versions",
    "history.patrol_logs_current",
    "history.venues_current",
    "history.extracts",
    "patrols.log_matches",
    "patrols.trial_fidelity",
)
WINDOWED = ("hexes.crime_daily", "patrols.dose_daily", "patrols.visits")
_CELLS = "trial_cells"
_DAILY = """
    select t.zone, t.place, d.police_day, d.cat_group, sum(d.n_events - d.n_police_generated)::bigint as n,
        sum(d.n_by_day)::bigint as n_by_day, sum(d.n_by_night)::bigint as n_by_night
    from hexes.crime_daily d join trial_cells t on t.cell = d.cell
    where d.resolution = $resolution and d.police_day between $first and $last
    group by all order by all
"""
_SETTLED = """
    select t.zone, t.place, w.week_start, w.cat_group, sum(w.n_events - w.n_police_generated)::bigint as n
    from hexes.crime_weekly_cuts w join trial_cells t on t.cell = w.cell
    where w.cut = 'settled' and w.resolution = $resolution and w.week_start between $first and $last
    group by all order by all
"""
# of each planned visit the first version, which is what the lot or the planner decided before anything could move it
_PLAN = """
    select hotspot_id, police_day, window_start_utc, window_end_utc, coalesce(randomised, false) as is_randomised, arm
    from history.patrol_plan_versions where police_day between $first and $last
    qualify row_number() over (partition by plan_id order by plan_version) = 1
    order by all
"""
_VISITS = """
    with arrests as (
        select m.visit_id, max(coalesce(l.n_arrests, 0)) as n_arrests
        from patrols.log_matches m join history.patrol_logs_current l on l.log_id = m.log_id
        where m.visit_id is not null group by m.visit_id
    )
    select v.hotspot_id, v.start_utc, v.end_utc, v.is_effective, v.is_dose,
        v.is_reactive or coalesce(a.n_arrests, 0) > 0 as is_excluded
    from patrols.visits v left join arrests a on a.visit_id = v.visit_id
    where v.zone_kind = 'hotspot' and v.police_day between $first and $last order by all
"""
_MOMENTS = """
    select t.place, e.cat_group, e.time_known, e.from_utc, e.to_utc
    from hexes.events e join trial_cells t on t.cell = e.cell_r{resolution} and t.zone = 0
    where e.is_counted and not e.is_police_generated and e.police_day between $first and $last order by all
"""
_BUSY = """
    select cell from hexes.crime_daily
    where resolution = $resolution and police_day between $first and $last and list_contains($groups, cat_group)
    group by cell having sum(n_events - n_police_generated) >= $least order by cell
"""


def ensure(session: Session) -> None:
    """A warehouse of before one of these tables may be asked for it."""
    for table in (*READS, *WINDOWED):
        session.ensure(session.catalog[table])


def data_to(session: Session, clock: PoliceTime) -> date | None:
    """The last police day that is delivered whole, but for the hours of its last night; None before the first delivery."""
    end = metric_inputs.known_to(session)
    if end is None:
        return None
    day = end.date()
    while not metric_inputs.is_delivered(clock.day_window(day), end):
        day -= timedelta(days=1)
    return day


def first_day(session: Session, start: date) -> date | None:
    """The first police day with events, not before `start`: late and re-dated records may be of any day."""
    found = session.value("select min(police_day) from hexes.crime_daily where police_day >= $start", {"start": start})  # fmt: skip
    assert found is None or isinstance(found, date)
    return found


def areas(session: Session, on: date) -> dict[str, shapely.Geometry]:
    """The outlines of the patrol areas as they stood on a day, or first stood after it, and of the selected hotspots."""
    rows = session.frame(
        "select hotspot_id, polygon_wkt from history.patrol_places_current where valid_to is null or valid_to >= $on "
        "qualify row_number() over (partition by hotspot_id order by valid_from) = 1 order by hotspot_id",
        {"on": on},
    )
    hotspots = session.frame("select hotspot_id, polygon_wkt from hexes.hotspots order by 1")
    return {n: shapely.from_wkt(w) for frame in (hotspots, rows) for n, w in frame.iter_rows()}


def hotspot_cells(session: Session) -> dict[str, list[int]]:
    """The cells of the selected hotspots that are no patrol areas by the same name."""
    rows = session.frame(
        "select hotspot_id, cell from hexes.hotspot_cells anti join history.patrol_places_current using (hotspot_id) order by all"
    )
    found: dict[str, list[int]] = {}
    for name, cell in rows.iter_rows():
        found.setdefault(name, []).append(cell)
    return found


def centres(session: Session, resolution: int) -> pl.DataFrame:
    """cell, easting, northing of every study cell with coordinates."""
    return session.frame(
        "select cell, easting, northing from hexes.cells where resolution = $r and easting is not null order by 1", {"r": resolution}
    )  # fmt: skip


def counts(
    session: Session, cells: pl.DataFrame, resolution: int, first: date, last: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(daily, settled) of `cells` (zone, place, cell): rows with events only."""
    session.stage(_CELLS, cells)
    window = {"resolution": resolution, "first": first, "last": last}
    return session.frame(_DAILY, window), session.frame(_SETTLED, window)


def taken(session: Session) -> list[date]:
    """The Mondays of the weeks whose settled cut was taken."""
    return session.frame("select week_start from hexes.cuts where cut = 'settled' and known_at_utc is not null order by 1")["week_start"].to_list()  # fmt: skip


def busy_cells(
    session: Session, resolution: int, first: date, last: date, groups: Sequence[str], least: int
) -> list[int]:
    """Cells with `least` events or more of these groups."""
    return session.frame(_BUSY, {"resolution": resolution, "first": first, "last": last, "groups": list(groups), "least": least})["cell"].to_list()  # fmt: skip


def plan(session: Session, first: date, last: date) -> pl.DataFrame:
    """hotspot_id, police_day, window_start_utc, window_end_utc, is_randomised, arm: each planned visit as it was first issued."""
    return session.frame(_PLAN, {"first": first, "last": last})


def minutes(session: Session, first: date, last: date) -> pl.DataFrame:
    """hotspot_id, police_day, patrol_ms of the areas; no rows where no fixes are delivered."""
    return session.frame(
        "select hotspot_id, police_day, patrol_ms from patrols.dose_daily where zone_kind = 'hotspot' and police_day between $first and $last order by all",
        {"first": first, "last": last},
    )  # fmt: skip


def visits(session: Session, first: date, last: date) -> pl.DataFrame:
    """hotspot_id, start_utc, end_utc, is_effective, is_dose, is_excluded (to a call, or an arrest was made) of the areas."""
    return session.frame(_VISITS, {"first": first, "last": last})


def moments(session: Session, cells: pl.DataFrame, resolution: int, first: date, last: date) -> pl.DataFrame:  # fmt: skip
    """place, cat_group, time_known, from_utc, to_utc of every counted event in the places that police did not generate."""
    session.stage(_CELLS, cells)
    return session.frame(_MOMENTS.format(resolution=resolution), {"first": first, "last": last})


def venues(session: Session) -> pl.DataFrame:
    return session.frame("select easting, northing from history.venues_current order by all")


def fidelity(session: Session) -> dict[str, object] | None:
    """How far the force's days by lot were kept to; None without such days."""
    rows = session.frame("select * from patrols.trial_fidelity order by all")
    return rows.row(0, named=True) if len(rows) else None
