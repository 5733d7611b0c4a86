"""A square county with two towns, places in pairs and violent events: all that the surveys need of a force, at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from hotspot_pipeline.simulator.crime.clock import skip_missing_hour
from hotspot_pipeline.simulator.profiles import PROFILES, Profile
from hotspot_pipeline.simulator.streams import Streams
from hotspot_pipeline.simulator.surveys import SurveysTruth, deliver_surveys
from hotspot_pipeline.simulator.trial.frames import PLACES

SIDE, STEP_M, ORIGIN = 60, 320.0, (440_000.0, 260_000.0)
MINUTES = (17.0, 0.5)  # a day in a treated and in a control place


@dataclass(frozen=True)
class Town:
    name: str
    easting: float
    northing: float
    activity: float


class Grid:
    def to_text(self, cells: np.ndarray) -> list[str]:
        return [f"{cell:015x}" for cell in cells.tolist()]


class SquareCounty:
    """What `surveys` reads of `force.county.County`."""

    def __init__(self) -> None:
        column, row = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
        self.easting = ORIGIN[0] + STEP_M * column.ravel()
        self.northing = ORIGIN[1] + STEP_M * row.ravel()
        self.cells = 0x89195DA00000000 + np.arange(SIDE * SIDE)
        self.towns = (
            Town("Eastford", 445_000.0, 266_000.0, 1.0),
            Town("Westford", 455_000.0, 274_000.0, 0.5),
        )
        away = np.stack(
            [np.hypot(self.easting - t.easting, self.northing - t.northing) for t in self.towns]
        )
        self.town = away.argmin(axis=0)
        self.built_up = 0.003 + np.exp(-((away.min(axis=0) / 2500) ** 2))
        self.grid = Grid()

    def cell_positions(self, easting: np.ndarray, northing: np.ndarray) -> np.ndarray:
        column = np.rint((easting - ORIGIN[0]) / STEP_M).astype(np.int64)
        row = np.rint((northing - ORIGIN[1]) / STEP_M).astype(np.int64)
        return row * SIDE + column


class Venues:
    """What `surveys` reads of `force.premises.Premises`."""

    def __init__(self, county: SquareCounty) -> None:
        rng = np.random.default_rng(5)
        cell = rng.choice(len(county.cells), 80, p=county.built_up / county.built_up.sum())
        self.venues = pl.DataFrame(
            {
                "name": [f"Venue {k:03d}" for k in range(80)],
                "easting": np.round(county.easting[cell]).astype(np.int64),
                "northing": np.round(county.northing[cell]).astype(np.int64),
            }
        )


@dataclass(frozen=True)
class Force:
    profile: Profile
    county: Any
    premises: Any
    places: pl.DataFrame
    patrol_minutes: pl.DataFrame
    events: pl.DataFrame


def make_force(name: str) -> Force:
    profile, county, rng = PROFILES[name], SquareCounty(), np.random.default_rng(7)
    n = 2 * profile.n_pairs
    cell = np.argsort(-county.built_up, kind="stable")[: 3 * n : 3]
    place = np.arange(n)
    places = pl.DataFrame(
        {
            "place": place,
            "hotspot_id": [f"P{k:03d}" for k in place + 1],
            "cell": cell,
            "cell_id": county.grid.to_text(county.cells[cell]),
            "pair": place // 2,
            "rank": place + 1,
            "arm": np.where(place % 2 == 0, "treat", "control"),
            "easting": county.easting[cell].astype(np.int64),
            "northing": county.northing[cell].astype(np.int64),
            "polygon_wkt": [""] * n,
        },
        schema=PLACES,
    )
    n_events = int(6000 * profile.volume * profile.n_days / 365)
    where = rng.choice(len(county.cells), n_events, p=county.built_up / county.built_up.sum())
    seconds = rng.integers(0, profile.n_days * 86_400, n_events).astype("timedelta64[s]")
    kinds = ["violence", "violence_home", "robbery", "damage"]
    events = pl.DataFrame(
        {
            "event_id": 1000 + np.arange(n_events),
            "kind": rng.choice(kinds, n_events, p=[0.55, 0.25, 0.05, 0.15]),
            "at_local": skip_missing_hour(np.datetime64(profile.start_local, "s") + seconds).astype(
                "datetime64[us]"
            ),
            "cell": where,
            "true_easting": county.easting[where] + rng.uniform(-100, 100, n_events),
            "true_northing": county.northing[where] + rng.uniform(-100, 100, n_events),
        }
    )
    minutes = pl.DataFrame({"place": place, "minutes_per_day": np.where(place % 2 == 0, *MINUTES)})
    return Force(profile, county, Venues(county), places, minutes, events)


@dataclass(frozen=True)
class Delivered:
    force: Force
    out: Path
    truth: SurveysTruth

    def files(self, feed: str) -> list[Path]:
        return sorted((self.out / "landing" / feed).iterdir())

    def rows(self, feed: str) -> pl.DataFrame:
        """All files of a feed as text, with `file` and `line`."""
        return pl.concat(
            pl.read_csv(path, infer_schema=False)
            .with_columns(pl.all().fill_null(""))
            .with_row_index("line", offset=2)
            .with_columns(file=pl.lit(path.name))
            for path in self.files(feed)
        )


Deliver = Callable[..., Delivered]


@pytest.fixture(scope="session")
def deliver(tmp_path_factory: pytest.TempPathFactory) -> Deliver:
    """`deliver("county", seed)`: each force once; `fresh=True` into a new folder, `events=False` without events."""
    forces: dict[str, Force] = {}
    done: dict[tuple[str, int], Delivered] = {}

    def call(
        name: str = "county", seed: int = 1, *, fresh: bool = False, events: bool = True
    ) -> Delivered:
        force = forces.get(name) or forces.setdefault(name, make_force(name))
        if fresh or not events or (name, seed) not in done:
            out = tmp_path_factory.mktemp(f"{name}{seed}")
            truth = deliver_surveys(
                Streams(seed), force.profile, out, force.county, force.premises, force.places, force.patrol_minutes,
                force.events if events else None,
            )  # fmt: skip
            found = Delivered(force, out, truth)
            if fresh or not events:
                return found
            done[name, seed] = found
        return done[name, seed]

    return call


@pytest.fixture(scope="session")
def pooled(deliver: Deliver) -> list[Delivered]:
    """Ten seeds of the county profile."""
    return [deliver("county", seed) for seed in range(1, 11)]
