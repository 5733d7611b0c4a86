"""The validation report: whole, plain, and without a value of any row."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import polars as pl

from hotspot_pipeline.feeds.contract import shipped_contracts
from hotspot_pipeline.validated.gate import GateOutcome, run_gate
from hotspot_pipeline.validated.rejects import REJECT_SCHEMA, WARNING_SCHEMA
from hotspot_pipeline.validated.report import ExtractReport, render_report

from .conftest import Row, Validate

CRIME = "crime_extract"


def report_of(
    validate: Validate, *rows: Row, status: str = "accepted", n_unreadable: int = 0
) -> ExtractReport:
    found = validate(CRIME, *rows)
    outcomes = run_gate(found.gate_frames, shipped_contracts()[CRIME])
    return ExtractReport(
        "crimes-1",
        CRIME,
        "crimes",
        status,
        n_unreadable,
        found.counts,
        outcomes,
        found.rejects,
        found.warnings,
    )


class Page(HTMLParser):
    """Collects text, and fails where tags do not close in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.words: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


SECRETS: list[Row] = [
    {"crime_number": "SECRET-1", "ho_offence_code": "SECRET-2", "offence_desc": "SECRET-3"},
    {"crime_number": "SECRET-4", "record_status": "SECRET-5"},
    {"crime_number": "SECRET-6", "easting": "399000", "northing": "265734"},
    {"crime_number": "SECRET-7", "committed_to_local": "2024-01-05 21:43:21"},
]


def test_it_accounts_for_every_row_and_names_rules_files_and_lines(validate: Validate) -> None:
    page = Page(render_report([report_of(validate, *SECRETS, {}, n_unreadable=2)]))
    assert "5 rows in = 3 accepted + 2 rejected. 2 further records were unreadable." in page.text
    assert "1 outside the force" in page.text
    assert "C9 known_offence_code 1 ho_offence_code is not in the offence lookup" in page.text
    assert "delivered.csv: 2" in page.text
    assert "not_allowed_code" in page.text
    assert "C5 committed_order_small 1" in page.text
    assert "C9 unknown_code_share warning 0.2000 share or mean: at most 0.002 5" in page.text


def test_it_shows_no_value_of_a_row(validate: Validate) -> None:
    found = report_of(validate, *SECRETS)
    assert "SECRET-5" in found.rejects.write_csv()  # the table of rejects does
    page = render_report([found])
    for value in ("SECRET", "399000", "265734", "21:43", "*** ("):
        assert value not in page


def test_it_stands_alone(validate: Validate) -> None:
    page = render_report([report_of(validate, *SECRETS), report_of(validate)])
    assert "http" not in page
    assert not re.search(r"""\b(src|url|@import|srcset|data-|on\w+)\s*[=(]""", page)
    assert Page(page).tags.isdisjoint(
        {"script", "link", "img", "iframe", "object", "embed", "base"}
    )
    assert set(re.findall(r'href="([^"]*)"', page)) == {"#extract-0", "#extract-1"}


def test_everything_from_outside_is_escaped() -> None:
    evil = '<script>alert("1")</script>&'
    rejects = pl.DataFrame(
        [{**dict.fromkeys(REJECT_SCHEMA, evil), "line": 1}], schema=REJECT_SCHEMA
    )
    warnings = pl.DataFrame(
        [{**dict.fromkeys(WARNING_SCHEMA, evil), "n_rows": 1}], schema=WARNING_SCHEMA
    )
    outcome = GateOutcome(evil, evil, "warn", False, evil, evil, 1, evil)
    counts = {"n_rows": 1, "n_accepted": 0, "n_rejected": 1}
    page = render_report(
        [ExtractReport(evil, evil, evil, "held", 0, counts, [outcome], rejects, warnings)], evil
    )
    assert "<script" not in page
    assert Page(page).tags.isdisjoint({"script"})
    # title 2, summary 2, heading 3, outcome 5, reject 4, warning 4
    assert page.count("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;") == 20


def test_a_held_extract_says_so(validate: Validate) -> None:
    page = Page(render_report([report_of(validate, {"ho_offence_code": "9/9"}, status="held")]))
    assert "1 extract, 1 held back" in page.text
    assert "none of its rows entered the table" in page.text
    assert "none of its rows" not in Page(render_report([report_of(validate, {})])).text


def test_a_run_without_extracts_has_a_page_too() -> None:
    assert "0 rows in = 0 accepted + 0 rejected" in Page(render_report([])).text
