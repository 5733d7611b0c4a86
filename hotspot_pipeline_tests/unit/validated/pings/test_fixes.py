"""Single fixes: each rule at its edge, and near the force against the boundary itself."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
import shapely

from hotspot_pipeline.feeds.contract import shipped_contracts
from hotspot_pipeline.geo.boundary import Boundary
from hotspot_pipeline.geo.transform import to_bng, to_wgs84, to_wgs84_geometry
from hotspot_pipeline.timebase import PoliceTime
from hotspot_pipeline.validated.gate import run_gate
from hotspot_pipeline.validated.pings.near import NearForce
from hotspot_pipeline.validated.pings.rows import Arrival, FixRules, judge_fixes
from hotspot_pipeline.validated.pings.summary import Summary

CONTRACT = shipped_contracts()["gps_pings"]
BOX = shapely.box(400_000, 230_000, 460_000, 300_000)
FORCE = Boundary(BOX, to_wgs84_geometry(BOX), "square")
READ = datetime(2026, 6, 9, 2, 30)
ARRIVAL = Arrival("gps_pings-1", datetime(2026, 6, 9, 1), READ)
GOOD = {"device_id": "00c0ffee00c0ffee", "fix_ts_utc": "2026-06-08T12:00:00", "received_ts_utc": "2026-06-08T12:00:05",
        "lon": "-1.534", "lat": "52.289"}  # fmt: skip


def raw(*rows: dict[str, str | None]) -> pl.DataFrame:
    schema = {**dict.fromkeys(CONTRACT.column_names, pl.String), "source_file": pl.String, "line_no": pl.Int64}  # fmt: skip
    return pl.DataFrame(
        [{**GOOD, "source_file": "f", "line_no": n, **row} for n, row in enumerate(rows, 2)],
        schema=schema,
    )


def rule_of(row: dict[str, str | None], **rules: object) -> str | None:
    judged = judge_fixes(raw(row), FixRules(CONTRACT, PoliceTime(), FORCE, **rules), ARRIVAL)  # type: ignore[arg-type]
    assert judged.stored.height + judged.refused.height == 1
    return judged.refused["rule"][0] if judged.refused.height else None


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({}, None),
        ({"received_ts_utc": "2026-06-08T11:58:00"}, None),
        ({"received_ts_utc": "2026-06-08T11:57:59"}, "fix_in_future"),
        ({"received_ts_utc": "2026-06-15T12:00:00"}, None),
        ({"received_ts_utc": "2026-06-15T12:00:01"}, "fix_too_old"),
        # 30 days late at the vendor
        ({"fix_ts_utc": "2026-05-09T12:00:00"}, "fix_too_old"),
        # the vendor's clock is wrong too: it was read before it was
        ({"fix_ts_utc": "2026-06-09T02:32:01", "received_ts_utc": "2026-06-09T02:33:00"}, "fix_in_future"),
        # without the vendor's time the extract's counts
        ({"received_ts_utc": None, "fix_ts_utc": "2026-06-02T01:00:00"}, None),
        ({"received_ts_utc": None, "fix_ts_utc": "2026-06-02T00:59:59"}, "fix_too_old"),
        ({"lon": None}, "no_position"),
        ({"lon": "unknown"}, "no_position"),
        ({"lon": "0", "lat": "0"}, "at_zero"),
        ({"lon": None, "lat": None, "easting": "0", "northing": "0"}, "at_zero"),
        ({"lon": "2.35", "lat": "48.85"}, "outside_force"),
        ({"lon": None, "lat": None, "easting": "470000", "northing": "260000"}, None),
        ({"lon": None, "lat": None, "easting": "470000.01", "northing": "260000"}, "outside_force"),
        ({"fix_ts_utc": "yesterday"}, "not_a_timestamp"),
        ({"fix_ts_utc": None}, "value_missing"),
        ({"device_id": None}, "value_missing"),
        ({"device_type": "drone"}, "not_allowed_code"),
        ({"speed_mps": "fast"}, "not_a_number"),
    ],
)  # fmt: skip
def test_rules(row: dict[str, str | None], rule: str | None) -> None:
    assert rule_of(row) == rule


def test_a_day_that_retention_has_removed_takes_nothing_more() -> None:
    # 04:59 UTC is 05:59 in summer: still the police day before
    row = {"fix_ts_utc": "2026-06-08T04:59:59", "received_ts_utc": "2026-06-08T05:00:00"}
    assert rule_of(row, keep_from=date(2026, 6, 8)) == "past_retention"
    assert rule_of(row, keep_from=date(2026, 6, 7)) is None


def test_degrees_and_metres_are_one_place() -> None:
    east, north = (round(float(v[0]), 3) for v in to_bng([-1.534], [52.289]))
    lon, lat = (float(v[0]) for v in to_wgs84([431_950.0], [265_750.0]))
    rows = raw({}, {"lon": None, "lat": None, "easting": str(east), "northing": str(north)},
               {"lon": str(lon), "lat": str(lat)})  # fmt: skip
    stored = judge_fixes(rows, FixRules(CONTRACT, PoliceTime(), FORCE), ARRIVAL).stored
    assert stored["easting"].to_list()[:2] == [east, east]
    assert stored["cell_r9"].to_list()[0] == stored["cell_r9"].to_list()[1] > 0
    assert stored["easting"][2] == pytest.approx(431_950, abs=0.002)
    assert stored["police_day"].to_list() == [date(2026, 6, 8)] * 3


def test_near_is_exact_at_every_distance() -> None:
    rng = np.random.default_rng(5)
    area = shapely.union_all([BOX, shapely.Point(470_000, 310_000).buffer(9_000)])
    boundary = Boundary(area, to_wgs84_geometry(BOX))
    x, y = rng.uniform(370_000, 500_000, 4000), rng.uniform(200_000, 340_000, 4000)
    expected = boundary.distance_outside_m(x, y) > 10_000
    assert 0.1 < expected.mean() < 0.9
    assert (NearForce(boundary, 10_000).is_far(x, y) == expected).all()


def test_the_gate_sees_shares_by_kind_of_device() -> None:
    rows = [{"device_type": "handheld"}] * 6 + [
        {"device_type": "handheld", "lon": "0", "lat": "0"},
        {"device_type": "handheld", "received_ts_utc": "2026-06-08T11:00:00"},
        {"device_type": "vehicle", "fix_type": "last_known"},
        {"device_type": "vehicle", "hdop": "7.5"},
        {"device_type": None},
    ]
    summary = Summary()
    rules = FixRules(CONTRACT, PoliceTime(), FORCE)
    for part in (rows[:4], rows[4:]):
        summary.add(judge_fixes(raw(*part), rules, ARRIVAL))
    found = {row["device_type"]: row for row in summary.frame().to_dicts()}
    assert found["handheld"]["refused_share"] == 0.25
    assert (found["handheld"]["outside_share"], found["handheld"]["future_share"]) == (0.125, 0.125)
    assert found["vehicle"]["poor_share"] == 1.0
    assert found["unknown"]["n_fixes"] == 1
    assert (summary.n_stored, summary.n_refused) == (9, 2)
    assert summary.refusals.rows() == [("at_zero", 1, "f", 4), ("fix_in_future", 1, "f", 5)]
    failed = {o.name for o in run_gate(summary.gate_frames(), CONTRACT) if not o.passed}
    assert failed == {"refused_share", "future_share", "outside_share", "poor_share"}


def test_an_empty_extract_passes_with_nothing_to_look_at() -> None:
    outcomes = {o.name: o for o in run_gate(Summary().gate_frames(), CONTRACT)}
    assert not outcomes.pop("has_rows").passed
    assert all(o.passed for o in outcomes.values())


def test_a_fix_keeps_its_seconds() -> None:
    row = {"fix_ts_utc": "2026-06-08T12:00:00.250Z"}
    stored = judge_fixes(raw(row), FixRules(CONTRACT, PoliceTime(), FORCE), ARRIVAL).stored
    assert stored["fix_ts_utc"][0] == datetime(2026, 6, 8, 12) + timedelta(milliseconds=250)
