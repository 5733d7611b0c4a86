"""What devices report: fixes at each device's interval, with noise, gaps, stuck and late fixes, wrong clocks (DOMAIN §4.2).

Belongs here: from exact tracks to delivered rows, all fixes of a police day at once. Does not belong here: the tracks
(`tracks`), the processes of error (`noise`), files (`feeds`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.force.county import Floats, Ints
from hotspot_pipeline.simulator.patrol.duties import Carried
from hotspot_pipeline.simulator.patrol.ground import Bools, Ground
from hotspot_pipeline.simulator.patrol.noise import (
    DENSE_SIGMA_M,
    DROPOUT,
    LATE,
    OPEN_SIGMA_M,
    STUCK,
    bursts,
    correlated,
    which_burst,
)
from hotspot_pipeline.simulator.patrol.pools import DEVICE_TYPES, HANDHELD, VEHICLE, Pools
from hotspot_pipeline.simulator.patrol.tracks import Tracks

JITTER_S = 2  # of devices that report once a minute or less often
NETWORK_SHARE, NETWORK_FACTOR = 0.01, 5.0  # fixes from masts instead of satellites, so much worse
STUCK_AND_SAID_SHARE = (
    0.8  # of stuck bursts, in which the device says that it repeats the last known fix
)
LATE_MEAN_S, LATE_LEAST_S, LATE_MOST_S = 6 * 3600.0, 1200.0, 48 * 3600.0
DUPLICATE_SHARE, TELEPORT_SHARE = 5e-4, 2e-5
WRONG_CLOCK_SHARE = 0.005  # of devices, in any one week
GPS, NETWORK, LAST_KNOWN = range(3)
FIX_TYPES = ("gps", "network", "last_known")
PING_COLUMNS = (
    "device_id", "device_type", "fix_ts_utc", "received_ts_utc", "lon", "lat", "speed_mps", "heading_deg", "hdop",
    "accuracy_m", "fix_type", "status_code", "callsign",
)  # fmt: skip

# seconds a clock is off, and how often: summer time missed, a little fast or slow, 1,024 weeks back (the week number of
# the satellites rolled over)
_CLOCKS = ((3600, 0.40), (None, 0.52), (-1024 * 7 * 86400, 0.08))


@dataclass(frozen=True, eq=False)
class Pings:
    """One row a delivered fix, by device and time. `fix` as the device's clock has it, `true_fix` as it was (UTC seconds);
    `x`, `y` the true position, `e`, `n` the reported one (metres); `row` of `Carried`. Flags say what is wrong with it.
    """

    row: Ints
    true_fix: Ints
    fix: Ints
    received: Ints
    x: Floats
    y: Floats
    e: Floats
    n: Floats
    lon: Floats
    lat: Floats
    segment: Ints
    fix_type: Ints
    is_dense: Bools
    is_stuck: Bools
    is_late: Bools
    is_teleport: Bools
    noise_bytes: Ints  # (n, 4)
    counts: Counter[str]

    def __len__(self) -> int:
        return len(self.row)


def clock_errors(rng: np.random.Generator, n_devices: int) -> Ints:
    """Seconds by which each device's clock is off in one week; 0 for nearly all."""
    kind = rng.choice(len(_CLOCKS), n_devices, p=[share for _, share in _CLOCKS])
    little = rng.integers(180, 2400, n_devices) * rng.choice([-1, 1], n_devices)
    off = np.array([seconds or 0 for seconds, _ in _CLOCKS])[kind]
    off = np.where(kind == 1, little, off)
    return np.asarray(np.where(rng.random(n_devices) < WRONG_CLOCK_SHARE, off, 0))


def observe(
    rng: np.random.Generator,
    ground: Ground,
    pools: Pools,
    tracks: Tracks,
    carried: Carried,
    clock_s: Ints,
) -> Pings:
    """Every fix that the devices of a day send, sooner or later. `clock_s`: `clock_errors` of the week."""
    row, t = _fix_times(rng, pools, carried)
    n = len(row)
    is_first = np.ones(n, bool)
    is_first[1:] = row[1:] != row[:-1]
    segment = tracks.segments(carried.track[row], t.astype(float))
    x, y = tracks.at(segment, t.astype(float))
    dense = ground.dense(x, y)
    network = rng.random(n) < NETWORK_SHARE
    sigma = np.where(dense, DENSE_SIGMA_M, OPEN_SIGMA_M) * np.where(network, NETWORK_FACTOR, 1.0)
    lag = np.diff(t, prepend=t[:1])
    z = correlated(rng, np.where(is_first, 0, lag), is_first)
    e, north = x + sigma * z[0], y + sigma * z[1]

    lost, stuck, late = (
        bursts(rng, kind, carried.start, carried.end) for kind in (DROPOUT, STUCK, LATE)
    )
    moment = t.astype(float)
    in_stuck = which_burst(stuck, row, moment, tracks.zero)
    held = np.flatnonzero(in_stuck >= 0)
    burst, first = np.unique(in_stuck[held], return_index=True)
    source = held[first][np.searchsorted(burst, in_stuck[held])]
    e[held], north[held], dense[held] = e[source], north[source], dense[source]
    said = rng.random(len(stuck.row)) < STUCK_AND_SAID_SHARE
    fix_type = np.where(network, NETWORK, GPS)
    fix_type[held] = np.where(said[in_stuck[held]], LAST_KNOWN, fix_type[source])

    is_lost = which_burst(lost, row, moment, tracks.zero) >= 0
    in_late = which_burst(late, row, moment, tracks.zero)
    release = late.end + LATE_LEAST_S + rng.exponential(LATE_MEAN_S, len(late.row))
    noise_bytes = np.frombuffer(rng.bytes(4 * n), np.uint8).reshape(n, 4)
    received = t + 2 + noise_bytes[:, 0] % 20
    held_back = np.flatnonzero(in_late >= 0)
    received[held_back] = np.minimum(release[in_late[held_back]], t[held_back] + LATE_MOST_S)
    fix = t + clock_s[carried.device[row]]

    sent = np.flatnonzero(~is_lost)
    again = sent[
        np.sort(rng.integers(0, max(len(sent), 1), rng.poisson(DUPLICATE_SHARE * len(sent))))
    ]
    take = np.sort(np.concatenate([sent, again]))
    astray = np.zeros(n, bool)
    astray[sent[rng.integers(0, max(len(sent), 1), rng.poisson(TELEPORT_SHARE * len(sent)))]] = True
    is_teleport = astray[take]
    lon, lat = ground.degrees(e[take], north[take])
    away = rng.uniform(0.07, 0.5, (2, int(is_teleport.sum()))) * rng.choice(
        [-1.0, 1.0], (2, int(is_teleport.sum()))
    )
    lon[is_teleport] += away[0]
    lat[is_teleport] += away[1]
    counts = Counter(
        n_made=n, lost=int(is_lost.sum()), sent=len(take), duplicate=len(again), teleport=int(is_teleport.sum()),
        stuck=int((in_stuck[take] >= 0).sum()), late=int((in_late[take] >= 0).sum()), network=int((fix_type[take] == NETWORK).sum()),
        wrong_clock=int((fix[take] != t[take]).sum()),
    )  # fmt: skip
    return Pings(
        row[take], t[take], fix[take], received[take], x[take], y[take], e[take], north[take],
        np.round(lon, 6), np.round(lat, 6), segment[take], fix_type[take], dense[take], in_stuck[take] >= 0,
        in_late[take] >= 0, is_teleport, noise_bytes[take], counts,
    )  # fmt: skip


def _fix_times(rng: np.random.Generator, pools: Pools, carried: Carried) -> tuple[Ints, Ints]:
    """(row of `carried`, UTC second) of every fix: each device at its interval from a phase of its own."""
    interval = pools.interval_s[carried.device]
    start, end = (c.astype(np.int64) for c in (carried.start, carried.end))
    phase = JITTER_S + (rng.random(len(interval)) * interval).astype(np.int64)
    count = np.maximum((end - start - phase - JITTER_S - 1) // interval + 1, 0)
    row = np.repeat(np.arange(len(count)), count)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    jitter = (
        np.frombuffer(rng.bytes(len(row)), np.uint8).astype(np.int64) % (2 * JITTER_S + 1)
        - JITTER_S
    )
    jitter[interval[row] < 60] = 0
    return row, (start + phase)[row] + nth * interval[row] + jitter


def delivered(
    pings: Pings, pools: Pools, tracks: Tracks, carried: Carried, callsigns: list[str]
) -> pl.DataFrame:
    """The rows as a supplier sends them (`PING_COLUMNS`). `callsigns`: one a unit."""
    u = pings.noise_bytes.astype(np.int64)
    device = carried.device[pings.row]
    kind = pools.device_type[device]
    dx, dy = tracks.x1 - tracks.x0, tracks.y1 - tracks.y0
    heading = np.round(np.degrees(np.arctan2(dx, dy))).astype(np.int64)[pings.segment]
    measured = tracks.speed[pings.segment] + 0.1 * (u[:, 1] % 8) - 0.3
    speed: Floats = np.where(pings.is_stuck | (measured < 0), 0.0, np.round(measured, 1))
    share = u[:, 2] / 256.0
    hdop = np.where(pings.is_dense, 1.2 + 2.4 * share, 0.7 + 1.1 * share)
    hdop[u[:, 2] == 255] = 7.5
    accuracy = np.where(pings.is_dense, DENSE_SIGMA_M, OPEN_SIGMA_M) * (1.0 + 1.2 * u[:, 3] / 256.0)
    accuracy = np.where(pings.fix_type == NETWORK, accuracy * NETWORK_FACTOR, accuracy)
    heading_deg = (heading + u[:, 3] % 21 - 10) % 360
    named = _gathered
    frame = pl.DataFrame(
        {
            "device_id": named(pools.device_id, device),
            "device_type": named(DEVICE_TYPES, kind),
            "fix_ts_utc": pings.fix.astype("datetime64[s]").astype("datetime64[ms]"),
            "received_ts_utc": pings.received.astype("datetime64[s]").astype("datetime64[ms]"),
            "lon": pings.lon,
            "lat": pings.lat,
            "speed_mps": speed.astype(np.float32),
            "heading_deg": _nullable(heading_deg.astype(np.int16), speed < 0.5),
            "hdop": np.round(hdop, 1).astype(np.float32),
            "accuracy_m": np.round(accuracy).astype(np.int16),
            "fix_type": named(FIX_TYPES, pings.fix_type),
            "status_code": _nullable(
                tracks.status[pings.segment].astype(np.int16),
                (kind != HANDHELD) & (kind != VEHICLE),
            ),
            "callsign": named(callsigns, carried.unit[pings.row]),
        }
    )
    return frame.select(PING_COLUMNS)


def _gathered(names: Any, at: Ints) -> pl.Series:
    return pl.Series(list(names), dtype=pl.String).gather(pl.Series(at.astype(np.uint32)))


def _nullable(values: Any, is_empty: Bools) -> pl.Series:
    return pl.select(
        pl.when(pl.lit(pl.Series(~is_empty))).then(pl.lit(pl.Series(values)))
    ).to_series()
