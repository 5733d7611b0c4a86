"""The contracts of the patrol feeds: sound in themselves, and what is delivered satisfies them."""

from __future__ import annotations

import polars as pl
import pytest

from hotspot_pipeline.feeds.contract import FeedContract, coming_contracts, shipped_contracts
from hotspot_pipeline.feeds.timestamps import require_clear_formats
from hotspot_pipeline.raw.reading import SourceTable, read_file
from hotspot_pipeline.simulator.patrol import feeds
from hotspot_pipeline.validated.typing import stripped_columns, type_stripped
from hotspot_pipeline_tests.unit.simulator.patrol.made_patrols import Delivered

FEEDS = ("patrol_places", "patrol_plan", "duties", "patrol_logs", "gps_pings")


def contract_of(feed: str) -> FeedContract:
    return {**coming_contracts(), **shipped_contracts()}[feed]


@pytest.mark.parametrize("feed", FEEDS)
def test_files_are_as_their_contract_says(feed: str, delivered: Delivered) -> None:
    contract = contract_of(feed)
    require_clear_formats(contract)
    files = sorted((delivered.out / "landing" / feed).iterdir())
    n_rows = 0
    for file in [files[0], files[len(files) // 2], files[-1]] if feed == "gps_pings" else files:
        (table,) = read_file(file)
        assert isinstance(table, SourceTable), table
        match = contract.resolve_header(
            [c for c in table.frame.columns if c in feeds.COLUMNS[feed]]
        )
        assert match.missing == ()
        assert match.extra == ()
        assert set(match.found) == set(feeds.COLUMNS[feed])
        raw = table.frame.rename({theirs: ours for ours, theirs in match.found.items()})
        head = raw.head(20_000).with_columns(
            *(pl.lit(None, pl.String).alias(c) for c in contract.column_names if c not in raw.columns),
            source_file=pl.lit(file.name), line_no=pl.int_range(2, pl.len() + 2),
        )  # fmt: skip
        typed = type_stripped(
            stripped_columns(
                head.select("source_file", "line_no", *contract.column_names), contract
            ),
            contract,
        )
        assert typed.problems.is_empty(), typed.problems
        n_rows += len(raw)
        if feed != "gps_pings":
            assert head.select(contract.key).is_duplicated().sum() == 0
    assert n_rows > 0


def test_the_contracts_mark_what_identifies_a_person_or_a_device() -> None:
    marked = {feed: {c.name for c in contract_of(feed).columns if c.identifier} for feed in FEEDS}
    assert marked == {
        "gps_pings": {"device_id", "callsign"}, "duties": {"device_id", "device_id_next_year", "officer", "crew_id", "callsign"},
        "patrol_logs": {"officers"}, "patrol_plan": set(), "patrol_places": set(),
    }  # fmt: skip
    assert contract_of("gps_pings").time_zone == "UTC"
    for feed in FEEDS:
        contract = contract_of(feed)
        assert contract.key
        assert all(contract.column(name).has_value for name in contract.key)
        assert list(contract.ambiguities()) == []
        for column in contract.columns:
            assert bool(column.allowed) == (column.type == "code"), f"{feed}.{column.name}"


def test_suppliers_own_names_are_understood() -> None:
    match = contract_of("gps_pings").resolve_header(
        ["ISSI", "TS", "Received At", "Longitude", "LAT", "Speed", "Status"]
    )
    assert match.found == {
        "device_id": "ISSI", "fix_ts_utc": "TS", "received_ts_utc": "Received At", "lon": "Longitude", "lat": "LAT",
        "speed_mps": "Speed", "status_code": "Status",
    }  # fmt: skip
    assert match.missing == ()
    duty = contract_of("duties").resolve_header(
        ["duty_ref", "ISSI", "Collar Number", "Book On", "Book Off", "deployment"]
    )
    assert duty.missing == ()
