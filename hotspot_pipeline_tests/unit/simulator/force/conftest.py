"""Grounds by profile and seed, each made once: they are read, never changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import pytest

from hotspot_pipeline.simulator.force.county import County, Floats, make_county
from hotspot_pipeline.simulator.force.premises import Premises, make_premises
from hotspot_pipeline.simulator.force.risk import make_surfaces
from hotspot_pipeline.simulator.profiles import PROFILES, Profile
from hotspot_pipeline.simulator.streams import Streams

SEEDS = (1, 2, 3, 4)


@dataclass(frozen=True, eq=False)
class Ground:
    profile: Profile
    streams: Streams
    county: County
    premises: Premises
    surfaces: dict[str, Floats]


MakeGround = Callable[[str, int], Ground]


@pytest.fixture(scope="session")
def ground() -> MakeGround:
    @cache
    def make(profile_name: str, seed: int) -> Ground:
        profile, streams = PROFILES[profile_name], Streams(seed)
        county = make_county(streams, profile)
        premises = make_premises(streams, county, profile)
        surfaces = make_surfaces(streams, county, premises)
        return Ground(profile, streams, county, premises, surfaces)

    return make


@pytest.fixture(params=SEEDS)
def county_ground(request: pytest.FixtureRequest, ground: MakeGround) -> Ground:
    return ground("county", request.param)


@pytest.fixture(params=["tiny", "demo", "county"])
def any_ground(request: pytest.FixtureRequest, ground: MakeGround) -> Ground:
    return ground(request.param, 1)
