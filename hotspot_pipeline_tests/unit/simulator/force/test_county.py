"""The ground as DOMAIN §8.1 asks for it, and the same for the same seed wherever it is made."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
import shapely

from hotspot_pipeline.simulator.force.county import make_county
from hotspot_pipeline.simulator.force.streets import make_streets
from hotspot_pipeline.simulator.profiles import PROFILES
from hotspot_pipeline.simulator.streams import Streams
from hotspot_pipeline_tests.unit.simulator.force.conftest import Ground, MakeGround


def test_the_county_has_the_sizes_of_the_specification(county_ground: Ground) -> None:
    county = county_ground.county
    assert county.outline_bng.area == pytest.approx(1980e6, rel=1e-6)
    assert 20_000 <= len(county.cells) <= 21_500
    assert county.is_built_up.mean() == pytest.approx(0.30, abs=0.01)
    sizes = [town.population for town in county.towns]
    assert len(sizes) == 7 and sizes == sorted(sizes, reverse=True)
    assert 105_000 <= sizes[0] <= 115_000
    assert all(15_000 <= size <= 80_000 for size in sizes[1:])
    assert len(county.villages) == 60


def test_smaller_profiles_have_the_first_towns_and_as_much_built_up(any_ground: Ground) -> None:
    county, profile = any_ground.county, any_ground.profile
    assert county.outline_bng.area == pytest.approx(profile.area_km2 * 1e6, rel=1e-6)
    names = [
        "Northbridge",
        "Ashmere",
        "Kingsholt",
        "Brackenford",
        "Dunscote",
        "Redwell",
        "Marlhope",
    ]
    assert [town.name for town in county.towns] == names[: profile.n_towns]
    assert county.is_built_up.mean() == pytest.approx(0.30, abs=0.06)


def test_towns_lie_inside_the_county_and_apart(county_ground: Ground) -> None:
    county = county_ground.county
    points = [shapely.Point(t.easting, t.northing) for t in county.towns]
    for k, town in enumerate(county.towns):
        assert county.outline_bng.contains(points[k])
        assert county.outline_bng.exterior.distance(points[k]) > 0.5 * town.radius_m
        for m in range(k):
            apart = points[k].distance(points[m]) - town.radius_m - county.towns[m].radius_m
            assert apart > 0, (town.name, county.towns[m].name)


def test_residents_live_where_it_is_built_up(any_ground: Ground) -> None:
    county = any_ground.county
    assert (county.population[~county.is_built_up] == 0).all()
    assert (county.population[county.is_built_up] > 0).all()
    assert (county.built_up[county.is_built_up] > county.built_up[~county.is_built_up].max()).all()
    settled = sum(t.population for t in county.towns) + sum(v.population for v in county.villages)
    in_hamlets = 14 * int((county.population == 14).sum())
    assert county.population.sum() == pytest.approx(settled + in_hamlets, rel=1e-3)


def test_each_address_lies_in_its_cell(any_ground: Ground) -> None:
    county = any_ground.county
    n_cells, n_places = county.place_easting.shape
    found = county.cell_positions(county.place_easting.ravel(), county.place_northing.ravel())
    np.testing.assert_array_equal(found, np.repeat(np.arange(n_cells), n_places))
    assert (np.diff(county.place_cumulative, axis=1) > 0).all()
    np.testing.assert_allclose(county.place_cumulative[:, -1], 1)


def test_a_point_elsewhere_is_refused(ground: MakeGround) -> None:
    county = ground("tiny", 1).county
    with pytest.raises(ValueError, match="outside"):
        county.cell_positions(np.array([300_000.0]), np.array([300_000.0]))


_FINGERPRINT = """
import hashlib
from hotspot_pipeline.simulator.force.county import make_county
from hotspot_pipeline.simulator.force.premises import make_premises
from hotspot_pipeline.simulator.force.risk import make_surfaces
from hotspot_pipeline.simulator.force.streets import make_streets
from hotspot_pipeline.simulator.profiles import PROFILES
from hotspot_pipeline.simulator.streams import Streams

streams, profile = Streams({seed}), PROFILES["tiny"]
county = make_county(streams, profile)
premises = make_premises(streams, county, profile)
streets = make_streets(streams, county)
parts = [county.cells, county.population, county.place_easting, county.lsoa, county.areas.beat]
parts += [*make_surfaces(streams, county, premises).values(), streets.easting, streets.start, streets.end]
frames = [premises.venues, premises.excluded_sites, premises.default_geocodes]
digest = hashlib.sha256()
for part in parts:
    digest.update(part.tobytes())
for frame in frames:
    digest.update(frame.write_csv().encode())
print(digest.hexdigest())
"""


def _fingerprint(seed: int, hash_seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-c", _FINGERPRINT.format(seed=seed)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert len(done.stdout.strip()) == hashlib.sha256().digest_size * 2
    return done.stdout


def test_the_same_seed_makes_the_same_ground_and_another_another() -> None:
    assert _fingerprint(3, "1") == _fingerprint(3, "2")
    assert _fingerprint(3, "1") != _fingerprint(4, "1")


def test_counties_of_two_seeds_differ() -> None:
    one, other = (make_county(Streams(seed), PROFILES["tiny"]) for seed in (1, 2))
    assert not one.outline_bng.equals(other.outline_bng)
    assert (one.towns[0].easting, one.towns[0].northing) != (
        other.towns[0].easting,
        other.towns[0].northing,
    )
    assert len(make_streets(Streams(1), one).start) != len(make_streets(Streams(2), other).start)
