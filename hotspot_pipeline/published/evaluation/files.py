"""The pictures and tables of the evaluation of a night: which there are, and which of an earlier night go.

Here: the calls in their order. Not here: the pictures (`pictures`), the rows (`rows`), what Dagster is told (`assets`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from hotspot_pipeline.published.evaluation import effect_pictures
from hotspot_pipeline.published.evaluation.effect_rows import EffectRows
from hotspot_pipeline.published.evaluation.funnel import funnel
from hotspot_pipeline.published.evaluation.pictures import (
    control_chart,
    control_charts,
    funnel_chart,
)
from hotspot_pipeline.published.evaluation.rows import WeekRows
from hotspot_pipeline.published.evaluation.week_known import WeekFacts
from hotspot_pipeline.published.evaluation.week_page import write as write_words
from hotspot_pipeline.published.evaluation.week_words import lead
from hotspot_pipeline.published.files import PublishedFile, remove_others, write_aside
from hotspot_pipeline.published.patrols.files import file_name
from hotspot_pipeline.published.tables import write_tables

# `published.files` names each file once, whatever its folder
CHARTS, FUNNEL, WORDS = "control_charts.png", "funnel.png", "newest_week_in_words.html"


def write_evaluation(
    out: Path,
    rows: WeekRows | None,
    facts: Sequence[WeekFacts],
    effects: EffectRows,
    *,
    title: str,
    footer: Mapping[str, str],
) -> list[PublishedFile]:
    """The overview, two pages for each trial, a chart for each hotspot by rank, the rows they are drawn from, the newest week in words.

    `facts`: of the newest week, a hotspot each. Without a closed week there are no charts, without a trial no effects.
    """
    weeks = [] if rows is None else _weeks(out, rows, facts, title, footer)
    written = [*_trials(out, effects, title, footer), *weeks]
    remove_others(out, written)
    return written


def _weeks(
    out: Path, rows: WeekRows, facts: Sequence[WeekFacts], title: str, footer: Mapping[str, str]
) -> list[PublishedFile]:
    """The overviews, a chart each, tables and words."""
    foot = {**footer, **rows.facts}
    given: dict[str, Any] = {"title": title, "footer": foot}
    said = {f.hotspot_id: lead(f) for f in facts}
    tables = {"control_charts": rows.weeks}
    written = [control_charts(out / CHARTS, rows, **given)]
    changes = funnel(rows.weeks)
    if changes is not None:
        tables["funnel"] = changes.places
        written.append(funnel_chart(out / FUNNEL, changes, **given))
    for hotspot in rows.hotspots:
        path = out / f"weeks_of_{file_name(hotspot)}.png"
        written.append(control_chart(path, hotspot, rows, lead=said.get(hotspot, ""), **given))
    words = partial(write_words, force=title, facts=facts, footer=foot)
    return [*written, *write_tables(out, tables, foot), write_aside(out / WORDS, "html", words)]


def _trials(
    out: Path, effects: EffectRows, title: str, footer: Mapping[str, str]
) -> list[PublishedFile]:
    """Two pages for each trial, then the tables, where there is a trial."""
    written = []
    for design in effects.designs.get_column("design_id").to_list():
        rows = effects.of(design)
        for name, draw in (("estimates", effect_pictures.estimates), ("curves", effect_pictures.effect_curves)):  # fmt: skip
            written.append(
                draw(out / f"{name}_of_{file_name(design)}.png", rows, title=title, footer=footer)
            )
    return [*written, *write_tables(out, effects.tables, footer)] if written else []
