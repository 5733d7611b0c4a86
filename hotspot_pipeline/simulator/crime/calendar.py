"""What makes one hour of the calendar busier than the same hour of another week: season, growth, holidays, events.

Belongs here: multipliers on the rate by local hour (DOMAIN §8.2). Does not belong here: the shape of an ordinary week
(`clock`), how many events there are (`events`).
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from hotspot_pipeline.simulator.force.county import Floats

GROWTH_PER_YEAR = 0.01
NEW_YEARS_EVE, FOOTBALL, STORM, HOLIDAY_EVE = 3.0, 1.6, 0.5, 1.3
N_FOOTBALL_DAYS = 4  # a year
_SUMMER_ASB = {6: 1.25, 7: 1.25, 8: 1.25}
_VIOLENCE = {7: 1.10, 12: 1.10}
# by group; groups without an entry have no season
SEASONS = {"asb": _SUMMER_ASB, "vap": _VIOLENCE, "public_order": _VIOLENCE}
NIGHT_LIFE = ("asb", "vap", "public_order", "robbery")


def hour_multipliers(
    rng: np.random.Generator, group: str, start: np.datetime64, n_hours: int
) -> Floats:
    """(n_hours,) from the local hour `start` on; around 1 over a year.

    `rng` draws the days of football and storm: give every group the same stream, so that they fall together.
    """
    hours = start.astype("datetime64[h]") + np.arange(n_hours)
    day = hours.astype("datetime64[D]")
    months = hours.astype("datetime64[M]").astype(np.int64) % 12 + 1
    years = (hours - hours[0]).astype(np.int64) / (24 * 365.25)
    season = SEASONS.get(group, {})
    by_month = np.array([1.0, *[season.get(month, 1.0) for month in range(1, 13)]])
    level = by_month[months] / by_month[1:].mean() * (1 + GROWTH_PER_YEAR) ** years
    if group not in NIGHT_LIFE:
        return np.asarray(level)
    first, last = day[0].item(), day[-1].item()
    # an evening runs from 18:00 to 04:00 and belongs to the day it began on
    evening = (hours - np.timedelta64(4, "h")).astype("datetime64[D]")
    of_day = hours.astype(np.int64) % 24
    is_evening = (of_day >= 18) | (of_day < 4)
    eves = [
        d - timedelta(days=1) for y in range(first.year, last.year + 2) for d in bank_holidays(y)
    ]
    level = np.where(is_evening & np.isin(evening, _days(eves)), level * HOLIDAY_EVE, level)
    new_year = [date(y, 12, 31) for y in range(first.year - 1, last.year + 1)]
    level = np.where(
        is_evening & np.isin(evening, _days(new_year)), level * NEW_YEARS_EVE / HOLIDAY_EVE, level
    )
    football, storm = [], []
    for year in range(first.year, last.year + 1):
        saturdays = [d for d in _all_days(year) if d.weekday() == 5 and d.month not in (6, 7)]
        football += [
            saturdays[k] for k in rng.choice(len(saturdays), N_FOOTBALL_DAYS, replace=False)
        ]
        storm.append(date(year, 1, int(rng.integers(5, 29))))
    level = np.where((of_day >= 12) & np.isin(day, _days(football)), level * FOOTBALL, level)
    return np.asarray(np.where(np.isin(day, _days(storm)), level * STORM, level))


def bank_holidays(year: int) -> list[date]:
    """The bank holidays of England and Wales by rule, with substitute days; without one-off holidays.

    Source: Banking and Financial Dealings Act 1971, schedule 1, and the proclaimed New Year's Day and early May holiday.
    """
    easter = _easter(year)
    found = [
        _next_weekday(date(year, 1, 1)),
        easter - timedelta(days=2),
        easter + timedelta(days=1),
        _monday_from(date(year, 5, 1)),
        _monday_from(date(year, 5, 25)),
        _monday_from(date(year, 8, 25)),
    ]
    christmas = date(year, 12, 25)
    first = _next_weekday(christmas)
    second = _next_weekday(date(year, 12, 26))
    # Christmas on a Sunday: the 26th is a Monday and stays, the substitute is the Tuesday
    found += [first, second if second != first else second + timedelta(days=1)]
    return sorted(set(found))


def _easter(year: int) -> date:
    """Easter Sunday (Gregorian), by the anonymous algorithm of 1876 as given by Meeus, Astronomical Algorithms."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    r = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * r) // 451
    month, day = divmod(h + r - 7 * m + 114, 31)
    return date(year, month, day + 1)


def _next_weekday(day: date) -> date:
    return day + timedelta(days=max(0, 7 - day.weekday())) if day.weekday() >= 5 else day


def _monday_from(day: date) -> date:
    return day + timedelta(days=-day.weekday() % 7)


def _all_days(year: int) -> list[date]:
    return [date(year, 1, 1) + timedelta(days=k) for k in range(365)]


def _days(days: list[date]) -> np.ndarray:
    return np.array(sorted(set(days)), dtype="datetime64[D]")
