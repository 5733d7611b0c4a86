"""The weights that the agency delivers with the answers (DOMAIN §5.6).

Belongs here: the selection weight and raking to the population. Does not belong here: who answers (`sample`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hotspot_pipeline.simulator.force.county import Floats, Ints

CAP = (0.3, 3.0)
_ROUNDS = 30


def selection_weights(population: Floats, n_asked: Floats, area: Ints) -> Floats:
    """Inverse chance of being asked, mean 1 over those who answered; `area` (n,) of each of them."""
    weight = (population / np.maximum(n_asked, 1))[area]
    return np.asarray(weight / weight.mean())


def rake(weight: Floats, margins: list[tuple[Ints, Floats]]) -> Floats:
    """Weights that meet every margin in turn, mean 1, then capped to `CAP`.

    A margin is (class of each answer or -1 where it is not known, share of each class in the population); answers of an
    unknown class keep their weight in that turn, classes without an answer are left out.
    """
    raked = weight.copy()
    for _ in range(_ROUNDS):
        for group, share in margins:
            known = group >= 0
            total = np.bincount(group[known], raked[known], minlength=len(share))
            wanted = np.where(total > 0, share, 0.0)
            factor = np.divide(
                wanted / wanted.sum() * total.sum(), total, out=np.ones_like(total), where=total > 0
            )
            raked[known] *= factor[group[known]]
    return np.asarray(np.clip(raked / raked.mean(), *CAP))


def positions(values: NDArray[np.str_], names: tuple[str, ...]) -> Ints:
    """Position of each value in `names`; -1 where it is not one of them."""
    found = np.full(len(values), -1, dtype=np.int64)
    for k, name in enumerate(names):
        found[values == name] = k
    return found
