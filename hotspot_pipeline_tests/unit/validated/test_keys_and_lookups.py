"""The pseudonym key outside the warehouse, and the dated lookups with a force's own in their place."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from hotspot_pipeline.pseudonyms.hashing import PseudonymKeyError
from hotspot_pipeline.pseudonyms.keys import pseudonym_key
from hotspot_pipeline.validated.lookups import LookupFileError, read_lookups


def test_the_key_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "pseudonym.key"
    key = pseudonym_key(path)
    assert len(key) >= 32
    assert pseudonym_key(path) == key
    assert path.stat().st_mode & 0o077 == 0


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pseudonym.key"
    path.write_text("short\n")
    with pytest.raises(PseudonymKeyError, match="at least"):
        pseudonym_key(path)


def test_the_shipped_lookups(project_root: Path) -> None:
    found = read_lookups(project_root / "data" / "reference", {})
    offences = found["offence_codes"].rows
    assert offences.schema["cchi_days"] == pl.Decimal(12, 2)
    robbery = offences.filter(pl.col("cat_group") == "ROBBERY")
    assert set(robbery.get_column("cchi_days").drop_nulls()) == {Decimal("365.00")}
    assert offences.get_column("ho_offence_code").str.len_chars().unique().to_list() == [6]
    categories = found["policeuk_categories"].rows
    assert categories.height == 14
    # no weight is shipped for the public categories: they mix very different harm
    assert categories.get_column("cchi_days").null_count() == 14


def test_a_force_brings_its_own_weights(tmp_path: Path, project_root: Path) -> None:
    own = tmp_path / "categories.csv"
    own.write_text("crime_type,cat_group,police_generated,cchi_days\nRobbery,ROBBERY,false,365\n")
    found = read_lookups(project_root / "data" / "reference", {"policeuk_categories": own})[
        "policeuk_categories"
    ]
    assert found.rows.select("policeuk_category", "cchi_days").rows() == [
        ("Robbery", Decimal("365.00"))
    ]
    assert (
        found.version
        != read_lookups(project_root / "data" / "reference", {})["policeuk_categories"].version
    )


def test_two_periods_of_one_code_stay_apart(project_root: Path) -> None:
    offences = read_lookups(project_root / "data" / "reference", {})["offence_codes"].rows
    periods = offences.filter(pl.col("ho_offence_code") == "008/65").sort("valid_from")
    assert periods.height == 2
    assert periods.get_column("valid_to")[0] < periods.get_column("valid_from")[1]
    assert isinstance(periods.get_column("valid_from")[0], date)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LookupFileError, match="ho_offence_lookup.csv"):
        read_lookups(tmp_path, {})
