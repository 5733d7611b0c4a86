"""Several tests at once: Holm for the few primary measures, Benjamini-Hochberg for exploring.

Here: adjusted p values. Not here: repeated looks at one measure (control charts).
"""

from __future__ import annotations

import numpy as np

from hotspot_pipeline.evaluation.estimate import FloatArray


def holm(p_values: FloatArray) -> FloatArray:
    """Adjusted p (n,), in the order given: the chance of any false alarm stays at the level (Holm 1979, Scand. J. Stat. 6)."""
    p = _checked(p_values)
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    return _in_order(np.minimum(steps, 1.0), order)


def benjamini_hochberg(p_values: FloatArray) -> FloatArray:
    """Adjusted p (n,): the expected share of false alarms among what is found (Benjamini & Hochberg 1995, JRSS B 57)."""
    p = _checked(p_values)
    order = np.argsort(p, kind="stable")
    ratios = p[order] * len(p) / np.arange(1, len(p) + 1)
    steps = np.minimum.accumulate(ratios[::-1])[::-1]
    return _in_order(np.minimum(steps, 1.0), order)


def _checked(p_values: FloatArray) -> FloatArray:
    p = np.asarray(p_values, dtype=np.float64)
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"p values must lie between 0 and 1, not {p[~((p >= 0) & (p <= 1))][0]}")
    return p


def _in_order(values: FloatArray, order: np.ndarray) -> FloatArray:
    found = np.empty(len(values))
    found[order] = values
    return found
