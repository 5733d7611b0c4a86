"""Shrinkage: a hotspot's profile is drawn towards its cluster's, that towards the force's.

Here: the profiles of all levels from weighted counts, and the strength that foretells best. Not here:
labels and tables (`profiles`).

Dirichlet prior of effective size k (Gelman et al., Bayesian Data Analysis, 3rd ed., section 3.4): the
share of bin b is (n_b + k q_b) / (n + k), q being the profile one level up. What is drawn on is the
cluster without the hotspot itself and the force without it, so that no event counts twice. At the top
stands a flat profile: the bin's share of the hours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from hotspot_pipeline.hot_times.week_sums import FloatArray, WeekSums

DEFAULT_STRENGTH = 30.0
STRENGTHS = (
    5.0,
    10.0,
    20.0,
    30.0,
    50.0,
    80.0,
    130.0,
    200.0,
    350.0,
    600.0,
    1_000.0,
    3_000.0,
    10_000.0,
)
N_FOLDS = 4


@dataclass(frozen=True)
class Strength:
    """Effective sizes of the priors, in events: of a hotspot, of a cluster, of the force."""

    hotspot: float = DEFAULT_STRENGTH
    cluster: float = DEFAULT_STRENGTH
    force: float = DEFAULT_STRENGTH


@dataclass(frozen=True)
class Shares:
    """Shares of the week's events by bin: `own` (n_places, n_bins) shrunk, `prior` (n_places, n_bins)
    what each was drawn to, `clusters` (n_clusters, n_bins) in the order of `cluster_names`, `force`
    (n_bins,)."""

    own: FloatArray
    prior: FloatArray
    clusters: FloatArray
    cluster_names: tuple[str, ...]
    force: FloatArray


def shrunk(events: FloatArray, prior: FloatArray, strength: float) -> FloatArray:
    """Shares (…, n_bins) of `events` (…, n_bins) drawn to `prior` (…, n_bins, sums to 1)."""
    n = events.sum(axis=-1, keepdims=True)
    return np.asarray((events + strength * prior) / (n + strength))


def shares(
    events: FloatArray,
    clusters: Sequence[str],
    force: FloatArray,
    exposure: FloatArray,
    strength: Strength = Strength(),
) -> Shares:
    """Profiles of all levels.

    `events` (n_places, n_bins), `clusters` the cluster's name of each place, `force` (n_bins,) the
    whole force's events, those of the places among them, `exposure` (n_bins,) hours.
    """
    names = tuple(sorted(set(clusters)))
    number = np.array([names.index(name) for name in clusters], dtype=np.int64)
    by_cluster = np.zeros((len(names), events.shape[1]))
    np.add.at(by_cluster, number, events)
    flat = (
        exposure / exposure.sum() if exposure.any() else np.full(exposure.size, 1 / exposure.size)
    )
    whole = shrunk(force, flat, strength.force)
    # without the place itself; rounding may leave a hair below zero
    rest_of_force = shrunk(np.maximum(force - events, 0.0), flat, strength.force)
    rest_of_cluster = np.maximum(by_cluster[number] - events, 0.0)
    prior = shrunk(rest_of_cluster, rest_of_force, strength.cluster)
    return Shares(
        own=shrunk(events, prior, strength.hotspot),
        prior=prior,
        clusters=shrunk(by_cluster, whole, strength.cluster),
        cluster_names=names,
        force=whole,
    )


def log_scores(
    sums: WeekSums,
    clusters: Sequence[str],
    force: npt.NDArray[np.int64],
    *,
    candidates: Sequence[float] = STRENGTHS,
    n_folds: int = N_FOLDS,
) -> pl.DataFrame:
    """How well profiles foretell weeks that they were not made of, by strength and by method.

    `force` (n_weeks, n_bins) weights of the whole force. Weeks are dealt to `n_folds` in turn; each
    fold is foretold from the others. One row per candidate: method `shrunk`, strength, log_score; and,
    with strength 0, one each for `cluster` (the prior alone), `add_half` (half an event added to every
    bin) and `flat`.

    log_score is the mean over the foretold events of log(share of the bin / its share of the hours):
    0 for a flat profile, more is better (logarithmic score: Good 1952, JRSS B 14). Ties in strength
    go to the earlier candidate.
    """
    fold = np.array([week.toordinal() // 7 % n_folds for week in sums.weeks])
    score = dict.fromkeys((*candidates, "cluster", "add_half"), 0.0)
    n_foretold = 0.0
    for one in range(n_folds):
        is_test = fold == one
        train, test = sums.of_weeks(~is_test), sums.of_weeks(is_test)
        if not train.weeks or not test.weeks:
            continue
        known, found = train.events, test.events
        of_force = replace(sums, places=("force",), weights=force[None]).of_weeks(~is_test)
        made = shares(known, clusters, of_force.events[0], train.exposure)
        half = (known + 0.5) / (known + 0.5).sum(axis=1, keepdims=True)
        n_foretold += float(found.sum())
        for strength in candidates:
            foretold = shrunk(known, made.prior, strength)
            score[strength] += _gain(foretold, found, train.exposure, test.exposure)
        score["cluster"] += _gain(made.prior, found, train.exposure, test.exposure)
        score["add_half"] += _gain(half, found, train.exposure, test.exposure)
    mean = {name: value / n_foretold if n_foretold else 0.0 for name, value in score.items()}
    rows = [("shrunk", float(k), mean[k]) for k in candidates]
    rows += [
        ("cluster", 0.0, mean["cluster"]),
        ("add_half", 0.0, mean["add_half"]),
        ("flat", 0.0, 0.0),
    ]
    return pl.DataFrame(
        rows,
        schema={"method": pl.String, "strength": pl.Float64, "log_score": pl.Float64},
        orient="row",
    )


def _gain(
    foretold: FloatArray, found: FloatArray, known_hours: FloatArray, hours: FloatArray
) -> float:
    """Sum over events of the log of how much likelier their bin was made than by its hours alone.

    Weeks differ in their hours, so the rates are foretold and take the hours of the test weeks.
    """
    both = (known_hours > 0) & (hours > 0)
    if not both.any():
        return 0.0
    rate = foretold[:, both] / known_hours[both]
    mean_rate = (rate * hours[both]).sum(axis=1, keepdims=True) / hours[both].sum()
    return float((found[:, both] * np.log(rate / mean_rate)).sum())


def tuned(scores: pl.DataFrame) -> float:
    """The strength with the best score of `log_scores`; of equals the first."""
    shrunk_scores = scores.filter(pl.col("method") == "shrunk")
    best = shrunk_scores.get_column("log_score").arg_max()
    return DEFAULT_STRENGTH if best is None else float(shrunk_scores.get_column("strength")[best])
