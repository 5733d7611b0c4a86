"""Numbers spread over the cells: noise that neighbours share, and the quantiles that make few cells hold most of it.

Belongs here: the mathematics, on arrays. Does not belong here: what the numbers stand for (`towns`, `risk`).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Pairs = tuple[Ints, Ints]


def totals(key: Ints, values: Floats, n: int) -> Floats:
    """(n,) sums of `values` by `key`, which goes from 0 to n - 1."""
    return np.bincount(key, values, minlength=n).astype(np.float64)


def ring_sum(pairs: Pairs, values: Floats) -> Floats:
    """The sum over each cell's neighbours; `pairs` as `Grid.neighbours` gives them."""
    i, j = pairs
    return totals(i, values[j], len(values))


def shared_normal(rng: np.random.Generator, pairs: Pairs, n: int, weight: float) -> Floats:
    """(n,) normal numbers (mean 0, variance 1) of which neighbouring cells share some.

    White noise plus `weight` times the neighbours' white noise. Cells next to each other then correlate by
    (2 w + 2 w²) / (1 + 6 w²), those √3 steps apart by 2 w² / (1 + 6 w²), those two steps apart by half of that, and
    cells farther apart not at all: with w = 0.3 the correlation falls to 1/e at about 400 m on H3 resolution 9.
    """
    white = rng.standard_normal(n)
    n_neighbours = ring_sum(pairs, np.ones(n))
    return np.asarray(
        (white + weight * ring_sum(pairs, white)) / np.sqrt(1 + n_neighbours * weight**2)
    )


def gamma_quantiles(shape: float, n: int) -> Floats:
    """(n,) quantiles of the gamma distribution (scale 1) at (k + 0.5) / n, smallest first; for `shape` up to 1.

    The density of y = log x, exp(shape·y − exp(y)) / Γ(shape), is summed by the trapezoid rule from above, so that
    the few largest are exact; far below 1 the distribution is x^shape / Γ(shape + 1), which has an inverse.
    """
    if not 0 < shape <= 1:
        raise ValueError(f"gamma shape {shape}: give a number above 0, at most 1")
    y = np.linspace(math.log(1e-6), math.log(60.0), 8001)
    density = np.exp(shape * y - np.exp(y)) / math.gamma(shape)
    piece = (density[1:] + density[:-1]) / 2 * np.diff(y)
    above = np.append(np.cumsum(piece[::-1])[::-1], 0.0)
    wanted = (n - np.arange(n) - 0.5) / n  # share of the distribution above
    x = np.exp(np.interp(wanted, above[::-1], y[::-1]))
    is_low = wanted > above[0]
    x[is_low] = ((1 - wanted[is_low]) * math.gamma(shape + 1)) ** (1 / shape)
    return np.asarray(x)


def largest_remainder(shares: Floats, total: int) -> Ints:
    """Whole numbers in proportion to `shares` that add up to `total`; of equal remainders the first is rounded up."""
    exact = shares / shares.sum() * total
    whole = np.floor(exact).astype(np.int64)
    rest = np.argsort(whole - exact, kind="stable")[: total - int(whole.sum())]
    whole[rest] += 1
    return np.asarray(whole)
