"""The gate's suites: built, judged by great-expectations, never crashing, never talking to anyone."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hotspot_pipeline.feeds.contract import (
    ContractError,
    Expectation,
    FeedContract,
    shipped_contracts,
)
from hotspot_pipeline.validated.gate import GateOutcome, build_expectation, run_gate
from hotspot_pipeline.validated.gate_frames import (
    MIN_ROWS_FOR_A_SHARE,
    GateFrames,
    check_expectations,
    looks_at_all_rows,
    make_gate_frames,
)

from .conftest import Row, Validate

CRIMES = shipped_contracts()["crime_extract"]


def outcomes_of(frames: GateFrames, contract: FeedContract = CRIMES) -> dict[str, GateOutcome]:
    found = run_gate(frames, contract)
    assert [each.name for each in found] == [each.name for each in contract.expectations]
    return {each.name: each for each in found}


def with_expectations(*expectations: Expectation) -> FeedContract:
    return replace(CRIMES, expectations=expectations)


def expectation(kind: str, **kwargs: Any) -> Expectation:
    return Expectation("it", kind, "error", kwargs, "C1")


@pytest.mark.parametrize(
    ("feed", "name"),
    [(c.feed, e.name) for c in shipped_contracts().values() for e in c.expectations],
)
def test_every_expectation_of_every_contract_can_be_built(feed: str, name: str) -> None:
    contract = shipped_contracts()[feed]
    check_expectations(contract)
    chosen = next(e for e in contract.expectations if e.name == name)
    assert build_expectation(chosen).meta == {"hotspots_name": name}


def test_a_clean_extract_passes_with_what_was_observed(validate: Validate) -> None:
    found = outcomes_of(validate("crime_extract", *[{}] * 4).gate_frames)
    assert all(each.passed for each in found.values())
    assert found["has_rows"].observed == 4
    assert found["key_unique"].observed == 0
    assert found["located_share"].observed == 1
    # four rows are too few for a share of rejects: one bad row would hold the extract
    assert found["reject_share"].observed is None
    many = outcomes_of(validate("crime_extract", *[{}] * MIN_ROWS_FOR_A_SHARE).gate_frames)
    assert many["reject_share"] == GateOutcome(
        "reject_share",
        "C2",
        "error",
        True,
        0.0,
        "share or mean: at most 0.05",
        MIN_ROWS_FOR_A_SHARE,
    )
    # no point has enough rows to be called frequent
    assert found["top_coordinate_share"].reason == "no values to look at"


@pytest.mark.parametrize(
    ("name", "bad", "n_bad", "observed"),
    [
        ("reject_share", {"ho_offence_code": "9/9"}, 6, 0.06),
        ("unknown_code_share", {"ho_offence_code": "9/9"}, 1, 0.01),
        ("located_share", {"easting": None, "northing": None}, 4, 0.96),
        ("outside_force_share", {"easting": "460500"}, 1, 0.01),
        ("midnight_share", {"committed_from_local": "2024-01-05 00:00"}, 9, 0.09),
    ],
)
def test_a_share_beyond_its_threshold_fails(
    validate: Validate, name: str, bad: Row, n_bad: int, observed: float
) -> None:
    rows: list[Row] = [bad] * n_bad + [{}] * (100 - n_bad)
    found = outcomes_of(validate("crime_extract", *rows).gate_frames)[name]
    assert not found.passed
    assert found.observed == pytest.approx(observed)
    assert found.n_rows == 100
    assert found.holds_extract is (name == "reject_share")
    one_less = [*rows[1:], {}]
    again = outcomes_of(validate("crime_extract", *one_less).gate_frames)[name]
    assert again.passed


def test_the_share_of_the_most_frequent_point_among_located_rows(validate: Validate) -> None:
    spread: list[Row] = [{"easting": str(410_001 + 7 * i)} for i in range(190)]
    nowhere: list[Row] = [{"easting": None, "northing": None}] * 50
    found = outcomes_of(validate("crime_extract", *spread, *nowhere, *[{}] * 10).gate_frames)
    assert not found["top_coordinate_share"].passed
    assert found["top_coordinate_share"].observed == pytest.approx(0.05)
    found = outcomes_of(validate("crime_extract", *spread, *nowhere, *[{}] * 9).gate_frames)
    assert found["top_coordinate_share"].reason == "no values to look at"


def test_duplicate_calls_of_one_asb_event(validate: Validate) -> None:
    contract = shipped_contracts()["asb_extract"]
    rows: list[Row] = [{"duplicate_of": "x"}] * 3 + [{}] * 7
    found = outcomes_of(validate("asb_extract", *rows).gate_frames, contract)
    assert not found["duplicate_share"].passed
    assert found["duplicate_share"].observed == pytest.approx(0.3)


def test_an_empty_extract_is_not_held(validate: Validate) -> None:
    found = outcomes_of(validate("crime_extract").gate_frames)
    assert not any(each.holds_extract for each in found.values())
    assert found["has_rows"].passed is False
    assert found["reject_share"].reason == "no rows to look at"


def test_a_force_without_a_boundary_has_no_share_outside(validate: Validate) -> None:
    found = outcomes_of(validate("crime_extract", {}, boundary=None).gate_frames)[
        "outside_force_share"
    ]
    assert (found.passed, found.observed, found.reason) == (True, None, "no values to look at")


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (expectation("ExpectPigsToFly"), "has no 'ExpectPigsToFly'"),
        (expectation("ExpectColumnMeanToBeBetween", max_value=1), "expectation 'it'"),
        (expectation("ExpectColumnMeanToBeBetween", column="beat", max_value=1), "no column 'beat'"),
        (expectation("ExpectColumnMeanToBeBetween", column="source_system", max_value=1), "could not be run"),
        (expectation("ExpectColumnValuesToMatchRegex", column="crime_number", regex="("), "could not be run"),
    ],
)  # fmt: skip
def test_an_expectation_that_breaks_down_fails_with_the_reason(
    validate: Validate, wrong: Expectation, reason: str
) -> None:
    right = Expectation("fine", "ExpectColumnValuesToBeUnique", "error", {"column": "crime_number"})
    columns = ["source_system", "crime_number"]
    accepted = pl.DataFrame({"source_system": ["a", "b"], "crime_number": ["Ann Other", "y"]})
    frames = GateFrames(pl.DataFrame(), accepted.select(columns), 2, 2)
    found = outcomes_of(frames, with_expectations(wrong, right))
    assert not found["it"].passed
    assert reason in found["it"].reason
    assert "Ann" not in str(found)
    assert found["fine"].passed


def test_a_contract_with_a_wrong_column_is_refused_before_any_row(validate: Validate) -> None:
    wrong = with_expectations(expectation("ExpectColumnValuesToNotBeNull", column="beat"))
    with pytest.raises(ContractError, match=r"'it' names column 'beat'.*is_rejected"):
        validate("crime_extract", {}, contract=wrong)


@pytest.mark.parametrize(
    ("kind", "kwargs", "values", "passes", "observed"),
    [
        ("ExpectColumnValuesToBeUnique", {}, ["a", "b", "a", None], False, 1),
        ("ExpectColumnValuesToBeUnique", {}, ["a", "b", None, None], True, 0),
        ("ExpectColumnValuesToNotBeNull", {}, ["a", None], False, 1),
        ("ExpectColumnValuesToNotBeNull", {"mostly": 0.5}, ["a", None], True, 1),
        ("ExpectColumnValuesToBeInSet", {"value_set": ["a"]}, ["a", "b", None], False, 1),
        ("ExpectColumnValuesToBeInSet", {"value_set": ["a", "b"]}, ["a", "b", None], True, 0),
        ("ExpectColumnValuesToMatchRegex", {"regex": "^[ab]$"}, ["a", "ab", None], False, 1),
        ("ExpectColumnValuesToMatchRegex", {"regex": "^[ab]+$"}, ["a", "ab", None], True, 0),
        ("ExpectColumnValuesToMatchRegex", {"regex": "^(?!b)"}, ["a", "b"], False, None),
        ("ExpectColumnValueLengthsToBeBetween", {"max_value": 1}, ["a", "bb"], False, None),
    ],
)
def test_what_great_expectations_says_and_what_is_observed_agree(
    kind: str,
    kwargs: dict[str, Any],
    values: list[str | None],
    passes: bool,
    observed: float | None,
) -> None:
    contract = with_expectations(expectation(kind, column="crime_number", **kwargs))
    frame = pl.DataFrame({"crime_number": values}, schema={"crime_number": pl.String})
    found = outcomes_of(GateFrames(pl.DataFrame(), frame, 9, len(values)), contract)["it"]
    assert (found.passed, found.observed) == (passes, observed)
    assert found.n_rows == len(values)


def test_the_frames_hold_only_what_the_expectations_name(validate: Validate) -> None:
    frames = validate("crime_extract", {}, {"ho_offence_code": "9/9"}).gate_frames
    assert set(frames.accepted.columns) == {
        "source_system", "crime_number", "committed_from_local", "record_status", "is_clock_default",
        "coordinate_share",
    }  # fmt: skip
    assert set(frames.all_rows.columns) == {
        "has_location", "is_unknown_code", "is_outside_force", "is_rejected",
    }  # fmt: skip
    assert (frames.all_rows.height, frames.accepted.height) == (2, 1)
    assert not any(looks_at_all_rows(e) for e in CRIMES.expectations if e.name == "key_unique")


def test_helpers_that_a_feed_cannot_fill_are_empty() -> None:
    frame = pl.DataFrame(
        {"row": [0], "easting": [None]}, schema={"row": pl.UInt32, "easting": pl.Float64}
    )
    names = ("is_unknown_code", "is_clock_default", "is_duplicate")
    contract = with_expectations(
        *(Expectation(n, "ExpectColumnMeanToBeBetween", "warn", {"column": n}) for n in names)
    )
    frames = make_gate_frames(frame, pl.Series([False]), contract, {})
    assert frames.all_rows["is_unknown_code"].to_list() == [None]
    assert frames.accepted.row(0) == (None, None)


WITHOUT_A_NETWORK = """
import socket, sys

def refuse(*args, **kwargs):
    raise SystemExit("something opened a socket")

for name in ("connect", "connect_ex", "sendto"):
    setattr(socket.socket, name, refuse)
for name in ("create_connection", "getaddrinfo", "gethostbyname"):
    setattr(socket, name, refuse)

import polars as pl
from hotspot_pipeline.feeds.contract import shipped_contracts
from hotspot_pipeline.validated.gate import run_gate
from hotspot_pipeline.validated.gate_frames import GateFrames

assert "great_expectations" not in sys.modules, "imported before it is needed"
contract = shipped_contracts()["venues"]
frames = GateFrames(pl.DataFrame(), pl.DataFrame({"venue_id": ["a", "b"]}), 2, 2)
assert all(outcome.passed for outcome in run_gate(frames, contract))
print("judged")
"""


def test_the_gate_opens_no_connection_and_prints_nothing() -> None:
    project = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WITHOUT_A_NETWORK],
        capture_output=True,
        text=True,
        cwd=project,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("judged\n", "", 0)
