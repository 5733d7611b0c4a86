"""The pictures and tables of the evaluation of a night: which there are, and which of an earlier night go.

Here: the calls in their order. Not here: the pictures (`pictures`), the rows (`rows`), what Dagster is told (`assets`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from hotspot_pipeline.published.at_once import AtOnce, one_by_one
from hotspot_pipeline.published.evaluation import effect_pictures
from hotspot_pipeline.published.evaluation.effect_rows import EffectRows
from hotspot_pipeline.published.evaluation.funnel import Funnel, funnel
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

Page = Callable[[], PublishedFile]
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
    at_once: AtOnce = one_by_one,
) -> list[PublishedFile]:
    """The overview, two pages for each trial, a chart for each hotspot by rank, the rows they are drawn from, the newest week in words.

    `facts`: of the newest week, a hotspot each. Without a closed week there are no charts, without a trial no effects.
    """
    written = []
    if not effects.designs.is_empty():
        written += at_once(_of_trials(out, effects, title, footer))
        written += write_tables(out, effects.tables, footer)
    if rows is not None:
        foot, changes = {**footer, **rows.facts}, funnel(rows.weeks)
        written += at_once(_of_weeks(out, rows, changes, facts, title, foot))
        tables = {"control_charts": rows.weeks}
        written += write_tables(out, tables | ({"funnel": changes.places} if changes else {}), foot)
        words = partial(write_words, force=title, facts=facts, footer=foot)
        written.append(write_aside(out / WORDS, "html", words))
    remove_others(out, written)
    return written


def _of_weeks(
    out: Path,
    rows: WeekRows,
    changes: Funnel | None,
    facts: Sequence[WeekFacts],
    title: str,
    footer: Mapping[str, str],
) -> list[Page]:
    """The overviews and a chart each."""
    given: dict[str, Any] = {"title": title, "footer": footer}
    said = {f.hotspot_id: lead(f) for f in facts}
    pages: list[Page] = [partial(control_charts, out / CHARTS, rows, **given)]
    if changes is not None:
        pages.append(partial(funnel_chart, out / FUNNEL, changes, **given))
    for hotspot in rows.hotspots:
        path = out / f"weeks_of_{file_name(hotspot)}.png"
        pages.append(
            partial(control_chart, path, hotspot, rows, lead=said.get(hotspot, ""), **given)
        )
    return pages


def _of_trials(out: Path, effects: EffectRows, title: str, footer: Mapping[str, str]) -> list[Page]:
    """Two pages for each trial."""
    return [
        partial(draw, out / f"{name}_of_{file_name(design)}.png", effects.of(design), title=title, footer=footer)
        for design in effects.designs.get_column("design_id").to_list()
        for name, draw in (("estimates", effect_pictures.estimates), ("curves", effect_pictures.effect_curves))
    ]  # fmt: skip
