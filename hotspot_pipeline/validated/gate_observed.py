"""What an expectation was held against: the number observed, and its threshold in words.

Belongs here: a share, a count or a highest value for the kinds of expectation that the contracts
use. Does not belong here: whether it passed (`gate` asks great-expectations).

The numbers are worked out in polars, because great-expectations is asked for passed or failed only.
They never hold the value of a row. A kind that is not listed has no number and its own name for a
threshold.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from hotspot_pipeline.feeds.contract import Expectation
from hotspot_pipeline.validated.gate_frames import expectation_columns


def observed_value(
    expectation: Expectation, frame: pl.DataFrame, n_rows: int
) -> float | str | None:
    """None where there is no such number: another kind, a missing argument, the wrong type."""
    if expectation.expectation not in _KINDS:
        return None
    try:
        return _KINDS[expectation.expectation][0](frame, expectation, n_rows)
    except (KeyError, TypeError, ValueError, pl.exceptions.PolarsError):
        return None


def threshold_text(expectation: Expectation) -> str:
    if expectation.expectation not in _KINDS:
        return expectation.expectation
    return _KINDS[expectation.expectation][1](expectation)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _bounds(expectation: Expectation) -> str:
    low, high = (expectation.kwargs.get(key) for key in ("min_value", "max_value"))
    parts = [
        f"at least {low}" if low is not None else "",
        f"at most {high}" if high is not None else "",
    ]
    return " and ".join(part for part in parts if part) or "any"


def _n_not_in_set(frame: pl.DataFrame, expectation: Expectation, n_rows: int) -> float | str | None:
    column = frame[expectation.kwargs["column"]].cast(pl.String)
    allowed = pl.Series([str(value) for value in expectation.kwargs["value_set"]], dtype=pl.String)
    return float((~column.is_in(allowed.implode())).sum())


def _n_not_matching(
    frame: pl.DataFrame, expectation: Expectation, n_rows: int
) -> float | str | None:
    # None, by an error, for a pattern that only Python's re can read
    column = frame[expectation.kwargs["column"]]
    return float((~column.str.contains(expectation.kwargs["regex"])).sum())


def _n_repeated(frame: pl.DataFrame, expectation: Expectation, n_rows: int) -> float | str | None:
    keys = frame.select(expectation_columns(expectation)).drop_nulls()
    return float(keys.height - keys.n_unique())


def _none_of(rows: str) -> Callable[[Expectation], str]:
    """The threshold of an expectation on every row, or on the share `mostly` of them."""

    def threshold(expectation: Expectation) -> str:
        mostly = float(expectation.kwargs.get("mostly", 1))
        return f"{rows}: 0" if mostly >= 1 else f"{rows}: at most {1 - mostly:.3%} of the rows"

    return threshold


_Observe = Callable[[pl.DataFrame, Expectation, int], float | str | None]
_KINDS: dict[str, tuple[_Observe, Callable[[Expectation], str]]] = {
    "ExpectTableRowCountToBeBetween": (lambda f, e, n: float(n), lambda e: f"rows: {_bounds(e)}"),
    "ExpectColumnMeanToBeBetween": (
        lambda f, e, n: _number(f[e.kwargs["column"]].mean()),
        lambda e: f"share or mean: {_bounds(e)}",
    ),
    "ExpectColumnMaxToBeBetween": (
        lambda f, e, n: _number(f[e.kwargs["column"]].max()),
        lambda e: f"highest: {_bounds(e)}",
    ),
    "ExpectColumnValuesToNotBeNull": (
        lambda f, e, n: float(f[e.kwargs["column"]].null_count()),
        _none_of("rows without a value"),
    ),
    "ExpectColumnValuesToBeInSet": (_n_not_in_set, _none_of("rows with another value")),
    "ExpectColumnValuesToMatchRegex": (_n_not_matching, _none_of("rows that do not match")),
    "ExpectColumnValuesToBeUnique": (_n_repeated, _none_of("repeated rows")),
    "ExpectCompoundColumnsToBeUnique": (_n_repeated, _none_of("repeated rows")),
}
