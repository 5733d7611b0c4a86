"""Stretches of time as plain values: a half-open window, and the parameters of a partition.

Not here: cutting time into days and weeks (`police_time`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl


@dataclass(frozen=True, slots=True)
class Window:
    """The half-open stretch of time [start_utc, end_utc)."""

    start_utc: datetime
    end_utc: datetime

    @property
    def elapsed_hours(self) -> float:
        """Real hours: 23 or 25 for a day with a clock change."""
        return (self.end_utc - self.start_utc) / timedelta(hours=1)

    def __contains__(self, moment_utc: datetime) -> bool:
        return self.start_utc <= moment_utc < self.end_utc

    def contains(self, utc: pl.Expr) -> pl.Expr:
        """Which moments of a column lie in the window."""
        return (utc >= pl.lit(self.start_utc)) & (utc < pl.lit(self.end_utc))


@dataclass(frozen=True, slots=True)
class PartitionParameters:
    """What an orchestrator needs to cut time as this module does, as plain data.

    `start_date` is the first partition's name (and for weeks a Monday); `day_offset` counts from
    Sunday = 0, so 1 is Monday; it is None for days.
    """

    start_date: date
    time_zone: str
    hour_offset: int
    minute_offset: int
    day_offset: int | None
