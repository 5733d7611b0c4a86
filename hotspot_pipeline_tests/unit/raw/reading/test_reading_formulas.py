"""Escaping for spreadsheets: formulas yes, numbers and ordinary text no."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotspot_pipeline.raw.reading import escape_formula

DANGEROUS = [
    "=cmd|' /C calc'!A0",
    "+44 1926 410111",
    "-2+3",
    "@SUM(A1:A9)",
    "\t=1+1",
    "\r=1",
    "\n=1",
    "  =1+1",
    '=HYPERLINK("http://example.org","x")',
    "\uff1d1+1",
    "-",
    "-1.5\n=2",
    "--1",
]
HARMLESS = [
    "-1.5",
    "+3",
    "-.5",
    "-1e-7",
    "1,000",
    "On or near High Street",
    "",
    "a=b",
    "#N/A",
    "'x",
]


@pytest.mark.parametrize("text", DANGEROUS)
def test_formulas_are_escaped(text: str) -> None:
    assert escape_formula(text) == "'" + text


@pytest.mark.parametrize("text", HARMLESS)
def test_numbers_and_text_are_not(text: str) -> None:
    assert escape_formula(text) == text


def test_series() -> None:
    series = pl.Series("^n.*$", [*DANGEROUS, *HARMLESS, None])
    escaped = escape_formula(series)
    assert escaped.to_list() == ["'" + text for text in DANGEROUS] + [*HARMLESS, None]
    assert escaped.name == "^n.*$"
    numbers = pl.Series("n", [-1.5])
    assert escape_formula(numbers).equals(numbers)
    assert escape_formula(None) is None


@settings(deadline=None)
@given(st.lists(st.text(st.sampled_from("=+-@\t\r\n .1eEa'\uff0b\u00a0\u0661"), max_size=6)))
def test_series_and_text_agree(values: list[str]) -> None:
    series = pl.Series("v", values, dtype=pl.String)
    assert escape_formula(series).to_list() == [escape_formula(value) for value in values]
