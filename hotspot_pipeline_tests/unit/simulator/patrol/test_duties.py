"""Duty records: the devices of the day, with the oddities that the pipeline must bear."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from hotspot_pipeline.simulator.patrol.days import PatrolDay, PatrolForce
from hotspot_pipeline.simulator.patrol.duties import on_duty
from hotspot_pipeline.simulator.patrol.pools import VEHICLE, make_pools
from hotspot_pipeline.simulator.patrol.stops import Unit
from hotspot_pipeline.simulator.patrol.times import shift_times, utc_seconds


def test_about_as_many_devices_are_on_duty_as_the_profile_says(
    force: PatrolForce, days: list[PatrolDay]
) -> None:
    on_duty_devices = [len(np.unique(day.carried.device)) for day in days]
    assert np.mean(on_duty_devices) == pytest.approx(force.profile.n_devices, rel=0.15)


def test_each_crew_member_has_a_handheld_and_each_car_its_tracker(days: list[PatrolDay]) -> None:
    for day in days:
        for (unit,), rows in day.duties.group_by("unit"):
            kind = day.units[unit]  # type: ignore[index]
            cars = rows.filter(pl.col("device_type") == "vehicle")
            assert len(cars) == kind.has_vehicle
            assert cars["officer"].null_count() == len(cars)
            assert rows.filter(pl.col("officer").is_null()).equals(cars)
            officers = (
                rows.filter(pl.col("device_type") != "vehicle")["officer"].n_unique()
                if len(rows) > len(cars)
                else 0
            )
            assert kind.n_persons <= officers <= kind.n_persons + 2
            assert rows["crew_id"].n_unique() == rows["deployment"].n_unique() == 1
            assert (rows["crew"] >= 0).all() == (rows["deployment"][0] == "hotspot_funded")


def test_duties_cover_the_visits_of_their_crew(days: list[PatrolDay]) -> None:
    for day in days:
        start = utc_seconds(day.visits["start_local"]) if len(day.visits) else []
        for visit, at in enumerate(start):
            unit = day.units[day.crew_of[visit]]
            assert unit.kind == "crew"
            assert unit.start < at < unit.end


def test_a_crew_makes_one_visit_at_a_time_with_time_to_drive(days: list[PatrolDay]) -> None:
    for day in days:
        rows = day.visits.with_columns(unit=pl.Series(day.crew_of)).sort("unit", "start_local")
        gap = (rows["start_local"] - rows["end_local"].shift(1)).dt.total_seconds()
        same = rows["unit"] == rows["unit"].shift(1)
        assert (
            gap.filter(same.fill_null(value=False)).min() is None or gap.filter(same).min() >= 120
        )  # type: ignore[operator]


UNITS = 40


def _many(seed: int) -> tuple[list[pl.DataFrame], dict[str, int], int]:
    """Duties of many days with forty units, their oddities, and how many had an officer."""
    day = date(2026, 6, 1)
    pools = make_pools(np.random.default_rng(seed), 2 * UNITS, UNITS, UNITS)
    frames, odd, n = [], {"device_shared": 0, "two_devices": 0, "hand_over": 0}, 0
    for k in range(40):
        today = day + timedelta(days=k)
        units = []
        for u in range(UNITS):
            start, end = shift_times(today, *((7, 17), (14, 24), (21, 31))[u % 3])
            kind = "response" if u % 2 else "npt"
            units.append(Unit(kind, start, end, 0, 2 if u % 2 else 1, bool(u % 2)))  # type: ignore[arg-type]
        frame, _, found = on_duty(np.random.default_rng((seed, k)), pools, today, k, units)
        frames.append(frame)
        n += sum(u.n_persons for u in units)
        for name in odd:
            odd[name] += found[name]
    return frames, odd, n


def test_oddities_come_at_their_rates_and_are_what_they_are_called() -> None:
    frames, odd, n = _many(1)
    for name in ("two_devices", "hand_over"):
        assert odd[name] / n == pytest.approx(0.012, rel=0.5)
    assert odd["device_shared"] > 3  # only handhelds of early duties can be handed on
    shared = two = handed = 0
    for frame in frames:
        people = frame.filter(pl.col("officer").is_not_null())
        two += (
            people.group_by("officer").agg(pl.col("device_id").n_unique())["device_id"] == 2
        ).sum()
        by_device = people.sort("device_id", "start_local").with_columns(
            before=pl.col("officer").shift(1).over("device_id"), ended=pl.col("end_local").shift(1).over("device_id"),
            crew_before=pl.col("crew_id").shift(1).over("device_id"),
        ).filter(pl.col("before").is_not_null())  # fmt: skip
        assert (by_device["before"] != by_device["officer"]).all()
        same_crew = by_device["crew_before"] == by_device["crew_id"]
        handed += int(same_crew.sum())
        shared += int((~same_crew).sum())
        assert (by_device["ended"] == by_device["start_local"]).filter(same_crew).all()
        assert (by_device["ended"] <= by_device["start_local"]).all()
    assert (shared, two, handed) == (odd["device_shared"], odd["two_devices"], odd["hand_over"])


def test_a_duty_is_known_when_booked_on_or_when_it_ended_early() -> None:
    frames, _, _ = _many(2)
    rows = pl.concat(frames)
    known = rows["known_utc"] - 600
    start, end = (pl.Series(utc_seconds(rows[c])) for c in ("start_local", "end_local"))
    assert ((known == start) | (known == end)).all()
    assert 0 < (known == end).sum() < 0.03 * len(rows)


def test_pools_hold_each_identifier_once_and_a_car_has_no_officer() -> None:
    pools = make_pools(np.random.default_rng(3), 60, 30, 30)
    assert len(set(pools.device_id)) == len(pools.device_id)
    assert len(set(pools.officer)) == len(pools.officer)
    assert (pools.device_type == VEHICLE).sum() >= 2 * 30
    assert set(pools.devices(VEHICLE, 0)).isdisjoint(pools.devices(VEHICLE, 1))
    assert set(pools.role[: pools.n_regular]) == {"police_officer"}
    assert set(pools.role) == {"police_officer", "pcso", "special", "warden"}
