"""What may be said: guards by their numbers, registration by its file, and words never stronger than either."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from hotspot_pipeline.evaluation import guards
from hotspot_pipeline.evaluation.estimate import Estimate, FourCounts, Guard
from hotspot_pipeline.evaluation.multiplicity import benjamini_hochberg, holm
from hotspot_pipeline.evaluation.preregistration import NotRegistered, read_registration
from hotspot_pipeline.evaluation.wording import CLAIMS, may_say_effect, two_sentences

FALL = Estimate(
    "rate_ratio", "log_ratio", -0.2, 0.05, 34, -0.3, -0.1, 0.001, "place-level error, t(34)",
    FourCounts(912, 740, 900, 892), 18, 18, is_causal_design=True,
)  # fmt: skip


def test_minimum_detectable_effect_by_hand() -> None:
    assert guards.minimum_detectable_effect(18, 67) == pytest.approx(
        2.8 * np.sqrt(4 / (18 * 67) + 4 * 0.0625 / 18)
    )
    assert guards.minimum_detectable_effect(60, 67) == pytest.approx(0.201166, abs=1e-6)
    # more events never remove what places drift by
    assert guards.minimum_detectable_effect(18, 1e9) == pytest.approx(0.329983, abs=1e-6)
    assert guards.power(0.2013, 0.2013 / 2.8) == pytest.approx(0.80, abs=0.005)


def test_a_null_result_says_what_it_excludes() -> None:
    none = replace(FALL, value=-0.02, low=-0.08, high=0.04)
    assert "excluded" in guards.detectable(none, 0.3, 0.10).reason
    wide = guards.detectable(replace(none, low=-0.5), 0.3, 0.10)
    assert wide.verdict == "warning"
    assert "none is excluded that is worth while" in wide.reason


def test_no_controls_and_no_lot_is_not_causal() -> None:
    assert guards.no_design(False, False).verdict == "forbids"
    assert guards.no_design(False, False).reason.startswith("not causal")
    assert guards.no_design(True, False).verdict == guards.no_design(False, True).verdict == "clear"


def test_a_recording_change_matters_in_its_windows_and_groups() -> None:
    change = guards.RecordingChange(date(2026, 3, 1), frozenset({"violence"}), "new rule")
    asked = {"first": date(2026, 1, 1), "last": date(2026, 6, 1)}
    verdict = guards.recording_change([change], ["violence"], **asked, has_concurrent_controls=True)
    assert verdict.verdict == "warning"
    alone = guards.recording_change([change], ["violence"], **asked, has_concurrent_controls=False)
    assert alone.verdict == "forbids"
    assert "2026-03-01: new rule" in alone.reason
    other = guards.recording_change([change], ["damage"], **asked, has_concurrent_controls=False)
    assert other.verdict == "clear"


def test_busy_places_calm_down_by_themselves() -> None:
    rng = np.random.default_rng(1)
    level = rng.gamma(20, 2, 200)
    selected, later = rng.poisson(level), rng.poisson(level)
    ranked = selected >= np.median(selected)
    trap = guards.regression_to_the_mean(selected, later, ranked, is_baseline_selection=True)
    assert trap.verdict == "forbids"
    apart = guards.regression_to_the_mean(selected, later, ranked, is_baseline_selection=False)
    assert apart.verdict == "clear"
    # two arms alike to the place: both calm down alike
    same = guards.regression_to_the_mean(
        np.tile(selected, 2), np.tile(later, 2), np.arange(400) < 200, is_baseline_selection=True
    )
    assert same.verdict == "warning"


def test_crime_that_patrols_find_is_no_outcome() -> None:
    assert guards.police_generated(["violence", "weapons"]).verdict == "forbids"
    assert guards.police_generated(["violence", "asb"]).verdict == "clear"


def test_settled_against_latest() -> None:
    assert guards.settled_or_latest(FALL, replace(FALL, value=-0.21)).verdict == "clear"
    assert guards.settled_or_latest(FALL, replace(FALL, value=-0.24)).verdict == "warning"
    gone = replace(FALL, high=0.01)
    assert guards.settled_or_latest(FALL, gone).verdict == "forbids"
    assert guards.maturity(date(2026, 6, 1), date(2026, 6, 20)).verdict == "warning"
    assert guards.maturity(date(2026, 6, 1), date(2026, 6, 29)).verdict == "clear"


@pytest.mark.parametrize("seed", range(8))
def test_adjusted_p_values_are_those_of_statsmodels(seed: int) -> None:
    # to two digits, so that some are equal
    values = np.random.default_rng(seed).beta(0.4, 1, seed + 1).round(2)
    assert holm(values) == pytest.approx(multipletests(values, method="holm")[1])
    assert benjamini_hochberg(values) == pytest.approx(multipletests(values, method="fdr_bh")[1])


def test_p_values_outside_their_range_are_refused() -> None:
    with pytest.raises(ValueError, match="not 1.5"):
        holm(np.array([0.1, 1.5]))


REGISTERED = """
outcome_groups: [violence, asb]
primary_measure: rate_ratio of violence and asb together
before_from: 2025-06-30
before_to: 2026-01-04
after_from: 2026-01-05
after_to: 2026-06-28
rings_m: [100, 300]
model: rate_ratio
known_at: 2026-07-27
smallest_worthwhile_percent: 10
"""


def _file(folder: Path, text: str) -> Path:
    path = folder / "registration.yml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_registration_is_hashed_by_its_decisions(tmp_path: Path) -> None:
    first = read_registration(_file(tmp_path, REGISTERED))
    lines = REGISTERED.strip().splitlines()
    again = read_registration(_file(tmp_path, "# the same, in another order\n" + "\n".join(reversed(lines))))  # fmt: skip
    assert first.sha256 == again.sha256
    assert re.fullmatch("[0-9a-f]{64}", first.sha256)
    other = read_registration(_file(tmp_path, REGISTERED.replace("[100, 300]", "[100, 250]")))
    assert other.sha256 != first.sha256
    first.check(model="rate_ratio", rings_m=(100, 300))
    with pytest.raises(NotRegistered, match="model is wdd, but rate_ratio was registered"):
        first.check(model="wdd")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("model: rate_ratio\n", "", "model is missing"),
        ("model: rate_ratio", "model: guess", "none of rate_ratio, wdd"),
        ("model: rate_ratio", "model: wdd\ncolour: red", "colour is not a field"),
        ("after_from: 2026-01-05", "after_from: 2026-01-04", "before_to < after_from"),
        ("after_from: 2026-01-05", "after_from: soon", "give a day as"),
        ("[100, 300]", "[300, 100]", "rising"),
        ("[violence, asb]", "[violence, weapons]", "weapons, which patrols find"),
        ("[violence, asb]", "violence", "give a list of groups"),
        ("percent: 10", "percent: 0", "1 to 99"),
    ],
)
def test_a_registration_that_does_not_hold_is_refused(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    assert old in REGISTERED
    with pytest.raises(NotRegistered, match=says):
        read_registration(_file(tmp_path, REGISTERED.replace(old, new)))


def test_without_a_registration_nothing_is_read(tmp_path: Path) -> None:
    with pytest.raises(NotRegistered, match="before outcomes are read"):
        read_registration(tmp_path / "none.yml")


def test_sentences_of_an_effect_and_of_none() -> None:
    first, second = two_sentences(FALL)
    assert first == (
        "We compared patrolled places against control places: 912 events before and 740 after in 18 "
        "places, 900 and 892 in 18 controls."
    )
    assert second == (
        "Patrols reduced crime there, as far as the controls are like the patrolled places: 18 % less "
        "(with 95 % confidence between 26 % less and 10 % less)."
    )
    lot = FALL.with_guards(guards.no_design(True, True))
    assert two_sentences(lot)[1].startswith("Patrols reduced crime there: 18 %")
    none = replace(FALL, high=0.02)
    assert two_sentences(none)[1].startswith("No effect can be told from chance: 18 % less")
    few = replace(FALL, counts=FourCounts(25, 12, 30, 31))
    assert "rate ratio of 0.82" in two_sentences(few)[1]
    assert "12 %" not in two_sentences(few)[1]


_VERDICTS = st.sampled_from(["clear", "warning", "forbids"])
_GUARDS = st.lists(st.builds(Guard, st.sampled_from(["design", "balance", "pre_trend", "detectable_effect"]), _VERDICTS, st.just("a reason")), max_size=3)  # fmt: skip


@given(
    value=st.floats(-2, 2), half=st.floats(0, 2), scale=st.sampled_from(["log_ratio", "events", "events_per_day"]),
    measure=st.sampled_from(["rate_ratio", "wdd", "itt_day", "ring_1", "before_after"]),
    counts=st.tuples(*[st.integers(0, 500)] * 4), is_causal=st.booleans(), found=_GUARDS, n_control=st.sampled_from([0, 18]),
    is_open=st.booleans(),
)  # fmt: skip
def test_words_are_never_stronger_than_numbers_and_guards(
    value, half, scale, measure, counts, is_causal, found, n_control, is_open
) -> None:
    low, high = value - half, (float("inf") if is_open else value + half)
    estimate = replace(
        FALL, measure=measure, scale=scale, value=value, low=low, high=high, counts=FourCounts(*counts),
        is_causal_design=is_causal, guards=tuple(found), n_control=n_control,
    )  # fmt: skip
    first, second = two_sentences(estimate)
    assert first.endswith(".")
    assert second.endswith(".")
    claimed = [w for w in CLAIMS if w in first + second]
    forbidden = not is_causal or any(g.verdict == "forbids" for g in found)
    if low <= 0 <= high or forbidden or is_open:
        assert not claimed
    else:
        assert claimed == [CLAIMS[0] if value < 0 else CLAIMS[1]]
        assert may_say_effect(estimate)
    assert "caused" not in first + second
    assert "prove" not in first + second
    shown = counts if n_control else counts[:2]
    if min(shown) < 20:
        assert not re.search(r"\d % (less|more)", second)
    if forbidden:
        assert "nothing about what patrols did" in second
    if claimed and any(g.verdict == "warning" for g in found):
        assert "a reason" in second
