"""The figures as they stand and as they were issued last: reading them.

Figures are the counts by police week and group, or by month for events that are known by month only, of the force; of each hotspot
the count over the selection window and by week or month. Not here: what differs (`comparing.py`).
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from hotspot_pipeline.warehouse.session import Session

FORCE, ALL, WINDOW = "force", "ALL", "hotspot_window"
KEY = ("figure", "place", "cat_group", "period_from", "period_to")
NOW = "bulletin_now"  # temporary table: what each record counts for now


@dataclass(frozen=True)
class LastIssue:
    """The newest issue: its number, the newest day of its data, and the last week and month that it had figures of."""

    issue: int
    data_to: date
    week_to: date | None
    month_to: date | None

    @property
    def complete_to(self) -> date:
        """The last day that its data reached: all of the newest month where nothing is known but months (early issues name its first day)."""
        if self.week_to is None:
            return self.data_to.replace(day=monthrange(self.data_to.year, self.data_to.month)[1])
        return self.data_to


def last_issue(session: Session) -> LastIssue | None:
    rows = session.frame(
        "select issue, data_to, week_to, month_to from published.issues order by issue desc limit 1"
    )
    return LastIssue(*rows.row(0)) if rows.height else None


def known_to(session: Session, issue: int | None = None) -> pl.DataFrame:
    """feed, known_to_utc: to when each feed is known now, or was at an issue."""
    if issue is not None:
        return session.frame(
            "select feed, known_to_utc from published.issue_feeds where issue = $issue",
            {"issue": issue},
        )
    return session.frame(
        "select feed, max(greatest(known_from_utc, withdrawn_known_utc)) as known_to_utc from history.extracts group by feed order by feed"
    )


def stage_counted(session: Session, resolution: int, groups: Sequence[str]) -> None:
    """The temporary table `NOW`: each record that is counted, with its group, day, week and hotspot.

    A record is in a hotspot's figures when its cell (of `resolution`) is one of the hotspot's and its group one of `groups`, which
    are those that hotspots are selected on.
    """
    session.stage("bulletin_groups", pl.DataFrame({"cat_group": list(groups)}))
    session.execute(
        f"""
        create or replace temp table {NOW} as
        with current_versions as (
            select feed, source_system, record_id, extract_id, source_file, line_no from history.crime_versions where known_to_utc is null
            union all
            select feed, source_system, record_id, extract_id, source_file, line_no from history.asb_versions where known_to_utc is null
        )
        select v.feed, v.source_system, v.record_id, e.cat_group, e.event_date, e.week_start, h.hotspot_id
        from hexes.events e
        join current_versions v
            on v.extract_id = e.extract_id and v.source_file = e.source_file and v.line_no = e.line_no
        left join hexes.hotspot_cells h
            on h.cell = e.cell_r{resolution} and e.cat_group in (select cat_group from bulletin_groups)
        where e.is_counted
        """
    )


def standing(session: Session, resolution: int) -> pl.DataFrame:
    """`KEY` and n_events of every figure that stands, zeros of weeks and months left out; after `stage_counted`."""
    return session.frame(
        f"""
        select 'force_week' as figure, '{FORCE}' as place, cat_group, week_start as period_from, week_start + 6 as period_to,
            sum(n_events)::bigint as n_events
        from hexes.crime_weekly where resolution = $resolution group by all
        union all
        select 'force_month', '{FORCE}', cat_group, event_date, last_day(event_date), count(*)
        from {NOW} where week_start is null group by all
        union all
        select '{WINDOW}', hotspot_id, '{ALL}', window_from, window_to - 1, n_events from hexes.hotspots
        union all
        select 'hotspot_week', c.hotspot_id, '{ALL}', w.week_start, w.week_start + 6, sum(w.n_events)::bigint
        from hexes.hotspot_cells c
        join hexes.crime_weekly w on w.cell = c.cell and w.resolution = $resolution
        where w.cat_group in (select cat_group from bulletin_groups)
        group by all
        union all
        select 'hotspot_month', hotspot_id, '{ALL}', event_date, last_day(event_date), count(*)
        from {NOW} where week_start is null and hotspot_id is not null group by all
        order by all
        """,
        {"resolution": resolution},
    )


def issued_last(session: Session) -> pl.DataFrame:
    """`KEY`, n_events and issue of every figure as issued last; those issued no longer are left out."""
    return session.frame(
        f"""
        select * from (
            select {", ".join(KEY)}, n_events, issue from published.issued_figures
            qualify row_number() over (partition by {", ".join(KEY)} order by issue desc) = 1
        ) where n_events is not null
        """
    )


def hotspots_of(figures: pl.DataFrame) -> list[str]:
    """The hotspots among the figures: those with a count over the window."""
    windows = figures.filter(pl.col("figure") == WINDOW)
    return windows.get_column("place").unique().sort().to_list()


def newest(session: Session) -> tuple[date | None, date | None, date | None]:
    """(newest day with a counted event, newest week, newest month of events known by month only: all of it is delivered)."""
    row: tuple[date | None, date | None, date | None] = session.frame(
        f"select max(case when week_start is null then last_day(event_date) else event_date end), max(week_start), "
        f"max(event_date) filter (week_start is null) from {NOW}"
    ).row(0)
    return row
