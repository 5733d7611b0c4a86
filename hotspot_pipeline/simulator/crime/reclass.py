"""Which crimes are put in another class, and in which.

Belongs here: the changes of family `class` (DOMAIN §1.5, §8.3). Does not belong here: the other families (`recodes`),
how often and when (`hazards`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.crime import hazards
from hotspot_pipeline.simulator.crime.hazards import change_frame, drawn
from hotspot_pipeline.simulator.crime.kinds import OFFENCE_DESCRIPTIONS
from hotspot_pipeline.simulator.force.county import Floats

# fmt: off
# Codes by what the records system may turn them into; their groups are those of the offence lookup (a test holds that).
ASSAULT_105A = ("105/01",)
INJURY_8N = ("008/06", "008/01")
GROUPS: Mapping[str, tuple[str, ...]] = {
    "VAP": (*ASSAULT_105A, *INJURY_8N, "005/01", "104/23", "008/73", "003/01", "008/57", "008/77"),
    "PUBLIC_ORDER": ("125/11", "125/09", "125/12", "125/82", "008/55", "066/01", "066/91"),
    "CRIM_DAMAGE": ("149/00", "058/00", "058/04"),
    "ROBBERY": ("034/01", "034/02"),
}
# Of the reclassified violence: where to (DOMAIN §8.3).
VAP_SWAP, VAP_WORSE, VAP_PUBLIC_ORDER, VAP_OTHER = 0.70, 0.06, 0.14, 0.10
# Codes to change to with their shares, and why; a record that has the code already takes the next.
_Becomes = tuple[Sequence[str], Sequence[float], str]
_TO_8N: _Becomes = (INJURY_8N, (0.85, 0.15), "injury confirmed by medical evidence")
_TO_105A: _Becomes = (ASSAULT_105A, (1.0,), "no injury evidenced")
_TO_5D: _Becomes = (("005/01",), (1.0,), "medical evidence: grievous, with intent")
_VAP_TO_PUBLIC_ORDER: _Becomes = (("125/11", "125/12"), (0.5, 0.5), "audit: no assault, fear or alarm")
_VAP_TO_OTHER: _Becomes = (("195/94", "008/57", "003/01"), (0.5, 0.3, 0.2), "principal crime rule")
_FROM_PUBLIC_ORDER: _Becomes = (("105/01", "125/12", "125/11"), (0.6, 0.3, 0.1), "statement taken")
_FROM_DAMAGE: _Becomes = (("056/02",), (1.0,), "damage was by fire")
_ROBBERY_TO_THEFT: _Becomes = (("039/00",), (1.0,), "no force used: theft from the person")
_ROBBERY_TO_ASSAULT: _Becomes = (("105/01",), (1.0,), "nothing taken or demanded")
# fmt: on


def code_in(crimes: pl.DataFrame, codes: Sequence[str]) -> np.ndarray:
    """(n_crimes,) whether the first offence code is one of these."""
    return crimes["ho_offence_code"].is_in(list(codes)).to_numpy()


def class_changes(rng: np.random.Generator, crimes: pl.DataFrame) -> pl.DataFrame:
    """Changes of `ho_offence_code` and `offence_desc`."""
    n = len(crimes)
    recorded = crimes["recorded_ts_local"].to_numpy()
    old = crimes["ho_offence_code"].to_numpy().astype(str)
    lag = hazards.RECLASS_LAG
    is_vap, is_order, is_damage, is_robbery = (code_in(crimes, GROUPS[g]) for g in hazards.RECLASS)
    is_105a, is_8n = code_in(crimes, ASSAULT_105A), code_in(crimes, INJURY_8N)
    vap, order, damage, robbery = (lag.for_ever(p) for p in hazards.RECLASS.values())
    # A way open to some violence only is the likelier for those, so that the shares hold for all of it.
    swappable = _share_of(is_105a | is_8n, is_vap)
    ways: tuple[tuple[np.ndarray, float, _Becomes], ...] = (
        (is_105a, vap * VAP_SWAP / swappable, _TO_8N),
        (is_8n, vap * VAP_SWAP / swappable, _TO_105A),
        (is_8n, vap * VAP_WORSE / _share_of(is_8n, is_vap), _TO_5D),
        (is_vap, vap * VAP_PUBLIC_ORDER, _VAP_TO_PUBLIC_ORDER),
        (is_vap, vap * VAP_OTHER, _VAP_TO_OTHER),
        (is_order, order, _FROM_PUBLIC_ORDER),
        (is_damage, damage, _FROM_DAMAGE),
        (is_robbery, robbery / 2, _ROBBERY_TO_THEFT),
        (is_robbery, robbery / 2, _ROBBERY_TO_ASSAULT),
    )
    u, which = rng.uniform(size=n), rng.uniform(size=n)
    changed = lag.after(rng, recorded)
    goes_back = drawn(rng, hazards.RECLASS_BACK, n)
    back_at = lag.after(rng, changed)
    way = np.full(n, -1)
    reached = np.zeros(n)
    for k, (may, share, _) in enumerate(ways):
        way = np.where(may & (reached <= u) & (u < reached + share), k, way)
        reached += np.where(may, share, 0.0)
    new = old.copy()
    for k, (_, _, (codes, shares, _)) in enumerate(ways):
        mine = way == k
        new[mine] = _other_code(which[mine], codes, shares, old[mine])
    reasons = np.array([why for _, _, (_, _, why) in ways])
    has = np.flatnonzero(way >= 0)
    back = has[goes_back[has]]
    return pl.concat(
        [
            change_frame(has, changed, "reclassified", reasons[way[has]], ho_offence_code=new[has]),
            change_frame(
                back,
                back_at,
                "reclassified_back",
                "audit: the first class was right",
                ho_offence_code=old[back],
            ),
        ]
    ).with_columns(
        offence_desc=pl.col("ho_offence_code").replace_strict(
            OFFENCE_DESCRIPTIONS, return_dtype=pl.String
        )
    )


def _share_of(some: np.ndarray, among: np.ndarray) -> float:
    return max(float(some.sum()), 1.0) / max(float(among.sum()), 1.0)


def _other_code(
    u: Floats, codes: Sequence[str], shares: Sequence[float], old: np.ndarray
) -> np.ndarray:
    """One of the codes for each u in [0, 1), never the old one where there is another."""
    picked = np.minimum(np.searchsorted(np.cumsum(shares), u, side="right"), len(codes) - 1)
    same = np.array(codes)[picked] == old
    return np.array(codes)[np.where(same, (picked + 1) % len(codes), picked)]
