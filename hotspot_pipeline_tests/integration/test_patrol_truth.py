"""Are the visits that the kernels find those that were made? Ten simulated forces, and a few days of one for every change.

What is true and what is judged is said in `patrol_truth`. The limits are those of the project's domain page.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from hotspot_pipeline_tests.integration.figures import record
from hotspot_pipeline_tests.integration.patrol_truth import Figures, figures, shifts

WALK_MPS = 1.1


@pytest.mark.parametrize(
    ("interval_s", "seeds", "n_days"),
    [
        (60, [1], 3),
        *(
            pytest.param(s, range(1, 11), n, marks=pytest.mark.slow)
            for s, n in ((5, 7), (60, None), (300, None))
        ),
    ],
)
def test_visits_are_those_that_were_made(
    interval_s: int, seeds: Sequence[int], n_days: int | None
) -> None:
    """Patrol-minutes within 3 % (5 % at 300 s), visits within 5 %, bounds that hold the truth 95 % of the time and are no wider on
    average than twice the interval and 8 sigma at walking speed, compliance right for 97 % (92 % at 300 s)."""
    found = [figures(list(shifts(seed, interval_s, n_days))) for seed in seeds]
    assert all(f.n_true_visits >= 8 for f in found)
    if len(seeds) > 1:
        _record(interval_s, found)
    minutes = sum(f.minutes for f in found) / sum(f.true_minutes for f in found) - 1
    visits = sum(f.n_visits for f in found) / sum(f.n_true_visits for f in found) - 1
    is_held, widths, sigma, is_right = _joint(found)
    assert abs(minutes) <= (0.05 if interval_s == 300 else 0.03)
    assert abs(visits) <= 0.05
    assert is_held.mean() >= 0.95
    assert widths.mean() <= 2 * interval_s + 8 * sigma.mean() / WALK_MPS
    assert is_right.mean() >= (0.92 if interval_s == 300 else 0.97)


def _joint(found: list[Figures]) -> tuple[np.ndarray, ...]:
    return tuple(
        np.concatenate([getattr(f, name) for f in found])
        for name in ("is_held", "widths_s", "sigma_m", "is_right")
    )


def _record(interval_s: int, found: list[Figures]) -> None:
    is_held, widths, sigma, is_right = _joint(found)
    errors = [f.minutes / f.true_minutes - 1 for f in found]
    counts = [f.n_visits / f.n_true_visits - 1 for f in found]
    record(
        "Patrols: dwell and visits against the truth (10 seeds)",
        interval_s=interval_s,
        true_visits=sum(f.n_true_visits for f in found),
        minutes_error_percent=f"{100 * np.mean(errors):+.2f}",
        worst_seed=f"{100 * max(errors, key=abs):+.2f}",
        visits_error_percent=f"{100 * np.mean(counts):+.2f}",
        bounds_hold_percent=f"{100 * is_held.mean():.1f}",
        mean_width_s=round(float(widths.mean())),
        width_allowed_s=round(float(2 * interval_s + 8 * sigma.mean() / WALK_MPS)),
        compliance_right_percent=f"{100 * is_right.mean():.1f}",
        visits_judged=len(is_right),
    )
