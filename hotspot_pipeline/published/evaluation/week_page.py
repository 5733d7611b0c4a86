"""The newest week of every hotspot in plain words, as a page that can be sent on.

Here: what stands on the page. Not here: the words (`week_words`), the looks (`html_page`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from hotspot_pipeline.html_page import page, text
from hotspot_pipeline.published.evaluation.rows import WEEK
from hotspot_pipeline.published.evaluation.week_known import WeekFacts
from hotspot_pipeline.published.evaluation.week_words import week_text
from hotspot_pipeline.published.page import counted, window_text

_CAVEAT = "Small counts of small places, not through disclosure control: for the force's own use."


def render(force: str, facts: Sequence[WeekFacts], footer: Mapping[str, str]) -> str:
    """A part for each hotspot, in the order given; all of one week."""
    (start,) = {f.week_start for f in facts}
    week = window_text(start, start + WEEK)
    title = f"{force}: the week of {week} in words"
    head = f'<h1>{text(title)}</h1><p class="quiet">{text(counted(len(facts), "hotspot"))}. {text(_CAVEAT)}</p>'
    foot = " · ".join(f"{name}: {value}" for name, value in footer.items())
    return page(title, f'{head}{"".join(map(_part, facts))}<h2>Notes</h2><p class="quiet">{text(foot)}</p>')  # fmt: skip


def write(path: Path, force: str, facts: Sequence[WeekFacts], footer: Mapping[str, str]) -> int:
    path.write_text(render(force, facts, footer), encoding="utf-8", newline="\n")
    return len(facts)


def _part(facts: WeekFacts) -> str:
    rank = facts.week["hotspot_rank"]
    name = facts.hotspot_id if rank is None else f"{facts.hotspot_id}, rank {rank}"
    said = "".join(f"<h3>{text(heading)}</h3><p>{text(words)}</p>" for heading, words in week_text(facts))  # fmt: skip
    return f"<h2>{text(name)}</h2>{said}"
