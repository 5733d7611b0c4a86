"""P(top 18) of 20,917 cells from 1,000 draws: the pipeline's kernel against plain numpy.

Ours: `hexes.stability.p_top_k`. The peer does what one would write first: `rng.multinomial` over all
cells, `argsort` of every draw, the share of draws in which a cell stands among the first 18.

Why it is fair: same counts, same number of draws, same generator, one thread each. The peer breaks
ties by the order of its sort and holds all draws at once; ours shares ties and draws only cells that
have events. So the results are not equal but must agree within chance: `verify` draws once more,
counts for every cell in how many draws it is in for certain (`low`) and at most (`high`, all ties
its own), and both sides must lie between the two within five standard errors.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.inputs import field
from benchmarks.race import Disagreement, Facts, Race, Side, times_as_long
from benchmarks.stopwatch import Stopwatch
from hotspot_pipeline.hexes.stability import p_top_k

K = 18
N_DRAWS = 1_000
N_DRAWS_QUICK = 200


def prepare(folder: Path, is_quick: bool) -> Facts:
    cells = field.disc(12 if is_quick else 83)
    events = field.counts(cells, seed=4)
    n_draws = N_DRAWS_QUICK if is_quick else N_DRAWS
    np.savez(folder / "field.npz", events=events, n_draws=n_draws)
    return {
        "hexagons": len(cells),
        "with events": int((events > 0).sum()),
        "events": int(events.sum()),
        "draws": n_draws,
        "k": K,
    }


def ours(folder: Path, watch: Stopwatch) -> Facts:
    events, n_draws = _input(folder)
    p_top_k(events[:500] + 1, K, rng=np.random.default_rng(0), n_draws=10)
    with watch.race():
        chance = p_top_k(events, K, rng=np.random.default_rng(5), n_draws=n_draws)
    np.save(folder / "ours.npy", chance)
    return {}


def plain_numpy(folder: Path, watch: Stopwatch) -> Facts:
    events, n_draws = _input(folder)
    _plain(events[:500] + 1, np.random.default_rng(0), 10)
    with watch.race():
        chance = _plain(events, np.random.default_rng(6), n_draws)
    np.save(folder / "plain_numpy.npy", chance)
    return {}


def _plain(events: Any, rng: np.random.Generator, n_draws: int) -> Any:
    total = events.sum()
    drawn = rng.multinomial(total, events / total, size=n_draws)
    top = np.argsort(-drawn, axis=1)[:, :K]
    return np.bincount(top.ravel(), minlength=len(events)) / n_draws


def verify(folder: Path) -> Facts:
    events, n_draws = _input(folder)
    low, high = _bounds(events, np.random.default_rng(7), n_draws)
    allowed = 5 * np.sqrt(2 * 0.25 / n_draws)
    sides = {side: np.load(folder / f"{side}.npy") for side in ("ours", "plain_numpy")}
    outside = {
        side: float(np.maximum(low - chance, chance - high).max()) for side, chance in sides.items()
    }
    for side, off in outside.items():
        if off > allowed:
            raise Disagreement(f"{side}: a cell's chance is {off:.3f} off; {allowed:.3f} is chance")
    return {
        "chances outside what ties allow by at most": round(max(*outside.values(), 0.0), 4),
        "five standard errors": round(float(allowed), 4),
    }


def _bounds(events: Any, rng: np.random.Generator, n_draws: int) -> tuple[Any, Any]:
    total = events.sum()
    low, high = np.zeros(len(events)), np.zeros(len(events))
    for _ in range(n_draws):
        drawn = rng.multinomial(total, events / total)
        last_in = np.sort(drawn)[-K]
        is_sure, is_possible = drawn > last_in, drawn >= last_in
        # as many as there are places: no tie to break
        low += is_possible if is_possible.sum() == K else is_sure
        high += is_possible
    return low / n_draws, high / n_draws


def _input(folder: Path) -> tuple[Any, int]:
    found = np.load(folder / "field.npz")
    return found["events"], int(found["n_draws"])


RACE = Race(
    name="bootstrap",
    title="P(top 18) of 20,917 hexagons from 1,000 draws",
    why_fair="Same counts, draws and generator, one thread each; chances agree within what ties allow.",
    sides=(
        Side("ours", "hexes.stability.p_top_k", ours),
        Side("plain_numpy", "rng.multinomial of all cells, argsort of every draw", plain_numpy),
    ),
    prepare=prepare,
    verify=verify,
    beside=(("times faster than plain numpy", times_as_long("plain_numpy", "ours")),),
)
