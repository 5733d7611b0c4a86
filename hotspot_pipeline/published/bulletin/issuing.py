"""A new issue, where a figure differs from what was issued last: compared, traced, and written in one transaction.

Here: the order of the steps and the rows that are written. Not here: what differs (`comparing.py`), why (`reasons.py`), the words
(`words.py`), the page and its file, which are made from these tables.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from hotspot_pipeline.published.bulletin import figures, reasons, tracing, words
from hotspot_pipeline.published.bulletin.comparing import compared
from hotspot_pipeline.published.bulletin.figures import KEY, LastIssue
from hotspot_pipeline.warehouse.session import AuditsFailed, Session

ISSUES, FEEDS = "published.issues", "published.issue_feeds"
FIGURES, BULLETIN = "published.issued_figures", "published.recode_bulletin"
REMEMBERED = "published.issued_events"
TABLES = (ISSUES, FEEDS, FIGURES, BULLETIN, REMEMBERED)
_FIGURE = ("figure", "place", "cat_group", "period_from")
# column of the bulletin: (origin, sign) of the records that it counts
_COUNTED = {
    "n_new": ("new", 1), "n_recoded_in": ("recoded", 1), "n_recoded_out": ("recoded", -1), "n_other_in": ("other", 1),
    "n_other_out": ("other", -1),
}  # fmt: skip


@dataclass(frozen=True)
class Circumstances:
    """What an issue is made with: the analysis resolution, the groups that hotspots are selected on, run, moment and footer."""

    resolution: int
    groups: Sequence[str]
    run_id: str
    now: datetime
    footer: Mapping[str, str]


def issue_figures(session: Session, made: Circumstances) -> int | None:
    """Writes a new issue and returns its number; None, and nothing written, where every figure stands as issued last.

    Raises AuditsFailed, with nothing written, where a blocking audit of the tables finds bad rows.
    """
    last = figures.last_issue(session)
    figures.stage_counted(session, made.resolution, made.groups)
    now = figures.standing(session, made.resolution)
    issued = figures.issued_last(session)
    states = compared(now, issued, last)
    if states.is_empty():
        return None
    tracing.stage_changed(session)
    shown, records = _traced(session, now, issued, last)
    issue = last.issue + 1 if last else 1
    changed = states.filter(pl.col("state") == "changed")
    with session.transaction():
        session.insert(
            session.catalog[ISSUES], _issue(session, made, issue, last, states, shown, records)
        )
        session.insert(
            session.catalog[FEEDS], figures.known_to(session).select(issue=pl.lit(issue), feed="feed", known_to_utc="known_to_utc")
        )  # fmt: skip
        session.insert(session.catalog[FIGURES], _figures(states, issue, made.run_id))
        if last:
            rows = _bulletin(changed, shown, issue, last.issue, made.run_id)
            session.insert(session.catalog[BULLETIN], rows)
        tracing.remember(session)
        for table in TABLES:
            audits = session.audit(session.catalog[table])
            if any(a.blocks for a in audits):
                raise AuditsFailed(table, audits)
    return issue


def _traced(
    session: Session, now: pl.DataFrame, issued: pl.DataFrame, last: LastIssue | None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The figures in which records show that count otherwise, and those records with their reasons; none for a first issue."""
    records = tracing.changed_records(session, figures.known_to(session, last.issue if last else 0))
    told = reasons.reasoned(records, tracing.recodes_since(session))
    # a hotspot that is new or gone is told as such, not by the records in it
    both = set(figures.hotspots_of(now)) & set(figures.hotspots_of(issued))
    return reasons.shown_in(told, reasons.windows_of(now), both)


def _issue(
    session: Session,
    made: Circumstances,
    issue: int,
    last: LastIssue | None,
    states: pl.DataFrame,
    shown: pl.DataFrame,
    records: pl.DataFrame,
) -> pl.DataFrame:
    data_to, week_to, month_to = figures.newest(session)
    changed = states.filter(pl.col("state") == "changed")
    new = records.filter(pl.col("origin") == "new")
    n_late = reasons.late(records, last).height if last else 0
    net = shown.group_by(_FIGURE).agg(net=(pl.col("n") * pl.col("sign")).sum())
    known = figures.known_to(session).iter_rows()
    footer = {"records known to": ", ".join(f"{feed} {moment:%Y-%m-%d %H:%M} UTC" for feed, moment in known)}  # fmt: skip
    return pl.DataFrame(
        {
            "issue": [issue],
            "supersedes": [last.issue if last else None],
            "issued_at_utc": [made.now],
            "run_id": [made.run_id],
            "data_to": [data_to or (last.data_to if last else None)],
            # what was issued once is issued for ever, also as 0
            "week_to": [_later(week_to, last.week_to if last else None)],
            "month_to": [_later(month_to, last.month_to if last else None)],
            "n_first": [states.filter(pl.col("state") == "first").height],
            "n_changed": [changed.filter(~pl.col("is_open")).height],
            "n_growing": [changed.filter("is_open").height],
            "n_no_longer": [states.filter(pl.col("state") == "no_longer").height],
            "n_balanced": [net.filter(pl.col("net") == 0).height],
            "n_new": [new.height],
            "n_late": [n_late],
            "n_recoded": [records.filter(pl.col("origin") == "recoded").height],
            "n_other": [records.filter(pl.col("origin") == "other").height],
            "summary": [words.summary((last.issue, last.data_to) if last else None, states, records, n_late)],
            "changes": ["\n".join(words.changes(records))],
            "footer": [json.dumps({**footer, **made.footer}, ensure_ascii=False)],
        },
    )  # fmt: skip


def _figures(states: pl.DataFrame, issue: int, run_id: str) -> pl.DataFrame:
    return states.select(
        *KEY, "supersedes", n_events="n_now", issue=pl.lit(issue), run_id=pl.lit(run_id)
    )


def _bulletin(
    changed: pl.DataFrame, shown: pl.DataFrame, issue: int, before: int, run_id: str
) -> pl.DataFrame:
    """A row for each figure that differs, with the records that made the difference, counted and in words."""
    counts = shown.group_by(_FIGURE).agg(
        **{
            name: pl.col("n").filter((pl.col("origin") == origin) & (pl.col("sign") == sign)).sum()
            for name, (origin, sign) in _COUNTED.items()
        },
        parts=pl.struct("origin", "change", "sign", "n"),
    )
    rows = changed.join(counts, on=_FIGURE, how="left", maintain_order="left").with_columns(
        pl.col(list(_COUNTED)).fill_null(0)
    )
    said = [
        words.why([(p["origin"], p["change"], p["sign"], p["n"]) for p in parts or ()])
        for parts in rows.get_column("parts").to_list()
    ]
    is_recoded = pl.col("n_recoded_in") + pl.col("n_recoded_out") > 0
    return rows.select(
        *KEY, "n_before", "n_now", *_COUNTED,
        issue=pl.lit(issue), supersedes=pl.lit(before), run_id=pl.lit(run_id), difference=pl.col("n_now") - pl.col("n_before"),
        change=pl.when("is_open").then(pl.lit("growing")).when(is_recoded).then(pl.lit("recoded"))
        .when(pl.col("n_new") > 0).then(pl.lit("late")).otherwise(pl.lit("no_record_changed")),
        why=pl.Series(said, dtype=pl.String),
    )  # fmt: skip


def _later(one: date | None, other: date | None) -> date | None:
    return max(filter(None, (one, other)), default=None)
