"""The whole trial of one force in order: events without patrols, places, plan, visits, effect, the world with patrols.

Belongs here: the order of work that the levels `full` and `counts` share. Does not belong here: any of the work.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.crime.events import ASB, SOURCES, World
from hotspot_pipeline.simulator.crime.incidents import potential_asb
from hotspot_pipeline.simulator.crime.kinds import DETERRABLE_KINDS, KINDS
from hotspot_pipeline.simulator.crime.records import potential_crimes
from hotspot_pipeline.simulator.force.county import County, Floats, Ints
from hotspot_pipeline.simulator.force.premises import Premises
from hotspot_pipeline.simulator.profiles import (
    MODES,
    ControlsName,
    ModeName,
    Profile,
    RingName,
    TrialName,
)
from hotspot_pipeline.simulator.streams import Streams
from hotspot_pipeline.simulator.trial.effect import MOST_PREVENTED, Effect
from hotspot_pipeline.simulator.trial.estimands import (
    Rates,
    estimands,
    expected_without,
    hourly_prevented,
    rates,
)
from hotspot_pipeline.simulator.trial.places import Zones, choose_places
from hotspot_pipeline.simulator.trial.schedule import make_plan
from hotspot_pipeline.simulator.trial.twin import (
    Around,
    Twin,
    live_through,
    ring_addresses,
    with_zones,
)
from hotspot_pipeline.simulator.trial.visits import make_visits, spike_days


@dataclass(frozen=True)
class Options:
    """What is true of the trial besides its size (DOMAIN §8.4, §8.5)."""

    mode: ModeName = "base"
    trial: TrialName | None = None  # None: the profile's own
    controls: ControlsName = "paired"
    ring: RingName = "none"


@dataclass(frozen=True, eq=False)
class Programme:
    """The trial and its truth. `crimes` and `asb`: the events that happened, as yet without numbers."""

    places: pl.DataFrame
    plan: pl.DataFrame
    visits: pl.DataFrame
    crimes: Twin
    asb: Twin
    rates: Rates
    estimands: pl.DataFrame

    @property
    def deterrable(self) -> Twin:
        """Crimes and incidents together, with the columns that both have."""
        return Twin(
            pl.concat([self.crimes.happened.select(COMMON), self.asb.happened.select(COMMON)]),
            pl.concat([self.crimes.fate, self.asb.fate]),
        )


COMMON = (
    "event_id", "kind", "group", "at_local", "recorded_ts_local", "cell", "true_easting", "true_northing", "easting",
    "northing", "is_deterrable", "place", "zone",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Untouched:
    """What is the same whatever a patrol does: events of the world without patrols, with `place` and `zone`, and the trial.

    `crimes`, `asb`: all that happens if nobody patrols. `without`: its rates (`estimands.expected_without`). `around`:
    `twin.ring_addresses`. `prevented`: `estimands.hourly_prevented` of the modes asked for so far; rings have it in common.
    """

    places: pl.DataFrame
    plan: pl.DataFrame
    visits: pl.DataFrame
    crimes: pl.DataFrame
    asb: pl.DataFrame
    zones: Zones
    around: Around
    without: Floats
    prevented: dict[ModeName, Floats] = field(default_factory=dict)


def run_programme(
    streams: Streams,
    profile: Profile,
    county: County,
    premises: Premises,
    world: World,
    options: Options,
    *,
    only_deterrable: bool = False,
) -> Programme:
    """The trial of one seed. With `only_deterrable` other kinds of crime are left out, and the rest stays as it is."""
    untouched = before_effects(
        streams, profile, county, premises, world, options, only_deterrable=only_deterrable
    )
    return with_effects(streams, profile, county, premises, world, untouched, options)


def before_effects(
    streams: Streams,
    profile: Profile,
    county: County,
    premises: Premises,
    world: World,
    options: Options,
    *,
    only_deterrable: bool = False,
) -> Untouched:
    """Everything up to the visits; of the options only `trial` and `controls` matter."""
    kinds = [k for k in KINDS if not only_deterrable or k.name in DETERRABLE_KINDS]
    moments = {k.name: world.draw(SOURCES[k.name]) for k in kinds}
    crimes = potential_crimes(streams, kinds, county, premises, moments)
    asb = potential_asb(streams("records", "asb"), county, premises, world.draw(ASB))
    chosen_from = ("at_local", "recorded_ts_local", "easting", "northing")
    countable = pl.concat([f.filter("is_deterrable").select(chosen_from) for f in (crimes, asb)])
    places = choose_places(
        streams("trial", "places"), profile, county, premises, countable, options.controls
    )
    plan = make_plan(streams("trial", "plan"), profile, places, options.trial or profile.trial)
    daily = _daily(profile, countable)
    visits = make_visits(
        streams("trial", "visits"),
        profile,
        county,
        places,
        plan,
        spike_days(daily[profile.patrol_day :]),
    )
    zones = Zones(places)
    around = ring_addresses(county, places)
    return Untouched(
        places, plan, visits, with_zones(crimes, zones), with_zones(asb, zones), zones, around,
        expected_without(world, places, around),
    )  # fmt: skip


def with_effects(
    streams: Streams,
    profile: Profile,
    county: County,
    premises: Premises,
    world: World,
    untouched: Untouched,
    options: Options,
) -> Programme:
    """The world with patrols, for the mode and ring of the options; the rest of them is in `untouched`."""
    places, visits = untouched.places, untouched.visits
    effect = Effect(MODES[options.mode], visits)
    more: tuple[pl.DataFrame | None, pl.DataFrame | None] = (None, None)
    if MODES[options.mode].delta < 0:
        more = _extra(streams, county, premises, world, untouched)
    crimes_twin, asb_twin = (
        _live_through(
            streams, effect, options.ring, county, places, events, extra, untouched.around
        )
        for events, extra in zip((untouched.crimes, untouched.asb), more, strict=True)
    )
    if options.mode not in untouched.prevented:
        untouched.prevented[options.mode] = hourly_prevented(world, places, effect)
    prevented = untouched.prevented[options.mode]
    found = rates(profile, options.ring, untouched.without, prevented)
    answers = estimands(profile, places, untouched.plan, visits, found)
    return Programme(places, untouched.plan, visits, crimes_twin, asb_twin, found, answers)


def _live_through(
    streams: Streams,
    effect: Effect,
    ring: RingName,
    county: County,
    places: pl.DataFrame,
    events: pl.DataFrame,
    extra: pl.DataFrame | None,
    around: Around,
) -> Twin:
    """Kind by kind, so that what happens to one does not depend on which others are simulated."""
    twins = []
    for name in events["kind"].unique(maintain_order=True):
        is_kind = pl.col("kind") == name
        mine, more = events.filter(is_kind), None if extra is None else extra.filter(is_kind)
        twins.append(
            live_through(streams, name, effect, ring, county, places, mine, more, around=around)
        )
    return Twin(pl.concat([t.happened for t in twins]), pl.concat([t.fate for t in twins]))


def _extra(
    streams: Streams,
    county: County,
    premises: Premises,
    world: World,
    untouched: Untouched,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Further deterrable events in and around the places, at the highest rate that harm can have."""
    cores = untouched.places["cell"].to_numpy()
    near = np.unique(np.concatenate([cores, *(cell for cell, _ in untouched.around)]))
    kinds = [k for k in KINDS if k.name in DETERRABLE_KINDS]
    moments = {k.name: world.draw(SOURCES[k.name], "added", near, MOST_PREVENTED) for k in kinds}
    crimes = potential_crimes(streams, kinds, county, premises, moments, "added records")
    asb = potential_asb(
        streams("added records", "asb"),
        county,
        premises,
        world.draw(ASB, "added", near, MOST_PREVENTED),
    )
    return with_zones(crimes, untouched.zones), with_zones(asb, untouched.zones)


def _daily(profile: Profile, events: pl.DataFrame) -> Ints:
    """Events by police day without patrols."""
    at = events["at_local"].to_numpy().astype("datetime64[s]")
    day = (at - np.datetime64(profile.start_local, "s")).astype(np.int64) // 86_400
    return np.bincount(day, minlength=profile.n_days)
