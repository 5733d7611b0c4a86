"""The recorded lot drawn again: what else could have been assigned.

Here: other assignments that the same lot could have given, for randomisation inference. Not here: the inference
(`few_places`). Which of them is right follows from how the lot was drawn, which the plan records.
"""

from __future__ import annotations

import numpy as np

from hotspot_pipeline.evaluation.estimate import BoolArray, IntArray


def swap_within_pairs(seed: int, is_treated: BoolArray, pair: IntArray, n: int) -> BoolArray:
    """(n, n_places): in each pair a coin says which of the two is treated.

    Raises ValueError where a pair is not one treated and one control place.
    """
    for one in np.unique(pair):
        if is_treated[pair == one].sum() != 1 or (pair == one).sum() != 2:
            raise ValueError(f"pair {one}: give one treated place and one control")
    number = np.unique(pair, return_inverse=True)[1]
    swapped = np.random.default_rng(seed).integers(0, 2, (n, int(number.max()) + 1)).astype(bool)
    return np.asarray(is_treated[None, :] ^ swapped[:, number])


def draw_arms(seed: int, is_treated: BoolArray, n: int) -> BoolArray:
    """(n, n_places): as many treated places, drawn from all."""
    order = np.random.default_rng(seed).random((n, len(is_treated))).argsort(axis=1)
    return np.asarray(is_treated[order])


def exchange_schedules(seed: int, schedule: BoolArray, n: int) -> BoolArray:
    """(n, n_places, n_days): the schedules dealt anew to the places, and by a coin each turned round.

    For spells: each place's schedule was drawn alike and apart, and whether its first spell is on was a coin.
    """
    rng = np.random.default_rng(seed)
    order = rng.random((n, len(schedule))).argsort(axis=1)
    return np.asarray(schedule[order] ^ rng.integers(0, 2, order.shape).astype(bool)[:, :, None])


def shuffle_days(seed: int, place: IntArray, patrol: BoolArray, n: int) -> BoolArray:
    """(n, n_rows): each place's days by lot dealt anew among themselves, for days drawn one by one."""
    rng = np.random.default_rng(seed)
    by_place = np.argsort(place, kind="stable")
    found = np.empty((n, len(place)), bool)
    for k in range(n):
        shuffled = np.lexsort((rng.random(len(place)), place))
        found[k, by_place] = patrol[shuffled]
    return found
