"""A partial file must not pass for a quiet night."""

from __future__ import annotations

import pytest

from hotspot_pipeline.validated.volume import volume_outcome


@pytest.mark.parametrize(
    ("n_rows", "earlier", "is_held"),
    [
        (9_950, [10_000], False),
        (9_949, [10_000], True),
        (6_000, [9_000, 10_000], True),
        (12_000, [10_000], False),
        (5, [], False),
    ],
)
def test_a_full_extract_needs_nearly_all_rows_of_the_one_before(
    n_rows: int, earlier: list[int], is_held: bool
) -> None:
    assert volume_outcome("full", n_rows, earlier).holds_extract is is_held


@pytest.mark.parametrize(
    ("n_rows", "passed"), [(100, True), (60, True), (59, False), (140, True), (141, False)]
)
def test_a_delta_is_only_warned_about(n_rows: int, passed: bool) -> None:
    outcome = volume_outcome("delta", n_rows, [90, 100, 100, 110])
    assert outcome.passed is passed
    assert outcome.holds_extract is False


def test_few_deltas_are_no_measure() -> None:
    outcome = volume_outcome("delta", 1, [100, 100, 100])
    assert outcome.passed
    assert outcome.observed is None


def test_an_empty_full_extract_after_an_empty_one_is_no_loss() -> None:
    assert volume_outcome("full", 0, [0]).passed
