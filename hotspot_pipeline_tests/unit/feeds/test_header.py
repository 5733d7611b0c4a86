"""Which delivered name feeds which column: case, spaces and punctuation do not matter, order of preference does."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot_pipeline.feeds.contract import FeedContract, shipped_contracts

PUBLIC = shipped_contracts()["police_uk_street"]


@pytest.mark.parametrize(
    "header",
    [
        ["system", "ref", "opened"],
        ["SYSTEM", "Ref", "Opened"],
        [" system ", "r e f", "opened:"],
        ["System", "LOG NUMBER", "Call-Time"],
        ["system_", "log_number", "callTime"],
    ],
)
def test_names_are_found_however_they_are_written(header: list[str], small: FeedContract) -> None:
    match = small.resolve_header(header)
    assert match.found == dict(zip(("system", "ref", "opened"), header, strict=True))
    assert (match.missing, match.extra) == ((), ())


def test_what_is_required_and_not_there_is_missing(small: FeedContract) -> None:
    match = small.resolve_header(["system", "grade", "Surname"])
    assert match.missing == ("ref", "opened")
    assert match.extra == ("Surname",)
    assert "status" not in match.found


def test_a_constant_stands_in_for_a_column(small: FeedContract) -> None:
    assert small.resolve_header(["ref", "opened"]).missing == ()
    assert small.mapped({"constants": {"opened": "2026-01-01"}}).resolve_header(["ref"]).missing == ()  # fmt: skip


def test_a_force_s_own_name_wins(mapped: Callable[[str], FeedContract]) -> None:
    header = ["ref", "log number", "URN", "opened"]
    assert mapped("").resolve_header(header).found["ref"] == "ref"
    own = mapped("columns: {ref: urn}").resolve_header(header)
    assert own.found["ref"] == "URN"
    assert own.extra == ("ref", "log number")
    assert mapped("columns: {ref: [missing, log_number]}").resolve_header(header).found["ref"] == "log number"  # fmt: skip


def test_our_name_wins_over_a_usual_one(small: FeedContract) -> None:
    match = small.resolve_header(["Log Number", "ref", "opened"])
    assert match.found["ref"] == "ref"
    assert match.extra == ("Log Number",)


def test_the_exact_spelling_wins_over_another(small: FeedContract) -> None:
    match = small.resolve_header(["REF", "ref", "opened"])
    assert (match.found["ref"], match.extra) == ("ref", ("REF",))
    first = small.resolve_header(["Ref", "REF", "opened"])
    assert (first.found["ref"], first.extra) == ("Ref", ("REF",))


def test_names_in_other_scripts_stay_apart(mapped: Callable[[str], FeedContract]) -> None:
    contract = mapped("columns: {ref: [Cyfeirnod ŵ], grade: [Größe]}")
    match = contract.resolve_header(["cyfeirnod Ŵ", "größe", "日付", "—", "opened"])
    assert match.found == {"ref": "cyfeirnod Ŵ", "grade": "größe", "opened": "opened"}
    assert match.extra == ("日付", "—")


def test_one_delivered_column_may_feed_two_of_ours(mapped: Callable[[str], FeedContract]) -> None:
    match = mapped("columns: {ref: Number, grade: Number}").resolve_header(["Number", "opened"])
    assert (match.found["ref"], match.found["grade"], match.extra) == ("Number", "Number", ())


def test_the_public_header_is_taken_whole() -> None:
    header = ["Crime ID", "Month", "Reported by", "Falls within", "Longitude", "Latitude", "Location", "LSOA code",
              "LSOA name", "Crime type", "Last outcome category", "Context"]  # fmt: skip
    match = PUBLIC.resolve_header(header)
    assert match.missing == ()
    assert match.extra == ("Context",)
    assert match.found["crime_number"] == "Crime ID"
    assert PUBLIC.resolve_header(header[1:]).missing == ("crime_number",)


@given(header=st.lists(st.text(max_size=12), unique=True, max_size=8))
def test_every_delivered_name_is_taken_or_told(header: list[str]) -> None:
    match = PUBLIC.resolve_header(header)
    assert set(match.found.values()) | set(match.extra) == set(header)
    assert not set(match.found.values()) & set(match.extra)
    assert set(match.missing) == {c.name for c in PUBLIC.columns if c.in_header} - set(match.found)
