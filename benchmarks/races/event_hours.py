"""A million windows to weights by hour: the pipeline's kernel, one numpy pass, and a loop over rows.

Ours: `hot_times.aoristic.event_hours`, which gives every event and hour with the hour's start, its
name on the local wall clock through clock changes, and a whole-number weight; and `hour_sums`, the
same summed by hour without the rows. `repeat_and_add` is the least that numpy can do over the same
cells: repeat each event's first hour and its share over its hours and add them up by hour of the week;
it knows UTC only and gives the first and last hour their part. `row_loop` is what one writes first: for
each event, hour by hour, with `datetime` and `zoneinfo`.

Why it is fair: all start from the moments in memory, one event in sixteen without an end, windows of
10 hours in the median (drawn as the simulator draws them); one thread's work each. The loop goes over
a sample and is scaled to all rows, which leaves its warm-up out. The sums by hour of the week must agree:
ours with numpy's in a zone without clock changes to 1e-6 of an event, ours with the loop's in London on the sample.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from benchmarks.race import Disagreement, Facts, Race, Result, Side, Target, times_as_long
from benchmarks.stopwatch import Stopwatch
from hotspot_pipeline.hot_times.aoristic import WEIGHT_UNIT, event_hours, hour_sums
from hotspot_pipeline.timebase import PoliceTime

N_EVENTS, N_EVENTS_QUICK = 1_000_000, 20_000
SAMPLED = 20
"""The loop takes one event in so many."""
TOLERANCE = 1e-6
LONDON, NO_CHANGES = PoliceTime(), PoliceTime("Etc/UTC")
_HOUR_US = 3_600_000_000


def prepare(folder: Path, is_quick: bool) -> Facts:
    n = N_EVENTS_QUICK if is_quick else N_EVENTS
    rng = np.random.default_rng(11)
    minute = rng.integers(0, 3 * 365 * 1440, n)
    start = np.datetime64("2022-01-03T00:00:00", "us") + minute.astype("timedelta64[m]")
    length = np.clip(600 * np.exp(0.9 * rng.standard_normal(n)), 1, 24 * 60).astype(
        "timedelta64[m]"
    )
    end = np.where(rng.uniform(size=n) < 1 / 16, np.datetime64("NaT"), start + length)
    frame = pl.DataFrame({"event_id": np.arange(n), "from_utc": start, "to_utc": end})
    known = pl.when(pl.col("to_utc").is_null()).then(pl.lit("exact")).otherwise(pl.lit("window"))
    frame.with_columns(time_known=known).write_parquet(folder / "windows.parquet")
    hours = pl.col("to_utc") - pl.col("from_utc")
    return {
        "events": n,
        "median window, hours": frame.select(hours.median().dt.total_minutes()).item() / 60,
    }


def ours(folder: Path, watch: Stopwatch) -> Facts:
    table = _input(folder)
    event_hours(table.head(1_000), LONDON)
    with watch.race():
        rows = event_hours(table, LONDON)
    np.save(folder / "ours_sample.npy", _by_hour(rows.filter(_is_sampled())))
    np.save(folder / "ours_no_changes.npy", _by_hour(event_hours(table, NO_CHANGES)))
    return {"cells": rows.height}


def ours_summed(folder: Path, watch: Stopwatch) -> Facts:
    table = _input(folder)
    hour_sums(table.head(1_000), LONDON)
    with watch.race():
        sums = hour_sums(table, LONDON)
    np.save(folder / "ours_summed.npy", _by_hour(sums))
    return {}


def repeat_and_add(folder: Path, watch: Stopwatch) -> Facts:
    table = _input(folder)
    begin = table["from_utc"].to_physical().to_numpy()
    end = table["to_utc"].fill_null(table["from_utc"]).to_physical().to_numpy()
    _repeat_and_add(begin[:1_000], end[:1_000])
    with watch.race():
        sums = _repeat_and_add(begin, end)
    np.save(folder / "repeat_and_add.npy", sums)
    return {}


def row_loop(folder: Path, watch: Stopwatch) -> Facts:
    table = _input(folder).filter(_is_sampled())
    pairs = list(zip(table["from_utc"].to_list(), table["to_utc"].to_list(), strict=True))
    with watch.race():
        sums = _loop(pairs)
    np.save(folder / "row_loop.npy", sums)
    return {"events looped over": len(pairs)}


def _repeat_and_add(begin: Any, end: Any) -> Any:
    length = np.maximum(end - begin, 1)
    first = begin // _HOUR_US
    n = (begin + length - 1) // _HOUR_US - first + 1
    stop = np.cumsum(n)
    at = np.arange(stop[-1])
    hour = np.repeat(first - (stop - n), n) + at
    share = np.repeat(_HOUR_US / length, n)
    share[stop - n] = np.minimum(length, _HOUR_US - begin % _HOUR_US) / length
    share[stop - 1] = (begin + length - (first + n - 1) * _HOUR_US) / length
    one = n == 1
    share[(stop - 1)[one]] = 1.0
    # 1970-01-01 was a Thursday
    return np.bincount((hour + 72) % 168, weights=share, minlength=168)


def _loop(pairs: list[tuple[datetime, datetime | None]]) -> Any:
    zone = ZoneInfo("Europe/London")
    sums = np.zeros(168)
    for start, end in pairs:
        length = (end - start).total_seconds() if end else 0.0
        at = start
        while True:
            local = at.replace(tzinfo=UTC).astimezone(zone)
            hour = local.weekday() * 24 + local.hour
            if not end or length == 0:
                sums[hour] += 1
                break
            next_hour = at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
            sums[hour] += (min(next_hour, end) - at).total_seconds() / length
            if next_hour >= end:
                break
            at = next_hour
    return sums


def verify(folder: Path) -> Facts:
    """Sums by hour of the week equal to 1e-6 of an event, on the same events in the same zone."""
    table = {path.stem: np.load(path) for path in folder.glob("*.npy")}
    n_sampled = _input(folder).filter(_is_sampled()).height
    if abs(table["ours_sample"].sum() - n_sampled) > TOLERANCE:
        raise Disagreement(f"weights of {n_sampled} events sum to {table['ours_sample'].sum()}")
    farthest = 0.0
    for mine, theirs in (("ours_sample", "row_loop"), ("ours_no_changes", "repeat_and_add")):
        off = float(np.abs(table[mine] - table[theirs]).max())
        if not off < TOLERANCE:
            raise Disagreement(f"{mine} and {theirs} differ by up to {off:.1e} events in an hour")
        farthest = max(farthest, off)
    return {"sums by hour differ by at most, events": f"{farthest:.1e}"}


def _times_of_a_loop(side: str) -> Any:
    def figure(result: Result) -> float:
        return SAMPLED * result["row_loop"].median() / result[side].median()

    return figure


def _is_sampled() -> pl.Expr:
    return pl.col("event_id") % SAMPLED == 0


def _by_hour(frame: pl.DataFrame) -> Any:
    sums = np.zeros(168)
    summed = frame.group_by("hour_of_week").agg(pl.col("weight").sum())
    sums[summed["hour_of_week"].to_numpy()] = summed["weight"].to_numpy() / WEIGHT_UNIT
    return sums


def _input(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "windows.parquet")


RACE = Race(
    name="event_hours",
    title="One million windows to weights by local hour",
    why_fair="All start from moments in memory and take the same hours; the loop goes over one event in "
    f"{SAMPLED} and is scaled; sums by hour of the week agree to {TOLERANCE:g} of an event.",
    sides=(
        Side("ours", "event_hours: every event and hour, local names, whole numbers", ours),
        Side("ours_summed", "hour_sums: the same summed by hour, without rows", ours_summed),
        Side(
            "repeat_and_add",
            "numpy repeat of shares, bincount by hour of week, UTC",
            repeat_and_add,
        ),
        Side("row_loop", f"Python loop over one event in {SAMPLED}", row_loop),
    ),
    prepare=prepare,
    verify=verify,
    targets=(
        Target("of a loop over rows", 50, _times_of_a_loop("ours"), is_at_least=True),
        Target("of one numpy repeat and add", 3, times_as_long("ours", "repeat_and_add")),
        Target(
            "of one numpy repeat and add, summed", 3, times_as_long("ours_summed", "repeat_and_add")
        ),
    ),
)
