"""When each treated place is to be patrolled: days by lot, and the plan of visits.

Belongs here: `ops` (30 % of days randomised) and `spells` (on and off for 1, 2, 4 or 8 days), windows (DOMAIN §8.4). Does
not belong here: what is delivered of it (`visits`).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.force.county import Ints
from hotspot_pipeline.simulator.profiles import Profile, TrialName
from hotspot_pipeline.simulator.trial.frames import PLAN

RANDOMISED_SHARE = 0.30  # of days, in `ops`
SPELL_DAYS = (1, 2, 4, 8)
HOT_SHARE = 0.70  # of visits, planned in hot hours
MIN_MINUTES, OFFICERS, WINDOW_H = 15, 2, 2
NA, TREAT, CONTROL = 0, 1, 2
_ARMS = np.array(["na", "treat", "control"])
# hours since 06:00 at which a window may begin: 15 and 16; 21 to 01 on Friday and Saturday; any from 09 to 22
_AFTERNOON, _NIGHT, _ANY = (9, 10), (15, 16, 17, 18, 19), tuple(range(3, 17))


def day_arms(rng: np.random.Generator, n_places: int, n_days: int, trial: TrialName) -> Ints:
    """(n_places, n_days): NA (patrolled, not by lot), TREAT or CONTROL (patrolled or not, by lot)."""
    if trial == "ops":
        by_lot = rng.uniform(size=(n_places, n_days)) < RANDOMISED_SHARE
        treat = rng.uniform(size=(n_places, n_days)) < 0.5
        return np.where(by_lot, np.where(treat, TREAT, CONTROL), NA)
    lengths = rng.choice(SPELL_DAYS, size=(n_places, n_days))
    is_first_on = rng.uniform(size=n_places) < 0.5
    # the spell a day is in: how many spells have ended by then
    ends = np.cumsum(lengths, axis=1)
    spell = np.stack([np.searchsorted(e, np.arange(n_days), side="right") for e in ends])
    return np.where((spell % 2 == 0) == is_first_on[:, None], TREAT, CONTROL)


def make_plan(
    rng: np.random.Generator, profile: Profile, places: pl.DataFrame, trial: TrialName
) -> pl.DataFrame:
    """The frame of the plan (`frames.PLAN`): one or two visits a patrolled place and day, one empty row a day without by lot."""
    treated = places.filter(pl.col("arm") == "treat")["place"].to_numpy()
    arms = day_arms(rng, len(treated), profile.n_patrol_days, trial)
    n_visits = np.where(arms == CONTROL, 1, rng.integers(1, 3, arms.shape))
    row, day = (np.repeat(v.ravel(), n_visits.ravel()) for v in np.indices(arms.shape))
    arm = arms[row, day]
    date = np.datetime64(profile.start, "D") + profile.patrol_day + day
    begin_h = _window_hours(rng, date)
    begin = date.astype("datetime64[h]") + 6 + begin_h
    is_off = arm == CONTROL
    order = np.lexsort((begin_h, treated[row], day))
    n = len(order)
    frame = pl.DataFrame(
        {
            "plan_version": np.ones(n, np.int64),
            "place": treated[row],
            "police_day": pl.Series(date),
            "window_start_local": pl.Series(begin.astype("datetime64[us]")),
            "window_end_local": pl.Series((begin + WINDOW_H).astype("datetime64[us]")),
            "min_minutes": np.where(is_off, 0, MIN_MINUTES),
            "officers": np.where(is_off, 0, OFFICERS),
            "mode": np.full(n, "foot"),
            "priority": rng.integers(1, 4, n),
            "team": np.char.add("HSP", (treated[row] % 3 + 1).astype(str)),
            "randomised": arm != NA,
            "arm": _ARMS[arm],
            # on the day before, at three in the afternoon; one plan in fifty an hour after its window began
            "issued_ts_local": pl.Series(
                np.where(
                    rng.uniform(size=n) < 0.02, begin + 1, (date - 1).astype("datetime64[h]") + 15
                ).astype("datetime64[us]")
            ),
        }
    )[order]
    off = pl.col("arm") == "control"
    return (
        frame.with_columns(
            pl.when(~off).then(c).alias(c) for c in ("window_start_local", "window_end_local")
        )
        .with_columns(
            plan_id=pl.format("PL{}", (pl.int_range(pl.len()) + 1).cast(pl.String).str.zfill(6))
        )
        .select(pl.col(name).cast(dtype) for name, dtype in PLAN.items())
    )


def is_hot(police_day: np.ndarray, hours_since_six: np.ndarray) -> np.ndarray:
    """Whether a window that begins then is planned as hot: Friday and Saturday 21 to 03, every day 15 to 18."""
    weekend = np.isin((police_day.astype("datetime64[D]").astype(np.int64) + 3) % 7, (4, 5))
    return np.isin(hours_since_six, _AFTERNOON) | (weekend & np.isin(hours_since_six, _NIGHT))


def _window_hours(rng: np.random.Generator, date: np.ndarray) -> Ints:
    weekend = np.isin((date.astype(np.int64) + 3) % 7, (4, 5))  # 1970-01-01 was a Thursday
    n = len(date)
    night = rng.choice(_NIGHT, n)
    hot = np.where(weekend & (rng.uniform(size=n) < 0.75), night, rng.choice(_AFTERNOON, n))
    cold = rng.choice(_ANY, n)
    # a cold window must not be hot by chance, or more than the share would be
    for other in (3, 5, 12):
        cold = np.where(is_hot(date, cold), other, cold)
    return np.where(rng.uniform(size=n) < HOT_SHARE, hot, cold)
