"""The pictures of patrols: all hotspots on a page, and a page for each, as PNG of A4 size.

Here: their titles, what they say in a sentence, and writing them. Not here: the drawing (`overview`, `sheet`), the words for a hotspot
(`words`), the map (`dwell_map`).

For the force, not for the public: where officers are is not published (DOMAIN §6). Nothing by officer, crew or team is on any of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import polars as pl

from hotspot_pipeline.published import page as paper
from hotspot_pipeline.published.files import PublishedFile
from hotspot_pipeline.published.patrols.overview import MOST_ROWS, OverviewRow, draw_overview
from hotspot_pipeline.published.patrols.rows import PatrolRows
from hotspot_pipeline.published.patrols.sheet import HotspotPatrols, draw_sheet
from hotspot_pipeline.published.patrols.words import (
    Row,
    added_up,
    patrol_sentences,
    whole_percent,
)

EVERYTHING = "everything"


def overview(
    path: Path, rows: PatrolRows, *, week: date | None, title: str, footer: Mapping[str, str]
) -> PublishedFile:
    """Every hotspot a row, those with planned visits first: of one police week (by its Monday), or of all computed days."""
    shown = overview_rows(rows, week)
    places = [row for row in shown if not row.is_force]
    said = [f"{_days_said(rows, week)}: {paper.counted(len(places), 'hotspot')}."]
    force = shown[0].plan
    if force is not None:
        said.append(patrol_sentences(force, None, has_windows=False)[0])
    if week is None:
        said += [trial_sentence(row) for row in rows.trial.iter_rows(named=True)]
    if len(shown) > MOST_ROWS:
        said.append(
            f"Not drawn for want of room: {paper.counted(len(shown) - MOST_ROWS, 'hotspot')}."
        )
    heading = f"{title}: patrols" + ("" if week is None else ", newest week")
    return paper.publish_page(path, heading, " ".join(said), footer, lambda page: draw_overview(page, shown))  # fmt: skip


def overview_rows(rows: PatrolRows, week: date | None) -> list[OverviewRow]:
    """The force first, then the hotspots with planned visits, then the others, by name."""
    at = pl.col("week_start").is_null() if week is None else pl.col("week_start") == week
    plans = {r["hotspot_id"]: r for r in rows.compliance.filter(at).iter_rows(named=True)}
    cover = rows.coverage if week is None else rows.coverage.filter(pl.col("week_start") == week)
    names = dict(rows.areas.select("hotspot_id", "name").iter_rows())
    found = [OverviewRow("All", plans.get(None), added_up(cover), is_force=True)]
    for place in sorted(rows.hotspots, key=lambda p: (p not in plans, p)):
        own = added_up(cover.filter(pl.col("hotspot_id") == place))
        name = f"{place}  {names[place]}" if names.get(place) else place
        found.append(OverviewRow(name, plans.get(place), own))
    return found


def hotspot_patrols(
    path: Path,
    hotspot_id: str,
    rows: PatrolRows,
    *,
    title: str,
    footer: Mapping[str, str],
    day_starts_hour: int = 6,
) -> PublishedFile:
    """The patrols of one hotspot in the sheet's days. Raises ValueError for a hotspot of which no day is computed and nothing planned."""
    if hotspot_id not in rows.hotspots:
        raise ValueError(
            f"hotspot {hotspot_id} has no patrols; known: {', '.join(rows.hotspots[:5])}"
        )
    mine = pl.col("hotspot_id") == hotspot_id
    period = (rows.first_day, rows.last_day + timedelta(days=1))
    found = HotspotPatrols(
        days=rows.days.filter(mine),
        answers=rows.answers.filter(mine),
        hours=rows.hours.filter(mine),
        windows=rows.windows.filter(mine),
        period=period,
    )
    names = dict(rows.areas.select("hotspot_id", "name").iter_rows())
    name = f"{hotspot_id} ({names[hotspot_id]})" if names.get(hotspot_id) else hotspot_id
    draw = partial(draw_sheet, found=found, day_starts_hour=day_starts_hour)
    return paper.publish_page(
        path, f"{title}: patrols of {name}", hotspot_lead(hotspot_id, rows), footer, draw
    )


def hotspot_lead(hotspot_id: str, rows: PatrolRows) -> str:
    """The newest week in two sentences, of all days the share of planned visits made."""
    mine = pl.col("hotspot_id") == hotspot_id
    of_week = pl.col("week_start") == rows.last_week
    plan = _only(rows.compliance.filter(mine, of_week))
    cover = _only(rows.coverage.filter(mine, of_week))
    has_windows = not rows.windows.filter(mine).is_empty()
    said = f"{_days_said(rows, rows.last_week)}: "
    said += " ".join(patrol_sentences(plan, cover, has_windows=has_windows))
    ever = _only(rows.compliance.filter(mine, pl.col("week_start").is_null()))
    if ever is not None and ever["compliance"] is not None:
        since = paper.window_text(rows.known_from, rows.known_from + timedelta(days=1))
        n_known = ever["n_yes"] + ever["n_no"]
        said += f" Since {since}: {whole_percent(ever['compliance'])} made of {n_known:,} of which it is known."
    return said


def trial_sentence(row: Row) -> str:
    """How far days decided by lot were kept to; nothing is said of an arm without days."""
    said = []
    for n_name, n, share, text in (
        ("n_treat_days", "n_patrolled", "patrolled", "days to be patrolled had an effective patrol"),
        ("n_control_days", "n_contaminated", "contaminated", "days to be left alone had officers for over five minutes"),
    ):  # fmt: skip
        if row[n_name]:
            interval = f"{100 * row[f'{share}_low']:.0f} to {whole_percent(row[f'{share}_high'])}"
            said.append(
                f"{row[n]:,} of {row[n_name]:,} {text} ({whole_percent(row[share])}, 95 % interval {interval})"
            )
    return f"By lot: {'; '.join(said)}." if said else ""


def _days_said(rows: PatrolRows, week: date | None) -> str:
    end = rows.last_day + timedelta(days=1)
    if week is None:
        return paper.window_text(rows.known_from, end)
    return paper.window_text(week, min(week + timedelta(days=7), end))


def _only(rows: pl.DataFrame) -> Row | None:
    found: Sequence[Row] = rows.to_dicts()
    return found[0] if found else None
