"""The parameters of patrol measurement, with the defaults they start from.

Here: plain values, and what each means. Not here: what is done with them (`cleaning`, `dwell`, `visits`).
"""

from __future__ import annotations

from dataclasses import dataclass

S = 1_000  # milliseconds
MINUTE = 60 * S


@dataclass(frozen=True, slots=True)
class CleaningRules:
    """When a fix does not count, or counts for less.

    `at_scene_statuses`: radio states at the scene of a call. `static_statuses`: radio states in which a handheld that repeats its position may well be standing still (6: at the scene).
    `worn_first`: kinds of device, the one most surely on the officer first; it counts unless it was silent for `silent_ms`.
    """

    ahead_ms: int = 2 * MINUTE
    at_scene_statuses: tuple[int, ...] = (6,)
    oldest_ms: int = 7 * 24 * 60 * MINUTE
    max_speed_mps: float = 70.0
    stuck_ms: int = 10 * MINUTE
    static_statuses: tuple[int, ...] = (6,)
    poor_accuracy_m: float = 50.0
    poor_hdop: float = 6.0
    base_m: float = 50.0
    drift_ms: int = 3 * MINUTE
    drift_spread_ms: int = MINUTE
    drift_fixes: int = 20
    silent_ms: int = 10 * MINUTE
    worn_first: tuple[str, ...] = ("handheld", "app", "tracker", "vehicle")

    def __post_init__(self) -> None:
        _positive(self, "ahead_ms", "oldest_ms", "max_speed_mps", "stuck_ms", "drift_ms")


@dataclass(frozen=True, slots=True)
class DwellRules:
    """How fixes become time in a zone.

    A gap between fixes longer than `max_gap_ms`, or than `max_gap_intervals` times the device's median interval where that is
    more (but never than `longest_gap_ms`), is time of which nothing is known beyond half of that on either side.
    A stay ends with the first fix more than `exit_buffer_m` outside. `sigma_m`: GPS noise along each axis where a fix
    does not say its accuracy; said noise is taken between `least_sigma_m` and `most_sigma_m`. Bounds are drawn
    `n_sigma` of it inside and outside the outline. `speed_limits_mps`: up to them a fix is still, on foot, brisk, by cycle.
    """

    max_gap_ms: int = 300 * S
    max_gap_intervals: float = 2.5
    longest_gap_ms: int = 600 * S
    exit_buffer_m: float = 20.0
    n_sigma: float = 2.0
    sigma_m: float = 8.0
    least_sigma_m: float = 3.0
    most_sigma_m: float = 20.0
    speed_limits_mps: tuple[float, float, float, float] = (0.5, 2.5, 4.0, 6.0)

    def __post_init__(self) -> None:
        _positive(self, "max_gap_ms", "max_gap_intervals", "n_sigma", "sigma_m")
        if self.longest_gap_ms < self.max_gap_ms:
            raise ValueError(
                f"longest_gap_ms is {self.longest_gap_ms}, less than max_gap_ms ({self.max_gap_ms}); it caps the gap of "
                "slow devices, so give the same or more"
            )
        if self.exit_buffer_m < 0:
            raise ValueError(f"exit_buffer_m must be 0 or more metres, not {self.exit_buffer_m}")

    @classmethod
    def of_resolution(cls, resolution: int) -> DwellRules:
        """Defaults for hotspots made of H3 cells of a resolution: the smaller the cell, the more noise at its edge matters."""
        return cls(exit_buffer_m=25.0 if resolution >= 10 else 20.0)

    @property
    def reach_m(self) -> float:
        """How far outside a zone a fix can still matter to it."""
        return max(self.exit_buffer_m, self.n_sigma * self.most_sigma_m)


@dataclass(frozen=True, slots=True)
class VisitRules:
    """How stays become visits, and of which kind.

    `merge_gap_ms`: stays of one party in one zone no further apart are one visit. Classes in milliseconds of patrol: under
    `pass_through_ms` a pass-through, then short, Koper, standard, extended. `reactive_ms`: as near to a moment at a scene in the zone
    a visit answers a call.
    """

    merge_gap_ms: int = 180 * S
    least_foot_share: float = 0.2
    pass_through_ms: int = 3 * MINUTE
    koper_from_ms: int = 10 * MINUTE
    koper_to_ms: int = 16 * MINUTE
    standard_to_ms: int = 30 * MINUTE
    reactive_ms: int = 10 * MINUTE
    funded_deployment: str = "hotspot_funded"

    def __post_init__(self) -> None:
        _positive(self, "merge_gap_ms", "pass_through_ms", "reactive_ms")


def _positive(rules: object, *names: str) -> None:
    for name in names:
        value = getattr(rules, name)
        if not value > 0:
            raise ValueError(f"{type(rules).__name__}.{name} must be more than 0, not {value!r}")
