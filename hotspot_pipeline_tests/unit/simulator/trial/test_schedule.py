"""Places, plan and visits have the shares that DOMAIN §8.4 gives."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from hotspot_pipeline.simulator.profiles import PROFILES
from hotspot_pipeline.simulator.streams import Streams
from hotspot_pipeline.simulator.trial.places import KNOWN_AFTER_DAYS, Zones
from hotspot_pipeline.simulator.trial.schedule import CONTROL, NA, TREAT, day_arms, is_hot
from hotspot_pipeline_tests.unit.simulator.trial.conftest import PROFILE, Run, ground

SEEDS = range(100, 112)


def test_ops_days_are_by_lot_for_three_in_ten() -> None:
    arms = day_arms(np.random.default_rng(1), 200, 365, "ops")
    share = [(arms == k).mean() for k in (NA, TREAT, CONTROL)]
    np.testing.assert_allclose(share, [0.70, 0.15, 0.15], atol=0.005)


def test_spells_are_one_two_four_or_eight_days_and_half_the_days_off() -> None:
    arms = day_arms(np.random.default_rng(1), 300, 365, "spells")
    assert set(np.unique(arms)) == {TREAT, CONTROL}
    np.testing.assert_allclose((arms == TREAT).mean(), 0.5, atol=0.02)
    lengths = []
    for row in arms:
        change = np.flatnonzero(np.diff(row)) + 1
        lengths += np.diff(change).tolist()
    values, counts = np.unique(lengths, return_counts=True)
    assert set(values) == {1, 2, 4, 8}
    np.testing.assert_allclose(counts / counts.sum(), 0.25, atol=0.02)


def test_paired_places_are_the_top_ranks_apart_from_each_other(run: Run) -> None:
    found = run(100, mode="base")
    places = found.places
    assert len(places) == 2 * PROFILE.n_pairs
    by_pair = places.group_by("pair").agg(pl.col("arm").sort(), pl.col("rank").sort())
    assert by_pair["arm"].to_list() == [["control", "treat"]] * PROFILE.n_pairs
    assert all(b - a == 1 for a, b in by_pair["rank"].to_list())
    county, premises, _ = ground()
    i, j = county.pairs
    chosen = places["cell"].to_numpy()
    assert not (np.isin(i, chosen) & np.isin(j, chosen)).any()
    sites = county.cell_positions(
        *(premises.excluded_sites[c].cast(pl.Float64).to_numpy() for c in ("easting", "northing"))
    )
    assert not np.isin(chosen, sites).any()


def test_ranked_controls_rank_below_the_treated(run: Run) -> None:
    places = run(100, mode="base", controls="ranked").places
    assert (
        places.filter(pl.col("arm") == "treat")["rank"].max()
        < places.filter(pl.col("arm") == "control")["rank"].min()
    )  # type: ignore[operator]


def test_places_are_chosen_on_what_was_known_in_time(run: Run) -> None:
    """The rank follows the records of the selection days, not those of the patrol days."""
    found = run(100, mode="base")
    zones = Zones(found.places)
    last = PROFILE.start_local + timedelta(days=PROFILE.selection_days)
    events = found.deterrable.happened.filter(
        pl.col("is_deterrable")
        & (pl.col("at_local") < last)
        & (pl.col("recorded_ts_local") < last + timedelta(days=KNOWN_AFTER_DAYS))
        & pl.col("easting").is_not_null()
    )
    place, zone = zones.of_points(
        *(events[c].cast(pl.Float64).to_numpy() for c in ("easting", "northing"))
    )
    count = np.bincount(place[zone == 0], minlength=len(found.places))
    # a point on an edge can fall on either side
    assert (np.diff(count) <= 1).all()
    assert count[0] > 2 * count[-1] or count[-1] > 5


@pytest.mark.parametrize("trial", ["ops", "spells"])
def test_visits_have_the_shares_of_delivery(run: Run, trial: str) -> None:
    runs = [run(seed, mode="base", trial=trial) for seed in SEEDS]
    plan = pl.concat([r.plan for r in runs]).filter(pl.col("arm") != "control")
    visits = pl.concat([r.visits for r in runs])
    # spike days take 2 % of all away, and visits after the end of the day a little
    assert len(visits) / len(plan) == pytest.approx(0.78, rel=0.05)
    by_day = (
        visits.join(plan.unique("plan_id"), on="plan_id", how="left")
        .group_by(weekend=pl.col("police_day").dt.weekday().is_in([5, 6]))
        .len()
        .sort("weekend")["len"]
    )
    planned = (
        plan.group_by(weekend=pl.col("police_day").dt.weekday().is_in([5, 6]))
        .len()
        .sort("weekend")["len"]
    )
    assert (by_day / planned).to_list() == pytest.approx([0.82, 0.70], rel=0.07)
    share = dict(visits["kind"].value_counts(normalize=True).iter_rows())
    expected = {"wrong_cell": 0.12, "pass_through": 0.08, "abandoned": 0.06, "full": 0.74}
    for kind, p in expected.items():
        assert share[kind] == pytest.approx(p, abs=4 * np.sqrt(p * (1 - p) / len(visits)))
    full = visits.filter(pl.col("kind") == "full")
    minutes = (full["end_local"] - full["start_local"]).dt.total_seconds() / 60
    assert minutes.mean() == pytest.approx(15.5, rel=0.02)
    assert minutes.std() == pytest.approx(5.0, rel=0.10)


def test_plan_has_its_share_in_hot_hours(run: Run) -> None:
    plan = pl.concat([run(seed, mode="base").plan for seed in SEEDS]).filter(
        pl.col("arm") != "control"
    )
    day = plan["police_day"].to_numpy().astype("datetime64[D]")
    begin = plan["window_start_local"].to_numpy().astype("datetime64[h]")
    hours = (begin - day.astype("datetime64[h]")).astype(np.int64) - 6
    assert is_hot(day, hours).mean() == pytest.approx(0.70, rel=0.05)


def test_no_crew_is_in_two_places_at_once(run: Run) -> None:
    visits = run(100, mode="base", trial="spells").visits.sort("police_day", "crew", "start_local")
    gap = visits.with_columns(
        gap=pl.col("start_local") - pl.col("end_local").shift(1).over("police_day", "crew")
    )["gap"].drop_nulls()
    assert len(gap) > 50
    assert gap.dt.total_seconds().min() >= 600  # type: ignore[operator]


def test_visits_lie_in_their_police_day(run: Run) -> None:
    visits = run(100, mode="base").visits
    begins = visits["police_day"].cast(pl.Datetime("us")).dt.offset_by("6h")
    assert (visits["start_local"] >= begins).all()
    assert (visits["end_local"] <= begins.dt.offset_by("1d")).all()
    wrong = visits.filter(pl.col("kind") == "wrong_cell")
    cells = run(100, mode="base").places["cell"].gather(wrong["place"])
    assert len(wrong) > 0 and (wrong["cell"] != cells).all()


def test_streams_are_named_not_numbered() -> None:
    a, b = Streams(3), Streams(3)
    b("something else").uniform()
    assert a("events", "asb").uniform() == b("events", "asb").uniform()
    assert a("events", 1).uniform() != a("events", 2).uniform()
    assert Streams(4)("events", "asb").uniform() != a("events", "asb").uniform()


def test_profiles_are_in_order() -> None:
    for profile in PROFILES.values():
        assert profile.start.weekday() == 0
        assert 0 < profile.selection_days < profile.patrol_day < profile.n_days
        assert all(0 <= day < profile.n_days for day in profile.shocks.values())
