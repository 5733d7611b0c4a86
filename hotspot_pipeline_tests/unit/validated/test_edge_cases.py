"""Edge cases of the domain specification that the gate decides, by their numbers.

Not here: those of time (`unit/timebase`), of records and their history (`sql/history`).
"""

from __future__ import annotations

import pytest

from .conftest import Row, Validate

CRIME = "crime_extract"
EAST_EDGE = 461_000  # a kilometre beyond the square force: what lies further is turned away


def test_15_an_offence_code_out_of_its_time_is_taken_and_told(validate: Validate) -> None:
    in_2023 = {
        "committed_from_local": "2023-12-31",
        "reported_ts_local": "2023-12-31",
        "recorded_ts_local": "2023-12-31 23:59:59",
    }
    found = validate(
        CRIME,
        {"ho_offence_code": "001/01"},  # until 2023, recorded in 2024
        {"ho_offence_code": "001/01", **in_2023},
        {"ho_offence_code": "034/02"},  # anew from 2024
        {"ho_offence_code": "034/02", **in_2023},  # between two spans of validity
    )
    assert found.accepted.height == 4
    said = found.warnings.filter(rule="offence_code_in_date")
    assert said.select("n_rows", "example_lines").rows() == [(2, "delivered.csv: 2, 5")]


def test_17_on_the_line_is_inside(validate: Validate) -> None:
    on, beyond = ({"easting": str(e), "northing": "265734"} for e in (EAST_EDGE, EAST_EDGE + 1))
    found = validate(CRIME, {"easting": "460000", "northing": "265734"}, on, beyond)
    assert found.accepted["is_inside_force"].to_list() == [True, False]
    assert found.accepted["distance_outside_m"].to_list() == [0.0, 1000.0]
    assert found.rejects.select("line", "rule").rows() == [(4, "outside_force")]


@pytest.mark.parametrize(
    ("place", "is_taken"),
    [
        ({"easting": "265734", "northing": "431912"}, False),
        ({"easting": "52.289", "northing": "-1.534"}, False),
        ({"easting": "SP 319 657", "northing": None}, True),
    ],
)
def test_18_exchanged_columns_and_grid_letters(
    validate: Validate, place: Row, is_taken: bool
) -> None:
    found = validate(CRIME, place)
    if is_taken:
        assert found.rejects.is_empty()
        assert found.accepted.select("easting", "northing").rows() == [
            (431_950.0, 265_750.0)
        ]  # the middle of the 100 m square
    else:
        assert found.accepted.is_empty()
        assert found.rejects["rule"].to_list() == ["coordinates"]
