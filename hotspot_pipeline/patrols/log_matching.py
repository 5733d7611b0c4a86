"""What officers wrote down beside what the fixes show: both, only the fixes, only the log.

Here: pairs of a log and a visit. Not here: visits (`visits`), what a log says was done (`dbt_like_sql/patrols`).

A log and a visit of one hotspot can be the same if an officer of the log made the visit (where the log names none, any officer), and they
overlap for half or more of the shorter one, or begin within 15 minutes of each other (DOMAIN §4.4: logged times are rounded). Of all
pairs that can be, the closest is taken first, and each log and each visit is in one pair only.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from hotspot_pipeline.patrols.rules import MINUTE

BOTH, GPS_ONLY, LOG_ONLY = "both", "gps_only", "log_only"


@dataclass(frozen=True, slots=True)
class MatchRules:
    least_overlap: float = 0.5
    start_within_ms: int = 15 * MINUTE


def match(
    logs: pl.DataFrame, visits: pl.DataFrame, rules: MatchRules = MatchRules()
) -> pl.DataFrame:
    """evidence (both, gps_only, log_only), log_id, visit_id, overlap_ms, start_off_ms: one row a pair, and one for each that stayed alone.

    `logs`: log_id, hotspot_id, start_ms, end_ms (empty: only the beginning is compared), officers (list of text, may be empty).
    `visits`: visit_id, hotspot_id, start_ms, end_ms, officers (list of text). Sorted by log_id and visit_id, logs first.
    """
    pairs = _closest(_possible(logs, visits, rules))
    alone_logs = logs.select("log_id").join(pairs, on="log_id", how="anti")
    alone_visits = visits.select("visit_id").join(pairs, on="visit_id", how="anti")
    return pl.concat(
        [
            pairs.with_columns(evidence=pl.lit(BOTH)),
            alone_logs.with_columns(evidence=pl.lit(LOG_ONLY)),
            alone_visits.with_columns(evidence=pl.lit(GPS_ONLY)),
        ],
        how="diagonal",
    ).select("evidence", "log_id", "visit_id", "overlap_ms", "start_off_ms").sort("log_id", "visit_id", nulls_last=True)  # fmt: skip


def _possible(logs: pl.DataFrame, visits: pl.DataFrame, rules: MatchRules) -> pl.DataFrame:
    named = pl.col("officers").list.set_intersection("officers_right").list.len() > 0
    anybody = (pl.col("officers").list.len() == 0) | (pl.col("officers_right").list.len() == 0)
    shorter = pl.min_horizontal(
        pl.col("end_ms") - pl.col("start_ms"), pl.col("end_ms_right") - pl.col("start_ms_right")
    )
    overlap = pl.min_horizontal("end_ms", "end_ms_right") - pl.max_horizontal("start_ms", "start_ms_right")  # fmt: skip
    return (
        logs.select("log_id", "hotspot_id", "start_ms", "end_ms", "officers")
        .with_columns(pl.col("officers").fill_null([]))
        .join(
            visits.select("visit_id", "hotspot_id", "start_ms", "end_ms", "officers").with_columns(
                pl.col("officers").fill_null([])
            ),
            on="hotspot_id",
        )
        .with_columns(
            overlap_ms=pl.when(pl.col("end_ms").is_not_null())
            .then(pl.max_horizontal(overlap, pl.lit(0)))
            .otherwise(0),
            start_off_ms=(pl.col("start_ms") - pl.col("start_ms_right")).abs(),
            shorter_ms=shorter,
        )
        .filter(
            (named | anybody).fill_null(True)
            & (
                (
                    (pl.col("overlap_ms") > 0)
                    & (pl.col("overlap_ms") >= rules.least_overlap * pl.col("shorter_ms"))
                )
                | (pl.col("start_off_ms") <= rules.start_within_ms)
            )
        )
        .select("log_id", "visit_id", "overlap_ms", "start_off_ms")
    )


def _closest(possible: pl.DataFrame) -> pl.DataFrame:
    """Pairs in which each log and each visit comes once: most time shared first, then nearest beginnings."""
    ordered = possible.sort(
        "overlap_ms", "start_off_ms", "log_id", "visit_id", descending=[True, False, False, False]
    )
    taken_logs: set[str] = set()
    taken_visits: set[str] = set()
    kept: list[int] = []
    for row, (log, visit) in enumerate(ordered.select("log_id", "visit_id").iter_rows()):
        if log not in taken_logs and visit not in taken_visits:
            taken_logs.add(log)
            taken_visits.add(visit)
            kept.append(row)
    return ordered[kept]
