"""Which weekly cuts fall due, and as of which moment."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hotspot_pipeline.hexes.cuts import Cut, due_cuts
from hotspot_pipeline.timebase import PoliceTime

CLOCK = PoliceTime()
MONDAY = date(2026, 1, 5)  # the week ends on Monday 12 January, 06:00


def nightly(first: date, n: int, hour: int = 2) -> list[datetime]:
    return [
        datetime(first.year, first.month, first.day, hour) + timedelta(days=d) for d in range(n)
    ]


def cut_of(found: list[Cut], week: date, cut: str) -> Cut | None:
    return next((c for c in found if (c.week_start, c.cut) == (week, cut)), None)


def test_first_issue_is_tuesday_night_and_settled_28_days_after_the_week() -> None:
    found = due_cuts({"crime": nightly(date(2025, 12, 1), 90)}, set(), CLOCK)
    first, settled = cut_of(found, MONDAY, "first_issue"), cut_of(found, MONDAY, "settled")
    assert first == Cut(MONDAY, "first_issue", datetime(2026, 1, 13, 2), "")
    assert settled == Cut(MONDAY, "settled", datetime(2026, 2, 9, 2), "")
    # the newest delivery is of 28 February: its Tuesday week is due, the next is not
    assert cut_of(found, date(2026, 2, 16), "first_issue")
    assert cut_of(found, date(2026, 2, 23), "first_issue") is None


def test_in_summer_a_day_begins_at_local_midnight() -> None:
    week = date(2026, 6, 1)
    times = [datetime(2026, 6, 1, 2), datetime(2026, 6, 8, 23, 30), datetime(2026, 6, 9, 2)]
    # 23:30 UTC on Monday is 00:30 on Tuesday in London
    found = due_cuts({"crime": times}, set(), CLOCK)
    assert cut_of(found, week, "first_issue") == Cut(week, "first_issue", times[1], "")


def test_weeks_before_the_first_delivery_have_no_cuts() -> None:
    found = due_cuts({"crime": nightly(date(2026, 1, 20), 40)}, set(), CLOCK)
    # a week whose first issue would have been more than 7 days before the first delivery
    assert cut_of(found, date(2025, 12, 29), "first_issue") is None
    assert cut_of(found, MONDAY, "first_issue") is None
    # within 7 days it is taken, as of what came first
    assert cut_of(found, date(2026, 1, 12), "first_issue") == Cut(
        date(2026, 1, 12), "first_issue", datetime(2026, 1, 20, 2), ""
    )


def test_a_failed_night_makes_a_cut_later_and_a_week_without_any_says_so() -> None:
    times = [t for t in nightly(date(2025, 12, 1), 90) if t.date() not in {date(2026, 1, 13)}]
    found = due_cuts({"crime": times}, set(), CLOCK)
    assert cut_of(found, MONDAY, "first_issue") == Cut(
        MONDAY, "first_issue", datetime(2026, 1, 14, 2), ""
    )
    gap = [t for t in times if not date(2026, 1, 13) <= t.date() < date(2026, 1, 20)]
    found = due_cuts({"crime": gap}, set(), CLOCK)
    missing = cut_of(found, MONDAY, "first_issue")
    assert missing == Cut(
        MONDAY, "first_issue", None, "nothing was delivered from 2026-01-13 to 2026-01-19"
    )


def test_a_feed_is_waited_for_seven_days_and_no_longer() -> None:
    crime = nightly(date(2025, 12, 1), 50)  # to 19 January
    asb = [t for t in nightly(date(2025, 12, 1), 50, hour=3) if t.date() < date(2026, 1, 13)]
    assert (
        cut_of(due_cuts({"crime": crime, "asb": asb}, set(), CLOCK), MONDAY, "first_issue") is None
    )
    came = [*asb, datetime(2026, 1, 16, 3)]
    found = due_cuts({"crime": crime, "asb": came}, set(), CLOCK)
    assert cut_of(found, MONDAY, "first_issue") == Cut(
        MONDAY, "first_issue", datetime(2026, 1, 16, 3), ""
    )
    crime = nightly(date(2025, 12, 1), 52)
    found = due_cuts({"crime": crime, "asb": asb}, set(), CLOCK)
    assert cut_of(found, MONDAY, "first_issue") == Cut(
        MONDAY, "first_issue", datetime(2026, 1, 13, 2), "asb did not deliver within 7 days"
    )


def test_a_feed_that_ended_long_ago_is_not_waited_for() -> None:
    crime, asb = nightly(date(2025, 11, 1), 80), nightly(date(2025, 11, 1), 20)
    found = due_cuts({"crime": crime, "asb": asb}, set(), CLOCK)
    assert cut_of(found, MONDAY, "first_issue") == Cut(
        MONDAY, "first_issue", datetime(2026, 1, 13, 2), ""
    )


def test_what_was_taken_is_not_taken_again() -> None:
    deliveries = {"crime": nightly(date(2025, 12, 1), 90)}
    everything = due_cuts(deliveries, set(), CLOCK)
    taken = {(c.week_start, c.cut) for c in everything}
    assert due_cuts(deliveries, taken, CLOCK) == []
    assert due_cuts({}, set(), CLOCK) == []


@given(
    st.lists(
        st.lists(st.integers(0, 120), min_size=1, max_size=60, unique=True), min_size=1, max_size=3
    ),
    st.sets(st.integers(1, 119), max_size=6),
)
def test_a_catch_up_gives_what_the_single_nights_would_have_given(
    nights: list[list[int]], stops: set[int]
) -> None:
    start = datetime(2026, 2, 20, 2)
    deliveries = {
        f"feed{n}": [start + timedelta(days=d, minutes=n) for d in sorted(days)]
        for n, days in enumerate(nights)
    }
    taken: dict[tuple[date, str], Cut] = {}
    for stop in [*sorted(stops), 121]:
        until = start + timedelta(days=stop, hours=-1)
        so_far = {f: [t for t in times if t < until] for f, times in deliveries.items()}
        for cut in due_cuts(so_far, taken.keys(), CLOCK):
            taken[cut.week_start, cut.cut] = cut
    at_once = {(c.week_start, c.cut): c for c in due_cuts(deliveries, set(), CLOCK)}
    assert taken == at_once
