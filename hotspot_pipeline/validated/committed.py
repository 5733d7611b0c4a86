"""When a crime was committed: how well that is known, and the window it was committed in.

Belongs here: the reading of a delivered from and to (DOMAIN §3.2), as expressions on the typed
columns `committed_from_local`, `committed_to_local` and their `has_clock_` columns. Does not belong
here: spreading a window over hours (the `hot_times` stage), naming days and weeks (`timebase`).

- `exact`: one moment (no `to`, or `to` equal to `from`);
- `window`: from a moment to a later one;
- `date_only`: the day is known and the hour is not: a bare date, midnight without a later end, or
  00:00 to 23:59 of one day. It is never counted as midnight;
- `unknown`: no `from`, or a `to` before it (rule C5 lets small inversions pass with a warning);
- `month`: the feed knows months only.
"""

from __future__ import annotations

import polars as pl

from hotspot_pipeline.feeds.timestamps import clock_column

TIME_KNOWN = ("exact", "window", "date_only", "unknown", "month")

_FROM, _TO = pl.col("committed_from_local"), pl.col("committed_to_local")
_FROM_HAS_CLOCK = pl.col(clock_column("committed_from_local"))
_TO_HAS_CLOCK = pl.col(clock_column("committed_to_local"))
_LAST_SECOND = "23h59m59s"


def window_end() -> pl.Expr:
    """`committed_to_local`; where it was delivered as a bare date, the last second of that day."""
    return pl.when(~_TO_HAS_CLOCK).then(_TO.dt.offset_by(_LAST_SECOND)).otherwise(_TO)


def time_known() -> pl.Expr:
    """One of `TIME_KNOWN` for each row."""
    end = window_end()
    is_point = end.is_null() | (end == _FROM)
    is_whole_day = (end.dt.date() == _FROM.dt.date()) & (end.dt.time() >= pl.time(23, 59))
    return (
        pl.when(_FROM.is_null() | (end < _FROM))
        .then(pl.lit("unknown"))
        .when(_starts_at_midnight() & (is_point | is_whole_day))
        .then(pl.lit("date_only"))
        .when(is_point)
        .then(pl.lit("exact"))
        .otherwise(pl.lit("window"))
    )


def is_clock_default() -> pl.Expr:
    """Whether the time looks like a form's default: midnight, noon, or 00:00 to 23:59 (check
    C8).
    """
    end = window_end()
    at_noon = _FROM_HAS_CLOCK & (_FROM.dt.time() == pl.time(12)) & (end.is_null() | (end == _FROM))
    return (time_known() == "date_only") | at_noon.fill_null(False)


def lies_in_daytime(start_local: pl.Expr, end_local: pl.Expr) -> pl.Expr:
    """True where [start, end] lies within one 06:00 to 18:00, False within one 18:00 to 06:00, else
    null.
    """
    end = pl.coalesce(end_local, start_local)
    # an end on the hour belongs to the half day before it, unless the window is that one moment
    last = pl.when(end > start_local).then(end.dt.offset_by("-1us")).otherwise(start_local)
    return pl.when(_half_day(start_local) == _half_day(last)).then(_half_day(start_local) % 2 == 0)


def _half_day(local: pl.Expr) -> pl.Expr:
    """A running number of half days that change at 06:00 and 18:00, even by day."""
    half_us = 12 * 3600 * 1_000_000
    return (local.cast(pl.Datetime("us")).to_physical() - half_us // 2) // half_us


def _starts_at_midnight() -> pl.Expr:
    return ~_FROM_HAS_CLOCK | (_FROM.dt.time() == pl.time(0))
