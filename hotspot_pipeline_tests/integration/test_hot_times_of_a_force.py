"""A simulated force through files, gate, history and tables: are the hot times in the warehouse those of its true rates?

Events are delivered as a force does: windows, dates without hours, rounded minutes, recodes, places with errors. The truth is the rates
that made them, weighed by the share of each kind that is counted. What true peaks are is said in `hot_time_truth`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pytest

from hotspot_pipeline.cli import running
from hotspot_pipeline.cli.running import run_force
from hotspot_pipeline.definitions import warehouse_of
from hotspot_pipeline.hot_times.aoristic import WEIGHT_UNIT
from hotspot_pipeline.hot_times.levels import CLUSTERS
from hotspot_pipeline.hot_times.profiles import smooth_week
from hotspot_pipeline.settings import Force, Settings, parse_force
from hotspot_pipeline.simulator import Options, simulate
from hotspot_pipeline.simulator.crime.kinds import deterrable_share
from hotspot_pipeline.simulator.ground import Ground, make_ground
from hotspot_pipeline.simulator.streams import Streams
from hotspot_pipeline_tests.integration.figures import record
from hotspot_pipeline_tests.integration.hot_time_truth import (
    LEAST_EVENTS,
    captured,
    peak_jaccard,
    true_ratio,
)
from hotspot_pipeline_tests.integration.installation import FEEDS, FORCE
from hotspot_pipeline_tests.integration.simulated_hours import COUNTED, Floats, expected_hours
from hotspot_pipeline_tests.unit.simulator.small_force import OFFENCE_LOOKUP, small_profile

pytestmark = pytest.mark.slow

WINDOW = (date(2025, 7, 1), date(2026, 6, 1))
SEEDS = (7, 8)
#: of what is public nearly all is counted; of weapons all is public
SHARES = {**deterrable_share(), "weapons": 1.0}


@dataclass(frozen=True)
class Ran:
    seed: int
    ground: Ground
    settings: Settings
    force: Force

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with warehouse_of(self.settings, self.force).session(read_only=True) as session:
            return session.frame(sql).rows()

    def true_hours(self, cells: np.ndarray) -> Floats:
        """(168,) expected counted events of the cells (H3) by local hour of the week."""
        at = np.flatnonzero(np.isin(self.ground.county.cells, cells))
        of_kinds = [
            SHARES[kind] * expected_hours(self.ground.world, kind, at, np.zeros_like(at))
            for kind in COUNTED
        ]
        return np.asarray(np.sum(of_kinds, axis=0)[0])


@pytest.fixture(scope="module", params=SEEDS)
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    folder: Path = tmp_path_factory.mktemp("force")
    home = folder / "forces" / FORCE
    profile = replace(small_profile(n_weeks=52), volume=1.0)
    simulate(home, profile, request.param, Options(), offence_lookup=OFFENCE_LOOKUP)
    for path in (home / "landing").rglob("*.*"):
        os.utime(path, (1_750_000_000, 1_750_000_000))
    document = {
        "boundary": "boundary.geojson",
        "feeds": {feed: {} for feed in FEEDS},
        "hotspots": {
            "window_from": WINDOW[0],
            "window_to": WINDOW[1],
            "top_k": 30,
            "bootstrap_draws": 20,
        },
        "hot_times": {"bootstrap_draws": 20},
    }
    force = parse_force(document, home)
    settings = Settings(data=folder, forces=(force,), memory_limit="2GB", threads=2)
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.ephemeral() as in_memory:
        patch.setattr(running, "instance", lambda _: nullcontext(in_memory))
        outcomes, _ = run_force(settings, force, quiet=True)
    assert all(o.success for o in outcomes), [o.failure for o in outcomes]
    yield Ran(request.param, make_ground(Streams(request.param), profile), settings, force)


def test_the_forces_peaks_are_the_true_ones(ran: Ran) -> None:
    true = ran.true_hours(ran.ground.county.cells)
    ((weight,),) = ran.rows(
        "select weight from hot_times.profiles where level = 'force' and selection = 'all'"
    )
    assert weight >= 1_000 * WEIGHT_UNIT
    is_hot = _bins(ran, "is_hot", "block")
    found = peak_jaccard(true_ratio(true), is_hot.astype(np.bool_))
    of_day = [shape.reshape(7, 24).sum(axis=0) for shape in (_bins(ran, "rate_ratio_shrunk", "hour"), smooth_week(true))]  # fmt: skip
    peaks = [int(np.argmax(hours)) for hours in of_day]
    record(
        "Hot times of a force through the pipeline: the true peaks",
        seed=ran.seed,
        events=round(weight / WEIGHT_UNIT),
        jaccard_of_peak_blocks=f"{found:.3f}",
        peak_hour=peaks[0],
        true_peak_hour=peaks[1],
    )
    assert found is not None and found >= 0.75
    assert abs(peaks[0] - peaks[1]) <= 1


def test_hotspots_windows_capture_what_their_budget_could(ran: Ran) -> None:
    """At least 85 % of the best true share in every hotspot of 50 events or more that is in the cluster whose hours it has.

    The simulator gives every cell with a venue the hours of a centre; the pipeline asks for two venues, or a late one near by, and
    night hours. A cell with a single venue is drawn to the hours of the other cluster and pays for it: that is stated, not hidden.
    """
    places = ran.rows(
        "select profile_id, cluster from hot_times.profiles where level = 'hotspot' and selection = 'all' "
        f"and weight >= {LEAST_EVENTS * WEIGHT_UNIT} order by 1"
    )
    true, chosen, is_right = [], [], []
    for place, cluster in places:
        rows = ran.rows(f"select cell from hexes.hotspot_cells where hotspot_id = '{place}'")
        cells = np.array([cell for (cell,) in rows])
        true.append(ran.true_hours(cells))
        windows = ran.rows(
            f"select start_hour_of_week, n_hours from hot_times.windows where hotspot_id = '{place}'"
        )
        chosen.append([(start + n) % 168 for start, n_hours in windows for n in range(n_hours)])
        at = np.isin(ran.ground.county.cells, cells)
        is_right.append((cluster == CLUSTERS[0]) == bool(ran.ground.world.is_centre[at].any()))
    held, right = captured(np.array(true), chosen), np.array(is_right)
    record(
        "Hot times of a force through the pipeline: true share captured over the best",
        seed=ran.seed,
        hotspots=len(places),
        mean=f"{held.mean():.3f}",
        lowest_in_its_own_cluster=f"{held[right].min():.3f}",
        in_another_cluster=int((~right).sum()),
        lowest_of_those=f"{held[~right].min():.3f}" if not right.all() else None,
    )
    assert right.sum() >= 10
    assert held.mean() >= 0.85
    assert held[right].min() >= 0.85


def test_weights_sum_to_the_events_whose_hours_are_known(ran: Ran) -> None:
    """Every counted event with a known hour has the weight of one; those without are accounted for."""
    cases = dict(
        ran.rows("select time_case, sum(n_events)::bigint from hot_times.time_cases where is_counted group by 1")
    )  # fmt: skip
    ((n_counted,),) = ran.rows("select count(*) from hexes.events where is_counted")
    assert sum(cases.values()) == n_counted
    usable = sum(cases.get(c, 0) for c in ("no_end", "zero_length", "up_to_24_h", "over_24_h"))
    ((weight,),) = ran.rows("select sum(weight)::hugeint from hot_times.event_hours")
    assert int(weight) == usable * WEIGHT_UNIT
    assert cases["date_only"] > 0 and cases["over_168_h"] > 0


def _bins(ran: Ran, column: str, resolution: str) -> Floats:
    rows = ran.rows(
        f"select {column}::double from hot_times.profile_bins where level = 'force' and selection = 'all' "
        f"and resolution = '{resolution}' order by bin_no"
    )
    return np.array([value for (value,) in rows])
