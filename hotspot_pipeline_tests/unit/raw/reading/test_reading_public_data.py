"""Real deliveries: every row read, none bad, the fields those that a second reader finds."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest

from hotspot_pipeline.raw.reading import SourceTable, read_file


def read_all(paths: list[Path]) -> list[SourceTable]:
    tables = []
    for path in paths:
        [item] = read_file(path, columns_expected=["Crime ID", "Month"])
        assert isinstance(item, SourceTable), str(item)
        assert item.bad_lines.height == 0
        tables.append(item)
    return tables


@pytest.mark.parametrize(
    ("release", "force", "n_rows"),
    [
        ("2025_release_2026-07", "warwickshire", 51_198),
        ("2025_release_2026-07", "city-of-london", 8_875),
        ("2025_release_2026-02", "city-of-london", 8_875),
    ],
)
def test_a_year_of_police_uk(public_data: Path, release: str, force: str, n_rows: int) -> None:
    paths = sorted((public_data / "police_uk" / release).glob(f"*-{force}-street.csv.gz"))
    tables = read_all(paths)
    assert len(tables) == 12
    assert sum(table.n_records for table in tables) == n_rows
    for path, table in zip(paths, tables, strict=True):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
            header, *rows = csv.reader(stream, strict=True)
        assert table.frame.columns == [*header, "_line"]
        assert table.frame.drop("_line").rows() == [
            tuple(value or None for value in row) for row in rows
        ]
        assert set(table.frame["Month"]) == {path.name[:7]}


def test_no_violent_crime_is_lost_to_quoting(public_data: Path) -> None:
    folder = public_data / "police_uk" / "2025_release_2026-07"
    tables = read_all(sorted(folder.glob("*-warwickshire-street.csv.gz")))
    kinds = [kind for table in tables for kind in table.frame["Crime type"]]
    assert kinds.count("Violence and sexual offences") == 17_170
    assert kinds.count("Anti-social behaviour") == 10_978


@pytest.mark.parametrize(
    ("name", "n_rows"),
    [
        ("incidents/nyc_vehicle_thefts_2014_from_to.csv.gz", 35_746),
        ("incidents/memphis_robberies_2019.csv", 2_245),
        ("gps/cabspotting_5_cabs_2008.csv.gz", 110_714),
        ("venues/osm_pubs_warwickshire_leicestershire_2021.csv", 607),
        ("reference/ho_offence_codes_hmpps.csv", 3_039),
    ],
)
def test_other_public_files(public_data: Path, name: str, n_rows: int) -> None:
    [table] = read_all([public_data / name])
    assert table.n_records == n_rows
