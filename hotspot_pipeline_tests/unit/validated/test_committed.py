"""How well a crime's time is known, against plain Python, and the half days a window lies in."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot_pipeline.feeds.timestamps import clock_column
from hotspot_pipeline.validated.committed import (
    is_clock_default,
    lies_in_daytime,
    time_known,
    window_end,
)

# the minutes at which something changes, and others
MOMENTS = st.builds(
    lambda day, clock: datetime.combine(datetime(2024, 1, 1 + day), clock),
    st.integers(0, 2),
    st.sampled_from([time(0), time(0, 1), time(6), time(12), time(18), time(23, 58), time(23, 59), time(23, 59, 59)])
    | st.times().map(lambda each: each.replace(microsecond=0)),
)  # fmt: skip


def frame(
    start: datetime | None, end: datetime | None, start_clock: bool = True, end_clock: bool = True
) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "committed_from_local": [start],
            "committed_to_local": [end],
            clock_column("committed_from_local"): [None if start is None else start_clock],
            clock_column("committed_to_local"): [None if end is None else end_clock],
        },
        schema_overrides={
            "committed_from_local": pl.Datetime("us"),
            "committed_to_local": pl.Datetime("us"),
            clock_column("committed_from_local"): pl.Boolean,
            clock_column("committed_to_local"): pl.Boolean,
        },
    )


def known_in_python(start: datetime, end: datetime | None) -> str:
    if end is not None and end < start:
        return "unknown"
    midnight = start.time() == time(0)
    if midnight and (end is None or end == start):
        return "date_only"
    if midnight and end is not None and end.date() == start.date() and end.time() >= time(23, 59):
        return "date_only"
    return "exact" if end is None or end == start else "window"


@given(MOMENTS, st.none() | MOMENTS)
def test_time_known_with_clocks(start: datetime, end: datetime | None) -> None:
    found = frame(start, end).select(time_known()).item()
    assert found == known_in_python(start, end)


D = datetime(2024, 1, 5)


@pytest.mark.parametrize(
    ("start", "end", "start_clock", "end_clock", "expected", "expected_end"),
    [
        (D, None, False, True, "date_only", None),
        (D, D, False, False, "date_only", D + timedelta(hours=23, minutes=59, seconds=59)),
        (D, D + timedelta(days=2), False, False, "window", D + timedelta(days=2, hours=23, minutes=59, seconds=59)),
        (D, D + timedelta(hours=14), False, True, "window", D + timedelta(hours=14)),
        (D + timedelta(hours=22), D, True, False, "window", D + timedelta(hours=23, minutes=59, seconds=59)),
        (D, D + timedelta(days=1), True, True, "window", D + timedelta(days=1)),
        (None, None, True, True, "unknown", None),
        (None, D, True, True, "unknown", D),
    ],
)  # fmt: skip
def test_bare_dates_and_missing_ones(
    start: datetime | None, end: datetime | None, start_clock: bool, end_clock: bool, expected: str,
    expected_end: datetime | None,
) -> None:  # fmt: skip
    found = frame(start, end, start_clock, end_clock).select(
        time_known(), window_end().alias("end")
    )
    assert found.row(0) == (expected, expected_end)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (D, None, True),
        (D.replace(hour=12), None, True),
        (D.replace(hour=12), D.replace(hour=12), True),
        (D.replace(hour=12), D.replace(hour=13), False),
        (D.replace(hour=12, minute=1), None, False),
        (D, D.replace(hour=23, minute=59), True),
        (D, D.replace(hour=23, minute=58), False),
    ],
)
def test_clock_defaults(start: datetime, end: datetime | None, expected: bool) -> None:
    assert frame(start, end).select(is_clock_default()).item() is expected


@given(MOMENTS, st.none() | st.integers(0, 3000))
def test_daytime_of_a_window_minute_by_minute(start: datetime, minutes: int | None) -> None:
    end = None if minutes is None else start + timedelta(minutes=minutes)
    inside = {6 <= start.hour < 18}
    for minute in range(minutes or 0):
        inside.add(6 <= (start + timedelta(minutes=minute)).hour < 18)
    if minutes:
        inside.add(6 <= (end - timedelta(microseconds=1)).hour < 18)  # type: ignore[operator]
    expected = next(iter(inside)) if len(inside) == 1 else None
    found = pl.DataFrame(
        {"a": [start], "b": [end]}, schema={"a": pl.Datetime("us"), "b": pl.Datetime("us")}
    ).select(lies_in_daytime(pl.col("a"), pl.col("b")))
    assert found.item() is expected
