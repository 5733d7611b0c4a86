"""The validation report: one HTML page for a run, for the person who asks what was turned away.

Belongs here: the page. Does not belong here: any judgement (`rules`, `gate`), the rejects with
their values (the table `validated.rejects`).

The page stands alone: it fetches nothing and runs nothing, so it opens on a closed network. It
shows counts, rules, files and lines, never a value of a row, so it may travel further than the
data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

import polars as pl

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
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1d2733; background: #fff; max-width: 62rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .3rem; border-top: 2px solid #d8dee6; padding-top: 1rem; }
h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
p.quiet { color: #55616e; margin: .2rem 0; }
table { border-collapse: collapse; width: 100%; margin: .3rem 0 1rem; font-size: .92rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem;
  border-bottom: 1px solid #e3e8ee; }
th { background: #f4f6f9; white-space: nowrap; }
td:first-child, td:last-child { overflow-wrap: anywhere; min-width: 3rem; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.mark { padding: .05rem .5rem; border-radius: .6rem; font-weight: 600; white-space: nowrap; }
.passed { background: #e2f3e6; color: #17592b; }
.warned { background: #fdf0d2; color: #6b4a00; }
.held { background: #fbe1df; color: #86170f; }
""".strip()


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
        f"<h1>{_text(title)}</h1>"
        f"<p>{len(reports):,} {'extract' if len(reports) == 1 else 'extracts'}, {n_held:,} held back. {_account(total, n_unreadable)}</p>"
        '<p class="quiet">No value of a row is shown here. The table validated.rejects has them, '
        "identifiers and free text masked.</p>"
    )
    summary = _table(
        ("Extract", "Feed", "#Rows in", "#Accepted", "#Rejected", "#Unreadable", "Gate"),
        (
            (
                f'<a href="#extract-{place}">{_text(report.extract_id)}</a>',
                _text(report.feed),
                *(f"{report.counts[key]:,}" for key in _ACCOUNT),
                f"{report.n_unreadable:,}",
                _mark_of(report),
            )
            for place, report in enumerate(reports)
        ),
    )
    sections = "".join(_section(place, report) for place, report in enumerate(reports))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_text(title)}</title><style>{_STYLE}</style></head>"
        f"<body>{head}{summary}{sections}</body></html>\n"
    )


def _section(place: int, report: ExtractReport) -> str:
    details = ", ".join(
        f"{report.counts[key]:,} {words}"
        for key, words in _DETAILS.items()
        if report.counts.get(key)
    )
    outcomes = (
        (
            _text(outcome.check),
            _text(outcome.name),
            _mark(outcome),
            _observed(outcome.observed),
            _text(outcome.threshold),
            f"{outcome.n_rows:,}",
            _text(outcome.reason),
        )
        for outcome in report.outcomes
    )
    return "".join(
        [
            f'<h2 id="extract-{place}">{_text(report.extract_id)} {_mark_of(report)}</h2>',
            f'<p class="quiet">Feed {_text(report.feed)}, '
            f"table validated.{_text(report.table)}.</p>",
            f"<p>{_account(report.counts, report.n_unreadable)}",
            " The extract is held back: none of its rows entered the table."
            if report.is_held
            else "",
            f" Of the accepted rows: {details}.</p>" if details else "</p>",
            "<h3>Checks on the extract</h3>",
            _table(
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
    text = (
        f"{counts['n_rows']:,} rows in = {counts['n_accepted']:,} accepted + "
        f"{counts['n_rejected']:,} rejected."
    )
    n_before = counts.get("n_accepted_before", 0)
    if n_before:
        text += f" {n_before:,} further rows passed the gate with an earlier extract."
    return text + (f" {n_unreadable:,} further records were unreadable." if n_unreadable else "")


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
    return _table(
        ("Check", "Rule", "#Rows", "First message", "First lines (file: line)"),
        (
            (_text(check), _text(rule), f"{n_rows:,}", _text(message), _text(lines))
            for check, rule, n_rows, message, lines in rows
        ),
    )


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Headings that begin with # are of numbers. Cells are HTML already."""
    kinds = [' class="number"' if heading.startswith("#") else "" for heading in headings]
    body = "".join(
        "<tr>"
        + "".join(f"<td{k}>{cell}</td>" for k, cell in zip(kinds, row, strict=True))
        + "</tr>"
        for row in rows
    )
    if not body:
        return '<p class="quiet">None.</p>'
    head = "".join(
        f"<th{k}>{_text(heading.lstrip('#'))}</th>"
        for k, heading in zip(kinds, headings, strict=True)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


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
        return _text(observed)
    return f"{observed:,.0f}" if float(observed).is_integer() else f"{observed:.4f}"


def _text(text: object) -> str:
    return escape(str(text), quote=True)
