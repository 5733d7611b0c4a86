"""Level `counts` says what the files say: places and rings counted from delivered records, seed by seed."""

from __future__ import annotations

import gzip
import io
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from hotspot_pipeline.simulator import Options, simulate_counts
from hotspot_pipeline.simulator.counts import simulate_worlds
from hotspot_pipeline.simulator.force.county import make_county
from hotspot_pipeline.simulator.force.premises import make_premises
from hotspot_pipeline.simulator.force.risk import make_surfaces
from hotspot_pipeline.simulator.ground import COUNTY, make_ground
from hotspot_pipeline.simulator.streams import Streams
from hotspot_pipeline.simulator.trial.places import Zones
from hotspot_pipeline_tests.unit.simulator.small_force import Written, small_profile, write_force


def last_full(written: Written, feed: str) -> pl.DataFrame:
    path = sorted((written.landing / feed).glob("*_full_*"))[-1]
    return pl.read_csv(io.BytesIO(gzip.decompress(path.read_bytes())), infer_schema=False)


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_counts_are_those_of_the_delivered_records(tmp_path: Path, seed: int) -> None:
    profile = small_profile(n_weeks=20)
    written = write_force(tmp_path, seed, profile)
    counts = simulate_counts(profile, seed, Options())
    places = pl.read_parquet(written.truth / "places.parquet")
    assert places.equals(counts.places)
    assert pl.read_parquet(written.truth / "visits.parquet").equals(counts.visits)
    assert pl.read_parquet(written.truth / "counts_six_hourly.parquet").equals(counts.six_hourly)
    assert pl.read_parquet(written.truth / "counts_records.parquet").equals(counts.records)
    # what was long ago has been reported by the last night
    until = profile.end_local - timedelta(days=60)
    events = pl.read_parquet(written.truth / "events.parquet").filter(
        pl.col("is_deterrable") & (pl.col("at_local") < until)
    )
    delivered = pl.concat(
        [
            last_full(written, "crime_extract").select(
                "easting", "northing", record="crime_number"
            ),
            last_full(written, "asb_extract").select("easting", "northing", record="incident_ref"),
        ]
    )
    rows = events.join(delivered, on="record").with_columns(
        pl.col("easting", "northing").cast(pl.Float64, strict=False)
    )
    # a few are reported after months, a few are wrong on purpose
    assert 0.96 < len(rows) / len(events) <= 1
    located = rows.filter(pl.col("easting").is_not_null() & pl.col("northing").is_not_null())
    place, zone = Zones(places).of_points(
        located["easting"].to_numpy(), located["northing"].to_numpy()
    )
    from_files = np.zeros((len(places), 2))
    np.add.at(from_files, (place[place >= 0], zone[place >= 0]), 1)
    from_counts = (
        counts.six_hourly.filter(pl.col("bin_start_local") < until)
        .group_by("place", "zone", maintain_order=True)
        .agg(pl.col("n_recorded").sum())["n_recorded"]
        .to_numpy()
        .reshape(len(places), 2)
    )
    assert from_counts.sum() > 200
    # better geocodes move a few, and the bins of six hours end at the clock's, not at `until`
    assert from_files.sum() == pytest.approx(from_counts.sum(), rel=0.05)
    assert np.corrcoef(from_files.ravel(), from_counts.ravel())[0, 1] > 0.99


def test_every_event_in_a_core_is_on_record_some_day() -> None:
    profile = small_profile(n_weeks=12)
    found = simulate_counts(profile, 5, Options())
    core = found.six_hourly.filter(pl.col("zone") == "core")
    days = (pl.col("bin_start_local") - profile.start_local).dt.total_days()
    weekly = (
        core.group_by("place", week=days // 7).agg(n=pl.col("n_true").sum()).filter(pl.col("n") > 0)
    )
    told = found.records.group_by("place", "week").agg(n=pl.col("n").sum())
    assert_frame_equal(told, weekly, check_row_order=False, check_dtypes=False)
    late = found.records.group_by(is_late=pl.col("days_late") > 0).agg(pl.col("n").sum())
    assert dict(late.iter_rows())[True] > 0.02 * told["n"].sum()
    assert found.records["days_late"].min() == 0


def test_worlds_of_one_seed_are_those_simulated_one_by_one() -> None:
    profile = small_profile(n_weeks=12)
    asked = [Options("null"), Options("reversed"), Options("base", ring="displacement")]
    ground = make_ground(Streams(3), profile)
    for options, found in zip(asked, simulate_worlds(ground, asked), strict=True):
        alone = simulate_counts(profile, 3, options)
        assert found.six_hourly.equals(alone.six_hourly), options
        assert found.estimands.equals(alone.estimands), options
        assert found.visits.equals(alone.visits), options
    with pytest.raises(ValueError, match="one trial and one kind of controls"):
        next(simulate_worlds(ground, [Options(), Options(controls="ranked")]))


def test_a_county_that_stands_already_serves_other_rates() -> None:
    profile = small_profile(n_weeks=12)
    busier = replace(profile, name="busier", volume=profile.volume + 0.1, n_weeks=13)
    ground = make_ground(Streams(3), profile)
    next(simulate_worlds(ground, [Options()]))  # whatever it keeps, it keeps for itself
    found = next(simulate_worlds(ground.at(busier, 0.4), [Options()]))
    alone = simulate_counts(busier, 3, Options(), 0.4)
    assert found.six_hourly.equals(alone.six_hourly)
    assert found.records.equals(alone.records)
    assert found.estimands.equals(alone.estimands)
    with pytest.raises(ValueError, match="its county is not that of .*: n_towns, n_venues"):
        ground.at(replace(profile, n_towns=profile.n_towns + 1, n_venues=7))


def test_the_county_is_made_of_nothing_else_of_a_profile() -> None:
    """A field that its makers read must be among those that say whether two counties are the same."""
    read: set[str] = set()

    class Watched:
        def __getattr__(self, name: str) -> object:
            read.add(name)
            return getattr(small_profile(), name)

    watched: Any = Watched()
    county = make_county(Streams(3), watched)
    make_surfaces(Streams(3), county, make_premises(Streams(3), county, watched))
    assert read == set(COUNTY)
