"""Days that the plan gave to patrol, or to none, by lot.

Pure. Here: which they are, with events and minutes, and the lot drawn again. Not here: the three readings of them
(`evaluation.randomised_days`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from hotspot_pipeline.evaluation.estimate import BoolArray, IntArray
from hotspot_pipeline.evaluation.panel import ENOUGH_PLACES
from hotspot_pipeline.evaluation.randomised_days import TrialDays
from hotspot_pipeline.evaluation.redraws import exchange_schedules, shuffle_days
from hotspot_pipeline.evaluation.trials.counts import Counts
from hotspot_pipeline.evaluation.trials.places import Places

SEED = 20260105
N_DRAWS = 499
# under it, effects of places and days can fit almost anything
FEWEST_EVENTS_OF_DAYS = 20


@dataclass(frozen=True, eq=False)
class DaysByLot:
    """One row a treated place and police day that the lot decided: `place` (position), `police_day`, `assigned`; `patrol_minutes` is
    None where no fixes are delivered; `n_unclear` place-days whose plan says both."""

    place: IntArray
    police_day: np.ndarray
    assigned: BoolArray
    patrol_minutes: np.ndarray | None
    n_unclear: int = 0


def trial_days(days: DaysByLot, counts: Counts, first: date, last: date) -> TrialDays:
    """The days by lot from `first` on up to the last day counted, with events from `counts`; minutes are zeros where no fixes are
    delivered. Raises ValueError under 20 events."""
    kept = days.police_day <= np.datetime64(last, "D")
    place = days.place[kept]
    at = (days.police_day[kept] - np.datetime64(first, "D")).astype(np.int64)
    events = counts.by_day(first, last)[place, at]
    minutes = days.patrol_minutes[kept] if days.patrol_minutes is not None else np.zeros(len(place))
    if events.sum() < FEWEST_EVENTS_OF_DAYS:
        raise ValueError(f"{int(events.sum())} events on {len(events)} days by lot; {FEWEST_EVENTS_OF_DAYS} are needed to tell days apart")  # fmt: skip
    number = np.unique(place, return_inverse=True)[1]
    return TrialDays(events, number, at, days.assigned[kept], minutes)


def other_lots(days: TrialDays, day_scheme: str) -> BoolArray | None:
    """The lot drawn again, where places are few."""
    if days.place.max() + 1 >= ENOUGH_PLACES:
        return None
    if day_scheme == "spells":
        return _other_spells(days.place, days.day, days.assigned)
    return shuffle_days(SEED, days.place, days.assigned, N_DRAWS)


def _other_spells(place: IntArray, day: IntArray, assigned: BoolArray) -> BoolArray:
    """Schedules dealt anew. Raises ValueError where some place's days are not all by lot: then spells cannot be exchanged."""
    shape = (int(place.max()) + 1, int(day.max()) + 1)
    if len(place) != shape[0] * shape[1]:
        raise ValueError(f"itt_day: {len(place)} days by lot in {shape[0]} places over {shape[1]} days: spells need every day of every place in the plan")  # fmt: skip
    schedule = np.zeros(shape, bool)
    schedule[place, day] = assigned
    return exchange_schedules(SEED, schedule, N_DRAWS)[:, place, day]


def days_by_lot(
    plan: pl.DataFrame, minutes: pl.DataFrame, places: Places, first: date, last: date
) -> DaysByLot | None:
    """The place-days that the plan says were drawn, from `first` to `last`; None where there is none.

    `plan`: hotspot_id, police_day, is_randomised, arm; `minutes`: hotspot_id, police_day, patrol_ms. A place-day that is planned for
    both arms is left out and counted.
    """
    number = {name: k for k, name in enumerate(places.names)}
    drawn = (
        plan.filter(
            "is_randomised",
            pl.col("arm").is_in(["treat", "control"]),
            pl.col("police_day").is_between(first, last),
            pl.col("hotspot_id").is_in(list(places.treated)),
        )
        .group_by("hotspot_id", "police_day")
        .agg(assigned=(pl.col("arm") == "treat").any(), n_arms=pl.col("arm").n_unique())
        .sort("hotspot_id", "police_day")
    )
    clear = drawn.filter(pl.col("n_arms") == 1)
    if clear.is_empty():
        return None
    delivered = clear.join(minutes, on=("hotspot_id", "police_day"), how="left", maintain_order="left")  # fmt: skip
    return DaysByLot(
        np.array([number[n] for n in clear["hotspot_id"]], dtype=np.int64),
        clear["police_day"].to_numpy().astype("datetime64[D]"),
        clear["assigned"].to_numpy(),
        None if minutes.is_empty() else delivered["patrol_ms"].fill_null(0).to_numpy() / 60_000,
        drawn.height - clear.height,
    )
