"""Texts that a spreadsheet would run."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot_pipeline.tabular import escape_formula

FORMULAS = [
    "=1+1", "=cmd|' /C calc'!A0", "+SUM(A1:A9)", "-2+3", "@SUM(1)", "\t=1", "\r=1", "\n=1", "  =1",
    "＝1", "＋1", "－1", "＠x", "-", "+", "=", "- 5 apples", "+44 1926 000000", "-1.5.2",
]  # fmt: skip
HARMLESS = ["", "High Street", "-1.5", "+3e5", "-.5", "5-1", "a=b", "'=1", "1,310", "é", " x"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_becomes_text(text: str) -> None:
    assert escape_formula(text) == "'" + text


@pytest.mark.parametrize("text", HARMLESS)
def test_other_text_stays(text: str) -> None:
    assert escape_formula(text) == text


def test_null_and_numbers_stay() -> None:
    assert escape_formula(None) is None
    numbers = pl.Series("n", [-1, None, 3])
    assert escape_formula(numbers).equals(numbers)


@given(st.lists(st.none() | st.text(max_size=8) | st.sampled_from(FORMULAS + HARMLESS)))
def test_a_column_is_escaped_as_its_values_are(texts: list[str | None]) -> None:
    column = escape_formula(pl.Series("t", texts, dtype=pl.String))
    assert column.name == "t"
    assert column.to_list() == [escape_formula(text) for text in texts]
