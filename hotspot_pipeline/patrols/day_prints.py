"""Which police days were computed from other deliveries, areas or rules than stand now?

Here: the print of each day by what it follows from, the days that differ, and why in words. Not here: the computing (`day_tables`).

A day follows from its stored fixes (of the days beside it too where a duty runs through 06:00), the duties that touch it, its plan and
logs, and from what all days share: areas, premises, hot windows, definitions of the night, rules, code. So a late fix makes exactly
the days stale that it can change. Days whose fixes were removed at the end of their retention keep what was computed from them.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from types import ModuleType

import polars as pl

from hotspot_pipeline.patrols.day_inputs import DAYS, DUTIES, LOGS, LONGEST_DUTY, PLAN
from hotspot_pipeline.timebase import PoliceTime
from hotspot_pipeline.warehouse.session import Session

TABLE = "patrols.day_prints"
_PARTS = {
    "fixes_print": "fixes",
    "duties_print": "duties",
    "plan_print": "the plan",
    "logs_print": "logs",
    "basis": "areas, premises, hot windows, rules or code",
}
_ASKED = "asked_police_days"


def code_version(modules: Sequence[ModuleType]) -> str:
    """Of the parsed modules, so that a comment makes nothing stale."""
    trees = [ast.dump(ast.parse(inspect.getsource(m))) for m in modules]
    return hashlib.sha256("\n".join(trees).encode()).hexdigest()[:16]


def days_with_anything(session: Session, clock: PoliceTime, now_utc: datetime) -> list[date]:
    """Closed police days from the first to the last with fixes, a plan or logs, without those that their retention has sealed."""
    found = session.frame(
        f"""
        select min(police_day) as first_day, max(police_day) as last_day from (
            select police_day from {DAYS} where state <> 'empty'
            union all select police_day from {PLAN} union all select police_day from {LOGS}
        )
        """
    ).row(0)
    sealed = session.value(f"select max(police_day) from {DAYS} where state = 'removed'")
    first, last = found
    if first is None:
        return []
    if sealed is not None:
        # the day after reads fixes of the one that was removed
        first = max(first, sealed + timedelta(days=2))
    last = min(last, clock.last_closed_day(now_utc))
    return [first + timedelta(days=d) for d in range((last - first).days + 1)]


def prints(session: Session, clock: PoliceTime, days: Sequence[date], basis: str) -> pl.DataFrame:
    """police_day and the prints of what it follows from."""
    windows = [clock.day_window(d) for d in days]
    asked = pl.DataFrame(
        {
            "police_day": days,
            "start_utc": [w.start_utc.replace(tzinfo=None) for w in windows],
            "end_utc": [w.end_utc.replace(tzinfo=None) for w in windows],
        },
        schema={"police_day": pl.Date, "start_utc": pl.Datetime("us"), "end_utc": pl.Datetime("us")},
    )  # fmt: skip
    session.stage(_ASKED, asked)
    columns = {
        table: ", ".join(f"x.{c}" for c in session.catalog[table].column_types)
        for table in (DUTIES, PLAN, LOGS)
    }
    return session.frame(
        f"""
        with duty as (
            select d.police_day, count(*) || ':' || sum(hash({columns[DUTIES]})) as print,
                bool_or(x.start_utc < d.start_utc) as has_before,
                bool_or(coalesce(x.end_utc, x.start_utc + {LONGEST_DUTY}) > d.end_utc) as has_after
            from {_ASKED} d
            join {DUTIES} x on x.start_utc < d.end_utc and coalesce(x.end_utc, x.start_utc + {LONGEST_DUTY}) > d.start_utc
            group by 1
        ),
        plan as (select police_day, count(*) || ':' || sum(hash({columns[PLAN]})) as print from {PLAN} x group by 1),
        logs as (select police_day, count(*) || ':' || sum(hash({columns[LOGS]})) as print from {LOGS} x group by 1),
        fixes as (select police_day, sha256 from {DAYS} where state = 'stored')
        select d.police_day,
            concat_ws(',', coalesce(f.sha256, 'none'), case when duty.has_before then b.sha256 end,
                case when duty.has_after then a.sha256 end) as fixes_print,
            coalesce(duty.print, 'none') as duties_print, coalesce(plan.print, 'none') as plan_print,
            coalesce(logs.print, 'none') as logs_print, $basis as basis
        from {_ASKED} d
        left join duty on duty.police_day = d.police_day
        left join plan on plan.police_day = d.police_day
        left join logs on logs.police_day = d.police_day
        left join fixes f on f.police_day = d.police_day
        left join fixes b on b.police_day = d.police_day - 1
        left join fixes a on a.police_day = d.police_day + 1
        order by 1
        """,
        {"basis": basis},
    )


def stale(session: Session, now: pl.DataFrame) -> dict[date, str]:
    """The days of `prints` to compute, each with the reason."""
    known = session.frame(f"select police_day, {', '.join(_PARTS)} from {TABLE}")
    both = now.join(known, on="police_day", how="left", suffix="_before")
    found: dict[date, str] = {}
    for row in both.iter_rows(named=True):
        if row["basis_before"] is None:
            found[row["police_day"]] = "first computed"
            continue
        changed = [words for part, words in _PARTS.items() if row[part] != row[f"{part}_before"]]
        if changed:
            found[row["police_day"]] = f"changed: {', '.join(changed)}"
    return found


def note(
    session: Session, now: pl.DataFrame, why: Mapping[date, str], run_id: str, at: datetime
) -> None:
    """Writes the prints of days that were just computed, all their tables before."""
    rows = now.filter(pl.col("police_day").is_in(list(why))).with_columns(
        reason=pl.col("police_day").replace_strict(why, return_dtype=pl.String) if why else pl.lit(""),
        computed_at_utc=pl.lit(at, pl.Datetime("us")),
        run_id=pl.lit(run_id),
    )  # fmt: skip
    if rows.is_empty():
        return
    with session.transaction():
        session.execute(
            f"delete from {TABLE} where police_day in (select unnest($days::date[]))",
            {"days": rows["police_day"].to_list()},
        )
        session.insert(session.catalog[TABLE], rows)
