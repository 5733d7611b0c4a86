"""The funnel: which stretches, limits beside the exact binomial, what is drawn, and no percentage on small counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy.stats import binom

from hotspot_pipeline.published import page
from hotspot_pipeline.published.evaluation.funnel import Funnel, funnel
from hotspot_pipeline.published.evaluation.pictures import funnel_chart, funnel_lead
from hotspot_pipeline.published.evaluation.rows import ALL
from hotspot_pipeline_tests.unit.published.asked_sheets import assert_texts_are_readable, words_of
from hotspot_pipeline_tests.unit.published.evaluation.made_weeks import TYPES, monday, week_row


def weeks(pairs: list[tuple[int, int]], n_weeks: int = 30, n_open: int = 4) -> pl.DataFrame:
    """Of each place the counts of the 13 final weeks before the newest 13, and of those; all in the first week of the stretch."""
    first_after = n_weeks - n_open - 13
    rows = [
        week_row(k, hotspot_id=f"H-{p}", hotspot_rank=p, is_provisional=k >= n_weeks - n_open,
                 n_events=before if k == first_after - 13 else after if k == first_after else 500 * (k >= n_weeks - n_open))
        for p, (before, after) in enumerate(pairs, 1)
        for k in range(n_weeks)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=TYPES)


def found(pairs: list[tuple[int, int]], **more: int) -> Funnel:
    made = funnel(weeks(pairs, **more))
    assert made is not None
    return made


def test_final_weeks_only_and_the_year_before_where_it_is_known() -> None:
    short = found([(20, 30), (25, 24)])
    assert (short.after, short.before) == ((monday(13), monday(25)), (monday(0), monday(12)))
    assert short.places.select("before", "after").rows() == [(20, 30), (25, 24)]
    assert not short.is_year_before and "other seasons" in funnel_lead(short)
    rows = weeks([(20, 30)], n_weeks=72)
    old = pl.when(pl.col("week_start") == monday(72 - 4 - 13 - 52)).then(7).otherwise("n_events")
    long = funnel(rows.with_columns(n_events=old))
    assert long is not None and long.is_year_before and long.places.row(0)[2:4] == (7, 30)
    assert "other seasons" not in funnel_lead(long)


def test_too_few_weeks_or_no_events_make_none() -> None:
    assert funnel(weeks([(20, 30)]).filter(pl.col("week_start") > monday(0))) is None
    assert funnel(weeks([(0, 0)])) is None
    assert funnel(weeks([(3, 1)]).filter(pl.col("cat_group") != ALL)) is None
    assert funnel(weeks([(3, 1)]).with_columns(is_provisional=True)) is None


def test_limits_are_about_those_of_the_exact_binomial() -> None:
    made = Funnel(pl.DataFrame(), 0.45, 1.0, (monday(0), monday(12)), (monday(13), monday(25)))
    n = np.array([40, 150, 600])
    for level in (0.95, 0.998):
        low, high = made.limits(n, level)
        exact_low, exact_high = (binom.ppf(q, n, 0.45) / n for q in ((1 - level) / 2, (1 + level) / 2))  # fmt: skip
        np.testing.assert_allclose(low, exact_low, atol=0.7 / n.min())
        np.testing.assert_allclose(high, exact_high, atol=0.7 / n.min())
    # they narrow with size and widen with drift
    assert (np.diff(made.limits(n, 0.95)[1]) < 0).all()
    wide = Funnel(pl.DataFrame(), 0.45, 4.0, made.before, made.after)
    assert (wide.limits(n, 0.95)[1] > made.limits(n, 0.95)[1]).all()


def test_places_that_drift_widen_the_limits() -> None:
    steady = [(100, 100)] * 8
    assert found(steady).dispersion == 1
    drifting = [(100 + d, 100 - d) for d in (-40, -30, -20, 20, 30, 40, -25, 25)]
    assert found(drifting).dispersion > 4
    # with four places nobody can tell
    assert found(drifting[:4]).dispersion == 1


def test_the_one_that_changed_otherwise_is_outside() -> None:
    made = found([*[(60, 60)] * 7, (30, 95), (0, 0)])
    assert made.places.filter("is_outside")["hotspot_id"].to_list() == ["H-8"]
    assert "Outside the 99.8 % limits: H-8." in funnel_lead(made)
    assert made.places.row(-1)[4] is None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=12))
def test_whatever_the_counts_are(pairs: list[tuple[int, int]]) -> None:
    made = funnel(weeks(pairs))
    if not all(sum(column) for column in zip(*pairs)):
        assert made is None
        return
    assert made is not None
    assert made.places.select("before", "after").rows() == pairs
    for before, after, share, change in made.places.select("before", "after", "share", "percent_change").iter_rows():  # fmt: skip
        assert (change is None) == (min(before, after) < 20)
        assert share == (after / (before + after) if before + after else None)
        if change is not None:
            assert change == pytest.approx(100 * (after - before) / before)
    low, high = made.limits(np.arange(1, 200), 0.998)
    assert (low >= 0).all() and (high <= 1).all() and (low <= made.share).all() and (high >= made.share).all()  # fmt: skip


def test_the_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures: list[Figure] = []

    def catch(figure: Figure, path: Path) -> None:
        FigureCanvasAgg(figure).draw()
        path.write_bytes(b"drawn")
        figures.append(figure)

    monkeypatch.setattr(page, "save_png", catch)
    pairs = [(60, 50), (55, 70), (44, 40), (80, 90), (30, 24), (25, 95), (12, 9), (0, 0)]
    made = found(pairs)
    funnel_chart(tmp_path / "f.png", made, title="Fosseshire", footer={"data to": "x"})
    (figure,) = figures
    assert_texts_are_readable(figure)
    words = words_of(figure)
    assert "60 → 50" in words and "-17 %" in words and words.count("under 20") == 1 + 2
    axes = figure.axes[0]
    drawn = {line.get_markerfacecolor(): len(line.get_xdata()) for line in axes.lines if line.get_marker() == "o"}  # fmt: skip
    # a place without an event has no share to draw; one has a count under 20; one is outside
    assert drawn == {"white": 1, "#111111": 6, "none": 1}
    assert "twice" in words and "as many" in words
