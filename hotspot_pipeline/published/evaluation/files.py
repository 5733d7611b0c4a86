"""The pictures and tables of the evaluation of a night: which there are, and which of an earlier night go.

Here: the calls in their order. Not here: the pictures (`pictures`), the rows (`rows`), what Dagster is told (`assets`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hotspot_pipeline.published.evaluation.pictures import control_chart, control_charts
from hotspot_pipeline.published.evaluation.rows import WeekRows
from hotspot_pipeline.published.files import PublishedFile, remove_others
from hotspot_pipeline.published.patrols.files import file_name
from hotspot_pipeline.published.tables import write_tables

# `published.files` names each file once, whatever its folder
CHARTS = "control_charts.png"


def write_evaluation(
    out: Path, rows: WeekRows | None, *, title: str, footer: Mapping[str, str]
) -> list[PublishedFile]:
    """The overview, a chart for each hotspot by rank, the rows they are drawn from; none at all without a closed week."""
    written: list[PublishedFile] = []
    if rows is not None:
        foot = {**footer, **rows.facts}
        written = [
            control_charts(out / CHARTS, rows, title=title, footer=foot),
            *(
                control_chart(
                    out / f"weeks_of_{file_name(h)}.png", h, rows, lead="", title=title, footer=foot
                )
                for h in rows.hotspots
            ),
            *write_tables(out, {"control_charts": rows.weeks}, foot),
        ]
    remove_others(out, written)
    return written
