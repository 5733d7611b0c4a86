"""Is an extract as large as it should be (check C3)? A partial file must not pass for a quiet night.

Here: the judgement. Not here: what earlier extracts held (the caller reads `validated.extract_counts`).
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from hotspot_pipeline.validated.gate import GateOutcome

FULL_AT_LEAST = 0.995
DELTA_WITHIN = 0.40
MIN_DELTAS = 4
NAME = "volume"


def volume_outcome(kind: str, n_rows: int, earlier: Sequence[int]) -> GateOutcome:
    """`earlier`: rows of accepted extracts of the same feed and kind, oldest first; for deltas, of the same weekday.

    A full extract needs at least 99.5 % of the rows of the one before, else it is held. A delta is compared with the
    median of at least four earlier ones and only warned about (40 % either way): a quiet night is possible.
    """
    if kind == "full" and earlier:
        share = n_rows / earlier[-1] if earlier[-1] else 1.0
        return _outcome(
            "error",
            share >= FULL_AT_LEAST,
            share,
            f">= {FULL_AT_LEAST} of the full extract before",
            n_rows,
        )
    if kind == "delta" and len(earlier) >= MIN_DELTAS:
        middle = median(earlier)
        share = n_rows / middle if middle else 1.0
        passed = 1 - DELTA_WITHIN <= share <= 1 + DELTA_WITHIN
        return _outcome(
            "warn", passed, share, "within 40 % of the median of the same weekday", n_rows
        )
    return _outcome("warn", True, None, "nothing yet to compare with", n_rows)


def _outcome(
    severity: str, passed: bool, share: float | None, threshold: str, n_rows: int
) -> GateOutcome:
    observed = None if share is None else round(share, 4)
    return GateOutcome(NAME, "C3", severity, passed, observed, threshold, n_rows)
