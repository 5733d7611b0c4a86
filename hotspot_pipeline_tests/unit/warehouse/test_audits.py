"""What follows from a contract is audited without being written down, and bad rows show no more than they must."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

CASES = """
description: Cases. One row per extract and line.
owner: team:analysts
grain: [extract, line]
columns:
  extract: {type: VARCHAR, required: true}
  line: {type: BIGINT, required: true}
  reference: {type: VARCHAR}
  status: {type: VARCHAR, required: true, allowed: [live, "o'clock"]}
  share: {type: DOUBLE}
"""
GOOD = {"extract": "e1", "line": 1, "reference": "SECRET/1/26", "status": "live", "share": 0.5}


def results(session: Any, contract: Any, *rows: dict[str, Any]) -> dict[str, Any]:
    session.ensure(contract)
    session.insert(contract, pl.DataFrame([{**GOOD, **r} for r in rows], schema={
        "extract": pl.String, "line": pl.Int64, "reference": pl.String, "status": pl.String, "share": pl.Float64}))  # fmt: skip
    return {a.audit.name: a for a in session.audit(contract)}


def test_good_rows_pass_every_audit(make_contract: Any, open_warehouse: Any) -> None:
    contract = make_contract(CASES, name="hexes.cases")
    with open_warehouse(contract).session() as session:
        found = results(session, contract, {}, {"line": 2, "status": "o'clock", "share": None})
    assert list(found) == ["grain_is_unique", "required_columns_present", "status_is_known", "numbers_are_finite"]  # fmt: skip
    assert all(a.passed and a.sample == "" for a in found.values())
    assert {a.audit.severity for a in found.values()} == {"error"}


@pytest.mark.parametrize(
    ("row", "audit", "sample"),
    [
        ({"line": 1}, "grain_is_unique", "extract=e1, line=1, n_rows=2"),
        ({"line": 2, "status": None}, "required_columns_present", "extract=e1, line=2, status=None"),
        ({"line": 2, "status": "LIVE"}, "status_is_known", "extract=e1, line=2, status=LIVE"),
        ({"line": 2, "share": float("inf")}, "numbers_are_finite", "extract=e1, line=2, share=inf"),
        ({"line": 2, "share": float("nan")}, "numbers_are_finite", "extract=e1, line=2, share=nan"),
    ],
)  # fmt: skip
def test_a_bad_row_is_found_and_shown_without_what_it_is_about(
    row: dict[str, Any], audit: str, sample: str, make_contract: Any, open_warehouse: Any
) -> None:
    contract = make_contract(CASES, name="hexes.cases")
    with open_warehouse(contract).session() as session:
        found = results(session, contract, {}, row)
    assert [n for n, a in found.items() if not a.passed] == [audit]
    assert (found[audit].n_bad_rows, found[audit].sample) == (1, sample)
    assert "SECRET" not in found[audit].sample


def test_a_long_value_is_cut_in_the_sample(make_contract: Any, open_warehouse: Any) -> None:
    contract = make_contract(CASES, name="hexes.cases")
    with open_warehouse(contract).session() as session:
        found = results(session, contract, {"status": "x" * 500})
    assert len(found["status_is_known"].sample) < 200
