"""The row hash against its definition in plain Python, and what it must and must not see."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from hotspot_pipeline.validated.row_hash import row_hash

from .conftest import Row, Validate

MASK = 2**64 - 1


def mixed(z: int) -> int:
    z = (z + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def text_word(text: str) -> int:
    return int(hashlib.blake2b(text.encode(), digest_size=8).hexdigest(), 16)


def word(value: Any) -> int:
    if isinstance(value, str):
        return text_word(value)
    if isinstance(value, float):
        return int(struct.unpack("<Q", struct.pack("<d", value + 0.0))[0])
    return int(value) & MASK


def hash_in_python(row: dict[str, Any]) -> str:
    total = sum(mixed((word(v) + text_word(n)) & MASK) for n, v in row.items() if v is not None)
    return f"{mixed(total & MASK):016x}"


def hash_of(rows: Sequence[dict[str, Any]], schema: dict[str, Any]) -> list[str]:
    frame = pl.DataFrame(rows, schema=schema)
    return row_hash(frame.get_columns(), frame.height).to_list()


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "t": st.none() | st.text(max_size=20),
                "n": st.none() | st.integers(-(2**63), 2**63 - 1),
                "x": st.none() | st.floats(allow_nan=False),
                "b": st.none() | st.booleans(),
            }
        ),
        max_size=20,
    )
)
def test_equal_to_its_definition(rows: list[dict[str, Any]]) -> None:
    schema = {"t": pl.String, "n": pl.Int64, "x": pl.Float64, "b": pl.Boolean}
    assert hash_of(rows, schema) == [hash_in_python(row) for row in rows]


def test_it_stays_what_it_is() -> None:
    """A stored hash is compared with new ones for years: this value may never change."""
    row = {"crime": "23/1/24", "easting": 431912.0, "count": 3}
    assert hash_of([row], {"crime": pl.String, "easting": pl.Float64, "count": pl.Int64}) == [
        hash_in_python(row)
    ]
    assert hash_in_python(row) == "5a8db8608d13d2ff"


def test_neither_the_order_of_columns_nor_empty_ones_matter() -> None:
    first = hash_of([{"a": "x", "b": "y"}], {"a": pl.String, "b": pl.String})
    second = hash_of([{"b": "y", "a": "x"}], {"b": pl.String, "a": pl.String})
    wider = hash_of(
        [{"a": "x", "b": "y", "c": None}], {"a": pl.String, "b": pl.String, "c": pl.Int64}
    )
    assert first == second == wider


def test_the_two_zeros_are_one_number() -> None:
    minus, plus = hash_of([{"x": -0.0}, {"x": 0.0}], {"x": pl.Float64})
    assert minus == plus


def test_exchanged_values_are_another_row() -> None:
    schema = {"a": pl.String, "b": pl.String}
    one, other, neither = hash_of(
        [{"a": "x", "b": "y"}, {"a": "y", "b": "x"}, {"a": "x", "b": "x"}], schema
    )
    assert len({one, other, neither}) == 3


def content(validate: Validate, row: Row, **more: Any) -> str:
    accepted = validate("crime_extract", {"crime_number": "A", **row}, **more).accepted
    assert accepted.height == 1
    return str(accepted["row_hash"][0])


def test_what_is_the_same_content_of_a_crime(validate: Validate) -> None:
    plain = content(validate, {})
    assert content(validate, {"committed_from_local": "05/01/2024 22:00"}) == plain
    assert content(validate, {"easting": " 431912.0 "}) == plain
    assert content(validate, {"location_type": "STREET"}) == plain
    assert content(validate, {"source_last_modified": "2024-01-20 10:00"}) == plain
    assert content(validate, {"offence_desc": "other words"}) == plain
    assert content(validate, {}, extract_id="another", source_file="another.csv") == plain
    assert content(validate, {}, boundary=None) == plain


def test_what_is_another_content_of_a_crime(validate: Validate) -> None:
    changes: list[Row] = [
        {},
        {"crime_number": "B"},
        {"easting": "431913"},
        {"northing": "265735"},
        {"easting": "SP 31912 65734", "northing": None},
        {"easting": "SP 31912 65735", "northing": None},
        {"flag_da": "0"},
        {"flag_da": "1"},
        {"flag_hate": "1"},
        {"committed_from_local": "2024-01-05 22:00:01"},
        {"committed_to_local": "2024-01-06"},
        {"committed_to_local": "2024-01-06 00:00"},
        {"ho_outcome_code": "16"},
        {"record_status": "cancelled", "cancel_reason": "C2"},
    ]
    hashes = [content(validate, change) for change in changes]
    assert len(set(hashes)) == len(changes)
