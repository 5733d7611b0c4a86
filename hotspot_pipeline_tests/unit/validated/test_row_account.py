"""Rows in = accepted + rejected, whatever is delivered, and what a reject shows of a row."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotspot_pipeline.feeds.contract import FILE_TABLES, shipped_contracts
from hotspot_pipeline.validated import extract as extract_module
from hotspot_pipeline.validated.extract import RowAccountError
from hotspot_pipeline.validated.rejects import REJECT_SCHEMA
from hotspot_pipeline.validated.tables import accepted_schema

from .conftest import GOOD_ROWS, Row, Validate

FEEDS = sorted(feed for feed, c in shipped_contracts().items() if c.table not in FILE_TABLES)
DIRT = st.sampled_from(
    ["", "  ", "NULL", "0", "-1", "1e309", "nan", "SP 319 657", "431912", "265734", "52.289", "-1.534",
     "2024-01-05 22:00:00", "05/01/2024", "31/02/2024 10:00", "1899-12-30 00:00", "2999-01-01 00:00",
     "merged", "cancelled", "A", "B", "23/1/24", "ASB", "C2", "yes", "a|b;;c", "\x00", "\ud7ff", "𝕏 ﷽", "=1+1",
     "POLYGON((0 0,1 0,1 1,0 0))", "x" * 500]
)  # fmt: skip


def dirty_rows(feed: str) -> st.SearchStrategy[list[Row]]:
    contract = shipped_contracts()[feed]
    good = GOOD_ROWS[feed]
    cells: dict[str, st.SearchStrategy[Any]] = {
        name: st.just(good.get(name)) | DIRT | st.none() | st.text(max_size=12)
        for name in contract.column_names
    }
    return st.lists(st.fixed_dictionaries({}, optional=cells), max_size=12)


@pytest.mark.parametrize("feed", FEEDS)
def test_every_row_is_accepted_or_rejected_exactly_once(feed: str, validate: Validate) -> None:
    contract = shipped_contracts()[feed]

    @settings(
        max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
    )
    @given(dirty_rows(feed))
    def check(rows: list[Row]) -> None:
        found = validate(feed, *rows)
        lines = found.accepted["line_no"].to_list() + found.rejects["line"].to_list()
        assert sorted(lines) == list(range(2, len(rows) + 2))
        assert found.counts["n_rows"] == len(rows)
        assert found.counts["n_accepted"] == found.accepted.height
        assert found.counts["n_rejected"] == found.rejects.height
        assert dict(found.accepted.schema) == accepted_schema(contract, (8, 9, 10))
        assert list(found.rejects.columns) == ["extract_id", *REJECT_SCHEMA]
        assert (
            found.rejects.select("rule", "message", "check").null_count().sum_horizontal().item()
            == 0
        )
        assert found.gate_frames.n_all == len(rows)
        assert found.gate_frames.n_accepted == found.accepted.height
        for number in found.accepted.select(pl.selectors.float()).get_columns():
            assert number.drop_nulls().is_finite().all()

    check()


def test_a_row_that_is_lost_stops_the_extract(
    validate: Validate, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = extract_module.conform
    monkeypatch.setattr(extract_module, "conform", lambda *a, **k: real(*a, **k).head(1))
    with pytest.raises(RowAccountError, match="2 rows in, 1 accepted and 0 rejected"):
        validate("crime_extract", {}, {})


def test_a_reject_has_one_line_with_the_first_rule_and_the_others(validate: Validate) -> None:
    found = validate(
        "crime_extract",
        {},
        {"ho_offence_code": "999/99", "easting": "0", "northing": "0", "flag_da": "perhaps"},
    )
    assert found.rejects.drop("record_pid").to_dicts() == [
        {
            "extract_id": "crimes-1",
            "source": "delivered.csv",
            "line": 3,
            "column": "flag_da",
            "value": "perhaps",
            "rule": "not_a_boolean",
            "check": "C1",
            "message": "flag_da is not one of 1, true, t, y, yes, 0, false, f, n, no",
            "also_broken": "known_offence_code,coordinates",
        }
    ]


@pytest.mark.parametrize(
    ("row", "value"),
    [
        ({"ho_offence_code": "999/99"}, "999/99"),
        ({"record_status": "Licensed premises"}, "Licensed premises"),
        ({"recorded_ts_local": "yesterday"}, "yesterday"),
        # the words of a neighbouring column in a column of times
        ({"recorded_ts_local": "Ann Other"}, "*** (9 characters)"),
        ({"easting": "0", "northing": "0"}, "easting=0, northing=0"),
        ({"ho_offence_code": "9" * 100}, "9" * 79 + "…"),
        # identifiers are masked, whatever they break
        (
            {"record_status": "merged", "merged_into": "M1", "crime_number": "M1"},
            "*** (2 characters)",
        ),
        ({"crime_number": None}, None),
    ],
)
def test_what_a_reject_shows(validate: Validate, row: Row, value: str | None) -> None:
    found = validate("crime_extract", row)
    assert found.rejects["value"].to_list() == [value]


def test_free_text_and_identifiers_never_reach_rejects_or_warnings(validate: Validate) -> None:
    secret = "4 Elm Row, Ann Other"
    text = {"offence_desc": secret, "occurrence_id": secret, "incident_ref": secret}
    found = validate(
        "crime_extract",
        {**text, "crime_number": secret, "ho_offence_code": "999/99"},
        {**text, "crime_number": secret + "2", "committed_to_local": "2024-01-05 21:00"},
        {**text, "crime_number": secret + "3"},
        {**text, "crime_number": secret + "3", "beat_code": "B"},
        {
            **text,
            "record_status": "merged",
            "merged_into": secret + "4",
            "crime_number": secret + "4",
        },
    )
    assert found.counts["n_rejected"] == 3
    assert found.warnings.height == 1
    for frame in (found.rejects, found.warnings, found.accepted):
        assert "Elm" not in frame.write_csv()


def test_warnings_count_accepted_rows_only_and_name_lines(validate: Validate) -> None:
    small = {"committed_to_local": "2024-01-05 21:00"}
    found = validate(
        "crime_extract", small, {**small, "ho_offence_code": "999/99"}, {}, *[small] * 6
    )
    assert found.warnings.to_dicts() == [
        {
            "rule": "committed_order_small",
            "check": "C5",
            "n_rows": 7,
            "message": "committed_from_local is after committed_to_local",
            "example_lines": "delivered.csv: 2, 5, 6, 7, 8",
        }
    ]


def test_counts_of_the_accepted_rows(validate: Validate) -> None:
    found = validate(
        "crime_extract",
        {},
        {"easting": None, "northing": None},
        {"committed_from_local": "2024-01-05"},
        {"easting": "460500"},
        {"easting": "470000"},
    )
    assert found.counts == {
        "n_rows": 5,
        "n_accepted": 4,
        "n_rejected": 1,
        "n_without_id": 0,
        "n_without_location": 1,
        "n_outside_force": 1,
        "n_without_hour": 1,
    }
