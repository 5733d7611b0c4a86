"""The best windows: against every choice there is, on weeks small enough to try them all."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotspot_pipeline.hot_times.best_windows import HourWindow, WindowRules, best_windows


def every_choice(n_hours: int, rules: WindowRules) -> Iterator[tuple[HourWindow, ...]]:
    """All sets of windows on a circle of hours, without overlap and within the budget."""
    lengths = range(rules.min_hours, rules.max_hours + 1)
    single = [
        (HourWindow(s, n), {(s + k) % n_hours for k in range(n)})
        for s in range(n_hours)
        for n in lengths
        if n <= n_hours
    ]

    def more(
        at: int, taken: set[int], chosen: tuple[HourWindow, ...]
    ) -> Iterator[tuple[HourWindow, ...]]:
        yield chosen
        for k in range(at, len(single)):
            window, hours = single[k]
            if not hours & taken and len(taken) + len(hours) <= rules.hot_hours_budget:
                yield from more(k + 1, taken | hours, (*chosen, window))

    yield from more(0, set(), ())


def hours_of(windows: tuple[HourWindow, ...] | list[HourWindow], n_hours: int) -> list[int]:
    return [(w.start + k) % n_hours for w in windows for k in range(w.n_hours)]


small_rules = st.builds(
    lambda budget, low, more: WindowRules(budget, low, low + more),
    st.integers(0, 7), st.integers(1, 3), st.integers(0, 2),
)  # fmt: skip


@settings(max_examples=120)
@given(st.lists(st.integers(0, 9), min_size=6, max_size=11), small_rules, st.data())
def test_nothing_beats_the_choice(
    values: list[int], rules: WindowRules, data: st.DataObject
) -> None:
    n = len(values)
    allowed = np.array(
        data.draw(st.lists(st.sampled_from([True, True, False]), min_size=n, max_size=n))
    )
    found = best_windows(np.array([values], float), rules, allowed[None])[0]
    hours = hours_of(found, n)
    assert len(set(hours)) == len(hours) <= rules.hot_hours_budget
    assert all(allowed[hours]) and all(
        rules.min_hours <= w.n_hours <= rules.max_hours for w in found
    )

    def merit(windows: tuple[HourWindow, ...] | list[HourWindow]) -> tuple[int, int, int]:
        held = hours_of(windows, n)
        return sum(values[h] for h in held), -len(windows), -len(held)

    choices = (c for c in every_choice(n, rules) if all(allowed[hours_of(c, n)]))
    assert merit(found) == max(merit(c) for c in choices)


def test_greedy_would_be_worse() -> None:
    """The densest window of 2 hours is in the middle, and shuts out the two beside it."""
    values = np.zeros((1, 168))
    values[0, 10:14] = [5, 6, 6, 5]
    assert best_windows(values, WindowRules(4, 2, 2)) == [[(10, 2), (12, 2)]]
    assert best_windows(values, WindowRules(4, 2, 6)) == [[(10, 4)]]


def test_windows_cross_the_end_of_the_week() -> None:
    values = np.full((1, 168), 0.001)
    values[0, [166, 167, 0, 1]] = 1.0
    assert best_windows(values, WindowRules(4, 2, 6)) == [[(166, 4)]]


def test_places_do_not_mix_and_scales_do_not_matter() -> None:
    rng = np.random.default_rng(3)
    values = rng.gamma(0.5, size=(5, 168))
    rules = WindowRules()
    together = best_windows(values * np.array([[1], [1e-6], [1e3], [0.5], [7]]), rules)
    alone = [best_windows(values[k : k + 1], rules)[0] for k in range(5)]
    assert together == alone
    assert all(sum(w.n_hours for w in windows) == 28 for windows in together)


def test_hours_of_no_worth_are_not_taken() -> None:
    assert best_windows(np.zeros((2, 168)), WindowRules()) == [[], []]
    values = np.zeros((1, 168))
    values[0, 50:53] = 1.0
    assert best_windows(values, WindowRules()) == [[(50, 3)]]
    assert best_windows(np.zeros((0, 168)), WindowRules()) == []


def test_what_cannot_be_is_refused() -> None:
    for rules in ({"min_hours": 0}, {"min_hours": 7}, {"max_hours": 25}, {"hot_hours_budget": 169}):
        with pytest.raises(ValueError, match=r"hours"):
            WindowRules(**rules)
    for bad in (-1.0, np.nan):
        with pytest.raises(ValueError, match="0 or more"):
            best_windows(np.full((1, 168), bad), WindowRules())
