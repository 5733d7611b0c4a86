"""The bulletin's page: whole, short whatever happened, and with nothing in it that runs or fetches."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import polars as pl

from hotspot_pipeline.published.bulletin.page import MOST_LINES, render

ISSUE: dict[str, Any] = {
    "issue": 12, "supersedes": 11, "issued_at_utc": datetime(2026, 6, 15, 2, 31), "run_id": "r1", "data_to": date(2026, 6, 14),
    "n_first": 7, "n_balanced": 0, "summary": "3 figures <changed> & more.", "changes": "1 record moved\nhotspot H: 1 moved into it",
    "footer": '{"force": "Zoë & Co", "records rejected": "3", "records known to": "crime_extract 2026-06-15 01:00 UTC"}',
}  # fmt: skip


class Page(HTMLParser):
    """Counts rows, collects text, and fails where tags do not close in order or fetch something."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.lines, self.words = 0, ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in {"script", "link", "img", "iframe"}
        assert not {name for name, _ in attrs} & {"src", "href", "onclick", "style"}
        self.lines += tag in {"tr", "li"}
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data + "\n"


def row(figure: str, n: int, change: str = "recoded", difference: int = -1) -> dict[str, Any]:
    start = date(2026, 1, 5) + n * timedelta(days=7)
    place = "force" if figure.startswith("force") else f"H-{n}"
    return {
        "figure": figure, "place": place, "cat_group": "VAP", "period_from": start, "period_to": start + timedelta(days=6),
        "n_before": 1000, "n_now": 1000 + difference, "difference": difference, "change": change, "n_new": 0, "n_recoded_in": 0,
        "n_recoded_out": 1, "n_other_in": 0, "n_other_out": 0, "why": "1 moved <out> of it",
    }  # fmt: skip


def page_of(*rows: dict[str, Any], **more: Any) -> Page:
    return Page(render("Zoë & Co", ISSUE | more, pl.DataFrame(rows or [row("force_week", 0)])))


def test_it_says_which_issue_of_what_and_why() -> None:
    found = page_of(row("hotspot_window", 3), row("hotspot_week", 3), row("force_week", 3))
    for words in ("Recode bulletin 12: Zoë & Co, data to 2026-06-14", "Issued 2026-06-15 02:31 UTC, supersedes issue 11. Records known to: crime_extract 2026-06-15 01:00 UTC.", "run: r1",
                  "3 figures <changed> & more.", "H-3", "2026-01-26", "1,000", "999", "1 moved <out> of it",
                  "hotspot H: 1 moved into it", "not through disclosure control", "records rejected: 3",
                  "Not listed: 7 figures issued for the first time."):  # fmt: skip
        assert words in found.words, words


def test_it_stays_short_and_says_what_is_left_out() -> None:
    many = [row(figure, n, difference=-1 - n) for figure in ("hotspot_window", "hotspot_week", "force_week") for n in range(300)]  # fmt: skip
    found = page_of(*many, changes="\n".join(f"line {n}" for n in range(99)))
    assert found.lines <= sum(MOST_LINES.values()) + 3 <= 210
    assert "250 more, with no larger differences, are in recode_bulletin.csv." in found.words
    assert "230 more, with no larger differences" in found.words
    assert "69 more are in published.issues." in found.words
    # the largest differences are the ones kept
    assert "-300" in found.words
    assert "-2\n" not in found.words


def test_weeks_that_had_not_ended_are_counted_not_listed() -> None:
    found = page_of(row("force_week", 1, "growing"), row("force_week", 2))
    assert "2026-01-19" in found.words
    assert "2026-01-12" not in found.words
    assert (
        "Not listed: 1 figure of weeks that had not ended at the last issue (they are in recode_bulletin.csv), 7 fig"
        in found.words
    )


def test_a_month_is_called_one() -> None:
    assert "month 2026-01" in page_of(row("force_month", 0)).words


def test_the_first_issue_and_none() -> None:
    first = Page(render("Zoë & Co", ISSUE | {"supersedes": None, "issue": 1}, pl.DataFrame(schema={"change": pl.String})))  # fmt: skip
    assert first.lines == 0
    assert "Nothing has been issued yet" in Page(render("Zoë & Co", None, pl.DataFrame())).words
