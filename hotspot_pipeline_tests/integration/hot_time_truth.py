"""Hot times of simulated forces held against the rates that made their events: one seed's figures.

Here: what is true and how near the kernels come to it. Not here: the events and how they are put on record (`simulated_hours`), what the
figures must be (`test_hot_time_truth`), the way through files and tables (`test_hot_times_of_a_force`).

Fixed before anything was measured:

- The **true peak blocks** are those whose true rate is at least 1.5 times the place's mean rate, as a hot block's counted rate must be.
- **Undecidable** are blocks whose true ratio lies within 10 % of 1.5 (1.35 to 1.65): on which side of 1.5 their count falls is chance
  however many events there are. They are left out of what was found and of what is true, both.
- A **place** is a cell with 50 or more events with usable hours in the first year; it is judged by that year. `captured` is the true
  share of events in its chosen windows over the true share in the best windows that the same rules allow.
- **Out of sample** is the second year: strengths are tuned and profiles made in the first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from hotspot_pipeline.hot_times.aoristic import WEIGHT_UNIT
from hotspot_pipeline.hot_times.best_windows import WindowRules, best_windows
from hotspot_pipeline.hot_times.hot_blocks import MIN_RATE_RATIO, hot_blocks
from hotspot_pipeline.hot_times.levels import CLUSTERS, FORCE, Levels, levels
from hotspot_pipeline.hot_times.shrinkage import Strength, log_scores, shares, shrunk, tuned
from hotspot_pipeline.hot_times.week_sums import Selection, WeekSums, selected, week_sums
from hotspot_pipeline.hot_times.windows import choose_windows, hours_in, jaccard
from hotspot_pipeline_tests.integration import simulated_hours
from hotspot_pipeline_tests.integration.simulated_hours import COUNTED, Floats, Simulated

LEARNED = 52  # weeks; the rest is foretold
LEAST_EVENTS = 50
UNDECIDABLE = 0.10
RULES = WindowRules()


@dataclass(frozen=True)
class Peaks:
    """Of one profile: events it was made of, Jaccard of the decidable blocks (None where there are none, true or found)."""

    profile: str
    n_events: int
    jaccard: float | None


@dataclass(frozen=True)
class Seed:
    """`captured` and `n_events` by place. `scores`: log likelihood that an event of the second year gains over a flat week, by method."""

    peaks: list[Peaks]
    n_events: Floats
    captured: Floats
    strength: float
    scores: dict[str, float]


def one_seed(seed: int) -> Seed:
    """A county town with its country round it, two years."""
    given = simulated_hours.county(seed)
    good = selected(given.rows, "all")
    learned, foretold = years(given)
    cells = _places(good, learned)
    clusters = [CLUSTERS[0] if given.is_centre[cell] else CLUSTERS[2] for cell in cells]
    stack = _stack(good, learned, cells, clusters)
    true = given.true_hours(cells, slice(0, LEARNED))
    peaks = _peaks(given, np.random.default_rng([seed, 1]))
    return _judged(stack, _stack(good, foretold, cells, clusters), true, peaks)


def places_that_differ(seed: int) -> Seed:
    """The same where every place has hours of its own within its cluster; no peaks."""
    given, clusters, true = simulated_hours.places_that_differ(seed)
    learned, foretold = years(given)
    places = list(range(len(clusters)))
    stack, later = (_stack(given.rows, hours, places, clusters) for hours in (learned, foretold))
    return _judged(stack, later, true, [])


def share_flagged(seed: int, n_places: int, window: str | None) -> float:
    """The share of `n_places` flat places that have a hot block; `window` as of `simulated_hours.flat_places`."""
    rows, hours = simulated_hours.flat_places(seed, n_places, window)
    sums = _sums(selected(rows, "all"), hours, [str(p) for p in range(n_places)])
    return float(hot_blocks(sums.blocks(), seed=seed, n_draws=0).is_hot.any(axis=1).mean())


def years(given: Simulated) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The hours that are learned from and those that are foretold."""
    weeks = given.hours["week_start"].unique().sort().to_list()
    is_learned = pl.col("week_start").is_in(weeks[:LEARNED])
    return given.hours.filter(is_learned), given.hours.filter(~is_learned)


def true_ratio(hours: Floats) -> Floats:
    """(56,) true rate of each block over the mean rate, from (168,) by hour of the week."""
    by_block = np.roll(hours, -6).reshape(56, 3).sum(axis=1)
    return np.asarray(by_block / by_block.mean())


def peak_jaccard(ratio: Floats, is_hot: npt.NDArray[np.bool_]) -> float | None:
    """Of the blocks that are decidable (see above): hot and truly so over hot or truly so."""
    decidable = np.abs(ratio / MIN_RATE_RATIO - 1) > UNDECIDABLE
    true = np.flatnonzero(decidable & (ratio >= MIN_RATE_RATIO))
    return jaccard(true.tolist(), np.flatnonzero(decidable & is_hot).tolist())


def captured(true_hours: Floats, chosen: list[list[int]]) -> Floats:
    """(n,) The true share (n, 168) that the chosen hours hold over the most that windows by the same rules could."""
    best = [hours_in(windows) for windows in best_windows(true_hours, RULES)]
    held = [[true[h].sum() for h in each] for true, each in zip(true_hours, zip(chosen, best))]
    return np.array([mine / most for mine, most in held])


def _judged(stack: Levels, later: Levels, true: Floats, peaks: list[Peaks]) -> Seed:
    strength = Strength(_tuned(stack))
    nothing_hot = np.zeros((stack.n_hotspots, 56), dtype=np.bool_)
    chosen = choose_windows(stack, strength, RULES, nothing_hot)
    return Seed(
        peaks,
        stack.hotspots.events.sum(axis=1),
        captured(true, [hours_in(windows) for windows in chosen]),
        strength.hotspot,
        _out_of_sample(stack, later, strength.hotspot),
    )


def _peaks(given: Simulated, rng: np.random.Generator) -> list[Peaks]:
    """The force, its centres and the rest, with and without damage; each whole and thinned to 1,000 events."""
    found = []
    true_of = given.true_hours_of_areas()
    for selection in _SELECTIONS:
        kinds = [k for k in COUNTED if selection == "all" or k != "damage"]
        kept = selected(given.rows, selection)
        is_centre = pl.col("place").is_in(np.flatnonzero(given.is_centre).tolist())
        true_elsewhere, true_centres = np.sum([true_of[kind] for kind in kinds], axis=0)
        for area, true, rows in (
            ("force", true_elsewhere + true_centres, kept),
            ("centres", true_centres, kept.filter(is_centre)),
            ("elsewhere", true_elsewhere, kept.filter(~is_centre)),
        ):
            for chosen in (_thinned(rng, rows, 1_000), rows):
                sums = _sums(chosen.with_columns(place=pl.lit(area)), given.hours, [area]).blocks()
                is_hot = hot_blocks(sums, seed=1, n_draws=0).is_hot[0]
                name = f"{area}, {selection.replace('_', ' ')}"
                n_events = chosen["event_id"].n_unique()
                found.append(Peaks(name, n_events, peak_jaccard(true_ratio(true), is_hot)))
    return found


_SELECTIONS: tuple[Selection, ...] = ("all", "without_damage")


def _thinned(rng: np.random.Generator, rows: pl.DataFrame, n_events: int) -> pl.DataFrame:
    ids = rows["event_id"].unique().sort().to_numpy()
    return rows.filter(pl.col("event_id").is_in(rng.choice(ids, n_events, replace=False).tolist()))


def _places(good: pl.DataFrame, learned: pl.DataFrame) -> list[int]:
    inside = good.join(learned, on="hour_start_utc", how="semi")
    weight = inside.group_by("place").agg(pl.col("weight").sum())
    enough = weight.filter(pl.col("weight") >= LEAST_EVENTS * WEIGHT_UNIT)
    return enough["place"].sort().to_list()


def _sums(rows: pl.DataFrame, hours: pl.DataFrame, places: list[str]) -> WeekSums:
    by_hour = rows.group_by("place", "hour_start_utc").agg(pl.col("weight").sum())
    return week_sums(by_hour, hours, places)


def _stack(
    good: pl.DataFrame, hours: pl.DataFrame, cells: list[int], clusters: list[str]
) -> Levels:
    named = good.with_columns(pl.col("place").cast(pl.String))
    places = [str(cell) for cell in cells]
    whole = _sums(named.with_columns(place=pl.lit(FORCE)), hours, [FORCE])
    own = _sums(named.filter(pl.col("place").is_in(places)), hours, places)
    return levels(own, clusters, whole)


def _tuned(stack: Levels) -> float:
    blocks = stack.blocks()
    return tuned(log_scores(blocks.hotspots, stack.cluster_of, blocks.sums.weights[-1]))


def _out_of_sample(learned: Levels, foretold: Levels, strength: float) -> dict[str, float]:
    known, later = learned.blocks(), foretold.blocks()
    found, events = later.hotspots.events, known.hotspots.events
    made = shares(events, known.cluster_of, known.sums.events[-1], known.sums.exposure)
    methods = {
        "shrunk": shrunk(events, made.prior, strength),
        "cluster": made.prior,
        "add_half": (events + 0.5) / (events + 0.5).sum(axis=1, keepdims=True),
    }
    flat = later.sums.exposure / later.sums.exposure.sum()
    return {
        name: float((found * np.log(share / flat)).sum() / found.sum())
        for name, share in methods.items()
    }
