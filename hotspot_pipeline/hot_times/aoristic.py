"""Aoristic weights: an event of unknown moment is spread over the hours it may have happened in.

Here: windows of time to weights by local hour, event by event or summed. Not here: which events have
usable times (`time_cases`), profiles (`profiles`).

Ratcliffe (2000), International Journal of Geographical Information Science 14(7), 669-679; that
spreading finds peaks and start, middle or end of the window do not: Ashby and Bowers (2013), Crime
Science 2, 1. The share of an hour is the real time of the window that lies in it, so a clock change
neither loses nor doubles weight; the local wall clock names the hour.

Weights are whole numbers in units of 10^-12 events. All whole hours of one event weigh the same, its
last hour takes what rounding leaves (less than 2 * 10^-10 of an event), so the weights of every event
sum to `WEIGHT_UNIT` exactly, and sums do not depend on their order. 64 bits hold the sum of nine
million events. Times are taken to the millisecond.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hotspot_pipeline.hot_times.time_cases import LongWindow, temporal_quality, time_case
from hotspot_pipeline.timebase import PoliceTime
from hotspot_pipeline.timebase.local_hours import HOUR_MS, LocalHours, local_hours

WEIGHT_UNIT = 10**12
"""The weight of one event."""

IntArray = NDArray[np.int64]
_WEEK_MS = 168 * HOUR_MS
# rows of one frame: little enough that its arrays are used again, not asked of the system anew
_ROWS_AT_ONCE = 500_000
# hours of all groups that are summed together
_SUMS_AT_ONCE = 4_000_000
_NEEDED = ("time_known", "from_utc", "to_utc")


class _Weights(NamedTuple):
    """Of each usable event: its first hour, how many hours, and the weight of the first, of each
    whole hour between, and of the last (the first again where there is only one)."""

    first: IntArray
    n_hours: IntArray
    in_first: IntArray
    in_whole: IntArray
    in_last: IntArray


@dataclass(frozen=True)
class _Usable:
    events: pl.DataFrame
    hours: LocalHours
    weights: _Weights


def event_hours(
    events: pl.DataFrame,
    police_time: PoliceTime,
    *,
    keys: Sequence[str] = ("event_id",),
    long_window: LongWindow = "exclude",
) -> pl.DataFrame:
    """One row per event and local hour of its window, in the order of the events and of time.

    `events` has time_known, from_utc, to_utc (Datetime, UTC with or without zone; `to_utc` null
    without an end) and `keys`. Returned: the keys, temporal_quality, hour_start_utc, hour_of_week
    (0 = Monday 00:00), weight (Int64, units of 10^-12 events). Events without usable hours have no
    rows; `time_cases.account` says how many they are.

    A moment is wholly in its hour. A window is half open: one that ends at 14:00 has nothing in the
    hour from 14:00. `long_window="spread"` gives an event whose window is over seven days an even
    share of the 168 hours from its first on, as some workbooks do.
    """
    return pl.concat(event_hours_in_chunks(events, police_time, keys=keys, long_window=long_window))


def event_hours_in_chunks(
    events: pl.DataFrame,
    police_time: PoliceTime,
    *,
    keys: Sequence[str] = ("event_id",),
    long_window: LongWindow = "exclude",
    max_rows: int = _ROWS_AT_ONCE,
) -> Iterator[pl.DataFrame]:
    """`event_hours` in frames of about `max_rows` rows (at least one event each, so up to 168 more).

    A million windows of a week are 169 million rows: take them one frame after the other. At least
    one frame comes, empty without usable events.
    """
    usable = _usable(events, police_time, long_window, keys)
    ends = np.cumsum(usable.weights.n_hours)
    begin, n_events = 0, len(ends)
    if not n_events:
        yield _rows(usable, slice(0, 0), keys)
    while begin < n_events:
        done = ends[begin - 1] if begin else 0
        end = max(int(np.searchsorted(ends, done + max_rows, side="right")), begin + 1)
        yield _rows(usable, slice(begin, end), keys)
        begin = end


def hour_sums(
    events: pl.DataFrame,
    police_time: PoliceTime,
    *,
    by: Sequence[str] = (),
    long_window: LongWindow = "exclude",
) -> pl.DataFrame:
    """The weights of `event_hours` summed by the columns `by` and local hour, without its rows.

    Returned, hours without weight left out: `by`, hour_start_utc, hour_of_week, police_day,
    week_start (of the hour), weight. The cost grows with the events and the hours of the period, not
    with the length of windows: each event adds its four changes of level to a line of hours, and one
    running sum makes weights of them. All whole numbers, so equal to the sum of the rows to the unit.
    """
    usable = _usable(events, police_time, long_window, by)
    n_hours = usable.hours.names.height
    if by:
        groups = usable.events.select(by).unique(maintain_order=True).with_row_index("group")
        group = (
            usable.events.select(by)
            .join(groups, on=by, how="left", maintain_order="left", nulls_equal=True)
            .get_column("group")
            .to_numpy()
            .astype(np.int64)
        )
    else:
        groups = pl.DataFrame({"group": pl.Series([0], dtype=pl.UInt32)})
        group = np.zeros(usable.events.height, dtype=np.int64)
    at_once = max(1, _SUMS_AT_ONCE // (n_hours + 1))
    order = np.argsort(group, kind="stable")
    cuts = np.searchsorted(group[order], np.arange(0, max(groups.height, 1) + at_once, at_once))
    parts = []
    for number, (begin, end) in enumerate(pairwise(cuts)):
        low = number * at_once
        chosen = order[begin:end]
        n_groups = min(at_once, groups.height - low)
        sums = _level_sums(usable, chosen, group[chosen] - low, n_groups)
        at_group, at_hour = np.nonzero(sums)
        parts.append(
            pl.concat(
                [
                    groups[low + at_group].select(by),
                    usable.hours.names[at_hour],
                    pl.DataFrame({"weight": sums[at_group, at_hour]}),
                ],
                how="horizontal",
            )
        )
    return pl.concat(parts)


def _level_sums(usable: _Usable, chosen: IntArray, group: IntArray, n_groups: int) -> IntArray:
    """(n_groups, n_hours): the summed weights of the chosen events."""
    first, n, in_first, in_whole, in_last = (column[chosen] for column in usable.weights)
    n_line = usable.hours.names.height + 1
    begin = group * n_line + usable.hours.row(first)
    is_one = n == 1
    level = np.zeros(n_groups * n_line, dtype=np.int64)
    np.add.at(level, begin, in_first)
    np.add.at(level, begin + 1, np.where(is_one, -in_first, in_whole - in_first))
    np.add.at(level, begin + n - 1, np.where(is_one, 0, in_last - in_whole))
    np.add.at(level, begin + n, np.where(is_one, 0, -in_last))
    return np.cumsum(level.reshape(n_groups, n_line), axis=1)[:, :-1]


def _usable(
    events: pl.DataFrame, police_time: PoliceTime, long_window: LongWindow, kept: Sequence[str]
) -> _Usable:
    missing = [name for name in (*_NEEDED, *kept) if name not in events.columns]
    if missing:
        raise ValueError(
            f"event hours: no column {', '.join(missing)}; the frame has {events.columns}"
        )
    start, end = _ms(pl.col("from_utc")), _ms(pl.col("to_utc"))
    usable = (
        events.lazy()
        .select(
            *kept,
            case=time_case(pl.col("time_known"), pl.col("from_utc"), pl.col("to_utc")),
            start=start,
            # whoever delivers no end means the moment
            end=pl.coalesce(end, start),
        )
        .with_columns(
            temporal_quality=temporal_quality(pl.col("case"), long_window=long_window),
            is_even=pl.col("case") == "over_168_h",
        )
        .filter(pl.col("temporal_quality").is_not_null())
        .collect()
    )
    begin = usable.get_column("start").to_numpy()
    finish = usable.get_column("end").to_numpy()
    is_even = usable.get_column("is_even").to_numpy()
    if not begin.size:
        hours = local_hours(police_time, 0, 0)
        return _Usable(usable, hours, _weights(hours, begin, finish))
    latest = int(np.where(is_even, begin + _WEEK_MS, finish).max())
    hours = local_hours(police_time, int(begin.min()), latest)
    if is_even.any():
        begin = np.where(is_even, begin - hours.into_hour_ms(begin), begin)
        finish = np.where(is_even, begin + _WEEK_MS, finish)
    return _Usable(usable, hours, _weights(hours, begin, finish))


def _weights(hours: LocalHours, start: IntArray, end: IntArray) -> _Weights:
    """Weights of windows [start, end) in milliseconds; where both are equal, of that moment."""
    length = np.maximum(end - start, 1)
    first = hours.number(start)
    n = hours.number(start + length - 1) - first + 1
    # WEIGHT_UNIT times an hour in milliseconds is 3.6e18, just within 64 bits
    to_next_hour = np.minimum(HOUR_MS - hours.into_hour_ms(start), length)
    in_first = np.where(n == 1, WEIGHT_UNIT, WEIGHT_UNIT * to_next_hour // length)
    in_whole = WEIGHT_UNIT * np.minimum(HOUR_MS, length) // length
    in_last = np.where(n == 1, WEIGHT_UNIT, WEIGHT_UNIT - in_first - (n - 2) * in_whole)
    return _Weights(first, n, in_first, in_whole, in_last)


def _rows(usable: _Usable, part: slice, keys: Sequence[str]) -> pl.DataFrame:
    first, n, in_first, in_whole, in_last = (column[part] for column in usable.weights)
    ends = np.cumsum(n)
    begins = ends - n
    hour = np.repeat(usable.hours.row(first) - begins, n)
    hour += np.arange(len(hour))
    weight = np.repeat(in_whole, n)
    weight[begins] = in_first
    weight[ends - 1] = in_last
    names = usable.hours.names
    start = names.get_column("hour_start_utc").to_physical().to_numpy()[hour]
    event = np.repeat(np.arange(len(n), dtype=np.uint32), n)
    of_event = usable.events[part].select(*keys, "temporal_quality")
    return of_event[event].with_columns(
        hour_start_utc=pl.Series(start).cast(pl.Datetime("us")),
        hour_of_week=pl.Series(names.get_column("hour_of_week").to_numpy()[hour]),
        weight=pl.Series(weight),
    )


def _ms(utc: pl.Expr) -> pl.Expr:
    return utc.dt.epoch("ms")
