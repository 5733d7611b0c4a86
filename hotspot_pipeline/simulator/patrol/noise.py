"""How a receiver errs: correlated position noise, and bursts of dropout, of stuck fixes and of late sending.

Belongs here: the random processes, with their numbers from DOMAIN §8.4. Does not belong here: what is reported (`pings`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hotspot_pipeline.simulator.force.county import Floats, Ints
from hotspot_pipeline.simulator.patrol.ground import Bools

OPEN_SIGMA_M, DENSE_SIGMA_M = 6.0, 15.0  # along each axis
TAU_S = 60.0
_LONGEST_LAG_S = 1000


@dataclass(frozen=True, slots=True)
class BurstKind:
    """`share` of the time on duty, in bursts of uniform length between `low_s` and `high_s`."""

    share: float
    low_s: float
    high_s: float


DROPOUT = BurstKind(0.04, 120, 1200)
STUCK = BurstKind(0.01, 600, 2400)
LATE = BurstKind(0.03, 600, 3600)


@dataclass(frozen=True, eq=False)
class Bursts:
    """Intervals that do not overlap within a row, by row and time: from `start` until `end`, UTC seconds."""

    row: Ints
    start: Floats
    end: Floats


def bursts(rng: np.random.Generator, kind: BurstKind, start: Floats, end: Floats) -> Bursts:
    """Bursts during each row's duty: exponential pauses between them, as many as make up the share.

    The process begins before the duty, so that its first minutes are like all others.
    """
    mean = (kind.low_s + kind.high_s) / 2
    cycle, lead = mean / kind.share, 3 * kind.high_s
    longest = float((end - start).max(initial=0.0)) + lead
    n = int(2 * longest / cycle) + 10
    length = rng.uniform(kind.low_s, kind.high_s, (len(start), n))
    pause = rng.exponential(cycle - mean, (len(start), n))
    ends = start[:, None] - lead + np.cumsum(pause + length, axis=1)
    row, k = np.nonzero((ends > start[:, None]) & (ends - length < end[:, None]))
    return Bursts(row, (ends - length)[row, k], ends[row, k])


def which_burst(found: Bursts, row: Ints, t: Floats, zero: float) -> Ints:
    """The burst each moment (of a row) lies in, -1 for none."""
    if not len(found.row):
        return np.full(len(row), -1)
    moment = row * 2.0**18 + (t - zero)
    first = found.row * 2.0**18 + (found.start - zero)
    last = found.row * 2.0**18 + (found.end - zero)
    at = np.searchsorted(first, moment, side="right") - 1
    return np.asarray(np.where((at >= 0) & (moment < last[np.maximum(at, 0)]), at, -1))


def correlated(rng: np.random.Generator, lag_s: Ints, is_first: Bools) -> Floats:
    """(2, n) standard normal noise along two axes; correlation exp(-lag / 60 s) with the value before, none where `is_first`.

    The exact discretisation of an Ornstein-Uhlenbeck process, for any spacing: z_k = ρ_k z_{k-1} + sqrt(1 - ρ_k²) ε_k. The
    recursion is summed by doubling: after j rounds each value holds the contributions of the 2^j values before it.
    """
    n = len(lag_s)
    decay = np.exp(-np.arange(_LONGEST_LAG_S) / TAU_S)
    rho = np.where(is_first, 0.0, decay[np.minimum(lag_s, _LONGEST_LAG_S - 1)])
    z = rng.standard_normal((2, n)) * np.sqrt(1 - rho**2)
    reach = 1
    while reach < n and rho.max(initial=0.0) > 1e-9:
        z[:, reach:] += rho[reach:] * z[:, :-reach]
        rho[reach:] *= rho[:-reach].copy()
        rho[:reach] = 0.0
        reach *= 2
    return np.asarray(z)
