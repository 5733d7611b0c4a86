"""The pictures and tables of the evaluation of a night: which there are, and which of an earlier night go.

Here: the calls in their order. Not here: the pictures (`pictures`), the rows (`rows`), what Dagster is told (`assets`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from hotspot_pipeline.published.evaluation.pictures import control_chart, control_charts
from hotspot_pipeline.published.evaluation.rows import WeekRows
from hotspot_pipeline.published.evaluation.week_known import WeekFacts
from hotspot_pipeline.published.evaluation.week_page import write as write_words
from hotspot_pipeline.published.evaluation.week_words import lead
from hotspot_pipeline.published.files import PublishedFile, remove_others, write_aside
from hotspot_pipeline.published.patrols.files import file_name
from hotspot_pipeline.published.tables import write_tables

# `published.files` names each file once, whatever its folder
CHARTS, WORDS = "control_charts.png", "newest_week_in_words.html"


def write_evaluation(
    out: Path,
    rows: WeekRows | None,
    facts: Sequence[WeekFacts],
    *,
    title: str,
    footer: Mapping[str, str],
) -> list[PublishedFile]:
    """The overview, a chart for each hotspot by rank, the rows they are drawn from, the newest week in words; none at all without a closed week.

    `facts`: of the newest week, a hotspot each.
    """
    written: list[PublishedFile] = []
    if rows is not None:
        foot = {**footer, **rows.facts}
        given: dict[str, Any] = {"title": title, "footer": foot}
        said = {f.hotspot_id: lead(f) for f in facts}
        written = [
            control_charts(out / CHARTS, rows, **given),
            *(
                control_chart(out / f"weeks_of_{file_name(h)}.png", h, rows, lead=said.get(h, ""), **given)
                for h in rows.hotspots
            ),
            *write_tables(out, {"control_charts": rows.weeks}, foot),
            write_aside(out / WORDS, "html", partial(write_words, force=title, facts=facts, footer=foot)),
        ]  # fmt: skip
    remove_others(out, written)
    return written
