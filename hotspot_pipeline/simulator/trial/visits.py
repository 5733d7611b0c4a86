"""Which planned visits happen, when, where and how long: delivery as DOMAIN §8.4 has it.

Belongs here: the truth about visits. Does not belong here: how they are tracked (`patrol`), what they change (`effect`).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.crime.clock import skip_missing_hour, time_column
from hotspot_pipeline.simulator.force.county import County, Floats, Ints
from hotspot_pipeline.simulator.profiles import Profile
from hotspot_pipeline.simulator.trial.frames import VISITS

DELIVERED, DELIVERED_FRI_SAT = 0.82, 0.70
SPIKE_SHARE, SPIKE_CUT = (
    0.05,
    0.4,
)  # the busiest days, and what is not delivered then of what would have been
MEAN_MINUTES, SD_MINUTES = 15.5, 5.0
WRONG_CELL, PASS_THROUGH, ABANDONED = 0.12, 0.08, 0.06
TRAVEL_S = 600  # between two visits of one crew
VISITS_PER_CREW = 5


def spike_days(daily_events: Ints) -> Ints:
    """Positions of the busiest days: calls for service take the crews away. `daily_events` (n_days,) without patrols."""
    n = max(round(SPIKE_SHARE * len(daily_events)), 1)
    return np.sort(np.argsort(-daily_events, kind="stable")[:n])


def make_visits(
    rng: np.random.Generator,
    profile: Profile,
    county: County,
    places: pl.DataFrame,
    plan: pl.DataFrame,
    spikes: Ints,
) -> pl.DataFrame:
    """The frame of visits (`frames.VISITS`) in order of police day and start.

    `spikes` are days since the first patrol day. A crew is in one place at a time, ten minutes apart: where none is free,
    the visit begins later or, after the end of the police day, not at all.
    """
    planned = plan.filter(pl.col("arm") != "control")
    day = planned["police_day"].to_numpy().astype("datetime64[D]")
    since = (day - np.datetime64(profile.start, "D")).astype(np.int64) - profile.patrol_day
    weekend = np.isin((day.astype(np.int64) + 3) % 7, (4, 5))
    chance = np.where(weekend, DELIVERED_FRI_SAT, DELIVERED)
    chance = np.where(np.isin(since, spikes), chance * (1 - SPIKE_CUT), chance)
    n = len(planned)
    kind = rng.choice(
        ["wrong_cell", "pass_through", "abandoned", "full"],
        n,
        p=[WRONG_CELL, PASS_THROUGH, ABANDONED, 1 - WRONG_CELL - PASS_THROUGH - ABANDONED],
    )
    seconds = _seconds(rng, kind)
    begin = planned["window_start_local"].to_numpy().astype("datetime64[s]")
    window = (planned["window_end_local"].to_numpy().astype("datetime64[s]") - begin).astype(
        np.int64
    )
    begin = begin + (rng.uniform(size=n) * (window - 900)).astype(np.int64).astype("timedelta64[s]")
    beside = _neighbour(rng, county, places["cell"].to_numpy()[planned["place"].to_numpy()])
    delivered = np.flatnonzero(rng.uniform(size=n) < chance)
    start, crew = _crews(since[delivered], begin[delivered], seconds[delivered])
    place = planned["place"].to_numpy()[delivered]
    kind, seconds = kind[delivered], seconds[delivered]
    start = skip_missing_hour(start)
    mode = np.where(kind == "pass_through", "vehicle", "foot")
    frame = pl.DataFrame(
        {
            "plan_id": planned["plan_id"].gather(delivered),
            "place": place,
            "cell": np.where(
                kind == "wrong_cell", beside[delivered], places["cell"].to_numpy()[place]
            ),
            "police_day": planned["police_day"].gather(delivered),
            "start_local": time_column(start),
            "end_local": time_column(skip_missing_hour(start + seconds.astype("timedelta64[s]"))),
            "kind": kind,
            "mode": mode,
            "n_officers": np.full(len(place), 2),
            "crew": crew,
        }
    )
    ends = pl.col("police_day").cast(pl.Datetime("us")).dt.offset_by("1d6h")
    return (
        frame.filter(pl.col("end_local") <= ends)
        .sort("police_day", "start_local", "crew", "plan_id")
        .with_columns(visit_id=pl.int_range(pl.len()) + 1)
        .select(pl.col(name).cast(dtype) for name, dtype in VISITS.items())
    )


def _seconds(rng: np.random.Generator, kind: np.ndarray) -> Ints:
    """Lognormal with mean 15.5 and standard deviation 5 minutes; abandoned after 1 to 8, passed through in 40 to 150 s."""
    n = len(kind)
    sigma = np.sqrt(np.log1p((SD_MINUTES / MEAN_MINUTES) ** 2))
    full = 60 * MEAN_MINUTES * np.exp(sigma * rng.standard_normal(n) - sigma**2 / 2)
    seconds: Floats = np.select(
        [kind == "abandoned", kind == "pass_through"],
        [rng.uniform(60, 480, n), rng.uniform(40, 150, n)],
        default=full,
    )
    return np.round(seconds).astype(np.int64)


def _neighbour(rng: np.random.Generator, county: County, cell: Ints) -> Ints:
    """A cell beside each."""
    i, j = county.pairs
    order = np.argsort(i, kind="stable")
    first = np.searchsorted(i[order], cell)
    many = np.searchsorted(i[order], cell, side="right") - first
    return np.asarray(
        j[order][first + np.floor(rng.uniform(size=len(cell)) * many).astype(np.int64)]
    )


def _crews(day: Ints, begin: np.ndarray, seconds: Ints) -> tuple[np.ndarray, Ints]:
    """Start and crew of each visit: the crew that has been free for longest takes it."""
    start, crew = begin.copy(), np.zeros(len(day), np.int64)
    order = np.lexsort((np.arange(len(day)), begin, day))
    for today in np.split(order, np.flatnonzero(np.diff(day[order])) + 1):
        if not len(today):
            continue
        n_crews = -(-len(today) // VISITS_PER_CREW)
        free = np.full(n_crews, np.iinfo(np.int64).min)
        for visit in today:
            first = int(np.argmin(free))
            at = max(int(begin[visit].astype(np.int64)), int(free[first]))
            start[visit] = np.datetime64(at, "s")
            crew[visit] = first
            free[first] = at + seconds[visit] + TRAVEL_S
    return start, crew
