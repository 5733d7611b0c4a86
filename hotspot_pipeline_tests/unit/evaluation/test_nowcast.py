"""What young weeks come to: the interval against brute force and against simulated weeks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import betaln, gammaln

from hotspot_pipeline.evaluation.nowcast import Completeness, completeness, nowcast


def test_the_posterior_by_brute_force() -> None:
    found = nowcast(12, Completeness(20.0, 5.0, 26))
    candidates = np.arange(12, 4_000)
    logs = (
        gammaln(candidates + 1) - gammaln(candidates - 11)
        + betaln(12 + 20.0, candidates - 12 + 5.0)
    )  # fmt: skip
    share = np.exp(logs - logs.max())
    share /= share.sum()
    inside = (candidates >= found.low) & (candidates <= found.high)
    assert share[inside].sum() >= 0.90
    assert share[inside].sum() - share[inside].min() < 0.90
    assert share[inside].min() >= share[~inside].max()
    assert found.expected == pytest.approx(15.0)


@pytest.mark.parametrize(("share", "precision", "mean", "most"), [(0.8, 60.0, 30.0, 0.96), (0.95, 200.0, 8.0, 0.99), (0.6, 25.0, 120.0, 0.96)])  # fmt: skip
def test_nine_of_ten_intervals_hold_what_the_week_comes_to(
    share: float, precision: float, mean: float, most: float
) -> None:
    # where nearly all is known, the shortest interval of whole numbers holds more than it is asked for
    rng = np.random.default_rng(7)
    held, n_tried = 0, 100
    for _ in range(n_tried):
        settled = rng.poisson(mean, 27)
        p = rng.beta(share * precision, (1 - share) * precision, 27)
        known = rng.binomial(settled, p)
        made = completeness(known[:26], settled[:26])
        assert made is not None
        found = nowcast(int(known[26]), made)
        held += found.low <= settled[26] <= found.high
    assert 0.85 <= held / n_tried <= most


def test_the_share_is_the_one_that_was_put_in() -> None:
    rng = np.random.default_rng(3)
    settled = rng.poisson(400, 26)
    known = rng.binomial(settled, rng.beta(80, 20, 26))
    found = completeness(known, settled)
    assert found is not None
    assert found.share == pytest.approx(0.8, abs=0.03)
    assert 30 < found.a + found.b < 400


def test_only_the_last_settled_weeks_with_records_count() -> None:
    old = completeness([1] * 40 + [9] * 26, [10] * 66)
    assert old is not None and old.n_weeks == 26
    assert old.share == pytest.approx(0.9, abs=0.01)
    empty = completeness([0, 0] * 5 + [9] * 20, [0, 0] * 5 + [10] * 20)
    assert empty is not None and empty.n_weeks == 20
    assert completeness([9] * 7, [10] * 7) is None


def test_complete_weeks_leave_little_open() -> None:
    sure = completeness([50] * 26, [50] * 26)
    assert sure is not None
    found = nowcast(40, sure)
    assert (found.low, round(found.expected)) == (40, 40)
    assert found.high <= 41
    # more known than settled: records that left the week
    assert completeness([55] * 26, [50] * 26) == sure
    assert nowcast(0, sure).low == 0
