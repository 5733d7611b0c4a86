"""Risk as DOMAIN §8.2 asks for it, measured on the county over several seeds."""

from __future__ import annotations

import numpy as np
import pytest

from hotspot_pipeline.simulator.force.county import Floats
from hotspot_pipeline.simulator.force.risk import GROUPS, yearly_drift
from hotspot_pipeline_tests.unit.simulator.force.conftest import SEEDS, Ground, MakeGround

# events a year in public places, from DOMAIN §8.2
PER_YEAR = {
    "asb": 8000, "vap": 3900, "public_order": 3200, "damage": 3100, "robbery": 220, "weapons": 380,
}  # fmt: skip


def _all_groups(ground: Ground) -> Floats:
    total = sum(n * ground.surfaces[name] for name, n in PER_YEAR.items())
    return np.asarray(total / np.sum(total))


def _ring(ground: Ground, values: Floats) -> Floats:
    ring = np.zeros(len(values))
    np.add.at(ring, ground.county.pairs[0], values[ground.county.pairs[1]])
    return ring


def test_each_surface_is_a_share(any_ground: Ground) -> None:
    assert set(any_ground.surfaces) == {*GROUPS, "homes", "retail"}
    for name, surface in any_ground.surfaces.items():
        assert surface.shape == any_ground.county.cells.shape, name
        assert (surface >= 0).all() and surface.sum() == pytest.approx(1), name
    assert {name: group.per_year for name, group in GROUPS.items()} == PER_YEAR


def test_few_cells_hold_most_events(county_ground: Ground) -> None:
    """50 % in 1.7 % of all cells, the top 1 % hold 36 %, the top 5 % hold 80 %, each within 10 %."""
    running = np.cumsum(np.sort(_all_groups(county_ground))[::-1])
    n = len(running)
    assert (np.searchsorted(running, 0.5) + 1) / n == pytest.approx(0.017, rel=0.10)
    assert running[n // 100 - 1] == pytest.approx(0.36, rel=0.10)
    assert running[n // 20 - 1] == pytest.approx(0.80, rel=0.10)


def test_each_group_is_about_as_concentrated(county_ground: Ground) -> None:
    for name in GROUPS:
        running = np.cumsum(np.sort(county_ground.surfaces[name])[::-1])
        share = (np.searchsorted(running, 0.5) + 1) / len(running)
        assert 0.012 < share < 0.021, name


def test_a_ring_holds_about_as_much_as_its_core(county_ground: Ground) -> None:
    total = _all_groups(county_ground)
    ring = _ring(county_ground, total)
    is_whole = np.bincount(county_ground.county.pairs[0], minlength=len(total)) == 6
    top = np.argsort(-total, kind="stable")[:36]
    top = top[is_whole[top]]
    assert 0.5 <= np.median(ring[top] / total[top]) <= 1.5


def test_neighbours_are_alike_and_distant_cells_are_not(ground: MakeGround) -> None:
    """Within towns, where built-up no longer decides: correlated at one step (331 m), hardly at two, not farther."""
    by_distance = {331: [], 662: [], 1500: []}  # type: dict[int, list[float]]
    for seed in SEEDS:
        found = ground("county", seed)
        county = found.county
        inside = np.flatnonzero(county.built_up >= 0.35)
        rank = np.argsort(np.argsort(_all_groups(found)[inside])) / len(inside) - 0.5
        apart = np.hypot(
            county.easting[inside][:, None] - county.easting[inside],
            county.northing[inside][:, None] - county.northing[inside],
        )
        for metres, values in by_distance.items():
            i, j = np.nonzero(np.abs(apart - metres) < 40)
            values.append(float(12 * np.mean(rank[i] * rank[j])))
    near, next_but_one, far = (np.mean(values) for values in by_distance.values())
    assert 0.14 < near < 0.32
    assert next_but_one < 0.08
    assert abs(far) < 0.03


def test_risk_is_where_people_are(county_ground: Ground) -> None:
    county = county_ground.county
    for name, surface in county_ground.surfaces.items():
        assert surface[~county.is_built_up].sum() < 0.002, name
    assert county_ground.surfaces["homes"] @ (county.population > 0) == pytest.approx(1)


def test_venues_draw_the_night_groups_and_shops(county_ground: Ground) -> None:
    at_venues = {
        name: surface[county_ground.premises.n_venues > 0].sum()
        for name, surface in county_ground.surfaces.items()
    }
    for name in ("vap", "public_order", "robbery", "weapons"):
        assert at_venues[name] > 1.3 * at_venues["asb"] > 1.3 * at_venues["damage"], name
    assert at_venues["retail"] > 0.4
    busiest = int(county_ground.premises.n_venues.argmax())
    assert (_all_groups(county_ground) > _all_groups(county_ground)[busiest]).mean() < 0.02


def test_groups_differ_from_one_another(county_ground: Ground) -> None:
    top = {name: set(np.argsort(-county_ground.surfaces[name])[:36]) for name in GROUPS}
    shared = len(top["asb"] & top["damage"])
    assert 5 < shared < 34


def test_yearly_drift_has_mean_one_and_the_stated_spread() -> None:
    for cv in (0.25, 0.40):
        drift = yearly_drift(np.random.default_rng(1), 40_000, 3, cv)
        assert drift.shape == (40_000, 3)
        assert drift.mean() == pytest.approx(1, abs=0.005)
        assert drift.std() == pytest.approx(cv, rel=0.02)
        assert abs(np.corrcoef(drift.T)[0, 1]) < 0.02
