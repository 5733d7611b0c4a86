"""The true effect at a moment against a loop over all visits, and its averages against the twin by Monte Carlo."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from hotspot_pipeline.simulator.counts import count_events
from hotspot_pipeline.simulator.profiles import MODES, Mode
from hotspot_pipeline.simulator.run import found_by_patrols
from hotspot_pipeline.simulator.streams import Streams
from hotspot_pipeline.simulator.trial.effect import MOST_PREVENTED, Effect, dose
from hotspot_pipeline.simulator.trial.frames import VISITS
from hotspot_pipeline_tests.unit.simulator.trial.conftest import PROFILE, Run, ground

DAY = datetime(2026, 3, 2)


def visits_frame(rows: list[tuple[int, datetime, float, str, str]]) -> pl.DataFrame:
    """place, start, minutes, kind, mode"""
    frame = pl.DataFrame(
        [
            {
                "place": place,
                "police_day": (start - timedelta(hours=6)).date(),
                "start_local": start,
                "end_local": start + timedelta(minutes=minutes),
                "kind": kind,
                "mode": mode,
            }
            for place, start, minutes, kind, mode in rows
        ]
    )
    return frame.select(
        (pl.col(n) if n in frame.columns else pl.lit(0).alias(n)).cast(t) for n, t in VISITS.items()
    )


def by_hand(mode: Mode, visits: pl.DataFrame, place: int, at: datetime) -> float:
    """The definition of DOMAIN §8.5, one visit at a time."""
    shares = []
    for f, row in zip(dose(visits), visits.iter_rows(named=True), strict=True):
        if row["place"] != place or at < row["start_local"]:
            continue
        if mode.half_life_h is None:
            end = datetime.combine(row["police_day"], datetime.min.time()) + timedelta(
                days=1, hours=6
            )
            shares.append(mode.delta * f if at < end else 0.0)
        else:
            since = max((at - row["end_local"]).total_seconds(), 0) / 3600
            shares.append(
                mode.delta * f * 0.5 ** (since / mode.half_life_h) if since < mode.cut_h else 0.0
            )
    total = max(shares, default=0.0) if mode.half_life_h is None else sum(shares)
    return float(np.clip(total, -MOST_PREVENTED, MOST_PREVENTED))


@pytest.mark.parametrize("name", MODES)
def test_prevented_share_is_the_sum_over_visits(name: str) -> None:
    rng = np.random.default_rng(5)
    rows = [
        (
            int(rng.integers(0, 3)),
            DAY + timedelta(minutes=int(rng.integers(0, 9 * 1440))),
            float(rng.integers(1, 40)),
            str(rng.choice(["full", "abandoned", "wrong_cell", "pass_through"])),
            "foot",
        )
        for _ in range(60)
    ]
    visits = visits_frame([*rows, rows[0]])
    mode = MODES[name]  # type: ignore[index]
    place = rng.integers(0, 4, 400)
    at = [DAY + timedelta(minutes=int(m)) for m in rng.integers(-1000, 12 * 1440, 400)]
    found = Effect(mode, visits).prevented(place, np.array(at, "datetime64[s]"))
    expected = [by_hand(mode, visits, int(p), t) for p, t in zip(place, at, strict=True)]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert name == "null" or np.abs(expected).max() > 0.05


def test_one_full_visit_halves_after_eighteen_hours_and_ends_after_three_days() -> None:
    visits = visits_frame([(0, DAY + timedelta(hours=9), 15, "full", "foot")])
    effect = Effect(MODES["base"], visits)
    left = DAY + timedelta(hours=9, minutes=15)
    at = [
        left - timedelta(hours=1),
        left,
        left + timedelta(hours=18),
        left + timedelta(hours=71.9),
        left + timedelta(hours=72),
    ]
    found = effect.prevented(np.zeros(5, np.int64), np.array(at, "datetime64[s]"))
    np.testing.assert_allclose(found, [0, 0.20, 0.10, 0.2 * 0.5 ** (71.9 / 18), 0], atol=1e-6)


def test_the_dose_of_short_mistaken_and_driven_visits() -> None:
    rows = [
        (0, DAY, 5.0, "abandoned", "foot"),
        (0, DAY, 30.0, "full", "foot"),
        (0, DAY, 15.0, "full", "vehicle"),
        (0, DAY, 2.0, "pass_through", "vehicle"),
        (0, DAY, 20.0, "wrong_cell", "foot"),
    ]
    np.testing.assert_allclose(dose(visits_frame(rows)), [1 / 3, 1, 0.3, 0, 0])


SEEDS = range(100, 124)
CASES = [
    ("null", "none"),
    ("base", "none"),
    ("base", "diffusion"),
    ("base", "displacement"),
    ("beds", "none"),
    ("strong", "diffusion"),
    ("reversed", "none"),
    ("reversed", "diffusion"),
]


@pytest.mark.slow  # some seconds for each mode and ring
@pytest.mark.parametrize(("mode", "ring"), CASES)
def test_realised_change_is_the_expected_one(run: Run, mode: str, ring: str) -> None:
    """Over seeds, what happened less what would have is the expected difference, in the places and in their rings."""
    rows = []
    for seed in SEEDS:
        found = run(seed, mode=mode, ring=ring)
        treated = found.places.filter(pl.col("arm") == "treat")["place"].implode()
        counts = count_events(PROFILE, found.places, found.deterrable, found.rates)
        # places are chosen for what happened in the selection days, so those are above their rate
        first = PROFILE.start_local + timedelta(days=PROFILE.patrol_day)
        counts = counts.filter(pl.col("bin_start_local") >= first)
        total = counts.filter(pl.col("place").is_in(treated)).group_by("zone").agg(
            realised=(pl.col("n_true") - pl.col("n_without")).sum(),
            expected=(pl.col("expected") - pl.col("expected_without")).sum(),
            n_without=pl.col("n_without").sum(),
            rate=pl.col("expected_without").sum(),
        )  # fmt: skip
        rows.append(total)
    for zone in ("core", "ring"):
        mine = pl.concat(rows).filter(pl.col("zone") == zone)
        for left, right in (("realised", "expected"), ("n_without", "rate")):
            gap = (mine[left] - mine[right]).to_numpy()
            error = gap.std(ddof=1) / np.sqrt(len(gap))
            assert abs(gap.mean()) <= 3.5 * error + 1e-9, (zone, left, gap.mean(), error)
        is_touched = mode != "null" and (zone == "core" or ring != "none")
        assert (mine["realised"].sum() != 0) == is_touched
        assert (np.abs(mine["expected"].to_numpy()).max() > 1e-9) == is_touched


def test_without_effect_the_worlds_are_the_same(run: Run) -> None:
    null, base = run(7, mode="null"), run(7, mode="base")
    for ours, theirs in ((null.crimes, base.crimes), (null.asb, base.asb)):
        assert ours.fate["happens"].all()
        assert ours.happened["event_id"].sort().equals(theirs.fate["event_id"].sort())
    assert null.visits.equals(base.visits)
    assert null.places.equals(base.places)


def test_the_other_kinds_change_nothing(run: Run) -> None:
    """What the level `counts` leaves out leaves the rest as it is: both levels count the same events."""
    small, whole = run(7, mode="base"), run(7, only_deterrable=False, mode="base")
    assert small.places.equals(whole.places)
    assert small.visits.equals(whole.visits)
    counts = [count_events(PROFILE, p.places, p.deterrable, p.rates) for p in (small, whole)]
    assert counts[0].equals(counts[1])
    assert len(whole.crimes.happened) > 2 * len(small.crimes.happened)


def test_patrols_find_weapons_that_no_outcome_may_count(run: Run) -> None:
    """0.2 in 100 patrol minutes, while a visit goes on, where it is."""
    county, premises, _ = ground()
    found, minutes = [], 0.0
    for seed in SEEDS:
        visits = run(seed, mode="base", trial="spells").visits
        mine = found_by_patrols(Streams(seed), county, premises, visits)
        minutes += (visits["end_local"] - visits["start_local"]).dt.total_seconds().sum() / 60
        at = mine["at_local"].to_numpy()
        begin, end, cell = (visits[c].to_numpy() for c in ("start_local", "end_local", "cell"))
        during = (
            (begin <= at[:, None])
            & (at[:, None] < end)
            & (cell == mine["cell"].to_numpy()[:, None])
        )
        assert during.any(axis=1).all()
        found.append(mine)
    weapons = pl.concat(found)
    assert set(weapons["kind"]) == {"weapons"}
    assert not weapons["is_deterrable"].any()
    expected = 0.002 * minutes
    assert len(weapons) == pytest.approx(expected, abs=4 * np.sqrt(expected))
