"""Areas that cells belong to: beats, local policing areas (LPA) and small statistical areas like LSOAs.

Belongs here: which cell lies in which area (DOMAIN §8.1). Does not belong here: towns and residents (`towns`).

The largest town is cut into three beats, every other town with the country around it is one: nine beats in the
county. The largest town is one LPA, the others are two, west and east. LSOA-like areas are cut out of beats by
halving again and again so that residents are about equal, and nest in them. All areas are in one piece.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hotspot_pipeline.simulator.force.fields import Floats, Ints, Pairs, largest_remainder, totals
from hotspot_pipeline.simulator.force.towns import Town

_LSOA_PREFIX = "E0199"  # outside the range of real codes
_BEATS_IN_LARGEST = 3
_SOMEBODY = 0.2  # a weight for cells where nobody lives, so that open country is cut too


@dataclass(frozen=True, eq=False)
class Areas:
    """By cell (order of `County.cells`): positions in the lists of codes; residents in the same order as the codes."""

    lsoa: Ints
    beat: Ints
    lpa: Ints
    lsoa_codes: tuple[str, ...]
    beat_codes: tuple[str, ...]
    beat_names: tuple[str, ...]
    lpa_codes: tuple[str, ...]
    lpa_names: tuple[str, ...]
    lsoa_population: Floats
    beat_population: Floats
    lpa_population: Floats

    def lsoa_code(self, cell: Ints) -> np.ndarray:
        """The LSOA-like code of each cell position."""
        return np.asarray(self.lsoa_codes)[self.lsoa[cell]]

    def beat_code(self, cell: Ints) -> np.ndarray:
        return np.asarray(self.beat_codes)[self.beat[cell]]

    def lpa_code(self, cell: Ints) -> np.ndarray:
        return np.asarray(self.lpa_codes)[self.lpa[cell]]


def make_areas(
    pairs: Pairs,
    easting: Floats,
    northing: Floats,
    population: Floats,
    towns: tuple[Town, ...],
    town: Ints,
    n_lsoa: int,
) -> Areas:
    """Areas of the county; `town` is each cell's nearest town. Nothing is drawn: the ground decides."""
    beat_town, beat = _beats(easting, northing, towns, town)
    beat = _in_one_piece(beat, np.zeros_like(beat), pairs, population)
    lpa_of_town, lpa_names = _lpas(towns)
    lpa_of_beat = lpa_of_town[beat_town]
    lsoa = _lsoas(easting, northing, population, beat, len(beat_town), n_lsoa)
    lsoa = _in_one_piece(lsoa, beat, pairs, population)
    lpa = lpa_of_beat[beat]
    # beats are numbered within their LPA: A1, A2, …
    number = [int((lpa_of_beat[:k] == lpa_of_beat[k]).sum()) + 1 for k in range(len(lpa_of_beat))]
    part = ("north", "west", "east")
    return Areas(
        lsoa,
        beat,
        lpa,
        tuple(f"{_LSOA_PREFIX}{k:04d}" for k in range(n_lsoa)),
        tuple(f"{'ABC'[p]}{k}" for p, k in zip(lpa_of_beat, number, strict=True)),
        tuple(
            towns[t].name if t else f"{towns[0].name} {part[k]}" for k, t in enumerate(beat_town)
        ),
        tuple("ABC"[: len(lpa_names)]),
        lpa_names,
        totals(lsoa, population, n_lsoa),
        totals(beat, population, len(beat_town)),
        totals(lpa, population, len(lpa_names)),
    )


def _beats(
    easting: Floats, northing: Floats, towns: tuple[Town, ...], town: Ints
) -> tuple[Ints, Ints]:
    """(town of each beat, beat of each cell); the largest town's beats are sectors: north, west, east."""
    angle = np.arctan2(northing - towns[0].northing, easting - towns[0].easting)
    # thirds that begin at 30 degrees north of east, counterclockwise
    sector = np.floor(np.mod(angle - np.pi / 6, 2 * np.pi) / (2 * np.pi / 3)).astype(np.int64)
    sector = np.array([0, 1, 2])[np.minimum(sector, 2)]
    beat = np.where(town == 0, sector, town + _BEATS_IN_LARGEST - 1)
    beat_town = np.concatenate([np.zeros(_BEATS_IN_LARGEST, np.int64), np.arange(1, len(towns))])
    return beat_town, beat


def _lpas(towns: tuple[Town, ...]) -> tuple[Ints, tuple[str, ...]]:
    """(LPA of each town, names): the largest town, then the western and the eastern half of the others."""
    lpa = np.zeros(len(towns), np.int64)
    if len(towns) == 1:
        return lpa, (towns[0].name,)
    others = np.argsort([t.easting for t in towns[1:]], kind="stable") + 1
    west, east = others[: (len(others) + 1) // 2], others[(len(others) + 1) // 2 :]
    lpa[west] = 1
    lpa[east] = 2
    names = (towns[0].name, "West", "East")
    return lpa, names if len(east) else names[:2]


def _lsoas(
    easting: Floats, northing: Floats, population: Floats, beat: Ints, n_beats: int, n_lsoa: int
) -> Ints:
    weight = population + _SOMEBODY
    n_parts = largest_remainder(totals(beat, weight, n_beats), n_lsoa)
    if (n_parts == 0).any() or (n_parts > np.bincount(beat, minlength=n_beats)).any():
        raise ValueError(f"{n_lsoa} LSOA-like areas do not fit into {n_beats} beats")
    lsoa = np.empty(len(beat), np.int64)
    waiting = [(np.flatnonzero(beat == k), int(n_parts[k])) for k in range(n_beats)][::-1]
    done = 0
    while waiting:
        cells, parts = waiting.pop()
        if parts == 1:
            lsoa[cells] = done
            done += 1
            continue
        east, north = easting[cells], northing[cells]
        w = weight[cells]
        # across the longer side, as the residents see it
        spread_e, spread_n = (
            np.average((v - np.average(v, weights=w)) ** 2, weights=w) for v in (east, north)
        )
        order = np.argsort(east if spread_e > spread_n else north, kind="stable")
        running = np.cumsum(w[order])
        first = parts // 2
        cut = int(np.searchsorted(running, running[-1] * first / parts)) + 1
        cut = min(max(cut, first), len(cells) - (parts - first))
        waiting += [(cells[order[cut:]], parts - first), (cells[order[:cut]], first)]
    return lsoa


def _in_one_piece(area: Ints, within: Ints, pairs: Pairs, population: Floats) -> Ints:
    """Areas without detached pieces: each piece but the one with most residents goes to an area beside it.

    Only to an area of the same `within`, so that nesting holds.
    """
    i, j = pairs
    area = area.copy()
    for _ in range(20):
        piece = _pieces(area, pairs)
        weight = totals(piece, population + 1e-3, len(area))
        heads = np.unique(piece)
        by_area = np.lexsort((heads, -weight[heads], area[heads]))
        sorted_area = area[heads[by_area]]
        is_main = np.append(True, sorted_area[1:] != sorted_area[:-1])
        is_detached = np.zeros(len(area), dtype=bool)
        is_detached[heads[by_area[~is_main]]] = True
        leaves = is_detached[piece]
        usable = leaves[i] & ~leaves[j] & (within[i] == within[j])
        if not usable.any():
            break
        which, first = np.unique(piece[i[usable]], return_index=True)
        goes_to = np.full(len(area), -1)
        goes_to[which] = area[j[usable][first]]
        moved = goes_to[piece] >= 0
        area[moved] = goes_to[piece[moved]]
    return area


def _pieces(area: Ints, pairs: Pairs) -> Ints:
    """By cell, the lowest position of a cell that is linked with it through cells of its own area."""
    i, j = pairs
    same = area[i] == area[j]
    i, j = i[same], j[same]
    piece = np.arange(len(area))
    if len(i) == 0:
        return piece
    starts = np.flatnonzero(np.append(True, i[1:] != i[:-1]))
    while True:
        lowest = piece.copy()
        lowest[i[starts]] = np.minimum(piece[i[starts]], np.minimum.reduceat(piece[j], starts))
        # what the own head has joined counts too: distances halve with every turn
        np.minimum.at(lowest, piece, lowest)
        lowest = lowest[lowest]
        if (lowest == piece).all():
            return piece
        piece = lowest
