"""Two plain sentences on patrols: what they say, and what they must not say."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from hotspot_pipeline.published.patrols.words import added_up, minutes, patrol_sentences
from hotspot_pipeline_tests.unit.published.patrols.made_patrols import (
    FIRST,
    MINUTE,
    WEEKS,
    cover_row,
    plan_row,
)


def said(**plan: object) -> str:
    return patrol_sentences(plan_row("A", FIRST, **plan), None, has_windows=True)[0]


def shown(**cover: object) -> str:
    has_windows = bool(cover.pop("has_windows", True))
    return patrol_sentences(None, cover_row("A", FIRST, **cover), has_windows=has_windows)[1]


def test_everything_that_is_open_is_said() -> None:
    assert said() == (
        "Of 10 planned visits 1 was issued after its window began and not judged, of the others 4 were made, 3 were not and of 2 nothing is "
        "known: 57 % of the known ones (95 % interval 25 to 84 %); between 44 and 67 % of all, whatever the unknown ones were; 2 of the "
        "answers could be the other one at this rate of fixes (43 to 71 %)."
    )


def test_unknown_is_not_no() -> None:
    text = said(
        n_asked=2, n_issued_late=0, n_yes=0, n_no=0, n_unknown=2, n_indeterminate=0, compliance=None, compliance_low=None,
        compliance_high=None, at_least=0.0, at_most=1.0,
    )  # fmt: skip
    assert text == (
        "Of 2 planned visits nothing is known; between 0 and 100 % of all, whatever the unknown ones were."
    )


@pytest.mark.parametrize(
    ("n_yes", "n_no", "n_unknown", "text"),
    [
        (0, 4, 0, "none was made:"),
        (4, 0, 0, "all were made:"),
        (1, 3, 0, "1 was made and 3 were not:"),
        (0, 3, 1, "3 were not and of 1 nothing is known:"),
        (3, 0, 1, "3 were made and of 1 nothing is known:"),
    ],
)
def test_what_did_not_happen_is_not_counted(
    n_yes: int, n_no: int, n_unknown: int, text: str
) -> None:
    plan = {"n_asked": 4, "n_issued_late": 0, "n_yes": n_yes, "n_no": n_no, "n_unknown": n_unknown}
    assert said(**plan).startswith(f"Of 4 planned visits {text}")


def test_nothing_open_and_nothing_judged() -> None:
    assert said(n_asked=1, n_issued_late=0, n_yes=1, n_no=0, n_unknown=0, n_indeterminate=0, compliance=1.0, compliance_low=0.21, compliance_high=1.0) == (
        "Of 1 planned visit 1 was made: 100 % (95 % interval 21 to 100 %)."
    )  # fmt: skip
    assert said(n_asked=3, n_issued_late=3, n_yes=0, n_no=0, n_unknown=0) == (
        "Of 3 planned visits 3 were issued after their window began and not judged."
    )
    assert patrol_sentences(None, None, has_windows=True) == (
        "No visit was planned.",
        "No police day of it is computed, so nothing is known of patrols.",
    )


def test_what_fixes_show() -> None:
    assert shown() == (
        "Fixes show 100 minutes of patrol in 7 computed days, 40 % of it in its hot windows, and a visit of ten minutes or more on foot or "
        "cycle on 4 of them."
    )
    assert "hot windows" not in shown(has_windows=False)
    assert shown(patrol_ms=0) == "Fixes show no patrol in 7 computed days."
    # a share of a minute says nothing
    little = shown(patrol_ms=MINUTE // 2, n_days=1, n_days_one=0, n_days_more=0)
    assert little == (
        "Fixes show under a minute of patrol in 1 computed day and a visit of ten minutes or more on foot or cycle on no day."
    )


@pytest.mark.parametrize(
    ("ms", "text"),
    [(0, "0 minutes"), (1, "under a minute"), (MINUTE, "1 minute"), (90_000, "2 minutes")],
)
def test_minutes(ms: int, text: str) -> None:
    assert minutes(ms) == text


def test_weeks_add_up_and_the_last_says_since_when() -> None:
    weeks = [
        cover_row("A", WEEKS[1], days_since_last=0.5, reached_ms=604_800_000),
        cover_row("A", WEEKS[0], days_since_last=6.0, hot_window_ms=0),
    ]
    found = added_up(pl.DataFrame(weeks))
    assert found["n_days"] == 14 and found["patrol_ms"] == 200 * MINUTE
    assert (found["share_in_hot_windows"], found["share_reached"], found["days_since_last"]) == (
        0.2,
        0.75,
        0.5,
    )
    nothing = added_up(pl.DataFrame(weeks).filter(pl.col("week_start") > date(2027, 1, 1)))
    assert nothing["share_reached"] is None and nothing["days_since_last"] is None
