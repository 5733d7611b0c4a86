"""The pictures of hot times: what is boxed where, what is said, grey print, and bytes that repeat."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure
from PIL import Image

from hotspot_pipeline.published import page
from hotspot_pipeline.published.hot_times_sheet import MOST_PLACES
from hotspot_pipeline.published.hour_pictures import force_weeks, hotspot_week
from hotspot_pipeline.published.week_panel import BOUNDS, CLASS_NAMES, class_shades
from hotspot_pipeline_tests.unit.published.asked_sheets import (
    assert_texts_are_readable,
    texts_of,
    words_of,
)

FOOTER = {"data to": "2025-12-31", "definition": "nte_core version 1"}
#: Friday 21:00 for six hours; Saturday night 04:00 for four, into Sunday's police day; Monday 06:00.
WINDOWS = [
    (117, 6, "Fri 21:00-03:00", 3),
    (148, 4, "Sat night 04:00-08:00", 0),
    (6, 2, "Mon 06:00-08:00", 0),
]


def tables(n_places: int) -> dict[str, Any]:
    names = [f"H{k:02d}" for k in range(n_places)]
    levels = [*("hotspot" for _ in names), "force"]
    ids = [*names, "force"]
    ratio = np.full(168, 0.4)
    ratio[117:123] = 4.26
    ratio[148:152] = 1.7
    ratio[6] = 1.0
    bins = pl.DataFrame(
        {
            "level": np.repeat(levels, 168),
            "profile_id": np.repeat(ids, 168),
            "resolution": ["hour"] * 168 * len(ids),
            "bin_no": np.tile(np.arange(168), len(ids)),
            "rate_ratio_shrunk": np.tile(ratio, len(ids)),
        }
    )
    profiles = pl.DataFrame(
        {
            "level": levels, "profile_id": ids, "n_events": [182.4] * len(ids),
            "label": ["own"] * len(ids), "n_hot_blocks": [3] * len(ids),
        }
    )  # fmt: skip
    windows = pl.DataFrame(
        [
            (name, no, start, n, words, 0.2, 2.5, hot)
            for name in names
            for no, (start, n, words, hot) in enumerate(WINDOWS, start=1)
        ],
        schema=["hotspot_id", "window_no", "start_hour_of_week", "n_hours", "in_words", "share_of_events", "lift", "n_hot_blocks"],
        orient="row",
    )  # fmt: skip
    sets = pl.DataFrame(
        [(name, 12, 0.6, 0.5, 8.4, True) for name in names],
        schema=["hotspot_id", "n_hours", "share_captured", "share_captured_out_of_sample", "lift", "is_stable"],
        schema_overrides={"is_stable": pl.Boolean},
        orient="row",
    )  # fmt: skip
    return {
        "bins": bins, "profiles": profiles, "windows": windows, "sets": sets, "title": "Fosseshire Police",
        "period": (date(2024, 1, 1), date(2026, 1, 1)), "footer": FOOTER,
    }  # fmt: skip


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., tuple[Path, Figure]]:
    figures: list[Figure] = []
    save = page.save_png

    def catch(figure: Figure, path: Path) -> None:
        save(figure, path)
        figures.append(figure)

    monkeypatch.setattr(page, "save_png", catch)

    def draw(given: dict[str, Any], hotspot_id: str | None = None) -> tuple[Path, Figure]:
        path = tmp_path / "hot_times.png"
        done = hotspot_week(path, hotspot_id, **given) if hotspot_id else force_weeks(path, **given)
        assert done.kind == "png" and done.n_bytes == path.stat().st_size
        return path, figures[-1]

    return draw


def grids(figure: Figure) -> list[Any]:
    return [axes for axes in figure.axes if axes.images]


def boxes(axes: Any) -> list[tuple[float, float, float, float]]:
    """West, east, north, south of every outline, the line of midnight left out."""
    outlines = [line for line in axes.lines if len(line.get_xdata()) > 2]
    return [
        (min(x), max(x), min(y), max(y))
        for x, y in ((line.get_xdata(), line.get_ydata()) for line in outlines)
    ]


def test_the_sheet_of_a_hotspot(drawn: Callable[..., tuple[Path, Figure]]) -> None:
    path, figure = drawn(tables(2), "H01")
    assert_texts_are_readable(figure)
    words = words_of(figure)
    assert "Fosseshire Police: hot times of H01" in words
    assert (
        "1 January 2024 to 31 December 2025: 182 events with a usable hour, own profile." in words
    )
    assert "hold 60 % of the events in 12 of 168 hours, 8.4 times their share; 50 % in" in words
    assert "Sat night 04:00–08:00" in words and "Not stable" not in words
    (grid,) = grids(figure)
    # rows are police days: Friday 21:00 to 03:00 is one piece, 04:00 to 08:00 is two, in two rows
    assert [tuple(round(v) for v in box) for box in boxes(grid)] == [
        (15, 21, 4, 5), (22, 24, 5, 6), (0, 2, 6, 7), (0, 2, 0, 1),
    ]  # fmt: skip
    colours = grid.images[0].get_array()
    shade = dict(zip(CLASS_NAMES, class_shades()))
    np.testing.assert_allclose(colours[4, 15], shade["4 and over"])
    np.testing.assert_allclose(colours[4, 14], shade["under 0.5"])
    np.testing.assert_allclose(colours[0, 0], shade["1–1.5"])
    printed = [t.get_text() for t in grid.texts]
    assert printed.count("4.3") == 6 and printed.count("1.7") == 4 and "0.4" not in printed
    with Image.open(path) as image:
        assert image.size == (1870, 1323)


def test_shades_are_told_apart_in_grey() -> None:
    grey = [0.299 * r + 0.587 * g + 0.114 * b for r, g, b, _ in class_shades()]
    assert len(grey) == len(BOUNDS) + 1
    assert all(lighter - darker >= 0.06 for lighter, darker in pairwise(grey))


def test_the_overview_holds_a_countys_hotspots(drawn: Callable[..., tuple[Path, Figure]]) -> None:
    _, figure = drawn(tables(36))
    assert_texts_are_readable(figure)
    assert len(grids(figure)) == 37
    assert "Whole force" in words_of(figure) and "H35  60 %" in words_of(figure)
    assert not boxes(grids(figure)[0]) and len(boxes(grids(figure)[1])) == 4
    assert "Not drawn" not in words_of(figure)


def test_what_does_not_fit_is_counted(drawn: Callable[..., tuple[Path, Figure]]) -> None:
    given = tables(MOST_PLACES + 3)
    given["sets"] = given["sets"].with_columns(is_stable=pl.col("hotspot_id") != "H00")
    _, figure = drawn(given)
    assert_texts_are_readable(figure)
    assert "Not drawn for want of room: 3." in words_of(figure)
    assert "Odd and even weeks choose other windows (not stable): 1 of them." in words_of(figure)


@pytest.mark.parametrize("n_places", [0, 5])
def test_few_hotspots(drawn: Callable[..., tuple[Path, Figure]], n_places: int) -> None:
    _, figure = drawn(tables(n_places))
    assert_texts_are_readable(figure)
    assert len(grids(figure)) == n_places + 1


def test_a_place_of_which_little_is_known(drawn: Callable[..., tuple[Path, Figure]]) -> None:
    given = tables(1)
    given["bins"] = given["bins"].with_columns(rate_ratio_shrunk=pl.lit(None, pl.Float64))
    given["windows"] = given["windows"].clear()
    given["profiles"] = given["profiles"].with_columns(
        n_events=pl.lit(3.0), label=pl.lit("cluster"), n_hot_blocks=pl.lit(0)
    )
    nothing = {
        n: pl.lit(None, pl.Float64)
        for n in ("share_captured", "share_captured_out_of_sample", "lift")
    }
    given["sets"] = given["sets"].with_columns(**nothing, is_stable=pl.lit(False))
    _, figure = drawn(given, "H00")
    assert_texts_are_readable(figure)
    words = words_of(figure)
    assert "3 events with a usable hour: too few, so the profile is its cluster's." in words
    assert "No block of three hours stands out" in words and "not known" in words
    assert "Not stable" in words and "hold" not in words
    given["bins"] = given["bins"].clear()
    _, figure = drawn(given, "H00")
    assert "No events with a usable hour." in [t.get_text() for t in texts_of(figure)]


def test_the_same_week_gives_the_same_bytes(drawn: Callable[..., tuple[Path, Figure]]) -> None:
    first = drawn(tables(3), "H02")[0].read_bytes()
    assert drawn(tables(3), "H02")[0].read_bytes() == first


def test_what_is_missing_is_named(drawn: Callable[..., tuple[Path, Figure]]) -> None:
    with pytest.raises(ValueError, match="hotspot H07 has no profile; known: H00, H01"):
        drawn(tables(2), "H07")
    given = tables(1)
    given["windows"] = given["windows"].drop("lift")
    with pytest.raises(ValueError, match="lift"):
        drawn(given, "H00")
