"""Pictures of trials: every point with its interval, what must be read first, what may not be claimed, and what was decided when."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hotspot_pipeline.published import page
from hotspot_pipeline.published.evaluation import effect_pictures as pictures
from hotspot_pipeline.published.evaluation.curve_panels import _ratio_ticks
from hotspot_pipeline.published.evaluation.effect_rows import EffectRows
from hotspot_pipeline.published.evaluation.effects_sheet import NOT_ASKED, banners, notes
from hotspot_pipeline.published.evaluation.estimates_sheet import interval_text, ordered, verdict
from hotspot_pipeline.published.evaluation.files import write_evaluation
from hotspot_pipeline_tests.unit.published.asked_sheets import assert_texts_are_readable, words_of
from hotspot_pipeline_tests.unit.published.evaluation.made_effects import (
    SHA,
    curves,
    design,
    effect,
    effect_rows,
    guard,
    step,
)

GIVEN: dict[str, Any] = {"title": "Fosseshire Police", "footer": {"data to": "2026-03-08"}}
Draw = Callable[..., Figure]


@pytest.fixture
def drawn(caught: list[Figure], tmp_path: Path) -> Draw:
    def draw(rows: EffectRows, picture: Any = pictures.effect_curves) -> Figure:
        picture(tmp_path / "t.png", rows.of("t1"), **GIVEN)
        return caught[-1]

    return draw


def points(axes: Axes) -> list[tuple[float, float]]:
    return [(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in axes.lines if line.get_marker() == "o" and len(line.get_xdata()) == 1]  # fmt: skip


def intervals(axes: Axes) -> list[tuple[float, float, float]]:
    """x, low, high of every upright line that stands for one."""
    found = []
    for line in axes.lines:
        x, y = (np.asarray(v, dtype=float) for v in line.get_data())
        if (
            line.get_marker() == "None"
            and len(x) == 2
            and x[0] == x[1]
            and line.get_transform() == axes.transData
        ):
            found.append((x[0], *sorted(y)))
    return found  # fmt: skip


def test_every_point_of_every_curve_has_its_interval(drawn: Draw) -> None:
    figure = drawn(effect_rows())
    assert_texts_are_readable(figure)
    assert len(figure.axes) == 4
    expected = {0: 10, 1: 31, 2: 2, 3: 3}
    for at, n in expected.items():
        axes = figure.axes[at]
        marked = points(axes)
        assert len(marked) == n
        spans = {x: (low, high) for x, low, high in intervals(axes)}
        for x, y in marked:
            low, high = spans[x]
            assert low <= y <= high and high > low
    study, residual = figure.axes[:2]
    # placebo leads end where patrols begin; the reference is hollow, at nothing
    assert sorted(x for x, _ in points(study))[:4] == [-14, -10, -6, -2]
    assert [x for x, _ in points(residual)][:4] == [-2.5, -1.5, -0.5, 0.125]
    for axes, at in ((study, -18.0), (residual, 7.25)):
        (mark,) = [line for line in axes.lines if line.get_marker() == "D"]
        assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (at, 0) and mark.get_markerfacecolor() == "white"  # fmt: skip
        (shade,) = [p for p in axes.patches if p.get_x() < 0]
        assert shade.get_x() + shade.get_width() == 0


def test_what_was_decided_and_found_is_on_the_page(drawn: Draw) -> None:
    words = words_of(drawn(effect_rows()))
    assert "30 December 2024 to 28 December 2025; 9 patrolled places, 9 controls. We compared 18 places. No effect can be told from chance." in words  # fmt: skip
    assert "0123456789abcdef 0123456789abcdef" in words and SHA.replace(" ", "")[:16] in words
    assert "before outcomes were known" in words and "settled, to 2025-12-28" in words
    assert "Reference: seven days and more after a patrol: 900 events" in words
    assert "Descriptive only" in words


def test_what_must_be_read_first_stands_in_a_frame(drawn: Draw) -> None:
    why = "not causal: neither a lot nor controls over the same time"
    rows = effect_rows(designs=[design(is_causal=False, why_not_causal=why, n_control=0, is_exploratory=True)])  # fmt: skip
    assert banners(rows.of("t1")) == [
        "NOT CAUSAL: neither a lot nor controls over the same time",
        "EXPLORATORY: the decisions were changed after outcomes were known; nothing may be claimed",
    ]
    figure = drawn(rows)
    assert_texts_are_readable(figure)
    assert "NOT CAUSAL: neither a lot" in words_of(figure) and "no controls" in words_of(figure)
    assert "NOT CAUSAL" in words_of(drawn(rows, pictures.estimates))
    assert banners(effect_rows().of("t1")) == []


def test_a_curve_that_cannot_be_estimated_says_so_and_why(drawn: Draw) -> None:
    why = "not estimable: 3 events at lag >= 7"
    steps = [s for s in curves() if s["curve"] not in ("residual", "koper")]
    steps.append(step("residual", 1, 0.0, None, None, note=why, is_estimable=False))
    rows = effect_rows(steps=steps, guards=[guard(measure="residual", guard="clean_comparison", verdict="forbids", reason=why)])  # fmt: skip
    figure = drawn(rows)
    assert_texts_are_readable(figure)
    words = words_of(figure)
    assert "NOT ESTIMABLE" in words and words.count(why) == 1 and NOT_ASKED in words
    assert len(figure.axes) == 2


def test_single_steps_without_an_estimate_are_crossed(drawn: Draw) -> None:
    steps = curves()
    steps[3] |= {"estimate": None, "low": None, "high": None, "is_estimable": False, "note": "no event in it"}  # fmt: skip
    figure = drawn(effect_rows(steps=steps))
    study = figure.axes[0]
    assert len(points(study)) == 9
    (cross,) = [line for line in study.lines if line.get_marker() == "x" and len(line.get_xdata())]
    assert cross.get_xdata() == [-6]
    assert "no event in it" in words_of(figure)


def test_what_forbids_reading_it_stands_above_the_curve() -> None:
    reasons = ("leads are not nothing", "interim")
    rows = effect_rows(guards=[guard(measure="event_study", guard=g, verdict="forbids", reason=r) for g, r in zip("ab", reasons, strict=True)])  # fmt: skip
    found = notes(rows.of("t1"), "event_study", rows.of("t1").curve("event_study"))
    assert found[0] == "Not to be read as patrols' doing: leads are not nothing; interim."


def test_wide_intervals_end_in_arrows(drawn: Draw) -> None:
    steps = [s for s in curves() if s["curve"] == "rings"]
    steps[0] |= {"low": -9.0, "high": 9.0}
    steps[1] |= {"low": None}
    axes = drawn(effect_rows(steps=steps)).axes[0]
    assert axes.get_ylim()[1] < 2
    marks = sorted((float(line.get_xdata()[0]), line.get_marker()) for line in axes.lines if line.get_marker() in ("^", "v"))  # fmt: skip
    assert marks == [(0.0, "^"), (0.0, "v"), (1.0, "v")]


def test_the_table_of_estimates(drawn: Draw) -> None:
    effects = [
        effect(), effect(cut="latest", estimate=-0.2), effect(measure="wdd", scale="events", estimate=-12.0, low=-40.0, high=16.0, is_primary=False),
        effect(measure="ring_1", is_primary=False, high=-0.02), effect(outcome="VAP", is_primary=False, may_claim=False, low=None),
        effect(measure="before_after", is_causal_design=False, may_claim=False, is_primary=False, n_control=0),
    ]  # fmt: skip
    rows = effect_rows(effects=effects, guards=[guard(outcome="VAP", guard="pre_trend", verdict="forbids", reason="apart")])  # fmt: skip
    figure = drawn(rows, pictures.estimates)
    assert_texts_are_readable(figure)
    words = words_of(figure)
    assert "400 → 330; 410 → 423" in words and "0.80 (0.64–1.00)" in words
    assert "-12.0 (-40.0 to +16.0)" in words and "0.80 (open–1.00)" in words
    graph = figure.axes[1]
    # two of the main measure (settled and latest), one each of the others in ratios; events are not drawn
    assert len(points(graph)) == 5
    pairs = ordered(rows.effects)
    assert [(p["settled"]["measure"], p["settled"]["outcome"]) for p in pairs] == [
        ("rate_ratio", "ALL"), ("rate_ratio", "VAP"), ("wdd", "ALL"), ("ring_1", "ALL"), ("before_after", "ALL"),
    ]  # fmt: skip
    assert [verdict(rows.of("t1"), p["settled"]) for p in pairs] == [
        "may be chance", "no claim: pre trend", "may be chance", "seen", "not causal",
    ]  # fmt: skip


def test_ratios_that_no_data_can_bear_are_not_printed() -> None:
    assert interval_text(effect(estimate=17.2, low=15.9, high=18.5)) == "over 100"
    assert interval_text(effect(estimate=None)) == "none"


def test_percentages_are_nowhere_but_in_the_trials_own_words(drawn: Draw) -> None:
    words = words_of(drawn(effect_rows(), pictures.estimates))
    assert words.replace("95 % interval", "").count("%") == 0


@pytest.mark.parametrize("reach", [0.1, 0.3, 0.7, 1.6])
def test_ticks_are_round_ratios_apart_from_each_other(reach: float) -> None:
    ticks = _ratio_ticks(-reach, reach)
    assert 1 in ticks and all(abs(math.log(t)) <= reach for t in ticks)
    assert np.diff(np.log(ticks)).min(initial=1) >= 0.1 * reach


def test_a_trial_without_a_closed_week_has_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr(page, "save_png", lambda figure, path: path.write_bytes(b"drawn"))
    done = write_evaluation(tmp_path, None, [], effect_rows(effects=[], guards=[], steps=[]), **GIVEN)  # fmt: skip
    assert [f.name for f in done][:3] == ["estimates_of_t1.png", "curves_of_t1.png", "trials.csv"]
    assert {f.name for f in done if f.kind == "csv"} == {"trials.csv", "effects.csv", "effect_guards.csv", "effect_curves.csv", "balance.csv"}  # fmt: skip
    assert pictures.lead(effect_rows(effects=[]).of("t1")).endswith(pictures.NO_ESTIMATE)
