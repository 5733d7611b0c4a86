"""A week as first issued, as settled and as known now; and what a backfill of a very old week finds."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from click import ClickException

from hotspot_pipeline_tests.integration.hand_made import SmallForce, command, crime

WEEK = date(
    2026, 6, 1
)  # it ends on Monday 8 June; its first issue is of the 9th, the settled one of 6 July
TOTALS = (
    "select week_start, n_first_issue, n_settled, n_latest, first_issue_note, settled_note "
    "from published.weekly_issues order by 1"
)


@pytest.mark.slow  # several whole nights
def test_a_week_is_kept_as_issued_and_can_be_asked_for_as_known(small: SmallForce) -> None:
    small.deliver("crime_delta_20260603.csv", crime("A1", "2026-06-02"), crime("A2", "2026-06-03"))
    small.deliver("crime_delta_20260609.csv", crime("A3", "2026-06-05"), crime("OLD", "2024-12-03"))
    small.run()
    assert small.rows(TOTALS)[1:] == [(WEEK, 3, None, 3, None, "not due yet")]
    # a catch-up: the moments are those of the deliveries, not of the run
    small.deliver("crime_delta_20260612.csv", crime("A2", "2026-06-03", status="cancelled"))
    small.deliver("crime_delta_20260706.csv", crime("A4", "2026-06-06"))
    small.deliver("crime_delta_20260707.csv", crime("A5", "2026-06-07"))
    small.run()
    unknown = "history unknown before 2026-06-02"  # midnight in London is on the day before in UTC
    nothing = "nothing was delivered from 2026-06-16 to 2026-06-22"
    assert small.rows(TOTALS) == [
        (date(2024, 12, 2), None, None, 1, unknown, unknown),
        (WEEK, 3, 3, 4, None, None),
    ]
    assert small.rows("select known_at_utc, note from hexes.cuts where week_start = '2026-06-08' and cut = 'first_issue'") == [(None, nothing)]  # fmt: skip
    assert small.rows("select cut, known_at_utc from hexes.cuts where week_start = '2026-06-01' order by 1") == [
        ("first_issue", datetime(2026, 6, 8, 23)), ("settled", datetime(2026, 7, 5, 23)),
    ]  # fmt: skip
    for at, then in (("2026-06-08", 2), ("2026-06-10", 3), ("2026-06-12T12:00", 2), ("2026-07-06", 3), ("2026-07-07", 4)):  # fmt: skip
        answer = command("as-known", "--week", "2026-06-01", "--at", at)
        assert answer["totals"] == [{"cat_group": "VAP", "n_then": then, "n_now": 4}], at
    for arguments, message in (
        (("--week", "2026-06-02", "--at", "2026-06-10"), "is a Tuesday"),
        (("--week", "2026-06-01", "--at", "2026-05-10"), "history is unknown before 2026-06-02 23:00 UTC"),
        (("--week", "2026-06-01", "--at", "noon"), "write 2026-03-02"),
    ):  # fmt: skip
        with pytest.raises((ValueError, ClickException), match=message):
            command("as-known", *arguments)
    before = small.rows("from hexes.cuts order by all")
    assert small.run()["changed"] == []
    assert small.rows("from hexes.cuts order by all") == before


@pytest.mark.slow
def test_10_a_late_report_leaves_the_signed_selection_and_moves_the_latest_counts(
    small: SmallForce,
) -> None:
    """A crime of 18 months ago, in the window in which a hotspot was selected."""
    small.deliver("crime_delta_20260611.csv", *[crime(f"A{n}", "2024-12-10") for n in range(9)])
    small.run()
    (signed,) = command("signoff", "--by", "analyst", "--because", "first selection")["signed"]  # type: ignore[misc]
    small.run()
    hotspot = "select hotspot_id, status, polygon_wkt from hexes.hotspots where status = 'signed'"
    cells = f"select cell from hexes.hotspot_cells where hotspot_id = '{signed}' order by 1"
    selected = (small.rows(hotspot), small.rows(cells))
    assert [row[0] for row in selected[0]] == [signed]
    counted = "select sum(n_events)::int from hexes.crime_weekly where resolution = 9 and week_start = '2024-12-09'"
    assert small.rows(counted) == [(9,)]
    small.deliver(
        "crime_delta_20260612.csv",
        *[crime(f"L{n}", "2024-12-11", easting=436012, northing=262034) for n in range(2)],
        crime("L3", "2024-12-11"),
    )
    small.run()
    assert small.rows(counted) == [(12,)]
    assert (small.rows(hotspot), small.rows(cells)) == selected


@pytest.mark.slow
def test_34_a_backfill_of_a_week_before_all_raw_rows_computes_it_from_what_stands(
    small: SmallForce,
) -> None:
    small.deliver("crime_delta_20260611.csv", crime("A1", "2026-06-02"))
    small.run()
    before = small.rows("from hexes.crime_weekly order by all")
    answer = command("backfill", "--weeks", "2011-01-03..2011-01-10", "--reason", "an old inquiry")
    assert [(t["table_name"], t["n_windows"], t["n_changed"]) for t in answer["tables"]] == [  # type: ignore[union-attr,index,call-overload]
        ("hexes.crime_daily", 14, 0),
        ("hexes.crime_weekly", 2, 0),
        ("hot_times.event_hours", 2, 0),
        ("hot_times.event_nights", 2, 0),
    ]
    assert small.rows("from hexes.crime_weekly order by all") == before
    assert small.rows("select distinct reason from hexes.refreshed_windows where window_start < '2012-01-01'") == [
        ("an old inquiry: asked for by name",),
    ]  # fmt: skip
