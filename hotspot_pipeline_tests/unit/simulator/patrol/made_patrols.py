"""A small force with places, a plan and visits of the shape that `trial.frames` describes, and its patrols delivered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import shapely

from hotspot_pipeline.geo.transform import to_bng
from hotspot_pipeline.simulator.force.county import County, make_county
from hotspot_pipeline.simulator.force.premises import Premises, make_premises
from hotspot_pipeline.simulator.patrol.days import PatrolDay, PatrolForce
from hotspot_pipeline.simulator.patrol.deliver import deliver_patrols
from hotspot_pipeline.simulator.patrol.truth import PatrolTruth
from hotspot_pipeline.simulator.profiles import PROFILES, Profile
from hotspot_pipeline.simulator.streams import Streams
from hotspot_pipeline.simulator.trial.frames import PLACES, PLAN, VISITS

SMALL = replace(PROFILES["tiny"], n_devices=24, n_pairs=5)
SHORT = replace(SMALL, patrol_day=SMALL.n_days - 5, n_devices=10)
SEEDS = (1, 2, 3)


@dataclass(frozen=True, eq=False)
class Made:
    """What the patrol data is made from."""

    streams: Streams
    profile: Profile
    county: County
    premises: Premises
    places: pl.DataFrame
    plan: pl.DataFrame
    visits: pl.DataFrame

    def with_visits(self, visits: pl.DataFrame) -> Made:
        return replace(self, visits=visits)

    def force(self) -> PatrolForce:
        return PatrolForce(
            self.streams,
            self.profile,
            self.county,
            self.premises,
            self.places,
            self.plan,
            self.visits,
        )

    def deliver(self, out: Path, **more: object) -> PatrolTruth:
        return deliver_patrols(
            self.streams, self.profile, out, self.county, self.premises, self.places, self.plan, self.visits, **more
        )  # fmt: skip


@cache
def ground_of(seed: int) -> tuple[County, Premises]:
    streams = Streams(seed)
    county = make_county(streams, SMALL)
    return county, make_premises(streams, county, SMALL)


@cache
def force_of(seed: int) -> PatrolForce:
    return make(seed).force()


@cache
def days_of(seed: int) -> list[PatrolDay]:
    force = force_of(seed)
    return [force.day(k) for k in range(force.n_days)]


def make(seed: int, profile: Profile = SMALL, only_days: range | None = None) -> Made:
    """Two planned visits a treated place and day, most of them made; one day in eight is left out by lot."""
    streams = Streams(seed)
    county, premises = ground_of(seed)
    places = _places(streams("test places"), county, profile)
    plan = _plan(streams("test plan"), profile, places, only_days or range(profile.n_patrol_days))
    return Made(
        streams,
        profile,
        county,
        premises,
        places,
        plan,
        _visits(streams("test visits"), county, places, plan),
    )


def _places(rng: np.random.Generator, county: County, profile: Profile) -> pl.DataFrame:
    chosen: list[int] = []
    for cell in np.argsort(-county.built_up, kind="stable").tolist():
        apart = [
            np.hypot(
                county.easting[cell] - county.easting[c], county.northing[cell] - county.northing[c]
            )
            for c in chosen
        ]
        if min(apart, default=9e9) > 500:
            chosen.append(cell)
        if len(chosen) == 2 * profile.n_pairs:
            break
    cells = np.array(chosen)
    outlines = shapely.transform(
        np.array(county.grid.polygons(county.cells[cells])),
        lambda d: np.column_stack(to_bng(d[:, 0], d[:, 1])),
    )
    place = np.arange(len(cells))
    first = rng.random(profile.n_pairs) < 0.5
    return pl.DataFrame(
        {
            "place": place,
            "hotspot_id": [f"P{k + 1:03d}" for k in place],
            "cell": cells,
            "cell_id": list(county.grid.to_text(county.cells[cells])),
            "pair": place // 2,
            "rank": place + 1,
            "arm": np.where((place % 2 == 0) == first[place // 2], "treat", "control"),
            "easting": np.round(county.easting[cells]).astype(int),
            "northing": np.round(county.northing[cells]).astype(int),
            "polygon_wkt": [p.wkt for p in shapely.set_precision(outlines, 0.1)],
        },
        schema=PLACES,
    )


def _plan(
    rng: np.random.Generator, profile: Profile, places: pl.DataFrame, days: range
) -> pl.DataFrame:
    treated = places.filter(pl.col("arm") == "treat")["place"].to_list()
    first = profile.start + timedelta(days=profile.patrol_day)
    rows = []
    for k in days:
        day = first + timedelta(days=k)
        for place in treated:
            off = rng.random() < 0.125
            for _ in range(1 if off else 2):
                begin = datetime.combine(day, time(0)) + timedelta(hours=int(rng.integers(8, 26)))
                rows.append(
                    {
                        "plan_id": f"PL{len(rows) + 1:06d}", "plan_version": 1, "place": place, "police_day": day,
                        "window_start_local": None if off else begin,
                        "window_end_local": None if off else begin + timedelta(hours=2),
                        "min_minutes": 0 if off else 15, "officers": 0 if off else 2, "mode": "foot", "priority": 1,
                        "team": "HSP1", "randomised": off, "arm": "control" if off else "na",
                        "issued_ts_local": datetime.combine(day - timedelta(days=1), time(15)),
                    }
                )  # fmt: skip
    return pl.DataFrame(rows, schema=PLAN)


def _visits(
    rng: np.random.Generator, county: County, places: pl.DataFrame, plan: pl.DataFrame
) -> pl.DataFrame:
    made = plan.filter((pl.col("arm") != "control") & pl.Series(rng.random(len(plan)) < 0.85))
    n = len(made)
    kind = rng.choice(
        ["full", "wrong_cell", "pass_through", "abandoned"], n, p=[0.7, 0.14, 0.1, 0.06]
    )
    seconds = np.select(
        [kind == "pass_through", kind == "abandoned"], [rng.integers(40, 150, n), rng.integers(60, 480, n)],
        rng.integers(400, 1800, n),
    )  # fmt: skip
    home = places["cell"].to_numpy()[made["place"].to_numpy()]
    near = {
        int(c): np.flatnonzero(
            np.hypot(county.easting - county.easting[c], county.northing - county.northing[c]) < 400
        )
        for c in np.unique(home)
    }
    beside = np.array([rng.choice([x for x in near[int(c)] if x != c]) for c in home], np.int64)
    start = made["window_start_local"].to_numpy().astype("datetime64[s]") + rng.integers(0, 5400, n)
    frame = made.select("plan_id", "place", "police_day").with_columns(
        cell=pl.Series(np.where(kind == "wrong_cell", beside, home)),
        start_local=pl.Series(start.astype("datetime64[us]")),
        end_local=pl.Series((start + seconds).astype("datetime64[us]")),
        kind=pl.Series(kind),
        mode=pl.Series(np.where(kind == "pass_through", "vehicle", "foot")),
        n_officers=pl.lit(2),
    )
    frame = frame.sort("police_day", "start_local", "plan_id").with_columns(
        visit_id=pl.int_range(pl.len()) + 1
    )
    # crews are dealt again by the patrol data, so any numbering that keeps a crew in one place at a time will do
    return frame.with_columns(
        crew=pl.col("visit_id") - pl.col("visit_id").min().over("police_day")
    ).select(pl.col(name).cast(dtype) for name, dtype in VISITS.items())


@dataclass(frozen=True, eq=False)
class Delivered:
    made: Made
    out: Path
    truth: PatrolTruth

    def pings(self) -> pl.DataFrame:
        files = sorted((self.out / "landing" / "gps_pings").iterdir())
        return pl.concat([pl.read_parquet(f).with_columns(file=pl.lit(f.name)) for f in files])

    def rows(self, feed: str) -> pl.DataFrame:
        files = sorted((self.out / "landing" / feed).iterdir())
        return pl.concat(
            [pl.read_csv(f, infer_schema=False).with_columns(file=pl.lit(f.name)) for f in files]
        )
