"""From the text of a fix to a stored one, or the rule by which it is refused (checks P1 and P5).

Belongs here: typing, the age of a fix, its place and police day. Does not belong here: what makes a fix implausible beside others
(speed, stuck positions: the `patrols` stage), duplicates (`day_files`).

A fix is refused by the first of these rules that it breaks, and counted:

    value_missing, not_a_timestamp …   a value that the contract cannot read
    no_position                        neither lon and lat nor easting and northing
    at_zero                            (0, 0) in either: a receiver without a fix
    outside_force                      over 10 km outside the force, or outside Great Britain
    fix_in_future                      over 2 minutes after the vendor had it, or after it was read here
    fix_too_old                        over 7 days before the vendor had it
    past_retention                     of a police day that is removed already

The age is measured against `received_ts_utc`, and against the time of the extract where the vendor gives none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

from hotspot_pipeline.feeds.contract import FeedContract
from hotspot_pipeline.geo.boundary import Boundary
from hotspot_pipeline.geo.grid import NO_CELL, Grid, GridSpec, make_grid
from hotspot_pipeline.geo.transform import to_bng, to_wgs84
from hotspot_pipeline.timebase import PoliceTime
from hotspot_pipeline.validated.moments import naive
from hotspot_pipeline.validated.pings.near import NearForce
from hotspot_pipeline.validated.typing import stripped_columns, type_stripped

MAX_AHEAD = timedelta(minutes=2)
MAX_AGE = timedelta(days=7)
BEYOND_M = 10_000
CELL_RESOLUTION = 9

_TEXT, _SMALL, _MOMENT = pl.String(), pl.Float32(), pl.Datetime("us")
STORED: dict[str, pl.DataType] = {
    "device_pid": _TEXT,
    "device_type": _TEXT,
    "fix_ts_utc": _MOMENT,
    "received_ts_utc": _MOMENT,
    "easting": pl.Float64(),
    "northing": pl.Float64(),
    "speed_mps": _SMALL,
    "heading_deg": _SMALL,
    "hdop": _SMALL,
    "accuracy_m": _SMALL,
    "fix_type": _TEXT,
    "status_code": _TEXT,
    "callsign_pid": _TEXT,
    "source": _TEXT,
    "cell_r9": pl.Int64(),
    "extract_id": _TEXT,
    "member": _TEXT,
    "line_no": pl.Int64(),
}
"""Columns of a stored fix: times in UTC without a zone, metres in EPSG:27700, speed in m/s, heading in degrees from north. `member` is the file inside a
delivered archive, else null: what the delivered file was called is in raw.extract_files, for equal bytes may come under two names."""
CHECKS = {"no_position": "P5", "at_zero": "P5", "outside_force": "P5", "fix_in_future": "P1", "fix_too_old": "P1",
          "past_retention": "retention"}  # fmt: skip


@dataclass(frozen=True)
class FixRules:
    """What is known beside the rows. `keep_from`: the first police day that is not removed already."""

    contract: FeedContract
    police_time: PoliceTime
    boundary: Boundary | None = None
    keep_from: date | None = None
    grid: Grid = field(default_factory=lambda: make_grid(GridSpec(resolution=CELL_RESOLUTION)))

    @property
    def near(self) -> NearForce | None:
        return NearForce(self.boundary, BEYOND_M) if self.boundary else None


@dataclass(frozen=True)
class Arrival:
    """Where rows come from. `extract_ts_utc` and `received_at_utc` are UTC without a zone."""

    extract_id: str
    extract_ts_utc: datetime
    received_at_utc: datetime


@dataclass(frozen=True)
class JudgedFixes:
    """`stored`: `STORED` and `police_day`. `refused`: one row a refused fix: `rule`, `device_type`, `source_file`, `line_no`."""

    stored: pl.DataFrame
    refused: pl.DataFrame


def judge_fixes(raw: pl.DataFrame, rules: FixRules, arrival: Arrival) -> JudgedFixes:
    """`raw`: `source_file`, `line_no` and the contract's columns as text. Every row comes out once, stored or refused."""
    typed = type_stripped(stripped_columns(raw, rules.contract), rules.contract)
    frame = typed.frame.with_columns(_placed(typed.frame, rules))
    fix, received = pl.col("fix_ts_utc"), pl.col("received_ts_utc")
    feed_utc = (naive(_utc(rules, name)).alias(name) for name in ("fix_ts_utc", "received_ts_utc"))
    frame = frame.with_columns(feed_utc).with_columns(
        rules.police_time.police_day(fix.dt.replace_time_zone("UTC")).alias("police_day")
    )
    had = received.fill_null(pl.lit(arrival.extract_ts_utc))
    read_here = pl.lit(arrival.received_at_utc)
    untyped = typed.problems.group_by("row", maintain_order=True).agg(
        pl.col("rule").first().alias("untyped")
    )
    frame = frame.join(untyped, on="row", how="left", maintain_order="left")
    rule = pl.coalesce(
        pl.col("untyped"),
        pl.col("misplaced"),
        _when((fix > had + MAX_AHEAD) | (fix > read_here + MAX_AHEAD), "fix_in_future"),
        _when(fix < had - MAX_AGE, "fix_too_old"),
        _when(pl.col("police_day") < rules.keep_from, "past_retention")
        if rules.keep_from
        else pl.lit(None, pl.String),
    )
    frame = frame.with_columns(
        rule.alias("rule"),
        pl.col("device_id").alias("device_pid"),
        pl.col("callsign").alias("callsign_pid"),
        pl.lit(arrival.extract_id).alias("extract_id"),
        pl.col("source_file").str.extract("!(.*)$").alias("member"),
    )
    is_refused = pl.col("rule").is_not_null()
    return JudgedFixes(
        frame.filter(~is_refused).select(
            *(pl.col(name).cast(dtype) for name, dtype in STORED.items()), "police_day"
        ),
        frame.filter(is_refused).select("rule", "device_type", "source_file", "line_no"),
    )


def _utc(rules: FixRules, name: str) -> pl.Expr:
    zone = rules.contract.time_zone
    feed = rules.police_time if zone == "force" else PoliceTime(zone)
    return feed.to_utc(pl.col(name))


def _when(condition: pl.Expr, rule: str) -> pl.Expr:
    return pl.when(condition).then(pl.lit(rule))


def _placed(frame: pl.DataFrame, rules: FixRules) -> list[pl.Series]:
    """`easting`, `northing` (to the millimetre), `cell_r9` and `misplaced`, the rule that the place breaks or null.

    Degrees count where a row has both, else the National Grid.
    """
    lon, lat, east, north = (
        frame[name].cast(pl.Float64).fill_null(np.nan).to_numpy().copy()
        for name in ("lon", "lat", "easting", "northing")
    )
    in_degrees = np.isfinite(lon) & np.isfinite(lat)
    in_metres = ~in_degrees & np.isfinite(east) & np.isfinite(north)
    at_zero = (in_degrees & (lon == 0) & (lat == 0)) | (in_metres & (east == 0) & (north == 0))
    has_place = in_degrees | in_metres
    east[in_degrees], north[in_degrees] = to_bng(lon[in_degrees], lat[in_degrees])
    if in_metres.any():
        lon[in_metres], lat[in_metres] = to_wgs84(east[in_metres], north[in_metres])
    is_far = has_place & ~(np.isfinite(east) & np.isfinite(north) & np.isfinite(lon))
    if rules.near is not None:
        is_known = has_place & ~is_far
        is_far[is_known] = rules.near.is_far(east[is_known], north[is_known])
    usable = has_place & ~is_far & ~at_zero
    cells = np.full(len(frame), NO_CELL, np.int64)
    cells[usable] = rules.grid.index(lon[usable], lat[usable])
    misplaced = np.select(
        [~has_place, at_zero, is_far], ["no_position", "at_zero", "outside_force"], default=""
    )
    return [
        pl.Series("easting", np.round(east, 3)),
        pl.Series("northing", np.round(north, 3)),
        pl.Series("cell_r9", cells),
        pl.Series("misplaced", misplaced.astype(object), dtype=pl.String).replace("", None),
    ]
