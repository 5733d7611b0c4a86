"""Control charts: what is drawn of counts, limits and signals, what is said, and what a page does with many hotspots."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hotspot_pipeline.published import page
from hotspot_pipeline.published.evaluation.files import write_evaluation
from hotspot_pipeline.published.evaluation.limits_overview import MOST_PLACES
from hotspot_pipeline.published.evaluation.limits_panel import (
    NARROW_BAND,
    SIGNAL,
    WIDE_BAND,
    Axis,
)
from hotspot_pipeline.published.evaluation.pictures import (
    control_chart,
    control_charts,
    signal_sentence,
)
from hotspot_pipeline.published.evaluation.rows import WeekRows
from hotspot_pipeline.published.evaluation.week_known import WeekFacts
from hotspot_pipeline_tests.unit.published.asked_sheets import assert_texts_are_readable, words_of
from hotspot_pipeline_tests.unit.published.evaluation.made_effects import effect_rows
from hotspot_pipeline_tests.unit.published.evaluation.made_weeks import (
    JUDGED,
    N_WEEKS,
    OPEN,
    monday,
    week_row,
    week_rows,
)

GIVEN: dict[str, Any] = {"title": "Fosseshire Police", "footer": {"data to": "2026-03-08"}}
HIGH = {"n_events": 17, "signal": "above the 99.8 % limit"}
FACTS = WeekFacts("H-a", monday(N_WEEKS - 1), week_row(N_WEEKS - 1))
ALARM = {"n_events": 9, "cusum": 3.4, "signal": "a rise is likely (CUSUM)"}


@pytest.fixture
def drawn(caught: list[Figure], tmp_path: Path) -> Callable[..., Figure]:
    def draw(rows: WeekRows, hotspot_id: str | None = None) -> Figure:
        path = tmp_path / "weeks.png"
        if hotspot_id:
            control_chart(path, hotspot_id, rows, lead="Six events.", **GIVEN)
        else:
            control_charts(path, rows, **GIVEN)
        return caught[-1]

    return draw


def marks(axes: Axes, **look: Any) -> list[tuple[float, float]]:
    """The points of all lines with this look."""
    found: list[tuple[float, float]] = []
    for line in axes.lines:
        if line.get_marker() not in ("None", None) and all(Line2D.__dict__[f"get_{k}"](line) == v for k, v in look.items()):  # fmt: skip
            found += list(zip(*(np.asarray(v).tolist() for v in line.get_data()), strict=True))
    return found


def test_counts_limits_and_signals_of_a_hotspot(drawn: Callable[..., Figure]) -> None:
    changed = {
        ("H-a", 15): HIGH, ("H-a", 20): ALARM, ("H-a", 25): {"n_settled": 5}, ("H-a", 26): {"n_settled": 6},
        ("H-a", 38): {"n_when_settled": 7.0, "settled_low": 6.0, "settled_high": 9.0},
    }  # fmt: skip
    figure = drawn(week_rows(1, changed), "H-a")
    assert_texts_are_readable(figure)
    words = words_of(figure)
    assert "weeks of H-a (rank 1)" in words and "Six events." in words
    assert "short baseline: season and trend are not in it" in words
    assert "a false one in 5 years on average" in words
    counts, ewma, cusum = figure.axes[:3]
    # every week is drawn, the open ones hollow
    assert len(marks(counts, marker="o", color="#111111")) == OPEN
    assert [x for x, _ in marks(counts, marker="o", markerfacecolor="white")] == list(range(OPEN, N_WEEKS))  # fmt: skip
    assert marks(counts, marker="o", markeredgecolor=SIGNAL) == [(15, 17)]
    ((x, y),) = marks(counts, marker="v")
    assert x == 20 and y > 9
    # a settled count that is the same is not drawn again
    assert marks(counts, marker="_") == [(25, 5)]
    assert [tuple(line.get_ydata()) for line in counts.lines if tuple(line.get_xdata()) == (38, 38)] == [(6, 9)]  # fmt: skip
    wide, narrow = counts.collections[:2]
    for band, colour, low, high in ((wide, WIDE_BAND, -0.5, 15.5), (narrow, NARROW_BAND, 1.5, 11.5)):  # fmt: skip
        edges = band.get_paths()[0].vertices
        assert (edges[:, 1].min(), edges[:, 1].max()) == (low, high)
        assert edges[:, 0].min() == JUDGED - 0.5, colour
    assert marks(cusum, marker="v") == [(20, 3.4)]
    # a chart for each group
    assert len(figure.axes) == 3 + 6
    assert all(len(marks(axes, marker="o", color="#111111")) == OPEN for axes in figure.axes[3:])
    assert ewma.get_ylim()[0] < -1.96 * 0.2 and counts.get_ylim()[1] > 17


def test_without_a_baseline_there_are_counts_and_no_limits(drawn: Callable[..., Figure]) -> None:
    nothing = dict.fromkeys(("mu", "lower_95", "upper_95", "lower_998", "upper_998", "ewma", "ewma_se", "cusum", "cusum_threshold", "cusum_run_length_weeks", "label"))  # fmt: skip
    rows = week_rows(1, {("H-a", k): nothing for k in range(N_WEEKS)})
    figure = drawn(rows, "H-a")
    assert_texts_are_readable(figure)
    assert "no limits: under 26 settled weeks to judge by" in words_of(figure)
    assert "season and trend are not in it" not in words_of(figure)
    assert signal_sentence(rows) == "None has limits yet: under 26 settled weeks to judge by."
    overview = drawn(rows)
    assert_texts_are_readable(overview)
    assert "6 (no limits)" in words_of(overview)


def test_all_hotspots_on_a_page(drawn: Callable[..., Figure]) -> None:
    figure = drawn(week_rows(7, {("H-c", 37): HIGH, ("H-b", 20): HIGH}))
    assert_texts_are_readable(figure)
    words = words_of(figure)
    assert "2 June 2025 to 8 March 2026: counted events of 7 hotspots by week" in words
    # the signal of H-b is twenty weeks old
    assert "In the newest 4 weeks 1 of the 7 with limits had a signal: H-c." in words
    assert "A signal says that weeks are unusual, not why." in words
    assert len(figure.axes) == 7 and words.count("6 (6.0)") == 7
    (ring,) = marks(figure.axes[2], marker="o", markeredgecolor=SIGNAL)
    assert ring == (37, 17)


def test_a_county_fills_the_page_and_the_rest_is_counted(drawn: Callable[..., Figure]) -> None:
    figure = drawn(week_rows(MOST_PLACES + 2))
    assert_texts_are_readable(figure)
    assert len(figure.axes) == MOST_PLACES
    assert "Not drawn for want of room: 2 hotspots." in words_of(figure)


@pytest.mark.parametrize(("n_weeks", "most"), [(1, 3), (9, 3), (30, 9), (104, 9), (104, 3)])
def test_months_are_named_at_their_first_days(n_weeks: int, most: int) -> None:
    axis = Axis(date(2025, 10, 27), monday(21 + n_weeks - 1))
    at, names = axis.month_ticks(most)
    assert len(at) <= most and len(at) == len(names)
    assert all(-0.5 < x <= axis.n_weeks for x in at)
    years = [name for name in names if name[-4:].isdigit()]
    assert len(years) == len({n[-4:] for n in years})
    if n_weeks == 30:
        assert names[:3] == ["Nov 2025", "Dec", "Jan 2026"]
        np.testing.assert_allclose(at[0], 5 / 7)


def test_files_of_an_earlier_night_go_and_rows_stand_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "save_png", lambda figure, path: path.write_bytes(b"drawn"))
    out = tmp_path / "evaluation"
    first = write_evaluation(out, week_rows(2), [FACTS], effect_rows(0), **GIVEN)
    assert [f.name for f in first] == [
        "control_charts.png", "funnel.png", "weeks_of_H-a.png", "weeks_of_H-b.png", "control_charts.csv", "control_charts.json", "funnel.csv",
        "funnel.json", "newest_week_in_words.html",
    ]  # fmt: skip
    rows = pl.read_csv(out / "control_charts.csv")
    assert rows.height == 2 * N_WEEKS * 7 and "upper_998" in rows.columns
    write_evaluation(out, week_rows(1), [FACTS], effect_rows(0), **GIVEN)
    assert not (out / "weeks_of_H-b.png").exists()
    assert write_evaluation(out, None, [], effect_rows(0), **GIVEN) == [] and not list(
        out.iterdir()
    )


def test_an_unknown_hotspot_is_named() -> None:
    with pytest.raises(ValueError, match="hotspot H-z has no weeks of ALL; known: H-a, H-b"):
        week_rows(2).of("H-z")
