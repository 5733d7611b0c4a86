"""Typing: every column type, what it refuses, and nothing guessed."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

import polars as pl
import pytest

from hotspot_pipeline.feeds.contract import ContractError, FeedContract, parse_contract
from hotspot_pipeline.validated.typing import type_columns


def contract_of(column: dict[str, Any], **more: Any) -> FeedContract:
    return parse_contract(
        {
            "feed": "test",
            "table": "venues",
            "description": "",
            "delivery": {"files": ["*.csv"], "kind": "full"},
            "columns": {"it": column},
            **more,
        },
        "test.yml",
    )


def typed(column: dict[str, Any], *values: str | None, **more: Any) -> tuple[list[Any], list[str]]:
    """The typed values, and the rules that values broke."""
    raw = pl.DataFrame(
        {"source_file": "f", "line_no": range(len(values)), "it": values},
        schema={"source_file": pl.String, "line_no": pl.Int64, "it": pl.String},
    )
    found = type_columns(raw, contract_of(column, **more))
    problems = [f"{row}:{rule}" for row, rule in found.problems.select("row", "rule").iter_rows()]
    return found.frame["it"].to_list(), problems


@pytest.mark.parametrize(
    ("column", "good", "expected"),
    [
        ({"type": "text"}, [" a b ", "", "  ", None], ["a b", None, None, None]),
        ({"type": "integer"}, ["12", "-3", "12.0", "+7"], [12, -3, 12, 7]),
        ({"type": "decimal"}, ["1.5", "-2", " 3e2 "], [1.5, -2.0, 300.0]),
        ({"type": "boolean"}, ["1", "Yes", "TRUE", "n", "0", ""], [True, True, True, False, False, None]),
        ({"type": "date"}, ["2024-02-29"], [date(2024, 2, 29)]),
        ({"type": "time"}, ["02:30", "23:59:30", "24:00"], [time(2, 30), time(23, 59, 30), time(0)]),
        ({"type": "month"}, ["2024-02"], [date(2024, 2, 1)]),
        ({"type": "timestamp"}, ["2024-02-29 23:59:59"], [datetime(2024, 2, 29, 23, 59, 59)]),
        ({"type": "code", "allowed": ["C1", "C2"]}, ["c1", " C2 "], ["C1", "C2"]),
        (
            {"type": "code", "allowed": ["street"], "codes": {"ST": "street"}},
            ["st", "Street"],
            ["street", "street"],
        ),
        ({"type": "code", "codes": {"ST": "street"}}, ["st", "lane"], ["street", "lane"]),
        ({"type": "text", "codes": {"N": "niche"}}, ["n", "Other"], ["niche", "Other"]),
        ({"type": "codes"}, ["A|B", "A; B ;", "A"], ["A|B", "A|B", "A"]),
        ({"type": "codes", "allowed": ["A", "B"]}, ["b|a", None], ["B|A", None]),
    ],
)  # fmt: skip
def test_good_values(column: dict[str, Any], good: list[str], expected: list[Any]) -> None:
    values, problems = typed(column, *good)
    assert values == expected
    assert problems == []


@pytest.mark.parametrize(
    ("column", "bad", "rule"),
    [
        ({"type": "integer"}, "12.5", "not_an_integer"),
        ({"type": "integer"}, "1e3", "not_an_integer"),
        ({"type": "decimal"}, "12,5", "not_a_number"),
        ({"type": "decimal"}, "nan", "not_a_number"),
        ({"type": "decimal"}, "inf", "not_a_number"),
        ({"type": "boolean"}, "maybe", "not_a_boolean"),
        ({"type": "date"}, "2023-02-29", "not_a_date"),
        ({"type": "date"}, "29/02/2024", "not_a_date"),
        ({"type": "time"}, "24:30", "not_a_time"),
        ({"type": "month"}, "2024-13", "not_a_month"),
        ({"type": "month"}, "2024-01-01", "not_a_month"),
        ({"type": "timestamp"}, "2024-02-30 10:00:00", "not_a_timestamp"),
        ({"type": "timestamp"}, "29/02/2024 10:00:00", "not_a_timestamp"),
        ({"type": "code", "allowed": ["C1"]}, "C9", "not_allowed_code"),
        ({"type": "codes", "allowed": ["A"]}, "A|X", "not_allowed_code"),
        ({"type": "text", "has_value": True}, "  ", "value_missing"),
        ({"type": "integer", "has_value": True}, None, "value_missing"),
    ],
)
def test_bad_values_are_problems_and_null(column: dict[str, Any], bad: str, rule: str) -> None:
    values, problems = typed(column, bad)
    assert values == [None]
    assert problems == [f"0:{rule}"]


def test_a_problem_names_its_row_column_and_delivered_value() -> None:
    raw = pl.DataFrame({"source_file": "f", "line_no": [7, 8], "it": ["1", " x "]})
    problems = type_columns(raw, contract_of({"type": "integer"})).problems
    assert problems.to_dicts() == [
        {
            "row": 1,
            "column": "it",
            "value": "x",
            "rule": "not_an_integer",
            "message": "it is not a whole number",
        }
    ]


def test_constants_fill_what_is_empty_and_only_that() -> None:
    values, problems = typed(
        {"type": "text", "has_value": True}, "", None, "own", constants={"it": "filled"}
    )
    assert values == ["filled", "filled", "own"]
    assert problems == []


def test_a_raw_frame_without_a_column_of_the_contract_is_refused() -> None:
    raw = pl.DataFrame({"source_file": ["f"], "line_no": [1]})
    with pytest.raises(ContractError, match="no column 'it'"):
        type_columns(raw, contract_of({"type": "text"}))


def test_types_of_an_empty_extract() -> None:
    values, problems = typed({"type": "timestamp"})
    assert values == []
    assert problems == []
