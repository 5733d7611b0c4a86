"""Venues, sites and default geocodes: the mix, the contracts, where they stand."""

from __future__ import annotations

from collections import Counter

import numpy as np
import polars as pl
import pytest

from hotspot_pipeline.feeds.contract import shipped_contracts
from hotspot_pipeline.simulator.force.county import County, Ints
from hotspot_pipeline_tests.unit.simulator.force.conftest import Ground


def _cells(county: County, frame: pl.DataFrame) -> Ints:
    return county.cell_positions(
        *(frame[c].cast(pl.Float64).to_numpy() for c in ("easting", "northing"))
    )


def test_the_mix_of_venues(county_ground: Ground) -> None:
    venues = county_ground.premises.venues
    assert dict(Counter(venues["category"])) == {
        "pub": 110, "bar": 35, "nightclub": 12, "late_takeaway": 23,
    }  # fmt: skip


def test_smaller_forces_have_the_same_mix(any_ground: Ground) -> None:
    venues, profile = any_ground.premises.venues, any_ground.profile
    assert len(venues) == profile.n_venues
    for category, of_180 in (("pub", 110), ("bar", 35), ("nightclub", 12), ("late_takeaway", 23)):
        n = (venues["category"] == category).sum()
        assert abs(n - of_180 * profile.n_venues / 180) < 1, category


def test_rows_satisfy_the_contracts(any_ground: Ground) -> None:
    contracts = shipped_contracts()
    premises = any_ground.premises
    for feed in ("venues", "excluded_sites", "default_geocodes"):
        frame, contract = getattr(premises, feed), contracts[feed]
        match = contract.resolve_header(frame.columns)
        assert not match.missing and not match.extra, feed
        for column in contract.columns:
            if column.name in frame.columns and column.has_value:
                assert frame[column.name].cast(pl.String).str.len_chars().gt(0).all(), column.name
            if column.name in frame.columns and column.allowed:
                assert set(frame[column.name]) <= set(column.allowed), column.name
        assert frame.select(contract.key).is_unique().all(), feed


def test_venues_crowd_in_town_centres(county_ground: Ground) -> None:
    county, premises = county_ground.county, county_ground.premises
    np.testing.assert_array_equal(
        premises.n_venues,
        np.bincount(_cells(county, premises.venues), minlength=len(county.cells)),
    )
    venues = premises.venues
    gap = np.min(
        [
            np.hypot(venues["easting"] - t.easting, venues["northing"] - t.northing)
            for t in county.towns
        ],
        axis=0,
    )
    is_late = venues["category"].is_in(["bar", "nightclub"]).to_numpy()
    assert gap[is_late].max() < 600
    assert 0.6 < np.mean(gap < 900) < 0.9
    assert premises.n_venues.max() >= 10


def test_sites_are_those_of_the_specification(any_ground: Ground) -> None:
    sites = any_ground.premises.excluded_sites
    assert Counter(sites["kind"]) == {
        "police_custody": 1,
        "police_station": 2,  # the third station is the one with custody
        "hospital": 1,
        "prison": 1,
        "court": 1,
        "school": any_ground.profile.n_schools,
    }
    cells = _cells(any_ground.county, sites)
    assert len(np.unique(cells)) == len(cells)
    assert any_ground.premises.site("hospital") == tuple(
        sites.filter(pl.col("kind") == "hospital").select("easting", "northing").row(0)
    )


def test_custody_stands_beside_the_busiest_cell(any_ground: Ground) -> None:
    county, premises = any_ground.county, any_ground.premises
    (custody,) = _cells(
        county, premises.excluded_sites.filter(pl.col("kind") == "police_custody")
    ).tolist()
    busiest = int(premises.n_venues.argmax())
    i, j = county.pairs
    assert custody != busiest and custody in j[i == busiest]
    # with its radius of 50 m it stays in its cell, which is 165 m from the middle to a side
    e, n = premises.site("police_custody")
    assert np.hypot(e - county.easting[custody], n - county.northing[custody]) < 2


def test_default_geocodes_lie_in_the_county(any_ground: Ground) -> None:
    frame = any_ground.premises.default_geocodes
    assert len(np.unique(_cells(any_ground.county, frame))) == 3
    assert frame["reason"].n_unique() == 3


def test_only_licences_after_midnight_are_late(any_ground: Ground) -> None:
    for end, late in any_ground.premises.venues.select("licence_end_time", "late_licence").rows():
        assert (late == "true") == ("00:00" < end < "06:00")


def test_a_kind_with_several_sites_is_not_one_site(any_ground: Ground) -> None:
    with pytest.raises(pl.exceptions.TooManyRowsReturnedError):
        any_ground.premises.site("school")
