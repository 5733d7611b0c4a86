"""How an incident log grows: opened, attended, closed, and opened again for a few.

Belongs here: the changes of an ASB log after it was opened. Does not belong here: the incidents (`asb`), their states
(`versions`).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.crime.clock import skip_missing_hour, time_column
from hotspot_pipeline.simulator.crime.hazards import Lag, drawn

REOPENED_SHARE = 0.015
REOPENED_LAG = Lag(2.0, 0.8)
STAYS_OPEN_LAG = Lag(0.5, 0.8)
# What is known only when a log is closed.
_AT_CLOSING = (
    "closed_ts_local",
    "closing_codes",
    "nsir_qualifier",
    "asb_type",
    "linked_crime_number",
    "duplicate_of",
)
FAMILIES: Mapping[str, tuple[str, ...]] = {
    "arrival": ("first_arrival_ts_local",),
    "closing": _AT_CLOSING,
}


def first_states(asb: pl.DataFrame) -> pl.DataFrame:
    """The logs as they are when opened."""
    names = [name for family in FAMILIES.values() for name in family]
    return asb.with_columns(pl.lit(None, asb.schema[name]).alias(name) for name in names)


def log_changes(rng: np.random.Generator, asb: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Family -> its changes, as `versions.make_versions` takes them. `asb` in order of `idx`, which counts from 0."""
    n = len(asb)
    closed = asb["closed_ts_local"].to_numpy()
    is_reopened = drawn(rng, REOPENED_SHARE, n) & asb["linked_crime_number"].is_null().to_numpy()
    reopened = REOPENED_LAG.after(rng, closed)
    closed_again = STAYS_OPEN_LAG.after(rng, reopened)
    has = np.flatnonzero(is_reopened).tolist()
    arrived = asb.filter(pl.col("first_arrival_ts_local").is_not_null())
    arrival = arrived.select(
        "idx",
        changed_ts_local="first_arrival_ts_local",
        event=pl.lit("attended"),
        why=pl.lit("first unit on scene"),
        first_arrival_ts_local="first_arrival_ts_local",
    )
    closing = asb.select(
        "idx",
        *_AT_CLOSING,
        changed_ts_local="closed_ts_local",
        event=pl.lit("closed"),
        why=pl.lit("dealt with"),
    )
    again = closing[has]
    opened_again = (
        first_states(asb)[has]
        .select("idx", *_AT_CLOSING)
        .with_columns(
            changed_ts_local=time_column(reopened[has]),
            event=pl.lit("reopened"),
            why=pl.lit("caller rang again"),
        )
    )
    finally_closed = again.with_columns(
        changed_ts_local=time_column(closed_again[has]),
        closed_ts_local=time_column(skip_missing_hour(closed_again[has])),
        event=pl.lit("closed_again"),
    )
    names = ["idx", "changed_ts_local", "event", "why", *_AT_CLOSING]
    return {
        "arrival": arrival,
        "closing": pl.concat([f.select(names) for f in (closing, opened_again, finally_closed)]),
    }
