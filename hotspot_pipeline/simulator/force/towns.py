"""Where people live in the county: towns, villages, what is built up, how many live in each cell.

Belongs here: settlements and population (DOMAIN §8.1). Does not belong here: the outline and the cells (`county`),
what happens where people live (`risk`).

Town names are invented. Open country has a few houses too: farms and hamlets fill the built-up mask up to its share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from hotspot_pipeline.simulator.force.fields import Flags, Floats, Ints, Pairs, shared_normal

# name, letter, population (DOMAIN §8.1: one of 110k, six of 15–80k)
TOWN_PLAN = (
    ("Northbridge", "N", 110_000),
    ("Ashmere", "A", 77_000),
    ("Kingsholt", "K", 62_000),
    ("Brackenford", "B", 47_000),
    ("Dunscote", "D", 36_000),
    ("Redwell", "R", 24_000),
    ("Marlhope", "M", 16_000),
)
_TOWN_PER_KM2 = 1600.0  # residents; parks, works and retail estates count as town
_MOST_OF_AREA = 0.16  # a small force is not one town from end to end
_VILLAGE_POPULATION = 1500.0
BUILT_UP_SHARE = 0.30  # of all cells (DOMAIN §8.2)
_SETTLED = 0.06  # built-up from which a cell is town or village
_OPEN = 0.003
_HAMLET_POPULATION = 14.0
_HAMLETS_AT_LEAST = 0.05  # of the open cells, where towns alone fill the mask


@dataclass(frozen=True, slots=True)
class Town:
    """A town: centre and built-up radius in metres; `activity` is its population, the largest town's being 1."""

    name: str
    beat_letter: str
    population: int
    easting: float
    northing: float
    radius_m: float
    activity: float


@dataclass(frozen=True, slots=True)
class Village:
    population: int
    easting: float
    northing: float


@dataclass(frozen=True, eq=False)
class Settlement:
    """By cell: how densely built (0.003 open country, up to 1), whether at all, and residents."""

    built_up: Floats
    is_built_up: Flags
    population: Floats


def bent(rng: np.random.Generator, angle: Floats, depth: float = 1.0) -> Floats:
    """A radius around 1 by direction (radians): a circle bent by a few sine waves."""
    radius = np.ones_like(angle)
    for waves, size in ((2, 0.13), (3, 0.09), (4, 0.06), (5, 0.04), (7, 0.02)):
        radius += depth * size * np.sin(waves * angle + rng.uniform(0, 2 * np.pi))
    return radius


def place_towns(
    rng: np.random.Generator,
    outline: shapely.Polygon,
    easting: Floats,
    northing: Floats,
    n_towns: int,
) -> tuple[Town, ...]:
    """The first `n_towns` of the plan: the largest near the middle, the others apart from it and one another."""
    if not 1 <= n_towns <= len(TOWN_PLAN):
        raise ValueError(f"{n_towns} towns: the plan has 1 to {len(TOWN_PLAN)}")
    plan = TOWN_PLAN[:n_towns]
    population = [round(p * rng.uniform(0.975, 1.025), -2) for _, _, p in plan]
    area_km2 = np.array(population) / _TOWN_PER_KM2
    area_km2 *= min(1.0, _MOST_OF_AREA * outline.area / 1e6 / area_km2.sum())
    towns: list[Town] = []
    for (name, letter, _), people, km2 in zip(plan, population, area_km2, strict=True):
        radius = 1000 * float(np.sqrt(km2 / np.pi))
        some = rng.integers(0, len(easting), 300)
        e, n = easting[some], northing[some]
        inland = shapely.distance(shapely.points(e, n), outline.exterior) - radius
        if towns:
            apart = _gap(e, n, towns) - radius
            best = int(np.minimum(np.minimum(apart, 2 * inland + 1500), 6000).argmax())
        else:
            off_centre = np.hypot(e - outline.centroid.x, n - outline.centroid.y)
            best = int((off_centre - np.minimum(inland, 0)).argsort(kind="stable")[7])
        towns.append(
            Town(
                name, letter, int(people), float(e[best]), float(n[best]), radius,
                int(people) / population[0],
            )
        )  # fmt: skip
    return tuple(towns)


def place_villages(
    rng: np.random.Generator,
    towns: tuple[Town, ...],
    easting: Floats,
    northing: Floats,
    n_villages: int,
) -> tuple[Village, ...]:
    """Villages outside the towns and apart from one another."""
    at: list[tuple[float, float]] = []
    people = np.clip(_VILLAGE_POPULATION * rng.lognormal(0, 0.5, n_villages), 400, 6000)
    for _ in range(n_villages):
        some = rng.integers(0, len(easting), 150)
        e, n = easting[some], northing[some]
        apart = np.minimum(_gap(e, n, towns) - 500, 1800)
        for village_e, village_n in at:
            apart = np.minimum(apart, np.hypot(e - village_e, n - village_n))
        best = int(apart.argmax())
        at.append((float(e[best]), float(n[best])))
    return tuple(Village(round(p), e, n) for p, (e, n) in zip(people, at, strict=True))


def settle(
    rng: np.random.Generator,
    towns: tuple[Town, ...],
    villages: tuple[Village, ...],
    easting: Floats,
    northing: Floats,
    pairs: Pairs,
) -> Settlement:
    """What is built and who lives where; towns are dense in the middle and end in a ragged edge."""
    n_cells = len(easting)
    grain = np.exp(0.25 * shared_normal(rng, pairs, n_cells, 0.3))  # estates, parks, works
    dense: list[tuple[int, Floats]] = []
    for town in towns:
        east, north = easting - town.easting, northing - town.northing
        away = np.hypot(east, north) / bent(rng, np.arctan2(north, east))
        inside = 1 / (1 + np.exp(np.clip((away - town.radius_m) / 160, -50, 50)))
        here = inside * (0.42 + 0.50 * np.exp(-away / (0.45 * town.radius_m))) * grain
        dense.append((town.population, here))
    for village in villages:
        reach = 350 * np.sqrt(village.population / _VILLAGE_POPULATION)
        away = np.hypot(easting - village.easting, northing - village.northing)
        dense.append((village.population, 0.40 * np.exp(-((away / reach) ** 2)) * grain))
    built = np.sum([here for _, here in dense], axis=0)
    is_settled = built >= _SETTLED
    population = np.zeros(n_cells)
    for people, here in dense:
        population += people * here * is_settled / here[is_settled].sum()
    is_hamlet = _hamlets(shared_normal(rng, pairs, n_cells, 0.3), is_settled)
    population[is_hamlet] = _HAMLET_POPULATION
    built = np.where(is_settled, np.minimum(built, 1.0), np.where(is_hamlet, 0.03 * grain, _OPEN))
    return Settlement(built, is_settled | is_hamlet, population)


def _hamlets(noise: Floats, is_settled: Flags) -> Flags:
    """Open cells with a few houses, so many that the mask has its share."""
    n_open = int((~is_settled).sum())
    n_wanted = round(BUILT_UP_SHARE * len(noise)) - int(is_settled.sum())
    n_wanted = min(max(n_wanted, round(_HAMLETS_AT_LEAST * n_open)), n_open)
    order: Ints = np.argsort(np.where(is_settled, np.inf, -noise), kind="stable")
    is_hamlet = np.zeros(len(noise), dtype=bool)
    is_hamlet[order[:n_wanted]] = True
    return is_hamlet


def _gap(easting: Floats, northing: Floats, towns: tuple[Town, ...] | list[Town]) -> Floats:
    """Metres from each point to the edge of the nearest town, negative inside one."""
    gaps = [np.hypot(easting - t.easting, northing - t.northing) - t.radius_m for t in towns]
    return np.asarray(np.min(gaps, axis=0))
