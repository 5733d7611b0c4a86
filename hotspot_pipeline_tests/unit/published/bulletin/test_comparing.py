"""Which figures are issued: first ones, changed ones, those issued no longer; against a rule for each figure by itself."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from hotspot_pipeline.published.bulletin.comparing import compared
from hotspot_pipeline.published.bulletin.figures import KEY, LastIssue

WEEK = timedelta(days=7)
MONDAYS = [date(2026, 1, 5) + n * WEEK for n in range(5)]
JANUARY = (date(2026, 1, 1), date(2026, 1, 31))
Key = tuple[str, str, str, date, date]
_TYPES = {"figure": pl.String, "place": pl.String, "cat_group": pl.String, "period_from": pl.Date, "period_to": pl.Date}  # fmt: skip


def week(monday: date, place: str = "force") -> Key:
    kind, group = ("force_week", "VAP") if place == "force" else ("hotspot_week", "ALL")
    return (kind, place, group, monday, monday + timedelta(days=6))


def window(hotspot: str, span: tuple[date, date] = JANUARY) -> Key:
    return ("hotspot_window", hotspot, "ALL", *span)


def frame(figures: dict[Key, int], issue: int | None = None) -> pl.DataFrame:
    rows = [(*key, n, *([issue] if issue else [])) for key, n in figures.items()]
    more = {"issue": pl.Int64} if issue else {}
    return pl.DataFrame(rows, schema=_TYPES | {"n_events": pl.Int64} | more, orient="row")


def states(
    now: dict[Key, int], issued: dict[Key, int], last: LastIssue | None
) -> dict[Key, tuple[str, int | None, int | None]]:
    found = compared(frame(now), frame(issued, 7), last)
    assert found.columns == [*KEY, "state", "n_before", "n_now", "is_open", "supersedes"]
    return {tuple(row[:5]): tuple(row[5:8]) for row in found.iter_rows()}  # type: ignore[misc]


def last_of(week_to: date, data_to: date | None = None) -> LastIssue:
    return LastIssue(7, data_to or week_to + timedelta(days=3), week_to, None)


def test_without_an_issue_everything_is_first() -> None:
    now = {week(MONDAYS[0]): 3, window("H"): 0}
    assert states(now, {}, None) == {key: ("first", None, n) for key, n in now.items()}


def test_a_week_that_had_not_ended_is_open() -> None:
    issued = {week(m): 1 for m in MONDAYS[:2]}
    now = {week(m): 2 for m in MONDAYS[:3]}
    last = LastIssue(7, MONDAYS[1] + timedelta(days=5), MONDAYS[1], None)
    found = compared(frame(now), frame(issued, 7), last)
    assert found.select("state", "is_open").rows() == [("changed", False), ("changed", True), ("first", True)]  # fmt: skip
    ended = LastIssue(7, MONDAYS[1] + timedelta(days=6), MONDAYS[1], None)
    assert compared(frame(now), frame(issued, 7), ended)["is_open"].to_list() == [False, False, True]  # fmt: skip


def test_months_follow_their_own_last_one() -> None:
    months = [("force_month", "force", "VAP", date(2026, m, 1), date(2026, m, 28)) for m in (1, 2)]
    last = LastIssue(7, date(2026, 1, 1), None, date(2026, 1, 1))
    assert states({months[0]: 2, months[1]: 5}, {months[0]: 1}, last) == {
        months[0]: ("changed", 1, 2), months[1]: ("first", None, 5)}  # fmt: skip


def test_of_a_feed_known_by_month_nothing_is_open() -> None:
    month = ("force_month", "force", "VAP", *JANUARY)
    last = LastIssue(7, JANUARY[0], None, JANUARY[0])
    found = compared(frame({month: 2, window("H"): 2}), frame({month: 1, window("H"): 1}, 7), last)
    assert found.select("state", "is_open").rows() == [("changed", False)] * 2
    # where weeks are known too, the window ends with its last day
    last = LastIssue(7, date(2026, 1, 30), MONDAYS[3], JANUARY[0])
    found = compared(frame({month: 2, window("H"): 2}), frame({month: 1, window("H"): 1}, 7), last)
    assert found.select("figure", "is_open").rows() == [("force_month", False), ("hotspot_window", True)]  # fmt: skip


values = st.integers(0, 2)
places = st.sets(st.sampled_from(["H-1", "H-2", "H-3"]))
some_weeks = st.dictionaries(st.sampled_from(MONDAYS), values.filter(bool))


@given(data=st.data())
def test_every_figure_by_its_own_rule(data: st.DataObject) -> None:
    week_to = data.draw(st.sampled_from(MONDAYS))
    spans = [JANUARY, (date(2026, 2, 1), date(2026, 2, 28))]

    def drawn(of: set[str], span: tuple[date, date]) -> dict[Key, int]:
        found = {week(m): n for m, n in data.draw(some_weeks).items()}
        for hotspot in sorted(of):
            found[window(hotspot, span)] = data.draw(values)
            found |= {week(m, hotspot): n for m, n in data.draw(some_weeks).items()}
        return found

    then_places, now_places = data.draw(places), data.draw(places)
    issued = {k: n for k, n in drawn(then_places, spans[0]).items() if k[0].endswith("window") or k[3] <= week_to}  # fmt: skip
    now = drawn(now_places, data.draw(st.sampled_from(spans)))
    found = states(now, issued, last_of(week_to))
    for key in {*issued, *now}:
        figure, place, _, start, _ = key
        if figure == "hotspot_window":
            if key not in now:
                expected = ("no_longer", issued[key], None)
            elif key not in issued:
                expected = ("first", None, now[key])
            else:
                expected = ("changed", issued[key], now[key])
        elif place != "force" and place not in now_places:
            expected = None
        elif start > week_to or (place != "force" and place not in then_places):
            expected = ("first", None, now.get(key, 0))
        else:
            expected = ("changed", issued.get(key, 0), now.get(key, 0))
        if expected and expected[0] == "changed" and expected[1] == expected[2]:
            expected = None
        assert found.get(key) == expected, key
    assert set(found) <= {*issued, *now}
