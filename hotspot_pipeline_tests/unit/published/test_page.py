"""The words and the paper of the pictures."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotspot_pipeline.published import page


@pytest.mark.parametrize(
    ("window_from", "window_to", "text"),
    [
        (date(2025, 1, 1), date(2026, 1, 1), "1 January to 31 December 2025"),
        (date(2024, 4, 1), date(2025, 4, 1), "1 April 2024 to 31 March 2025"),
        (date(2024, 2, 1), date(2024, 3, 1), "1 February to 29 February 2024"),
        (date(2025, 6, 2), date(2025, 6, 3), "2 June 2025"),
        (None, None, ""),
    ],
)
def test_windows_in_words(window_from: date | None, window_to: date | None, text: str) -> None:
    assert page.window_text(window_from, window_to) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0 %"), (1.0, "100 %"), (0.5, "50.0 %"), (0.01323, "1.3 %"), (0.003779, "0.38 %"),
        (0.00004, "0.004 %"), (None, "unknown"),
    ],
)  # fmt: skip
def test_percentages(share: float | None, text: str) -> None:
    assert page.percent(share) == text


def test_numbers_with_their_nouns() -> None:
    assert [page.counted(n, "cell") for n in (0, 1, 1310)] == ["0 cells", "1 cell", "1,310 cells"]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.text("abcdefghij $_^\\", min_size=1, max_size=60), max_size=12))
def test_wrapped_lines_fit_and_lose_nothing(items: list[str]) -> None:
    items = [" ".join(item.split()) or "x" for item in items]
    with page.plain_style():
        lines = page.wrapped(items, 9.0, 2.5, between=" · ")
        widths = [page.text_width(line, 9.0) for line in lines if " " in line]
    assert all(width <= 2.5 for width in widths)
    assert " ".join(lines).replace(" · ", " ").split() == " ".join(items).split()


def test_the_style_of_the_machine_is_left_alone() -> None:
    import matplotlib

    with matplotlib.rc_context({"font.size": 31, "axes.facecolor": "black"}):
        with page.plain_style():
            assert matplotlib.rcParams["font.size"] == 10
            assert matplotlib.rcParams["axes.facecolor"] == "white"
        assert matplotlib.rcParams["font.size"] == 31
