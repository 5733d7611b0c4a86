"""What the sheets of patrols are made of: rows of the stage `patrols`, up to the last day of which anything is known.

Here: SQL and the choice of days. Not here: pictures, sums by hour (`hours`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from hotspot_pipeline.geo.area_centres import centre_cells
from hotspot_pipeline.geo.grid import Grid
from hotspot_pipeline.published.patrols.hours import minutes_by_hour
from hotspot_pipeline.timebase import PoliceTime
from hotspot_pipeline.timebase.police_time import monday_of
from hotspot_pipeline.warehouse.session import Session

TABLES = (
    "patrols.visits", "patrols.dwell", "patrols.dose_daily", "patrols.plan_answers", "patrols.cell_minutes", "patrols.compliance",
    "patrols.coverage_weekly", "patrols.trial_fidelity", "patrols.fix_account", "patrols.day_prints", "history.patrol_places_current", "hexes.hotspots", "hexes.hotspot_cells",
    "hot_times.windows",
)  # fmt: skip
SHEET_DAYS = 28
#: Of a police day: fewer devices in a cell are not shown (DOMAIN §4.8).
LEAST_DEVICES = 3

# a day without plan, fixes and presence is computed too; it is not what a sheet should end with
LAST_DAY = """
    select max(police_day) from (
        select police_day from patrols.plan_answers
        union all select police_day from patrols.cell_minutes
        union all select police_day from patrols.dose_daily where presence_ms > 0
    )
"""
_FIRST_DAY = """
    select min(police_day) from (
        select police_day from patrols.plan_answers
        union all select police_day from patrols.cell_minutes
        union all select police_day from patrols.dose_daily
    )
"""
_STAYS = """
    select v.hotspot_id, epoch_ms(d.patrol_from_utc) as start_ms, epoch_ms(d.patrol_to_utc) as end_ms
    from patrols.dwell d join patrols.visits v on v.visit_id = d.visit_id
    where v.is_dose and v.zone_kind = 'hotspot' and d.officer_pid is not null and d.patrol_to_utc > d.patrol_from_utc
        and d.police_day between $from and $to
    order by all
"""
_CELLS = f"""
    select cell_r9 as cell, coalesce(sum(device_ms) filter (n_devices >= {LEAST_DEVICES}), 0)::bigint as device_ms,
        coalesce(sum(device_ms) filter (n_devices < {LEAST_DEVICES}), 0)::bigint as hidden_ms
    from patrols.cell_minutes where police_day between $from and $to and cell_r9 >= 0
    group by all order by all
"""
_DRAWN = "select hotspot_id, name, null::bigint as hotspot_rank, polygon_wkt, valid_from, valid_to from history.patrol_places_current order by all"
_SELECTED = """
    select hotspot_id, null::varchar as name, hotspot_rank, polygon_wkt, null::date as valid_from, null::date as valid_to
    from hexes.hotspots order by all
"""
_FACTS = """
    select (select sum(n_fixes)::bigint from patrols.fix_account where police_day between $from and $to) as n_fixes,
        (select sum(n_fixes)::bigint from patrols.fix_account where reason = 'kept' and police_day between $from and $to) as n_kept,
        max(computed_at_utc) as computed_at_utc, arg_max(run_id, computed_at_utc) as run_id
    from patrols.day_prints where police_day <= $to
"""


@dataclass(frozen=True, eq=False)
class PatrolRows:
    """`first_day` to `last_day` are the days of the sheets (28 at most), `known_from` the first computed day of all.

    `answers` (`patrols.plan_answers`) and `days` (`patrols.dose_daily`, areas only) of those days; `hours`: hotspot_id, hour_of_week,
    patrol_ms; `compliance`, `coverage` (up to the last day's week) and `trial` as the tables have them; `windows`: hotspot_id of the area,
    start_hour_of_week, n_hours, window_no; `areas`: hotspot_id, name, hotspot_rank (of hotspots that stand for areas nobody drew), polygon_wkt, one row an
    outline that holds on the last day; `cells`: cell, device_ms of police days with three devices or more, hidden_ms of the others; `facts`
    for the foot of a page.
    """

    known_from: date
    first_day: date
    last_day: date
    answers: pl.DataFrame
    days: pl.DataFrame
    hours: pl.DataFrame
    compliance: pl.DataFrame
    coverage: pl.DataFrame
    trial: pl.DataFrame
    windows: pl.DataFrame
    areas: pl.DataFrame
    cells: pl.DataFrame
    facts: dict[str, str]

    @property
    def last_week(self) -> date:
        return monday_of(self.last_day)

    @property
    def hotspots(self) -> list[str]:
        """Every area of a computed day or a plan, by name."""
        found = pl.concat([self.coverage["hotspot_id"], self.compliance["hotspot_id"].drop_nulls()])
        return sorted(set(found.to_list()))


def read_rows(session: Session, grid: Grid, clock: PoliceTime) -> PatrolRows | None:
    """None where nothing is known of any patrol: a force without these feeds."""
    last = session.value(LAST_DAY)
    if last is None:
        return None
    known_from = session.value(_FIRST_DAY)
    first = max(last - timedelta(days=SHEET_DAYS - 1), known_from)
    span = {"from": first, "to": last}
    week = {"week": monday_of(last)}
    # a visit is of the day in which it began
    began = {"from": first - timedelta(days=1), "to": last}
    outlines = session.frame(_DRAWN)
    if outlines.is_empty():
        outlines = session.frame(_SELECTED)
    holds = (
        (pl.col("valid_from") <= last).fill_null(True),
        (pl.col("valid_to") >= last).fill_null(True),
    )
    return PatrolRows(
        known_from=known_from,
        first_day=first,
        last_day=last,
        answers=session.frame(
            "select * from patrols.plan_answers where police_day between $from and $to order by plan_id",
            span,
        ),
        days=session.frame(
            "select * from patrols.dose_daily where zone_kind = 'hotspot' and police_day between $from and $to order by all",
            span,
        ),
        hours=minutes_by_hour(
            session.frame(_STAYS, began), clock, clock.window(first, last + timedelta(days=1))
        ),
        compliance=session.frame(
            "select * from patrols.compliance where week_start is null or week_start <= $week order by scope",
            week,
        ),
        coverage=session.frame(
            "select * from patrols.coverage_weekly where week_start <= $week order by all", week
        ),
        trial=session.frame("select * from patrols.trial_fidelity order by all"),
        windows=_windows(session, outlines, grid),
        areas=outlines.filter(holds).select("hotspot_id", "name", "hotspot_rank", "polygon_wkt"),
        cells=session.frame(_CELLS, span),
        facts=_facts(session.frame(_FACTS, span).row(0, named=True), last),
    )


def _windows(session: Session, outlines: pl.DataFrame, grid: Grid) -> pl.DataFrame:
    """An area has the windows of the hotspot whose cell holds its centre, as the patrols were counted."""
    cells = session.frame("select cell, hotspot_id as of_hotspot from hexes.hotspot_cells order by all")  # fmt: skip
    windows = session.frame(
        "select hotspot_id as of_hotspot, window_no, start_hour_of_week, n_hours from hot_times.windows order by all"
    )
    found = centre_cells(outlines, grid).join(cells, on="cell").join(windows, on="of_hotspot")
    return found.select("hotspot_id", "window_no", "start_hour_of_week", "n_hours").sort(pl.all())


def _facts(found: Mapping[str, Any], last: date) -> dict[str, str]:
    """What the fixes were worth, and as known when; of the run that computed last, so that equal nights give equal pages."""
    facts = {"patrols to": str(last)}
    if found["n_fixes"]:
        n_kept = found["n_kept"] or 0
        facts["fixes kept"] = f"{n_kept:,} of {found['n_fixes']:,}"
    if found["computed_at_utc"]:
        at = f"{found['computed_at_utc']:%Y-%m-%d %H:%M} UTC"
        facts["patrols as known at"] = f"{at}, run {found['run_id'][:8]}"
    return facts
