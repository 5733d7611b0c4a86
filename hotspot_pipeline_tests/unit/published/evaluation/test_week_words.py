"""A hotspot's week in words: what it says, and what it must never say whatever the rows are."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotspot_pipeline.evaluation import limit_rows
from hotspot_pipeline.force import CATEGORY_GROUPS
from hotspot_pipeline.published.evaluation.limits_panel import is_beyond, is_drift
from hotspot_pipeline.published.evaluation.numbers import (
    how_many,
    listed,
    long_time,
    number,
    ordinary_range,
    part,
    usual,
)
from hotspot_pipeline.published.evaluation.trial_facts import roles, said_of
from hotspot_pipeline.published.evaluation.week_known import AreaWeek, TrialSaid, WeekFacts
from hotspot_pipeline.published.evaluation.week_page import render
from hotspot_pipeline.published.evaluation.week_words import GROUPS, lead, week_text
from hotspot_pipeline_tests.unit.published.evaluation.made_weeks import TYPES, monday, week_row
from hotspot_pipeline_tests.unit.published.patrols.made_patrols import cover_row, plan_row

WEEK = monday(20)
CLAIMS = ("reduced", "increased", "because", "cause", "due to", "thanks to", "led to", "prevent", "deter", "effect", "worked", "result of", "impact")  # fmt: skip
TRIAL = TrialSaid("Town centres", "patrolled", (date(2025, 9, 1), date(2026, 2, 28)), "ab" * 32, True, False, "We compared 18 places.", "No effect can be told from chance.")  # fmt: skip


def facts(week: dict[str, Any] | None = None, groups: dict[str, int] | None = None, **more: Any) -> WeekFacts:  # fmt: skip
    row = week_row(20) | (week or {})
    kinds = [week_row(20, cat_group=g, n_events=n, mu=None) for g, n in (groups or {}).items()]
    return WeekFacts("H-a", WEEK, row, kinds, **more)


def said(about: str, found: WeekFacts) -> str:
    return dict(week_text(found))[about]


def test_an_ordinary_week() -> None:
    found = facts({"label": "baseline"}, {"VAP": 3, "ROBBERY": 1, "ASB": 2, "WEAPONS": 0})
    assert said("What was counted", found) == (
        "In the police week of 20 October to 26 October 2025, six events were counted here: three cases of violence, two reports of "
        "anti-social behaviour and one robbery."
    )
    assert said("Is that unusual?", found) == (
        "Usual for the time of year is about six; at least nineteen weeks in twenty bring between two and eleven. So the week is an ordinary one."
    )
    assert "season is not taken into account" in said("Is that unusual?", facts())


def test_a_week_without_an_event_and_one_of_a_kind() -> None:
    nothing = facts({"n_events": 0, "lower_95": 0}, dict.fromkeys(CATEGORY_GROUPS, 0))
    assert "no event was counted here." in said("What was counted", nothing)
    assert "eleven or fewer. So the week is an ordinary one." in said("Is that unusual?", nothing)
    assert "one robbery was counted here, and nothing else." in said("What was counted", facts({"n_events": 1}, {"ROBBERY": 1}))  # fmt: skip


@pytest.mark.parametrize(
    ("week", "text"),
    [
        ({"n_events": 16}, "So many come by chance in fewer than one week in a thousand: worth a look."),
        ({"n_events": 1, "lower_998": 2}, "So few come by chance in fewer than one week in a thousand"),
        ({"n_events": 12}, "This week brought more than that. Chance alone does so now and then"),
        ({"n_events": 1}, "This week brought fewer than that."),
        ({"run_weeks": -9}, "For nine weeks in a row, this one included, there were fewer than usual."),
        ({"cusum": 3.1}, "point to a lasting rise; this alarm sounds falsely about once in five years."),
        ({"mu": None}, "cannot be said yet: fewer than 26 finished weeks"),
    ],
)  # fmt: skip
def test_what_is_unusual_is_said(week: dict[str, Any], text: str) -> None:
    assert text in said("Is that unusual?", facts(week))


def test_a_run_of_small_counts_is_no_signal() -> None:
    assert "in a row" not in said("Is that unusual?", facts({"run_weeks": -9, "mu": 4.9}))
    assert "lasting rise" not in said("Is that unusual?", facts({"cusum": 3.0}))


def test_what_is_not_final_says_what_may_come() -> None:
    found = facts({"is_provisional": True, "settled_low": 6.0, "settled_high": 9.0}, share_known=0.91)  # fmt: skip
    assert said("Is it final?", found) == (
        "This is not final: the week ended less than four weeks ago, and at this age about nine in ten of a week's records are known in this force. When they "
        "are in, the count will most likely be between six and nine. No earlier figure of it was kept."
    )


def test_corrections_are_told() -> None:
    correction = {"issue": 4, "n_before": 5, "n_now": 6, "why": "1 came new"}
    found = facts({"n_first_issue": 4, "n_settled": 5}, corrections=[correction])
    text = said("Is it final?", found)
    assert (
        "The figure was four the day after the week ended and five four weeks after it, and is six now"
        in text
    )
    assert "Newest correction (issue 4 of the bulletin, from five to six): 1 came new." in text
    assert "has stood since it was first issued" in said("Is it final?", facts({"n_first_issue": 6, "n_settled": 6}))  # fmt: skip
    assert "since it was settled" in said("Is it final?", facts({"n_settled": 6}))


def test_percentages_stand_on_twenty_only() -> None:
    assert "one it was 30, over the same 13 weeks a year before 24 (25 % more)." in said(
        "What was counted", facts({"n_13": 30, "n_13_before": 24, "percent_change": 25.0})
    )
    few = said("What was counted", facts({"n_13": 12, "n_13_before": 19}))
    assert "twelve, over the same 13 weeks a year before 19: too few to put a percentage on." in few


def test_what_patrols_did() -> None:
    area = AreaWeek("P1", "Square", 0.97, plan_row("P1", WEEK), cover_row("P1", WEEK))
    assert said("What patrols did", facts(has_patrols=True, areas=[area])) == (
        "In the patrol area P1 (Square), which covers all of the hotspot, ten visits were planned: four were made, three were not made as planned, of two "
        "nothing is known and one was planned too late to be judged. Position fixes show about one and a half hours of patrol on the seven days that are "
        "computed; on four of them somebody stayed for ten minutes or more, on foot or by cycle."
    )
    none = AreaWeek("H-a", None, 1.0, None, cover_row("H-a", WEEK, patrol_ms=0, n_days=1))
    assert said("What patrols did", facts(has_patrols=True, areas=[none])) == (
        "Here no visit was planned. Position fixes show no patrol on the one day that is computed."
    )
    unseen = AreaWeek(
        "P1",
        None,
        0.5,
        plan_row("P1", WEEK, n_asked=1, n_yes=1, n_no=0, n_unknown=0, n_issued_late=0),
        None,
    )
    text = said("What patrols did", facts(has_patrols=True, areas=[unseen]))
    assert (
        "about half of the hotspot, one visit was planned and it was made. Where officers were is not known"
        in text
    )
    assert "covers this hotspot, so nothing is known" in said("What patrols did", facts(has_patrols=True))  # fmt: skip
    assert "delivers no plans" in said("What patrols did", facts())


def test_a_trial_speaks_in_its_own_words() -> None:
    text = said("What can be said of patrols", facts(trials=[TRIAL]))
    assert text.startswith("The place is one of those that are patrolled in the trial “Town centres” (1 September 2025 to 28 February 2026; its decisions were on record before results were known, sha256 abababababab).")  # fmt: skip
    assert "We compared 18 places. No effect can be told from chance." in text and "cannot show it" in text  # fmt: skip
    changed = replace(TRIAL, is_exploratory=True, is_before_outcomes=False)
    assert "on record only after results were known" in said("What can be said of patrols", facts(trials=[changed]))  # fmt: skip
    assert "as a question, not as an answer" in said("What can be said of patrols", facts(trials=[changed]))  # fmt: skip
    assert "say nothing about what patrols changed here" in said("What can be said of patrols", facts())  # fmt: skip


def test_roles_follow_from_the_decisions() -> None:
    named = {"treated": ["A", "B"], "controls": ["C"]}
    assert roles(named, ["D"], []) == {"A": "patrolled", "B": "patrolled", "C": "compared with"}
    others = {"treated": ["planned"], "controls": ["others"]}
    assert roles(others, ["A", "D"], ["A"]) == {"A": "patrolled", "D": "compared with"}
    assert "D" not in roles({"treated": ["A"], "controls": ["matched"]}, ["D"], [])
    trial = {
        "name": "T", "roles": {"A": "patrolled", "C": "compared with"}, "after_from": WEEK, "after_to": WEEK, "registration_sha256": "a",
        "is_before_outcomes": True, "is_exploratory": False, "sentence_counted": "x.", "sentence_follows": "y.",
    }  # fmt: skip
    assert [t.role for t in said_of([trial], ["C", "A"])] == ["patrolled"]
    assert [t.role for t in said_of([trial], ["C"])] == ["compared with"]
    assert said_of([trial], ["D"]) == []


def _count(most: int = 40) -> st.SearchStrategy[int]:
    return st.integers(0, most)


def _or_none(some: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), some)


@st.composite
def any_facts(draw: st.DrawFn) -> WeekFacts:
    by_group = {g: draw(_count(9)) for g in CATEGORY_GROUPS}
    low, high = sorted((draw(_count()), draw(_count())))
    n_13, before = draw(_count(60)), draw(_or_none(_count(60)))
    may = before is not None and min(n_13, before) >= 20
    known = draw(st.booleans())
    week = week_row(
        20, n_events=sum(by_group.values()), mu=draw(st.floats(0, 40)) if known else None, lower_95=low, upper_95=high,
        lower_998=max(low - 2, 0), upper_998=high + 3, run_weeks=draw(st.integers(-12, 12)), cusum=draw(st.floats(0, 6)),
        is_provisional=draw(st.booleans()), settled_low=draw(_or_none(st.just(3.0))), settled_high=8.0, n_first_issue=draw(_or_none(_count())),
        n_settled=draw(_or_none(_count())), n_13=n_13, n_13_before=before, percent_change=100 * (n_13 - before) / before if may else None,
        label=draw(st.sampled_from(["baseline", "short baseline"])),
    )  # fmt: skip
    kinds = [week_row(20, cat_group=g, n_events=n, mu=0.4, upper_998=5) for g, n in by_group.items()]  # fmt: skip
    n_yes, n_no, n_unknown, n_late = (draw(_count(4)) for _ in range(4))
    plan = plan_row("P", WEEK, n_asked=n_yes + n_no + n_unknown + n_late, n_yes=n_yes, n_no=n_no, n_unknown=n_unknown, n_issued_late=n_late)  # fmt: skip
    cover = cover_row("P", WEEK, n_days=draw(st.integers(0, 7)), n_days_one=draw(_count(3)), patrol_ms=draw(_count(10**7)))  # fmt: skip
    areas = [AreaWeek("P", draw(_or_none(st.just("Square"))), draw(st.floats(0.1, 1)), draw(_or_none(st.just(plan))), draw(_or_none(st.just(cover))))]  # fmt: skip
    return WeekFacts("H-a", WEEK, week, kinds, draw(_or_none(st.floats(0, 1))), (), draw(st.booleans()), areas[: draw(_count(1))])  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(any_facts())
def test_whatever_the_rows_are(found: WeekFacts) -> None:
    text = " ".join(words for _, words in week_text(found))
    lower = text.lower()
    assert not [c for c in CLAIMS if c in lower]
    if found.week["percent_change"] is None:
        assert "%" not in text
    # one thing is one, several are several
    assert not re.search(r"\b(one|1) (events|visits|days|minutes|robberies|cases|reports|offences)\b", text)  # fmt: skip
    assert not re.search(r"\b(two|three|four|five|six|seven|eight|nine|ten|[2-9]|\d\d+) (event|visit|day|minute|robbery|case|report) ", text)  # fmt: skip
    assert not re.search(r"None|nan|\bNaT\b|  | \.| ,|\.\.|::", text)
    for _, words in week_text(found):
        assert words.endswith(".") and words[0].isupper()
    assert (found.week["n_events"] == 0) == ("no event was counted" in text)
    n = found.week["n_events"]
    if found.week["mu"] is not None:
        outside = n > found.week["upper_95"] or n < found.week["lower_95"]
        assert ("an ordinary one" in text) != outside
    assert lead(found) and text.startswith(lead(found))


@given(st.integers(0, 10**6))
def test_numbers_count_what_they_say(n: int) -> None:
    assert (how_many(n, "day", "days")[-1] == "s") == (n > 1)
    words = number(n)
    assert words.replace(",", "").isdigit() == (n > 12)


def test_numbers() -> None:
    assert [usual(m) for m in (0.01, 0.3, 0.6, 1.2, 6.4, 14)] == [
        "hardly any", "about one in three weeks", "about one in two weeks", "about one", "about six", "about 14",
    ]  # fmt: skip
    assert [ordinary_range(*r) for r in ((0, 0), (0, 3), (2, 2), (2, 5))] == ["none", "three or fewer", "two", "between two and five"]  # fmt: skip
    assert [part(s) for s in (0.01, 0.34, 0.5, 0.94, 0.96, 0.98)] == [
        "under one in ten", "about three in ten", "about half", "about nine in ten", "about nine in ten", "nearly all",
    ]  # fmt: skip
    assert [long_time(m) for m in (0.2, 1, 45.2, 89, 90, 118, 400)] == [
        "under a minute", "one minute", "45 minutes", "89 minutes", "about one and a half hours", "about two hours", "about six and a half hours",
    ]  # fmt: skip
    assert [listed(x) for x in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]  # fmt: skip


def test_every_group_has_its_words() -> None:
    assert set(GROUPS) == set(CATEGORY_GROUPS)


def test_the_page_holds_every_hotspot_and_escapes() -> None:
    area = AreaWeek("<P1>", None, 0.5, None, None)
    html = render("Fosseshire", [facts(), facts(has_patrols=True, areas=[area])], {"data to": "x & y"})  # fmt: skip
    assert html.count("<h2>H-a, rank 1</h2>") == 2 and "20 October to 26 October 2025" in html
    assert "&lt;P1&gt;" in html and "x &amp; y" in html and "not through disclosure control" in html
    assert WEEK + timedelta(days=6) == date(2025, 10, 26)


def test_marks_and_words_follow_the_signals_of_the_limits() -> None:
    """The stages meet in a text column only, so both sides are held beside each other here."""
    n = [6, 16, *[9] * 9, 2, 0, 6]
    made = pl.DataFrame([week_row(20 + k, n_events=v, lower_998=1) for k, v in enumerate(n)], schema=TYPES)  # fmt: skip
    asked = made.drop("ewma", "ewma_se", "run_weeks", "cusum", "signal").with_columns(
        score=pl.lit(0.1), variance=pl.lit(1.0), step=pl.when(pl.col("n_events") == 9).then(0.5).otherwise(-1.0)
    )  # fmt: skip
    rows = limit_rows._of_series(asked).select(made.columns)
    assert rows["signal"].drop_nulls().len() >= 5
    for row, beyond, drift in zip(rows.to_dicts(), is_beyond(rows), is_drift(rows), strict=True):
        signal = row["signal"] or ""
        text = said("Is that unusual?", facts(row))
        assert beyond == ("99.8 %" in signal) == ("one week in a thousand" in text)
        assert drift == ("eight weeks" in signal or "CUSUM" in signal)
        assert ("in a row" in text) == ("eight weeks" in signal)
        assert ("lasting rise" in text) == ("CUSUM" in signal)
