"""One figure of one simulated force. Not here: how it is made (`figures`, `nowcasts`), what many come to (`verdicts`)."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """One estimate of one seed; nan where there is none. `value`, `truth` and the bounds are on the estimator's scale."""

    scenario: str
    estimator: str
    seed: int
    value: float
    low: float
    high: float
    p_value: float
    truth: float
    is_flagged: bool = False
