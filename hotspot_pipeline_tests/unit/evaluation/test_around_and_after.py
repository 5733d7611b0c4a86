"""Rings, the Koper curve and matching: overlaps counted by hand, Kaplan-Meier and balance by other programs."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import optimize
from statsmodels.duration.survfunc import SurvfuncRight

from hotspot_pipeline.evaluation.koper import kaplan_meier, koper_curve, koper_rates
from hotspot_pipeline.evaluation.matching import FAMILIES, balance, match
from hotspot_pipeline.evaluation.place_counts import PlaceCounts
from hotspot_pipeline.evaluation.rings import ring_effect, separate


def test_19_every_ring_cell_is_kept_once_or_removed_with_a_reason() -> None:
    places = pl.DataFrame(
        {"place": ["T1", "T2", "C1", "C2"], "cell": [1, 2, 3, 4], "is_treated": [True, True, False, False]}
    )  # fmt: skip
    around = pl.DataFrame(
        {
            "place": ["T1", "T1", "T1", "T2", "T2", "C1", "C1", "C1", "C2", "T1"],
            "ring": [1, 1, 2, 1, 2, 1, 1, 2, 1, 2],
            "cell": [10, 11, 12, 11, 3, 12, 20, 21, 21, 10],
        }
    )
    found = separate(around, places)
    assert found.kept.rows() == [("T1", 1, 10), ("C1", 1, 20), ("C2", 1, 21)]
    assert found.removed.rows() == [
        ("T1", 1, 11, "around a treated place and another"),
        ("T1", 2, 12, "around a treated place and another"),
        ("T2", 1, 11, "around a treated place and another"),
        ("T2", 2, 3, "belongs to a place"),
        ("C1", 1, 12, "around a treated place and another"),
        ("C1", 2, 21, "around another control"),
        ("T1", 2, 10, "in an inner ring of the same place"),
    ]
    assert len(found.kept) + found.n_removed == len(around)
    with pytest.raises(ValueError, match="place X has a ring but is no place"):
        separate(around.with_columns(place=pl.lit("X")), places)


def test_a_ring_has_its_ratio_and_adds_to_the_places() -> None:
    t = np.array([True, True, False, False])
    places = PlaceCounts(np.array([50, 60, 55, 50]), np.array([30, 45, 50, 52]), t)
    around = PlaceCounts(np.array([80, 90, 85, 70]), np.array([95, 99, 80, 75]), t)
    found = ring_effect(1, places, around, 7)
    assert found.ratio.value == pytest.approx(np.log(194 / 170) - np.log(155 / 155))
    assert found.net.value == pytest.approx((75 - 110) - (102 - 105) + (194 - 170) - (155 - 155))
    assert "7 cells" in found.ratio.guards[-1].reason


def test_kaplan_meier_is_that_of_statsmodels() -> None:
    rng = np.random.default_rng(1)
    time = np.minimum(rng.integers(1, 60, 80).astype(float), 40)
    is_event = (rng.random(80) < 0.6) & (time < 40)
    other = SurvfuncRight(time, is_event.astype(int))
    for at, share, error in zip(other.surv_times, other.surv_prob, other.surv_prob_se, strict=True):
        assert kaplan_meier(time, is_event, at) == pytest.approx((share, error), abs=1e-12)


def test_koper_curve_counts_from_departure_to_the_next_event_or_visit() -> None:
    visits = pl.DataFrame(
        {
            "place": [0, 0, 1, 1],
            "begin_s": [0, 5000, 0, 20_000],
            "end_s": [720, 5720, 240, 20_600],
            "is_excluded": [False, False, False, True],
        }
    )
    events = pl.DataFrame({"place": [0, 0, 1], "at_s": [600, 5720 + 900, 240 + 8000]})
    found = koper_curve(visits, events)
    twelve = found.filter(pl.col("band") == "10-16 min")
    assert twelve["n_visits"].unique().to_list() == [2]
    # the first visit is ended by the second after 71 minutes, the second by an event after 15
    assert twelve["n_events"].unique().to_list() == [1]
    assert twelve.filter(pl.col("minutes") == 10)["share_quiet"].item() == 1.0
    assert twelve.filter(pl.col("minutes") == 20)["share_quiet"].item() == 0.5
    assert twelve.filter(pl.col("minutes") == 80)["n_at_risk"].item() == 0
    four = found.filter(pl.col("band") == "3-6 min")
    # the event comes after 133 minutes, past the end of watching
    assert four["n_events"].unique().to_list() == [0]
    assert found.filter(pl.col("band") == "10-16 min")["n_excluded"].unique().to_list() == [1]


def test_koper_rates_are_events_by_hours_watched() -> None:
    visits = pl.DataFrame(
        {"place": [0, 0, 1, 1], "begin_s": [0, 5000, 0, 20_000], "end_s": [720, 5720, 240, 20_600], "is_excluded": [False, False, False, True]}
    )  # fmt: skip
    events = pl.DataFrame({"place": [0, 0, 1], "at_s": [600, 5720 + 900, 240 + 8000]})
    rows = {r["from_minutes"]: r for r in koper_rates(visits, events).iter_rows(named=True)}
    # two visits of twelve minutes: one watched until the next begins, one until its event; one of four, watched for two hours
    hours = (5000 - 720 + 900) / 3600
    assert rows[10]["hours"] == pytest.approx(hours) and rows[10]["events_per_hour"] == pytest.approx(1 / hours)  # fmt: skip
    assert (rows[10]["n_visits"], rows[10]["n_excluded"], rows[10]["to_minutes"]) == (2, 1, 16.0)
    # the exact interval of one event: 0.0253 to 5.5716
    assert (rows[10]["low"] * hours, rows[10]["high"] * hours) == pytest.approx((0.0253178, 5.5716434), abs=1e-6)  # fmt: skip
    assert (rows[3]["n_events"], rows[3]["low"], rows[3]["hours"]) == (0, 0.0, 2.0)
    assert rows[3]["high"] * 2 == pytest.approx(3.6888795, abs=1e-6)


def _features(seed: int, n: int = 60) -> tuple[pl.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    is_treated = np.arange(n) < n // 6
    level = rng.normal(0, 1, n) + 1.0 * is_treated
    return pl.DataFrame(
        {
            "level:root_events": level,
            "trend:change": rng.normal(0, 1, n),
            "mix:violence": rng.random(n),
            "mix:asb": rng.random(n),
            "hours:night": rng.random(n),
            "venues:count": rng.poisson(2, n).astype(float),
        }
    ), is_treated


def test_matching_is_optimal_and_improves_balance() -> None:
    features, is_treated = _features(1)
    found = match(features, is_treated)
    assert len(found.pairs) == is_treated.sum()
    assert found.pairs["control"].n_unique() == is_treated.sum()
    level = found.balance.row(0, named=True)
    assert abs(level["smd_after"]) < abs(level["smd_before"]) / 2
    # no exchange of two controls is better, and none with an unused one
    pairs = found.pairs
    total = (pairs["distance"] ** 2).sum()
    families = [c.split(":")[0] for c in features.columns]
    x = features.to_numpy()
    t, c = x[is_treated], x[~is_treated]
    spread = np.sqrt((t.var(axis=0, ddof=1) + c.var(axis=0, ddof=1)) / 2)
    scale = np.sqrt([FAMILIES[f] / families.count(f) for f in families]) / spread
    apart = (((t[:, None] - c[None]) * scale) ** 2).sum(axis=2)
    rows, columns = optimize.linear_sum_assignment(apart)
    assert total == pytest.approx(apart[rows, columns].sum())


def test_a_caliper_gives_up_pairs_and_says_which() -> None:
    features, is_treated = _features(2)
    every = match(features, is_treated)
    some = match(features, is_treated, caliper=float(every.pairs["distance"].median()))
    assert 0 < len(some.pairs) < len(every.pairs)
    assert len(some.pairs) + len(some.unmatched) == is_treated.sum()
    assert "found no control" in some.guard.reason
    assert some.guard.verdict == "warning"


def test_balance_by_hand_and_its_guard() -> None:
    features = pl.DataFrame({"level:a": [1.0, 3.0, 2.0, 6.0]})
    is_treated = np.array([True, True, False, False])
    row = balance(features, is_treated, np.array([True, True, True, True])).row(0, named=True)
    assert row["smd_before"] == pytest.approx((2 - 4) / np.sqrt((2 + 8) / 2))
    assert row["smd_after"] == pytest.approx(row["smd_before"])
    assert row["variance_ratio"] == pytest.approx(2 / 8)
    assert not row["is_balanced"]
    found = match(features, is_treated)
    assert found.guard.verdict == "warning"
    assert "level:a" in found.guard.reason


def test_features_that_no_match_can_use_are_refused() -> None:
    features, is_treated = _features(3)
    with pytest.raises(ValueError, match="family 'weather'"):
        match(features.rename({"trend:change": "weather:rain"}), is_treated)
    with pytest.raises(ValueError, match="trend:change of place 0 is missing"):
        match(features.with_columns(pl.lit(np.nan).alias("trend:change")), is_treated)
    with pytest.raises(ValueError, match="10 candidates for 50"):
        match(features, ~is_treated)
