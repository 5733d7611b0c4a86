"""What a team was asked to do, as it knew it when it was to begin.

Here: which version of a plan item was in force. Not here: whether it was done (`slots`), the plan as delivered (`validated`).

A plan is judged with what was known when it was issued: a version counts if it was issued before its own window began. An item
of which no version was is kept apart as issued late: nobody could have followed it from the start.
"""

from __future__ import annotations

import polars as pl

TREAT, CONTROL, NOT_RANDOMISED = "treat", "control", "na"


def in_force(plan: pl.DataFrame) -> pl.DataFrame:
    """One row a plan_id, sorted by it: the columns of the version that was in force, `n_versions`, `is_issued_late` and `is_asked`.

    `plan`, one row a version in any order: plan_id, plan_version, hotspot_id, police_day, start_ms and end_ms (empty where nothing was to
    be patrolled), min_minutes, officers_planned, mode, team, is_randomised, arm, issued_ms. `is_asked`: a visit was asked for.
    """
    was_in_time = (pl.col("issued_ms") <= pl.col("start_ms")).fill_null(True)
    sorted_plan = plan.with_columns(was_in_time=was_in_time).sort(
        "plan_id", "was_in_time", "plan_version", "issued_ms"
    )
    # the last version that came in time; without one the first that came at all
    chosen = (
        pl.when(pl.col("was_in_time").any().over("plan_id"))
        .then(pl.int_range(pl.len()).over("plan_id") == pl.len().over("plan_id") - 1)
        .otherwise(pl.int_range(pl.len()).over("plan_id") == 0)
    )
    return (
        sorted_plan.with_columns(n_versions=pl.len().over("plan_id"), is_chosen=chosen)
        .filter("is_chosen")
        .with_columns(
            is_issued_late=~pl.col("was_in_time"),
            is_asked=pl.col("start_ms").is_not_null()
            & (pl.col("end_ms") > pl.col("start_ms")).fill_null(False)
            & (pl.col("arm") != CONTROL),
        )
        .drop("was_in_time", "is_chosen")
    )
