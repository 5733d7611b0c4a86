"""The main job on real input: a year of data.police.uk for Warwickshire and the City of London."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import h3.api.basic_int as h3
import polars as pl
import pytest

from hotspot_pipeline.feeds.contract import shipped_contracts
from hotspot_pipeline.geo.boundary import Boundary
from hotspot_pipeline.timebase import PoliceTime
from hotspot_pipeline.validated.extract import GateContext, ValidatedExtract, validate_extract
from hotspot_pipeline.validated.gate import run_gate

from .conftest import DATA, KEY

AREAS = DATA / "boundaries" / "force_areas_warwickshire_leicestershire_derived.geojson"
CATEGORIES = Path(__file__).resolve().parents[3] / "data" / "reference" / "policeuk_categories.csv"
CONTRACT = shipped_contracts()["police_uk_street"]

pytestmark = pytest.mark.skipif(
    not (DATA / "police_uk").is_dir(), reason=f"the real public data is not at {DATA}"
)


def release(name: str, force: str) -> pl.DataFrame:
    frames = []
    for path in sorted((DATA / "police_uk" / name).glob(f"*-{force}-street.csv.gz")):
        rows = pl.read_csv(gzip.decompress(path.read_bytes()), infer_schema=False)
        found = CONTRACT.resolve_header(rows.columns).found
        frames.append(
            rows.select(
                pl.lit(path.name).alias("source_file"),
                pl.int_range(2, pl.len() + 2, dtype=pl.Int64).alias("line_no"),
                *(
                    (pl.col(found[c]) if c in found else pl.lit(None, dtype=pl.String)).alias(c)
                    for c in CONTRACT.column_names
                ),
            )
        )
    return pl.concat(frames)


def judged(rows: pl.DataFrame, boundary: Boundary | None) -> ValidatedExtract:
    context = GateContext(
        extract_id="release",
        extract_ts_utc=datetime(2026, 7, 1, tzinfo=UTC),
        received_at_utc=datetime(2026, 7, 20, tzinfo=UTC),
        police_time=PoliceTime(),
        pseudonym_key=KEY,
        boundary=boundary,
        lookups={"policeuk_categories": pl.read_csv(CATEGORIES, infer_schema=False)},
    )
    return validate_extract(rows, CONTRACT, context)


@pytest.fixture(scope="module")
def warwickshire() -> tuple[pl.DataFrame, ValidatedExtract]:
    rows = release("2025_release_2026-07", "warwickshire")
    return rows, judged(rows, Boundary.read(AREAS, where={"force": "Warwickshire"}))


def test_every_row_of_warwickshire_is_accepted(
    warwickshire: tuple[pl.DataFrame, ValidatedExtract],
) -> None:
    _, found = warwickshire
    assert found.counts == {
        "n_rows": 51_198,
        "n_accepted": 51_198,
        "n_rejected": 0,
        "n_without_id": 10_978,
        "n_without_location": 168,
        "n_outside_force": 670,
        "n_without_hour": 51_198,
    }
    assert set(found.warnings["rule"]) == {"outside_force"}


def test_repeats_and_rows_without_id_stay_what_they_were(
    warwickshire: tuple[pl.DataFrame, ValidatedExtract],
) -> None:
    rows, found = warwickshire
    accepted = found.accepted
    assert accepted.select("source_file", "line_no").equals(rows.select("source_file", "line_no"))
    for ours, theirs in (
        ("crime_pid", "crime_number"),
        ("policeuk_category", "policeuk_category"),
        ("location_desc", "location_desc"),
        ("outcome_desc", "outcome_desc"),
        ("lsoa21cd", "lsoa21cd"),
    ):
        assert accepted[ours].equals(rows[theirs])
    content = [c for c in rows.columns if c not in ("source_file", "line_no", "lsoa_name")]
    # equal content and equal hash are the same relation: 3,042 repeats, every one an ASB row
    assert accepted["row_hash"].n_unique() == rows.select(content).n_unique() == 51_198 - 3_042
    without_id = accepted.filter(pl.col("crime_pid").is_null())
    assert without_id["policeuk_category"].unique().to_list() == ["Anti-social behaviour"]


def test_cells_are_those_of_h3_for_the_delivered_coordinates(
    warwickshire: tuple[pl.DataFrame, ValidatedExtract],
) -> None:
    rows, found = warwickshire
    for resolution in (8, 9, 10):
        expected = [
            None if lon is None else h3.latlng_to_cell(float(lat), float(lon), resolution)
            for lon, lat in rows.select("lon", "lat").iter_rows()
        ]
        assert found.accepted[f"cell_r{resolution}"].to_list() == expected


def test_the_gate_passes_and_months_are_months(
    warwickshire: tuple[pl.DataFrame, ValidatedExtract],
) -> None:
    _, found = warwickshire
    assert all(outcome.passed for outcome in run_gate(found.gate_frames, CONTRACT))
    assert (
        found.accepted["month"]
        .dt.strftime("%Y-%m")
        .equals(found.accepted["source_file"].str.head(7).alias("month"))
    )


def test_two_releases_differ_in_outcomes_only() -> None:
    """The City of London's year in two releases: the same rows, 1,681 crimes with another outcome."""
    newer = judged(release("2025_release_2026-07", "city-of-london"), None).accepted
    older = judged(release("2025_release_2026-02", "city-of-london"), None).accepted
    assert newer.height == older.height == 8_875
    not_compared = ("row_hash", "line_no", "outcome_desc")
    same = [name for name in newer.columns if name not in not_compared]
    assert newer.select(same).sort(same).equals(older.select(same).sort(same))
    crimes = newer.filter(pl.col("crime_pid").is_not_null() & pl.col("crime_pid").is_unique())
    both = crimes.join(older, on="crime_pid", suffix="_older", validate="1:m")
    has_other_outcome = both["outcome_desc"].ne_missing(both["outcome_desc_older"])
    assert has_other_outcome.sum() == 1_681
    assert (both["row_hash"] != both["row_hash_older"]).equals(has_other_outcome)
