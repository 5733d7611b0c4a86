"""Where it all happens: county, premises and rates together, the same for every trial of a seed.

Belongs here: putting the rooms `force` and `crime.events` together. Does not belong here: any of the work.
"""

from __future__ import annotations

from dataclasses import dataclass

from hotspot_pipeline.simulator.crime.events import CELL_CV, World
from hotspot_pipeline.simulator.force.county import County, make_county
from hotspot_pipeline.simulator.force.premises import Premises, make_premises
from hotspot_pipeline.simulator.force.risk import make_surfaces
from hotspot_pipeline.simulator.profiles import Profile
from hotspot_pipeline.simulator.streams import Streams


@dataclass(frozen=True, eq=False)
class Ground:
    """One force before anything happens in it."""

    county: County
    premises: Premises
    world: World


def make_ground(streams: Streams, profile: Profile, cell_cv: float = CELL_CV) -> Ground:
    county = make_county(streams, profile)
    premises = make_premises(streams, county, profile)
    surfaces = make_surfaces(streams, county, premises)
    return Ground(county, premises, World(streams, profile, county, premises, surfaces, cell_cv))
