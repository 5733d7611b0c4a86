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

# what of a profile the county and its premises are made of
COUNTY = ("area_km2", "n_towns", "n_villages", "n_lsoa", "n_schools", "n_venues")


@dataclass(frozen=True, eq=False)
class Ground:
    """One force before anything happens in it."""

    county: County
    premises: Premises
    world: World

    def at(self, profile: Profile, cell_cv: float = CELL_CV) -> Ground:
        """What `make_ground` would give for the same seed: the county stands already, its rates are those of `profile`.

        Raises ValueError where the profile has another county.
        """
        old = self.world
        differ = [name for name in COUNTY if getattr(profile, name) != getattr(old.profile, name)]
        if differ:
            raise ValueError(
                f"profile {profile.name}: its county is not that of {old.profile.name}: {', '.join(differ)}"
            )
        return Ground(
            self.county,
            self.premises,
            World(old.streams, profile, self.county, self.premises, old.surfaces, cell_cv),
        )


def make_ground(streams: Streams, profile: Profile, cell_cv: float = CELL_CV) -> Ground:
    county = make_county(streams, profile)
    premises = make_premises(streams, county, profile)
    surfaces = make_surfaces(streams, county, premises)
    return Ground(county, premises, World(streams, profile, county, premises, surfaces, cell_cv))
