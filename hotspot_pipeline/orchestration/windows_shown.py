"""Windows of a partitioned table that one step of a job without partitions computed, told to Dagster partition by partition.

Here: which partitions are reported, with what. Not here: which windows are computed (`hexes/refresh.py`, `patrols/assets.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from hotspot_pipeline.orchestration.partitions import key_date
from hotspot_pipeline.orchestration.tables import Workshop
from hotspot_pipeline.warehouse.contract import TableContract
from hotspot_pipeline.warehouse.results import Write
from hotspot_pipeline.warehouse.session import Session

_STEP = {"daily": 1, "weekly": 7}


def show_windows(
    shop: Workshop,
    session: Session,
    context: dg.AssetExecutionContext,
    contract: TableContract,
    write: Write,
    shown: Collection[date],
    why: Mapping[date, str],
    extracts: Mapping[date, str | None] | None = None,
) -> int:
    """One materialisation a partition: those to be shown, and those in between that never were, even if empty; then the checks of the
    table. Returns how many."""
    partitions = shop.partitions(contract)
    assert partitions is not None
    key = shop.key(contract.name)
    clock = shop.police_time
    now = datetime.now(UTC)
    closed = (
        clock.last_closed_week(now)
        if contract.partition == "weekly"
        else clock.last_closed_day(now)
    )
    rows = dict(
        session.frame(
            f'select "{contract.time_column}" as w, count(*) as n from {contract.name} group by 1'
        ).iter_rows()
    )
    done = {key_date(k) for k in context.instance.get_materialized_partitions(key)}
    span = _span(rows, _STEP[contract.partition], closed)
    names = {key_date(k): k for k in partitions.get_partition_keys(current_time=now)}
    due = [w for w in {*span, *shown} if w in names and (w in shown or w not in done)]
    for window in sorted(due):
        of = (extracts or {}).get(window)
        context.log_event(
            dg.AssetMaterialization(
                key,
                partition=names[window],
                metadata={
                    "dagster/partition_row_count": rows.get(window, 0),
                    "dagster/row_count": write.n_rows,
                    "reason": why.get(window, "first seen, nothing to count"),
                    **({"extracts": of} if of else {}),
                },
            )
        )
    for result in shop.check_results(contract.name, write.audits):
        context.instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                asset_key=key,
                check_name=str(result.check_name),
                passed=result.passed,
                metadata=result.metadata,
                severity=result.severity,
                description=result.description,
                blocking=result.severity == dg.AssetCheckSeverity.ERROR,
            )
        )
    return len(due)


def _span(rows: Mapping[date, int], step_days: int, closed: date) -> list[date]:
    """Every window from the first with rows to the last closed one."""
    if not rows:
        return []
    first = min(rows)
    last = min(max(max(rows), first), closed)
    return [first + timedelta(days=d) for d in range(0, (last - first).days + 1, step_days)]
