"""The demo as files: the same bytes again, names and headers as a force has them, counts."""

from __future__ import annotations

import ast
import hashlib
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from hotspot_pipeline.feeds.contract import coming_contracts, shipped_contracts
from hotspot_pipeline.geo.boundary import Boundary
from hotspot_pipeline.simulator import PROFILES
from hotspot_pipeline_tests.unit.simulator.delivered import delivered_files
from hotspot_pipeline_tests.unit.simulator.small_force import OFFENCE_LOOKUP, Written, write_force

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
    write_force(tmp_path / "here", 3, PROFILES["tiny"])
    script = (
        "import sys; from pathlib import Path; from hotspot_pipeline.simulator import *; "
        "simulate(Path(sys.argv[1]), PROFILES['tiny'], 3, Options(), offence_lookup=Path(sys.argv[2]))"
    )
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "7",
        "POLARS_MAX_THREADS": "1",
        "TZ": "Asia/Tokyo",
        # another processor: numpy without its wide instructions
        "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 AVX512F AVX512CD AVX512_SKX",
    }
    subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "there"), str(OFFENCE_LOOKUP)],
        check=True,
        env=environment,
    )
    here, there = tree(tmp_path / "here"), tree(tmp_path / "there")
    assert len(here) > 150
    assert {name for name in here if here[name] != there.get(name)} == set()
    assert here.keys() == there.keys()


def test_writing_again_changes_nothing_and_leaves_no_part_files(tmp_path: Path) -> None:
    write_force(tmp_path, 3, PROFILES["tiny"])
    before = tree(tmp_path)
    write_force(tmp_path, 3, PROFILES["tiny"])
    assert tree(tmp_path) == before
    assert not [name for name in before if name.endswith(".part")]


def test_another_seed_is_another_force(tmp_path: Path) -> None:
    write_force(tmp_path / "a", 3, PROFILES["tiny"])
    write_force(tmp_path / "b", 4, PROFILES["tiny"])
    first, second = tree(tmp_path / "a"), tree(tmp_path / "b")
    assert len(first.keys() ^ second.keys()) <= 4  # a file that only some seeds have
    # a header alone is the same in any force, and so is the list of a night that brought only such files
    landed = [
        name for name in first if name.startswith("landing/") and _has_rows(tmp_path / "a" / name)
    ]
    assert len(landed) > 100
    assert not [name for name in landed if first[name] == second.get(name)]


def _has_rows(path: Path) -> bool:
    data = path.read_bytes()
    return path.suffix != ".csv" or data.count(b"\n") > 1


def test_files_are_named_and_placed_as_a_force_drops_them(demo: Written) -> None:
    names = {(file.feed, file.name) for file in delivered_files(demo.landing)}
    nights = [datetime.fromisoformat("2026-06-16T02:00") + timedelta(days=k) for k in range(14)]
    fulls = (
        "20260615T0200",
        "20260622T0200",
        "20260629T0200",
    )  # the first night, then each Sunday night
    expected = {
        ("venues", "venues_20260615T0200.csv"),
        ("excluded_sites", "excluded_sites_20260615T0200.csv"),
        ("default_geocodes", "default_geocodes_20260615T0200.csv"),
        # Sent a second time by hand, and something that is not a table at all.
        ("crime_extract", "crime_delta_20260620T0900.csv.gz"),
        ("crime_extract", "crime_delta_20260623T0900.csv"),
    }
    for name in ("crime", "asb"):
        expected |= {(f"{name}_extract", f"{name}_full_{stamp}.csv.gz") for stamp in fulls}
        expected |= {(f"{name}_extract", f"{name}_delta_{n:%Y%m%dT%H%M}.csv.gz") for n in nights}
    assert names == expected


def test_every_csv_has_the_canonical_header_and_even_lines(demo: Written) -> None:
    uneven = []
    for file in delivered_files(demo.landing):
        if not file.is_csv:
            continue
        lines = list(file.lines())
        assert lines[0][1] == HEADERS[file.feed].split(), file.name
        uneven += [(file.name, number) for number, row in lines if len(row) != len(lines[0][1])]
    wrong = [
        (row["file"], int(row["line"]))
        for row in demo.rows("dirt")
        if row["kind"] == "wrong_number_of_fields"
    ]
    assert uneven == wrong and len(wrong) == 1


def test_the_truth_lists_every_file_with_rows_and_hash(demo: Written) -> None:
    truth = {(row["feed"], row["file"]): row for row in demo.rows("deliveries")}
    found = delivered_files(demo.landing)
    assert set(truth) == {(file.feed, file.name) for file in found}
    for file in found:
        row = truth[file.feed, file.name]
        assert row["sha256"] == hashlib.sha256(file.data).hexdigest()
        n_rows = sum(1 for _ in file.lines()) - 1 if file.is_csv else 0
        assert int(row["n_rows"]) == n_rows, file.name
        assert row["kind"] == (file.kind if file.is_csv else "unreadable")


def test_sizes_are_those_of_the_profile(demo: Written) -> None:
    profile = demo.report.profile
    share = profile.volume * profile.n_weeks * 7 / 365.25
    assert demo.report.n_crimes == pytest.approx(40_000 * share, rel=0.10)
    assert demo.report.n_asb == pytest.approx(8_000 * 1.07 * share, rel=0.10)
    full = next(f for f in delivered_files(demo.landing, "crime_extract") if f.kind == "full")
    assert 0.85 < sum(1 for _ in full.rows()) / demo.report.n_crimes < 0.97


def test_compressed_files_carry_no_time_or_name(demo: Written) -> None:
    archives = [f for f in delivered_files(demo.landing) if f.name.endswith(".gz")]
    assert len(archives) == 2 * (14 + 3) + 1
    for file in archives:
        assert file.data[3] == 0 and file.data[4:8] == bytes(4), file.name


def test_truth_is_kept_away_from_what_is_delivered(demo: Written) -> None:
    assert {path.name for path in demo.landing.iterdir()} == {
        *shipped_contracts(),
        *coming_contracts(),
    } - {"police_uk_street"}
    assert demo.truth.parent == demo.landing.parent == demo.report.boundary.parent
    assert not any(b"true_easting" in f.content for f in delivered_files(demo.landing))
    for path in demo.landing.rglob("*.parquet"):
        columns = pl.read_parquet_schema(path)
        assert not [name for name in columns if "true" in name], path.name


def test_boundary_is_one_simple_area_of_the_midlands(demo: Written) -> None:
    boundary = Boundary.read(demo.report.boundary)
    assert boundary.polygon_wgs84.is_valid and boundary.polygon_wgs84.geom_type == "Polygon"
    assert boundary.polygon_wgs84.exterior.is_ccw
    assert boundary.area_km2 == pytest.approx(500, abs=0.01)
    west, south, east, north = boundary.bounds_bng
    assert 430_000 < west < east < 470_000 and 245_000 < south < north < 290_000


def test_the_simulator_stands_only_on_geo(project: Path) -> None:
    allowed = {"numpy", "polars", "shapely", "h3", "rich", "yaml", *sys.stdlib_module_names}
    modules = sorted((project / "hotspot_pipeline" / "simulator").rglob("*.py"))
    assert len(modules) > 40
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
