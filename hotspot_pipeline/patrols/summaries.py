"""What follows from the computed days by week, by hotspot and in all: compliance, fidelity to the lot, coverage.

Here: reading the day tables and calling the kernels. Not here: the kernels (`compliance`, `coverage`), the days (`day_tables`).
"""

from __future__ import annotations

import polars as pl

from hotspot_pipeline.patrols.compliance import compliance, fidelity
from hotspot_pipeline.patrols.coverage import days_since, hours_within_reach
from hotspot_pipeline.timebase import PoliceTime
from hotspot_pipeline.warehouse.session import Session

COMPLIANCE, FIDELITY, COVERAGE = (
    "patrols.compliance", "patrols.trial_fidelity", "patrols.coverage_weekly",
)  # fmt: skip
SUMMARIES = (COMPLIANCE, FIDELITY, COVERAGE)
_DAY_MS = 86_400_000
_WEEK = "cast(date_trunc('week', police_day) as date)"
_SLOTS = f"select *, {_WEEK} as week_start from patrols.plan_answers order by plan_id"
_TRIAL = """
    with lot as (
        select p.hotspot_id, p.police_day, p.arm
        from history.patrol_plan_versions p
        join patrols.day_prints d on d.police_day = p.police_day
        where p.randomised and p.arm in ('treat', 'control') and p.is_latest
        group by all
    )
    select l.hotspot_id, l.police_day, l.arm, coalesce(d.n_effective, 0) as n_effective,
        coalesce(d.presence_ms - d.reactive_ms, 0) as presence_ms
    from lot l
    left join patrols.dose_daily d on d.hotspot_id = l.hotspot_id and d.police_day = l.police_day and d.zone_kind = 'hotspot'
    order by all
"""
_DOSE = f"""
    select hotspot_id, police_day, {_WEEK} as week_start, patrol_ms, officer_ms, hot_window_ms, n_effective
    from patrols.dose_daily where zone_kind = 'hotspot' order by hotspot_id, police_day
"""
_EFFECTIVE = """
    select hotspot_id, epoch_ms(start_utc) as start_ms, epoch_ms(end_utc) as end_ms
    from patrols.visits where is_effective and zone_kind = 'hotspot' order by all
"""


def summaries(session: Session, clock: PoliceTime) -> dict[str, pl.DataFrame]:
    return {
        COMPLIANCE: _compliance(session.frame(_SLOTS)),
        FIDELITY: _fidelity(session.frame(_TRIAL)),
        COVERAGE: _coverage(session.frame(_DOSE), session.frame(_EFFECTIVE), clock),
    }


def _compliance(slots: pl.DataFrame) -> pl.DataFrame:
    if slots.is_empty():
        empty = compliance(slots, ["hotspot_id", "week_start"])
        return empty.with_columns(scope=pl.lit("", pl.String))
    week, hotspot = pl.col("week_start").cast(pl.String), pl.col("hotspot_id")
    scopes = {
        (): pl.lit("everything"),
        ("week_start",): pl.format("week from {}", week),
        ("hotspot_id",): hotspot,
        ("hotspot_id", "week_start"): pl.format("{}, week from {}", hotspot, week),
    }
    return pl.concat(
        [compliance(slots, by).with_columns(scope=name) for by, name in scopes.items()],
        how="diagonal_relaxed",
    )


def _fidelity(days: pl.DataFrame) -> pl.DataFrame:
    rows = fidelity(days).with_columns(trial=pl.lit("randomised days"))
    return rows if days.height else rows.clear()


def _coverage(dose: pl.DataFrame, effective: pl.DataFrame, clock: PoliceTime) -> pl.DataFrame:
    """Weeks as far as their days are computed; gaps between computed days do not count as time without patrol."""
    days = dose["police_day"].unique().sort()
    windows = [clock.day_window(d) for d in days]
    moments = pl.DataFrame(
        {
            "police_day": days,
            "start_ms": [int(w.start_utc.timestamp() * 1000) for w in windows],
            "end_ms": [int(w.end_utc.timestamp() * 1000) for w in windows],
        },
        schema={"police_day": pl.Date, "start_ms": pl.Int64, "end_ms": pl.Int64},
    )
    daily = dose.join(moments, on="police_day")
    spans = daily.select("hotspot_id", "start_ms", "end_ms", span=pl.col("police_day").cast(pl.String))  # fmt: skip
    reach = hours_within_reach(effective, spans)
    reached = daily.with_columns(span=pl.col("police_day").cast(pl.String)).join(
        reach, on=["hotspot_id", "span"]
    )
    n = pl.col("n_effective")
    weeks = reached.group_by("hotspot_id", "week_start").agg(
        n_days=pl.len().cast(pl.Int64),
        n_days_none=(n == 0).sum().cast(pl.Int64),
        n_days_one=(n == 1).sum().cast(pl.Int64),
        n_days_more=(n > 1).sum().cast(pl.Int64),
        patrol_ms=pl.col("patrol_ms").sum(),
        officer_ms=pl.col("officer_ms").sum(),
        hot_window_ms=pl.col("hot_window_ms").sum(),
        length_ms=pl.col("length_ms").sum(),
        reached_ms=pl.col("reached_ms").sum(),
        at_ms=pl.col("end_ms").max(),
    )
    since = days_since(effective, weeks.select("hotspot_id", "at_ms"))
    patrol, length = pl.col("patrol_ms"), pl.col("length_ms")
    return (
        weeks.join(since, on=["hotspot_id", "at_ms"], how="left")
        .with_columns(day_ms=pl.int_range(pl.len()) * 0 + _DAY_MS)  # by a column: the same to the last digit
        .with_columns(
            share_in_hot_windows=pl.when(patrol > 0).then(pl.col("hot_window_ms") / patrol),
            share_reached=pl.when(length > 0).then(pl.col("reached_ms") / length),
            days_since_last=pl.col("since_ms") / pl.col("day_ms"),
        )
        .sort("hotspot_id", "week_start")
    )  # fmt: skip
