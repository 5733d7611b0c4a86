"""The force's time against zoneinfo, minute by minute, and over every clock change."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotspot_pipeline.timebase import (
    HOURS_IN_WEEK,
    TZ_FLAGS,
    PoliceTime,
    Window,
    monday_of,
)

LONDON = PoliceTime()
# Zones with other rules: clocks at 02:00, half-hour changes, the southern hemisphere, quarter-hour
# offsets, changes at midnight, and no changes at all.
ZONES = [
    "Europe/London",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "America/Havana",
    "Asia/Kathmandu",
    "UTC",
]
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0, sec: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, sec, tzinfo=UTC)


def evaluate(expression: pl.Expr, values: list[datetime | None], zone: str | None) -> list[object]:
    dtype = pl.Datetime("us", zone) if zone else pl.Datetime("us")
    frame = pl.DataFrame({"moment": pl.Series(values, dtype=dtype)})
    result = frame.select(expression)
    assert result.columns == ["moment"]
    return result.to_series().to_list()


def to_utc(police_time: PoliceTime, *local: datetime) -> list[object]:
    return evaluate(police_time.to_utc(pl.col("moment")), list(local), None)


def flags(police_time: PoliceTime, *local: datetime) -> list[object]:
    return evaluate(police_time.tz_flag(pl.col("moment")), list(local), None)


def names(police_time: PoliceTime, *moments: datetime) -> pl.DataFrame:
    frame = pl.DataFrame({"at": pl.Series(moments, dtype=pl.Datetime("us", "UTC"))})
    return frame.select(police_time.names("at"))


# --- local to UTC --------------------------------------------------------------------------------


def test_02_the_autumn_hour_that_comes_twice_is_the_first_and_flagged() -> None:
    night = [datetime(2025, 10, 26, 0, 59), datetime(2025, 10, 26, 1, 0)]
    night += [datetime(2025, 10, 26, 1, 30), datetime(2025, 10, 26, 1, 59, 59)]
    night += [datetime(2025, 10, 26, 2, 0)]
    assert to_utc(LONDON, *night) == [
        utc(2025, 10, 25, 23, 59),
        utc(2025, 10, 26, 0, 0),
        utc(2025, 10, 26, 0, 30),
        utc(2025, 10, 26, 0, 59, 59),
        utc(2025, 10, 26, 2, 0),
    ]
    assert flags(LONDON, *night) == ["ok"] + ["ambiguous_autumn"] * 3 + ["ok"]


def test_02_the_spring_hour_that_is_missing_moves_on_by_one_and_is_flagged() -> None:
    night = [datetime(2025, 3, 30, 0, 59), datetime(2025, 3, 30, 1, 0)]
    night += [datetime(2025, 3, 30, 1, 30), datetime(2025, 3, 30, 2, 0)]
    assert to_utc(LONDON, *night) == [
        utc(2025, 3, 30, 0, 59),
        utc(2025, 3, 30, 1, 0),  # wall clock 02:00
        utc(2025, 3, 30, 1, 30),  # wall clock 02:30
        utc(2025, 3, 30, 1, 0),
    ]
    assert flags(LONDON, *night) == ["ok", "nonexistent_spring", "nonexistent_spring", "ok"]


def test_missing_times_stay_missing() -> None:
    frame = pl.DataFrame({"t": pl.Series([None], dtype=pl.Datetime("us"))})
    found = frame.select(
        LONDON.to_utc(pl.col("t")).alias("utc"), LONDON.tz_flag(pl.col("t")).alias("flag")
    )
    assert found.row(0) == (None, None)
    assert names(LONDON).height == 0
    stamped = pl.DataFrame({"t": pl.Series([None], dtype=pl.Datetime("us", "UTC"))})
    assert set(stamped.select(LONDON.names("t")).row(0)) == {None}


def test_other_precisions_are_taken_and_microseconds_given() -> None:
    frame = pl.DataFrame({"t": [datetime(2025, 7, 1, 12)]}).with_columns(
        pl.col("t").cast(pl.Datetime("ms"))
    )
    found = frame.select(LONDON.to_utc(pl.col("t")))
    assert found.schema["t"] == pl.Datetime("us", "UTC")
    assert found.item() == utc(2025, 7, 1, 11)


def clock_changes(zone: str) -> list[datetime]:
    """The UTC moments of a few years at which a zone's offset changes, to the quarter-hour."""
    info, found = ZoneInfo(zone), []
    for year in (2008, 2016, 2024, 2025):
        day = datetime(year, 1, 1, tzinfo=UTC)
        while day.year == year:
            quarters = [day + k * HOUR / 4 for k in (0, 96)]
            if len({at.astimezone(info).utcoffset() for at in quarters}) > 1:
                offsets = [(day + k * HOUR / 4).astimezone(info).utcoffset() for k in range(97)]
                change = next(k for k in range(1, 97) if offsets[k] != offsets[k - 1])
                found.append(day + change * HOUR / 4)
            day += DAY
    return found


def moments_near_clock_changes(zone: str, *, wall_clock: bool) -> st.SearchStrategy[datetime]:
    """Bare times in any year, half of them within three hours of a clock change.

    `wall_clock`: near the zone's own time of the change, else near the UTC moment.
    """
    info = ZoneInfo(zone)
    anywhere = st.datetimes(datetime(1990, 1, 1), datetime(2036, 12, 31))
    near = [
        (change.astimezone(info) if wall_clock else change).replace(tzinfo=None, fold=0)
        for change in clock_changes(zone)
    ]
    if not near:
        return anywhere
    close = st.builds(
        lambda middle, seconds: middle + timedelta(seconds=seconds),
        st.sampled_from(near),
        st.integers(-10_800, 10_800),
    )
    return st.one_of(anywhere, close)


@pytest.mark.parametrize("zone", ZONES)
def test_local_to_utc_equals_zoneinfo(zone: str) -> None:
    police_time, info = PoliceTime(zone), ZoneInfo(zone)

    @given(st.lists(moments_near_clock_changes(zone, wall_clock=True), min_size=1, max_size=20))
    @settings(max_examples=60, deadline=None)
    def check(local: list[datetime]) -> None:
        # PEP 495: fold 0 is the first of two, and reads a skipped time with the offset before it.
        expected = [at.replace(tzinfo=info, fold=0).astimezone(UTC) for at in local]
        assert to_utc(police_time, *local) == expected
        assert [police_time.instant(at) for at in local] == expected
        for at, first, flag in zip(local, expected, flags(police_time, *local), strict=True):
            second = at.replace(tzinfo=info, fold=1).astimezone(UTC)
            exists = first.astimezone(info).replace(tzinfo=None, fold=0) == at
            truth = "nonexistent_spring" if not exists else "ok" if first == second else None
            assert flag == (truth or "ambiguous_autumn")
            assert flag in TZ_FLAGS

    check()


# --- names of a moment ---------------------------------------------------------------------------


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("hour", [0, 6])
def test_names_equal_zoneinfo_one_by_one(zone: str, hour: int) -> None:
    police_time, info = PoliceTime(zone, hour), ZoneInfo(zone)

    @given(st.lists(moments_near_clock_changes(zone, wall_clock=False), min_size=1, max_size=20))
    @settings(max_examples=40, deadline=None)
    def check(moments: list[datetime]) -> None:
        at = [moment.replace(tzinfo=UTC) for moment in moments]
        found = names(police_time, *at)
        for moment, row in zip(at, found.iter_rows(named=True), strict=True):
            local = moment.astimezone(info).replace(tzinfo=None)
            day = (local - hour * HOUR).date()
            assert row["calendar_date"] == local.date()
            assert row["police_day"] == day == police_time.police_day_of(moment)
            assert row["week_start"] == monday_of(day) == police_time.week_start_of(moment)
            assert row["month"] == local.date().replace(day=1)
            assert row["hour_of_week"] == local.weekday() * 24 + local.hour
            assert row["is_day"] == (6 <= local.hour < 18)

    check()


@pytest.mark.parametrize("zone", ["Europe/London", "America/New_York", "America/Havana"])
def test_a_moment_lies_in_the_windows_it_is_named_after(zone: str) -> None:
    @given(moments_near_clock_changes(zone, wall_clock=False), st.integers(0, 23))
    @settings(max_examples=200, deadline=None)
    def check(moment: datetime, hour: int) -> None:
        police_time = PoliceTime(zone, hour)
        at = moment.replace(tzinfo=UTC)
        row = names(police_time, at).row(0, named=True)
        assert at in police_time.day_window(row["police_day"])
        assert at in police_time.week_window(row["week_start"])
        assert at in police_time.month_window(row["month"])

    check()


def test_01_a_friday_night_belongs_to_friday() -> None:
    # 23:30 Friday to 00:30 Saturday, across the month, and Saturday 02:00 and 05:59.
    friday = date(2025, 1, 31)
    at = [
        utc(2025, 1, 31, 23, 30),
        utc(2025, 2, 1, 0, 30),
        utc(2025, 2, 1, 2),
        utc(2025, 2, 1, 5, 59),
    ]
    found = names(LONDON, *at, utc(2025, 2, 1, 6))
    assert found["police_day"].to_list() == [friday] * 4 + [date(2025, 2, 1)]
    assert found["calendar_date"].to_list() == [friday] + [date(2025, 2, 1)] * 4
    assert found["month"].to_list() == [date(2025, 1, 1)] + [date(2025, 2, 1)] * 4
    assert found["week_start"].unique().to_list() == [date(2025, 1, 27)]


def test_04_across_the_year_the_leap_day_and_a_53_week_year() -> None:
    # 2020 has 53 ISO weeks; its last one runs into 2021.
    at = [
        utc(2020, 12, 31, 23, 30),
        utc(2021, 1, 1, 0, 30),
        utc(2021, 1, 4, 5, 59),
        utc(2021, 1, 4, 6),
    ]
    at += [utc(2024, 2, 29, 12), utc(2024, 3, 1, 5, 59), utc(2024, 3, 1, 6)]
    found = names(LONDON, *at)
    assert found["police_day"].to_list() == [
        date(2020, 12, 31),
        date(2020, 12, 31),
        date(2021, 1, 3),
        date(2021, 1, 4),
        date(2024, 2, 29),
        date(2024, 2, 29),
        date(2024, 3, 1),
    ]
    assert found["week_start"].to_list()[:4] == [date(2020, 12, 28)] * 3 + [date(2021, 1, 4)]
    assert found["month"].to_list()[:2] == [date(2020, 12, 1), date(2021, 1, 1)]


def test_03_a_bank_holiday_monday_night_belongs_to_that_monday() -> None:
    # Monday 25 August 2025, 01:30 on Tuesday morning, clocks an hour ahead of UTC.
    found = names(LONDON, utc(2025, 8, 26, 0, 30)).row(0, named=True)
    assert found["police_day"] == date(2025, 8, 25)
    assert found["calendar_date"] == date(2025, 8, 26)
    assert found["week_start"] == date(2025, 8, 25)


def test_column_types() -> None:
    assert names(LONDON, utc(2025, 1, 1)).schema == {
        "calendar_date": pl.Date,
        "police_day": pl.Date,
        "week_start": pl.Date,
        "month": pl.Date,
        "hour_of_week": pl.Int16,
        "is_day": pl.Boolean,
    }


# --- windows -------------------------------------------------------------------------------------


def test_windows_are_half_open_and_know_their_real_length() -> None:
    spring, autumn = LONDON.day_window(date(2025, 3, 29)), LONDON.day_window(date(2025, 10, 25))
    assert spring == Window(utc(2025, 3, 29, 6), utc(2025, 3, 30, 5))
    assert (spring.elapsed_hours, autumn.elapsed_hours) == (23, 25)
    assert LONDON.week_window(date(2025, 3, 24)).elapsed_hours == 167
    assert LONDON.week_window(date(2025, 10, 20)).elapsed_hours == 169
    assert LONDON.month_window(date(2025, 10, 17)).elapsed_hours == 31 * 24 + 1
    assert spring.start_utc in spring
    assert spring.end_utc not in spring
    column = pl.DataFrame({"at": [spring.start_utc, spring.end_utc]})
    assert column.select(spring.contains(pl.col("at"))).to_series().to_list() == [True, False]


@given(st.dates(date(2000, 1, 1), date(2035, 12, 1)), st.sampled_from(ZONES), st.integers(0, 23))
def test_windows_follow_each_other_without_gap_or_overlap(day: date, zone: str, hour: int) -> None:
    police_time = PoliceTime(zone, hour)
    assert police_time.day_window(day).end_utc == police_time.day_window(day + DAY).start_utc
    week = monday_of(day)
    assert police_time.week_window(week).end_utc == police_time.week_window(week + WEEK).start_utc
    assert police_time.week_window(week) == police_time.window(week, week + WEEK)
    days_of_week = [police_time.day_window(week + k * DAY) for k in range(7)]
    assert sum(w.elapsed_hours for w in days_of_week) == pytest.approx(
        police_time.week_window(week).elapsed_hours
    )
    n_days = calendar.monthrange(day.year, day.month)[1]
    after = day.replace(day=1) + n_days * DAY
    assert police_time.month_window(day).end_utc == police_time.month_window(after).start_utc


def test_a_week_begins_on_a_monday() -> None:
    with pytest.raises(ValueError, match="Wednesday, not a Monday"):
        LONDON.week_window(date(2025, 1, 1))
    with pytest.raises(ValueError, match="not a Monday"):
        LONDON.exposure_hours(date(2025, 1, 1))
    assert monday_of(date(2025, 1, 1)) == date(2024, 12, 30)


# --- what is closed ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now_utc", "day", "week"),
    [
        # Monday 2 June 2025, British Summer Time. 02:30: Sunday's police day is still open.
        (utc(2025, 6, 2, 1, 30), date(2025, 5, 31), date(2025, 5, 19)),
        (utc(2025, 6, 2, 4, 59, 59), date(2025, 5, 31), date(2025, 5, 19)),
        # 06:00 exactly, and the Monday run at 06:05: Sunday and its week are over.
        (utc(2025, 6, 2, 5), date(2025, 6, 1), date(2025, 5, 26)),
        (utc(2025, 6, 2, 5, 5), date(2025, 6, 1), date(2025, 5, 26)),
        # A Tuesday night in winter.
        (utc(2025, 1, 7, 2, 30), date(2025, 1, 5), date(2024, 12, 30)),
    ],
)
def test_last_closed_day_and_week(now_utc: datetime, day: date, week: date) -> None:
    assert LONDON.last_closed_day(now_utc) == day
    assert LONDON.last_closed_week(now_utc) == week


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2035, 12, 31)),
    st.sampled_from(["Europe/London", "America/New_York"]),
    st.integers(0, 23),
)
def test_the_last_closed_is_over_and_the_next_is_not(now: datetime, zone: str, hour: int) -> None:
    police_time, now_utc = PoliceTime(zone, hour), now.replace(tzinfo=UTC)
    day, week = police_time.last_closed_day(now_utc), police_time.last_closed_week(now_utc)
    assert police_time.day_window(day).end_utc <= now_utc
    assert police_time.day_window(day + DAY).end_utc > now_utc
    assert police_time.week_window(week).end_utc <= now_utc
    assert police_time.week_window(week + WEEK).end_utc > now_utc


def test_a_moment_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        LONDON.last_closed_day(datetime(2025, 6, 2, 1, 30))
    with pytest.raises(ValueError, match="time zone already"):
        LONDON.instant(utc(2025, 6, 2))


@pytest.mark.parametrize(("zone", "hour"), [("Europe/Londn", 6), ("", 6), ("../x", 6)])
def test_unknown_zones_are_refused(zone: str, hour: int) -> None:
    with pytest.raises(ValueError, match="IANA"):
        PoliceTime(zone, hour)


@pytest.mark.parametrize("hour", [-1, 24])
def test_impossible_hours_are_refused(hour: int) -> None:
    with pytest.raises(ValueError, match="0 to 23"):
        PoliceTime(day_starts_hour=hour)


# --- exposure ------------------------------------------------------------------------------------


def exposure_minute_by_minute(police_time: PoliceTime, week: date) -> np.ndarray:
    """Count every real minute of the week under its wall-clock hour, by zoneinfo."""
    zone = ZoneInfo(police_time.time_zone)
    window = police_time.week_window(week)
    hours = np.zeros(HOURS_IN_WEEK)
    minute = window.start_utc
    while minute < window.end_utc:
        local = minute.astimezone(zone)
        hours[local.weekday() * 24 + local.hour] += 1
        minute += timedelta(minutes=1)
    return hours / 60


@pytest.mark.parametrize("zone", ZONES)
def test_exposure_equals_a_count_of_minutes_in_every_week_with_a_clock_change(zone: str) -> None:
    police_time, info = PoliceTime(zone), ZoneInfo(zone)
    weeks = []
    for k in range(54):
        week = date(2024, 12, 30) + k * WEEK
        window = police_time.week_window(week)
        ends = window.start_utc.astimezone(info), window.end_utc.astimezone(info)
        if k == 0 or ends[0].utcoffset() != ends[1].utcoffset():
            weeks.append(week)
    assert len(weeks) == (1 if zone in ("UTC", "Asia/Kathmandu") else 3)
    found = police_time.exposure_hours(weeks)
    assert found.shape == (len(weeks), HOURS_IN_WEEK)
    for week, row in zip(weeks, found, strict=True):
        assert row.tolist() == exposure_minute_by_minute(police_time, week).tolist()
        assert row.sum() == police_time.week_window(week).elapsed_hours


def test_the_repeated_hour_has_two_hours_and_the_missing_hour_none() -> None:
    one_on_sunday = 6 * 24 + 1
    autumn, spring = LONDON.exposure_hours([date(2025, 10, 20), date(2025, 3, 24)])
    plain = LONDON.exposure_hours(date(2025, 6, 2))
    assert plain.shape == (HOURS_IN_WEEK,)
    assert (plain == 1).all()
    assert autumn[one_on_sunday] == 2
    assert spring[one_on_sunday] == 0
    assert (np.delete(autumn, one_on_sunday) == 1).all()
    assert (np.delete(spring, one_on_sunday) == 1).all()
    assert LONDON.exposure_hours([]).shape == (0, HOURS_IN_WEEK)


# --- partitions ----------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", ["Europe/London", "America/New_York"])
def test_the_partitions_an_orchestrator_cuts_are_this_modules_days_and_weeks(zone: str) -> None:
    dagster = pytest.importorskip("dagster")
    police_time = PoliceTime(zone)
    now = utc(2025, 12, 1, 2, 30)
    daily = police_time.daily_partition(date(2024, 2, 28))
    days = dagster.DailyPartitionsDefinition(
        start_date=daily.start_date.isoformat(),
        timezone=daily.time_zone,
        hour_offset=daily.hour_offset,
        minute_offset=daily.minute_offset,
    )
    weekly = police_time.weekly_partition(date(2024, 1, 3))
    weeks = dagster.WeeklyPartitionsDefinition(
        start_date=weekly.start_date.isoformat(),
        timezone=weekly.time_zone,
        day_offset=weekly.day_offset,
        hour_offset=weekly.hour_offset,
        minute_offset=weekly.minute_offset,
    )
    day_keys = days.get_partition_keys(current_time=now)
    assert day_keys[:3] == ["2024-02-28", "2024-02-29", "2024-03-01"]
    assert day_keys[-1] == police_time.last_closed_day(now).isoformat()
    for key in day_keys:
        cut = days.time_window_for_partition_key(key)
        assert (cut.start, cut.end) == (
            police_time.day_window(date.fromisoformat(key)).start_utc,
            police_time.day_window(date.fromisoformat(key)).end_utc,
        )
    week_keys = weeks.get_partition_keys(current_time=now)
    assert week_keys[0] == "2024-01-01"
    assert week_keys[-1] == police_time.last_closed_week(now).isoformat()
    for key in week_keys:
        cut = weeks.time_window_for_partition_key(key)
        assert (cut.start, cut.end) == (
            police_time.week_window(date.fromisoformat(key)).start_utc,
            police_time.week_window(date.fromisoformat(key)).end_utc,
        )
