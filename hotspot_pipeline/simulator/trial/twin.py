"""The world with patrols beside the same world without: one set of random numbers, two histories.

Belongs here: which events patrols prevent, move or add (DOMAIN §8.5). Does not belong here: how large the effect is
(`effect`), how an event is put on record (`crime`).

Every event of the world without patrols has one uniform number. It stays while that is above the share prevented at its
place and moment. So the two worlds differ by nothing but patrols, and mode `null` is the twin of every other mode.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.crime.clock import skip_missing_hour, time_column
from hotspot_pipeline.simulator.force.county import County, Floats, Ints
from hotspot_pipeline.simulator.profiles import RingName
from hotspot_pipeline.simulator.streams import Streams
from hotspot_pipeline.simulator.trial.effect import MOST_PREVENTED, RING_SHARE, Effect
from hotspot_pipeline.simulator.trial.places import CORE, RING, Zones

TO_RING, TO_OTHER_HOURS = 0.25, 0.10  # of prevented events, in `displacement`
RING_SHIFT_H, OTHER_SHIFT_H = (0.0, 6.0), (6.0, 24.0)
MOVED, ADDED = (
    2_000_000,
    4_000_000,
)  # added to the number of the event they come from; `events` counts by ten million
Around = list[tuple[Ints, Ints]]
_TIMES = (
    "at_local",
    "committed_from_local",
    "committed_to_local",
    "reported_ts_local",
    "recorded_ts_local",
)


@dataclass(frozen=True, eq=False)
class Twin:
    """`happened`: the events of the world with patrols; `fate` (events of the world without): whether each stays."""

    happened: pl.DataFrame
    fate: pl.DataFrame


def with_zones(events: pl.DataFrame, zones: Zones) -> pl.DataFrame:
    """`place` and `zone` of the true location, -1 where in none (frames with true_easting, true_northing)."""
    place, zone = zones.of_points(
        *(events[c].to_numpy().astype(np.float64) for c in ("true_easting", "true_northing"))
    )
    return events.with_columns(place=pl.Series(place), zone=pl.Series(zone))


def share_prevented(
    effect: Effect, ring: RingName, is_treated: np.ndarray, events: pl.DataFrame
) -> Floats:
    """(n,) for events with `place`, `zone`, `at_local`, `is_deterrable`; 0 away from treated places."""
    place, zone = events["place"].to_numpy(), events["zone"].to_numpy()
    touched = (place >= 0) & events["is_deterrable"].to_numpy()
    touched &= is_treated[np.maximum(place, 0)] & ((zone == CORE) | (ring == "diffusion"))
    found = np.zeros(len(events))
    share = effect.prevented(place[touched], events["at_local"].to_numpy()[touched])
    found[touched] = np.where(zone[touched] == RING, RING_SHARE, 1.0) * share
    return found


def live_through(
    streams: Streams,
    name: str,
    effect: Effect,
    ring: RingName,
    county: County,
    places: pl.DataFrame,
    events: pl.DataFrame,
    extra: pl.DataFrame | None = None,
    *,
    around: Around,
) -> Twin:
    """The world with patrols, from `events` of the world without (with `with_zones`); `name` tells kinds of event apart.

    `extra` are further events at MOST_PREVENTED of the rate, drawn apart: those that harmful patrols add come from them.
    `around`: `ring_addresses` of the places.
    """
    is_treated = (places["arm"] == "treat").to_numpy()
    share = share_prevented(effect, ring, is_treated, events)
    rng = streams("twin", name)
    stays = rng.uniform(size=len(events)) >= share
    fate = events.select("event_id", "place", "zone", "at_local", "is_deterrable").with_columns(
        prevented_share=pl.Series(share), happens=pl.Series(stays)
    )
    parts = [events.filter(pl.Series(stays))]
    if ring == "displacement":
        parts.append(_moved(rng, county, around, events, stays))
    if extra is not None and len(extra):
        harm = np.maximum(-share_prevented(effect, ring, is_treated, extra), 0) / MOST_PREVENTED
        kept = streams("twin", name, "added").uniform(size=len(extra)) < harm
        parts.append(extra.filter(pl.Series(kept)).with_columns(pl.col("event_id") + ADDED))
    return Twin(pl.concat(parts), fate)


def _moved(
    rng: np.random.Generator,
    county: County,
    around: Around,
    events: pl.DataFrame,
    stays: np.ndarray,
) -> pl.DataFrame:
    """Prevented events that happen after all: in the ring within six hours, or at the same place at another hour."""
    u = rng.uniform(size=len(events))
    hours = rng.uniform(size=len(events)) * np.where(
        u < TO_RING, RING_SHIFT_H[1], OTHER_SHIFT_H[1] - OTHER_SHIFT_H[0]
    )
    hours += np.where(u < TO_RING, RING_SHIFT_H[0], OTHER_SHIFT_H[0])
    seconds = np.round(hours * 3600 * rng.choice([-1, 1], len(events))).astype(np.int64)
    which = rng.uniform(size=len(events))
    chosen = np.flatnonzero(~stays & (u < TO_RING + TO_OTHER_HOURS))
    moved = events[chosen]
    shift = seconds[chosen].astype("timedelta64[s]")
    columns = {
        name: pl.when(pl.col(name).is_not_null()).then(
            time_column(skip_missing_hour(moved[name].to_numpy().astype("datetime64[s]") + shift))
        )
        for name in _TIMES
        if name in moved.columns
    }
    moved = moved.with_columns(pl.col("event_id") + MOVED, **columns)
    to_ring = np.flatnonzero(u[chosen] < TO_RING)
    return _into_ring(county, around, moved, to_ring, which[chosen])


def _into_ring(
    county: County, around: Around, moved: pl.DataFrame, rows: Ints, which: Floats
) -> pl.DataFrame:
    """These rows at an address in the ring of their place; the error of their geocode comes along."""
    easting, northing = (moved[c].to_numpy().copy() for c in ("true_easting", "true_northing"))
    cell, zone = moved["cell"].to_numpy().copy(), moved["zone"].to_numpy().copy()
    for place in np.unique(moved["place"].to_numpy()[rows]):
        mine = rows[moved["place"].to_numpy()[rows] == place]
        cells, addresses = around[place]
        if len(cells) == 0:
            continue
        k = np.floor(which[mine] * len(cells)).astype(np.int64)
        cell[mine], zone[mine] = cells[k], RING
        easting[mine] = county.place_easting[cells[k], addresses[k]].astype(np.int64)
        northing[mine] = county.place_northing[cells[k], addresses[k]].astype(np.int64)
    shift = {
        "easting": easting - moved["true_easting"].to_numpy(),
        "northing": northing - moved["true_northing"].to_numpy(),
    }
    return moved.with_columns(
        cell=pl.Series(cell),
        zone=pl.Series(zone),
        true_easting=pl.Series(easting),
        true_northing=pl.Series(northing),
        **{
            name: pl.col(name) + pl.Series(by)
            for name, by in shift.items()
            if name in moved.columns
        },
    )


def ring_addresses(county: County, places: pl.DataFrame) -> Around:
    """Per place, the cell and the number of each address in its ring."""
    easting, northing = county.place_easting.ravel(), county.place_northing.ravel()
    place, zone = Zones(places).of_points(easting, northing)
    n_addresses = county.place_easting.shape[1]
    found = [np.flatnonzero((place == k) & (zone == RING)) for k in range(len(places))]
    return [(f // n_addresses, f % n_addresses) for f in found]
