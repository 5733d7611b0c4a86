"""Attendances after an assault: how many, which of them the police know, what is usable, and that the truth fits."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from hotspot_pipeline.simulator.profiles import PROFILES
from hotspot_pipeline.simulator.surveys import ed
from hotspot_pipeline_tests.unit.simulator.surveys.conftest import Deliver, Delivered

ED = "ed_attendances"


@pytest.fixture(scope="module")
def attendances(pooled: list[Delivered]) -> pl.DataFrame:
    return pl.concat(
        found.truth.attendances.with_columns(force=k) for k, found in enumerate(pooled)
    )


def test_1400_a_year(pooled: list[Delivered], attendances: pl.DataFrame) -> None:
    years = pooled[0].force.profile.n_days / 365.25
    expected = 1400 * years * len(pooled)
    assert abs(attendances.height - expected) < 3.5 * np.sqrt(expected)


def test_half_is_not_known_to_the_police_and_60_percent_has_a_place(
    attendances: pl.DataFrame,
) -> None:
    n = attendances.height
    assert attendances["event_id"].is_null().mean() == pytest.approx(
        0.50, abs=3.5 * 0.5 / np.sqrt(n)
    )
    assert attendances["is_usable"].mean() == pytest.approx(0.60, abs=3.5 * 0.5 / np.sqrt(n))
    assert (attendances["easting"].is_not_null() == attendances["is_usable"]).all()


def test_a_linked_attendance_is_its_event(
    pooled: list[Delivered], attendances: pl.DataFrame
) -> None:
    events = pooled[0].force.events
    linked = attendances.filter(pl.col("event_id").is_not_null()).join(events, on="event_id")
    assert linked.height == attendances["event_id"].count()
    assert (linked["true_assault_local"] == linked["at_local"]).all()
    assert (linked["true_cell"] == linked["cell"]).all()
    assert (linked["true_easting"] == linked["true_easting_right"]).all()
    assert set(linked["kind"]) == set(ed.TREATED_KINDS)
    assert (
        (linked["assault_location_type"] == "home") == (linked["kind"] == "violence_home")
    ).all()
    assert (
        not attendances.filter(pl.col("event_id").is_not_null())
        .select("force", "event_id")
        .is_duplicated()
        .any()
    )


def test_unknown_assaults_happen_at_the_hours_and_places_of_the_known(
    attendances: pl.DataFrame,
) -> None:
    known = attendances["event_id"].is_not_null()
    away = attendances["assault_location_type"] != "home"
    for column in ("true_easting", "true_northing"):
        a, b = (attendances.filter(mask & away)[column].to_numpy() for mask in (known, ~known))
        assert abs(a.mean() - b.mean()) < 4 * a.std() * np.sqrt(1 / len(a) + 1 / len(b)) + 60
    hour = attendances["true_assault_local"].dt.hour()
    late = (hour >= 22) | (hour < 4)
    assert late.filter(known).mean() == pytest.approx(late.filter(~known).mean(), abs=0.02)


def test_times_are_whole_hours_and_in_order_but_for_the_dirt(
    pooled: list[Delivered], attendances: pl.DataFrame
) -> None:
    assert (attendances["true_assault_local"] <= attendances["true_arrival_local"]).all()
    for column in ("arrival_ts_local", "assault_ts_local"):
        assert (attendances[column].dt.minute().drop_nulls() == 0).all()
        assert (attendances[column].dt.second().drop_nulls() == 0).all()
    after = attendances["assault_ts_local"] > attendances["arrival_ts_local"]
    n = attendances.height
    assert after.sum() / n == pytest.approx(
        ed.ASSAULT_AFTER_ARRIVAL * (1 - ed.NO_ASSAULT_TIME), abs=3.5 * np.sqrt(0.01 / n)
    )
    assert attendances["assault_ts_local"].null_count() / n == pytest.approx(
        0.03, abs=3.5 * np.sqrt(0.03 / n)
    )
    right = attendances.filter(~after)
    assert (
        right["assault_ts_local"].drop_nulls()
        == right.filter(pl.col("assault_ts_local").is_not_null())["true_assault_local"].dt.truncate(
            "1h"
        )
    ).all()
    listed = pooled[0].truth.dirt.filter(pl.col("feed") == ED)
    rows = pooled[0].rows(ED).with_columns(pl.col("line").cast(pl.Int64))
    found = listed.join(rows, on=["file", "line"])
    assert found.height == listed.height > 0
    assert (found["key"] == found["attendance_id"]).all()
    wrong = rows.filter(
        (pl.col("assault_ts_local") == "")
        | (pl.col("assault_ts_local") > pl.col("arrival_ts_local"))
        | (pl.col("assault_method") == "")
    )
    assert set(wrong["attendance_id"]) == set(listed["key"])


def test_places_are_near_the_truth_and_homes_are_never_shared(
    pooled: list[Delivered], attendances: pl.DataFrame
) -> None:
    homes = attendances.filter(pl.col("assault_location_type") == "home")
    assert homes.height > 0
    assert homes["easting"].null_count() == homes.height
    assert set(homes["location_text"]) == {"home"}
    street = attendances.filter(pl.col("geocode_quality") == "street")
    error = np.concatenate(
        [
            (street["easting"] - street["true_easting"]).to_numpy(),
            (street["northing"] - street["true_northing"]).to_numpy(),
        ]
    )
    assert error.std() == pytest.approx(ed.STREET_ERROR_M, rel=0.05)
    venues = pooled[0].force.premises.venues
    named = attendances.filter(pl.col("geocode_quality") == "building").join(
        venues, left_on="location_text", right_on="name", suffix="_venue"
    )
    assert named.height == (attendances["geocode_quality"] == "building").sum()
    # two venues may share a name only if the fixture made them so
    assert (named["easting"] == named["easting_venue"]).all()
    assert (
        np.hypot(
            named["easting"] - named["true_easting"], named["northing"] - named["true_northing"]
        )
        <= 60
    ).all()
    assert (attendances["geocode_quality"] == "none").sum() == (~attendances["is_usable"]).sum()


@pytest.mark.parametrize("name", list(PROFILES))
def test_periods_follow_each_other_without_a_gap(deliver: Deliver, name: str) -> None:
    found, profile = deliver(name), PROFILES[name]
    rows = found.rows(ED)
    periods = rows.select("period_start", "period_end").unique().sort("period_start")
    start = [date.fromisoformat(x) for x in periods["period_start"]]
    end = [date.fromisoformat(x) for x in periods["period_end"]]
    assert start[0] == profile.start
    assert end[-1] == profile.end_local.date()
    assert [b - a for a, b in zip(end, start[1:])] == [timedelta(days=1)] * (len(start) - 1)
    day = rows["arrival_ts_local"].str.slice(0, 10)
    assert ((rows["period_start"] <= day) & (day <= rows["period_end"])).all()
    taken = rows["file"].str.extract(r"(\d{8}T\d{4})")
    assert (taken <= f"{profile.end_local - timedelta(hours=4):%Y%m%dT%H%M}").all()
    assert rows["attendance_id"].is_unique().all()


def test_the_number_goes_with_the_volume(deliver: Deliver) -> None:
    for name in PROFILES:
        profile = PROFILES[name]
        n = deliver(name).rows(ED).height
        expected = 1400 * profile.volume * profile.n_days / 365.25
        assert abs(n - expected) < 4 * np.sqrt(expected)


def test_without_events_nothing_is_linked(deliver: Deliver) -> None:
    found = deliver("demo", 2, events=False)
    attendances = found.truth.attendances
    assert attendances.height > 300
    assert attendances["event_id"].null_count() == attendances.height
    night = attendances["true_assault_local"].dt.hour().is_between(21, 23) | (
        attendances["true_assault_local"].dt.hour() < 3
    )
    assert night.mean() > 0.4  # type: ignore[operator]
    known = found.truth.attendances["is_usable"].mean()
    assert known == pytest.approx(0.6, abs=0.08)
