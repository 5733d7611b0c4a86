"""Aoristic weights: worked examples, a count over seconds, clock changes, and the two forms equal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotspot_pipeline.hot_times.aoristic import (
    WEIGHT_UNIT,
    event_hours,
    event_hours_in_chunks,
    hour_sums,
)
from hotspot_pipeline.timebase import PoliceTime
from hotspot_pipeline_tests.unit.hot_times.made_windows import (
    Window,
    clock_changes,
    events,
    second_by_second,
)

LONDON = PoliceTime()


def bins(frame: pl.DataFrame) -> dict[int, float]:
    summed = frame.group_by("hour_of_week").agg(pl.col("weight").sum())
    return {hour: weight / WEIGHT_UNIT for hour, weight in summed.sort("hour_of_week").rows()}


def of_one(
    start: datetime, end: datetime | None, police_time: PoliceTime = LONDON
) -> dict[int, float]:
    return bins(event_hours(events((start, end)), police_time))


def monday(hour: int, minute: int = 0, day: int = 1) -> datetime:
    """2024-01-01 was a Monday, in winter: London is on UTC."""
    return datetime(2024, 1, day, hour, minute)


# --- worked examples -----------------------------------------------------------------------------


def test_the_worked_examples_of_the_method() -> None:
    assert of_one(monday(1), monday(1)) == {1: 1.0}
    assert of_one(monday(1), None) == {1: 1.0}
    assert of_one(monday(1), monday(1, 30)) == {1: 1.0}
    assert of_one(monday(1), monday(2, 30)) == pytest.approx({1: 2 / 3, 2: 1 / 3}, abs=1e-9)
    assert of_one(monday(1, 50), monday(2, 10)) == {1: 0.5, 2: 0.5}
    long = of_one(monday(10), monday(11, day=2))
    assert long == dict.fromkeys(range(10, 35), 0.04)


def test_a_window_that_ends_on_the_hour_leaves_the_next_hour_alone() -> None:
    assert of_one(monday(13), monday(14)) == {13: 1.0}
    assert of_one(monday(13, 30), monday(15)) == pytest.approx({13: 1 / 3, 14: 2 / 3}, abs=1e-9)


def test_the_week_wraps_from_sunday_to_monday() -> None:
    assert of_one(datetime(2024, 1, 7, 23), datetime(2024, 1, 8, 1)) == {0: 0.5, 167: 0.5}


@pytest.mark.parametrize("is_widened", [False, True])
def test_the_workbook(shared_data: Path, is_widened: bool) -> None:
    """Its rules: over seven days is spread evenly (so here too), and an event of zero length is a
    second long, which to us is the same as a moment; its week starts on Sunday."""
    folder = shared_data / "worked_examples"
    given_ = pl.read_csv(folder / "aoristic_intervals.csv", try_parse_dates=True)
    ends = pl.col("end") + pl.when(pl.col("begin") == pl.col("end")).then(
        pl.duration(seconds=int(is_widened))
    ).otherwise(pl.duration())
    table = given_.select(
        pl.col("id").alias("event_id"),
        pl.lit("window").alias("time_known"),
        pl.col("begin").alias("from_utc"),
        ends.alias("to_utc"),
    )
    no_zone = PoliceTime("Etc/UTC")
    spread = event_hours(table, no_zone, long_window="spread")
    assert spread["weight"].sum() == 11 * WEIGHT_UNIT
    expected = pl.read_csv(folder / "aoristic_expected_weekday_hour.csv")
    theirs = {
        (row["weekday_1sun"] - 2) % 7 * 24 + row["hour_begin"]: row["total"]
        for row in expected.iter_rows(named=True)
    }
    assert bins(spread) == pytest.approx(theirs, abs=1e-6)
    by_hour = pl.read_csv(folder / "aoristic_expected_hour.csv")["total"].to_numpy()
    ours = np.zeros(24)
    for hour, weight in bins(spread).items():
        ours[hour % 24] += weight
    np.testing.assert_allclose(ours, by_hour, atol=1e-6)
    assert event_hours(table, no_zone)["weight"].sum() == 10 * WEIGHT_UNIT


# --- clock changes -------------------------------------------------------------------------------


def test_the_hour_that_autumn_repeats_gets_both_its_hours() -> None:
    """00:30 to 02:30 on the wall clock of 27 October 2024 are three hours."""
    start, end = (
        LONDON.instant(datetime(2024, 10, 27, 0, 30)),
        LONDON.instant(datetime(2024, 10, 27, 2, 30)),
    )
    assert (end - start) == timedelta(hours=3)
    sunday = 6 * 24
    assert of_one(start, end) == pytest.approx(
        {sunday: 1 / 6, sunday + 1: 4 / 6, sunday + 2: 1 / 6}, abs=1e-9
    )
    rows = event_hours(events((start, end)), LONDON)
    assert rows["hour_of_week"].to_list() == [144, 145, 145, 146]
    assert rows["hour_start_utc"].is_unique().all()


def test_the_hour_that_spring_skips_gets_nothing() -> None:
    start, end = (
        LONDON.instant(datetime(2024, 3, 31, 0, 30)),
        LONDON.instant(datetime(2024, 3, 31, 2, 30)),
    )
    assert (end - start) == timedelta(hours=1)
    assert of_one(start, end) == {144: 0.5, 146: 0.5}


def test_24_hours_on_the_wall_clock_are_25_in_autumn_and_of_low_quality() -> None:
    noon = datetime(2024, 10, 26, 12)
    table = events((LONDON.instant(noon), LONDON.instant(noon + timedelta(days=1))))
    assert event_hours(table, LONDON)["temporal_quality"].unique().to_list() == ["low"]
    week_before = noon - timedelta(days=7)
    table = events((LONDON.instant(week_before), LONDON.instant(week_before + timedelta(days=1))))
    assert event_hours(table, LONDON)["temporal_quality"].unique().to_list() == ["good"]


@cache
def changes(zone: str) -> tuple[datetime, ...]:
    return tuple(clock_changes(zone, 2023, 2024))


@st.composite
def windows(draw: st.DrawFn) -> tuple[str, list[Window]]:
    """Windows of up to seven days around clock changes, ends of months and of years, and anywhere."""
    zone = draw(st.sampled_from(["Europe/London", "America/New_York", "Asia/Kolkata"]))
    anywhere = st.datetimes(datetime(2019, 1, 1), datetime(2026, 1, 1)).map(
        lambda t: t.replace(tzinfo=UTC, microsecond=0)
    )
    edges = [datetime(2023, 12, 31, 23, tzinfo=UTC), datetime(2024, 2, 29, tzinfo=UTC)]
    near = st.builds(
        lambda t, s: t + timedelta(seconds=s),
        st.sampled_from([*changes(zone), *edges]),
        st.integers(-4 * 86_400, 7_200),
    )
    length = st.one_of(
        st.integers(1, 7_200), st.integers(1, 168).map(lambda h: h * 3600), st.integers(1, 604_800)
    )
    one = st.builds(lambda t, s: (t, t + timedelta(seconds=s)), st.one_of(near, anywhere), length)
    return zone, draw(st.lists(one, min_size=1, max_size=3))


@settings(max_examples=40)
@given(windows())
def test_weights_equal_a_sum_over_seconds(drawn: tuple[str, list[Window]]) -> None:
    zone, given_ = drawn
    rows = event_hours(events(*given_), PoliceTime(zone))
    per_event = rows.group_by("event_id").agg(pl.col("weight").sum())
    assert sorted(per_event.rows()) == [(n, WEIGHT_UNIT) for n in range(len(given_))]
    for n, (start, end) in enumerate(given_):
        assert end is not None
        ours = np.zeros(168)
        for hour, weight in bins(rows.filter(pl.col("event_id") == n)).items():
            ours[hour] = weight
        np.testing.assert_allclose(ours, second_by_second(start, end, zone), rtol=0, atol=1e-9)


@settings(max_examples=20)
@given(windows(), st.integers(1, 400))
def test_sums_and_chunks_equal_the_rows_to_the_unit(
    drawn: tuple[str, list[Window]], max_rows: int
) -> None:
    zone, given_ = drawn
    table = events(*given_, (given_[0][0], None)).with_columns(place=pl.col("event_id") % 2)
    keys = ("event_id", "place")
    rows = event_hours(table, PoliceTime(zone), keys=keys)
    chunks = list(event_hours_in_chunks(table, PoliceTime(zone), keys=keys, max_rows=max_rows))
    assert pl.concat(chunks).equals(rows)
    assert all(chunk.height <= max(max_rows, 169) for chunk in chunks)
    cell = ["place", "hour_start_utc", "hour_of_week"]
    slow = rows.group_by(cell).agg(pl.col("weight").sum()).sort(cell)
    fast = hour_sums(table, PoliceTime(zone), by=["place"])
    assert fast.select(*cell, "weight").sort(cell).equals(slow)
    police_time = PoliceTime(zone)
    utc = pl.col("hour_start_utc").dt.replace_time_zone("UTC")
    assert (
        fast.select(police_time.week_start(utc)).to_series().to_list()
        == fast["week_start"].to_list()
    )


def test_sums_of_many_groups_do_not_mix(monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups are taken a few at a time; force that here with little room."""
    monkeypatch.setattr("hotspot_pipeline.hot_times.aoristic._SUMS_AT_ONCE", 400)
    rng = np.random.default_rng(5)
    starts = [
        datetime(2024, 3, 29) + timedelta(minutes=int(m)) for m in rng.integers(0, 6_000, 200)
    ]
    table = events(
        *[(t, t + timedelta(minutes=int(m))) for t, m in zip(starts, rng.integers(1, 3_000, 200))]
    )
    table = table.with_columns(
        place=pl.Series([("a", "b", "c", None)[n] for n in rng.integers(0, 4, 200)]),
        kind=pl.col("event_id") % 3,
    )
    cell = ["place", "kind", "hour_start_utc"]
    rows = event_hours(table, LONDON, keys=("place", "kind"))
    slow = rows.group_by(cell).agg(pl.col("weight").sum()).sort(cell)
    fast = hour_sums(table, LONDON, by=("place", "kind"))
    assert fast.select(*cell, "weight").sort(cell).equals(slow)


# --- what gives no hours, and what is refused -------------------------------------------------------


def test_what_has_no_hour_has_no_rows() -> None:
    midnight = datetime(2024, 1, 1)
    for known in ("date_only", "unknown", "month"):
        assert event_hours(events((midnight, None), known=known), LONDON).is_empty()
    week_and_a_second = (midnight, midnight + timedelta(days=7, seconds=1))
    assert event_hours(events(week_and_a_second), LONDON).is_empty()
    assert hour_sums(events(week_and_a_second), LONDON).is_empty()
    by_event = hour_sums(events(week_and_a_second), LONDON, by=["event_id"])
    assert by_event.is_empty() and by_event.columns[0] == "event_id"
    even = event_hours(events(week_and_a_second), LONDON, long_window="spread")
    assert even["hour_of_week"].n_unique() == 168 and even["weight"].sum() == WEIGHT_UNIT
    assert even["weight"].max() - even["weight"].min() <= 168  # units of rounding


def test_columns_that_are_missing_are_named() -> None:
    with pytest.raises(ValueError, match="no column to_utc"):
        event_hours(events().drop("to_utc"), LONDON)


def test_a_clock_that_changes_by_half_an_hour_is_refused() -> None:
    table = events((datetime(2024, 4, 6, 10), datetime(2024, 4, 6, 20)))
    with pytest.raises(ValueError, match="Lord_Howe.*0, 30 minutes past the hour"):
        event_hours(table, PoliceTime("Australia/Lord_Howe"))
