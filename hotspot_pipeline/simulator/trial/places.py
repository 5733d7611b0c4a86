"""Which places are in the trial: the top ranks of what was recorded in the selection days, in pairs.

Belongs here: selection, pairing and arms (DOMAIN §8.4), and which place or ring a point lies in. Does not belong here:
when they are patrolled (`schedule`).
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import shapely

from hotspot_pipeline.geo.transform import to_bng, to_wgs84
from hotspot_pipeline.simulator.force.county import County, Floats, Ints
from hotspot_pipeline.simulator.force.premises import Premises
from hotspot_pipeline.simulator.profiles import ControlsName, Profile
from hotspot_pipeline.simulator.trial.frames import PLACES

RING_M = 300.0
KNOWN_AFTER_DAYS = 28  # the list is made four weeks after the selection days
CORE, RING = 0, 1


def choose_places(
    rng: np.random.Generator,
    profile: Profile,
    county: County,
    premises: Premises,
    records: pl.DataFrame,
    controls: ControlsName = "paired",
) -> pl.DataFrame:
    """The frame of places (`frames.PLACES`), 2 · n_pairs rows in order of rank.

    `records` holds what could be counted: `at_local`, `recorded_ts_local`, `easting`, `northing`, all deterrable. Cells with
    an excluded site or a default geocode, and neighbours of a better cell, are passed over. With "paired" controls, one of
    each two neighbouring ranks is drawn for treatment; with "ranked", the upper half is treated, which biases.
    Raises ValueError where the force has too few busy cells.
    """
    end = profile.start_local + timedelta(days=profile.selection_days)
    known = pl.col("recorded_ts_local") < end + timedelta(days=KNOWN_AFTER_DAYS)
    mine = records.filter((pl.col("at_local") < end) & known & pl.col("easting").is_not_null())
    easting, northing = (mine[c].cast(pl.Float64).to_numpy() for c in ("easting", "northing"))
    cells = county.grid.index(*to_wgs84(easting, northing))
    position = np.minimum(np.searchsorted(county.cells, cells), len(county.cells) - 1)
    inside = county.cells[position] == cells
    count = np.bincount(position[inside], minlength=len(county.cells)).astype(np.float64)
    count[_passed_over(county, premises)] = -1
    wanted = 2 * profile.n_pairs
    chosen = _far_apart(county, count, wanted)
    if len(chosen) < wanted:
        raise ValueError(
            f"profile {profile.name}: {len(chosen)} busy cells for {wanted} places; simulate a larger volume"
        )
    place = np.arange(wanted)
    pair = place // 2
    first = rng.uniform(size=profile.n_pairs) < 0.5
    is_treated = (
        (place % 2 == 0) == first[pair] if controls == "paired" else place < profile.n_pairs
    )
    return pl.DataFrame(
        {
            "place": place,
            "hotspot_id": [f"P{k:03d}" for k in place + 1],
            "cell": chosen,
            "cell_id": list(county.grid.to_text(county.cells[chosen])),
            "pair": pair if controls == "paired" else place % profile.n_pairs,
            "rank": place + 1,
            "arm": np.where(is_treated, "treat", "control"),
            "easting": np.round(county.easting[chosen]).astype(np.int64),
            "northing": np.round(county.northing[chosen]).astype(np.int64),
            "polygon_wkt": [p.wkt for p in shapely.set_precision(_polygons(county, chosen), 0.1)],
        },
        schema=PLACES,
    )


class Zones:
    """The places and the rings around them, to ask which one a point is in."""

    def __init__(self, places: pl.DataFrame) -> None:
        self.polygons = shapely.from_wkt(places["polygon_wkt"].to_numpy())
        self.centre = places.select("easting", "northing").to_numpy().astype(np.float64)
        # what lies further from the centre than this is in no ring of the place
        self.reach_m = [
            RING_M + np.hypot(*(shapely.get_coordinates(polygon) - centre).T).max() + 1
            for polygon, centre in zip(self.polygons, self.centre, strict=True)
        ]
        shapely.prepare(self.polygons)

    def of_points(self, easting: Floats, northing: Floats) -> tuple[Ints, Ints]:
        """(place, zone) of each point: CORE inside, RING up to 300 m outside the nearest place, -1 elsewhere."""
        place = np.full(len(easting), -1)
        nearest = np.full(len(easting), np.inf)
        order = np.argsort(easting)
        sorted_easting = easting[order]
        for k, (polygon, (e, n), reach) in enumerate(
            zip(self.polygons, self.centre, self.reach_m, strict=True)
        ):
            since, until = np.searchsorted(sorted_easting, (e - reach, e + reach))
            near = order[since:until]
            near = near[(easting[near] - e) ** 2 + (northing[near] - n) ** 2 < reach**2]
            away = shapely.distance(polygon, shapely.points(easting[near], northing[near]))
            closer = (away <= RING_M) & (away < nearest[near])
            nearest[near[closer]], place[near[closer]] = away[closer], k
        zone = np.where(place < 0, -1, np.where(nearest == 0, CORE, RING))
        return place, zone


def _polygons(county: County, cells: Ints) -> np.ndarray:
    """The hexagons of these cells in British National Grid metres."""
    ring_lon_lat = [shapely.get_coordinates(p) for p in county.grid.polygons(county.cells[cells])]
    lon, lat = np.concatenate(ring_lon_lat).T
    corners = np.column_stack(to_bng(lon, lat))
    ends = np.cumsum([len(r) for r in ring_lon_lat])
    return np.array([shapely.Polygon(part) for part in np.split(corners, ends[:-1])])


def _passed_over(county: County, premises: Premises) -> Ints:
    frames = [premises.excluded_sites, premises.default_geocodes]
    easting, northing = (
        np.concatenate([f[c].cast(pl.Float64).to_numpy() for f in frames])
        for c in ("easting", "northing")
    )
    return county.cell_positions(easting, northing)


def _far_apart(county: County, count: Floats, wanted: int) -> Ints:
    """Cells by count, best first, none beside one already taken; ties by position."""
    i, j = county.pairs
    order = np.argsort(i, kind="stable")
    first = np.searchsorted(i[order], np.arange(len(count) + 1))
    neighbours = j[order]
    is_blocked = np.zeros(len(count), bool)
    chosen: list[int] = []
    for cell in np.argsort(-count, kind="stable"):
        if len(chosen) == wanted or count[cell] <= 0:
            break
        if not is_blocked[cell]:
            chosen.append(int(cell))
            is_blocked[neighbours[first[cell] : first[cell + 1]]] = True
    return np.array(chosen, np.int64)
