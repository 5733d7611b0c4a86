"""A force of half a year for the tests of the trial: small enough for dozens of seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest

from hotspot_pipeline.simulator.crime.events import World
from hotspot_pipeline.simulator.force.county import make_county
from hotspot_pipeline.simulator.force.premises import make_premises
from hotspot_pipeline.simulator.force.risk import make_surfaces
from hotspot_pipeline.simulator.profiles import PROFILES, Profile
from hotspot_pipeline.simulator.streams import Streams
from hotspot_pipeline.simulator.trial.programme import Options, Programme, run_programme

PROFILE = replace(
    PROFILES["demo"],
    name="test",
    n_weeks=30,
    volume=1.5,
    n_pairs=8,
    selection_days=70,
    patrol_day=105,
)

Run = Callable[..., Programme]


@cache
def ground() -> tuple:  # type: ignore[type-arg]
    streams = Streams(1)
    county = make_county(streams, PROFILE)
    premises = make_premises(streams, county, PROFILE)
    return county, premises, make_surfaces(streams, county, premises)


def world_of(seed: int, profile: Profile = PROFILE) -> World:
    county, premises, surfaces = ground()
    return World(Streams(seed), profile, county, premises, surfaces)


@pytest.fixture(scope="session")
def run() -> Run:
    @cache
    def runs(seed: int, only_deterrable: bool = True, **options: str) -> Programme:
        county, premises, _ = ground()
        return run_programme(
            Streams(seed),
            PROFILE,
            county,
            premises,
            world_of(seed),
            Options(**options),  # type: ignore[arg-type]
            only_deterrable=only_deterrable,
        )

    return runs
