"""The files of the bulletin: the page and the CSV of the newest issue.

Here: which rows they are made of. Not here: the page (`page.py`), the issue (`issuing.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hotspot_pipeline.published.bulletin.issuing import BULLETIN, ISSUES
from hotspot_pipeline.published.bulletin.page import TABLE, render
from hotspot_pipeline.published.files import PublishedFile, write_aside
from hotspot_pipeline.published.tables import write_tables
from hotspot_pipeline.warehouse.session import Session


def write_newest(
    out: Path, session: Session, force: str, footer: Mapping[str, str]
) -> list[PublishedFile]:
    """Of the newest issue, which may be of an earlier night: its page stays until a figure changes."""
    newest = session.frame(f"select * from {ISSUES} order by issue desc limit 1")
    order = ", ".join(session.catalog[BULLETIN].grain)
    rows = session.frame(
        f"select * from {BULLETIN} where issue = (select max(issue) from {ISSUES}) order by {order}"
    )
    page = render(force, newest.row(0, named=True) if newest.height else None, rows)

    def write(path: Path) -> int:
        path.write_text(page, encoding="utf-8")
        return rows.height

    return [
        write_aside(out / "bulletin.html", "html", write),
        *write_tables(out, {TABLE: rows}, footer),
    ]
