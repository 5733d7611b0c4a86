"""The bulletin as a page: which issue, what changed in a sentence, by hotspot, by week, and what happened to the records.

Here: what is shown of an issue, and how much of it. Not here: the looks (`html_page`), the sentences (`words.py`), the file. The page is
made of the issue's rows alone, so the same issue is the same page whenever it is made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from hotspot_pipeline.html_page import page, table, text, whole
from hotspot_pipeline.published.bulletin.words import number_of

TABLE = "recode_bulletin"
# lines of each part; what does not fit is in the CSV
MOST_LINES = {"hotspot_window": 50, "hotspot": 50, "force": 70, "changes": 30}
_CAVEAT = (
    "Small counts of small places, not through disclosure control: for the force's own analysts. A count that rises by late reports "
    "or falls by recoding says nothing about what patrols did."
)


def render(force: str, issue: Mapping[str, Any] | None, rows: pl.DataFrame) -> str:
    """The page of an issue: `issue` is its row of `published.issues`, `rows` its rows of `published.recode_bulletin`.

    None where nothing was ever issued.
    """
    if issue is None:
        title = f"Recode bulletin: {force}"
        return page(title, f"<h1>{text(title)}</h1><p>Nothing has been issued yet: no event is counted.</p>")  # fmt: skip
    title = f"Recode bulletin {issue['issue']}: {force}, data to {issue['data_to']}"
    before = f", supersedes issue {issue['supersedes']}" if issue["supersedes"] else ""
    footer = json.loads(issue["footer"])
    known = footer.pop("records known to", "")
    head = (
        f"<h1>{text(title)}</h1>"
        f'<p class="quiet">Issued {issue["issued_at_utc"]:%Y-%m-%d %H:%M} UTC{before}. Records known to: {text(known)}.</p>'
        f"<p>{text(issue['summary'])}</p>"
    )
    settled = rows.filter(pl.col("change") != "growing")
    parts = [
        _part("Hotspots: counts over the selection window", settled, pl.col("figure") == "hotspot_window", "hotspot_window"),
        _part("Hotspots by week", settled, pl.col("figure").is_in(["hotspot_week", "hotspot_month"]), "hotspot"),
        _part("The force by week and group", settled, pl.col("figure").str.starts_with("force"), "force"),
        _changes(issue["changes"].splitlines()),
    ] if issue["supersedes"] else []  # fmt: skip
    notes = [
        _left_out(issue, rows.height - settled.height) if issue["supersedes"] else "",
        "New: records that were not known at the last issue. In, out: records known then that count here now, or no longer.",
        _CAVEAT,
        " · ".join(
            f"{name}: {value}" for name, value in {**footer, "run": issue["run_id"]}.items()
        ),
    ]
    quiet = "".join(f'<p class="quiet">{text(note)}</p>' for note in notes if note)
    return page(title, f"{head}{''.join(parts)}<h2>Notes</h2>{quiet}")


def _left_out(issue: Mapping[str, Any], n_growing: int) -> str:
    """What is no change to a figure that had been issued, or no figure that changed."""
    counts = (
        (n_growing, f"of weeks that had not ended at the last issue (they are in {TABLE}.csv)"),
        (issue["n_first"], "issued for the first time"),
        (issue["n_balanced"], "into which as many records came as left"),
    )
    said = [f"{number_of(n, 'figure')} {words}" for n, words in counts if n]
    return f"Not listed: {', '.join(said)}." if said else ""


def _part(title: str, rows: pl.DataFrame, of: pl.Expr, name: str) -> str:
    """The rows of a kind, the newest period first; of too many, those with the largest differences."""
    found = rows.filter(of)
    most = MOST_LINES[name]
    size = pl.col("difference").abs()
    kept = found.sort(size, "period_from", "place", "cat_group", descending=[True, True, False, False]).head(most)  # fmt: skip
    if name == "hotspot_window":
        kept = kept.sort(size, "place", descending=[True, False])
    else:
        kept = kept.sort("period_from", "place", "cat_group", descending=[True, False, False])
    left_out = (
        f'<p class="quiet">{found.height - most:,} more, with no larger differences, are in {TABLE}.csv.</p>'
        if found.height > most
        else ""
    )
    what = "Group" if name == "force" else "Hotspot"
    period = "Window" if name == "hotspot_window" else "Week of"
    cells = (
        (
            whole(row["cat_group"] if name == "force" else row["place"]),
            _period(row),
            f"{row['n_before']:,}",
            f"{row['n_now']:,}",
            f"{row['difference']:+,}",
            f"{row['n_new']:,}",
            f"{row['n_recoded_in'] + row['n_other_in']:,}",
            f"{row['n_recoded_out'] + row['n_other_out']:,}",
            text(row["why"]),
        )
        for row in kept.iter_rows(named=True)
    )
    headings = (what, period, "#Was", "#Is", "#Difference", "#New", "#In", "#Out", "Why")
    return f"<h2>{title}</h2>{table(headings, cells)}{left_out}"


def _period(row: Mapping[str, Any]) -> str:
    if row["figure"] == "hotspot_window":
        return f"{whole(row['period_from'])} to {whole(row['period_to'])}"
    start = row["period_from"]
    return whole(f"month {start:%Y-%m}" if row["figure"].endswith("_month") else start)


def _changes(lines: list[str]) -> str:
    most = MOST_LINES["changes"]
    items = "".join(f"<li>{text(line)}</li>" for line in lines[:most])
    more = (
        f'<p class="quiet">{len(lines) - most:,} more are in published.issues.</p>'
        if len(lines) > most
        else ""
    )
    body = f"<ul>{items}</ul>{more}" if lines else '<p class="quiet">None.</p>'
    return f"<h2>What happened to the records</h2>{body}"
