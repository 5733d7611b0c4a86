"""The calendar of deliveries: which night brings which files, and on which nights something goes wrong.

Belongs here: nights, their extract times, and the shocks of DOMAIN §8.3 that touch files. Does not belong here: what is
in the files (`nights`), shocks that touch records (`crime.shocks`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Literal

import numpy as np

from hotspot_pipeline.simulator.profiles import Profile

Nightly = Literal["delta", "full"]
EXTRACT_HOUR = 2
SENT_AGAIN_AFTER_H = 7  # somebody in the office sends it by hand
MISSING_NIGHTS = 2
RENAMED_NIGHTS = 7
PARTIAL_SHARE = 0.60
# Nights after the first (1 = the next one) on which something is wrong with the crime file; the same again each half
# year.
WRONG_FIELDS, SENT_TWICE, REPEATED_NUMBERS, PICTURE = 3, 5, 6, 8
MISHAPS = (WRONG_FIELDS, SENT_TWICE, REPEATED_NUMBERS, PICTURE)
AGAIN_AFTER_NIGHTS = 182
MIN_NIGHTS = PICTURE


@dataclass(frozen=True, slots=True)
class Night:
    """The files of one night. `at`: the moment whose states they hold (local); `arrives`: when they come; `mishap`: 0 or
    one of MISHAPS."""

    number: int
    at: np.datetime64
    arrives: np.datetime64
    is_full: bool
    is_delta: bool
    is_partial: bool
    is_renamed: bool
    is_sent_twice: bool
    mishap: int


@dataclass(frozen=True)
class DeliveryPlan:
    """`start`: 06:00 local of day 0, a Monday; nights of the days `first_night` to `n_days` - 1; `shocks` by day."""

    start: datetime
    n_days: int
    first_night: int
    volume: float
    nightly: Nightly = "delta"
    is_weekly_full: bool = True
    shocks: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.first_night < self.n_days:
            raise ValueError(f"first night {self.first_night} of {self.n_days} days")

    @property
    def first(self) -> np.datetime64:
        return self.at(self.first_night)

    @property
    def last(self) -> np.datetime64:
        return self.at(self.n_days - 1)

    @property
    def n_nights(self) -> int:
        return self.n_days - self.first_night

    def calendar_day(self, day: int) -> date:
        """The date on which a day's shift begins."""
        return self.start.date() + timedelta(days=day)

    def at(self, day: int) -> np.datetime64:
        """Extract time of a day's night, early on the next date; datetime64[s]."""
        return np.datetime64(datetime.combine(self.calendar_day(day + 1), time(EXTRACT_HOUR)), "s")

    def shock_days(self, name: str, n_days: int) -> range:
        """The days a shock lasts, empty where there is none."""
        first = self.shocks.get(name)
        return range(0) if first is None else range(first, first + n_days)

    def nights(self) -> Iterator[Night]:
        missing = self.shock_days("missing_nights", MISSING_NIGHTS)
        renamed = self.shock_days("renamed_columns", RENAMED_NIGHTS)
        partial = self._partial_day()
        for day in range(self.first_night, self.n_days):
            number = day - self.first_night
            at = self.at(day)
            arrives, mishap = at, number % AGAIN_AFTER_NIGHTS
            if day in missing:
                # in the morning after the next night that brings its files
                late_h = 24 * (missing.stop - day) + SENT_AGAIN_AFTER_H
                arrives, mishap = at + np.timedelta64(late_h, "h"), 0
            yield Night(
                number=number,
                at=at,
                arrives=arrives,
                is_full=self._is_full(day),
                is_delta=number > 0 and self.nightly == "delta",
                is_partial=day == partial,
                is_renamed=day in renamed,
                is_sent_twice=day in missing[-1:],
                mishap=mishap if mishap in MISHAPS else 0,
            )

    def _is_full(self, day: int) -> bool:
        # Day 0 is a Monday.
        is_sunday = self.is_weekly_full and day % 7 == 6
        return day == self.first_night or self.nightly == "full" or is_sunday

    def _partial_day(self) -> int | None:
        """The first night with a full extract from the day of the shock on, but not the first of all."""
        day = self.shocks.get("partial_full")
        if day is None:
            return None
        fulls = (d for d in range(max(day, self.first_night + 1), self.n_days) if self._is_full(d))
        return next(fulls, None)


def plan_of(profile: Profile, nightly: Nightly = "delta") -> DeliveryPlan:
    return DeliveryPlan(
        start=profile.start_local,
        n_days=profile.n_days,
        first_night=profile.first_night,
        volume=profile.volume,
        nightly=nightly,
        shocks=profile.shocks,
    )
