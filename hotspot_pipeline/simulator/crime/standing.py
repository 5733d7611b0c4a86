"""Whether a crime still stands: cancelled, taken back, transferred, or merged into another.

Belongs here: the changes of family `status` (DOMAIN §1.5, §8.3). Does not belong here: the other families (`recodes`),
how often and when (`hazards`). A record that no longer stands stays in every extract with its status.

A duplicate is merged into the crime of its kind recorded before it in the same cell. That one may be merged itself or
be cancelled, so chains occur; since it was recorded earlier they never close.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.crime import hazards
from hotspot_pipeline.simulator.crime.clock import Times, time_column
from hotspot_pipeline.simulator.crime.hazards import drawn

_CANCEL_REASONS = {"C2": 0.82, "C4": 0.12, "C5": 0.06}
_WHY = {
    "C2": "additional information: no crime",
    "C4": "recorded in error",
    "C5": "self-defence",
}
_CHAINED = 0.05  # further share that is merged where the one before it is
DUPLICATE_WITHIN_DAYS = 30
_MOST = 0.25  # no record is likelier to be a duplicate than this, however few could be
_Rows = list[tuple[np.ndarray, Times, str, str, str | None, str]]


def status_changes(
    rng: np.random.Generator, crimes: pl.DataFrame, is_robbery: np.ndarray
) -> pl.DataFrame:
    """Changes of `record_status`, `cancel_reason` and `merged_into`."""
    n = len(crimes)
    recorded = crimes["recorded_ts_local"].to_numpy()
    reasons = np.array(list(_CANCEL_REASONS))[
        np.searchsorted(
            np.cumsum(list(_CANCEL_REASONS.values()))[:-1], rng.uniform(size=n), "right"
        )
    ]
    lags = hazards.CANCEL_LAGS
    by_horizon = sum(s * lags[r].share_by(hazards.HORIZON_DAYS) for r, s in _CANCEL_REASONS.items())
    cancel = np.where(is_robbery, hazards.CANCEL_ROBBERY, hazards.CANCEL) / by_horizon
    target = _earlier_of_its_kind(crimes)
    transfer = hazards.TRANSFER_LAG.for_ever(hazards.TRANSFER)
    merge = hazards.MERGE_LAG.for_ever(hazards.MERGE) / max((target >= 0).mean(), 1e-9)
    merge_share = np.where(target >= 0, min(merge, _MOST), 0.0)
    u = rng.uniform(size=n)
    is_cancelled = u < cancel
    is_transferred = ~is_cancelled & (u < cancel + transfer)
    is_merged = ~is_cancelled & ~is_transferred & (u < cancel + transfer + merge_share)
    is_merged |= (
        drawn(rng, _CHAINED, n)
        & ~is_cancelled
        & ~is_transferred
        & (target >= 0)
        & is_merged[target]
    )
    # A duplicate of another force's crime goes with it: not simulated.
    is_merged &= ~is_transferred[target]

    rows: _Rows = []
    cancelled_at = np.zeros(n, dtype="datetime64[s]")
    for reason in _CANCEL_REASONS:
        at = lags[reason].after(rng, recorded)
        mine = is_cancelled & (reasons == reason)
        cancelled_at = np.where(mine, at, cancelled_at)
        rows.append((mine, at, "cancelled", "cancelled", reason, _WHY[reason]))
    rows += _taken_back(rng, is_cancelled, cancelled_at, float(cancel.mean()), recorded)
    at = hazards.TRANSFER_LAG.after(rng, recorded)
    rows.append((is_transferred, at, "transferred", "transferred_out", "C1", "outside the force"))
    at = hazards.MERGE_LAG.after(rng, recorded)
    rows.append((is_merged, at, "merged", "merged", "C3", "duplicate of a recorded crime"))
    numbers = crimes["crime_number"]
    frames = []
    for mask, when, event, status, reason_or_none, why in rows:
        has = np.flatnonzero(mask)
        into = numbers[target[has].tolist()] if event == "merged" else None
        frames.append(_frame(has, when, event, status, reason_or_none, why, into))
    return pl.concat(frames)


def _taken_back(
    rng: np.random.Generator,
    is_cancelled: np.ndarray,
    cancelled_at: Times,
    cancel_share: float,
    recorded: Times,
) -> _Rows:
    """A few cancellations are reversed by an audit, and a few of those made again."""
    n = len(is_cancelled)
    lag = hazards.UNCANCEL_LAG
    in_time = lag.share_by_after(hazards.CANCEL_LAGS["C2"], hazards.HORIZON_DAYS)
    share = hazards.UNCANCEL / in_time / max(cancel_share, 1e-9)
    is_back = is_cancelled & drawn(rng, share, n)
    is_again = is_back & drawn(rng, hazards.RECANCEL, n)
    since = np.where(is_cancelled, cancelled_at, recorded.astype("datetime64[s]"))
    back_at = lag.after(rng, since)
    again_at = hazards.CANCEL_LAGS["C2"].after(rng, back_at)
    return [
        (is_back, back_at, "uncancelled", "live", None, "audit: wrongly cancelled"),
        (is_again, again_at, "recancelled", "cancelled", "C2", _WHY["C2"]),
    ]


def _earlier_of_its_kind(crimes: pl.DataFrame) -> np.ndarray:
    """(n,) position of the crime of the same kind recorded last before it in the same cell, or -1."""
    order = crimes.select("idx", "kind", "cell", "recorded_ts_local").sort(
        "kind", "cell", "recorded_ts_local", "idx"
    )
    same = (pl.col("kind") == pl.col("kind").shift(1)) & (pl.col("cell") == pl.col("cell").shift(1))
    gap = pl.col("recorded_ts_local") - pl.col("recorded_ts_local").shift(1)
    is_near = gap <= pl.duration(days=DUPLICATE_WITHIN_DAYS)
    before = order.select(
        "idx", target=pl.when(same & is_near).then(pl.col("idx").shift(1)).otherwise(-1)
    ).sort("idx")
    return before["target"].fill_null(-1).to_numpy()


def _frame(
    has: np.ndarray,
    when: Times,
    event: str,
    status: str,
    reason: str | None,
    why: str,
    into: pl.Series | None,
) -> pl.DataFrame:
    n = len(has)
    return pl.DataFrame(
        {
            "idx": pl.Series(has, dtype=pl.Int64),
            "changed_ts_local": time_column(when[has]),
            "event": _same(event, n),
            "why": _same(why, n),
            "record_status": _same(status, n),
            "cancel_reason": _same(reason, n),
            "merged_into": _same(None, n) if into is None else into,
        }
    )


def _same(value: str | None, n: int) -> pl.Series:
    return pl.Series([value], dtype=pl.String).new_from_index(0, n)
