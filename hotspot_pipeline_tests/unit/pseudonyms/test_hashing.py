"""Pseudonyms against the standard library's HMAC."""

from __future__ import annotations

import hmac

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot_pipeline.pseudonyms.hashing import PseudonymKeyError, mask, pseudonymise


@given(
    st.lists(st.none() | st.text(max_size=80), max_size=30),
    st.binary(min_size=16, max_size=200),
)
def test_equal_to_the_library_s_hmac_for_any_text_and_key(
    values: list[str | None], key: bytes
) -> None:
    found = pseudonymise(pl.Series("x", values, dtype=pl.String), key)
    assert found.name == "x"
    assert found.to_list() == [
        None if value is None else hmac.new(key, value.encode(), "sha256").hexdigest()[:16]
        for value in values
    ]


def test_another_key_gives_another_pseudonym() -> None:
    value = pl.Series(["23/1/24"])
    assert pseudonymise(value, b"k" * 16)[0] != pseudonymise(value, b"l" * 16)[0]


@pytest.mark.parametrize("key", [b"", b"fifteen bytes.."])
def test_a_short_key_is_refused_without_showing_it(key: bytes) -> None:
    with pytest.raises(PseudonymKeyError, match=f"has {len(key)} bytes") as error:
        pseudonymise(pl.Series(["a"]), key)
    assert "fifteen" not in str(error.value)


def test_a_mask_keeps_the_length_only() -> None:
    shown = pl.select(mask(pl.lit("23/1/24"))).item()
    assert shown == "*** (7 characters)"
    assert pl.select(mask(pl.lit(None, dtype=pl.String))).item() is None
