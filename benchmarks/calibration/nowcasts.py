"""What a week will have come to, said while its records still come in, beside what it came to.

Here: one week of a force, asked again at ages at which the pipeline says so. Not here: the formula (the pipeline's), what should be covered
(`verdicts`).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.calibration.row import Row
from benchmarks.calibration.worlds import World
from hotspot_pipeline.evaluation.nowcast import completeness, nowcast

AGES = (1, 7, 28)
SETTLED = 90


def nowcasts(world: World) -> Iterator[Row]:
    """Events that all places, and one of them, will have had in a week: of a place by the completeness of all, as the pipeline does."""
    settled = world.on_record(SETTLED)
    # the last week that is settled when the simulation ends
    week = settled.shape[1] - 1 - -(-SETTLED // 7)
    place = world.seed % len(settled)
    for age in AGES:
        known = world.on_record(age)
        # at that age, weeks are settled that ended so many days before this one
        last = week - -(-(SETTLED - age) // 7)
        of = completeness(known[:, : last + 1].sum(axis=0), settled[:, : last + 1].sum(axis=0))
        assert of is not None
        for name, told, came in (
            ("all places", known[:, week].sum(), settled[:, week].sum()),
            ("a place", known[place, week], settled[place, week]),
        ):
            found = nowcast(int(told), of)
            yield Row(
                world.name, f"nowcast of {name} at +{age} d", world.seed,
                found.expected, found.low, found.high, np.nan, float(came),
            )  # fmt: skip
