"""The validation report: one HTML page for a run, for the person who asks what was turned away.

Belongs here: the page. Does not belong here: any judgement (`rules`, `gate`), the rejects with
their values (the table `validated.rejects`).

The page (`html_page` has its looks) shows counts, rules, files and lines, never a value of a row,
so it may travel further than the data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from hotspot_pipeline.html_page import page as html_page
from hotspot_pipeline.html_page import table, text
from hotspot_pipeline.validated.gate import GateOutcome

_N_LINES = 5
_ACCOUNT = ("n_rows", "n_accepted", "n_rejected")
_RULE_SCHEMA = {
    "check": pl.String,
    "rule": pl.String,
    "n_rows": pl.Int64,
    "message": pl.String,
    "lines": pl.String,
}
_DETAILS = {
    "n_without_id": "without an id",
    "n_without_location": "without a location",
    "n_outside_force": "outside the force",
    "n_without_hour": "without a known hour",
}


@dataclass(frozen=True)
class ExtractReport:
    """What the page is made of for one extract: `status` is accepted or held, `n_unreadable` the
    records that were no rows at all; `counts`, `rejects` and `warnings` as in
    `extract.ValidatedExtract`; `counts` may have `n_accepted_before`, rows of a full extract that
    passed with an earlier one.
    """

    extract_id: str
    feed: str
    table: str
    status: str
    n_unreadable: int
    counts: Mapping[str, int]
    outcomes: Sequence[GateOutcome]
    rejects: pl.DataFrame
    warnings: pl.DataFrame

    @property
    def is_held(self) -> bool:
        return self.status == "held"


def render_report(reports: Sequence[ExtractReport], title: str = "Validation report") -> str:
    """One HTML page over all extracts of a run, in their order."""
    counted = (*_ACCOUNT, "n_accepted_before")
    total = {key: sum(r.counts.get(key, 0) for r in reports) for key in counted}
    n_unreadable = sum(report.n_unreadable for report in reports)
    n_held = sum(report.is_held for report in reports)
    head = (
        f"<h1>{text(title)}</h1>"
        f"<p>{len(reports):,} {'extract' if len(reports) == 1 else 'extracts'}, {n_held:,} held back. {_account(total, n_unreadable)}</p>"
        '<p class="quiet">No value of a row is shown here. The table validated.rejects has them, '
        "identifiers and free text masked.</p>"
    )
    summary = table(
        ("Extract", "Feed", "#Rows in", "#Accepted", "#Rejected", "#Unreadable", "Gate"),
        (
            (
                f'<a href="#extract-{place}">{text(report.extract_id)}</a>',
                text(report.feed),
                *(f"{report.counts[key]:,}" for key in _ACCOUNT),
                f"{report.n_unreadable:,}",
                _mark_of(report),
            )
            for place, report in enumerate(reports)
        ),
    )
    sections = "".join(_section(place, report) for place, report in enumerate(reports))
    return html_page(title, f"{head}{summary}{sections}")


def _section(place: int, report: ExtractReport) -> str:
    details = ", ".join(
        f"{report.counts[key]:,} {words}"
        for key, words in _DETAILS.items()
        if report.counts.get(key)
    )
    outcomes = (
        (
            text(outcome.check),
            text(outcome.name),
            _mark(outcome),
            _observed(outcome.observed),
            text(outcome.threshold),
            f"{outcome.n_rows:,}",
            text(outcome.reason),
        )
        for outcome in report.outcomes
    )
    return "".join(
        [
            f'<h2 id="extract-{place}">{text(report.extract_id)} {_mark_of(report)}</h2>',
            f'<p class="quiet">Feed {text(report.feed)}, table validated.{text(report.table)}.</p>',
            f"<p>{_account(report.counts, report.n_unreadable)}",
            " The extract is held back: none of its rows entered the table."
            if report.is_held
            else "",
            f" Of the accepted rows: {details}.</p>" if details else "</p>",
            "<h3>Checks on the extract</h3>",
            table(
                ("Check", "Expectation", "Result", "#Observed", "Threshold", "#Rows", "Remark"),
                outcomes,
            ),
            "<h3>Rejected rows by rule</h3>",
            _rule_table(_by_rule(report.rejects)),
            "<h3>Warnings (the rows are accepted)</h3>",
            _rule_table(report.warnings.rename({"example_lines": "lines"})),
        ]
    )


def _account(counts: Mapping[str, int], n_unreadable: int) -> str:
    said = (
        f"{counts['n_rows']:,} rows in = {counts['n_accepted']:,} accepted + "
        f"{counts['n_rejected']:,} rejected."
    )
    n_before = counts.get("n_accepted_before", 0)
    if n_before:
        said += f" {n_before:,} further rows passed the gate with an earlier extract."
    return said + (f" {n_unreadable:,} further records were unreadable." if n_unreadable else "")


def _by_rule(rejects: pl.DataFrame) -> pl.DataFrame:
    """Rejected rows counted by the rule of their own, with the first lines of each."""
    rows = []
    for part in rejects.partition_by("rule", "check", maintain_order=True):
        files = part.head(_N_LINES).group_by("source", maintain_order=True).agg("line")
        lines = "; ".join(f"{file}: {', '.join(map(str, at))}" for file, at in files.iter_rows())
        rule, check, message = part.select("rule", "check", "message").row(0)
        rows.append((check, rule, part.height, message, lines))
    rows.sort(key=lambda row: -row[2])
    return pl.DataFrame(rows, schema=_RULE_SCHEMA, orient="row")


def _rule_table(rules: pl.DataFrame) -> str:
    rows = rules.select(list(_RULE_SCHEMA)).iter_rows()
    return table(
        ("Check", "Rule", "#Rows", "First message", "First lines (file: line)"),
        (
            (text(check), text(rule), f"{n_rows:,}", text(message), text(lines))
            for check, rule, n_rows, message, lines in rows
        ),
    )


def _mark(outcome: GateOutcome) -> str:
    if outcome.passed:
        return '<span class="mark passed">passed</span>'
    if outcome.severity == "error":
        return '<span class="mark held">failed</span>'
    return '<span class="mark warned">warning</span>'


def _mark_of(report: ExtractReport) -> str:
    if report.is_held:
        return '<span class="mark held">held back</span>'
    if any(not outcome.passed for outcome in report.outcomes):
        return '<span class="mark warned">passed with warnings</span>'
    return '<span class="mark passed">passed</span>'


def _observed(observed: float | str | None) -> str:
    if observed is None:
        return ""
    if isinstance(observed, str):
        return text(observed)
    return f"{observed:,.0f}" if float(observed).is_integer() else f"{observed:.4f}"
