"""The ledger of backfills: which windows a run computed again, why, on whose account, from which deliveries.

Here: its rows and the words of a reason. Not here: which windows have to be computed (`window_prints.py`), the computing (`refresh.py`).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import polars as pl

from hotspot_pipeline.orchestration.jobs import BY_HAND, BY_TAG, REASON_TAG, WEEKS_TAG, WHY_TAG
from hotspot_pipeline.sql_models.kernel_model import WindowedModel
from hotspot_pipeline.warehouse.session import Session

TABLE = "hexes.refreshed_windows"
OTHER_REASON = "rules, lookups, places or the force's area are others than before"
BY_NAME = "asked for by name"
FIRST = "computed for the first time"
CLOSED = "the newest day or week that closed"
Causes = Mapping[date, Mapping[str, Any]]
_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "run_id": pl.String,
    "table_name": pl.String,
    "window_start": pl.Date,
    "started_by": pl.String,
    "reason": pl.String,
    "is_changed": pl.Boolean,
    "n_came": pl.Int64,
    "n_new": pl.Int64,
    "n_left": pl.Int64,
    "n_by_lookup": pl.Int64,
    "extract_ids": pl.String,
    "refreshed_at_utc": pl.Datetime("us"),
}


def named_weeks(run: dg.DagsterRun) -> list[date]:
    """The weeks of the run's tag: `2026-01-05..2026-03-30, 2026-06-01`, each the Monday on which it starts.

    Raises dg.Failure for what is no Monday or no date.
    """
    weeks: set[date] = set()
    for part in filter(None, (p.strip() for p in run.tags.get(WEEKS_TAG, "").split(","))):
        try:
            days = [date.fromisoformat(d.strip()) for d in part.split("..")]
            first, last = days[0], days[-1]
            if len(days) > 2 or last < first:
                raise ValueError(part)
        except ValueError as error:
            raise dg.Failure(
                description=f"tag {WEEKS_TAG} '{part}': write weeks as 2026-01-05 or 2026-01-05..2026-03-30, the earlier one first",
                allow_retries=False,
            ) from error
        for day in (first, last):
            if day.weekday():
                raise dg.Failure(
                    description=f"tag {WEEKS_TAG}: {day} is a {day:%A}; a police week is named by its Monday, "
                    f"{day - timedelta(days=day.weekday())}",
                    allow_retries=False,
                )
        weeks |= {first + timedelta(days=7 * n) for n in range((last - first).days // 7 + 1)}
    return sorted(weeks)


def causes(session: Session, model: WindowedModel) -> Causes:
    """By window: what deliveries and changed lookups brought to it since it was computed last (`history.affected_weeks`)."""
    column = model.contract.time_column
    rows = session.frame(
        f"""
        select a.{column} as w, coalesce(sum(a.n_records) filter (a.side = 'came'), 0)::bigint as n_came,
            sum(a.n_new)::bigint as n_new, coalesce(sum(a.n_records) filter (a.side = 'left'), 0)::bigint as n_left,
            coalesce(sum(a.n_records) filter (a.side = 'came' and l.extract_id is not null), 0)::bigint as n_by_lookup,
            string_agg(distinct a.extract_id, ', ' order by a.extract_id) as extract_ids
        from history.affected_weeks a
        left join history.extracts e on e.extract_id = a.extract_id
        left join history.lookup_changes l on l.extract_id = a.extract_id and l.known_from_utc = a.known_from_utc
        left join (
            select window_start, max(refreshed_at_utc) as refreshed_at_utc from {TABLE} where table_name = $table group by 1
        ) r on r.window_start = a.{column}
        where a.{column} is not null
            and coalesce(r.refreshed_at_utc, timestamp '1900-01-01') < case
                when l.extract_id is not null then l.digested_at_utc
                when a.known_from_utc = e.withdrawn_known_utc then e.withdrawn_at_utc
                else e.digested_at_utc end
        group by 1
        """,
        {"table": model.name},
    )
    return {row["w"]: row for row in rows.iter_rows(named=True)}


def reason(cause: Mapping[str, Any] | None, *, is_named: bool, is_first: bool) -> str:
    """Why a window is computed, in words."""
    if cause is None:
        return BY_NAME if is_named else FIRST if is_first else OTHER_REASON
    # what a lookup counts otherwise leaves the window's figures and comes again
    by_lookup = cause["n_by_lookup"]
    came, left = cause["n_came"] - by_lookup, cause["n_left"] - by_lookup
    parts = []
    if came or left:
        parts.append(
            f"new records: {cause['n_new']}, recoded into it: {came - cause['n_new']}, recoded out of it: {left}"
        )
    if by_lookup:
        parts.append(f"counted otherwise by a changed lookup: {by_lookup}")
    return "; ".join(parts)


def partition_reason(run: dg.DagsterRun) -> str:
    """Why a run builds a partition: its turn has come, or a person launched it."""
    by_itself = {"dagster/sensor_name", "dagster/schedule_name"} & run.tags.keys()
    return CLOSED if by_itself or run.tags.get(WHY_TAG) == BY_HAND else BY_NAME


def write(
    session: Session,
    model: WindowedModel,
    run: dg.DagsterRun,
    reasons: Mapping[date, str],
    changed: Sequence[date],
    causes: Causes,
) -> None:
    """A row for each window of `reasons`; inside the transaction of the windows' rows."""
    contract = session.catalog[TABLE]
    mine = {"run": run.run_id, "table": model.name}
    session.execute(f"delete from {TABLE} where run_id = $run and table_name = $table", mine)
    by, given = run.tags.get(BY_TAG), run.tags.get(REASON_TAG)
    on_schedule = "dagster/schedule_name" in run.tags
    on_sensor = run.tags.get("dagster/sensor_name")
    started = run.tags.get(WHY_TAG) or ("the schedule" if on_schedule else on_sensor or "the UI")
    now = datetime.now(UTC).replace(tzinfo=None)
    nothing = {"n_came": 0, "n_new": 0, "n_left": 0, "n_by_lookup": 0, "extract_ids": None}
    rows = [
        {
            "run_id": run.run_id,
            "table_name": model.name,
            "window_start": window,
            "started_by": f"{started} ({by})" if by else started,
            "reason": f"{given}: {why}" if given else why,
            "is_changed": window in changed,
            **{name: causes.get(window, nothing)[name] for name in nothing},
            "refreshed_at_utc": now,
        }
        for window, why in reasons.items()
    ]
    session.insert(contract, pl.DataFrame(rows, schema=_SCHEMA))
