"""What is kept of the patrols as they really were, day by day, and written beside the landing folder at the end.

Belongs here: the frames of the truth. Does not belong here: presence and tracks themselves (`presence`, `tracks`).

    out/truth/patrol/presence.parquet   minutes of each device in each place and police day, exact
    out/truth/patrol/stays.parquet      every stay of a unit's officers, or of its car, in a place: enter and leave, UTC
    out/truth/patrol/visits.parquet     every visit, the crew that made it, its minutes in the place
    out/truth/patrol/duties.parquet     duty records with the crew of the day they belong to
    out/truth/patrol/logs.parquet       log -> visit, empty where none was made
    out/truth/patrol/minutes.parquet    presence by place and day: crews, background, parked cars
    out/truth/patrol/facts.json         counts of every kind of dirt, parameters
    out/truth/patrol/positions.parquet  true positions of the fixes of a few days, only if asked for

A night duty reaches into the next police day; what lies after 06:00 counts there.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.delivery.landing import TRUTH, Delivery, write_file
from hotspot_pipeline.simulator.force.county import Floats, Ints
from hotspot_pipeline.simulator.patrol.days import (
    PatrolDay,
    PatrolForce,
    seconds_in_place,
    visit_times,
)
from hotspot_pipeline.simulator.patrol.duties import DEPLOYMENTS
from hotspot_pipeline.simulator.patrol.pings import Pings
from hotspot_pipeline.simulator.patrol.pools import DEVICE_TYPES
from hotspot_pipeline.simulator.patrol.times import day_begins

VISIT_MARGIN_S = 120.0  # driving into and out of the place belongs to the visit


@dataclass(frozen=True, eq=False)
class PatrolTruth:
    """See the module; `minutes_per_day` (`place`, `minutes_per_day`): officers of any unit, mean over the patrol days."""

    presence: pl.DataFrame
    stays: pl.DataFrame
    visits: pl.DataFrame
    duties: pl.DataFrame
    logs: pl.DataFrame
    minutes: pl.DataFrame
    minutes_per_day: pl.DataFrame
    facts: Mapping[str, Any]
    deliveries: tuple[Delivery, ...]


def stays_frame(force: PatrolForce, day: PatrolDay) -> pl.DataFrame:
    """One row a stay of a unit (its officers or its car) and police day."""
    stays = day.stays
    unit = stays.track // 2
    boundary = float(day_begins(day.date + timedelta(days=1)))
    before = np.flatnonzero(stays.enter < boundary)
    after = np.flatnonzero(stays.leave > boundary)
    row = np.concatenate([before, after])
    is_next = np.arange(len(row)) >= len(before)
    enter = np.where(is_next, np.maximum(stays.enter[row], boundary), stays.enter[row])
    leave = np.where(is_next, stays.leave[row], np.minimum(stays.leave[row], boundary))
    kind = [day.units[u].kind for u in unit[row]]
    dates = np.array([day.date, day.date + timedelta(days=1)], "datetime64[D]")
    return pl.DataFrame(
        {
            "police_day": pl.Series(dates[is_next.astype(int)]),
            "crew_id": [f"C{day.date:%Y%m%d}-{u:02d}" for u in unit[row]],
            "deployment": [DEPLOYMENTS[k] for k in kind],
            "carrier": np.where(stays.track[row] % 2 == 0, "officers", "car"),
            "place": stays.place[row],
            "enter_utc": _moments(enter),
            "leave_utc": _moments(leave),
            "minutes": (leave - enter) / 60,
            "track": stays.track[row],
        },
        schema_overrides={
            "crew_id": pl.String,
            "deployment": pl.String,
            "carrier": pl.String,
            "police_day": pl.Date,
        },
    )


def presence_frame(force: PatrolForce, day: PatrolDay, stays: pl.DataFrame) -> pl.DataFrame:
    """Minutes of each device in each place, from the stays of the tracks it is carried on."""
    carried = day.carried
    pools = force.pools
    devices = pl.DataFrame(
        {
            "track": carried.track,
            "device_id": [pools.device_id[d] for d in carried.device],
            "device_type": [DEVICE_TYPES[k] for k in pools.device_type[carried.device]],
            "interval_s": pools.interval_s[carried.device],
        },
        schema_overrides={"device_id": pl.String, "device_type": pl.String},
    )
    return (
        devices.join(stays, on="track")
        .group_by(
            "police_day", "device_id", "device_type", "interval_s", "crew_id", "deployment", "place"
        )
        .agg(pl.col("minutes").sum(), n_stays=pl.len())
        .sort("police_day", "device_id", "crew_id", "place")
    )


def visits_frame(day: PatrolDay) -> pl.DataFrame:
    """The day's visits as they are in `trial.frames.VISITS` but for `crew`, with the `crew_id` of the duties, moments in UTC
    and minutes in the place.
    """
    start, end = visit_times(day.visits)
    inside = seconds_in_place(day, start, end, day.visits["place"].to_numpy(), VISIT_MARGIN_S)
    return day.visits.drop("crew").with_columns(
        crew_id=pl.Series([f"C{day.date:%Y%m%d}-{u:02d}" for u in day.crew_of], dtype=pl.String),
        start_utc=_moments(start),
        end_utc=_moments(end),
        minutes_in_place=pl.Series(inside / 60, dtype=pl.Float64),
    )


def positions_frame(force: PatrolForce, day: PatrolDay, pings: Pings) -> pl.DataFrame:
    """True and reported position of each delivered fix of a day."""
    device = day.carried.device[pings.row]
    return pl.DataFrame(
        {
            "device_id": pl.Series(force.pools.device_id).gather(pl.Series(device)),
            "fix_ts_utc": _moments(pings.fix.astype(float)),
            "true_fix_ts_utc": _moments(pings.true_fix.astype(float)),
            "true_easting": np.round(pings.x, 2), "true_northing": np.round(pings.y, 2),
            "easting": np.round(pings.e, 2), "northing": np.round(pings.n, 2),
            "is_stuck": pings.is_stuck, "is_late": pings.is_late, "is_teleport": pings.is_teleport,
        }
    )  # fmt: skip


def minutes_frame(stays: pl.DataFrame, n_places: int, days: Sequence[Any]) -> pl.DataFrame:
    """(`police_day`, `place`): unit-minutes of hotspot crews, of other units' officers, and of cars left alone. Zeros too."""
    who = (
        pl.when(pl.col("deployment") == "ops_support").then(pl.lit("parked_minutes"))
        .when(pl.col("carrier") == "car").then(None)
        .when(pl.col("deployment") == "hotspot_funded").then(pl.lit("crew_minutes"))
        .otherwise(pl.lit("background_minutes"))
    )  # fmt: skip
    names = ("crew_minutes", "background_minutes", "parked_minutes")
    every = pl.DataFrame({"police_day": pl.Series(days, dtype=pl.Date)}).join(
        pl.DataFrame({"place": np.arange(n_places)}), how="cross"
    )
    found = stays.with_columns(who=who).group_by("police_day", "place").agg(
        pl.col("minutes").filter(pl.col("who") == name).sum().alias(name) for name in names
    )  # fmt: skip
    return every.join(
        found, on=["police_day", "place"], how="left", maintain_order="left"
    ).with_columns(pl.col(names).fill_null(0.0))


def write(out: Path, truth: PatrolTruth, positions: pl.DataFrame | None) -> None:
    folder = out / TRUTH / "patrol"
    for name in ("presence", "stays", "visits", "duties", "logs", "minutes"):
        _write_parquet(folder / f"{name}.parquet", getattr(truth, name))
    if positions is not None:
        _write_parquet(folder / "positions.parquet", positions)
    text = json.dumps(truth.facts, indent=1, sort_keys=True) + "\n"
    write_file(folder / "facts.json", text.encode())


def facts_of(force: PatrolForce, counts: Counter[str], more: Mapping[str, Any]) -> dict[str, Any]:
    pools = force.pools
    return {
        "counts": dict(sorted(counts.items())),
        "n_devices_in_pool": len(pools.device_id),
        "n_officers_in_pool": len(pools.officer),
        "devices_by_interval_s": {
            str(s): int((pools.interval_s == s).sum()) for s in np.unique(pools.interval_s)
        },
        "calls_per_place_day": {
            "treated": round(float(force.calls[force.ground.is_treated].max(initial=0.0)), 6),
            "control": round(float(force.calls[~force.ground.is_treated].max(initial=0.0)), 6),
        },
        **more,
    }


def _moments(utc: Floats | Ints) -> pl.Series:
    """UTC without a zone, to the millisecond."""
    return pl.Series(
        np.round(np.asarray(utc, float) * 1000).astype(np.int64).astype("datetime64[ms]")
    )


def _write_parquet(path: Path, frame: pl.DataFrame) -> None:
    buffer = io.BytesIO()
    frame.rechunk().write_parquet(buffer, compression="zstd", compression_level=3)
    write_file(path, buffer.getvalue())
