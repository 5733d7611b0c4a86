"""The tables of hot times put together: what is left out, what is kept to, and that figures are those of the rows."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from hotspot_pipeline.hot_time_rules import HotTimeRules, ShiftTimes
from hotspot_pipeline.hot_times.aoristic import WEIGHT_UNIT, event_hours
from hotspot_pipeline.hot_times.tables import TABLES, Tables, Weeks, hot_time_tables
from hotspot_pipeline.settings import PROJECT_ROOT
from hotspot_pipeline.timebase import PoliceTime
from hotspot_pipeline.timebase.calendar import Calendar

CLOCK = PoliceTime()
FIRST, END = date(2025, 1, 6), date(2026, 1, 5)
RULES = HotTimeRules(
    bootstrap_draws=20,
    shifts=(ShiftTimes("day", "06:00", "18:00"), ShiftTimes("night", "18:00", "06:00")),
)


@pytest.fixture(scope="module")
def calendar() -> Calendar:
    return Calendar.read(CLOCK, PROJECT_ROOT / "data" / "reference", {})


@pytest.fixture(scope="module")
def weeks(calendar: Calendar) -> Weeks:
    """Place `pub` is hot on Saturday nights, `shop` on weekday afternoons, events elsewhere at all hours; some windows of two days,
    some of damage."""
    draw = np.random.default_rng(3)
    start = datetime(2025, 1, 6)
    events = []
    for number in range(2400):
        week = timedelta(weeks=int(draw.integers(0, 52)))
        place = ("pub", "shop", None)[number % 3]
        if place == "pub":
            moment = timedelta(days=5, hours=22) + timedelta(minutes=int(draw.integers(0, 240)))
        elif place == "shop":
            moment = timedelta(days=int(draw.integers(0, 5)), hours=15) + timedelta(
                minutes=int(draw.integers(0, 120))
            )
        else:
            moment = timedelta(minutes=int(draw.integers(0, 7 * 1440)))
        begin = start + week + moment
        long = number % 20 == 0
        events.append(
            {"event_id": f"e{number}", "place": place, "cat_group": "CRIM_DAMAGE" if number % 10 == 0 else "VAP",
             "time_known": "window" if long else "exact", "from_utc": begin, "to_utc": begin + timedelta(hours=48) if long else None}
        )  # fmt: skip
    frame = pl.DataFrame(
        events, schema_overrides={"to_utc": pl.Datetime("us"), "from_utc": pl.Datetime("us")}
    )
    rows = event_hours(frame, CLOCK, keys=("event_id", "place", "cat_group"))
    places = pl.DataFrame(
        {
            "place": ["pub", "shop"],
            "n_venues": [3, 0],
            "dist_nearest_late_m": [0.0, 900.0],
            "share_retail": [0.1, 0.7],
        }
    )
    return Weeks(rows, calendar.hours(FIRST, END), places)


@pytest.fixture(scope="module")
def made(weeks: Weeks) -> Tables:
    return hot_time_tables(weeks, RULES)


def test_every_table_is_made(made: Tables) -> None:
    assert set(made) == set(TABLES)
    assert all(rows.height for rows in made.values())


def test_special_days_are_left_out_with_their_hours(weeks: Weeks, made: Tables) -> None:
    special = weeks.hours.filter(~pl.col("is_ordinary"))
    # bank holidays and their eves, Christmas, New Year's Eve, the named nights
    assert date(2025, 12, 25) in special["police_day"].to_list()
    assert date(2025, 4, 17) in special["police_day"].to_list()
    row = made["hot_times.profiles"].row(
        by_predicate=(pl.col("selection") == "all") & (pl.col("profile_id") == "pub"), named=True
    )
    assert row["exposure_hours"] == weeks.hours.height - special.height
    ordinary = weeks.rows.join(special, on="hour_start_utc", how="anti").filter(
        (pl.col("place") == "pub") & (pl.col("temporal_quality") == "good")
    )
    assert row["weight"] == ordinary["weight"].sum()
    # moments are worth an event each
    assert row["n_effective"] == pytest.approx(ordinary["event_id"].n_unique())
    assert row["weight"] == ordinary["event_id"].n_unique() * WEIGHT_UNIT


def test_windows_keep_to_the_budget_and_hold_what_they_say(weeks: Weeks, made: Tables) -> None:
    windows, sets = made["hot_times.windows"], made["hot_times.window_sets"]
    special = weeks.hours.filter(~pl.col("is_ordinary"))
    for place in ("pub", "shop"):
        mine = windows.filter(pl.col("hotspot_id") == place)
        assert mine["n_hours"].is_between(2, 6).all()
        hours = [
            (s + n) % 168
            for s, k in mine.select("start_hour_of_week", "n_hours").rows()
            for n in range(k)
        ]
        assert len(hours) == len(set(hours)) <= 28
        rows = weeks.rows.join(special, on="hour_start_utc", how="anti").filter(
            (pl.col("place") == place) & (pl.col("temporal_quality") == "good")
        )
        held = rows.filter(pl.col("hour_of_week").is_in(hours))["weight"].sum()
        row = sets.row(by_predicate=pl.col("hotspot_id") == place, named=True)
        assert row["n_hours"] == len(hours)
        assert row["share_captured"] == pytest.approx(held / rows["weight"].sum())
        assert row["share_captured"] > 0.9
        assert row["is_stable"]
    # Saturday 22:00 to Sunday 02:00 is one hot time, of the police day Saturday
    best = windows.row(
        by_predicate=(pl.col("hotspot_id") == "pub") & (pl.col("window_no") == 1), named=True
    )
    assert best["police_weekday"] == 5
    assert best["n_hot_blocks"] > 0
    parts = made["hot_times.window_parts"].join(windows, on=["hotspot_id", "window_no"])
    totals = parts.group_by("hotspot_id", "window_no").agg(
        pl.col("n_minutes").sum(), pl.col("n_hours").first()
    )
    assert (totals["n_minutes"] == 60 * totals["n_hours"]).all()
    assert set(parts["shift"]) == {"day", "night"}


def test_venues_and_hours_together_make_the_link(made: Tables) -> None:
    links = {row["hotspot_id"]: row for row in made["hot_times.night_links"].iter_rows(named=True)}
    assert (links["pub"]["nte_linked"], links["pub"]["cluster"]) == (True, "town_centre_night")
    assert (links["shop"]["nte_linked"], links["shop"]["cluster"]) == (False, "retail")
    assert links["pub"]["share_core_nte"] > 0.9


def test_the_selections_hold_what_they_are_named_for(weeks: Weeks, made: Tables) -> None:
    force = made["hot_times.profiles"].filter(pl.col("level") == "force")
    weight = dict(force.select("selection", "weight").iter_rows())
    assert weight["without_damage"] < weight["all"] < weight["with_long_windows"]
    n_hot = dict(force.select("selection", "n_hot_blocks").iter_rows())
    assert n_hot["with_long_windows"] is None and n_hot["all"] > 0
    bins = made["hot_times.profile_bins"]
    assert bins.group_by("selection", "profile_id").len()["len"].unique().to_list() == [56 + 168]
    assert bins.filter(pl.col("selection") == "with_long_windows")["is_hot"].is_null().all()


def test_the_strength_that_is_used_is_said(weeks: Weeks, made: Tables) -> None:
    scores = made["hot_times.strength_scores"]
    used = scores.filter("is_used")
    assert used.height == 1
    assert used["log_score"][0] == scores.filter(pl.col("method") == "shrunk")["log_score"].max()
    fixed = hot_time_tables(weeks, HotTimeRules(prior_strength=77, bootstrap_draws=0))
    profiles = fixed["hot_times.profiles"].filter(pl.col("level") == "hotspot")
    assert set(profiles["prior_strength"]) == {77.0}


def test_without_hours_there_is_nothing(weeks: Weeks) -> None:
    empty = hot_time_tables(Weeks(weeks.rows.clear(), weeks.hours, weeks.places), RULES)
    assert set(empty) == set(TABLES)
    assert all(rows.is_empty() for rows in empty.values())


def test_nights_of_events_outside_the_table_of_holidays_are_by_weekday_alone(
    calendar: Calendar,
) -> None:
    hours = pl.DataFrame(
        {"hour_start_utc": [datetime(2035, 12, 31, 22), datetime(2025, 12, 31, 22), datetime(2026, 1, 3, 22)],
         "hour_of_week": [22, 2 * 24 + 22, 5 * 24 + 22]},
        schema_overrides={"hour_start_utc": pl.Datetime("us"), "hour_of_week": pl.Int16},
    )  # fmt: skip
    # New Year's Eve of a year that the table does not know; one that it knows; a Saturday
    assert calendar.nights_of(hours)["in_core_nte"].to_list() == [False, True, True]
