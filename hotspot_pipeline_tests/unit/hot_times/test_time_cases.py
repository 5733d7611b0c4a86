"""Every event has one case, midnight stamps are unknown, and real rows are all accounted for."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from hotspot_pipeline.feeds.timestamps import clock_column
from hotspot_pipeline.hot_times.aoristic import WEIGHT_UNIT, event_hours, hour_sums
from hotspot_pipeline.hot_times.time_cases import (
    TIME_CASES,
    account,
    is_reported_late,
    temporal_quality,
    time_case,
)
from hotspot_pipeline.timebase import PoliceTime
from hotspot_pipeline.validated.committed import time_known
from hotspot_pipeline_tests.unit.hot_times.made_windows import events

NOON = datetime(2024, 6, 3, 12)
HOUR = timedelta(hours=1)


def cases(table: pl.DataFrame) -> list[str]:
    case = time_case(pl.col("time_known"), pl.col("from_utc"), pl.col("to_utc"))
    return table.select(case).to_series().to_list()


@pytest.mark.parametrize(
    ("end", "case"),
    [
        (None, "no_end"),
        (NOON, "zero_length"),
        (NOON + timedelta(seconds=1), "up_to_24_h"),
        (NOON + 24 * HOUR, "up_to_24_h"),
        (NOON + 24 * HOUR + timedelta(seconds=1), "over_24_h"),
        (NOON + 168 * HOUR, "over_24_h"),
        (NOON + 168 * HOUR + timedelta(seconds=1), "over_168_h"),
        (NOON - timedelta(seconds=1), "unknown"),
    ],
)
def test_the_case_follows_from_the_length(end: datetime | None, case: str) -> None:
    assert cases(events((NOON, end))) == [case]


@pytest.mark.parametrize("known", ["date_only", "unknown", "month"])
def test_what_the_gate_says_of_the_time_stands(known: str) -> None:
    assert cases(events((NOON, NOON + HOUR), known=known)) == [known]


def test_missing_values_are_unknown_not_lost() -> None:
    table = events((NOON, None)).with_columns(from_utc=pl.lit(None, pl.Datetime("us")))
    assert cases(table) == ["unknown"]
    assert cases(events((NOON, None)).with_columns(time_known=pl.lit(None, pl.String))) == [
        "unknown"
    ]


def test_an_end_that_is_before_its_start_only_in_real_time_is_unknown() -> None:
    """01:30 does not exist on 31 March 2024 and is 02:30 summer time, which is after 02:10."""
    police_time = PoliceTime()
    start = police_time.instant(datetime(2024, 3, 31, 1, 30))
    end = police_time.instant(datetime(2024, 3, 31, 2, 10))
    assert cases(events((start, end))) == ["unknown"]


def test_quality() -> None:
    table = pl.DataFrame({"case": pl.Series(TIME_CASES, dtype=pl.Enum(TIME_CASES))})
    usual = table.select(temporal_quality(pl.col("case"))).to_series().to_list()
    assert usual == ["good", "good", "good", "low", None, None, None, None]
    spread = table.select(temporal_quality(pl.col("case"), long_window="spread")).to_series()
    assert spread.to_list() == ["good", "good", "good", "low", "low", None, None, None]


def test_morning_calls_are_marked() -> None:
    table = pl.DataFrame(
        {"source": ["asb", "asb", "asb", "crime", "asb"], "h": [30, 33, 34, 30, None]}
    )
    marked = table.select(is_reported_late(pl.col("source"), pl.col("h"))).to_series()
    assert marked.to_list() == [True, True, False, False, None]


def test_vehicle_thefts_of_new_york_are_all_accounted_for(shared_data: Path) -> None:
    path = shared_data / "incidents" / "nyc_vehicle_thefts_2014_from_to.csv.gz"
    delivered = pl.read_csv(path, columns=["uid", "date_start", "date_end"])
    police_time = PoliceTime("America/New_York")
    local = delivered.select(
        pl.col("uid").alias("event_id"),
        pl.col("date_start")
        .str.to_datetime("%Y-%m-%d %H:%M", time_unit="us")
        .alias("committed_from_local"),
        pl.col("date_end")
        .str.to_datetime("%Y-%m-%d %H:%M", time_unit="us")
        .alias("committed_to_local"),
        pl.lit(True).alias(clock_column("committed_from_local")),
        pl.lit(True).alias(clock_column("committed_to_local")),
    )
    table = local.select(
        "event_id",
        time_known=time_known(),
        from_utc=police_time.to_utc(pl.col("committed_from_local")),
        to_utc=police_time.to_utc(pl.col("committed_to_local")),
    )
    case = time_case(pl.col("time_known"), pl.col("from_utc"), pl.col("to_utc"))
    found = account(table.select(case).to_series())
    assert found["n_events"].sum() == 35_746
    counts = dict(found.rows())
    # the file's own figures, by the wall clock: 2,852 without an end, 512 of zero length, 7,795 over
    # 24 hours, of which 2,842 over 168
    start, end = pl.col("committed_from_local"), pl.col("committed_to_local")
    assert local.filter(end.is_null()).height == 2_852
    assert local.filter(end == start).height == 512
    assert local.filter(end - start > timedelta(hours=24)).height == 7_795
    assert local.filter(end - start > timedelta(hours=168)).height == 2_842
    # here: 17, 2 and 2 stamps of midnight stand for a date, and across the autumn change one window is
    # over 168 hours only in real time
    assert counts == {
        "no_end": 2_835, "zero_length": 510, "up_to_24_h": 24_584, "over_24_h": 4_953,
        "over_168_h": 2_843, "date_only": 21, "unknown": 0, "month": 0,
    }  # fmt: skip
    n_usable = sum(counts[c] for c in ("no_end", "zero_length", "up_to_24_h", "over_24_h"))
    rows = event_hours(table, police_time)
    assert rows["event_id"].n_unique() == n_usable
    assert rows["weight"].sum() == n_usable * WEIGHT_UNIT
    assert hour_sums(table, police_time)["weight"].sum() == n_usable * WEIGHT_UNIT
