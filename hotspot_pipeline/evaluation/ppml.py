"""Poisson pseudo-maximum likelihood with many dummies, clustered errors and a report of separation.

Here: the fit. E[y] = exp(offset + sum of one effect per factor + columns · b); only the mean has to be right (Gourieroux,
Monfort & Trognon 1984). Everything but a few columns is a level of a factor, so the normal equations are tables of sums
and no design matrix is ever built. Not here: which factors a question needs (`panel`, `residual`, …).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hotspot_pipeline.evaluation.design import Design, NotIdentified
from hotspot_pipeline.evaluation.estimate import BoolArray, FloatArray, IntArray
from hotspot_pipeline.evaluation.separation import separated_rows

TOLERANCE = 1e-10
MAX_ITERATIONS = 60
_VANISHING = 1e-7  # of the mean count: a fitted rate that small asks whether the row is separated


@dataclass(frozen=True, eq=False)
class Fit:
    """`effect` (n_effects,), natural log; `covariance` (n_effects, n_effects), clustered.

    `scores` (n_clusters, n_effects): each cluster's score, net of nuisance effects; `information` the matrix that turns their
    sum into a step. `mu` (n_rows,) fitted counts, nan for rows that separation took out; `is_used` (n_rows,).
    `separated_effects`: names without a finite estimate, nan in `effect` and `covariance`. `dispersion`: Pearson.
    """

    names: tuple[str, ...]
    effect: FloatArray
    covariance: FloatArray
    scores: FloatArray
    information: FloatArray
    mu: FloatArray
    is_used: BoolArray
    separated_effects: tuple[str, ...]
    dispersion: float
    n_clusters: int

    @property
    def n_separated(self) -> int:
        """Rows without events whose fitted rate could only be zero: they say nothing and are left out."""
        return int((~self.is_used).sum())

    def standard_error(self) -> FloatArray:
        return np.asarray(np.sqrt(np.diag(self.covariance)))


def fit(
    y: IntArray | FloatArray,
    nuisance: Mapping[str, IntArray],
    effects: Mapping[str, IntArray | FloatArray],
    cluster: IntArray,
    offset: FloatArray | None = None,
) -> Fit:
    """Fits y (n_rows,), not negative.

    `nuisance` are codes (n_rows,) of levels from 0, every level absorbed; `effects` are codes with -1 as the reference
    (whole numbers: one estimate a level, called "name:level") or a column of real numbers; `cluster` codes from 0.

    Covariance: A⁻¹ (sum over clusters of s s') A⁻¹ with the factor G/(G-1) and no other (Liang & Zeger 1986; the factor of
    rows and parameters that some programs add is left out: place effects lie within the clusters). Rows of levels without
    events are left out, then separated ones (Correia, Guimarães & Zylkin 2020), and counted.

    Raises NotIdentified where an effect is a sum of others, ValueError for fewer than two clusters or negative counts.
    """
    y = np.asarray(y, dtype=np.float64)
    if (y < 0).any():
        raise ValueError(f"y: {y.min()} in row {int(y.argmin())}; counts start at 0")
    # columns last, as `Design` has them
    effects = dict(sorted(effects.items(), key=lambda e: e[1].dtype.kind == "f"))
    used = np.ones(len(y), bool)
    while True:
        names, dead = _settle(y, nuisance, effects, used)
        design = Design(_rows(nuisance, used), _alive(effects, dead, used))
        shift = np.zeros(int(used.sum())) if offset is None else offset[used]
        mu = _newton(y[used], design, shift)
        if mu.min() > _VANISHING * y.mean():
            break
        lost = separated_rows(y[used], design)
        if not lost.any():
            break
        used[np.flatnonzero(used)[lost]] = False
    scores, information = design.effect_scores(y[used] - mu, mu, cluster[used])
    n_clusters = len(np.unique(cluster[used]))
    if n_clusters < 2:
        raise ValueError(f"{n_clusters} cluster with events: two are needed for an error")
    alive = np.array([k for k, name in enumerate(names) if name not in dead], dtype=np.int64)
    effect = np.full(len(names), np.nan)
    covariance = np.full((len(names), len(names)), np.nan)
    effect[alive] = design.effects_of(mu, np.log(mu) - shift)
    step = np.linalg.solve(information, scores.T)
    covariance[np.ix_(alive, alive)] = n_clusters / (n_clusters - 1) * step @ step.T
    df = max(len(mu) - design.n_parameters, 1)
    return Fit(
        tuple(names), effect, covariance, scores, information, _spread(mu, used), used, tuple(sorted(dead)),
        float(((y[used] - mu) ** 2 / mu).sum() / df), n_clusters,
    )  # fmt: skip


def nuisance_only(
    y: IntArray | FloatArray, nuisance: Mapping[str, IntArray], offset: FloatArray | None = None
) -> FloatArray:
    """Fitted counts (n_rows,) of the model without any effect; 0 in rows of levels without events."""
    y = np.asarray(y, dtype=np.float64)
    used = np.ones(len(y), bool)
    _settle(y, nuisance, {}, used)
    shift = np.zeros(int(used.sum())) if offset is None else offset[used]
    found = np.zeros(len(y))
    found[used] = _newton(y[used], Design(_rows(nuisance, used), {}), shift)
    return found


def _newton(y: FloatArray, design: Design, shift: FloatArray) -> FloatArray:
    """Fitted counts, by iteratively reweighted least squares; where one runs to zero, wherever it was at the end."""
    mu = (y + y.mean()) / 2
    deviance = np.inf
    for _ in range(MAX_ITERATIONS):
        z = np.log(mu) - shift + (y - mu) / mu
        mu = np.exp(np.clip(design.project(mu, z) + shift, -40, 40))
        now = float(2 * (y * np.log(np.maximum(y, 1e-300) / mu) - (y - mu)).sum())
        if abs(deviance - now) <= TOLERANCE * (abs(now) + 0.1) or mu.min() <= _VANISHING * y.mean():
            return mu
        deviance = now
    raise NotIdentified(f"the Poisson fit did not settle in {MAX_ITERATIONS} steps")


def _settle(
    y: FloatArray,
    nuisance: Mapping[str, IntArray],
    effects: Mapping[str, IntArray | FloatArray],
    used: BoolArray,
) -> tuple[list[str], set[str]]:
    """Takes rows out of `used` whose level of some factor has no event; returns all names of effects, and the dead ones.

    Taking one level out can empty another, hence the loop.
    """
    while True:
        n_before = used.sum()
        for codes in nuisance.values():
            total = np.bincount(codes[used], y[used], minlength=int(codes.max()) + 1)
            used &= total[codes] > 0
        names: list[str] = []
        dead: set[str] = set()
        for name, values in effects.items():
            if values.dtype.kind == "f":
                names.append(name)
                if not (values[used] * y[used]).any():
                    dead.add(name)
                    used &= values == 0
                continue
            n = int(values.max(initial=-1)) + 1
            total = np.bincount(values[used] + 1, y[used], minlength=n + 1)
            names += [f"{name}:{k}" for k in range(n)]
            dead |= {f"{name}:{k}" for k in np.flatnonzero(total[1:] == 0)}
            used &= (values < 0) | (total[values + 1] > 0)
        if not used.any():
            raise NotIdentified("no events at all: there is nothing to fit")
        if used.sum() == n_before:
            return names, dead


def _alive(
    effects: Mapping[str, IntArray | FloatArray], dead: set[str], used: BoolArray
) -> dict[str, IntArray | FloatArray]:
    """The effects that can be estimated, of the used rows, levels numbered anew."""
    found: dict[str, IntArray | FloatArray] = {}
    for name, values in effects.items():
        if values.dtype.kind == "f":
            if name not in dead:
                found[name] = values[used]
            continue
        n = int(values.max(initial=-1)) + 1
        alive = [k for k in range(n) if f"{name}:{k}" not in dead]
        number = np.full(n + 1, -1)  # the last is for -1, the reference
        number[alive] = np.arange(len(alive))
        found[name] = number[values[used]]
    return found


def _rows(codes: Mapping[str, IntArray], used: BoolArray) -> dict[str, IntArray]:
    return {name: np.unique(v[used], return_inverse=True)[1] for name, v in codes.items()}


def _spread(mu: FloatArray, used: BoolArray) -> FloatArray:
    found = np.full(len(used), np.nan)
    found[used] = mu
    return found
