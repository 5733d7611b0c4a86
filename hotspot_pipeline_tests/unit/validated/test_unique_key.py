"""One row for each key: which is kept, and how the others are called."""

from __future__ import annotations

from .conftest import Row, Validate


def crime(number: str, **more: str | None) -> Row:
    return {"crime_number": number, **more}


def kept_and_rejected(validate: Validate, *rows: Row) -> tuple[list[int], dict[int, str]]:
    found = validate("crime_extract", *rows)
    rejects = dict(found.rejects.select("line", "rule").iter_rows())
    return found.accepted["line_no"].to_list(), rejects


def test_the_same_row_twice_is_a_duplicate_of_the_kept_one(validate: Validate) -> None:
    assert kept_and_rejected(validate, crime("A"), crime("B"), crime("A")) == (
        [3, 4],
        {2: "duplicate_row"},
    )


def test_rows_that_differ_in_spelling_only_are_the_same(validate: Validate) -> None:
    again = crime("A ", committed_from_local="05/01/2024 22:00", easting="431912.0")
    assert kept_and_rejected(validate, crime("A"), again) == ([3], {2: "duplicate_row"})


def test_of_rows_that_differ_the_last_is_kept(validate: Validate) -> None:
    rows = (crime("A"), crime("A", location_type="park"), crime("A", location_type="retail"))
    assert kept_and_rejected(validate, *rows) == ([4], {2: "unique_key", 3: "unique_key"})


def test_the_source_s_own_time_of_modification_goes_before_the_line(validate: Validate) -> None:
    rows = (
        crime("A", source_last_modified="2024-01-20 10:00", location_type="park"),
        crime("A", source_last_modified="2024-01-19 10:00"),
        crime("A"),
    )
    assert kept_and_rejected(validate, *rows) == ([2], {3: "unique_key", 4: "unique_key"})


def test_a_broken_row_does_not_displace_a_good_one(validate: Validate) -> None:
    rows = (crime("A"), crime("A", ho_offence_code="nonsense"))
    assert kept_and_rejected(validate, *rows) == ([2], {3: "known_offence_code"})


def test_the_same_number_in_two_systems_is_two_crimes(validate: Validate) -> None:
    rows = (crime("A"), crime("A", source_system="athena"))
    assert kept_and_rejected(validate, *rows) == ([2, 3], {})


def test_a_reject_says_which_line_is_kept_and_shows_no_number(validate: Validate) -> None:
    found = validate("crime_extract", crime("23/77/24"), crime("23/77/24", location_type="park"))
    reject = found.rejects.to_dicts()[0]
    assert "line 3" in reject["message"]
    assert reject["value"] == "*** (8 characters)"
    assert reject["record_pid"] == found.accepted["crime_pid"][0]


def test_a_feed_without_a_key_keeps_repeats(validate: Validate) -> None:
    asb = {"crime_number": None, "policeuk_category": "Anti-social behaviour"}
    assert validate("police_uk_street", asb, asb, asb).counts["n_accepted"] == 3
