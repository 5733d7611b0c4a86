"""Windows of time for the tests of this stage, and the slow way to spread them: second by second."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

Window = tuple[datetime, datetime | None]


def events(*windows: Window, known: str | None = None) -> pl.DataFrame:
    """Events 0, 1, … with these windows in UTC (aware or bare)."""

    def bare(moment: datetime | None) -> datetime | None:
        return moment.astimezone(UTC).replace(tzinfo=None) if moment and moment.tzinfo else moment

    start = [bare(one) for one, _ in windows]
    end = [bare(other) for _, other in windows]
    return pl.DataFrame(
        {
            "event_id": range(len(windows)),
            "time_known": [
                known or ("exact" if to in (None, at) else "window") for at, to in windows
            ],
            "from_utc": start,
            "to_utc": end,
        },
        schema={
            "event_id": pl.Int64,
            "time_known": pl.String,
            "from_utc": pl.Datetime("us"),
            "to_utc": pl.Datetime("us"),
        },
    )


def second_by_second(start: datetime, end: datetime, zone: str) -> np.ndarray:
    """(168,) shares of the seconds of [start, end), each named by the wall clock of the zone."""
    seconds = np.arange(int(start.timestamp()), int(end.timestamp()))
    quarters, of_quarter = np.unique(seconds // 900, return_counts=True)
    shares = np.zeros(168)
    for quarter, n in zip(quarters.tolist(), of_quarter.tolist()):
        local = datetime.fromtimestamp(quarter * 900, UTC).astimezone(ZoneInfo(zone))
        shares[local.weekday() * 24 + local.hour] += n
    return shares / len(seconds)


def clock_changes(zone: str, first_year: int, last_year: int) -> list[datetime]:
    """The moments (UTC, to the hour) at which the zone's offset changes."""
    at = datetime(first_year, 1, 1, tzinfo=UTC)
    found = []
    while at.year <= last_year:
        after = at + timedelta(hours=1)
        if (
            at.astimezone(ZoneInfo(zone)).utcoffset()
            != after.astimezone(ZoneInfo(zone)).utcoffset()
        ):
            found.append(after)
        at = after
    return found
