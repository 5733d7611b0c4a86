"""The pictures of a trial: its curves on one page, all its estimates on another.

Here: titles, leads, footers, writing. Not here: the drawing (`effects_sheet`, `estimates_sheet`), the sentences (`evaluation`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path

from hotspot_pipeline.published import page as paper
from hotspot_pipeline.published.evaluation.effect_rows import DesignRows
from hotspot_pipeline.published.evaluation.effects_sheet import draw_sheet
from hotspot_pipeline.published.evaluation.estimates_sheet import draw_estimates
from hotspot_pipeline.published.files import PublishedFile

NO_ESTIMATE = "There is no estimate of its main measure yet."


def effect_curves(
    path: Path, rows: DesignRows, *, title: str, footer: Mapping[str, str]
) -> PublishedFile:
    """Event study, residual curve, rings and visits by length; the lead is the main estimate in its own two sentences."""
    return _picture(path, rows, f"{title}: curves of", footer, draw_sheet)


def estimates(
    path: Path, rows: DesignRows, *, title: str, footer: Mapping[str, str]
) -> PublishedFile:
    """Every estimate in a row, with its counts, its interval, and whether anything may be claimed."""
    return _picture(path, rows, f"{title}: estimates of", footer, draw_estimates)


def lead(rows: DesignRows) -> str:
    d, main = rows.design, rows.main
    period = paper.window_text(d["after_from"], d["after_to"] + timedelta(days=1))
    arms = paper.counted(d["n_treated"], "patrolled place")
    arms += f", {paper.counted(d['n_control'], 'control')}" if d["n_control"] else ", no controls"
    said = f"{main['sentence_counted']} {main['sentence_follows']}" if main else NO_ESTIMATE
    return f"{period}; {arms}. {said}"


def _picture(
    path: Path,
    rows: DesignRows,
    heading: str,
    footer: Mapping[str, str],
    draw: Callable[..., None],
) -> PublishedFile:
    foot = {**footer, **rows.facts}
    return paper.publish_page(
        path, f"{heading} “{rows.design['name']}”", lead(rows), foot, partial(draw, rows=rows)
    )
