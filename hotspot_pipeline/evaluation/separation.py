"""Separation in Poisson models: rows without events whose fitted rate could only be zero.

Here: finding them. A place that never has an event, or a combination of levels that no event shares, pushes an effect to
minus infinity; a program that does not look returns a number that depends on when it stopped. Not here: leaving them out
(`ppml`).
"""

from __future__ import annotations

import numpy as np

from hotspot_pipeline.evaluation.design import Design
from hotspot_pipeline.evaluation.estimate import BoolArray, FloatArray

# the weight makes rows with events fit to about its inverse; where nothing is separated the fit dies out towards zero
_WEIGHT = 1e8
_NOT_NEGATIVE, _POSITIVE = 1e-6, 1e-4
MAX_ITERATIONS = 2000


def separated_rows(y: FloatArray, design: Design) -> BoolArray:
    """(n_rows,): rows with y = 0 that some sum of effects tells apart from all rows with events.

    Iterative rectifier (Correia, Guimarães & Zylkin 2020, Verifying the existence of maximum likelihood estimates for
    generalized linear models, section 4): regress 1[y = 0] on the model with a very large weight where y > 0, take the
    positive part of the fit, repeat until the fit has no negative part. Not always all of them: ask again of the rows that are left until
    there are none. Raises ValueError where it does not settle.
    """
    is_zero = y == 0
    weight = np.where(is_zero, 1.0, _WEIGHT)
    target = is_zero.astype(np.float64)
    for _ in range(MAX_ITERATIONS):
        fitted = design.project(weight, target)
        fitted[~is_zero] = 0.0
        if (fitted >= -_NOT_NEGATIVE).all():
            return np.asarray(fitted > _POSITIVE)
        target = np.maximum(fitted, 0.0)
    raise ValueError(f"separation: no answer in {MAX_ITERATIONS} steps")
