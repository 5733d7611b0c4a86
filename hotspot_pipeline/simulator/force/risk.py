"""Risk: each cell's share of the events of each group (DOMAIN §8.2).

Belongs here: how much falls where over the years. Does not belong here: when (`crime`), how a year differs from the
next (drawn beside the events with `yearly_drift`), the venues themselves (`premises`).

The six groups together follow a gamma distribution over the cells, by rank: the cell with the highest score has the
highest quantile, so that half of all events lie in about 1.7 % of the cells whatever the score is. The score says
which cells: built-up ones, near venues, with noise that neighbours share. What a cell has is then divided among the
groups: those of the night take more near venues, and each has its own noise; dividing changes neither a cell's sum
nor a group's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hotspot_pipeline.simulator.force.county import County, Floats
from hotspot_pipeline.simulator.force.fields import gamma_quantiles, ring_sum, shared_normal
from hotspot_pipeline.simulator.force.premises import Premises
from hotspot_pipeline.simulator.streams import Streams


@dataclass(frozen=True, slots=True)
class _Group:
    """Events a year in public places (DOMAIN §8.2), and how strongly venues draw them."""

    per_year: float
    venues: float


GROUPS = {
    "asb": _Group(8000, 0.15),
    "vap": _Group(3900, 0.90),
    "public_order": _Group(3200, 0.85),
    "damage": _Group(3100, -0.20),
    "robbery": _Group(220, 0.85),
    "weapons": _Group(380, 0.75),
}
# DOMAIN §8.2 has shape 0.05: half in 1.8 %, 36 % in the top 1 %, 79 % in the top 5 %; a little below is nearer 1.7 %.
_GAMMA_SHAPE = 0.048
# the score; the noise is in units of its own standard deviation
_LAND = 2.0  # per factor e of built-up
_TOWN = 0.35  # built-up from which more of it does not matter: noise and venues decide within towns
_VENUES = 2.0  # per factor e of venues, counted in halves from one
_SHARED, _OWN = 1.0, 1.0  # noise that neighbours share, noise of a cell alone
_NEIGHBOUR_WEIGHT = 0.18  # more, and rings hold more than 1.5 times their cores
_RING_VENUES = 0.05  # a venue next door counts as so many
_GROUP_NOISE = 0.35
_HOME_NOISE, _SHOP_NOISE = 0.8, 1.4
_SHOPS_AT_VENUES = 0.6


def make_surfaces(streams: Streams, county: County, premises: Premises) -> dict[str, Floats]:
    """Each (n_cells,) and summing to 1: the six groups, `homes` (what happens at home) and `retail`."""
    n = len(county.cells)
    near = premises.n_venues + _RING_VENUES * ring_sum(county.pairs, premises.n_venues)
    going_out = np.log1p(near / 2)

    def noise(name: str) -> Floats:
        return shared_normal(streams("risk", name), county.pairs, n, _NEIGHBOUR_WEIGHT)

    score = _LAND * np.log(np.minimum(county.built_up, _TOWN)) + _VENUES * going_out
    score += _SHARED * noise("all") + _OWN * streams("risk", "own").standard_normal(n)
    total = np.empty(n)
    total[np.argsort(score, kind="stable")] = gamma_quantiles(_GAMMA_SHAPE, n)
    per_year = np.array([group.per_year for group in GROUPS.values()])
    leaning = [
        np.exp(g.venues * going_out + _GROUP_NOISE * noise(name)) for name, g in GROUPS.items()
    ]
    groups = _divide(_share(total), per_year / per_year.sum(), np.stack(leaning, axis=1))
    surfaces = {name: _share(groups[:, k]) for k, name in enumerate(GROUPS)}
    surfaces["homes"] = _share(county.population * np.exp(_HOME_NOISE * noise("homes")))
    shops = noise("retail")
    surfaces["retail"] = _share(
        _SHOPS_AT_VENUES * _share(near * county.is_built_up * np.exp(_GROUP_NOISE * shops))
        + (1 - _SHOPS_AT_VENUES) * _share(county.population * np.exp(_SHOP_NOISE * shops))
    )
    return surfaces


def yearly_drift(rng: np.random.Generator, n_cells: int, n_years: int, cv: float = 0.25) -> Floats:
    """(n_cells, n_years) factors on a cell's rate: lognormal, mean 1, coefficient of variation `cv`."""
    sigma = np.sqrt(np.log1p(cv**2))
    return np.asarray(np.exp(sigma * rng.standard_normal((n_cells, n_years)) - sigma**2 / 2))


def _divide(cells: Floats, groups: Floats, leaning: Floats) -> Floats:
    """(n_cells, n_groups) with the given sums both ways, close to `leaning` (iterative proportional fitting)."""
    table = cells[:, None] * groups * leaning
    for _ in range(25):
        table *= groups / table.sum(axis=0)
        table *= (cells / np.maximum(table.sum(axis=1), 1e-300))[:, None]
    return table


def _share(values: Floats) -> Floats:
    return np.asarray(values / values.sum())
