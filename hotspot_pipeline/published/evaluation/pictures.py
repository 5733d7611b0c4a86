"""The pictures of the evaluation: titles, what they say in a sentence, and writing them as PNG of A4 size.

Here: one function a picture. Not here: the drawing (`limits_sheet`, `limits_overview`), which pictures there are (`files`).

For the force, not for the public: exact weekly counts of a place (DOMAIN §6).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import polars as pl

from hotspot_pipeline.published import page as paper
from hotspot_pipeline.published.evaluation.funnel import Funnel
from hotspot_pipeline.published.evaluation.funnel_sheet import draw_funnel
from hotspot_pipeline.published.evaluation.limits_overview import MOST_PLACES
from hotspot_pipeline.published.evaluation.limits_overview import draw_overview as draw_limits
from hotspot_pipeline.published.evaluation.limits_panel import is_beyond, is_drift
from hotspot_pipeline.published.evaluation.limits_sheet import draw_sheet
from hotspot_pipeline.published.evaluation.rows import ALL, WEEK, WeekRows
from hotspot_pipeline.published.files import PublishedFile

NEW_WEEKS = 4
NO_CAUSE = "A signal says that weeks are unusual, not why."


def control_charts(
    path: Path, rows: WeekRows, *, title: str, footer: Mapping[str, str]
) -> PublishedFile:
    """Every hotspot's weeks, small, with the signals of the newest weeks in words."""
    said = [
        f"{paper.window_text(rows.first_week, rows.last_week + WEEK)}: counted events of {paper.counted(len(rows.hotspots), 'hotspot')} by week; "
        "in each heading the newest count and, in brackets, what was expected.",
        signal_sentence(rows),
        NO_CAUSE,
    ]
    if len(rows.hotspots) > MOST_PLACES:
        left = paper.counted(len(rows.hotspots) - MOST_PLACES, "hotspot")
        said.append(f"Not drawn for want of room: {left}.")
    draw = partial(draw_limits, rows=rows)
    return paper.publish_page(path, f"{title}: control charts", " ".join(said), footer, draw)


def control_chart(
    path: Path, hotspot_id: str, rows: WeekRows, *, lead: str, title: str, footer: Mapping[str, str]
) -> PublishedFile:
    """The weeks of one hotspot; `lead` says what its newest week was. Raises ValueError for one without weeks."""
    rank = rows.of(hotspot_id).get_column("hotspot_rank")[0]
    name = hotspot_id if rank is None else f"{hotspot_id} (rank {rank})"
    draw = partial(draw_sheet, hotspot_id=hotspot_id, rows=rows)
    return paper.publish_page(path, f"{title}: weeks of {name}", lead, footer, draw)


def funnel_chart(
    path: Path, found: Funnel, *, title: str, footer: Mapping[str, str]
) -> PublishedFile:
    """Each hotspot's change against its size."""
    draw = partial(draw_funnel, found=found)
    return paper.publish_page(
        path, f"{title}: change of hotspots", funnel_lead(found), footer, draw
    )


def funnel_lead(found: Funnel) -> str:
    before, after = (paper.window_text(a, b + WEEK) for a, b in (found.before, found.after))
    season = "" if found.is_year_before else " Both lie in other seasons, which all hotspots share."
    n_before, n_after = (int(found.places.get_column(c).sum()) for c in ("before", "after"))
    outside = found.places.filter("is_outside").get_column("hotspot_id").to_list()
    said = f"Outside the 99.8 % limits: {', '.join(outside)}." if outside else "None is outside the 99.8 % limits."  # fmt: skip
    return (
        f"{after} beside {before}, weeks that are final: {n_before:,} events before and {n_after:,} after in {paper.counted(found.places.height, 'hotspot')}."
        f"{season} {said} Limits: how far a place of that size strays from all together by chance and its own drift. Places that were picked because they "
        "were busy calm down by themselves: a change is no effect of patrols."
    )


def signal_sentence(rows: WeekRows) -> str:
    """Which hotspots had a signal in the newest weeks; how many were watched."""
    since = rows.last_week - (NEW_WEEKS - 1) * WEEK
    newest = rows.weeks.filter(pl.col("week_start") >= since, pl.col("cat_group") == ALL)
    watched = newest.filter(pl.col("mu").is_not_null()).get_column("hotspot_id").n_unique()
    if not watched:
        return "None has limits yet: under 26 settled weeks to judge by."
    hits = newest.filter(pl.Series(is_beyond(newest) | is_drift(newest)))
    found = hits.get_column("hotspot_id").unique(maintain_order=True).to_list()
    if not found:
        return f"In the newest {NEW_WEEKS} weeks none of the {watched} with limits had a signal."
    return f"In the newest {NEW_WEEKS} weeks {len(found)} of the {watched} with limits had a signal: {', '.join(found)}."
