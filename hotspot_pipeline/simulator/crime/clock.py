"""When: hour-of-week shapes, commission windows, delays until a crime is reported and recorded.

Belongs here: local wall-clock time of the force, from DOMAIN §8.2 and §8.3. Does not belong here:
UTC and police days, which the pipeline derives (`timebase`).

Times are naive local wall clock, datetime64[s], as a records system exports them. The hour that the
spring clock change skips never occurs in an export, so it is moved on by an hour.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hotspot_pipeline.simulator.force.county import Floats, Ints

Times = NDArray[np.datetime64]
HOUR_S = 3600
WEEK_H = 168

# Hour of the day, diffuse: quiet from three to six, busiest in the afternoon and evening.
_DIFFUSE = np.array(
    [5, 4, 3, 2, 1, 1, 2, 4, 6, 7, 7, 8, 9, 9, 9, 10, 11, 11, 11, 10, 10, 9, 8, 7], float
)


def _hours(days: tuple[int, ...], first: int, last: int) -> Floats:
    """168 ones and zeros: hours first…last-1 of these days (Monday 0); `last` may pass 24."""
    shape = np.zeros(WEEK_H)
    for day in days:
        for hour in range(first, last):
            shape[(day * 24 + hour) % WEEK_H] = 1.0
    return shape


def _mixture(*parts: tuple[float, Floats]) -> Floats:
    total = np.zeros(WEEK_H)
    for share, shape in parts:
        total += share * shape / shape.sum()
    # People do not come and go on the hour: soften the edges, around the end of the week too.
    return 0.8 * total + 0.1 * (np.roll(total, 1) + np.roll(total, -1))


_WEEK = tuple(range(7))
_FLAT = np.tile(_DIFFUSE, 7)
_WEEKEND_NIGHTS = _hours((4, 5), 21, 27)
_SCHOOL_OUT = _hours(_WEEK, 15, 18)
SHAPES: dict[str, Floats] = {
    "night_centre": _mixture((0.45, _WEEKEND_NIGHTS), (0.25, _SCHOOL_OUT), (0.30, _FLAT)),
    "night_elsewhere": _mixture((0.12, _WEEKEND_NIGHTS), (0.28, _SCHOOL_OUT), (0.60, _FLAT)),
    "asb": _mixture((0.65, _hours(_WEEK, 15, 22) + 0.2 * _hours((5, 6), 15, 22)), (0.35, _FLAT)),
    "overnight": _mixture((0.60, _hours(_WEEK, 18, 32)), (0.40, _FLAT)),
    "shop": _mixture((0.85, _hours(_WEEK[:6], 9, 19)), (0.15, _hours((6,), 10, 16))),
    "day": _mixture((1.0, _FLAT)),
}


@dataclass(frozen=True, slots=True)
class WindowMix:
    """Shares of commission windows by length, and the median of the third band in hours.

    The bands: exact; up to 1 h; 1 to 24 h; 1 to 7 d; over 7 d.
    """

    shares: tuple[float, float, float, float, float]
    median_h: float = 5.0


WINDOWS = {
    "vap": WindowMix((0.70, 0.15, 0.10, 0.03, 0.02)),
    "robbery": WindowMix((0.85, 0.10, 0.04, 0.01, 0.00)),
    "damage": WindowMix((0.15, 0.15, 0.60, 0.08, 0.02), median_h=11.0),
    "public_order": WindowMix((0.85, 0.10, 0.04, 0.01, 0.00)),
    "theft": WindowMix((0.45, 0.15, 0.32, 0.06, 0.02), median_h=8.0),
}


def event_times(rng: np.random.Generator, start: np.datetime64, week: Ints, shape: Floats) -> Times:
    """A moment (n,) in each event's police week, which begins `week` weeks after `start`.

    `start` is a Monday 06:00; `shape` (168,) weighs the hours of the week from Monday 00:00.
    """
    cumulative = np.cumsum(shape)
    hour_of_week = np.searchsorted(
        cumulative, rng.uniform(size=len(week)) * cumulative[-1], side="right"
    )
    hour_of_week = np.minimum(hour_of_week, WEEK_H - 1)
    since_start_h = week * WEEK_H + (hour_of_week - 6) % WEEK_H
    seconds = since_start_h * HOUR_S + rng.integers(0, HOUR_S, len(week))
    return skip_missing_hour(start + seconds.astype("timedelta64[s]"))


def windows(
    rng: np.random.Generator, at: Times, mix: WindowMix
) -> tuple[Times, Times, NDArray[np.bool_]]:
    """(from, to, is_point) around each true moment; a point event has from = to.

    Moments are whole minutes, most of them on five, as people give them.
    """
    n = len(at)
    band = np.searchsorted(np.cumsum(mix.shares[:4]), rng.uniform(size=n), side="right")
    width_h = np.select(
        [band == 1, band == 2, band == 3, band == 4],
        [
            rng.uniform(0.1, 1.0, n),
            np.clip(mix.median_h * np.exp(0.6 * rng.standard_normal(n)), 1.01, 24.0),
            rng.uniform(24.0, 168.0, n),
            rng.uniform(168.5, 720.0, n),
        ],
        default=0.0,
    )
    width = np.round(width_h * 60).astype("timedelta64[m]")
    before = np.floor(rng.uniform(size=n) * width_h * 60).astype("timedelta64[m]")
    minute = at.astype("datetime64[m]")
    since_midnight = minute - at.astype("datetime64[D]")
    on_five = minute - since_midnight % np.timedelta64(5, "m")
    rounded = np.where(rng.uniform(size=n) < 0.6, on_five, minute)
    start = skip_missing_hour((rounded - before).astype("datetime64[s]"))
    end = np.maximum(start, skip_missing_hour(start + width))
    return start, end, band == 0


def report_times(rng: np.random.Generator, end: Times, same_day_share: float) -> Times:
    """When the police heard: soon, or after a lognormal delay of median two days (DOMAIN §8.3)."""
    n = len(end)
    soon_s = rng.exponential(1.5 * HOUR_S, n)
    late_s = 48 * HOUR_S * np.exp(1.4 * rng.standard_normal(n))
    delay = np.where(rng.uniform(size=n) < same_day_share, soon_s, late_s)
    return _later(end, delay)


def record_times(rng: np.random.Generator, reported: Times) -> Times:
    """When it was recorded: 92 % within 24 hours, the rest after a further five days on average."""
    n = len(reported)
    quick_s = np.minimum(rng.exponential(3 * HOUR_S, n), 23.5 * HOUR_S)
    slow_s = 24 * HOUR_S + rng.exponential(5 * 24 * HOUR_S, n)
    return _later(reported, np.where(rng.uniform(size=n) < 0.92, quick_s, slow_s))


def change_times(rng: np.random.Generator, recorded: Times, median_days: float) -> Times:
    """When a recode is made: lognormal after recording, median in days."""
    delay = median_days * 24 * HOUR_S * np.exp(1.2 * rng.standard_normal(len(recorded)))
    return _later(recorded, delay + 60)


def skip_missing_hour(times: Times) -> Times:
    """Wall-clock times with 01:00 to 01:59 on the last Sunday of March moved on by one hour."""
    seconds = times.astype("datetime64[s]")
    day = seconds.astype("datetime64[D]")
    month = day.astype("datetime64[M]")
    # 1970-01-01 was a Thursday, so day number 3 was a Sunday.
    is_sunday = day.astype(np.int64) % 7 == 3
    is_march = month.astype(np.int64) % 12 == 2
    is_last = (day + np.timedelta64(7, "D")).astype("datetime64[M]") != month
    is_missing = (seconds - day).astype(np.int64) // HOUR_S == 1
    shift = (is_sunday & is_march & is_last & is_missing).astype(np.int64) * HOUR_S
    return np.asarray(seconds + shift.astype("timedelta64[s]"))


def time_column(times: Times) -> pl.Series:
    """Datetime in microseconds, the one unit of the frames here (polars has no seconds)."""
    return pl.Series(times.astype("datetime64[us]"))


def _later(times: Times, seconds: Floats) -> Times:
    later = times.astype("datetime64[s]") + np.floor(seconds).astype(np.int64).astype(
        "timedelta64[s]"
    )
    return np.maximum(times, skip_missing_hour(later))
