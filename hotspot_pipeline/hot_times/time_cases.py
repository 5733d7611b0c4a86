"""How well an event's time is known, and what follows from it for hot times (DOMAIN §3.2).

Here: the case of every event, so that all rows are accounted for, and which cases give hours. Not
here: the weights (`aoristic`), reading delivered times (`validated`).

| case | what it is | hours |
|---|---|---|
| `no_end` | a moment without an end | weight 1 in its hour |
| `zero_length` | an end equal to its start | weight 1 in its hour |
| `up_to_24_h` | a window of at most 24 hours | spread, quality `good` |
| `over_24_h` | a window over 24 hours, at most seven days | spread, quality `low` |
| `over_168_h` | a window over seven days | none: it says nothing of the hour |
| `date_only` | a date, or the midnight that stands for one | none: never counted as midnight |
| `unknown` | no start, or an end before the start | none |
| `month` | a feed that knows months only | none |

Lengths are real elapsed hours: Saturday noon to Sunday noon is 25 hours where clocks go back. Events
of quality `low` are left out of what is tested for significance and shown as a sensitivity.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import polars as pl

TIME_CASES = (
    "no_end", "zero_length", "up_to_24_h", "over_24_h", "over_168_h", "date_only", "unknown", "month",
)  # fmt: skip
TEMPORAL_QUALITIES = ("good", "low")
LongWindow = Literal["exclude", "spread"]

_GOOD = ("no_end", "zero_length", "up_to_24_h")
_DAY, _WEEK = timedelta(hours=24), timedelta(hours=168)
#: Calls in these local hours may tell of the night before (DOMAIN §3.2, ASB).
MORNING_CALLS = (6, 10)


def time_case(time_known: pl.Expr, from_utc: pl.Expr, to_utc: pl.Expr) -> pl.Expr:
    """One of `TIME_CASES` for each event, never null.

    `time_known` is the column of `hexes.events` (exact, window, date_only, unknown, month), the
    others are moments in UTC, `to_utc` null without an end. An end that comes before its start only
    in real time (across the hour that the spring skips) is `unknown` too.
    """
    length = to_utc - from_utc
    return (
        pl.when(time_known == "month")
        .then(pl.lit("month"))
        .when(time_known == "date_only")
        .then(pl.lit("date_only"))
        .when(time_known.is_in(["exact", "window"]).fill_null(False).not_() | from_utc.is_null())
        .then(pl.lit("unknown"))
        .when(to_utc.is_null())
        .then(pl.lit("no_end"))
        .when(length < timedelta(0))
        .then(pl.lit("unknown"))
        .when(length == timedelta(0))
        .then(pl.lit("zero_length"))
        .when(length <= _DAY)
        .then(pl.lit("up_to_24_h"))
        .when(length <= _WEEK)
        .then(pl.lit("over_24_h"))
        .otherwise(pl.lit("over_168_h"))
        .cast(pl.Enum(TIME_CASES))
    )


def temporal_quality(case: pl.Expr, *, long_window: LongWindow = "exclude") -> pl.Expr:
    """`good`, `low`, or null where the case gives no hours.

    `long_window="spread"` gives windows over seven days hours too, of quality `low`.
    """
    low = ["over_24_h", "over_168_h"] if long_window == "spread" else ["over_24_h"]
    return (
        pl.when(case.is_in(_GOOD))
        .then(pl.lit("good"))
        .when(case.is_in(low))
        .then(pl.lit("low"))
        .cast(pl.Enum(TEMPORAL_QUALITIES))
    )


def is_reported_late(source: pl.Expr, hour_of_week: pl.Expr) -> pl.Expr:
    """ASB calls from 06:00 to 10:00, which may tell of the night before (`reported_bias`).

    ASB keeps the time of the call as it is; this only marks it. Null where there is no hour.
    """
    first, end = MORNING_CALLS
    return (source == "asb") & (hour_of_week % 24).is_between(first, end, closed="left")


def account(cases: pl.Series) -> pl.DataFrame:
    """One row per case, in their order, with n_events (0 included): the sum is the number of rows."""
    found = cases.cast(pl.Enum(TIME_CASES)).rename("time_case").value_counts(name="n_events")
    every = pl.DataFrame({"time_case": pl.Series(TIME_CASES, dtype=pl.Enum(TIME_CASES))})
    return every.join(found, on="time_case", how="left", maintain_order="left").with_columns(
        pl.col("n_events").fill_null(0).cast(pl.Int64)
    )
