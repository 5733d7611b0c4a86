"""The demo as files: the same bytes again, names and headers as a force has them, counts."""

from __future__ import annotations

import ast
import csv
import hashlib
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from hotspot_pipeline.geo.boundary import Boundary
from hotspot_pipeline.simulator import DemoReport, write_demo_feed
from hotspot_pipeline_tests.unit.simulator.delivered import delivered_files

HEADERS = {
    "crime_extract": (
        "source_system crime_number occurrence_id incident_ref ho_offence_code offence_desc "
        "attempt_flag committed_from_local committed_to_local reported_ts_local recorded_ts_local "
        "easting northing geocode_quality location_type beat_code lsoa21cd flag_knife flag_firearm "
        "flag_alcohol flag_drugs flag_da flag_hate flag_online flag_business ho_outcome_code "
        "outcome_ts_local record_status cancel_reason merged_into source_last_modified"
    ),
    "asb_extract": (
        "incident_ref opened_ts_local closed_ts_local opening_code closing_codes nsir_category "
        "nsir_qualifier asb_type grade first_arrival_ts_local easting northing geocode_quality "
        "linked_crime_number duplicate_of partner_source"
    ),
    "venues": (
        "venue_id name category easting northing licence_end_time late_licence capacity_band "
        "valid_from valid_to source"
    ),
    "excluded_sites": (
        "site_id kind name easting northing radius_m polygon_wkt valid_from valid_to"
    ),
    "default_geocodes": "geocode_id easting northing radius_m reason valid_from valid_to",
}


def tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_same_seed_same_bytes_in_another_process(tmp_path: Path) -> None:
    write_demo_feed(tmp_path / "here", seed=3, n_weeks=8)
    script = (
        "import sys; from pathlib import Path; from hotspot_pipeline.simulator import *; "
        "write_demo_feed(Path(sys.argv[1]), seed=3, n_weeks=8)"
    )
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "7",
        "POLARS_MAX_THREADS": "1",
        "TZ": "Asia/Tokyo",
    }
    subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "there")], check=True, env=environment
    )
    assert tree(tmp_path / "here") == tree(tmp_path / "there")


def test_writing_again_changes_nothing_and_leaves_no_part_files(tmp_path: Path) -> None:
    write_demo_feed(tmp_path, n_weeks=8)
    before = tree(tmp_path)
    write_demo_feed(tmp_path, n_weeks=8)
    assert tree(tmp_path) == before
    assert not [name for name in before if name.endswith(".part")]


def test_another_seed_is_another_force(tmp_path: Path) -> None:
    write_demo_feed(tmp_path / "a", seed=3, n_weeks=8)
    write_demo_feed(tmp_path / "b", seed=4, n_weeks=8)
    first, second = tree(tmp_path / "a"), tree(tmp_path / "b")
    assert first.keys() == second.keys()
    assert not [name for name in first if first[name] == second[name]]


def test_files_are_named_and_placed_as_a_force_drops_them(demo: DemoReport) -> None:
    names = {(file.feed, file.name) for file in delivered_files(demo.landing)}
    nights = [datetime.fromisoformat("2026-06-16T02:00") + timedelta(days=k) for k in range(14)]
    expected = {
        ("crime_extract", "crime_full_20260615T0200.csv.gz"),
        ("asb_extract", "asb_full_20260615T0200.csv.gz"),
        ("venues", "venues_20260615T0200.csv"),
        ("excluded_sites", "excluded_sites_20260615T0200.csv"),
        ("default_geocodes", "default_geocodes_20260615T0200.csv"),
        # Sent a second time by hand, and something that is not a table at all.
        ("crime_extract", "crime_delta_20260620T0900.csv.gz"),
        ("crime_extract", "crime_delta_20260623T0900.csv"),
    }
    expected |= {("crime_extract", f"crime_delta_{n:%Y%m%dT%H%M}.csv.gz") for n in nights}
    expected |= {("asb_extract", f"asb_delta_{n:%Y%m%dT%H%M}.csv.gz") for n in nights}
    assert names == expected
    assert demo.start_local == datetime.fromisoformat("2025-12-29T06:00")
    assert demo.end_local == datetime.fromisoformat("2026-06-29T06:00")


def test_every_csv_has_the_canonical_header_and_even_lines(demo: DemoReport) -> None:
    uneven = []
    for file in delivered_files(demo.landing):
        if not file.is_csv:
            continue
        lines = list(file.lines())
        assert lines[0][1] == HEADERS[file.feed].split(), file.name
        uneven += [(file.name, number) for number, row in lines if len(row) != len(lines[0][1])]
    with (demo.truth / "dirt.csv").open(newline="") as listed:
        wrong = [
            (row["file"], int(row["line"]))
            for row in csv.DictReader(listed)
            if row["kind"] == "wrong_number_of_fields"
        ]
    assert uneven == wrong and len(wrong) == 1


def test_the_truth_lists_every_file_with_rows_and_hash(demo: DemoReport) -> None:
    with (demo.truth / "deliveries.csv").open(newline="") as listed:
        truth = {(row["feed"], row["file"]): row for row in csv.DictReader(listed)}
    found = delivered_files(demo.landing)
    assert set(truth) == {(file.feed, file.name) for file in found}
    for file in found:
        row = truth[file.feed, file.name]
        assert row["sha256"] == hashlib.sha256(file.data).hexdigest()
        n_rows = sum(1 for _ in file.lines()) - 1 if file.is_csv else 0
        assert int(row["n_rows"]) == n_rows, file.name
        assert row["kind"] == (file.kind if file.is_csv else "unreadable")
    assert [(d.feed, d.file) for d in demo.deliveries] == list(truth)


def test_sizes_are_those_of_a_small_force(demo: DemoReport) -> None:
    assert 8_000 <= demo.n_crimes <= 12_000
    assert 3_600 <= demo.n_asb <= 4_600
    full = next(f for f in delivered_files(demo.landing, "crime_extract") if f.kind == "full")
    assert 0.85 < sum(1 for _ in full.rows()) / demo.n_crimes < 0.97


def test_compressed_files_carry_no_time_or_name(demo: DemoReport) -> None:
    archives = [f for f in delivered_files(demo.landing) if f.name.endswith(".gz")]
    assert len(archives) == 31
    for file in archives:
        assert file.data[3] == 0 and file.data[4:8] == bytes(4), file.name


def test_truth_is_kept_away_from_what_is_delivered(demo: DemoReport) -> None:
    assert {path.name for path in demo.landing.iterdir()} == set(HEADERS)
    assert demo.truth.parent == demo.landing.parent == demo.boundary.parent
    assert not any(b"true_easting" in f.content for f in delivered_files(demo.landing))


def test_boundary_is_one_simple_area_of_the_midlands(demo: DemoReport) -> None:
    boundary = Boundary.read(demo.boundary)
    assert boundary.polygon_wgs84.is_valid and boundary.polygon_wgs84.geom_type == "Polygon"
    assert boundary.polygon_wgs84.exterior.is_ccw
    assert boundary.area_km2 == pytest.approx(500, abs=0.01)
    west, south, east, north = boundary.bounds_bng
    assert 430_000 < west < east < 470_000 and 245_000 < south < north < 290_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"end_local": datetime.fromisoformat("2026-06-28T06:00")}, "not a Monday 06:00"),
        ({"end_local": datetime.fromisoformat("2026-06-29T02:00")}, "not a Monday 06:00"),
        ({"end_local": datetime.fromisoformat("2026-06-29T06:00:01")}, "not a Monday 06:00"),
        ({"end_local": datetime.fromisoformat("2026-06-29T06:00Z")}, "time zone"),
        ({"n_nights": 7}, "at least 8"),
        ({"n_weeks": 5}, "at least four weeks"),
    ],
)
def test_arguments_that_cannot_work_are_refused(
    tmp_path: Path, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        write_demo_feed(tmp_path / "out", **arguments)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_the_simulator_stands_only_on_geo(project: Path) -> None:
    allowed = {"numpy", "polars", "shapely", "h3", "rich", *sys.stdlib_module_names}
    modules = sorted((project / "hotspot_pipeline" / "simulator").rglob("*.py"))
    assert len(modules) > 5
    for module in modules:
        for node in ast.walk(ast.parse(module.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                ours = f"{name}.".startswith(
                    ("hotspot_pipeline.geo.", "hotspot_pipeline.simulator.")
                )
                assert ours or name.split(".")[0] in allowed, f"{module.name} imports {name}"
