"""Windows cut where shifts change: one hot time, as many parts as crews must share it.

Here: which shift works which part of a window. Not here: choosing windows (`best_windows`), plans and
crews (`patrols`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from hotspot_pipeline.timebase import HOURS_IN_WEEK

DAY_STARTS = 6 * 60
_DAY, _WEEK = 24 * 60, HOURS_IN_WEEK * 60
_SCHEMA = {
    "hotspot_id": pl.String,
    "window_no": pl.Int64,
    "part_no": pl.Int64,
    "shift": pl.String,
    "police_weekday": pl.Int64,
    "starts_local": pl.String,
    "ends_local": pl.String,
    "n_minutes": pl.Int64,
}


@dataclass(frozen=True)
class Shift:
    """A shift by the local clock, `07:00` to `16:00`; past midnight where it ends before it starts.
    `weekdays` are the calendar days on which it starts (0 Monday)."""

    name: str
    starts: str
    ends: str
    weekdays: frozenset[int] = frozenset(range(7))

    def __post_init__(self) -> None:
        for text in (self.starts, self.ends):
            if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d|24:00", text):
                raise ValueError(f"shift {self.name}: '{text}' is not a time such as 07:00")
        if not self.weekdays or not self.weekdays <= set(range(7)):
            raise ValueError(f"shift {self.name}: weekdays {sorted(self.weekdays)} are not 0 to 6")

    @property
    def first_minute(self) -> int:
        return _minutes(self.starts)

    @property
    def length(self) -> int:
        """Minutes; a shift that ends when it starts is 24 hours long."""
        return (_minutes(self.ends) - self.first_minute - 1) % _DAY + 1


DEFAULT_SHIFTS = (
    Shift("early", "07:00", "16:00"),
    Shift("late", "14:00", "24:00", frozenset({6, 0, 1, 2, 3})),
    Shift("late", "15:00", "01:00", frozenset({4, 5})),
    Shift("night", "22:00", "07:00"),
)
"""A common pattern, to be replaced by the force's own."""


def split_by_shifts(windows: pl.DataFrame, shifts: Sequence[Shift]) -> pl.DataFrame:
    """One row per part: hotspot_id, window_no, part_no, shift (null where none works), police_weekday
    (of the part's start), starts_local, ends_local, n_minutes.

    `windows` has hotspot_id, window_no, start_hour_of_week, n_hours. Shifts overlap, so at each cut the
    one goes on that works longest: no other choice needs fewer parts. The parts of a window follow each
    other and have its length.
    """
    rows = [
        (row["hotspot_id"], row["window_no"], number, *part)
        for row in windows.iter_rows(named=True)
        for number, part in enumerate(
            _parts(row["start_hour_of_week"] * 60, row["n_hours"] * 60, shifts), start=1
        )
    ]
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def _parts(
    start: int, length: int, shifts: Sequence[Shift]
) -> list[tuple[str | None, int, str, str, int]]:
    found, at, end = [], start, start + length
    worked = [
        (day * _DAY + shift.first_minute + turn, shift)
        for turn in (-_WEEK, 0, _WEEK)
        for shift in shifts
        for day in sorted(shift.weekdays)
    ]
    while at < end:
        on_duty = [
            (begin + s.length, s.name) for begin, s in worked if begin <= at < begin + s.length
        ]
        name: str | None
        if on_duty:
            until, name = max(on_duty, key=lambda each: each[0])
        else:
            later = [begin for begin, _ in worked if begin > at]
            until, name = min(later, default=end), None
        until = min(until, end)
        weekday = (at - DAY_STARTS) % _WEEK // _DAY
        found.append((name, weekday, _clock(at), _clock(until), until - at))
        at = until
    return found


def _minutes(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


def _clock(minute: int) -> str:
    return f"{minute % _DAY // 60:02d}:{minute % 60:02d}"
