"""The files of the five patrol feeds: what was received since the last file, night after night.

Belongs here: when files are taken, what waits for a later one, columns and bytes. Does not belong here: the rows themselves
(`pings`, `duties`, `logs`).

    out/landing/patrol_places/…   once, before the first patrol day
    out/landing/patrol_plan/…     nightly: what was issued since the last file
    out/landing/duties/…          nightly: duties that have ended
    out/landing/patrol_logs/…     nightly: what officers have submitted
    out/landing/gps_pings/…       nightly, Parquet: what was received, fixes of up to two days before among it
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime, time, timedelta

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.delivery.landing import DeliveryFolder, Parcel, csv_text, stamp
from hotspot_pipeline.simulator.force.county import County
from hotspot_pipeline.simulator.patrol.duties import DUTY_COLUMNS
from hotspot_pipeline.simulator.patrol.logs import LOG_COLUMNS
from hotspot_pipeline.simulator.patrol.pings import PING_COLUMNS
from hotspot_pipeline.simulator.patrol.times import utc_seconds
from hotspot_pipeline.simulator.profiles import Profile

PLACES_FEED, PLAN_FEED, DUTIES_FEED, LOGS_FEED, PINGS_FEED = (
    "patrol_places", "patrol_plan", "duties", "patrol_logs", "gps_pings",
)  # fmt: skip
FILE_HOUR = 2
ROWS_PER_GROUP = 65_536
COMPRESSION_LEVEL = 3
COLUMNS = {
    PLACES_FEED: ("hotspot_id", "name", "polygon_wkt", "valid_from", "valid_to"),
    PLAN_FEED: (
        "plan_id", "plan_version", "hotspot_id", "police_day", "window_start_local", "window_end_local", "min_minutes",
        "officers_planned", "mode", "priority", "assigned_team", "randomised", "arm", "issued_ts_local",
    ),
    DUTIES_FEED: DUTY_COLUMNS,
    LOGS_FEED: LOG_COLUMNS,
    PINGS_FEED: PING_COLUMNS,
}  # fmt: skip


def file_times(profile: Profile) -> list[datetime]:
    """02:00 local of the first patrol day and of every day after it, and the end of the simulated time at last.

    File k + 1 is the first that can hold anything of patrol day k.
    """
    first = datetime.combine(profile.start + timedelta(days=profile.patrol_day), time(FILE_HOUR))
    return [first + timedelta(days=k) for k in range(profile.n_patrol_days + 1)] + [
        profile.end_local
    ]


class Outbox:
    """Rows of one feed that wait for their file. `known`: a column with the UTC moment, in seconds or as milliseconds of a
    Datetime, from which they can be sent.
    """

    def __init__(self, feed: str, known: str) -> None:
        self.feed, self.known = feed, known
        self.waiting: list[pl.DataFrame] = []

    def put(self, rows: pl.DataFrame) -> None:
        self.waiting.append(rows)

    def take(self, until_utc: int) -> pl.DataFrame:
        """What is known by then, in the order it was put in; the rest goes on waiting."""
        rows = pl.concat(self.waiting)
        per_second = 1000 if isinstance(rows.schema[self.known], pl.Datetime) else 1
        due = rows[self.known].to_physical() <= until_utc * per_second
        self.waiting = [rows.filter(~due)]
        return rows.filter(due)

    @property
    def n_waiting(self) -> int:
        return sum(len(rows) for rows in self.waiting)


class Files:
    """Writes one file a feed and night."""

    def __init__(self, folder: DeliveryFolder) -> None:
        self.folder = folder

    def csv(self, feed: str, taken: datetime, rows: pl.DataFrame) -> None:
        text = rows.select(COLUMNS[feed]).with_columns(
            pl.col(pl.Datetime).dt.strftime("%Y-%m-%d %H:%M:%S"),
            pl.col(pl.String).replace("", None),
        )
        self._send(feed, f"{feed}_{_stamp(taken)}.csv", taken, csv_text(text), len(rows))

    def parquet(self, feed: str, taken: datetime, rows: pl.DataFrame) -> None:
        self._send(
            feed,
            f"{feed}_{_stamp(taken)}.parquet",
            taken,
            parquet_bytes(rows.select(COLUMNS[feed])),
            len(rows),
        )

    def _send(
        self, feed: str, file: str, taken: datetime, content: str | bytes, n_rows: int
    ) -> None:
        at = np.datetime64(taken, "s")
        kind = "full" if feed == PLACES_FEED else "delta"
        self.folder.send(Parcel(feed, [(file, at)], kind, content, n_rows, at, n_rows))


def parquet_bytes(rows: pl.DataFrame) -> bytes:
    """Zstandard, row groups of 65,536 rows, with statistics; the same rows are the same bytes."""
    buffer = io.BytesIO()
    rows.rechunk().write_parquet(
        buffer,
        compression="zstd",
        compression_level=COMPRESSION_LEVEL,
        statistics=True,
        row_group_size=ROWS_PER_GROUP,
    )
    return buffer.getvalue()


def places_rows(county: County, places: pl.DataFrame, valid_from: datetime) -> pl.DataFrame:
    """The patrol areas as the force knows them: not which arm they are in."""
    town = county.town[places["cell"].to_numpy()]
    names: list[str] = []
    count: dict[int, int] = {}
    for t in town.tolist():
        count[t] = count.get(t, 0) + 1
        names.append(f"{county.towns[t].name} {count[t]}")
    return places.select("hotspot_id", "polygon_wkt").with_columns(
        name=pl.Series(names, dtype=pl.String),
        valid_from=pl.lit(str(valid_from.date())),
        valid_to=pl.lit(None, pl.String),
    )


def plan_rows(plan: pl.DataFrame, hotspot_id: Sequence[str]) -> pl.DataFrame:
    """`COLUMNS` of the plan and `known_utc`, in order of issue."""
    return (
        plan.with_columns(
            hotspot_id=pl.Series([hotspot_id[p] for p in plan["place"]], dtype=pl.String),
            officers_planned=pl.col("officers"),
            assigned_team=pl.col("team"),
            known_utc=pl.Series(utc_seconds(plan["issued_ts_local"])),
        )
        .sort("known_utc", "plan_id", "plan_version")
        .select(*COLUMNS[PLAN_FEED], "known_utc")
    )


def _stamp(taken: datetime) -> str:
    return stamp(np.datetime64(taken, "s"))
