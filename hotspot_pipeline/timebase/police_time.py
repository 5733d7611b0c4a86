"""The force's police day, week and hour of week, and the two clock changes a year.

Belongs here: the only change from local wall-clock time to UTC, everything that names a moment in
the force's own calendar, and the parameters of the one daily and the one weekly partition. Does not
belong here: the partition objects of the orchestrator (`orchestration`), what is special about a
day (`calendar_days`).

Rules (they differ from what databases do by themselves, so SQL never converts zones):

- local time becomes UTC once. A time that happens twice in autumn is the first of the two, flagged
  `ambiguous_autumn`; one that is skipped in spring is moved on by the length of the skip (one hour
  in Europe/London), flagged `nonexistent_spring`;
- a police day runs from 06:00 to 06:00 and has the date it started on: Saturday 02:00 is Friday's;
- a police week runs from Monday 06:00 to Monday 06:00 and has that Monday's date;
- hour of week is local wall-clock time, 0 = Monday 00:00 to 167 = Sunday 23:00;
- every window is half-open: its start belongs to it, its end to the next one.

Columns: methods that take a `pl.Expr` work on whole columns. `utc` means a Datetime with time zone
UTC, `local` a Datetime without time zone. Null in is null out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hotspot_pipeline.timebase.spans import PartitionParameters, Window

TZ_FLAGS = ("ok", "ambiguous_autumn", "nonexistent_spring")
HOURS_IN_WEEK = 168
_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
# Every zone's offset and clock change since 1972 is a multiple of a quarter of an hour, so each
# quarter lies wholly in one hour of local time.
_QUARTER_US = 15 * 60 * 1_000_000


@dataclass(frozen=True)
class PoliceTime:
    """A force's time: its zone and the hour its day starts (Europe/London, 06:00).

    Any hour will do in a zone whose clocks change on the hour by one hour, as in Europe and North
    America. Where they go back from a part of an hour (03:45 to 02:45 on the Chatham Islands), a
    day must not start at an hour they go back across: it would start twice.
    """

    time_zone: str = "Europe/London"
    day_starts_hour: int = 6

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(
                f"time zone {self.time_zone!r} is not known; use an IANA name such as 'Europe/London'"
            ) from error
        if not 0 <= self.day_starts_hour <= 23:
            raise ValueError(f"day_starts_hour must be 0 to 23, not {self.day_starts_hour}")

    # --- columns: local wall clock and UTC ---------------------------------------------------

    def to_utc(self, local: pl.Expr) -> pl.Expr:
        """The moment a wall-clock time names, as Datetime('us', 'UTC')."""
        wall = local.cast(pl.Datetime("us"))
        # A skipped time is read with the offset of the day before: it moves on by the skip.
        moved_on = self._zoned(wall.dt.offset_by("-1d"), "earliest").dt.convert_time_zone("UTC")
        return pl.coalesce(
            self._zoned(wall, "earliest").dt.convert_time_zone("UTC"),
            moved_on.dt.offset_by("24h"),
        )

    def tz_flag(self, local: pl.Expr) -> pl.Expr:
        """`ok`, `ambiguous_autumn` or `nonexistent_spring` for each wall-clock time."""
        wall = local.cast(pl.Datetime("us"))
        first, second = self._zoned(wall, "earliest"), self._zoned(wall, "latest")
        flag = (
            pl.when(wall.is_null())
            .then(None)
            .when(first.is_null())
            .then(pl.lit("nonexistent_spring"))
            .when(first != second)
            .then(pl.lit("ambiguous_autumn"))
            .otherwise(pl.lit("ok"))
        )
        return flag.cast(pl.Enum(TZ_FLAGS)).name.keep()

    def to_local(self, utc: pl.Expr) -> pl.Expr:
        """Wall-clock time, as a Datetime without time zone."""
        return utc.dt.convert_time_zone(self.time_zone).dt.replace_time_zone(None)

    def _zoned(self, wall: pl.Expr, ambiguous: str) -> pl.Expr:
        return wall.dt.replace_time_zone(
            self.time_zone,
            ambiguous=ambiguous,  # type: ignore[arg-type]
            non_existent="null",
        )

    # --- columns: names of a moment ----------------------------------------------------------

    def calendar_date(self, utc: pl.Expr) -> pl.Expr:
        """The local date, midnight to midnight."""
        return self.to_local(utc).dt.date()

    def police_day(self, utc: pl.Expr) -> pl.Expr:
        """The date of the police day."""
        return self.to_local(utc).dt.offset_by(f"-{self.day_starts_hour}h").dt.date()

    def week_start(self, utc: pl.Expr) -> pl.Expr:
        """The Monday of the police week."""
        return self.police_day(utc).dt.truncate("1w")

    def hour_of_week(self, utc: pl.Expr) -> pl.Expr:
        """0 (Monday 00:00) to 167 (Sunday 23:00) by the wall clock, as Int16."""
        local = self.to_local(utc)
        hour = (local.dt.weekday().cast(pl.Int16) - 1) * 24 + local.dt.hour().cast(pl.Int16)
        return hour.cast(pl.Int16)

    def month(self, utc: pl.Expr) -> pl.Expr:
        """The first day of the calendar month (as the monthly return counts, not by police day)."""
        return self.calendar_date(utc).dt.truncate("1mo")

    def is_day(self, utc: pl.Expr) -> pl.Expr:
        """Whether the wall clock is in [06:00, 18:00)."""
        return self.to_local(utc).dt.hour().is_between(6, 18, closed="left")

    def names(self, utc_column: str) -> list[pl.Expr]:
        """Every name of the moments in a column, under this module's own column names."""
        utc = pl.col(utc_column)
        return [
            self.calendar_date(utc).alias("calendar_date"),
            self.police_day(utc).alias("police_day"),
            self.week_start(utc).alias("week_start"),
            self.month(utc).alias("month"),
            self.hour_of_week(utc).alias("hour_of_week"),
            self.is_day(utc).alias("is_day"),
        ]

    # --- single moments and windows ----------------------------------------------------------

    def instant(self, local: datetime) -> datetime:
        """The moment a wall-clock time names: `to_utc` for one value."""
        if local.tzinfo is not None:
            raise ValueError(f"{local} has a time zone already; give the bare wall-clock time")
        return local.replace(tzinfo=ZoneInfo(self.time_zone), fold=0).astimezone(UTC)

    def police_day_of(self, moment_utc: datetime) -> date:
        """`police_day` for one moment, which must carry a time zone."""
        if moment_utc.tzinfo is None:
            raise ValueError(f"{moment_utc} has no time zone; give it in UTC")
        local = moment_utc.astimezone(ZoneInfo(self.time_zone)).replace(tzinfo=None)
        return (local - timedelta(hours=self.day_starts_hour)).date()

    def week_start_of(self, moment_utc: datetime) -> date:
        """`week_start` for one moment, which must carry a time zone."""
        return monday_of(self.police_day_of(moment_utc))

    def day_window(self, police_day: date) -> Window:
        """When a police day starts and ends."""
        return self.window(police_day, police_day + _DAY)

    def week_window(self, week_start: date) -> Window:
        """When a police week starts and ends; `week_start` must be a Monday."""
        return self.window(_monday(week_start), week_start + _WEEK)

    def month_window(self, month: date) -> Window:
        """When a calendar month starts and ends, midnight to midnight."""
        first = month.replace(day=1)
        after = (first + timedelta(days=32)).replace(day=1)
        midnight = time(0)
        return Window(
            self.instant(datetime.combine(first, midnight)),
            self.instant(datetime.combine(after, midnight)),
        )

    def window(self, first_day: date, end_day: date) -> Window:
        """From the start of one police day to the start of another (which is not included)."""
        starts = time(self.day_starts_hour)
        return Window(
            self.instant(datetime.combine(first_day, starts)),
            self.instant(datetime.combine(end_day, starts)),
        )

    def last_closed_day(self, now_utc: datetime) -> date:
        """The latest police day that is over: at 02:30 on a Monday it is Saturday."""
        return self.police_day_of(now_utc) - _DAY

    def last_closed_week(self, now_utc: datetime) -> date:
        """The Monday of the latest police week that is over."""
        return self.week_start_of(now_utc) - _WEEK

    # --- exposure and partitions -------------------------------------------------------------

    def exposure_hours(self, week_start: date | Sequence[date]) -> NDArray[np.float64]:
        """Real elapsed hours of each local hour of the week, in one police week or in several.

        Shape (168,) for one Monday, (n, 168) for a sequence of n. The hour that repeats in autumn
        has 2, the one skipped in spring 0; a row sums to the real length of its week. Hours 0-5
        are those of the Monday that ends the week.
        """
        weeks = [week_start] if isinstance(week_start, date) else list(week_start)
        windows = [self.week_window(week) for week in weeks]
        quarters = [
            np.arange(_epoch_us(window.start_utc), _epoch_us(window.end_utc), _QUARTER_US)
            for window in windows
        ]
        if not quarters:
            return np.zeros((0, HOURS_IN_WEEK))
        utc = pl.Series("utc", np.concatenate(quarters)).cast(pl.Datetime("us", "UTC"))
        hour = utc.to_frame().select(self.hour_of_week(pl.col("utc"))).to_series().to_numpy()
        row = np.repeat(np.arange(len(weeks)), [len(of_week) for of_week in quarters])
        cells = np.bincount(row * HOURS_IN_WEEK + hour, minlength=len(weeks) * HOURS_IN_WEEK)
        exposure = cells.reshape(len(weeks), HOURS_IN_WEEK) / 4.0
        return exposure[0] if isinstance(week_start, date) else exposure

    def daily_partition(self, start: date) -> PartitionParameters:
        """The one daily partition: police days, from `start` on."""
        return PartitionParameters(start, self.time_zone, self.day_starts_hour, 0, None)

    def weekly_partition(self, start: date) -> PartitionParameters:
        """The one weekly partition: police weeks, from the one that holds `start` on."""
        return PartitionParameters(
            monday_of(start), self.time_zone, self.day_starts_hour, 0, day_offset=1
        )


def monday_of(day: date) -> date:
    """The Monday on or before a date."""
    return day - timedelta(days=day.weekday())


def _epoch_us(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000


def _monday(week_start: date) -> date:
    if week_start.weekday() != 0:
        raise ValueError(
            f"{week_start} is a {week_start:%A}, not a Monday; timebase.monday_of finds the Monday"
        )
    return week_start
