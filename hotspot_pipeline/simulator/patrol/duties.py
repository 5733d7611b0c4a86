"""Who is on duty with which device: the rosters of a police day, as a duty system holds them (DOMAIN §4.3).

Belongs here: the duty records with their oddities (§10.24): a device used by two officers in a day, an officer with two
devices, a hand-over. Does not belong here: which devices and officers there are (`pools`), where units go (`crews`,
`background`), what devices report (`pings`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.force.county import Floats, Ints
from hotspot_pipeline.simulator.patrol.ground import Bools
from hotspot_pipeline.simulator.patrol.pools import (
    APP,
    DEVICE_TYPES,
    HANDHELD,
    TRACKER,
    VEHICLE,
    Pools,
)
from hotspot_pipeline.simulator.patrol.stops import Unit
from hotspot_pipeline.simulator.patrol.times import local_times

# share of neighbourhood officers who carry another device than a handheld
NPT_TRACKER, NPT_APP = 0.10, 0.20
SHARED_SHARE = TWO_DEVICES_SHARE = HAND_OVER_SHARE = 0.015  # of duties with an officer
BOOKED_AFTER_S = 600
DEPLOYMENTS = {
    "crew": "hotspot_funded",
    "response": "response",
    "npt": "npt",
    "parked": "ops_support",
}

DUTY_COLUMNS = (
    "duty_id", "device_id", "device_type", "officer", "team", "role", "start_local", "end_local", "deployment", "crew_id",
    "callsign", "mode_planned",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Carried:
    """Which device is on which track from when to when (UTC seconds): one row a device and unit, in order of device and
    start.
    """

    device: Ints
    track: Ints
    start: Floats
    end: Floats
    unit: Ints


@dataclass(slots=True)
class _Rows:
    """Duty records in the making: arrays of one length; `officer` is -1 for a car."""

    unit: Ints
    device: Ints
    officer: Ints
    start: Floats
    end: Floats

    def add(self, rows: Ints, device: Ints, officer: Ints, start: Floats) -> None:
        """More records for the units of `rows`, until the end of theirs."""
        self.unit = np.concatenate([self.unit, self.unit[rows]])
        self.device = np.concatenate([self.device, device])
        self.officer = np.concatenate([self.officer, officer])
        self.start = np.concatenate([self.start, start])
        self.end = np.concatenate([self.end, self.end[rows]])


class _Free:
    """Devices and officers of one half that are still to be had, in random order."""

    def __init__(self, rng: np.random.Generator, pools: Pools, half: int) -> None:
        self._devices = [list(rng.permutation(pools.devices(kind, half))) for kind in range(4)]
        self._regular, self._npt = (
            list(rng.permutation(pools.officers(regular=r, half=half))) for r in (True, False)
        )

    def device(self, kind: int) -> int:
        return int(self._devices[kind].pop())

    def officer(self, *, regular: bool) -> int:
        return int((self._regular if regular else self._npt).pop())


def on_duty(
    rng: np.random.Generator, pools: Pools, day: date, n_day: int, units: list[Unit]
) -> tuple[pl.DataFrame, Carried, Counter[str]]:
    """(duty records in order of start, which device is on which track, how many oddities). `n_day` counts police days.

    The frame has `DUTY_COLUMNS` and besides `crew` (number of the day, -1 none), `unit` and `known_utc`, when the duty
    system can deliver the record: soon after booking on; at its end, where a colleague took over earlier than planned.
    """
    free = _Free(rng, pools, n_day % 2)
    table: list[tuple[int, int, int]] = []
    for u, one in enumerate(units):
        if one.has_vehicle:
            table.append((u, free.device(VEHICLE), -1))
        for _ in range(one.n_persons):
            kind = HANDHELD
            if one.kind == "npt":
                draw = rng.random()
                kind = (
                    TRACKER
                    if draw < NPT_TRACKER
                    else APP
                    if draw < NPT_TRACKER + NPT_APP
                    else HANDHELD
                )
            table.append((u, free.device(kind), free.officer(regular=one.kind != "npt")))
    unit, device, officer = np.array(table, np.int64).reshape(-1, 3).T
    span = np.array([[u.start, u.end] for u in units], np.float64).reshape(-1, 2)
    rows = _Rows(unit, device.copy(), officer, span[unit, 0], span[unit, 1])
    has_handheld = (officer >= 0) & (pools.device_type[device] == HANDHELD)
    odd: Counter[str] = Counter()
    odd["device_shared"] = _share(rng, rows, has_handheld)
    # some officers carry a tracker as well
    second = np.flatnonzero(has_handheld & (rng.random(len(officer)) < TWO_DEVICES_SHARE))
    trackers = np.array([free.device(TRACKER) for _ in second], np.int64)
    rows.add(second, trackers, rows.officer[second], rows.start[second])
    odd["two_devices"] = len(second)
    by_device = np.lexsort((rows.start, rows.device))
    track = 2 * rows.unit + (rows.officer < 0)
    carried = Carried(
        rows.device[by_device],
        track[by_device],
        rows.start[by_device],
        rows.end[by_device],
        rows.unit[by_device],
    )
    # half-way through a duty a colleague takes over, device and all
    can = (rows.officer >= 0) & ~np.isin(rows.officer, rows.officer[second])
    handed = np.flatnonzero(can & (rng.random(len(can)) < HAND_OVER_SHARE))
    colleague = [free.officer(regular=rows.officer[r] < pools.n_regular) for r in handed]
    middle = np.floor((rows.start[handed] + rows.end[handed]) / 2)
    rows.add(handed, rows.device[handed], np.array(colleague, np.int64), middle)
    rows.end[handed] = middle
    odd["hand_over"] = len(handed)
    return _records(pools, day, units, rows), carried, odd


def _share(rng: np.random.Generator, rows: _Rows, has_handheld: Bools) -> int:
    """Handhelds of early duties that go on to an officer whose duty starts after their end; returns how many."""
    taken: set[int] = set()
    for row in np.flatnonzero(
        has_handheld & (rng.random(len(has_handheld)) < SHARED_SHARE)
    ).tolist():
        later = [
            r
            for r in np.flatnonzero(has_handheld & (rows.start >= rows.end[row])).tolist()
            if r not in taken
        ]
        if row not in taken and later:
            rows.device[later[0]] = rows.device[row]
            taken |= {row, later[0]}
    return len(taken) // 2


def _records(pools: Pools, day: date, units: list[Unit], rows: _Rows) -> pl.DataFrame:
    order = np.lexsort((rows.device, rows.unit, rows.start))
    unit, device, officer = rows.unit[order], rows.device[order], rows.officer[order]
    start, end = rows.start[order], rows.end[order]
    has_officer: Bools = officer >= 0
    mine = [units[u] for u in unit]
    return pl.DataFrame(
        {
            "duty_id": [f"D{day:%Y%m%d}-{k:04d}" for k in range(1, len(unit) + 1)],
            "device_id": [pools.device_id[d] for d in device],
            "device_type": [DEVICE_TYPES[k] for k in pools.device_type[device]],
            "officer": [pools.officer[o] if o >= 0 else None for o in officer],
            "team": [u.team or None for u in mine],
            "role": [pools.role[o] if o >= 0 else None for o in officer],
            "start_local": local_times(start.astype(np.int64)),
            "end_local": local_times(end.astype(np.int64)),
            "deployment": [DEPLOYMENTS[u.kind] for u in mine],
            "crew_id": [f"C{day:%Y%m%d}-{u:02d}" for u in unit],
            "callsign": [callsign(units[u], int(u)) for u in unit],
            "mode_planned": ["vehicle" if u.kind in ("response", "parked") or not o else "foot"
                             for u, o in zip(mine, has_officer, strict=True)],
            "crew": np.array([u.crew for u in mine], np.int64),
            "unit": unit,
            "known_utc": np.where(end < [u.end for u in mine], end, start).astype(np.int64) + BOOKED_AFTER_S,
        },
        schema_overrides={"officer": pl.String, "role": pl.String, "team": pl.String},
    )  # fmt: skip


def callsign(unit: Unit, number: int) -> str:
    return {"crew": "HS", "response": "RV", "npt": "NP", "parked": "OS"}[
        unit.kind
    ] + f"{number + 1:02d}"
