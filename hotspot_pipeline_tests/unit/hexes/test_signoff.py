"""The sign-off record: only ever added to, and checked whenever it is read."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from hotspot_pipeline.hexes.signoff import (
    Selection,
    SignedHotspot,
    SignoffError,
    append_selection,
    read_selections,
)


def _selection(version: date, *hotspots: SignedHotspot) -> Selection:
    return Selection(
        version=version,
        signed_by="analyst",
        because="yearly review",
        resolution=9,
        window_from=date(2025, 1, 1),
        window_to=date(2026, 1, 1),
        hotspots=hotspots or (SignedHotspot("H-1", ("89195d2a50fffff",), "rank 1"),),
        dropped=(SignedHotspot("H-9", ("89195d2a51fffff",), "a lake"),),
    )


def test_what_was_signed_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "hotspots.yml"
    first, second = _selection(date(2026, 1, 5)), _selection(date(2026, 2, 5))
    append_selection(path, first)
    append_selection(path, second)
    assert read_selections(path) == [first, second]


def test_no_file_means_nothing_signed(tmp_path: Path) -> None:
    assert read_selections(tmp_path / "hotspots.yml") == []


def test_a_second_sign_off_on_one_day_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hotspots.yml"
    append_selection(path, _selection(date(2026, 1, 5)))
    with pytest.raises(SignoffError, match="already signed"):
        append_selection(path, _selection(date(2026, 1, 5)))
    assert len(read_selections(path)) == 1


def test_a_cell_in_two_hotspots_is_refused(tmp_path: Path) -> None:
    twice = ("89195d2a50fffff",)
    with pytest.raises(SignoffError, match="is in H-1 and in H-2"):
        append_selection(
            tmp_path / "hotspots.yml",
            _selection(
                date(2026, 1, 5), SignedHotspot("H-1", twice, ""), SignedHotspot("H-2", twice, "")
            ),
        )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("selections:\n- {version: 2026-01-05}\n", "selection 1: 'signed_by' is missing"),
        (
            "selections:\n- {version: soon, signed_by: a, because: b, resolution: 9}\n",
            "'soon' is not a date",
        ),
        ("selections: [", "not valid YAML"),
    ],
)
def test_a_broken_file_says_where(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "hotspots.yml"
    path.write_text(text)
    with pytest.raises(SignoffError, match=message):
        read_selections(path)
