"""Dwell and visits of simulated patrols held against where the officers really were: one force's figures.

Here: what is true, and how near the kernels come to it. Not here: the patrols (`simulator.patrol`), what the figures must be
(`test_patrol_truth`), the way through files and tables.

What is judged:

- All devices of a force report at one interval; everything else is as in the demo force: noise of 6 m and 15 m, dropouts, stuck, late,
  doubled, far-away and wrong-clock fixes, hand-overs, officers with two devices, parked cars.
- **Places** within 50 m of a police station are left out: the truth counts those who wait at the station, and the rule that nobody at base is
  on patrol does not.
- **Patrol-minutes** are those of a place and police shift with at least one officer: the union over all units.
- A **visit** is a crew's (or single officer's) stays in a place no more than 180 s apart. Counted are those of six minutes or more:
  at one fix in five minutes a way through that is seen once and a visit of three minutes look the same (counted from three minutes on
  such a feed finds up to an eighth too many).
- **Compliant** is a visit of 13 minutes or more; judged are true visits that are not within 2 minutes of that.
- A true visit is **held** where the bounds of the measured one that overlaps it contain its length; not seen at all is not held.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import shapely

from hotspot_pipeline.geo.transform import to_bng
from hotspot_pipeline.patrols.cleaning import Cleaned, clean
from hotspot_pipeline.patrols.dwell import dwell
from hotspot_pipeline.patrols.intervals import runs, total
from hotspot_pipeline.patrols.rules import DwellRules
from hotspot_pipeline.patrols.visits import Visits, make_visits
from hotspot_pipeline.patrols.zone_raster import make_raster
from hotspot_pipeline.patrols.zones import Zones, make_zones
from hotspot_pipeline.simulator.patrol.days import PatrolDay, PatrolForce
from hotspot_pipeline.simulator.patrol.duties import callsign
from hotspot_pipeline.simulator.patrol.noise import DENSE_SIGMA_M, OPEN_SIGMA_M
from hotspot_pipeline.simulator.patrol.pings import delivered
from hotspot_pipeline.simulator.patrol.truth import stays_frame
from hotspot_pipeline.timebase import PoliceTime
from hotspot_pipeline_tests.unit.simulator.patrol.made_patrols import make

MERGE_MS, LEAST_MS = 180_000, 360_000
COMPLIANT_MS, BAND_MS = 13 * 60_000, 2 * 60_000
BASE_M = 50.0


@dataclass(frozen=True)
class Shift:
    """A police day's patrols: what was measured and what is true (party, zone, start_ms, end_ms);
    `sigma_m` is the true noise at each zone."""

    cleaned: Cleaned
    visits: Visits
    true_stays: pl.DataFrame
    sigma_m: dict[int, float]


@dataclass(frozen=True)
class Figures:
    """Of one force at one interval. `widths_s` of the bounds of visits that were seen, `is_held` by true visit."""

    true_minutes: float
    minutes: float
    n_true_visits: int
    n_visits: int
    is_held: np.ndarray
    widths_s: np.ndarray
    sigma_m: np.ndarray
    is_right: np.ndarray


def figures(shifts: list[Shift]) -> Figures:
    found = [_of_shift(shift) for shift in shifts]

    def joint(name: str) -> np.ndarray:
        return np.concatenate([getattr(f, name) for f in found])

    return Figures(
        sum(f.true_minutes for f in found),
        sum(f.minutes for f in found),
        sum(f.n_true_visits for f in found),
        sum(f.n_visits for f in found),
        *(joint(name) for name in ("is_held", "widths_s", "sigma_m", "is_right")),
    )


def shifts(seed: int, interval_s: int, n_days: int | None = None) -> Iterator[Shift]:
    """The first `n_days` police days of a small force whose devices all report every `interval_s`."""
    made = make(seed)
    force = made.force()
    force.pools = replace(force.pools, interval_s=np.full(len(force.pools.device_id), interval_s))
    premises = [shapely.Point(*xy) for xy in force.ground.station]
    outlines = shapely.from_wkt(made.places["polygon_wkt"].to_numpy())
    is_clear = ~np.any([shapely.dwithin(outlines, site, BASE_M) for site in premises], axis=0)
    places = made.places.filter(pl.Series(is_clear))
    zones = make_zones(
        places["hotspot_id"].to_list(),
        ["hotspot" if arm == "treat" else "control" for arm in places["arm"]],
        outlines[is_clear].tolist(),
    )
    raster = make_raster(zones.shapes, DwellRules().reach_m)
    is_dense = force.ground.dense(*force.ground.place_xy[is_clear].T).tolist()
    sigma = {z: DENSE_SIGMA_M if is_dense[z] else OPEN_SIGMA_M for z in range(len(zones))}
    for number in range(min(n_days or force.n_days, force.n_days)):
        day = force.day(number)
        duties = _duties(force, day)
        cleaned = clean(_pings(force, day), duties, premises)
        visits = make_visits(dwell(cleaned.fixes, zones, raster=raster), duties)
        yield Shift(cleaned, visits, _true_stays(force, day, zones), sigma)


def _pings(force: PatrolForce, day: PatrolDay) -> pl.DataFrame:
    names = [callsign(unit, k) for k, unit in enumerate(day.units)]
    rows = delivered(day.fixes(force), force.pools, day.tracks, day.carried, names)
    easting, northing = to_bng(rows["lon"].to_numpy(), rows["lat"].to_numpy())
    return rows.select(
        device=_number(force, rows["device_id"]),
        device_type="device_type",
        fix_ms=pl.col("fix_ts_utc").dt.epoch("ms"),
        received_ms=pl.col("received_ts_utc").dt.epoch("ms"),
        easting=pl.Series(easting).fill_nan(None),
        northing=pl.Series(northing).fill_nan(None),
        speed_mps="speed_mps",
        hdop="hdop",
        accuracy_m="accuracy_m",
        fix_type="fix_type",
        status_code="status_code",
    )


def _duties(force: PatrolForce, day: PatrolDay) -> pl.DataFrame:
    utc = PoliceTime().to_utc
    return day.duties.select(
        device=_number(force, day.duties["device_id"]),
        device_type="device_type",
        officer="officer",
        crew="crew_id",
        deployment="deployment",
        mode_planned="mode_planned",
        start_ms=utc(pl.col("start_local")).dt.epoch("ms"),
        end_ms=utc(pl.col("end_local")).dt.epoch("ms"),
    )


def _number(force: PatrolForce, ids: pl.Series) -> pl.Series:
    numbers = {name: k for k, name in enumerate(force.pools.device_id)}
    return ids.replace_strict(numbers, return_dtype=pl.Int32)


def _true_stays(force: PatrolForce, day: PatrolDay, zones: Zones) -> pl.DataFrame:
    number = {name: z for z, name in enumerate(zones.zone_id)}
    by_place = {int(name[1:]) - 1: z for name, z in number.items()}
    is_judged = (pl.col("carrier") == "officers") & pl.col("place").is_in(list(by_place))
    return stays_frame(force, day).filter(is_judged).select(
        party=pl.format("crew {}", "crew_id"),
        zone=pl.col("place").replace_strict(by_place, return_dtype=pl.Int32),
        start_ms=pl.col("enter_utc").dt.epoch("ms"),
        end_ms=pl.col("leave_utc").dt.epoch("ms"),
    )  # fmt: skip


def _of_shift(shift: Shift) -> Figures:
    crewed = shift.visits.visits.filter("is_crewed")
    officers = shift.visits.presence.filter(pl.col("officer").is_not_null())
    true = runs(shift.true_stays, ["party", "zone"], MERGE_MS)
    true_visits = true.group_by("run", "party", "zone").agg(
        pl.col("start_ms").min(), pl.col("end_ms").max(), true_ms=(pl.col("end_ms") - pl.col("start_ms")).sum()
    ).filter(pl.col("true_ms") >= LEAST_MS)  # fmt: skip
    # of several measured visits that overlap the true one the longest is meant
    seen = (
        true_visits.join(crewed, on=["party", "zone"], suffix="_seen")
        .filter(pl.col("start_ms") <= pl.col("end_ms_seen"), pl.col("start_ms_seen") <= pl.col("end_ms"))
        .sort("run", "patrol_ms", descending=[False, True])
        .unique("run", keep="first", maintain_order=True)
    )  # fmt: skip
    both = true_visits.join(
        seen.select("run", "patrol_ms", "lower_ms", "upper_ms"), on="run", how="left"
    )
    is_held = pl.col("true_ms").is_between("lower_ms", "upper_ms").fill_null(False)
    clear = both.filter((pl.col("true_ms") - COMPLIANT_MS).abs() > BAND_MS)
    measured = pl.col("patrol_ms").fill_null(0) >= COMPLIANT_MS
    return Figures(
        _minutes(shift.true_stays),
        _minutes(officers.select("zone", start_ms="patrol_from_ms", end_ms="patrol_to_ms")),
        true_visits.height,
        crewed.filter(pl.col("patrol_ms") >= LEAST_MS).height,
        both.select(is_held).to_series().to_numpy(),
        ((seen["upper_ms"] - seen["lower_ms"]) / 1000).to_numpy(),
        seen["zone"].replace_strict(shift.sigma_m, return_dtype=pl.Float64).to_numpy(),
        clear.select(measured == (pl.col("true_ms") >= COMPLIANT_MS)).to_series().to_numpy(),
    )


def _minutes(stays: pl.DataFrame) -> float:
    return float(total(stays, ["zone"], "ms")["ms"].sum()) / 60_000
