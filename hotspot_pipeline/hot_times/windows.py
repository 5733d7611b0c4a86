"""Patrol windows of each hotspot: when its budget of hours is best spent, and how far to trust that.

Here: the rows of `hot_times.windows` (one a window) and `hot_times.window_sets` (one a hotspot). Not
here: the choice itself (`best_windows`), the tests (`hot_blocks`), shifts (`shifts`).

Windows are chosen on the smoothed, shrunk hours of the profile. A hotspot gets its budget's worth of
windows whether or not anything stands out, because its hours are to be spent; `n_hot_blocks` says which
windows rest on a block that was tested and found hot, and `only_hot` keeps to those. The share of
events captured is counted on the events that chose the windows, which flatters it; the share out of
sample is counted on the other half of the weeks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import polars as pl

from hotspot_pipeline.hot_times.best_windows import HourWindow, WindowRules, best_windows
from hotspot_pipeline.hot_times.levels import Levels
from hotspot_pipeline.hot_times.profiles import Profile, profile
from hotspot_pipeline.hot_times.shrinkage import Strength
from hotspot_pipeline.hot_times.week_sums import (
    BLOCK_HOURS,
    FIRST_BLOCK_HOUR,
    BoolArray,
    FloatArray,
    WeekSums,
)
from hotspot_pipeline.timebase import HOURS_IN_WEEK

STABLE_FROM = 0.5
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_WINDOW_SCHEMA = {
    "hotspot_id": pl.String,
    "window_no": pl.Int64,
    "police_weekday": pl.Int64,
    "start_hour": pl.Int64,
    "end_hour": pl.Int64,
    "start_hour_of_week": pl.Int64,
    "n_hours": pl.Int64,
    "in_words": pl.String,
    "expected_share": pl.Float64,
    "share_of_events": pl.Float64,
    "lift": pl.Float64,
    "n_hot_blocks": pl.Int64,
}
_SET_SCHEMA = {
    "hotspot_id": pl.String,
    "n_windows": pl.Int64,
    "n_hours": pl.Int64,
    "share_captured": pl.Float64,
    "share_captured_out_of_sample": pl.Float64,
    "lift": pl.Float64,
    "split_half_jaccard": pl.Float64,
    "is_stable": pl.Boolean,
}


def choose_windows(
    hours: Levels,
    strength: Strength,
    rules: WindowRules,
    is_hot: BoolArray,
    *,
    only_hot: bool = False,
) -> list[list[HourWindow]]:
    """The windows of every hotspot. `hours` by hours of the week; `is_hot` (n_hotspots, 56).

    With `only_hot` windows lie within hot blocks, and hours may be left over.
    """
    allowed = hot_hours(is_hot) if only_hot else None
    return best_windows(hourly_values(hours, profile(hours, strength)), rules, allowed)


def hourly_values(hours: Levels, made: Profile) -> FloatArray:
    """(n_hotspots, 168): the share of an ordinary week's events that each hour is expected to hold."""
    ratio = np.nan_to_num(made.ratio[: hours.n_hotspots])
    total = ratio.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(ratio, total, out=np.zeros_like(ratio), where=total > 0))


def hot_hours(is_hot: BoolArray) -> BoolArray:
    """(n, 168) hours of the week from (n, 56) blocks."""
    return np.roll(np.repeat(is_hot, BLOCK_HOURS, axis=1), FIRST_BLOCK_HOUR, axis=1)


def window_rows(
    hours: Levels, made: Profile, chosen: Sequence[Sequence[HourWindow]], is_hot: BoolArray
) -> pl.DataFrame:
    """One row per window, numbered within its hotspot by expected events per hour, most first.

    hotspot_id, window_no, police_weekday (0 Monday: of the police day in which it starts), start_hour,
    end_hour (local), start_hour_of_week, n_hours, in_words, expected_share (by the profile),
    share_of_events (as counted), lift (share of events over share of hours), n_hot_blocks (tested hot
    blocks that it touches).
    """
    values = hourly_values(hours, made)
    rows: list[dict[str, Any]] = []
    for place, windows in enumerate(chosen):
        # of equals the earlier in the police week
        ordered = sorted(
            windows, key=lambda w: (-round(values[place, w.hours].mean(), 12), into_police_week(w))
        )
        for number, window in enumerate(ordered, start=1):
            share, lift = captured(hours.sums, place, window.hours)
            touched = {into_police_week_of(hour) // BLOCK_HOURS for hour in window.hours}
            rows.append(
                {
                    "hotspot_id": hours.sums.places[place],
                    "window_no": number,
                    "police_weekday": into_police_week(window) // 24,
                    "start_hour": window.start % 24,
                    "end_hour": (window.start + window.n_hours) % 24,
                    "start_hour_of_week": window.start,
                    "n_hours": window.n_hours,
                    "in_words": in_words(window),
                    "expected_share": float(values[place, window.hours].sum()),
                    "share_of_events": share,
                    "lift": lift,
                    "n_hot_blocks": int(is_hot[place, sorted(touched)].sum()),
                }
            )
    return pl.DataFrame(rows, schema=_WINDOW_SCHEMA)


def set_rows(
    hours: Levels,
    strength: Strength,
    rules: WindowRules,
    chosen: Sequence[Sequence[HourWindow]],
) -> pl.DataFrame:
    """One row per hotspot: hotspot_id, n_windows, n_hours, share_captured,
    share_captured_out_of_sample, lift, split_half_jaccard, is_stable.

    Odd and even weeks choose windows of their own (from any hours, by the same rules): the Jaccard
    index of their hours says how stable the choice is, stable from 0.5 on; what each half's windows hold of
    the other half's events is the share out of sample. Null where a half has no weeks or no events.
    """
    odd = hours.sums.is_odd_week()
    halves = [hours.of_weeks(odd), hours.of_weeks(~odd)]
    is_split = all(half.sums.weeks for half in halves)
    choices = [
        best_windows(hourly_values(half, profile(half, strength)), rules) if is_split else []
        for half in halves
    ]
    rows: list[dict[str, Any]] = []
    for place, windows in enumerate(chosen):
        held = hours_in(windows)
        share, lift = captured(hours.sums, place, held)
        stability = out_of_sample = None
        if is_split:
            first, second = (hours_in(choice[place]) for choice in choices)
            stability = jaccard(first, second)
            out_of_sample = _other_half(halves, place, (first, second))
        rows.append(
            {
                "hotspot_id": hours.sums.places[place],
                "n_windows": len(windows),
                "n_hours": len(held),
                "share_captured": share,
                "share_captured_out_of_sample": out_of_sample,
                "lift": lift,
                "split_half_jaccard": stability,
                "is_stable": None if stability is None else stability >= STABLE_FROM,
            }
        )
    return pl.DataFrame(rows, schema=_SET_SCHEMA)


def captured(sums: WeekSums, place: int, hours: Sequence[int]) -> tuple[float | None, float | None]:
    """The share of the place's events in these hours of the week, and that over their share of the
    hours (lift); null without events, or without hours."""
    total = int(sums.weights[place].sum())
    if not total:
        return None, None
    share = int(sums.weights[place][:, hours].sum()) / total
    of_time = int(sums.hours[:, hours].sum()) / int(sums.hours.sum())
    return share, share / of_time if of_time else None


def jaccard(one: Iterable[int], other: Iterable[int]) -> float | None:
    """Shared over all, null where both are empty."""
    first, second = set(one), set(other)
    return len(first & second) / len(first | second) if first | second else None


def hours_in(windows: Iterable[HourWindow]) -> list[int]:
    return [hour for window in windows for hour in window.hours]


def into_police_week_of(hour_of_week: int) -> int:
    """Hours from the start of the police week (Monday 06:00) to this hour."""
    return (hour_of_week - FIRST_BLOCK_HOUR) % HOURS_IN_WEEK


def into_police_week(window: HourWindow) -> int:
    return into_police_week_of(window.start)


def in_words(window: HourWindow) -> str:
    """`Fri 21:00-03:00`: the police day in which it starts, and the wall clock. What starts after
    midnight is said to be of the night before, as crews know it: `Fri night 01:00-04:00`.
    """
    day = WEEKDAYS[into_police_week(window) // 24]
    night = " night" if window.start % 24 < FIRST_BLOCK_HOUR else ""
    end = (window.start + window.n_hours) % 24
    return f"{day}{night} {window.start % 24:02d}:00-{end:02d}:00"


def _other_half(halves: Sequence[Levels], place: int, held: Sequence[list[int]]) -> float | None:
    """What the windows of each half hold of the other half's events, both halves together."""
    found = total = 0
    for half, windows in zip(halves, reversed(held), strict=True):
        weights = half.sums.weights[place]
        total += int(weights.sum())
        found += int(weights[:, windows].sum())
    return found / total if total else None
