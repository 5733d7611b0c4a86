"""The streets of the county: a made-up network of nodes and edges.

Belongs here: the network and the street nearest to a point. Does not belong here: addresses (`county`), errors of
geocodes (`crime.locations`), who walks where (`patrol`).

Inside towns and villages streets are a jittered lattice with gaps, every sixth line an arterial; between them run
lanes: the shortest tree through all centres and each centre's nearest neighbours besides; between neighbouring towns
the road is an arterial. All of it hangs together.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray

from hotspot_pipeline.simulator.force.county import County, Floats, Ints
from hotspot_pipeline.simulator.streams import Streams

STREET, LANE, ARTERIAL = 0, 1, 2
CLASS_NAMES = ("street", "lane", "arterial")
_BLOCK_M = 150.0
_JITTER_M = 28.0
_ARTERIAL_EVERY = 6
_GAPS = 0.15  # of the lattice's lesser streets
_BUILT_ENOUGH = 0.10  # as `towns` calls a cell town or village
_LANE_PIECE_M = 260.0
_LANE_BEND_M = 45.0
_MORE_LANES = 2  # to how many nearest centres, beside the tree
_FAR = 1e12


@dataclass(frozen=True, eq=False)
class Streets:
    """Nodes (metres, EPSG:27700) and edges between them: `start` and `end` are positions of nodes, `start` < `end`.

    `kind` is STREET, LANE or ARTERIAL (`CLASS_NAMES`). Every node can be reached from every other.
    """

    easting: Floats
    northing: Floats
    start: Ints
    end: Ints
    length_m: Floats
    kind: Ints

    def nearest_street(self, easting: Floats, northing: Floats) -> tuple[Ints, Floats]:
        """(edge, bearing) of the street nearest to each point; of equally near ones the first.

        The bearing is in radians clockwise from grid north, 0 to π: a street has two directions. A shift by d metres
        along it is (d sin bearing, d cos bearing).
        """
        points = shapely.points(np.asarray(easting, np.float64), np.asarray(northing, np.float64))
        which, edge = self._tree.query_nearest(points, all_matches=True)
        # a point beyond a corner is equally near to all edges that meet there
        order = np.lexsort((edge, which))
        first = np.diff(which[order], prepend=-1) > 0
        nearest = edge[order][first].astype(np.int64)
        return nearest, self.bearing[nearest]

    @cached_property
    def bearing(self) -> Floats:
        """By edge, radians clockwise from grid north, 0 to π."""
        east = self.easting[self.end] - self.easting[self.start]
        north = self.northing[self.end] - self.northing[self.start]
        return np.asarray(np.mod(np.arctan2(east, north), np.pi))

    @cached_property
    def _tree(self) -> shapely.STRtree:
        nodes = np.stack([self.easting, self.northing], axis=1)
        return shapely.STRtree(shapely.linestrings(nodes[np.stack([self.start, self.end], axis=1)]))


def make_streets(streams: Streams, county: County) -> Streets:
    """The network of one county; the same seed and profile, the same streets."""
    rng = streams("streets")
    at = [(t.easting, t.northing) for t in county.towns]
    at += [(v.easting, v.northing) for v in county.villages]
    centres = np.array(at)
    origin = np.array([county.easting.min(), county.northing.min()]) - _BLOCK_M
    node_of, nodes, edges = _lattice(rng, county, origin)
    centre_node, nodes = _at_centres(node_of, nodes, centres, origin)
    lanes = []
    n_towns = len(county.towns)
    for a, b in sorted({*_links(centres), *_links(centres[:n_towns])}):
        lane, nodes = _lane(rng, nodes, node_of, origin, int(centre_node[a]), int(centre_node[b]))
        is_main = a < n_towns and b < n_towns
        lanes.append(np.column_stack([lane, np.full(len(lane), ARTERIAL if is_main else LANE)]))
    return _network(nodes, np.concatenate([edges, *lanes]), int(centre_node[0]))


def _lattice(rng: np.random.Generator, county: County, origin: Floats) -> tuple[Ints, Floats, Ints]:
    """(node at each lattice place or -1, nodes (n, 2), edges (n, 3): from, to, kind) where it is built up."""
    top = np.array([county.easting.max(), county.northing.max()])
    n_east, n_north = (np.ceil((top - origin) / _BLOCK_M).astype(int) + 1).tolist()
    is_built = np.zeros((n_east, n_north), dtype=bool)
    built = county.built_up >= _BUILT_ENOUGH
    # A lattice place is built up where a cell's centre within 1.3 blocks is: cells are two blocks wide.
    east = np.rint((county.easting[built] - origin[0]) / _BLOCK_M).astype(np.int64)
    north = np.rint((county.northing[built] - origin[1]) / _BLOCK_M).astype(np.int64)
    for dx in (-1, 0, 1):
        for dy in (-1, 0, 1):
            is_built[(east + dx).clip(0, n_east - 1), (north + dy).clip(0, n_north - 1)] = True
    node_of = np.where(is_built, np.cumsum(is_built).reshape(is_built.shape) - 1, -1)
    place = np.argwhere(is_built)
    shift = np.clip(rng.normal(0, _JITTER_M / 2, size=place.shape), -_JITTER_M, _JITTER_M)
    nodes = origin + place * _BLOCK_M + shift
    parts = []
    for axis in (0, 1):
        one, other = (node_of[:-1], node_of[1:]) if axis == 0 else (node_of[:, :-1], node_of[:, 1:])
        both = np.argwhere((one >= 0) & (other >= 0))
        line = both[:, 1 - axis]
        is_arterial = line % _ARTERIAL_EVERY == 0
        stays = is_arterial | (rng.uniform(size=len(both)) >= _GAPS)
        a, b = one[tuple(both.T)], other[tuple(both.T)]
        kind = np.where(is_arterial, ARTERIAL, STREET)
        parts.append(np.column_stack([a, b, kind])[stays])
    return node_of, nodes, np.concatenate(parts)


def _at_centres(
    node_of: Ints, nodes: Floats, centres: Floats, origin: Floats
) -> tuple[Ints, Floats]:
    """The node at each centre: its place on the lattice, or one more where the lattice has none."""
    place = np.rint((centres - origin) / _BLOCK_M).astype(np.int64)
    found = node_of[place[:, 0], place[:, 1]]
    missing = np.flatnonzero(found < 0)
    found[missing] = len(nodes) + np.arange(len(missing))
    return found, np.concatenate([nodes, centres[missing]])


def _links(centres: Floats) -> list[tuple[int, int]]:
    """Pairs of centres: the shortest tree through all (Prim), and each with its nearest few."""
    n = len(centres)
    gap = np.hypot(*(centres[:, None] - centres[None]).transpose(2, 0, 1))
    np.fill_diagonal(gap, _FAR)
    links = set()
    nearest, to = gap[0].copy(), np.zeros(n, dtype=np.int64)
    nearest[0] = np.inf
    for _ in range(n - 1):
        new = int(nearest.argmin())
        links.add((min(new, int(to[new])), max(new, int(to[new]))))
        closer = (gap[new] < nearest) & np.isfinite(nearest)
        nearest[closer], to[closer] = gap[new][closer], new
        nearest[new] = np.inf
    few = np.argsort(gap, axis=1, kind="stable")[:, : min(_MORE_LANES, n - 1)]
    links |= {(min(a, int(b)), max(a, int(b))) for a in range(n) for b in few[a]}
    return sorted(links)


def _lane(
    rng: np.random.Generator, nodes: Floats, node_of: Ints, origin: Floats, a: int, b: int
) -> tuple[Ints, Floats]:
    """(edges (n, 2), nodes with those of the lane): a bent way from a to b that uses streets where there are any."""
    way = nodes[b] - nodes[a]
    length = float(np.hypot(*way))
    n_inner = max(int(length / _LANE_PIECE_M), 1)
    along = np.arange(1, n_inner + 1)[:, None] / (n_inner + 1)
    bend = np.clip(rng.normal(0, _LANE_BEND_M, n_inner), -2 * _LANE_BEND_M, 2 * _LANE_BEND_M)
    across = np.array([-way[1], way[0]]) / max(length, 1.0)
    inner = nodes[a] + along * way + bend[:, None] * across
    place = np.rint((inner - origin) / _BLOCK_M).astype(np.int64)
    place = np.clip(place, 0, np.array(node_of.shape) - 1)
    node = node_of[place[:, 0], place[:, 1]].copy()
    is_new = node < 0
    node[is_new] = len(nodes) + np.arange(int(is_new.sum()))
    chain = np.concatenate([[a], node, [b]])
    return np.column_stack([chain[:-1], chain[1:]]), np.concatenate([nodes, inner[is_new]])


def _network(nodes: Floats, edges: Ints, root: int) -> Streets:
    """Edges once each (the highest kind wins), without loops and without what cannot be reached from `root`."""
    start, end = edges[:, :2].min(axis=1), edges[:, :2].max(axis=1)
    order = np.lexsort((-edges[:, 2], end, start))
    start, end, kind = start[order], end[order], edges[order, 2]
    keep = (start != end) & np.append(True, (np.diff(start) != 0) | (np.diff(end) != 0))
    start, end, kind = start[keep], end[keep], kind[keep]
    reached = _reached(start, end, len(nodes), root)
    inside = reached[start]
    start, end, kind = start[inside], end[inside], kind[inside]
    number = np.cumsum(reached) - 1
    nodes, start, end = np.round(nodes[reached], 1), number[start], number[end]
    length = np.hypot(*(nodes[end] - nodes[start]).T)
    return Streets(nodes[:, 0].copy(), nodes[:, 1].copy(), start, end, length, kind)


def _reached(start: Ints, end: Ints, n: int, root: int) -> NDArray[np.bool_]:
    head = np.arange(n)
    while True:
        low = np.minimum(head[start], head[end])
        new = head.copy()
        # the heads join, so that distances halve with every turn
        np.minimum.at(new, head[start], low)
        np.minimum.at(new, head[end], low)
        new = new[new]
        if (new == head).all():
            return np.asarray(head == head[root])
        head = new
