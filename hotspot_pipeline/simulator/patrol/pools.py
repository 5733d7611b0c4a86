"""The devices and officers of the force's patrols, for the whole of the simulated time.

Belongs here: identifiers, roles, kinds of device and their reporting intervals. Does not belong here: who is on duty when
(`duties`).

Pools are in two halves that take turns by day, so that no device or officer of a night shift is on duty again at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hotspot_pipeline.simulator.force.county import Ints

INTERVALS_S = np.array([60, 5, 300])
INTERVAL_SHARES = (0.65, 0.25, 0.10)
HANDHELD, VEHICLE, TRACKER, APP = range(4)
DEVICE_TYPES = ("handheld", "vehicle", "tracker", "app")
_NPT_ROLES = (
    ("police_officer", "PC", 0.45),
    ("pcso", "PCSO", 0.35),
    ("special", "SC", 0.10),
    ("warden", "WDN", 0.10),
)


@dataclass(frozen=True, eq=False)
class Pools:
    """All devices and officers of the force's patrols; a device's or officer's half takes turns with the other.

    `device_type`, `interval_s`: one entry a device. Officers up to `n_regular` serve in crews and response.
    """

    device_id: tuple[str, ...]
    device_type: Ints
    interval_s: Ints
    officer: tuple[str, ...]
    role: tuple[str, ...]
    n_regular: int

    def devices(self, kind: int, half: int) -> Ints:
        mine = np.flatnonzero(self.device_type == kind)
        return np.asarray(mine[half::2])

    def officers(self, *, regular: bool, half: int) -> Ints:
        span = (0, self.n_regular) if regular else (self.n_regular, len(self.officer))
        return np.arange(*span)[half::2]


def make_pools(rng: np.random.Generator, n_regular: int, n_vehicles: int, n_npt: int) -> Pools:
    """Enough for a day with `n_regular` officers in crews and response, `n_npt` in neighbourhoods and `n_vehicles` cars."""
    roomy = [
        2 * (int(1.2 * n) + 4)
        for n in (n_regular + n_npt, n_vehicles, 0.3 * n_npt + 2, 0.4 * n_npt + 2)
    ]
    serial = np.sort(rng.choice(9000, roomy[0], replace=False))
    ids = [f"62{1000 + s:04d}0" for s in serial]
    for prefix, n in zip(("AVL", "TRK", "APP"), roomy[1:], strict=True):
        ids += [f"{prefix}-{k:04d}" for k in range(1, n + 1)]
    kinds = np.repeat(np.arange(4), roomy)
    interval = np.concatenate([_quota(rng, n) for n in roomy])
    n_officers = [2 * (int(1.2 * n) + 4) for n in (n_regular, n_npt)]
    collar = rng.permutation(np.arange(1000, 9999))[: sum(n_officers)]
    role = rng.choice(len(_NPT_ROLES), n_officers[1], p=[share for *_, share in _NPT_ROLES])
    role = np.concatenate([np.zeros(n_officers[0], np.int64), role])
    officers = tuple(f"{_NPT_ROLES[r][1]} {c}" for r, c in zip(role, collar, strict=True))
    return Pools(
        tuple(ids), kinds, interval, officers, tuple(_NPT_ROLES[r][0] for r in role), n_officers[0]
    )


def _quota(rng: np.random.Generator, n: int) -> Ints:
    """Reporting intervals in seconds: the shares exactly, not by chance, and alike in both halves."""
    ends = np.cumsum(INTERVAL_SHARES) * (n // 2)
    kind = np.searchsorted(ends, np.arange(n // 2) + 0.5)
    both = np.empty(n, np.int64)
    both[0::2], both[1::2] = (INTERVALS_S[rng.permutation(kind)] for _ in range(2))
    return both
